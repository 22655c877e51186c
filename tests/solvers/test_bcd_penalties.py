# SPDX-License-Identifier: BSD-3-Clause
"""Penalties: proximal operators and subdifferentials by brute force."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from sklearn_theory.solvers import (
    BoxPenalty,
    ElasticNetPenalty,
    L1Penalty,
    L2Penalty,
    SquaredDatafit,
)
from sklearn_theory.solvers._duality import conjugate
from sklearn_theory.solvers._penalties._none import NoPenalty

WEIGHTS = np.array([1.0, 0.0, 2.5, 0.5])
DATAFIT = SquaredDatafit(np.eye(4), np.zeros(4), fit_intercept=False)
PENALTIES = [
    NoPenalty(),
    L2Penalty(0.7, WEIGHTS),
    L1Penalty(0.7, WEIGHTS),
    ElasticNetPenalty(0.7, 0.3, WEIGHTS),
    BoxPenalty(),
    BoxPenalty([-1, 0, -np.inf, 0.5], 1.0),
    BoxPenalty(-0.5, 2.0, L1Penalty(0.7, WEIGHTS)),
    BoxPenalty(0.0, np.inf, ElasticNetPenalty(0.7, 0.3)),
]
every_penalty = pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: p.name)


def inside(penalty, i):
    pieces = penalty.pieces()
    return max(pieces[1][i], -20), min(pieces[2][i], 20)


@every_penalty
class TestDefinitions:
    def test_prox_minimises(self, penalty, rng):
        penalty = penalty.bind(DATAFIT)
        step = np.array([0.5, 1.0, 2.0, 0.1])
        for _ in range(5):
            x = 2 * rng.normal(size=4)
            found = penalty.prox(x, step)
            for i in range(4):

                def objective(v, i=i, x=x):
                    at = np.zeros(4)
                    at[i] = v
                    own = penalty.values(at)[i]
                    return (v - x[i]) ** 2 / (2 * step[i]) + own

                low, high = inside(penalty, i)
                best = minimize_scalar(objective, bounds=(low, high), method="bounded")
                assert objective(found[i]) <= best.fun + 1e-9
                assert low <= found[i] <= high

    def test_prox_satisfies_optimality(self, penalty, rng):
        """(x - prox) / step is a subgradient at prox."""
        penalty = penalty.bind(DATAFIT)
        x, step = 2 * rng.normal(size=4), np.array([0.5, 1.0, 2.0, 0.1])
        found = penalty.prox(x, step)
        np.testing.assert_allclose(
            penalty.violation(found, (found - x) / step), 0, atol=1e-12
        )

    def test_index_picks_coordinates(self, penalty, rng):
        penalty = penalty.bind(DATAFIT)
        x = penalty.start(rng.normal(size=4))
        index = np.array([2, 0])
        np.testing.assert_allclose(
            penalty.values(x[index], index), penalty.values(x)[index]
        )
        for part, whole in zip(
            penalty.subdifferential(x[index], index), penalty.subdifferential(x)
        ):
            np.testing.assert_array_equal(part, whole[index])

    def test_pieces_describe_the_values(self, penalty, rng):
        penalty = penalty.bind(DATAFIT)
        slopes, low, high = penalty.pieces()
        x = np.clip(rng.normal(size=4), low, high)
        np.testing.assert_allclose(penalty.values(x), slopes * np.abs(x))

    def test_conjugate_by_grid(self, penalty, rng):
        penalty = penalty.bind(DATAFIT)
        slopes, low, high = penalty.pieces()
        for i in range(4):
            v = rng.normal()
            grid = np.linspace(*inside(penalty, i), 200_001)
            model = (
                v * grid - slopes[i] * abs(grid) - penalty.curvature[i] * grid**2 / 2
            )
            pieces = (slopes[[i]], penalty.curvature[[i]], low[[i]], high[[i]])
            value = conjugate(np.array([v]), *pieces, np.zeros(1))
            if np.isfinite(value):
                assert value == pytest.approx(model.max(), abs=1e-6)
            else:
                assert np.argmax(model) in (0, len(grid) - 1)


class TestWeights:
    def test_infinite_weight_excludes(self):
        penalty = L1Penalty(1.0, [1.0, np.inf, 0.0, 2.0]).bind(DATAFIT)
        np.testing.assert_array_equal(penalty.excluded, [False, True, False, False])
        assert np.isfinite(penalty.strength).all()

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            ([1.0], "shape"),
            ([1, -1, 1, 1], "non-negative"),
            ([1, np.nan, 1, 1], "non-neg"),
        ],
    )
    def test_refusals(self, weights, message):
        with pytest.raises(ValueError, match=f"weights must .*{message}"):
            L2Penalty(1.0, weights).bind(DATAFIT)

    @pytest.mark.parametrize("alpha", [-1.0, np.inf, np.nan])
    def test_bad_alpha(self, alpha):
        with pytest.raises(ValueError, match="alpha must be"):
            L1Penalty(alpha).bind(DATAFIT)

    def test_bad_l1_ratio(self):
        with pytest.raises(ValueError, match="l1_ratio must be"):
            ElasticNetPenalty(1.0, 1.5).bind(DATAFIT)

    @pytest.mark.parametrize(
        ("low", "high", "message"),
        [(1, 0, "low <= high"), ([0, 0], 1, "shape"), (np.nan, 1, "NaN")],
    )
    def test_bad_bounds(self, low, high, message):
        with pytest.raises(ValueError, match=f"bounds must .*{message}"):
            BoxPenalty(low, high).bind(DATAFIT)
