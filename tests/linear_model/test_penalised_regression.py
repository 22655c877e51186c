# SPDX-License-Identifier: BSD-3-Clause
"""Lasso, ElasticNet and NonNegativeLeastSquares against their peers and at the edges."""

import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import nnls
from sklearn import linear_model as peers
from sklearn.exceptions import ConvergenceWarning

from sklearn_theory.linear_model import ElasticNet, Lasso, NonNegativeLeastSquares

TIGHT = {"tol": 1e-12, "max_iter": 100_000}
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "CSC": sparse.csc_array,
    "CSR": sparse.csr_array,
    "COO": sparse.coo_array,
    "CSC matrix": sparse.csc_matrix,
    "64-bit indices": lambda X: _wide_indices(sparse.csc_array(X)),
    "unsorted": lambda X: _reversed_columns(sparse.csc_array(X)),
}
MODELS = {
    "lasso": (Lasso, peers.Lasso, {}),
    "positive lasso": (Lasso, peers.Lasso, {"positive": True}),
    "elastic net": (ElasticNet, peers.ElasticNet, {"l1_ratio": 0.4}),
    "positive net": (ElasticNet, peers.ElasticNet, {"l1_ratio": 0.7, "positive": True}),
    "ridge": (ElasticNet, peers.ElasticNet, {"l1_ratio": 0.0}),
}


def _wide_indices(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def _reversed_columns(X):
    for start, stop in zip(X.indptr[:-1], X.indptr[1:]):
        X.indices[start:stop] = X.indices[start:stop][::-1].copy()
        X.data[start:stop] = X.data[start:stop][::-1].copy()
    X.has_sorted_indices = False
    return X


def make_problem(n_samples=60, n_features=25, density=1.0, seed=0):
    """Features of unequal scales and offsets, and a target with a sparse truth."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)) + rng.normal(size=n_features)
    X *= rng.uniform(0.3, 3, size=n_features)
    X[rng.random(X.shape) > density] = 0
    coef = rng.normal(size=n_features) * (rng.random(n_features) < 0.4)
    return X, X @ coef + rng.normal(size=n_samples) + 2


def agree(model, peer, *, atol=1e-8):
    """Compare coefficients and intercepts of two fitted models."""
    np.testing.assert_allclose(model.coef_, peer.coef_, rtol=0, atol=atol)
    np.testing.assert_allclose(model.intercept_, peer.intercept_, rtol=0, atol=atol)


def objective(model, X, y, sample_weight=None):
    """scikit-learn's objective, with the weights of the features."""
    weights = np.ones(X.shape[1]) if model.weights is None else model.weights
    residual = y - X @ model.coef_ - model.intercept_
    l1_ratio = model.l1_ratio
    support = np.flatnonzero(model.coef_)
    coef, weights = model.coef_[support], np.asarray(weights)[support]
    penalty = l1_ratio * np.abs(coef) + 0.5 * (1 - l1_ratio) * coef**2
    loss = 0.5 * np.average(residual**2, weights=sample_weight)
    return loss + model.alpha * weights @ penalty


class TestAgainstScikitLearn:
    @pytest.mark.parametrize("name", MODELS)
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("shape", [(60, 25), (25, 60)])
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_models(self, name, fit_intercept, shape, layout):
        ours, theirs, options = MODELS[name]
        X, y = make_problem(*shape, density=0.6)
        options = options | TIGHT | {"fit_intercept": fit_intercept, "alpha": 0.1}
        model = ours(**options).fit(LAYOUTS[layout](X), y)
        agree(model, theirs(**options).fit(X, y))

    @pytest.mark.parametrize("name", ["lasso", "elastic net"])
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, name, layout):
        ours, theirs, options = MODELS[name]
        X, y = make_problem(density=0.5)
        options = options | TIGHT | {"alpha": 0.05}
        model = ours(**options).fit(LAYOUTS[layout](X), y)
        agree(model, theirs(**options).fit(X, y))

    @pytest.mark.parametrize("layout", ["C", "F", "CSC", "CSR"])
    def test_single_precision(self, layout):
        X, y = make_problem(density=0.5)
        X = X.astype(np.float32)
        model = Lasso(alpha=0.1, tol=1e-8).fit(LAYOUTS[layout](X), y)
        assert model.coef_.dtype == np.float32
        peer = peers.Lasso(alpha=0.1, **TIGHT).fit(X.astype(float), y)
        agree(model, peer, atol=1e-4)

    @pytest.mark.parametrize("name", MODELS)
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_sample_weight(self, name, fit_intercept, layout, rng):
        ours, theirs, options = MODELS[name]
        X, y = make_problem(density=0.6)
        weight = rng.uniform(0, 5, size=len(y)) * (rng.random(len(y)) < 0.8)
        options = options | TIGHT | {"fit_intercept": fit_intercept, "alpha": 0.1}
        model = ours(**options).fit(LAYOUTS[layout](X), y, sample_weight=weight)
        agree(model, theirs(**options).fit(X, y, sample_weight=weight))

    def test_several_targets(self, rng):
        X, y = make_problem()
        Y = np.column_stack([y, rng.normal(size=len(y)), -2 * y])
        model = Lasso(alpha=0.1, **TIGHT).fit(X, Y)
        agree(model, peers.Lasso(alpha=0.1, **TIGHT).fit(X, Y))
        assert model.predict(X).shape == Y.shape
        assert len(model.dual_gap_) == len(model.n_iter_) == len(model.history_) == 3

    @pytest.mark.parametrize("y_shape", [(60,), (60, 1)])
    def test_shapes_of_attributes(self, y_shape):
        X, y = make_problem()
        model = Lasso(alpha=0.1).fit(X, y.reshape(y_shape))
        peer = peers.Lasso(alpha=0.1).fit(X, y.reshape(y_shape))
        for name in ("coef_", "intercept_", "dual_gap_"):
            assert np.shape(getattr(model, name)) == np.shape(getattr(peer, name))
        assert model.predict(X).shape == peer.predict(X).shape
        assert model.sparse_coef_.shape == peer.sparse_coef_.shape

    def test_parameters_are_a_superset(self):
        for ours, theirs, _ in MODELS.values():
            shared = theirs().get_params()
            assert shared.items() <= ours().get_params().items()


class TestSampleWeight:
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_two_equals_the_row_twice(self, layout, rng):
        X, y = make_problem(density=0.6)
        weight = rng.integers(0, 3, size=len(y))
        rows = np.repeat(np.arange(len(y)), weight)
        model = Lasso(alpha=0.1, **TIGHT)
        coef = model.fit(LAYOUTS[layout](X), y, sample_weight=weight).coef_
        model.fit(LAYOUTS[layout](X[rows]), y[rows])
        np.testing.assert_allclose(coef, model.coef_, atol=1e-9)

    def test_zero_hides_the_row(self, rng):
        X, y = make_problem()
        weight = rng.uniform(0.5, 2, size=len(y))
        weight[::3] = 0
        wild = np.where(weight == 0, 1e6, y)
        coef = Lasso(alpha=0.1, **TIGHT).fit(X, wild, sample_weight=weight).coef_
        kept = weight > 0
        model = Lasso(alpha=0.1, **TIGHT).fit(X[kept], y[kept], weight[kept])
        np.testing.assert_allclose(coef, model.coef_, atol=1e-9)

    def test_scale_does_not_matter(self, rng):
        X, y = make_problem()
        weight = rng.uniform(0.5, 2, size=len(y))
        first = Lasso(alpha=0.1, **TIGHT).fit(X, y, weight)
        second = Lasso(alpha=0.1, **TIGHT).fit(X, y, 1000 * weight)
        agree(first, second, atol=1e-9)
        assert Lasso().fit(X, y, 5.0).dual_gap_ == Lasso().fit(X, y).dual_gap_


class TestFeatureWeights:
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    @pytest.mark.parametrize("positive", [True, False])
    def test_equal_scaling_of_columns(self, layout, positive, rng):
        X, y = make_problem(density=0.6)
        weights = rng.uniform(0.2, 4, size=X.shape[1])
        options = {"alpha": 0.1, "positive": positive, **TIGHT}
        model = Lasso(weights=weights, **options).fit(LAYOUTS[layout](X), y)
        scaled = peers.Lasso(**options).fit(X / weights, y)
        np.testing.assert_allclose(model.coef_, scaled.coef_ / weights, atol=1e-8)

    def test_elastic_net_scales_both_penalties(self, rng):
        X, y = make_problem()
        weights = rng.uniform(0.2, 4, size=X.shape[1])
        model = ElasticNet(alpha=0.1, l1_ratio=0.5, weights=weights, **TIGHT).fit(X, y)
        residual = y - model.predict(X)
        slope = X.T @ residual / len(y) - 0.05 * weights * model.coef_
        used = model.coef_ != 0
        signs = np.sign(model.coef_[used])
        np.testing.assert_allclose(slope[used], 0.05 * weights[used] * signs, atol=1e-7)
        assert np.all(np.abs(slope[~used]) <= 0.05 * weights[~used] + 1e-9)

    @pytest.mark.parametrize("cls", [Lasso, ElasticNet, NonNegativeLeastSquares])
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_infinity_excludes_the_feature(self, cls, layout):
        X, y = make_problem(density=0.6)
        weights = np.ones(X.shape[1])
        weights[::4] = np.inf
        kept = np.isfinite(weights)
        options = {"alpha": 0.1, **TIGHT}
        model = cls(weights=weights, **options).fit(LAYOUTS[layout](X), y)
        alone = cls(**options).fit(X[:, kept], y)
        assert not model.coef_[~kept].any()
        np.testing.assert_allclose(model.coef_[kept], alone.coef_, atol=1e-9)

    @pytest.mark.parametrize("layout", ["F", "CSC"])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_zero_leaves_the_feature_free(self, layout, fit_intercept):
        """The free features are eliminated by hand: project them out of all else."""
        X, y = make_problem(density=0.6)
        weights = np.ones(X.shape[1])
        weights[[2, 5, 11]] = 0
        options = {"alpha": 0.2, "fit_intercept": fit_intercept, **TIGHT}
        model = Lasso(weights=weights, **options).fit(LAYOUTS[layout](X), y)
        free = X[:, weights == 0]
        if fit_intercept:
            free = np.column_stack([free, np.ones(len(y))])
        basis = np.linalg.qr(free)[0]
        rest = X[:, weights > 0]
        rest, target = rest - basis @ (basis.T @ rest), y - basis @ (basis.T @ y)
        options["fit_intercept"] = False
        peer = peers.Lasso(**options).fit(rest, target)
        np.testing.assert_allclose(model.coef_[weights > 0], peer.coef_, atol=1e-8)
        residual = y - model.predict(X)
        np.testing.assert_allclose(free.T @ residual, 0, atol=1e-6)

    def test_all_free_is_least_squares(self):
        X, y = make_problem()
        model = Lasso(weights=np.zeros(X.shape[1]), **TIGHT).fit(X, y)
        agree(model, peers.LinearRegression().fit(X, y), atol=1e-7)

    def test_all_excluded_is_the_mean(self):
        X, y = make_problem()
        model = Lasso(weights=np.full(X.shape[1], np.inf)).fit(X, y)
        assert not model.coef_.any()
        assert model.intercept_ == pytest.approx(y.mean())


class TestEdges:
    @pytest.mark.parametrize("cls", [Lasso, ElasticNet])
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_no_penalty_is_least_squares(self, cls, layout):
        X, y = make_problem()
        model = cls(alpha=0, tol=1e-14).fit(LAYOUTS[layout](X), y)
        agree(model, peers.LinearRegression().fit(X, y))

    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_no_penalty_with_more_features_than_samples(self, fit_intercept):
        X, y = make_problem(10, 30)
        model = Lasso(alpha=0, fit_intercept=fit_intercept, tol=1e-14).fit(X, y)
        np.testing.assert_allclose(model.predict(X), y, atol=1e-6)
        assert 0 <= model.dual_gap_ <= 1e-14 * np.mean(y**2)

    @pytest.mark.parametrize("factor", [1.0, 1.5, 1e6])
    @pytest.mark.parametrize("positive", [True, False])
    def test_penalty_of_alpha_max_gives_zero(self, factor, positive):
        X, y = make_problem()
        slope = X.T @ (y - y.mean()) / len(y)
        largest = slope.max() if positive else np.abs(slope).max()
        alpha = largest * factor * (1 + 1e-12)
        model = Lasso(alpha=alpha, positive=positive).fit(X, y)
        assert not model.coef_.any()
        assert model.intercept_ == pytest.approx(y.mean())
        assert model.dual_gap_ == pytest.approx(0, abs=1e-12)

    def test_penalty_below_alpha_max_does_not(self):
        X, y = make_problem()
        alpha = np.abs(X.T @ (y - y.mean())).max() / len(y) * 0.99
        assert np.count_nonzero(Lasso(alpha=alpha, tol=1e-8).fit(X, y).coef_) == 1

    @pytest.mark.parametrize("alpha", [0.0, 0.1])
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_duplicate_columns(self, alpha, layout):
        X, y = make_problem()
        twice = np.column_stack([X, X])
        model = Lasso(alpha=alpha, tol=1e-13).fit(LAYOUTS[layout](twice), y)
        once = Lasso(alpha=alpha, tol=1e-13).fit(X, y)
        np.testing.assert_allclose(model.predict(twice), once.predict(X), atol=1e-5)
        if alpha > 0:
            value = objective(model, twice, y)
            assert value == pytest.approx(objective(once, X, y), rel=1e-12)

    def test_duplicates_share_under_squares(self):
        X, y = make_problem()
        twice = np.column_stack([X, X])
        coef = ElasticNet(alpha=0.1, **TIGHT).fit(twice, y).coef_
        np.testing.assert_allclose(coef[: X.shape[1]], coef[X.shape[1] :], atol=1e-7)

    @pytest.mark.parametrize("value", [0.0, 7.3])
    @pytest.mark.parametrize("alpha", [0.0, 0.1])
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_constant_columns_are_not_used(self, value, alpha, layout):
        X, y = make_problem()
        wide = np.column_stack([X, np.full((len(y), 2), value)])
        model = Lasso(alpha=alpha, tol=1e-13).fit(LAYOUTS[layout](wide), y)
        assert not model.coef_[-2:].any()
        once = Lasso(alpha=alpha, tol=1e-13).fit(X, y)
        np.testing.assert_allclose(model.coef_[:-2], once.coef_, atol=1e-7)

    @pytest.mark.parametrize("cls", [Lasso, ElasticNet, NonNegativeLeastSquares])
    @pytest.mark.parametrize("alpha", [0.0, 0.1])
    def test_constant_target(self, cls, alpha):
        X, y = make_problem()
        model = cls(alpha=alpha).fit(X, np.full(len(y), 3.5))
        assert not model.coef_.any()
        assert model.intercept_ == 3.5
        assert model.dual_gap_ == 0

    @pytest.mark.parametrize("cls", [Lasso, ElasticNet, NonNegativeLeastSquares])
    @pytest.mark.parametrize("alpha", [0.0, 0.1])
    def test_one_sample(self, cls, alpha):
        X, y = make_problem()
        model = cls(alpha=alpha).fit(X[:1], y[:1])
        assert not model.coef_.any()
        assert model.predict(X[:1]) == pytest.approx(y[:1])

    def test_one_sample_without_intercept(self):
        model = Lasso(alpha=0.1, fit_intercept=False, **TIGHT).fit([[2.0, 1.0]], [3.0])
        # 0.5 (3 - 2 w)^2 + 0.1 w, as the larger column is the cheaper one.
        np.testing.assert_allclose(model.coef_, [1.475, 0], atol=1e-9)

    @pytest.mark.parametrize("alpha", [0.0, 0.3])
    def test_one_feature_in_closed_form(self, alpha):
        X, y = make_problem()
        x = X[:, 0] - X[:, 0].mean()
        slope = x @ y / len(y)
        expected = np.sign(slope) * max(abs(slope) - alpha, 0) / np.mean(x**2)
        model = Lasso(alpha=alpha, **TIGHT).fit(X[:, :1], y)
        np.testing.assert_allclose(model.coef_, [expected], atol=1e-9)

    def test_only_empty_columns(self):
        y = np.arange(4.0)
        for X in (np.zeros((4, 3)), sparse.csc_array((4, 3))):
            model = Lasso(alpha=0).fit(X, y)
            assert not model.coef_.any()
            assert model.intercept_ == 1.5

    def test_integers_and_lists(self):
        X = [[1, 2], [3, 4], [5, 7]]
        model = Lasso(alpha=0.1, **TIGHT).fit(X, [1, 2, 4])
        agree(model, peers.Lasso(alpha=0.1, **TIGHT).fit(X, [1, 2, 4]))

    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_inputs_stay_untouched(self, layout):
        X, y = make_problem(density=0.5)
        A = LAYOUTS[layout](X)
        target, weight = y.copy(), np.full(len(y), 2.0)
        A_before = A.copy()
        for array in [target, weight] + ([A] if layout == "F" else [A.data]):
            array.flags.writeable = False
        Lasso(alpha=0.1, copy_X=False).fit(A, target, sample_weight=weight)
        assert abs(A - A_before).max() == 0


class TestNonNegative:
    @pytest.mark.parametrize("shape", [(60, 25), (25, 25), (15, 40)])
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_equals_scipy(self, shape, layout):
        X, y = make_problem(*shape, density=0.7)
        model = NonNegativeLeastSquares(fit_intercept=False, tol=1e-14)
        model.fit(LAYOUTS[layout](X), y)
        coef, norm = nnls(X, y)
        assert model.coef_.min() >= 0
        value = np.mean((y - X @ model.coef_) ** 2)
        assert value == pytest.approx(norm**2 / len(y), rel=1e-9, abs=1e-12)
        if shape[0] > shape[1]:
            np.testing.assert_allclose(model.coef_, coef, atol=1e-7)

    def test_equals_linear_regression(self):
        X, y = make_problem()
        model = NonNegativeLeastSquares(tol=1e-14).fit(X, y)
        agree(model, peers.LinearRegression(positive=True).fit(X, y), atol=1e-7)

    def test_penalised_equals_the_positive_lasso(self):
        X, y = make_problem()
        model = NonNegativeLeastSquares(alpha=0.2, **TIGHT).fit(X, y)
        agree(model, peers.Lasso(alpha=0.2, positive=True, **TIGHT).fit(X, y))

    def test_nothing_helps(self):
        X, y = make_problem()
        model = NonNegativeLeastSquares(fit_intercept=False).fit(np.abs(X), -np.abs(y))
        assert not model.coef_.any()
        assert model.dual_gap_ == 0

    def test_exact_fit(self, rng):
        X = rng.normal(size=(10, 30))
        y = X @ np.abs(rng.normal(size=30))
        model = NonNegativeLeastSquares(fit_intercept=False).fit(X, y)
        np.testing.assert_allclose(X @ model.coef_, y, atol=1e-4)
        assert model.dual_gap_ <= 1e-10 * np.mean(y**2)


class TestBadInput:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("layout", ["C", "F", "CSC", "CSR"])
    def test_not_finite(self, bad, layout):
        X, y = make_problem()
        X[3, 4] = bad
        with pytest.raises(ValueError, match="Input X contains"):
            Lasso().fit(LAYOUTS[layout](X), y)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_target_not_finite(self, bad):
        X, y = make_problem()
        y[3] = bad
        with pytest.raises(ValueError, match="Input y contains"):
            Lasso().fit(X, y)

    def test_squares_overflow(self):
        X, y = make_problem()
        with pytest.raises(ValueError, match="scale"):
            Lasso().fit(X * 1e200, y)
        with pytest.raises(ValueError, match="scale"):
            Lasso().fit(X, y * 1e200)

    @pytest.mark.parametrize(
        "options, message",
        [
            ({"alpha": -1.0}, "alpha"),
            ({"alpha": np.nan}, "alpha"),
            ({"l1_ratio": 1.5}, "l1_ratio"),
            ({"l1_ratio": -0.1}, "l1_ratio"),
            ({"tol": -1.0}, "tol"),
            ({"max_iter": 0}, "max_iter"),
            ({"selection": "greedy"}, "selection"),
            ({"weights": -np.ones(25)}, "weights must be non-negative"),
            ({"weights": np.full(25, np.nan)}, "weights must be non-negative"),
            ({"weights": np.ones(24)}, "weights must hold one weight"),
            ({"weights": np.ones((25, 25))}, "weights must hold one weight"),
            ({"weights": "abc"}, "weights"),
        ],
    )
    def test_parameters(self, options, message):
        X, y = make_problem()
        with pytest.raises(ValueError, match=message):
            ElasticNet(**options).fit(X, y)

    @pytest.mark.parametrize("value", [-1.0, np.nan, 0.0])
    def test_sample_weight(self, value):
        X, y = make_problem()
        weight = np.full(len(y), value)
        with pytest.raises(ValueError, match=r"(?i)sample.weight"):
            Lasso().fit(X, y, sample_weight=weight)

    def test_sample_weight_of_wrong_length(self):
        X, y = make_problem()
        with pytest.raises(ValueError, match="sample_weight"):
            Lasso().fit(X, y, sample_weight=np.ones(3))

    def test_no_samples(self):
        with pytest.raises(ValueError, match="0 sample"):
            Lasso().fit(np.empty((0, 3)), np.empty(0))


class TestConvergence:
    @pytest.mark.parametrize("n_targets", [1, 3])
    def test_one_warning_names_the_gap(self, n_targets):
        X, y = make_problem(30, 80)
        Y = np.column_stack([y] * n_targets)
        model = Lasso(alpha=1e-4, tol=1e-12, max_iter=1)
        with pytest.warns(ConvergenceWarning) as caught:
            model.fit(X, Y)
        assert len(caught) == 1
        message = str(caught[0].message)
        assert f"{np.max(model.dual_gap_):.3e}" in message
        assert "max_iter" in message
        assert caught[0].filename == __file__
        assert np.isfinite(model.coef_).all()
        assert np.all(np.asarray(model.n_iter_) <= 1)

    @pytest.mark.parametrize("cls", [Lasso, ElasticNet, NonNegativeLeastSquares])
    @pytest.mark.parametrize("shape", [(60, 25), (25, 60)])
    @pytest.mark.parametrize("alpha", [0.0, 0.1])
    def test_a_gap_of_zero_is_tried_and_ends(self, cls, shape, alpha):
        X, y = make_problem(*shape)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = cls(alpha=alpha, tol=0).fit(X, y)
        assert [warning.category for warning in caught] in ([], [ConvergenceWarning])
        assert model.dual_gap_ <= 1e-10 * np.mean(y**2)
        assert np.isfinite(model.coef_).all()

    @pytest.mark.parametrize("cls", [Lasso, ElasticNet, NonNegativeLeastSquares])
    @pytest.mark.parametrize("max_iter", [1, 2, 3, 5, 8])
    def test_budgets_are_kept(self, cls, max_iter):
        X, y = make_problem(30, 80)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = cls(alpha=1e-4, tol=1e-13, max_iter=max_iter).fit(X, y)
        assert model.n_iter_ <= max_iter
        assert np.isfinite(model.coef_).all()


class TestSelection:
    def test_random_is_reproducible(self):
        X, y = make_problem(40, 80)
        options = {"alpha": 0.02, "selection": "random", "tol": 1e-6}
        first = Lasso(random_state=3, **options).fit(X, y)
        second = Lasso(random_state=3, **options).fit(X, y)
        np.testing.assert_array_equal(first.coef_, second.coef_)

    def test_random_gives_the_same_solution(self):
        X, y = make_problem(80, 40)
        cyclic = Lasso(alpha=0.02, **TIGHT).fit(X, y)
        drawn = Lasso(alpha=0.02, selection="random", random_state=3, **TIGHT)
        agree(drawn.fit(X, y), cyclic)


class TestWarmStart:
    @pytest.mark.parametrize("layout", ["F", "CSC"])
    def test_from_the_solution_nothing_moves(self, layout):
        X, y = make_problem(40, 80)
        model = Lasso(alpha=0.02, tol=1e-8, warm_start=True).fit(LAYOUTS[layout](X), y)
        coef, n_iter = model.coef_, model.n_iter_
        model.fit(LAYOUTS[layout](X), y)
        assert model.n_iter_ <= 1 < n_iter
        np.testing.assert_allclose(model.coef_, coef, atol=1e-6)

    @pytest.mark.parametrize("cls", [Lasso, ElasticNet, NonNegativeLeastSquares])
    def test_the_start_does_not_show(self, cls):
        X, y = make_problem()
        model = cls(alpha=1.0, warm_start=True, **TIGHT).fit(X, y)
        model.set_params(alpha=0.05).fit(X, y)
        agree(model, cls(alpha=0.05, **TIGHT).fit(X, y))

    def test_from_a_start_that_is_not_allowed(self):
        """Excluded features are dropped; negative starts are left."""
        X, y = make_problem()
        weights = np.ones(X.shape[1])
        weights[0] = np.inf
        model = Lasso(alpha=0.05, positive=True, weights=weights, **TIGHT)
        cold = model.fit(X, y).coef_
        model.set_params(warm_start=True)
        model.coef_ = np.full(X.shape[1], -5.0)
        np.testing.assert_allclose(model.fit(X, y).coef_, cold, atol=1e-8)

    def test_several_targets(self):
        X, y = make_problem()
        Y = np.column_stack([y, -y])
        model = Lasso(alpha=0.05, warm_start=True, **TIGHT).fit(X, Y)
        coef = model.coef_
        model.fit(X, Y)
        np.testing.assert_allclose(model.coef_, coef, atol=1e-8)


class TestMemory:
    """Neither a dense copy of X (800 MB) nor a matrix of all features' products."""

    @pytest.mark.parametrize("weighted", [False, True])
    def test_sparse(self, weighted):
        rng = np.random.default_rng(0)
        X = sparse.random_array(
            (2000, 50_000), density=1e-3, format="csc", rng=rng, dtype=float
        )
        y = X[:, :20].sum(axis=1) + 0.1 * rng.normal(size=2000)
        alpha = np.abs(X.T @ (y - y.mean())).max() / 2000 / 20
        weight = np.ones(2000) if weighted else None
        model = Lasso(alpha=alpha).fit(X, y, sample_weight=weight)
        tracemalloc.start()
        model.fit(X, y, sample_weight=weight)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
        # Some dozen vectors of all features (0.4 MB each), and X once more if weighted.
        assert peak < 8e6 + (size if weighted else 0)

    def test_dense_columns_are_not_copied(self):
        X, y = make_problem(2000, 1000)
        X = np.asfortranarray(X)
        model = Lasso(alpha=0.5).fit(X, y)
        tracemalloc.start()
        model.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < X.nbytes / 8
