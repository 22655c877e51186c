# SPDX-License-Identifier: BSD-3-Clause
"""The theorems behind the two heads on random instances, and the softmax solver."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import log_softmax, rel_entr, softmax
from sklearn.datasets import load_iris

from sklearn_theory.linear_model import SharedVarianceNB
from sklearn_theory.linear_model._linear_head import LinearHead, scores
from sklearn_theory.linear_model._naive_bayes_statistics import (
    class_statistics,
    merge_statistics,
    overall_mean,
    overall_variance,
)
from sklearn_theory.linear_model._naive_bayes_theory import (
    error_bound,
    log_odds_moments,
    mean_radius,
    measure,
    regret_transform,
    rows_for_means,
)
from sklearn_theory.linear_model._softmax_regression import (
    LogisticProblem,
    _Objective,
    fit_logistic,
    tempered_start,
)


class TestConsistencyBound:
    @pytest.mark.parametrize("n_classes", [2, 3, 10])
    def test_no_violation(self, rng, n_classes):
        """T(max p - p[argmax q]) <= KL(p || q), for 200,000 draws in all."""
        size = (66_667, n_classes)
        p = rng.dirichlet(np.full(n_classes, 0.3), size[0])
        h = rng.exponential(3, (size[0], 1)) * rng.normal(size=size)
        near = rng.uniform(size=size[0]) < 0.5  # close to the boundary of the bound
        h[near] = np.log(p[near] + 1e-12) + rng.normal(0, 0.2, (near.sum(), n_classes))
        regret = p.max(axis=1) - p[np.arange(size[0]), h.argmax(axis=1)]
        divergence = rel_entr(p, softmax(h, axis=1)).sum(axis=1)
        assert np.all(regret_transform(regret) <= divergence + 1e-12)
        assert np.all(regret <= error_bound(divergence) + 1e-12)
        assert np.mean(regret) <= error_bound(divergence.mean())

    def test_is_attained_by_two_classes_at_a_tie(self):
        regret = np.linspace(0, 0.99, 20)
        p = np.stack([(1 + regret) / 2, (1 - regret) / 2])
        divergence = rel_entr(p, 0.5).sum(axis=0)
        np.testing.assert_allclose(regret_transform(regret), divergence, atol=1e-14)

    def test_transform(self):
        regret = np.linspace(0, 1, 50)
        assert np.all(regret_transform(regret) >= regret**2 / 2 - 1e-16)
        assert regret_transform(1) == pytest.approx(np.log(2))
        assert error_bound(-1e-18) == 0
        assert error_bound(100) == 1


class TestMeans:
    def test_hoeffding_holds_at_least_as_often_as_it_says(self, rng):
        counts, n_features, delta = np.array([20, 30]), 50, 0.2
        truth = rng.uniform(size=(2, n_features))
        radius = mean_radius(counts, n_features, 2, delta)[:, np.newaxis]
        held = [
            np.all(
                np.abs(rng.binomial(counts[:, None], truth) / counts[:, None] - truth)
                <= radius
            )
            for _ in range(500)
        ]
        assert np.mean(held) >= 1 - delta

    def test_rows_grow_with_the_logarithm_of_the_features(self):
        rows = [rows_for_means(0.1, n, 10) for n in (10, 100, 1000, 10_000)]
        np.testing.assert_allclose(np.diff(rows), np.log(10) / 0.02, atol=1)
        assert mean_radius(rows[0], 10, 10) <= 0.1 < mean_radius(rows[0] - 1, 10, 10)


class TestLogOddsMoments:
    def test_are_those_of_the_log_likelihoods(self):
        X, y = load_iris(return_X_y=True)
        model = SharedVarianceNB(priors=[1 / 3] * 3).fit(X, y)
        likelihood = model.joint_log_likelihood(X)
        pairs = [(0, 1), (0, 2), (1, 2)]
        odds = np.array([likelihood[:, i] - likelihood[:, j] for i, j in pairs])
        drift = [np.abs(odds[:, y == k].mean(axis=1)) for k in range(3)]
        spread = [odds[:, y == k].var(axis=1) for k in range(3)]
        beta, alpha = log_odds_moments(measure(X, y, 3, 1e-9))
        assert beta == pytest.approx(np.min(drift) / 4)
        assert alpha == pytest.approx(np.max(spread) / 4)


class TestMerge:
    def test_of_random_parts_is_the_whole(self, rng):
        X, y = rng.normal(100, 1, size=(90, 4)), rng.integers(3, size=90)
        weight = rng.uniform(0, 2, 90)
        whole = class_statistics(X, y, 4, weight)
        parts = [
            class_statistics(X[r], y[r], 4, weight[r])
            for r in np.split(np.arange(90), [7, 8, 50])
        ]
        left = merge_statistics(
            merge_statistics(*parts[:2]), merge_statistics(*parts[2:])
        )
        for first, second in zip(left, whole):
            np.testing.assert_allclose(first, second, rtol=1e-10)

    def test_overall_moments(self, rng):
        X, y = rng.normal(5, 2, size=(90, 4)), rng.integers(3, size=90)
        weight = rng.uniform(0, 2, 90)
        statistics = class_statistics(X, y, 3, weight)
        mean = np.average(X, axis=0, weights=weight)
        variance = np.average((X - mean) ** 2, axis=0, weights=weight)
        np.testing.assert_allclose(overall_mean(statistics), mean)
        np.testing.assert_allclose(overall_variance(statistics), variance)


class TestSoftmaxRegression:
    @pytest.fixture(params=[2, 3])
    def problem(self, request, rng):
        n_classes = request.param
        X, y = rng.normal(3, 2, size=(40, 4)), np.arange(40) % n_classes
        weight = rng.uniform(0.5, 2, 40)
        statistics = class_statistics(X, y, n_classes, weight)
        return LogisticProblem(
            X=X,
            y=y,
            weight=weight,
            n_classes=n_classes,
            offset=rng.normal(size=4),
            scale=rng.uniform(0.1, 10, 4),
            centre=overall_mean(statistics),
            spread=overall_variance(statistics),
            C=0.3,
        )

    def head(self, problem, rng):
        n_heads = 1 if problem.n_classes == 2 else problem.n_classes
        return LinearHead(rng.normal(size=(n_heads, 4)), rng.normal(size=n_heads))

    def value(self, problem, head):
        """The objective as scikit-learn defines it, on features written down."""
        raw = scores(problem.X, head)
        if problem.n_classes == 2:
            raw = np.hstack([np.zeros_like(raw), raw])
        loss = -log_softmax(raw, axis=1)[np.arange(40), problem.y]
        ridge = np.sum((head.coef / problem.scale) ** 2) / (2 * problem.C)
        return (problem.weight @ loss + ridge) / problem.weight.sum()

    def test_objective_and_gradient(self, problem, rng):
        objective = _Objective(problem, tol=1e-4)
        start = objective.to_coordinates(self.head(problem, rng)) / 3
        value, gradient = objective(start)
        assert value == pytest.approx(self.value(problem, objective.to_head(start)))
        numeric = approx_fprime(start, lambda x: objective(x)[0], 1e-7)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-5)

    def test_stops_at_the_plain_gradient(self, problem):
        """The tolerance is on the gradient in plain coordinates, as scikit-learn's."""
        fit = fit_logistic(problem, None, solver="lbfgs", max_iter=500, tol=1e-6)
        head = fit.head
        assert fit.converged

        def plain(flat):
            coef, intercept = np.split(flat, [head.coef.size])
            coef = coef.reshape(head.coef.shape) * problem.scale
            return self.value(
                problem, LinearHead(coef, intercept - coef @ problem.offset)
            )

        at = np.append(
            (head.coef / problem.scale).ravel(),
            head.intercept + head.coef @ problem.offset,
        )
        steps = 1e-5 * np.eye(len(at))
        gradient = [(plain(at + step) - plain(at - step)) / 2e-5 for step in steps]
        np.testing.assert_allclose(gradient, 0, atol=1.1e-6)

    def test_any_start_leads_to_the_same_optimum(self, problem, rng):
        settings = {"solver": "lbfgs", "max_iter": 1000, "tol": 1e-9}
        cold = fit_logistic(problem, None, **settings)
        far = fit_logistic(problem, self.head(problem, rng), **settings)
        warm = fit_logistic(problem, cold.head, **settings)
        np.testing.assert_allclose(far.head.coef, cold.head.coef, atol=1e-5)
        np.testing.assert_allclose(far.head.intercept, cold.head.intercept, atol=1e-4)
        assert warm.n_iter <= 2 < cold.n_iter

    def test_tempered_start_is_no_worse_than_zero(self, problem, rng):
        head = self.head(problem, rng)
        head = LinearHead(100 * head.coef, 100 * head.intercept)
        zero = LinearHead(0 * head.coef, 0 * head.intercept)
        start = tempered_start(problem, head)
        assert self.value(problem, start) <= self.value(problem, zero) + 1e-12
