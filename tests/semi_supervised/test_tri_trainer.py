# SPDX-License-Identifier: BSD-3-Clause
"""TriTrainer: the paper's pseudo-code line by line, its conditions, its effect."""

import math

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_theory.model_selection import SemiSupervisedSplit
from sklearn_theory.semi_supervised import TriTrainer
from sklearn_theory.semi_supervised._tri_training import (
    bootstrap_rows,
    count_votes,
    effective_size,
    first_lesson_baseline,
    joint_error,
    lesson_size,
)
from sklearn_theory.semi_supervised._tri_training_report import lessons_of


@pytest.fixture
def data(rng):
    """Three overlapping Gaussian classes, a tenth of the rows labelled."""
    truth = np.arange(400) % 3
    X = rng.normal(size=(400, 4)) + 0.9 * truth[:, None]
    return X, np.where(np.arange(400) < 40, truth, -1), truth


def twin(X, y, base, seed):
    """The pseudo-code of the paper, with its names: L, U, h, e_prime, l_prime."""
    rng = np.random.RandomState(seed)
    L, U = np.flatnonzero(y >= 0), np.flatnonzero(y < 0)
    learn = lambda rows, labels: sklearn.base.clone(base).fit(X[rows], labels)  # noqa: E731
    h = []
    for S in [rng.choice(L, size=len(L)) for _ in range(3)]:
        h.append(learn(S, y[S]))
    e_prime, l_prime, n_rounds = [0.5] * 3, [0] * 3, 0
    while True:
        n_rounds += 1
        update, lessons, e = [False] * 3, [None] * 3, [None] * 3
        for i in range(3):
            j, k = (m for m in range(3) if m != i)
            both = [x for x in L if h[j].predict(X[[x]]) == h[k].predict(X[[x]])]
            wrong = [x for x in both if h[j].predict(X[[x]])[0] != y[x]]
            e[i] = len(wrong) / len(both) if both else 1.0
            if e[i] < e_prime[i]:
                L_i = [x for x in U if h[j].predict(X[[x]]) == h[k].predict(X[[x]])]
                if l_prime[i] == 0:
                    l_prime[i] = math.floor(e[i] / (e_prime[i] - e[i]) + 1)
                    first = True
                else:
                    first = False
                if l_prime[i] < len(L_i):
                    if e[i] * len(L_i) < e_prime[i] * l_prime[i]:
                        update[i] = True
                    elif l_prime[i] > e[i] / (e_prime[i] - e[i]):
                        size = math.ceil(e_prime[i] * l_prime[i] / e[i] - 1)
                        L_i = rng.permutation(L_i)[:size]
                        update[i] = True
                if first and not update[i]:
                    l_prime[i] = 0
                L_i = np.sort(np.array(L_i, dtype=int))
                lessons[i] = L_i, h[j].predict(X[L_i]) if len(L_i) else L_i
        for i in range(3):
            if update[i]:
                rows, labels = lessons[i]
                h[i] = learn(np.append(L, rows), np.append(y[L], labels))
                e_prime[i], l_prime[i] = e[i], len(rows)
        if not any(update):
            return h, n_rounds


class TestExactness:
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize(
        "base",
        [
            GaussianNB(),
            LogisticRegression(random_state=0),
            DecisionTreeClassifier(min_samples_leaf=4, random_state=0),
        ],
        ids=lambda base: type(base).__name__,
    )
    def test_equals_its_twin(self, data, base, seed):
        X, y, _ = (part[:160] for part in data)
        h, n_rounds = twin(X, y, base, seed)
        model = TriTrainer(base, random_state=seed).fit(X, y)
        assert model.n_iter_ == n_rounds
        assert model.termination_condition_ == "no_change"
        for learner, other in zip(model.estimators_, h):
            np.testing.assert_array_equal(
                learner.predict_proba(X), other.predict_proba(X)
            )

    def test_joint_error_by_hand(self):
        first, second = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 2, 0])
        assert joint_error(first, second, np.array([0, 0, 0, 1, 1])) == 2 / 3
        assert joint_error(first, 1 - first, first) == 1

    def test_lessons_by_hand(self):
        # No lesson before: floor(.1 / .4 + 1) = 1 row at error .5, so that fewer than
        # .5 rows may be wrong: 4 of them at .1, and all of them at error 0.
        assert lesson_size(0.1, 100, 0.5, 0) == 4
        assert lesson_size(0.0, 100, 0.5, 0) == 100
        assert lesson_size(0.1, 4, 0.5, 0) == 4
        assert lesson_size(0.1, 1, 0.5, 0) == 0
        # After 10 rows at .2: fewer than 2 wrong ones, and more than 10 rows.
        assert lesson_size(0.1, 19, 0.2, 10) == 19
        assert lesson_size(0.1, 20, 0.2, 10) == 19
        assert lesson_size(0.19, 20, 0.2, 10) == 0
        assert lesson_size(0.1, 10, 0.2, 10) == 0
        assert lesson_size(0.2, 99, 0.2, 10) == 0

    def test_votes_by_hand(self):
        counts = count_votes(np.array([[0, 1, 2], [0, 2, 2], [1, 0, 2]]), 3)
        np.testing.assert_array_equal(counts, [[2, 1, 0], [1, 1, 1], [0, 0, 3]])

    def test_bootstrap_never_loses_all_classes_but_one(self):
        codes = np.array([0] * 9 + [1, -1])
        rng = np.random.RandomState(0)
        for _ in range(50):
            rows = bootstrap_rows(codes, rng)
            assert len(rows) == 10
            assert set(codes[rows]) == {0, 1}

    def test_without_unlabelled_rows_it_is_bagging(self, data):
        X, _, truth = data
        model = TriTrainer(GaussianNB(), random_state=3).fit(X, truth)
        rng = np.random.RandomState(3)
        for learner in model.estimators_:
            rows = rng.choice(np.arange(400), size=400)
            expected = GaussianNB().fit(X[rows], truth[rows]).predict_proba(X)
            np.testing.assert_array_equal(learner.predict_proba(X), expected)
        assert model.termination_condition_ == "all_labeled"
        assert model.n_iter_ == 1
        assert model.history_["error"].shape == (0, 3)

    def test_max_iter(self, data):
        X, y, _ = data
        base = DecisionTreeClassifier(min_samples_leaf=4, random_state=0)
        rounds = TriTrainer(base, random_state=5).fit(X, y).n_iter_
        assert rounds > 3
        for max_iter in range(rounds):
            model = TriTrainer(base, max_iter=max_iter, random_state=5).fit(X, y)
            assert model.termination_condition_ == "max_iter"
            assert model.n_iter_ == max(max_iter, 1)
            assert model.labeled_iter_.max() <= max_iter

    def test_vote_and_probabilities(self, data):
        X, y, _ = data
        model = TriTrainer(GaussianNB(), random_state=0).fit(X, y)
        opinions = np.array([learner.predict(X) for learner in model.estimators_])
        counts = count_votes(opinions, 3)
        probabilities = model.predict_proba(X)
        mean = np.mean([each.predict_proba(X) for each in model.estimators_], axis=0)
        np.testing.assert_allclose(probabilities, (counts + mean) / 4)
        decided = counts.max(axis=1) >= 2
        np.testing.assert_array_equal(
            model.predict(X)[decided], counts.argmax(axis=1)[decided]
        )
        chosen = counts[np.arange(len(X)), model.predict(X)]
        assert chosen.min() >= 1

    @pytest.mark.parametrize("base", [LinearSVC(), Perceptron()], ids=repr)
    def test_no_probabilities_are_needed(self, data, base):
        X, y, _ = data
        model = TriTrainer(base, random_state=0).fit(X, y)
        thirds = 3 * model.predict_proba(X)
        np.testing.assert_allclose(thirds, np.round(thirds))

    def test_attributes_agree(self, data):
        X, y, _ = data
        base = DecisionTreeClassifier(min_samples_leaf=4)
        model = TriTrainer(base, random_state=0).fit(X, y)
        np.testing.assert_array_equal(model.labeled_iter_ == 0, y >= 0)
        np.testing.assert_array_equal(model.transduction_[y >= 0], y[y >= 0])
        np.testing.assert_array_equal(
            model.transduction_[y < 0], model.predict(X)[y < 0]
        )
        history = model.history_
        assert {values.shape for values in history.values()} == {(model.n_iter_, 3)}
        assert np.all(history["n_taught"] <= history["n_agreed"])
        assert not history["n_taught"][-1].any()
        for learner in range(3):
            taught = history["n_taught"][:, learner] > 0
            assert np.all(np.diff(history["error"][taught, learner]) < 0)
            assert np.all(np.diff(history["n_taught"][taught, learner]) > 0)


class TestInputs:
    @pytest.mark.parametrize("marker", [-1, "?", None])
    def test_strings(self, data, marker):
        X, y, _ = data
        names = np.array(["a", "b", "c", marker], dtype=object)
        model = TriTrainer(GaussianNB(), random_state=0)
        expected = model.fit(X, y).transduction_
        model.set_params(unlabeled_value=marker).fit(X, names[y])
        np.testing.assert_array_equal(model.transduction_, names[expected])

    @pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
    def test_sparse(self, data, container):
        X, y, _ = data
        X = np.floor(np.abs(X))
        model = TriTrainer(MultinomialNB(), random_state=0)
        expected = model.fit(X, y).predict_proba(X)
        actual = model.fit(container(X), y).predict_proba(container(X))
        np.testing.assert_allclose(actual, expected)

    def test_data_frames_reach_the_learners(self, data):
        X, y, _ = data
        frame = pd.DataFrame(X, columns=list("abcd"))
        model = TriTrainer(GaussianNB(), random_state=0).fit(frame, pd.Series(y))
        for learner in model.estimators_:
            assert learner.feature_names_in_.tolist() == list("abcd")
        probabilities = model.predict_proba(frame)
        np.testing.assert_array_equal(model.fit(X, y).predict_proba(X), probabilities)

    def test_no_label(self, data):
        with pytest.raises(
            ValueError, match="y must hold the label of at least one row"
        ):
            TriTrainer().fit(data[0], np.full(400, -1))

    def test_missing_labels_that_nobody_announced(self, data):
        X, y, _ = data
        with pytest.raises(ValueError, match="y contains NaN"):
            TriTrainer().fit(pd.DataFrame(X), np.where(y < 0, np.nan, y))

    def test_a_base_without_predict(self):
        with pytest.raises(ValueError, match="'estimator' parameter of TriTrainer"):
            TriTrainer(StandardScaler()).fit([[0.0], [1.0]], [0, 1])

    def test_a_single_class(self, data):
        X, _, _ = data
        y = np.where(np.arange(400) < 5, 4, -1)
        model = TriTrainer(DecisionTreeClassifier(), random_state=0).fit(X, y)
        assert set(model.predict(X)) == {4}

    def test_weights_go_with_the_rows_of_the_bootstrap(self, data, rng):
        X, y, _ = data
        weights = rng.integers(1, 4, size=400)
        with sklearn.config_context(enable_metadata_routing=True):
            base = GaussianNB().set_fit_request(sample_weight=True)
            model = TriTrainer(base, max_iter=0, random_state=3)
            model.fit(X, y, sample_weight=weights)
        state = np.random.RandomState(3)
        for learner in model.estimators_:
            rows = state.choice(np.flatnonzero(y >= 0), size=40)
            expected = GaussianNB().fit(X[rows], y[rows], sample_weight=weights[rows])
            np.testing.assert_array_equal(learner.theta_, expected.theta_)

    def test_metadata_without_routing_are_refused(self, data):
        with pytest.raises(ValueError, match="enable_metadata_routing"):
            TriTrainer(GaussianNB()).fit(*data[:2], sample_weight=np.ones(400))

    def test_callbacks_follow_the_rounds(self, data):
        X, y, _ = data
        monitor = ScoringMonitor(scoring="accuracy")
        model = TriTrainer(GaussianNB(), random_state=0)
        model.set_callbacks(monitor).fit(X, y)
        rows = [row for row in monitor.get_logs().data if row["task_name"] == "round"]
        assert len(rows) == model.n_iter_
        labelled = y != -1
        accuracy = np.mean(model.predict(X[labelled]) == y[labelled])
        assert rows[-1]["accuracy"] == pytest.approx(accuracy)

    def test_grid_search(self, data):
        X, y, truth = data
        search = GridSearchCV(
            TriTrainer(GaussianNB(), random_state=0),
            {"max_iter": [0, None]},
            cv=SemiSupervisedSplit(3),
            error_score="raise",
        ).fit(X, y)
        assert np.mean(search.predict(X) == truth) > 0.6


@st.composite
def chances_of_a_lesson(draw):
    """Error and size that are offered, and those of the last lesson; most are taken."""
    last_error = draw(st.floats(1e-3, 0.5))
    last_size = draw(st.integers(1, 500))
    error = draw(st.floats(0, 0.99)) * last_error
    return error, last_size + draw(st.integers(1, 500)), last_error, last_size


class TestTheory:
    @settings(max_examples=100, deadline=None)
    @given(chances_of_a_lesson())
    def test_no_lesson_has_fewer_rows_or_more_wrong_ones(self, chance):
        error, n_agreed, last_error, last_size = chance
        size = lesson_size(*chance)
        assume(size > 0)
        assert last_size < size <= n_agreed
        assert error * size < last_error * last_size
        assert error < last_error

    @settings(max_examples=100, deadline=None)
    @given(chances_of_a_lesson(), st.integers(1, 500))
    def test_every_lesson_raises_the_effective_size(self, chance, n_labelled):
        """Eq. 9 implies Eq. 7: (m - 2w)^2 / m rises with m and falls with w <= m/2."""
        error, _, last_error, last_size = chance
        size = lesson_size(*chance)
        assume(size > 0)
        before = effective_size(n_labelled, last_size, last_error)
        assert effective_size(n_labelled, size, error) > before

    @settings(max_examples=100, deadline=None)
    @given(st.floats(0, 0.49), st.integers(100, 500), st.integers(1, 500))
    def test_so_does_the_first_one(self, error, n_agreed, n_labelled):
        size = lesson_size(error, n_agreed, 0.5, 0)
        assert size > 0
        before = effective_size(n_labelled, first_lesson_baseline(error), 0.5)
        assert effective_size(n_labelled, size, error) > before

    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, 10**6), st.integers(2, 5))
    def test_the_vote_errs_at_most_at_half_the_sum_of_rates(self, seed, n_classes):
        rng = np.random.default_rng(seed)
        truth = rng.integers(n_classes, size=200)
        opinions = np.where(
            rng.random((3, 200)) < rng.random((3, 1)),
            rng.integers(n_classes, size=(3, 200)),
            truth,
        )
        vote = count_votes(opinions, n_classes).argmax(axis=1)
        assert np.mean(vote != truth) <= np.mean(opinions != truth, axis=1).sum() / 2

    def test_report(self, data):
        X, y, truth = data
        base = DecisionTreeClassifier(min_samples_leaf=4, random_state=0)
        model = TriTrainer(base, random_state=5).fit(X, y)
        lessons = lessons_of(model.history_)
        assert len(lessons) == np.count_nonzero(model.history_["n_taught"])
        assert len(lessons) > 3
        for labels in (y, truth):
            report = model.theory_report(X, labels)
            promises = [row for row in report if row.kind == "promise"]
            assert len(promises) == 1 + len(lessons)
            assert all(row.holds for row in promises)
        row = report["error of the vote"]
        assert row.measured == pytest.approx(1 - model.score(X, truth))

    def test_report_with_classes_unknown_to_the_fit(self, data):
        X, y, truth = data
        model = TriTrainer(GaussianNB(), random_state=0).fit(X, y)
        report = model.theory_report(X, truth + 10)
        assert report["error of the vote"].measured == 1


class TestEffect:
    @pytest.mark.parametrize(
        "base, gain",
        [
            (GaussianNB(var_smoothing=1e-2), 0.03),
            (make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)), 0.005),
            (DecisionTreeClassifier(random_state=0), 0.03),
        ],
        ids=["naive Bayes", "logistic regression", "tree"],
    )
    def test_digits_with_60_labels(self, base, gain):
        """Accuracy on unlabelled rows, against one learner and against three of them."""
        X, truth = load_digits(return_X_y=True)
        rows = np.arange(len(truth))
        scores = []
        for seed in range(4):
            labelled, others = train_test_split(
                rows, train_size=60, stratify=truth, random_state=seed
            )
            y = np.full(len(truth), -1)
            y[labelled] = truth[labelled]
            models = [
                sklearn.base.clone(base).fit(X[labelled], truth[labelled]),
                TriTrainer(base, max_iter=0, random_state=seed).fit(X, y),
                TriTrainer(base, random_state=seed).fit(X, y),
            ]
            scores.append([model.score(X[others], truth[others]) for model in models])
        one, three, taught = np.mean(scores, axis=0)
        assert taught > one + gain
        assert taught > three + gain
