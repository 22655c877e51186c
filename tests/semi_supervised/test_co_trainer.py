# SPDX-License-Identifier: BSD-3-Clause
"""CoTrainer: the algorithm row by row, its limits, its theory, its effect."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_theory.model_selection import SemiSupervisedSplit
from sklearn_theory.semi_supervised import CoTrainer
from sklearn_theory.semi_supervised._co_training import (
    agreed_labels,
    combine_views,
    confident_labels,
)
from sklearn_theory.semi_supervised._co_training_report import (
    conditional_information,
    information_if_independent,
)

VIEWS = ([0, 1], [2, 3])
# Its probabilities do not reach one, so that none are tied.
SMOOTH = GaussianNB(var_smoothing=0.5)


@pytest.fixture
def data(rng):
    """Three Gaussian classes with two independent views of two columns each."""
    truth = np.arange(150) % 3
    X = rng.normal(size=(150, 4)) + 1.5 * np.column_stack([truth] * 4)
    return X, np.where(np.arange(150) < 12, truth, -1), truth


def twin(X, y, *, k, pool_size, max_iter, seed):
    """Co-training as in the paper's table, row by row."""
    y, queue = (
        y.tolist(),
        np.random.RandomState(seed).permutation(np.flatnonzero(y < 0)),
    )
    queue, rounds = queue.tolist(), [0 if label >= 0 else -1 for label in y]

    def learners():
        rows = [i for i in range(len(y)) if y[i] >= 0]
        labels = [y[i] for i in rows]
        return [GaussianNB().fit(X[rows][:, view], labels) for view in VIEWS]

    n_rounds, fitted = 0, learners()
    while queue and (max_iter is None or n_rounds < max_iter):
        n_rounds += 1
        pool, given = queue[:pool_size], {}
        for learner, view in zip(fitted, VIEWS):
            by_class = {}
            for i in pool:
                votes = learner.predict_proba(X[[i]][:, view])[0]
                by_class.setdefault(votes.argmax(), []).append((-votes.max(), i))
            for label, candidates in by_class.items():
                for _, i in sorted(candidates, key=lambda pair: pair[0])[:k]:
                    given.setdefault(i, set()).add(label)
        agreed = {i: labels.pop() for i, labels in given.items() if len(labels) == 1}
        if not agreed:
            break
        for i, label in agreed.items():
            y[i], rounds[i] = label, n_rounds
        queue = [i for i in queue if y[i] < 0]
        fitted = learners()
    return np.array(y), np.array(rounds), fitted


class TestExactness:
    @pytest.mark.parametrize("k", [1, 4])
    @pytest.mark.parametrize("pool_size", [20, None])
    @pytest.mark.parametrize("max_iter", [0, 3, None])
    def test_equals_its_twin(self, data, k, pool_size, max_iter):
        X, y, _ = data
        options = {"k": k, "pool_size": pool_size, "max_iter": max_iter}
        labels, rounds, fitted = twin(X, y, seed=5, **options)
        model = CoTrainer(GaussianNB(), feature_split=VIEWS, random_state=5, **options)
        model.fit(X, y)
        np.testing.assert_array_equal(model.transduction_, labels)
        np.testing.assert_array_equal(model.labeled_iter_, rounds)
        for learner, other, view in zip(model.estimators_, fitted, VIEWS):
            np.testing.assert_allclose(
                learner.predict_proba(X[:, view]), other.predict_proba(X[:, view])
            )

    def test_picks_by_hand(self):
        votes = np.array([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.4, 0.6], [0.1, 0.9]])
        np.testing.assert_array_equal(
            confident_labels(votes, [1, 1]), [0, -1, -1, -1, 1]
        )
        np.testing.assert_array_equal(
            confident_labels(votes, [2, 0]), [0, -1, 0, -1, -1]
        )
        np.testing.assert_array_equal(confident_labels(votes, [9, 9]), [0, 0, 0, 1, 1])

    def test_conflicts_by_hand(self):
        labels, n_conflicts = agreed_labels(
            np.array([0, 1, -1, 2, -1]), np.array([0, 0, 1, -1, -1])
        )
        np.testing.assert_array_equal(labels, [0, -1, 1, 2, -1])
        assert n_conflicts == 1

    def test_the_product_is_the_posterior_of_independent_views(self, rng):
        prior = rng.dirichlet(np.ones(3))
        likelihoods = rng.random((2, 50, 3))
        first, second = (
            joint / joint.sum(axis=1, keepdims=True) for joint in prior * likelihoods
        )
        both = prior * likelihoods[0] * likelihoods[1]
        np.testing.assert_allclose(
            combine_views(first, second, prior), both / both.sum(axis=1, keepdims=True)
        )

    def test_the_mean_where_no_class_is_possible(self):
        first, second = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
        np.testing.assert_allclose(
            combine_views(first, second, np.array([0.3, 0.7])), [[0.5, 0.5]]
        )

    def test_without_unlabelled_rows_it_is_two_supervised_learners(self, data):
        X, _, truth = data
        bases = GaussianNB(), LogisticRegression()
        model = CoTrainer(*bases, feature_split=VIEWS).fit(X, truth)
        for learner, base, view in zip(model.estimators_, bases, VIEWS):
            expected = base.fit(X[:, view], truth).predict_proba(X[:, view])
            np.testing.assert_array_equal(learner.predict_proba(X[:, view]), expected)
        assert model.termination_condition_ == "all_labeled"
        assert model.n_iter_ == 1
        assert model.history_["labels_given"].shape == (0, 2, 3)

    def test_unlabelled_rows_that_are_not_labelled_change_nothing(self, data):
        X, y, _ = data
        model = CoTrainer(GaussianNB(), feature_split=VIEWS, max_iter=0)
        alone = model.fit(X[y >= 0], y[y >= 0]).predict_proba(X)
        np.testing.assert_array_equal(model.fit(X, y).predict_proba(X), alone)
        assert model.termination_condition_ == "max_iter"
        np.testing.assert_array_equal(model.transduction_, y)

    def test_order_of_rows_does_not_matter_without_a_pool(self, data, rng):
        X, y, _ = data
        order = rng.permutation(len(y))
        model = CoTrainer(SMOOTH, feature_split=VIEWS, pool_size=None, k=2)
        expected = model.fit(X, y).transduction_
        actual = model.fit(X[order], y[order]).transduction_
        np.testing.assert_array_equal(actual, expected[order])

    def test_equal_views_are_self_training(self, data):
        X, y, _ = data
        same = ([0, 1, 2, 3], [0, 1, 2, 3])
        model = CoTrainer(
            GaussianNB(var_smoothing=0.5),
            feature_split=same,
            k=3,
            pool_size=None,
            max_iter=4,
        ).fit(X, y)
        labels = y.copy()
        for _ in range(4):
            learner = SMOOTH.fit(X[labels >= 0], labels[labels >= 0])
            rows = np.flatnonzero(labels < 0)
            labels[rows] = confident_labels(learner.predict_proba(X[rows]), [3, 3, 3])
        np.testing.assert_array_equal(model.transduction_, labels)
        assert not model.history_["conflicts"].any()

    def test_history_adds_up(self, data):
        X, y, _ = data
        model = CoTrainer(GaussianNB(), feature_split=VIEWS, k=[1, 2, 0], max_iter=7)
        history = model.set_params(random_state=0).fit(X, y).history_
        assert model.n_iter_ == len(history["rows_left"]) == 7
        assert history["labels_given"].max(axis=(0, 1)).tolist() == [1, 2, 0]
        assert history["rows_left"][-1] == np.sum(model.transduction_ < 0)
        newly = np.diff(np.append(np.sum(y < 0), history["rows_left"]))
        np.testing.assert_array_equal(
            -newly, np.bincount(model.labeled_iter_[model.labeled_iter_ > 0])[1:]
        )

    def test_classes_that_a_learner_does_not_know_get_no_votes(self, data):
        X, y, _ = data
        weights = np.where(y == 2, 0.0, 1.0)
        with sklearn.config_context(enable_metadata_routing=True):
            base = DecisionTreeClassifier(max_depth=2).set_fit_request(
                sample_weight=True
            )
            model = CoTrainer(base, feature_split=VIEWS, random_state=0)
            model.fit(X, y, sample_weight=weights)
        assert model.predict_proba(X).shape == (150, 3)
        assert not np.any(model.transduction_[y < 0] == 2)


class TestInputs:
    @pytest.mark.parametrize("marker", [-1, "?", None])
    def test_strings(self, data, marker):
        X, y, _ = data
        names = np.array(["a", "b", "c", marker], dtype=object)
        model = CoTrainer(GaussianNB(), feature_split=VIEWS, random_state=0)
        expected = model.fit(X, y).transduction_
        model.set_params(unlabeled_value=marker).fit(X, names[y])
        np.testing.assert_array_equal(model.transduction_, names[expected])
        assert set(model.predict(X)) == {"a", "b", "c"}

    @pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
    def test_sparse(self, data, container):
        X, y, _ = data
        X = np.floor(np.abs(X))
        model = CoTrainer(MultinomialNB(), feature_split=VIEWS, random_state=0)
        expected = model.fit(X, y).predict_proba(X)
        actual = model.fit(container(X), y).predict_proba(container(X))
        np.testing.assert_allclose(actual, expected)

    def test_data_frames_reach_the_learners(self, data):
        X, y, _ = data
        frame = pd.DataFrame(X, columns=list("abcd"))
        model = CoTrainer(GaussianNB(), feature_split=(["a", "b"], ["c", "d"]))
        model.set_params(random_state=0).fit(frame, y)
        assert model.estimators_[1].feature_names_in_.tolist() == ["c", "d"]
        expected = clone_by_number(model).fit(X, y).predict_proba(X)
        np.testing.assert_array_equal(model.predict_proba(frame), expected)
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(frame[list("dcba")])

    def test_masks_and_negative_numbers(self, data):
        X, y, _ = data
        split = (np.array([True, True, False, False]), [-2, -1])
        model = CoTrainer(GaussianNB(), feature_split=split, max_iter=1).fit(X, y)
        assert [columns.tolist() for columns in model.feature_split_] == list(VIEWS)

    def test_halves_at_random(self, rng):
        X, y = rng.normal(size=(20, 7)), np.arange(20) % 2
        model = CoTrainer(GaussianNB(), random_state=0)
        split = model.fit(X, y).feature_split_
        assert sorted(np.concatenate(split)) == list(range(7))
        assert [len(columns) for columns in split] == [4, 3]
        again = model.fit(X, y).feature_split_
        np.testing.assert_array_equal(np.concatenate(split), np.concatenate(again))

    @pytest.mark.parametrize(
        "split, message",
        [
            (([0], [1], [2]), "must be a pair of column lists"),
            (([0], []), "each with at least one"),
            (([0], [4]), r"below n_features = 4"),
            (([0, 0], [1]), "names a column twice"),
            ((["a"], ["b"]), "X is no data frame"),
            (([0.5], [1]), "number below"),
            (([True, False], [1]), "a mask of that length"),
        ],
    )
    def test_bad_feature_split(self, data, split, message):
        with pytest.raises(ValueError, match=message):
            CoTrainer(GaussianNB(), feature_split=split).fit(*data[:2])

    def test_unknown_name(self, data):
        frame = pd.DataFrame(data[0], columns=list("abcd"))
        with pytest.raises(ValueError, match=r"columns that X lacks: \['e'\]"):
            CoTrainer(feature_split=(["a"], ["e"])).fit(frame, data[1])

    @pytest.mark.parametrize("k", [[1, 2], [1, -1, 1], [0, 0, 0], [0.5, 1, 1]])
    def test_bad_k(self, data, k):
        with pytest.raises(ValueError, match="k must be a number or hold one for each"):
            CoTrainer(k=k).fit(*data[:2])

    def test_no_label(self, data):
        with pytest.raises(
            ValueError, match="y must hold the label of at least one row"
        ):
            CoTrainer().fit(data[0], np.full(150, -1))

    def test_a_learner_without_probabilities(self, data):
        with pytest.raises(AttributeError, match="predict_proba"):
            CoTrainer(SVC(), feature_split=VIEWS).fit(*data[:2])

    def test_metadata_reach_the_learner_that_asks(self, data, rng):
        X, y, _ = data
        weights = rng.integers(1, 4, size=150)
        with sklearn.config_context(enable_metadata_routing=True):
            model = CoTrainer(
                GaussianNB().set_fit_request(sample_weight=True),
                LogisticRegression().set_fit_request(sample_weight=False),
                feature_split=VIEWS,
                max_iter=0,
            ).fit(X, y, sample_weight=weights)
        rows = y >= 0
        view = X[:, VIEWS[0]]
        expected = GaussianNB().fit(view[rows], y[rows], sample_weight=weights[rows])
        np.testing.assert_array_equal(model.estimators_[0].theta_, expected.theta_)
        plain = LogisticRegression().fit(X[:, VIEWS[1]][rows], y[rows])
        np.testing.assert_array_equal(model.estimators_[1].coef_, plain.coef_)

    def test_metadata_without_routing_are_refused(self, data):
        with pytest.raises(ValueError, match="enable_metadata_routing"):
            CoTrainer(GaussianNB()).fit(*data[:2], sample_weight=np.ones(150))

    def test_callbacks_follow_the_rounds(self, data):
        X, y, _ = data
        monitor = ScoringMonitor(scoring="accuracy")
        model = CoTrainer(GaussianNB(), feature_split=VIEWS, random_state=0)
        model.set_callbacks(monitor).fit(X, y)
        rows = [row for row in monitor.get_logs().data if row["task_name"] == "round"]
        assert len(rows) == model.n_iter_
        labelled = y != -1
        accuracy = np.mean(model.predict(X[labelled]) == y[labelled])
        assert rows[-1]["accuracy"] == pytest.approx(accuracy)

    def test_grid_search(self, data):
        X, y, truth = data
        search = GridSearchCV(
            CoTrainer(GaussianNB(), feature_split=VIEWS, random_state=0),
            {"k": [1, 3], "estimator__var_smoothing": [1e-9, 1e-2]},
            cv=SemiSupervisedSplit(2),
            error_score="raise",
        ).fit(X, y)
        assert np.mean(search.predict(X) == truth) > 0.85

    def test_open_random_states_are_seeded_and_others_kept(self, data):
        X, y, _ = data
        model = CoTrainer(
            RandomForestClassifier(5), DecisionTreeClassifier(random_state=7)
        ).set_params(random_state=0, max_iter=2)
        first = model.fit(X, y)
        assert first.estimators_[1].random_state == 7
        expected = first.predict_proba(X)
        np.testing.assert_array_equal(model.fit(X, y).predict_proba(X), expected)


def clone_by_number(model):
    return sklearn.base.clone(model).set_params(feature_split=VIEWS)


class TestTheory:
    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, 10**6), st.integers(2, 5))
    def test_disagreement_bounds_the_error_of_independent_learners(self, seed, K):
        """In the population: P(differ | c) >= P(err | c) if c is the mode of each."""
        rng = np.random.default_rng(seed)
        chances = rng.dirichlet(np.ones(K), size=(2, K))
        for table in chances.reshape(-1, K, K):
            for c in range(K):
                largest = table[c].argmax()
                table[c, [c, largest]] = table[c, [largest, c]]
        disagree = 1 - np.einsum("ca,ca->c", *chances)
        for table in chances:
            assert np.all(1 - np.diag(table) <= disagree + 1e-12)

    def test_information_by_hand(self):
        truth = np.repeat([0, 1], 4)
        same = np.tile([0, 0, 1, 1], 2)
        crossed = np.tile([0, 1, 0, 1], 2)
        assert conditional_information(same, same, truth) == pytest.approx(np.log(2))
        assert conditional_information(same, crossed, truth) == pytest.approx(0)

    def test_independent_views_pass_the_test_19_times_of_20(self):
        rng = np.random.default_rng(0)
        n_passed = 0
        for _ in range(60):
            truth = rng.integers(2, size=60)
            first, second = (truth ^ (rng.random(60) < 0.2) for _ in range(2))
            measured = conditional_information(first, second, truth)
            n_passed += measured <= information_if_independent(first, second, truth)
        assert 52 <= n_passed <= 60

    def test_report_of_independent_views(self, rng):
        truth = np.arange(600) % 2
        X = rng.normal(size=(600, 4)) + 1.2 * truth[:, None]
        y = np.where(np.arange(600) < 200, truth, -1)
        model = CoTrainer(GaussianNB(), feature_split=VIEWS, random_state=0).fit(X, y)
        report = model.theory_report(X, y)
        assert all(row.holds for row in report if row.holds is not None)
        row = report["disagreement of the fitted learners on unlabelled rows"]
        for learner, view in zip(model.estimators_, VIEWS):
            error = np.mean(learner.predict(X[200:, view]) != truth[200:])
            assert error <= row.measured

    def test_report_of_dependent_views(self, rng):
        truth = np.arange(600) % 2
        X = rng.normal(size=(600, 2)) + 1.2 * truth[:, None]
        X = np.hstack([X, X + 0.1 * rng.normal(size=X.shape)])
        model = CoTrainer(GaussianNB(), feature_split=VIEWS, random_state=0)
        report = model.fit(X, truth).theory_report(X, truth)
        assert not report["information between views, given the class"].holds
        assert not report["error of the first view"].holds

    def test_report_with_a_single_label(self, data):
        X, _, _ = data
        y = np.where(np.arange(150) == 0, 0, -1)
        base = DecisionTreeClassifier()
        model = CoTrainer(base, feature_split=VIEWS, max_iter=1).fit(X, y)
        report = model.theory_report(X, y)
        assert not report["labelled classes"].holds
        assert len(report) == 2


def transductive_accuracy(model, X, truth, labelled):
    y = np.full(len(truth), -1)
    y[labelled] = truth[labelled]
    return np.mean(model.fit(X, y).predict(X)[y < 0] == truth[y < 0])


def stratified(truth, n_labels, seed):
    rows = np.arange(len(truth))
    return train_test_split(
        rows, train_size=n_labels, stratify=truth, random_state=seed
    )[0]


class TestEffect:
    def test_digits_with_60_labels(self):
        """Halves of the pixels: three points above logistic regression on all."""
        X, truth = load_digits(return_X_y=True)
        base = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        gains = []
        for seed in range(4):
            labelled = stratified(truth, 60, seed)
            base.fit(X[labelled], truth[labelled])
            others = np.setdiff1d(np.arange(len(truth)), labelled)
            alone = base.score(X[others], truth[others])
            model = CoTrainer(base, pool_size=None, random_state=seed)
            gains.append(transductive_accuracy(model, X, truth, labelled) - alone)
        assert np.mean(gains) > 0.02

    def test_breast_cancer_with_ten_labels_in_the_ratio_of_the_classes(self):
        """Means of cells as one view, their spread and worst cells as the other."""
        X, truth = load_breast_cancer(return_X_y=True)
        base = make_pipeline(StandardScaler(), LogisticRegression())
        views = np.arange(10), np.arange(10, 30)
        scores = []
        for seed in range(8):
            labelled = stratified(truth, 10, seed)
            models = [
                CoTrainer(
                    base, feature_split=views, k=[1, 2], max_iter=n, random_state=0
                )
                for n in (0, 30)
            ]
            scores.append(
                [transductive_accuracy(model, X, truth, labelled) for model in models]
            )
        alone, trained = np.mean(scores, axis=0)
        assert trained > alone + 0.01
