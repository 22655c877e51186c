# SPDX-License-Identifier: BSD-3-Clause
"""Paths of coefficients: scikit-learn's, warm starts, weights, grids, warnings."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import linear_model as peers
from sklearn.exceptions import ConvergenceWarning

from sklearn_theory.linear_model import ElasticNet, Lasso

TIGHT = {"tol": 1e-12, "max_iter": 100_000}
LAYOUTS = [np.asfortranarray, np.ascontiguousarray, sparse.csc_array, sparse.csr_array]


@pytest.fixture
def problem(rng):
    X = rng.normal(size=(50, 20)) * rng.uniform(0.5, 2, size=20)
    X[rng.random(X.shape) < 0.4] = 0
    return X, X[:, :4].sum(axis=1) + rng.normal(size=50)


class TestAgainstScikitLearn:
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("positive", [True, False])
    @pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
    def test_given_alphas(self, problem, layout, positive, l1_ratio):
        X, y = problem
        options = {"l1_ratio": l1_ratio, "positive": positive, "alphas": [1, 0.01, 0.1]}
        ours = ElasticNet.path(layout(X), y, **options, **TIGHT)
        theirs = peers.enet_path(X, y, **options, **TIGHT)
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_allclose(ours[1], theirs[1], atol=1e-8)
        assert ours[2].shape == theirs[2].shape

    @pytest.mark.parametrize("positive", [True, False])
    @pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
    def test_grid(self, problem, positive, l1_ratio):
        X, y = problem
        options = {"l1_ratio": l1_ratio, "positive": positive, "alphas": 7, "eps": 1e-2}
        ours = ElasticNet.path(X, y, **options)[0]
        np.testing.assert_allclose(ours, peers.enet_path(X, y, **options)[0])

    def test_number_of_results(self, problem):
        X, y = problem
        alphas, coefs, gaps, n_iters = ElasticNet.path(X, y, 5, return_n_iter=True)
        assert len(alphas) == coefs.shape[1] == len(gaps) == len(n_iters) == 5
        assert coefs.shape[0] == X.shape[1]

    def test_single_precision(self, problem):
        X, y = problem
        coefs = Lasso.path(X.astype(np.float32), y, 5, l1_ratio=1.0, tol=1e-8)[1]
        assert coefs.dtype == np.float32
        exact = peers.lasso_path(X, y, alphas=5, **TIGHT)[1]
        np.testing.assert_allclose(coefs, exact, atol=1e-4)


class TestAgainstSingleFits:
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_every_point_is_a_fit(self, problem, layout, fit_intercept, rng):
        X, y = problem
        weight = rng.uniform(0.5, 2, size=len(y))
        weights = rng.choice([0.5, 1, 3, np.inf], size=X.shape[1])
        shared = {"fit_intercept": fit_intercept, "weights": weights} | TIGHT
        alphas, coefs, gaps = ElasticNet.path(
            layout(X), y, 6, l1_ratio=0.8, sample_weight=weight, **shared
        )
        for alpha, coef, gap in zip(alphas, coefs.T, gaps):
            model = ElasticNet(alpha=alpha, l1_ratio=0.8, **shared)
            model.fit(X, y, sample_weight=weight)
            np.testing.assert_allclose(coef, model.coef_, atol=1e-8)
            assert gap <= 1e-12 * np.average(y**2, weights=weight)

    def test_first_point_is_zero_and_the_second_is_not(self, problem):
        X, y = problem
        weights = np.linspace(0.5, 2, X.shape[1])
        for fit_intercept in (True, False):
            coefs = ElasticNet.path(
                X, y, 100, weights=weights, fit_intercept=fit_intercept, tol=1e-9
            )[1]
            assert not coefs[:, 0].any()
            assert coefs[:, 1].any()

    def test_dual_gaps_are_honest(self, problem):
        X, y = problem
        alphas, coefs, gaps = Lasso.path(X, y, 20, l1_ratio=1.0, tol=1e-3)
        best = peers.lasso_path(X, y, alphas=alphas, tol=1e-14, max_iter=10**6)[1]

        def objectives(coefs):
            loss = 0.5 * np.mean((y[:, None] - X @ coefs) ** 2, axis=0)
            return loss + alphas * np.abs(coefs).sum(axis=0)

        assert np.all(objectives(coefs) - objectives(best) <= gaps + 1e-13)
        assert np.all(gaps <= 1e-3 * np.mean(y**2))


class TestWarmStarts:
    def test_save_passes(self, rng):
        X = rng.normal(size=(100, 300))
        y = X[:, :10].sum(axis=1) + rng.normal(size=100)
        alphas, _, _, warm = ElasticNet.path(
            X, y, 30, l1_ratio=1.0, tol=1e-6, return_n_iter=True
        )
        cold = [
            Lasso(alpha, fit_intercept=False, tol=1e-6).fit(X, y).n_iter_
            for alpha in alphas
        ]
        assert sum(warm) < 0.8 * sum(cold)

    def test_from_given_coefficients(self, problem):
        X, y = problem
        coef = peers.Lasso(alpha=0.1, fit_intercept=False, **TIGHT).fit(X, y).coef_
        options = {"l1_ratio": 1.0, "tol": 1e-8, "return_n_iter": True}
        _, coefs, _, n_iters = ElasticNet.path(X, y, [0.1], coef_init=coef, **options)
        assert n_iters[0] <= 1
        np.testing.assert_allclose(coefs[:, 0], coef, atol=1e-7)


class TestBadInput:
    @pytest.mark.parametrize(
        "options, message",
        [
            ({"alphas": [-1.0]}, "alphas must be non-negative"),
            ({"alphas": [np.nan]}, "alphas must be non-negative"),
            ({"alphas": []}, "alphas must be a list"),
            ({"alphas": [[1.0]]}, "alphas must be a list"),
            ({"l1_ratio": 0.0}, "not supported for l1_ratio=0"),
            ({"weights": np.ones(3)}, "weights must hold one weight"),
            ({"sample_weight": np.ones(3)}, "sample_weight"),
        ],
    )
    def test_parameters(self, problem, options, message):
        with pytest.raises(ValueError, match=message):
            ElasticNet.path(*problem, **options)

    def test_several_targets(self, problem):
        X, y = problem
        with pytest.raises(ValueError, match="one-dimensional"):
            ElasticNet.path(X, np.column_stack([y, y]))

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_not_finite(self, problem, layout):
        X, y = problem
        X[2, 3] = np.nan
        with pytest.raises(ValueError, match="Input X contains NaN"):
            ElasticNet.path(layout(X), y)

    def test_one_warning_names_the_worst_gap(self, problem):
        X, y = problem
        with pytest.warns(ConvergenceWarning, match="Duality gap") as caught:
            gaps = ElasticNet.path(X, y, 20, tol=1e-13, max_iter=1)[2]
        assert len(caught) == 1
        assert f"{gaps.max():.3e}" in str(caught[0].message)

    def test_constant_target(self, problem):
        X, _ = problem
        alphas, coefs, gaps = ElasticNet.path(X, np.ones(50), 4, fit_intercept=True)
        assert np.all(alphas > 0)
        assert not coefs.any()
        assert not gaps.any()
