# SPDX-License-Identifier: BSD-3-Clause
"""LogisticRegression against its peer, its certificate, and its edges."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.special import log_softmax
from sklearn import linear_model as peers
from sklearn.exceptions import ConvergenceWarning

from sklearn_theory.linear_model import LogisticRegression

LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "CSC": sparse.csc_array,
    "CSR": sparse.csr_array,
}
TIGHT = {"tol": 1e-12, "max_iter": 20_000}
SAGA = {"solver": "saga", "tol": 1e-11, "max_iter": 200_000}
LBFGS = {"solver": "lbfgs", "tol": 1e-12, "max_iter": 100_000}


def make_problem(n_samples=120, n_features=8, n_classes=2, density=1.0, seed=0):
    """Labels drawn from a sparse softmax model, features of unequal scales."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)) * rng.uniform(0.5, 1.5, n_features)
    X[rng.random(X.shape) > density] = 0
    head = rng.normal(size=(n_features, n_classes)) * (
        rng.random((n_features, 1)) < 0.6
    )
    scores = X @ head + 0.5 * np.arange(n_classes)
    return X, np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)


def objective(model, X, y, sample_weight=None):
    """scikit-learn's objective over C and the weights' sum, and nothing of ours."""
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    scores = X @ model.coef_.T + model.intercept_
    if scores.shape[1] == 1:
        scores = np.column_stack([np.zeros(len(y)), scores[:, 0]])
    labels = np.searchsorted(model.classes_, y)
    loss = -weight @ log_softmax(scores, axis=1)[np.arange(len(y)), labels]
    share, coef = model.l1_ratio, model.coef_
    penalty = share * np.abs(coef).sum() + (1 - share) / 2 * np.sum(coef**2)
    return (loss + penalty / model.C) / weight.sum()


def peer_of(l1_ratio, **options):
    return peers.LogisticRegression(
        l1_ratio=l1_ratio, **((LBFGS if l1_ratio == 0 else SAGA) | options)
    )


def agree(model, peer, atol=1e-5):
    np.testing.assert_allclose(model.coef_, peer.coef_, rtol=0, atol=atol)
    np.testing.assert_allclose(model.intercept_, peer.intercept_, rtol=0, atol=atol)


class TestAgainstScikitLearn:
    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_objectives(self, n_classes, l1_ratio, fit_intercept, layout):
        X, y = make_problem(n_classes=n_classes, density=0.7)
        options = {"C": 0.3, "fit_intercept": fit_intercept}
        model = LogisticRegression(l1_ratio=l1_ratio, **options, **TIGHT)
        model.fit(LAYOUTS[layout](X), y)
        peer = peer_of(l1_ratio, **options).fit(X, y)
        assert objective(model, X, y) <= objective(peer, X, y) + 1e-12
        if n_classes == 2 or l1_ratio < 1:
            agree(model, peer)

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_layouts_and_precisions(self, layout, dtype):
        X, y = make_problem(density=0.6)
        X = X.astype(dtype)
        model = LogisticRegression(C=0.5, l1_ratio=1.0, tol=1e-10)
        model.fit(LAYOUTS[layout](X), y)
        peer = peer_of(1.0, C=0.5).fit(X.astype(float), y)
        assert model.coef_.dtype == dtype
        agree(model, peer, atol=1e-5 if dtype == np.float64 else 1e-4)

    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
    def test_weights_of_samples_and_classes(self, n_classes, l1_ratio, rng):
        X, y = make_problem(n_classes=n_classes)
        weight = rng.uniform(0, 3, size=len(y)) * (rng.random(len(y)) < 0.8)
        for class_weight in (None, "balanced", {0: 2.0, 1: 0.5}):
            options = {"C": 0.3, "class_weight": class_weight}
            model = LogisticRegression(l1_ratio=l1_ratio, **options, **TIGHT)
            model.fit(X, y, sample_weight=weight)
            agree(model, peer_of(l1_ratio, **options).fit(X, y, sample_weight=weight))

    @pytest.mark.parametrize("n_classes", [2, 4])
    def test_inference(self, n_classes):
        X, y = make_problem(n_classes=n_classes)
        labels = np.array(["a", "b", "c", "d"])[y]
        model = LogisticRegression(C=0.5, l1_ratio=0.5, **TIGHT).fit(X, labels)
        peer = peer_of(0.5, C=0.5).fit(X, labels)
        assert model.classes_.tolist() == peer.classes_.tolist()
        np.testing.assert_array_equal(model.predict(X), peer.predict(X))
        for name in ("decision_function", "predict_proba", "predict_log_proba"):
            ours, theirs = getattr(model, name)(X), getattr(peer, name)(X)
            np.testing.assert_allclose(ours, theirs, atol=1e-4)

    def test_parameters_are_a_superset(self):
        shared = peers.LogisticRegression().get_params().keys() - {"penalty"}
        assert shared <= LogisticRegression().get_params().keys()


class TestCertificate:
    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-6])
    def test_gap_bounds_suboptimality(self, n_classes, l1_ratio, tol):
        X, y = make_problem(n_classes=n_classes)
        options = {"C": 0.2, "l1_ratio": l1_ratio}
        model = LogisticRegression(tol=tol, **options).fit(X, y)
        best = LogisticRegression(**options, **TIGHT).fit(X, y)
        excess = objective(model, X, y) - objective(best, X, y)
        assert excess <= model.dual_gap_ + 1e-12
        assert model.dual_gap_ <= tol * np.log(n_classes) * (1 + 1e-9)

    @pytest.mark.parametrize("seed", range(10))
    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("tol", [1e-2, 1e-4])
    def test_gap_with_large_intercepts(self, seed, n_classes, tol):
        """A dual point that is not balanced is no dual point: intercepts reveal it."""
        X, y = make_problem(n_classes=n_classes, seed=seed)
        X += 5 * np.random.default_rng(seed).normal(size=X.shape[1])
        options = {"C": 0.1, "l1_ratio": 0.7}
        model = LogisticRegression(tol=tol, **options).fit(X, y)
        best = LogisticRegression(**options, **TIGHT).fit(X, y)
        excess = objective(model, X, y) - objective(best, X, y)
        assert excess <= model.dual_gap_ + 1e-12

    @pytest.mark.parametrize("seed", range(60))
    def test_random_problems(self, seed):
        """The optimality conditions, computed here, hold as the gap promises."""
        rng = np.random.default_rng(seed)
        n_samples, n_features = int(rng.integers(6, 150)), int(rng.integers(1, 200))
        X = rng.normal(size=(n_samples, n_features))
        if seed % 4 == 1:
            X = X[:, :3] @ rng.normal(size=(min(3, n_features), n_features))
        if seed % 4 == 2:
            X = np.column_stack([X, X])
        if seed % 4 == 3:
            X *= 10 ** rng.uniform(-3, 3, size=n_features)
        y = np.where(X[:, 0] + rng.normal(size=n_samples) > 0, 1, -1)
        y[:2] = [-1, 1]
        fit_intercept = bool(rng.integers(2))
        strength = np.abs(X.T @ (y / 2)).max() * 10 ** rng.uniform(-3, 0)
        model = LogisticRegression(
            C=1 / strength, l1_ratio=1.0, fit_intercept=fit_intercept, tol=1e-8
        )
        layout = sparse.csc_array if seed % 2 else np.asfortranarray
        model.fit(layout(X), y)
        assert_certified(model, X, y, strength, 1e-8)


def assert_certified(model, X, y, strength, tol):
    """Scale the probabilities of error to a dual point; its value bounds the minimum."""
    margin = y * (X @ model.coef_[0] + model.intercept_[0])
    error = 1 / (1 + np.exp(margin))
    primal = np.logaddexp(0, -margin).sum() + strength * np.abs(model.coef_).sum()
    if model.fit_intercept:
        # Any dual point must balance the classes; the heavier one is scaled down.
        plus, minus = error[y > 0].sum(), error[y < 0].sum()
        error = error * np.where(y > 0, min(1, minus / plus), min(1, plus / minus))
    steepest = np.abs(X.T @ (y * error)).max()
    error = error * min(1.0, strength / steepest if steepest > 0 else 1.0)
    entropy = -np.sum(error * np.log(np.maximum(error, 1e-300)))
    entropy -= np.sum((1 - error) * np.log1p(-np.minimum(error, 1 - 1e-16)))
    scale = len(y) * np.log(2)
    # Balancing by one class alone is a little worse than the best dual point.
    assert -1e-9 * scale <= primal - entropy <= 1e-5 * scale
    assert 0 <= model.dual_gap_ * len(y) <= tol * scale * (1 + 1e-9)


class TestSampleWeight:
    @pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_two_equals_the_row_twice(self, l1_ratio, n_classes, rng):
        X, y = make_problem(n_classes=n_classes)
        weight = rng.integers(0, 3, size=len(y))
        rows = np.repeat(np.arange(len(y)), weight)
        options = {"C": 0.2, "l1_ratio": l1_ratio} | TIGHT
        weighted = LogisticRegression(**options).fit(X, y, sample_weight=weight)
        repeated = LogisticRegression(**options).fit(X[rows], y[rows])
        shifted = objective(weighted, X, y, weight) - objective(repeated, X, y, weight)
        assert abs(shifted) <= 1e-12
        if n_classes == 2 or l1_ratio < 1:
            agree(weighted, repeated)


class TestFeatureWeights:
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_equal_scaling_of_columns(self, n_classes, rng):
        X, y = make_problem(n_classes=n_classes)
        weights = rng.uniform(0.3, 3, size=X.shape[1])
        options = {"C": 0.3, "l1_ratio": 1.0} | TIGHT
        model = LogisticRegression(weights=weights, **options).fit(X, y)
        scaled = LogisticRegression(**options).fit(X / weights, y)
        expected = scaled.decision_function(X / weights)
        np.testing.assert_allclose(model.decision_function(X), expected, atol=1e-4)

    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
    def test_infinity_excludes_the_feature(self, n_classes, l1_ratio):
        X, y = make_problem(n_classes=n_classes)
        weights = np.where(np.arange(X.shape[1]) % 3 == 0, np.inf, 1.0)
        kept = np.isfinite(weights)
        options = {"C": 0.3, "l1_ratio": l1_ratio} | TIGHT
        model = LogisticRegression(weights=weights, **options).fit(X, y)
        alone = LogisticRegression(**options).fit(X[:, kept], y)
        assert not model.coef_[:, ~kept].any()
        expected = alone.decision_function(X[:, kept])
        np.testing.assert_allclose(model.decision_function(X), expected, atol=1e-4)

    def test_zero_leaves_the_feature_free(self):
        X, y = make_problem()
        weights = np.ones(X.shape[1])
        weights[1] = 0
        model = LogisticRegression(C=0.2, l1_ratio=1.0, weights=weights, **TIGHT)
        model.fit(X, y)
        residual = y - model.predict_proba(X)[:, 1]
        assert X[:, 1] @ residual == pytest.approx(0, abs=1e-4)


class TestEdges:
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_strong_penalty_leaves_the_frequencies(self, n_classes):
        X, y = make_problem(n_classes=n_classes)
        model = LogisticRegression(C=1e-6, l1_ratio=1.0, tol=1e-10).fit(X, y)
        assert not model.coef_.any()
        frequencies = np.bincount(y) / len(y)
        expected = np.tile(frequencies, (len(y), 1))
        np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-4)

    def test_no_penalty(self):
        X, y = make_problem()
        model = LogisticRegression(C=np.inf, **TIGHT).fit(X, y)
        peer = peers.LogisticRegression(C=np.inf, **LBFGS).fit(X, y)
        agree(model, peer, atol=1e-4)

    @pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
    def test_separable_labels(self, l1_ratio):
        X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
        model = LogisticRegression(C=1e4, l1_ratio=l1_ratio).fit(X, [0, 0, 1, 1])
        assert np.isfinite(model.coef_).all()
        assert model.score(X, [0, 0, 1, 1]) == 1

    @pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_constant_empty_and_duplicate_columns(self, l1_ratio, n_classes):
        X, y = make_problem(n_classes=n_classes)
        wide = np.column_stack([X, X, np.zeros(len(y)), np.full(len(y), 2.0)])
        options = {"C": 0.3, "l1_ratio": l1_ratio, "tol": 1e-10, "max_iter": 10_000}
        model = LogisticRegression(**options).fit(wide, y)
        assert np.isfinite(model.coef_).all()
        assert not model.coef_[:, -2].any()
        assert (
            objective(model, wide, y)
            <= objective(
                LogisticRegression(**options).fit(X, y), wide[:, : X.shape[1]], y
            )
            + 1e-9
        )

    def test_one_sample_of_each_class(self):
        model = LogisticRegression(l1_ratio=1.0).fit([[0.0], [3.0]], [0, 1])
        assert model.predict([[0.0], [3.0]]).tolist() == [0, 1]

    def test_one_class(self):
        with pytest.raises(ValueError, match="at least 2 classes"):
            LogisticRegression().fit([[0.0], [3.0]], [1, 1])

    @pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_not_finite(self, l1_ratio, layout, bad):
        X, y = make_problem()
        X[2, 3] = bad
        with pytest.raises(ValueError, match="Input X contains"):
            LogisticRegression(l1_ratio=l1_ratio).fit(LAYOUTS[layout](X), y)

    @pytest.mark.parametrize(
        "options, message",
        [
            ({"C": 0.0}, "C"),
            ({"C": -1.0}, "C"),
            ({"l1_ratio": 2.0}, "l1_ratio"),
            ({"tol": -1.0}, "tol"),
            ({"weights": np.ones(3)}, "weights must hold one weight"),
            ({"weights": -np.ones(8)}, "weights must be non-negative"),
            ({"class_weight": "equal"}, "class_weight"),
        ],
    )
    def test_parameters(self, options, message):
        with pytest.raises(ValueError, match=message):
            LogisticRegression(**options).fit(*make_problem())


class TestConvergence:
    @pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_one_warning_names_the_gap(self, l1_ratio, n_classes):
        X, y = make_problem(n_classes=n_classes)
        model = LogisticRegression(C=100, l1_ratio=l1_ratio, tol=1e-12, max_iter=1)
        with pytest.warns(ConvergenceWarning) as caught:
            model.fit(X, y)
        assert len(caught) == 1
        assert f"{model.dual_gap_:.3e}" in str(caught[0].message)
        assert np.isfinite(model.coef_).all()

    @pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_a_gap_of_zero_is_tried_and_ends(self, l1_ratio, n_classes):
        X, y = make_problem(n_classes=n_classes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(C=0.5, l1_ratio=l1_ratio, tol=0).fit(X, y)
        assert model.dual_gap_ <= 1e-10

    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_objective_falls_by_what_is_guaranteed(self, n_classes):
        X, y = make_problem(n_classes=n_classes)
        model = LogisticRegression(C=5.0, l1_ratio=1.0, tol=1e-10).fit(X, y)
        values = model.history_["objective"]
        made = values[0] - values
        assert np.all(np.diff(values) <= 1e-12)
        assert np.all(model.history_["guaranteed_progress"] <= made + 1e-12)
        assert model.history_["dual_gap"][-1] == model.dual_gap_

    @pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_warm_start_from_the_solution(self, l1_ratio, n_classes):
        X, y = make_problem(n_classes=n_classes)
        model = LogisticRegression(C=0.5, l1_ratio=l1_ratio, warm_start=True, tol=1e-8)
        coef, first = model.fit(X, y).coef_, model.n_iter_[0]
        model.fit(X, y)
        assert model.n_iter_[0] < first
        np.testing.assert_allclose(model.coef_, coef, atol=1e-3)
