# SPDX-License-Identifier: BSD-3-Clause
"""Self-training: identities, the drop-in for scikit-learn's class, and every option."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits, load_iris, make_blobs
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_theory.model_selection import SemiSupervisedSplit
from sklearn_theory.semi_supervised import SelfTrainer, bound_thresholds
from sklearn_theory.semi_supervised._mislabelling import held_out_votes
from sklearn_theory.semi_supervised._pseudo_labels import balanced_weights
from sklearn_theory.semi_supervised._self_training_policies import (
    POLICIES,
    flexmatch_thresholds,
)
from sklearn_theory.semi_supervised._votes import spread_votes

FITTED = (
    "transduction_",
    "labeled_iter_",
    "pseudo_label_proba_",
    "thresholds_",
    "bound_history_",
)


def partly_labelled(n_labelled=30, seed=0, data=load_iris):
    X, truth = data(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(truth))
    X, truth = X[order], truth[order]
    y = np.where(np.arange(len(truth)) < n_labelled, truth, -1)
    return X, y, truth


def two_classes(n_rows=200, n_labelled=20, seed=0):
    X, truth = make_blobs(n_rows, centers=[[-1, 0], [1, 0]], random_state=seed)
    y = np.where(np.arange(n_rows) < n_labelled, truth, -1)
    return X, y, truth


def assert_same_rounds(first, second):
    for name in FITTED:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.n_iter_ == second.n_iter_
    assert first.termination_condition_ == second.termination_condition_


class Reciter(ClassifierMixin, BaseEstimator):
    """Votes that do not depend on the labels: a column of X for each class."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.asarray(X)[:, : len(self.classes_)]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class WeightRecorder(GaussianNB):
    """Naive Bayes that keeps the weights of its last fit."""

    def fit(self, X, y, sample_weight=None):
        self.weights_ = sample_weight
        return super().fit(X, y, sample_weight)


class TestDropIn:
    BASES = (
        LogisticRegression(max_iter=500),
        KNeighborsClassifier(),
        GaussianNB(),
        RandomForestClassifier(10, random_state=0),
        CalibratedClassifierCV(SVC(), ensemble=False, cv=3),
    )

    @pytest.mark.parametrize("base", BASES, ids=lambda base: type(base).__name__)
    @pytest.mark.parametrize("max_iter", [0, 1, 3, None])
    @pytest.mark.parametrize("threshold", [0.0, 0.51, 0.77, 0.983])
    def test_fixed_threshold(self, base, max_iter, threshold):
        X, y, _ = partly_labelled()
        peer = SelfTrainingClassifier(base, threshold=threshold, max_iter=max_iter)
        model = SelfTrainer(
            base,
            policy="fixed",
            threshold=threshold,
            max_iter=max_iter,
            balance_weights=False,
        )
        self.assert_equal(model.fit(X, y), peer.fit(X, y), X)

    @pytest.mark.parametrize("base", BASES, ids=lambda base: type(base).__name__)
    @pytest.mark.parametrize("max_iter", [1, 3, None])
    @pytest.mark.parametrize("k", [1, 10, 47])
    def test_k_best(self, base, max_iter, k):
        X, y, _ = partly_labelled(60)
        max_iter = min(max_iter or 100, 12)
        peer = SelfTrainingClassifier(
            base, criterion="k_best", k_best=k, max_iter=max_iter
        )
        model = SelfTrainer(
            base, policy="top_k", k=k, max_iter=max_iter, balance_weights=False
        )
        self.assert_equal(model.fit(X, y), peer.fit(X, y), X)

    def test_strings(self):
        X, y, _ = partly_labelled()
        names = np.array(["a", "b", "c", "?"], dtype=object)[y]
        names[y == -1] = -1
        peer = SelfTrainingClassifier(GaussianNB()).fit(X, names)
        model = SelfTrainer(GaussianNB(), policy="fixed", balance_weights=False)
        self.assert_equal(model.fit(X, names), peer, X)

    @staticmethod
    def assert_equal(model, peer, X):
        np.testing.assert_array_equal(model.transduction_, peer.transduction_)
        np.testing.assert_array_equal(model.labeled_iter_, peer.labeled_iter_)
        np.testing.assert_array_equal(model.classes_, peer.classes_)
        assert model.n_iter_ == peer.n_iter_
        assert model.termination_condition_ == peer.termination_condition_
        np.testing.assert_array_equal(model.predict_proba(X), peer.predict_proba(X))
        np.testing.assert_array_equal(model.predict(X), peer.predict(X))


class TestLimits:
    def test_threshold_zero_labels_all_in_one_round(self):
        X, y, _ = partly_labelled()
        model = SelfTrainer(GaussianNB(), policy="fixed", threshold=0).fit(X, y)
        assert (model.n_iter_, model.termination_condition_) == (1, "all_labeled")
        supervised = GaussianNB().fit(X[:30], y[:30])
        np.testing.assert_array_equal(
            model.transduction_[30:], supervised.predict(X[30:])
        )
        np.testing.assert_array_equal(
            model.pseudo_label_proba_[30:], supervised.predict_proba(X[30:]).max(axis=1)
        )
        assert np.isnan(model.pseudo_label_proba_[:30]).all()

    def test_unreachable_thresholds_add_nothing(self):
        X, y, _ = partly_labelled()
        model = SelfTrainer(GaussianNB(), policy=lambda votes, state: np.full(3, 1.01))
        model.fit(X, y)
        assert (model.n_iter_, model.termination_condition_) == (1, "no_change")
        supervised = GaussianNB().fit(X[:30], y[:30])
        np.testing.assert_array_equal(
            model.predict_proba(X), supervised.predict_proba(X)
        )
        np.testing.assert_array_equal(model.transduction_, y)
        assert np.isnan(model.bound_history_).all()

    def test_complete_labels_give_the_base(self):
        X, _, truth = partly_labelled()
        model = SelfTrainer(GaussianNB()).fit(X, truth)
        assert (model.n_iter_, model.termination_condition_) == (0, "all_labeled")
        assert model.thresholds_.shape == (0, 3)
        assert not model.labeled_iter_.any()
        np.testing.assert_array_equal(
            model.predict_proba(X), GaussianNB().fit(X, truth).predict_proba(X)
        )

    @pytest.mark.parametrize("dtype", [str, object])
    def test_complete_strings_need_no_mark(self, dtype):
        X, _, truth = partly_labelled()
        names = np.array(["a", "b", "c"]).astype(dtype)[truth]
        model = SelfTrainer(GaussianNB()).fit(X, names)
        np.testing.assert_array_equal(
            model.predict(X), GaussianNB().fit(X, names).predict(X)
        )
        np.testing.assert_array_equal(model.transduction_, names)

    def test_one_unlabelled_row(self):
        X, _, truth = partly_labelled()
        y = truth.copy()
        y[7] = -1
        model = SelfTrainer(GaussianNB()).fit(X, y)
        assert model.termination_condition_ == "all_labeled"

    @pytest.mark.parametrize("policy", list(POLICIES))
    def test_one_labelled_class(self, policy):
        X, truth = make_blobs(40, centers=2, random_state=0)
        for label in (0, 1):
            y = np.where((truth == label) & (np.arange(40) < 20), label, -1)
            model = SelfTrainer(KNeighborsClassifier(3), policy=policy).fit(X, y)
            assert model.classes_ == [label]
            assert (model.predict(X) == label).all()

    def test_one_class_that_the_base_refuses(self):
        X, y, _ = two_classes()
        with pytest.raises(ValueError, match="class"):
            SelfTrainer(LogisticRegression()).fit(X, np.where(y == 0, 0, -1))

    @pytest.mark.parametrize("policy", sorted(set(POLICIES) - {"random"}))
    def test_permuted_rows_give_the_same(self, policy):
        X, y, _ = two_classes()
        order = np.random.default_rng(3).permutation(len(y))
        # Votes of neighbours do not depend on the order at all, but have ties.
        bases = {"top_k": GaussianNB()}
        base = bases.get(policy, KNeighborsClassifier(7, weights="distance"))
        model = SelfTrainer(base, policy=policy).fit(X, y)
        permuted = clone(model).fit(X[order], y[order])
        np.testing.assert_array_equal(
            permuted.labeled_iter_, model.labeled_iter_[order]
        )
        np.testing.assert_array_equal(
            permuted.transduction_, model.transduction_[order]
        )

    @pytest.mark.parametrize("policy", list(POLICIES))
    def test_every_policy_keeps_the_books(self, policy):
        X, y, truth = two_classes()
        model = SelfTrainer(GaussianNB(), policy=policy, random_state=0).fit(X, y)
        given = y != -1
        np.testing.assert_array_equal(model.labeled_iter_ == 0, given)
        np.testing.assert_array_equal(model.transduction_[given], y[given])
        assert model.labeled_iter_.max() <= model.n_iter_ <= 10
        assert model.thresholds_.shape == (model.n_iter_, 2)
        added = model.labeled_iter_ > 0
        np.testing.assert_array_equal(model.transduction_ == -1, ~added & ~given)
        np.testing.assert_array_equal(np.isnan(model.pseudo_label_proba_), ~added)
        for n, thresholds in enumerate(model.thresholds_, start=1):
            rows = model.labeled_iter_ == n
            assert rows.sum() == model.history_.n_added[n - 1].sum()
            if np.isfinite(thresholds).all():
                reached = thresholds[model.transduction_[rows]]
                assert (model.pseudo_label_proba_[rows] >= reached).all()
        assert np.mean(model.transduction_[added] == truth[added]) > 0.7


class TestPolicies:
    VOTES = np.array([[0.9, 0.1], [0.8, 0.2], [0.35, 0.65], [0.5, 0.5], [0.45, 0.55]])

    def rounds(self, votes=VOTES, **parameters):
        """Fit a base that recites the votes."""
        X = np.vstack([np.eye(votes.shape[1]), votes])
        y = np.append(np.arange(votes.shape[1]), np.full(len(votes), -1))
        return SelfTrainer(Reciter(), **parameters).fit(X, y)

    def added(self, **parameters):
        return self.rounds(max_iter=1, **parameters).labeled_iter_[2:] == 1

    def test_fixed_thresholds_of_the_classes(self):
        added = self.added(policy="fixed", threshold=[0.85, 0.6])
        np.testing.assert_array_equal(added, [True, False, True, False, False])

    def test_reached_thresholds_count(self):
        added = self.added(policy="fixed", threshold=0.8)
        np.testing.assert_array_equal(added, [True, True, False, False, False])

    def test_mean(self):
        model = self.rounds(policy="mean", max_iter=1)
        np.testing.assert_allclose(model.thresholds_, [[0.68, 0.68]])
        np.testing.assert_array_equal(model.labeled_iter_[2:], [1, 1, -1, -1, -1])

    def test_top_k_by_count_and_by_share(self):
        for k in (2, 0.4, 0.35):
            added = self.added(policy="top_k", k=k)
            np.testing.assert_array_equal(added, [True, True, False, False, False])
        assert self.rounds(policy="top_k", k=2).termination_condition_ == "all_labeled"
        assert self.rounds(policy="top_k", k=0.2).n_iter_ == 5

    def test_too_large_k_warns(self):
        with pytest.warns(UserWarning, match="k=9 is larger than the number of"):
            assert self.added(policy="top_k", k=9).all()

    def test_random_is_reproducible_and_blind(self):
        first = self.rounds(policy="random", k=2, random_state=1)
        assert_same_rounds(first, self.rounds(policy="random", k=2, random_state=1))
        chosen = [
            tuple(self.added(policy="random", k=2, random_state=seed))
            for seed in range(20)
        ]
        assert len(set(chosen)) > 5
        assert np.isnan(first.thresholds_).all()
        assert np.isnan(first.bound_history_).all()

    def test_curriculum(self):
        votes = np.linspace(0.5, 0.99, 100)
        model = self.rounds(
            np.column_stack([votes, 1 - votes]), policy="curriculum", restart=True
        )
        shares = [added.sum() for added in model.history_.n_added]
        np.testing.assert_allclose(shares, [20, 40, 60, 80, 100], atol=1)
        assert model.termination_condition_ == "all_labeled"
        last = self.rounds(
            np.column_stack([votes, 1 - votes]),
            policy="curriculum",
            step=0.3,
            restart=True,
            max_iter=None,
        )
        shares = [added.sum() for added in last.history_.n_added]
        np.testing.assert_allclose(shares, [30, 60, 100], atol=1)

    def test_bound_is_bound_thresholds(self):
        rng = np.random.default_rng(0)
        votes = rng.dirichlet([1, 1, 1], 60)
        for exact in (False, True):
            model = self.rounds(votes, exact=exact, max_iter=1)
            expected = bound_thresholds(votes, votes, exact=exact)
            np.testing.assert_array_equal(model.thresholds_[0], expected)
        grid = self.rounds(votes, n_theta=7, n_gamma=5, early_stop=True, max_iter=1)
        expected = bound_thresholds(votes, votes, n_theta=7, n_gamma=5, early_stop=True)
        np.testing.assert_array_equal(grid.thresholds_[0], expected)

    def test_posteriors(self):
        rng = np.random.default_rng(0)
        votes = rng.dirichlet([1, 1, 1], 60)
        given = rng.dirichlet([1, 1, 1], 63)
        for posterior, used in (
            ("initial", votes),
            ("votes", votes),
            ("uniform", np.full((60, 3), 1 / 3)),
            (given, given[3:]),
        ):
            model = self.rounds(votes, posterior=posterior, max_iter=1)
            np.testing.assert_array_equal(
                model.thresholds_[0], bound_thresholds(votes, used)
            )

    def test_initial_posterior_stays(self):
        X, y, _ = partly_labelled()
        seen = []

        def policy(votes, state):
            seen.append((votes, state))
            return 0.9

        SelfTrainer(GaussianNB(), policy=policy).fit(X, y)
        initial = GaussianNB().fit(X[:30], y[:30]).predict_proba(X[30:])
        first, second = seen[:2]
        np.testing.assert_array_equal(first[1].posterior, initial)
        left = initial[initial.max(axis=1) < 0.9]
        np.testing.assert_array_equal(second[1].posterior, left)
        assert not np.allclose(second[0], left)

    def test_binary_bound_treats_both_classes_alike(self):
        X, y, _ = two_classes()
        model = SelfTrainer(GaussianNB(), policy="binary_bound").fit(X, y)
        assert (model.thresholds_[:, 0] == model.thresholds_[:, 1]).all()
        assert (model.thresholds_ >= 0.5).all()

    def test_flexmatch(self):
        votes = np.repeat([[0.97, 0.02, 0.01], [0.01, 0.98, 0.01]], [8, 4], axis=0)
        np.testing.assert_allclose(
            flexmatch_thresholds(votes), 0.95 * np.array([1, 1 / 3, 0])
        )
        warm_up = np.vstack([votes[[0, 0, 8]], np.full((9, 3), 1 / 3)])
        status = np.array([2, 1, 0]) / 9
        np.testing.assert_allclose(
            flexmatch_thresholds(warm_up), 0.95 * status / (2 - status)
        )
        assert not flexmatch_thresholds(warm_up[3:]).any()

    def test_freematch(self):
        model = self.rounds(policy="freematch", max_iter=1)
        shares = self.VOTES.mean(axis=0)
        expected = self.VOTES.max(axis=1).mean() * shares / shares.max()
        np.testing.assert_allclose(model.thresholds_[0], expected)

    def test_callable_returns_mask_or_thresholds(self):
        mask = np.array([True, False, False, True, False])
        np.testing.assert_array_equal(self.added(policy=lambda v, s: mask), mask)
        np.testing.assert_array_equal(
            self.added(policy=lambda v, s: [0.85, 0.6]),
            self.added(policy="fixed", threshold=[0.85, 0.6]),
        )
        with pytest.raises(ValueError, match="policy must return a boolean mask"):
            self.added(policy=lambda v, s: np.zeros(4))


class TestRestart:
    def test_every_row_is_a_candidate_again(self):
        X, y, _ = partly_labelled()
        sizes = []

        def policy(votes, state):
            sizes.append(len(votes))
            return 0.9

        SelfTrainer(GaussianNB(), policy=policy, restart=True, max_iter=3).fit(X, y)
        assert sizes == [120, 120, 120]

    def test_equals_rounds_by_hand(self):
        X, y, _ = partly_labelled()
        model = SelfTrainer(
            GaussianNB(), policy="fixed", threshold=0.9, restart=True, max_iter=3
        )
        model.fit(X, y)
        base, labels, chosen = GaussianNB().fit(X[:30], y[:30]), y.copy(), None
        for _ in range(model.n_iter_):
            votes = base.predict_proba(X[30:])
            before, chosen = chosen, np.flatnonzero(votes.max(axis=1) >= 0.9) + 30
            labels = y.copy()
            labels[chosen] = votes.argmax(axis=1)[chosen - 30]
            rows = np.flatnonzero(labels != -1)
            weights = np.where(rows < 30, len(rows) / 60, len(rows) / (2 * len(chosen)))
            base = GaussianNB().fit(X[rows], labels[rows], weights)
        np.testing.assert_array_equal(model.transduction_, labels)
        assert before is not None

    def test_ends_when_a_round_repeats_the_last(self):
        votes = np.column_stack([np.linspace(0.5, 1, 20), np.linspace(0.5, 0, 20)])
        X, y = np.vstack([np.eye(2), votes]), np.append([0, 1], np.full(20, -1))
        model = SelfTrainer(Reciter(), policy="mean", restart=True).fit(X, y)
        assert (model.n_iter_, model.termination_condition_) == (2, "no_change")
        assert (model.labeled_iter_[2:] == 1).sum() == 10


class TestWeights:
    def test_groups_weigh_the_same_and_the_mean_is_one(self):
        X, y, _ = partly_labelled()
        model = SelfTrainer(WeightRecorder(), policy="fixed", threshold=0.9, max_iter=1)
        model.fit(X, y)
        weights = model.estimator_.weights_
        rows = np.flatnonzero(model.labeled_iter_ >= 0)
        given = model.labeled_iter_[rows] == 0
        assert weights.mean() == pytest.approx(1)
        assert weights[given].sum() == pytest.approx(weights[~given].sum())
        assert len(np.unique(weights)) == 2

    def test_without_balance_no_weights_are_passed(self):
        X, y, _ = partly_labelled()
        model = SelfTrainer(WeightRecorder(), balance_weights=False).fit(X, y)
        assert model.estimator_.weights_ is None

    def test_balance_keeps_the_total(self, rng):
        weights, given = rng.uniform(0, 2, 20), np.arange(20) < 6
        balanced = balanced_weights(weights, given)
        assert balanced.sum() == pytest.approx(weights.sum())
        assert balanced[given].sum() == pytest.approx(balanced[~given].sum())
        np.testing.assert_array_equal(
            balanced_weights(weights * given, given), weights * given
        )

    @pytest.mark.parametrize("policy", ["bound", "fixed", "mean", "flexmatch",
                                        "freematch", "curriculum", "binary_bound"])  # fmt: skip
    @pytest.mark.parametrize("options", [{}, {"restart": True}, {"exact": True}])
    def test_weight_two_is_the_row_twice(self, policy, options):
        X, y, _ = two_classes(120, 16)
        weights = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
        weights[:4] = 1
        twice = np.repeat(np.arange(len(y)), weights.astype(int))
        # Restarts end when nothing changes, which rows of weight zero are part of.
        model = SelfTrainer(GaussianNB(), policy=policy, max_iter=3, **options)
        weighted = clone(model).fit(X, y, sample_weight=weights)
        repeated = clone(model).fit(X[twice], y[twice])
        n_rounds = min(weighted.n_iter_, repeated.n_iter_)
        np.testing.assert_allclose(
            weighted.thresholds_[:n_rounds], repeated.thresholds_[:n_rounds]
        )
        np.testing.assert_array_equal(
            weighted.transduction_[twice], repeated.transduction_
        )
        np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X))

    def test_weights_and_balance_multiply(self):
        X, y, _ = partly_labelled()
        sample_weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
        model = SelfTrainer(WeightRecorder(), policy="fixed", max_iter=1)
        model.fit(X, y, sample_weight=sample_weight)
        rows = np.flatnonzero(model.labeled_iter_ >= 0)
        given = model.labeled_iter_[rows] == 0
        expected = balanced_weights(sample_weight[rows], given)
        np.testing.assert_allclose(model.estimator_.weights_, expected)

    def test_noise_weighs_by_the_probability_of_being_right(self):
        X, y, _ = partly_labelled(60)
        model = SelfTrainer(
            WeightRecorder(), noise="weight", balance_weights=False, max_iter=1
        )
        model.fit(X, y)
        noise = model.noise_matrix_
        np.testing.assert_allclose(noise.sum(axis=0), 1)
        votes, rows = held_out_votes(
            lambda codes: GaussianNB(), X[:60], y[:60], np.arange(3), {}
        )
        counts = np.full((3, 3), 0.5 / 3)
        np.add.at(counts, (votes.argmax(axis=1), y[:60][rows]), 1)
        np.testing.assert_allclose(noise, counts / counts.sum(axis=0))
        prior = np.bincount(y[:60]) / 60
        right = np.diag(noise) * prior / (noise @ prior)
        rows = np.flatnonzero(model.labeled_iter_ >= 0)
        expected = np.where(
            model.labeled_iter_[rows] == 0, 1, right[model.transduction_[rows]]
        )
        np.testing.assert_allclose(model.estimator_.weights_, expected)

    def test_noise_by_out_of_bag_votes(self):
        X, y, _ = partly_labelled(60)
        forest = RandomForestClassifier(50, oob_score=True, random_state=0)
        model = SelfTrainer(forest, noise="weight", oob_votes=True).fit(X, y)
        votes = clone(forest).fit(X[:60], y[:60]).oob_decision_function_
        counts = np.full((3, 3), 0.5 / 3)
        np.add.at(counts, (votes.argmax(axis=1), y[:60]), 1)
        np.testing.assert_allclose(model.noise_matrix_, counts / counts.sum(axis=0))


class TestOptions:
    def test_calibrated_votes(self):
        X, y, _ = partly_labelled(60)
        model = SelfTrainer(GaussianNB(), calibrate="sigmoid", max_iter=1).fit(X, y)
        assert isinstance(model.estimator_, CalibratedClassifierCV)
        peer = CalibratedClassifierCV(GaussianNB(), cv=5).fit(X[:60], y[:60])
        np.testing.assert_allclose(
            model.initial_estimator_.predict_proba(X), peer.predict_proba(X)
        )
        isotonic = SelfTrainer(GaussianNB(), calibrate="isotonic").fit(X, y)
        assert isotonic.score(X[60:], model.transduction_[60:]) > 0.8

    def test_calibrated_under_routing(self):
        X, y, _ = partly_labelled(60)
        plain = SelfTrainer(GaussianNB(), calibrate="sigmoid").fit(X, y)
        with sklearn.config_context(enable_metadata_routing=True):
            routed = SelfTrainer(GaussianNB(), calibrate="sigmoid").fit(X, y)
        assert_same_rounds(plain, routed)

    def test_out_of_bag_votes_of_restarts(self):
        X, y, _ = partly_labelled(40)
        forest = RandomForestClassifier(40, oob_score=True, random_state=0)
        seen = []

        def policy(votes, state):
            seen.append(votes)
            return np.arange(len(votes)) < 50

        model = SelfTrainer(
            forest, policy=policy, restart=True, oob_votes=True, max_iter=2
        )
        model.fit(X, y)
        labels = np.append(y[:40], seen[0].argmax(axis=1)[:50])
        weights = balanced_weights(np.ones(90), np.arange(90) < 40)
        second = clone(forest).fit(X[:90], labels, sample_weight=weights)
        expected = np.vstack(
            [second.oob_decision_function_[40:], second.predict_proba(X[90:])]
        )
        np.testing.assert_allclose(seen[1], expected)

    def test_default_base_has_out_of_bag_votes(self):
        X, y, _ = partly_labelled()
        model = SelfTrainer(oob_votes=True, restart=True, max_iter=2, random_state=0)
        assert model.fit(X, y).estimator_.oob_score

    def test_warm_start_keeps_one_model(self):
        X, y, _ = partly_labelled(30)
        X = StandardScaler().fit_transform(X)
        base = LogisticRegression(max_iter=200)
        warm = SelfTrainer(base, warm_start_estimator=True).fit(X, y)
        cold = SelfTrainer(base).fit(X, y)
        assert warm.estimator_.warm_start
        assert not base.warm_start
        assert not hasattr(base, "coef_")
        assert warm.estimator_.n_iter_.max() < cold.estimator_.n_iter_.max()
        np.testing.assert_allclose(
            warm.predict_proba(X), cold.predict_proba(X), atol=1e-3
        )
        np.testing.assert_allclose(
            warm.initial_estimator_.coef_, cold.initial_estimator_.coef_, atol=1e-3
        )

    def test_partial_fit_gets_every_row_once(self):
        X, y, _ = partly_labelled(30)
        parameters = {"policy": "fixed", "threshold": 0.9, "balance_weights": False}
        stream = SelfTrainer(GaussianNB(), warm_start_estimator=True, **parameters)
        stream.fit(X, y)
        batch = SelfTrainer(GaussianNB(), **parameters).fit(X, y)
        np.testing.assert_array_equal(stream.transduction_, batch.transduction_)
        np.testing.assert_allclose(
            stream.estimator_.theta_, batch.estimator_.theta_, rtol=1e-9
        )
        automatic = SelfTrainer(
            GaussianNB(), warm_start_estimator=True, policy="fixed", threshold=0.9
        ).fit(X, y)
        np.testing.assert_array_equal(automatic.transduction_, batch.transduction_)

    def test_reproducible_by_random_state(self):
        X, y, _ = partly_labelled()
        base = RandomForestClassifier(5)
        first, second = (
            SelfTrainer(base, random_state=5).fit(X, y).predict_proba(X)
            for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)
        other = SelfTrainer(base, random_state=6).fit(X, y).predict_proba(X)
        assert not np.array_equal(first, other)
        seeded = SelfTrainer(RandomForestClassifier(5, random_state=1), random_state=5)
        assert seeded.fit(X, y).estimator_.random_state == 1

    def test_dask_workers_fit_the_base(self, dask_client):
        import joblib

        X, y, _ = partly_labelled()
        model = SelfTrainer(
            RandomForestClassifier(20, random_state=0, n_jobs=2), max_iter=2
        )
        local = clone(model).fit(X, y)
        with joblib.parallel_config(backend="dask"):
            distributed = clone(model).fit(X, y)
        assert_same_rounds(local, distributed)


class TestInput:
    def test_data_frames_reach_the_base(self):
        X, y, _ = partly_labelled()
        frame = pd.DataFrame(X, columns=list("abcd"))
        frame["kind"] = np.where(X[:, 0] > 5.5, "long", "short")
        base = make_pipeline(
            make_column_transformer(
                (StandardScaler(), ["a", "b", "c", "d"]), (OneHotEncoder(), ["kind"])
            ),
            LogisticRegression(),
        )
        model = SelfTrainer(base).fit(frame, pd.Series(y))
        assert list(model.feature_names_in_) == ["a", "b", "c", "d", "kind"]
        assert model.predict(frame).shape == (150,)
        with pytest.raises(ValueError, match="feature names"):
            model.predict(frame.rename(columns={"a": "z"}))
        assert "density at the decision boundary" not in str(
            model.theory_report(frame, y)
        )

    @pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
    def test_sparse_rows(self, container):
        X, y, _ = partly_labelled(60, data=load_digits)
        X, y = X[:400], y[:400]
        base = LogisticRegression(max_iter=1000, tol=1e-8, C=1e-3)
        dense = SelfTrainer(base, policy="fixed").fit(X, y)
        thin = SelfTrainer(base, policy="fixed").fit(container(X), y)
        np.testing.assert_array_equal(thin.transduction_, dense.transduction_)
        np.testing.assert_array_equal(thin.predict(container(X)), dense.predict(X))

    def test_missing_values_are_the_bases_business(self):
        X, y, _ = partly_labelled()
        X = X.copy()
        X[::7, 1] = np.nan
        assert SelfTrainer(DecisionTreeClassifier(max_depth=2)).fit(X, y).n_iter_ > 0
        with pytest.raises(ValueError, match="NaN"):
            SelfTrainer(LogisticRegression()).fit(X, y)

    def test_strings_and_what_marks_unlabelled_rows(self):
        X, y, _ = partly_labelled()
        numbers = SelfTrainer(GaussianNB()).fit(X, y)
        names = np.array(["a", "b", "c", "none"])[y]
        for labels, mark in (
            (names, "none"),
            (names.astype(object), "none"),
            (np.where(y == -1, 99, y), 99),
            (np.array([0.0, 1.0, 2.0, -7.5])[y], -7.5),
            (np.array(["a", "b", "c", None], dtype=object)[y], None),
        ):
            model = SelfTrainer(GaussianNB(), unlabeled_value=mark).fit(X, labels)
            np.testing.assert_array_equal(model.labeled_iter_, numbers.labeled_iter_)
            codes = np.searchsorted(model.classes_, model.transduction_[:30])
            np.testing.assert_array_equal(codes, y[:30])
            assert model.transduction_.dtype == labels.dtype

    def test_rows_never_labelled_keep_their_mark(self):
        X, y, _ = partly_labelled()
        names = np.array(["a", "b", "c", "none"])[y]
        model = SelfTrainer(
            GaussianNB(), policy="top_k", k=5, max_iter=1, unlabeled_value="none"
        ).fit(X, names)
        assert (model.transduction_ == "none").sum() == 115
        assert (model.labeled_iter_ == -1).sum() == 115

    def test_base_keeps_the_labels(self):
        X, y, _ = partly_labelled()
        names = np.array(["a", "b", "c", "none"])[y]
        base = LogisticRegression(class_weight={"a": 1, "b": 2, "c": 1}, max_iter=500)
        model = SelfTrainer(base, unlabeled_value="none").fit(X, names)
        assert list(model.estimator_.classes_) == ["a", "b", "c"]

    def test_single_precision_stays(self):
        X, y, _ = partly_labelled()
        seen = []

        class Spy(LogisticRegression):
            def fit(self, X, y, sample_weight=None):
                seen.append(X.dtype)
                return super().fit(X, y, sample_weight)

        model = SelfTrainer(Spy(max_iter=500)).fit(X.astype(np.float32), y)
        assert set(seen) == {np.dtype(np.float32)}
        assert model.predict_proba(X.astype(np.float32)).dtype == np.float32

    def test_pipelines_inside_and_around(self):
        X, y, truth = partly_labelled()
        inside = SelfTrainer(make_pipeline(StandardScaler(), LogisticRegression()))
        around = make_pipeline(StandardScaler(), SelfTrainer(LogisticRegression()))
        for model in (inside, around):
            assert model.fit(X, y).score(X, truth) > 0.85

    def test_search_over_parameters_of_the_base_and_the_policy(self):
        X, _, truth = partly_labelled()
        grid = {"estimator__C": [0.1, 1], "policy": ["fixed", "bound"]}
        base = LogisticRegression(max_iter=500)
        search = GridSearchCV(SelfTrainer(base), grid, cv=3, error_score="raise")
        assert search.fit(X, truth).best_score_ > 0.9

    def test_search_with_unlabelled_rows(self):
        X, y, _ = partly_labelled()
        grid = {"policy": ["fixed", "bound"]}
        base = LogisticRegression(max_iter=500)
        search = GridSearchCV(
            SelfTrainer(base), grid, cv=SemiSupervisedSplit(3), error_score="raise"
        )
        assert search.fit(X, y).best_score_ > 0.8
        assert (search.best_estimator_.labeled_iter_ > 0).any()

    def test_methods_are_those_of_the_base(self):
        assert hasattr(SelfTrainer(LogisticRegression()), "decision_function")
        assert not hasattr(SelfTrainer(GaussianNB()), "decision_function")
        assert hasattr(SelfTrainer(), "predict_log_proba")
        X, y, _ = partly_labelled()
        model = SelfTrainer(LogisticRegression(max_iter=500)).fit(X, y)
        np.testing.assert_allclose(
            model.predict_log_proba(X), np.log(model.predict_proba(X))
        )
        np.testing.assert_array_equal(
            model.decision_function(X), model.estimator_.decision_function(X)
        )


class TestRouting:
    def test_weights_of_a_step_of_a_pipeline(self):
        X, y, _ = partly_labelled()
        weights = np.random.default_rng(0).uniform(0.5, 2, len(y))
        with sklearn.config_context(enable_metadata_routing=True):
            nb = GaussianNB().set_fit_request(sample_weight=True)
            scaler = StandardScaler().set_fit_request(sample_weight=False)
            routed = SelfTrainer(make_pipeline(scaler, nb)).fit(
                X, y, sample_weight=weights
            )
        scaled = SelfTrainer(make_pipeline(StandardScaler(), GaussianNB())).fit(X, y)
        assert not np.allclose(routed.predict_proba(X), scaled.predict_proba(X))
        by_step = routed.estimator_.named_steps["gaussiannb"].class_count_
        assert by_step.sum() == pytest.approx(weights[routed.labeled_iter_ >= 0].sum())

    def test_balance_reaches_a_step_of_a_pipeline(self):
        X, y, _ = partly_labelled()
        with sklearn.config_context(enable_metadata_routing=True):
            nb = WeightRecorder().set_fit_request(sample_weight=True)
            model = SelfTrainer(make_pipeline(nb), policy="fixed").fit(X, y)
        plain = SelfTrainer(WeightRecorder(), policy="fixed").fit(X, y)
        np.testing.assert_array_equal(
            model.estimator_[0].weights_, plain.estimator_.weights_
        )

    def test_balance_leaves_alone_what_nobody_requested(self):
        X, y, _ = partly_labelled()
        bagging = BaggingClassifier(GaussianNB(), 5, random_state=0)
        with sklearn.config_context(enable_metadata_routing=True):
            routed = SelfTrainer(bagging, max_iter=2).fit(X, y)
        plain = SelfTrainer(bagging, max_iter=2, balance_weights=False).fit(X, y)
        np.testing.assert_array_equal(routed.labeled_iter_, plain.labeled_iter_)
        np.testing.assert_allclose(
            routed.predict_proba(X), plain.predict_proba(X), atol=1e-6
        )

    def test_unrequested_metadata_are_refused(self):
        X, y, _ = partly_labelled()
        with (
            sklearn.config_context(enable_metadata_routing=True),
            pytest.raises(ValueError, match="sample_weight"),
        ):
            SelfTrainer(GaussianNB()).fit(X, y, sample_weight=np.ones(len(y)))
        with pytest.raises(ValueError, match="enable_metadata_routing"):
            SelfTrainer(GaussianNB()).fit(X, y, groups=np.ones(len(y)))

    def test_metadata_of_rows_are_cut_down(self):
        X, y, _ = partly_labelled()
        seen = []

        class Taker(GaussianNB):
            def fit(self, X, y, marks=None, option=None):
                seen.append((len(X), np.asarray(marks), option))
                return super().fit(X, y)

            def predict(self, X, option=None):
                seen.append(option)
                return super().predict(X)

        with sklearn.config_context(enable_metadata_routing=True):
            base = Taker().set_fit_request(marks=True, option=True)
            base.set_predict_request(option=True)
            model = SelfTrainer(base, max_iter=1)
            model.fit(X, y, marks=np.arange(len(y)), option="b")
            assert seen[0][2] == "b"
            np.testing.assert_array_equal(seen[0][1], np.arange(30))
            assert all(n == len(marks) for n, marks, _ in seen)
            model.predict(X, option="c")
            assert seen[-1] == "c"


class TestBadInput:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"threshold": 1.5}, "threshold"),
            ({"threshold": [0.5, 0.5]}, "threshold must be a number or hold one for"),
            ({"threshold": [0.5, 0.5, 1.5]}, r"threshold must lie in \[0, 1\]"),
            ({"step": 0}, "step"),
            ({"step": 1.5}, "step"),
            ({"k": 0}, "'k' parameter"),
            ({"policy": "magic"}, "policy"),
            ({"policy": "binary_bound"}, "policy='binary_bound' needs two classes"),
            ({"posterior": np.ones((4, 3))}, "posterior must have shape"),
            ({"posterior": np.ones((150, 3))}, "posterior must hold probabilities"),
            ({"posterior": "magic"}, "posterior"),
            ({"restart": True, "max_iter": None}, "max_iter=None with restart=True"),
            ({"oob_votes": True}, "oob_votes=True needs a base with out-of-bag"),
            ({"oob_votes": True, "calibrate": "sigmoid"}, "oob_votes=True and calib"),
            ({"warm_start_estimator": True, "restart": True}, "warm_start_estimator"),
            ({"warm_start_estimator": True, "noise": "weight"}, "warm_start_estimator"),
            ({"warm_start_estimator": True, "calibrate": "sigmoid"}, "warm_start_est"),
            ({"unlabeled_value": "none"}, "cannot hold unlabeled_value='none'"),
            ({"unlabeled_value": [1]}, "unlabeled_value"),
        ],
    )
    def test_parameters(self, parameters, message):
        X, y, _ = partly_labelled()
        with pytest.raises(ValueError, match=message):
            SelfTrainer(GaussianNB(), **parameters).fit(X, y)

    @pytest.mark.parametrize(
        ("base", "parameters", "message"),
        [
            (SVC(), {}, "no attribute 'predict_proba' after fitting"),
            (KNeighborsClassifier(), {"balance_weights": True}, "balance_weights=True"),
            (
                KNeighborsClassifier(),
                {"noise": "weight"},
                "noise='weight' needs a base",
            ),
            (
                RandomForestClassifier(5),
                {"warm_start_estimator": True},
                "warm_start_estimator=True needs a base",
            ),
            (
                DecisionTreeClassifier(),
                {"warm_start_estimator": True},
                "warm_start_estimator=True needs a base",
            ),
            (
                SGDClassifier(loss="hinge"),
                {},
                "no attribute 'predict_proba' after fitting",
            ),
        ],
    )
    def test_bases(self, base, parameters, message):
        X, y, _ = partly_labelled()
        with pytest.raises(ValueError, match=message):
            SelfTrainer(base, **parameters).fit(X, y)

    def test_nan_votes(self):
        class Broken(GaussianNB):
            def predict_proba(self, X):
                votes = super().predict_proba(X)
                votes[0, 0] = np.nan
                return votes

        X, y, _ = partly_labelled()
        with pytest.raises(ValueError, match=r"votes of estimator=.* are NaN"):
            SelfTrainer(Broken()).fit(X, y)

    def test_labels(self):
        X, y, _ = partly_labelled()
        model = SelfTrainer(GaussianNB())
        with pytest.raises(ValueError, match="label of at least one row"):
            model.fit(X, np.full(len(y), -1))
        with pytest.raises(ValueError, match="use an array of dtype object"):
            model.fit(X, np.array(["a", "b", "c", "-1"])[y])
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            model.fit(X, y[:-1])
        with pytest.raises(ValueError, match="Unknown label type"):
            model.fit(X, np.where(y == -1, -1, y + 0.5))

    def test_calibration_needs_two_rows_of_each_class(self):
        X, y, _ = partly_labelled()
        y[np.flatnonzero(y == 2)[1:]] = -1
        with pytest.raises(ValueError, match="calibrate='sigmoid' needs two labelled"):
            SelfTrainer(GaussianNB(), calibrate="sigmoid").fit(X, y)

    def test_weights(self):
        X, y, _ = partly_labelled()
        with pytest.raises(ValueError, match="sample_weight was given, but the fit"):
            SelfTrainer(KNeighborsClassifier()).fit(X, y, sample_weight=np.ones(150))
        with pytest.raises(ValueError, match="Negative values in data"):
            SelfTrainer(GaussianNB()).fit(X, y, sample_weight=-np.ones(150))

    def test_columns_of_missing_classes_are_zero(self):
        classes = np.array(["a", "b", "c"])
        votes = np.array([[0.3, 0.7]], dtype=np.float32)
        spread = spread_votes(votes, classes[[0, 2]], classes, GaussianNB())
        np.testing.assert_array_equal(spread, np.float32([[0.3, 0, 0.7]]))
        with pytest.raises(ValueError, match="a column for each is needed"):
            spread_votes(votes, classes, classes, GaussianNB())
