# SPDX-License-Identifier: BSD-3-Clause
"""Certificates on random problems, hard ones among them, checked independently."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import linear_model as peers

from sklearn_theory.linear_model import ElasticNet, Lasso, NonNegativeLeastSquares

KINDS = ("full rank", "rank 3", "duplicates", "scales", "empty columns", "sparse")


def make_features(kind, n_samples, n_features, rng):
    """Draw features that are hard in the way that `kind` names."""
    X = rng.normal(size=(n_samples, n_features))
    if kind == "rank 3":
        return rng.normal(size=(n_samples, 3)) @ rng.normal(size=(3, n_features))
    if kind == "duplicates":
        return np.column_stack([X, X[:, : max(1, n_features // 2)]])
    if kind == "scales":
        return X * 10 ** rng.uniform(-4, 4, size=n_features)
    if kind == "empty columns":
        return X * (rng.random(n_features) > 0.3)
    return X * (rng.random(X.shape) < 0.1) if kind == "sparse" else X


def make_problem(seed):
    """A random problem, and a penalty between the largest sensible one and 1e-4 of it."""
    rng = np.random.default_rng(seed)
    n_samples, n_features = int(rng.integers(3, 201)), int(rng.integers(1, 401))
    X = make_features(KINDS[seed % len(KINDS)], n_samples, n_features, rng)
    y = rng.normal(size=n_samples) + X[:, 0]
    fit_intercept = bool(rng.integers(2))
    target = y - y.mean() if fit_intercept else y
    alpha = np.abs(X.T @ target).max() / n_samples * 10 ** rng.uniform(-4, 0)
    layout = sparse.csc_array if rng.integers(2) else np.asfortranarray
    return X, y, fit_intercept, max(alpha, 1e-8), layout


class Dual:
    """The gap of a fitted model in extended precision, by nothing of the library's.

    The dual of ``||y - X w||^2 / 2 + l1 ||w||_1 + l2 ||w||^2 / 2`` is evaluated in two
    ways: as that of the Lasso with rows ``sqrt(l2) I`` added below, at the residual made
    feasible; and with the conjugate of the whole penalty, at the residual as it is.
    """

    def __init__(self, model, X, y):
        n = len(y)
        X, y = X.astype(np.longdouble), y.astype(np.longdouble)
        coef = model.coef_.astype(np.longdouble)
        if model.fit_intercept:
            X, y = X - X.mean(axis=0), y - y.mean()
        l1 = n * model.alpha * model.l1_ratio
        l2 = n * model.alpha * (1 - model.l1_ratio)
        residual, self.scale = y - X @ coef, y @ y
        size = residual @ residual + l2 * coef @ coef
        primal = size / 2 + l1 * np.abs(coef).sum()
        values = [0.0]
        slope = X.T @ residual
        steepness = slope if model.positive else np.abs(slope)
        if l2 > 0:
            excess = np.maximum(steepness - l1, 0)
            values.append(
                y @ residual - residual @ residual / 2 - excess @ excess / l2 / 2
            )
        slope = slope - l2 * coef
        steepest = slope.max() if model.positive else np.abs(slope).max()
        ceiling = l1 / steepest if steepest > 0 else np.inf
        for factor in (1.0, y @ residual / size if size > 0 else 0.0):
            # A negative factor could break one-sided constraints.
            factor = max(min(factor, ceiling), 0.0)
            values.append(factor * (y @ residual) - factor**2 * size / 2)
        self.gap = float(primal - max(values))


def assert_certified(model, X, y, tol):
    dual = Dual(model, X, y)
    claimed = model.dual_gap_ * len(y)
    assert np.isfinite(model.coef_).all()
    assert 0 <= claimed <= tol * dual.scale * (1 + 1e-6)
    # The certificate may rest on an earlier dual point, which is never a worse one.
    assert dual.gap <= max(1.5 * tol * dual.scale, claimed * (1 + 1e-6))
    if model.positive:
        assert model.coef_.min() >= 0


class TestRandomProblems:
    TOL = 1e-9

    @pytest.mark.parametrize("seed", range(150))
    def test_lasso(self, seed):
        X, y, fit_intercept, alpha, layout = make_problem(seed)
        model = Lasso(alpha=alpha, fit_intercept=fit_intercept, tol=self.TOL)
        assert_certified(model.fit(layout(X), y), X, y, self.TOL)

    @pytest.mark.parametrize("seed", range(150, 200))
    def test_positive_lasso(self, seed):
        X, y, fit_intercept, alpha, layout = make_problem(seed)
        model = Lasso(alpha, fit_intercept=fit_intercept, tol=self.TOL, positive=True)
        assert_certified(model.fit(layout(X), y), X, y, self.TOL)

    @pytest.mark.parametrize("seed", range(200, 250))
    def test_elastic_net(self, seed):
        X, y, fit_intercept, alpha, layout = make_problem(seed)
        model = ElasticNet(
            alpha=alpha,
            l1_ratio=(0.9, 0.5, 0.1)[seed % 3],
            fit_intercept=fit_intercept,
            tol=self.TOL,
            positive=seed % 4 == 0,
        )
        assert_certified(model.fit(layout(X), y), X, y, self.TOL)

    @pytest.mark.parametrize("seed", [435, 509])
    @pytest.mark.parametrize("positive", [True, False])
    def test_more_non_zeros_than_ranks(self, seed, positive):
        """On such faces the objective is flat; plain descent needs 20000 sweeps."""
        rng = np.random.default_rng(seed)
        X = make_features("rank 3", 150, 300, rng)
        y = rng.normal(size=150) + X[:, 0]
        alpha = np.abs(X.T @ y).max() / 150 / 600
        model = Lasso(alpha, fit_intercept=False, tol=self.TOL, positive=positive)
        assert_certified(model.fit(X, y), X, y, self.TOL)

    @pytest.mark.parametrize("seed", range(12))
    def test_weights_and_no_penalty(self, seed):
        """Free coordinates: the gap is that of the problem without their span."""
        X, y, fit_intercept, alpha, layout = make_problem(seed)
        weights = np.random.default_rng(seed).choice([0, 1, 3, np.inf], size=X.shape[1])
        model = Lasso(alpha, fit_intercept=fit_intercept, tol=1e-8, weights=weights)
        model.fit(layout(X), y)
        residual = y - X @ model.coef_ - model.intercept_
        size = np.linalg.norm(residual)
        scale = np.linalg.norm(y - y.mean() if fit_intercept else y)
        slope = X.T @ residual
        norms = np.linalg.norm(X - X.mean(axis=0) if fit_intercept else X, axis=0)
        free = weights == 0
        assert np.all(np.abs(slope[free]) <= 2e-4 * scale * norms[free] + 1e-12 * size)
        assert not model.coef_[np.isinf(weights)].any()
        assert 0 <= model.dual_gap_ * len(y) <= 1e-8 * scale**2 * (1 + 1e-9)


class TestHonesty:
    """The gap bounds the distance to a minimum that a peer has found."""

    @pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-6])
    @pytest.mark.parametrize("positive", [True, False])
    @pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
    def test_gap_bounds_suboptimality(self, tol, positive, l1_ratio):
        rng = np.random.default_rng(3)
        X = rng.normal(size=(50, 80)) + 1
        y = X[:, :5].sum(axis=1) + rng.normal(size=50)
        options = {"alpha": 0.05, "l1_ratio": l1_ratio, "positive": positive}
        model = ElasticNet(tol=tol, **options).fit(X, y)
        best = peers.ElasticNet(tol=1e-14, max_iter=10**6, **options).fit(X, y)
        excess = objective(model, X, y) - objective(best, X, y)
        assert excess <= model.dual_gap_ + 1e-13
        assert model.dual_gap_ <= tol * y.var()

    @pytest.mark.parametrize("tol", [1e-1, 1e-4])
    @pytest.mark.parametrize("shape", [(50, 20), (20, 50)])
    def test_without_penalty(self, tol, shape):
        rng = np.random.default_rng(3)
        X, y = rng.normal(size=shape), rng.normal(size=shape[0])
        best = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean())[0]
        least = 0.5 * np.mean((y - y.mean() - (X - X.mean(axis=0)) @ best) ** 2)
        for model in (Lasso(alpha=0, tol=tol), ElasticNet(alpha=0, tol=tol)):
            model.fit(X, y)
            excess = 0.5 * np.mean((y - model.predict(X)) ** 2) - least
            assert excess <= model.dual_gap_ + 1e-13

    @pytest.mark.parametrize("tol", [1e-1, 1e-4])
    def test_non_negative(self, tol):
        rng = np.random.default_rng(3)
        X, y = rng.normal(size=(40, 30)), rng.normal(size=40)
        model = NonNegativeLeastSquares(tol=tol).fit(X, y)
        best = peers.LinearRegression(positive=True).fit(X, y)
        excess = np.mean((y - model.predict(X)) ** 2 - (y - best.predict(X)) ** 2) / 2
        assert excess <= model.dual_gap_ + 1e-13


def objective(model, X, y):
    coef, share = model.coef_, model.l1_ratio
    penalty = share * np.abs(coef).sum() + (1 - share) / 2 * coef @ coef
    return 0.5 * np.mean((y - model.predict(X)) ** 2) + model.alpha * penalty


class TestHistory:
    @pytest.mark.parametrize("seed", range(30))
    def test_objective_falls_and_progress_is_a_lower_bound(self, seed):
        X, y, fit_intercept, alpha, layout = make_problem(seed)
        model = Lasso(alpha, fit_intercept=fit_intercept, tol=1e-9).fit(layout(X), y)
        history = model.history_
        values = history["objective"]
        rounding = 1e-12 * values[0]
        assert np.all(np.diff(values) <= rounding)
        made = values[0] - values
        assert np.all(history["guaranteed_progress"] <= made + rounding)
        assert np.all(np.diff(history["guaranteed_progress"]) >= 0)
        assert np.all(np.diff(history["n_passes"]) >= 0)
        assert history["n_passes"][-1] == model.n_iter_ or model.n_iter_ == 1
        assert history["n_nonzero"][-1] == np.count_nonzero(model.coef_)
        assert history["dual_gap"][-1] == model.dual_gap_
        assert len({len(column) for column in history.values()}) == 1

    def test_last_objective_is_that_of_the_model(self):
        X, y, fit_intercept, alpha, layout = make_problem(1)
        model = Lasso(alpha, fit_intercept=fit_intercept, tol=1e-9).fit(layout(X), y)
        value = objective(model, X, y)
        assert model.history_["objective"][-1] == pytest.approx(value, rel=1e-10)


class TestInvariances:
    """What any draw must satisfy, whatever the data."""

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(
        seed=st.integers(0, 10**6),
        power=st.integers(-6, 6),
        l1_ratio=st.sampled_from([1.0, 0.5, 0.0]),
    )
    def test_units_of_the_target(self, seed, power, l1_ratio):
        X, y, fit_intercept, alpha, layout = make_problem(seed)
        unit = 2.0**power
        options = {"l1_ratio": l1_ratio, "fit_intercept": fit_intercept, "tol": 1e-5}
        # Squares scale with the coefficients only if their weight does not.
        scaled = alpha * (unit if l1_ratio == 1 else 1)
        model = ElasticNet(alpha=alpha, **options).fit(layout(X), y)
        other = ElasticNet(alpha=scaled, **options)
        if l1_ratio in (0.0, 1.0):
            other.fit(layout(X), unit * y)
            np.testing.assert_array_equal(other.coef_, unit * model.coef_)

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(seed=st.integers(0, 10**6))
    def test_storage_does_not_matter(self, seed):
        X, y, fit_intercept, alpha, _ = make_problem(seed)
        model = Lasso(alpha, fit_intercept=fit_intercept, tol=1e-9)
        dense = model.fit(X, y).predict(X)
        light = model.fit(sparse.csc_array(X), y).predict(X)
        scale = np.linalg.norm(y)
        np.testing.assert_allclose(light, dense, atol=1e-4 * scale, rtol=0)

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(seed=st.integers(0, 10**6))
    def test_the_intercept_absorbs_offsets(self, seed):
        X, y, _, alpha, layout = make_problem(seed)
        model = Lasso(alpha, tol=1e-8)
        scale = max(1.0, np.abs(X).max())
        before = model.fit(layout(X), y).predict(X)
        after = model.fit(X + 3 * scale, y - 7).predict(X + 3 * scale)
        np.testing.assert_allclose(after, before - 7, atol=1e-3 * np.linalg.norm(y))
