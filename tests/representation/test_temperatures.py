# SPDX-License-Identifier: BSD-3-Clause
"""The exact temperature: duality, convexity, derivatives and bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize_scalar

from sklearn_theory.representation._temperatures import (
    minimise_temperatures,
    robust_objective,
    tilt,
)

ONE = np.ones(1)


def draw_rows(rng, n_rows=20, n_negatives=200):
    return rng.uniform(0.1, 0.6, (n_rows, 1)) * rng.normal(size=(n_rows, n_negatives))


class TestDuality:
    @pytest.mark.parametrize("rho", [0.05, 0.3, 1, 3, 5])
    def test_objective_equals_the_worst_weighted_mean(self, rng, rho):
        H = draw_rows(rng)
        temperatures = minimise_temperatures(H, rho, 1e-6, 1e6)
        weights = np.exp((H - H.max(axis=1, keepdims=True)) / temperatures[:, None])
        weights /= weights.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(weights > 0, weights * np.log(weights * H.shape[1]), 0)
        np.testing.assert_allclose(terms.sum(axis=1), rho, atol=1e-4)
        np.testing.assert_allclose(
            robust_objective(H, temperatures, rho), (weights * H).sum(axis=1), atol=1e-6
        )

    @pytest.mark.parametrize("rho", [0.05, 0.3, 1, 3])
    def test_no_weights_within_the_radius_do_worse(self, rng, rho):
        """Random distributions within the radius, against the dual value."""
        h = draw_rows(rng, n_rows=1)
        dual = robust_objective(h, minimise_temperatures(h, rho, 1e-6, 1e6), rho)[0]
        reached = -np.inf
        for _ in range(2000):
            tilted = np.exp(rng.normal(size=200) * rng.uniform(0, 3) + 4 * h[0] / rho)
            p = tilted / tilted.sum()
            radius = (p * np.log(np.maximum(p, 1e-300) * 200)).sum()
            if radius > rho:  # Mix with uniform weights: divergence is convex.
                p = (p * rho / radius) + (1 - rho / radius) / 200
            reached = max(reached, p @ h[0])
        assert reached <= dual + 1e-12

    def test_a_brute_search_finds_the_same_temperature(self, rng):
        H = draw_rows(rng, n_rows=5)
        temperatures = minimise_temperatures(H, 0.3, 1e-3, 1e3)
        for h, temperature in zip(H, temperatures):
            best = minimize_scalar(
                lambda t, h=h: robust_objective(h[None], np.exp(t) * ONE, 0.3)[0],
                bounds=(-7, 7),
                method="bounded",
                options={"xatol": 1e-10},
            )
            assert temperature == pytest.approx(np.exp(best.x), rel=1e-5)


@settings(deadline=None, max_examples=100)
@given(
    H=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
        elements=st.floats(-2, 2),
    ),
    rho=st.floats(0, 4),
    bounds=st.tuples(st.floats(1e-3, 10), st.floats(1e-3, 10)).map(sorted),
)
def test_no_other_temperature_is_better_for_any_rows(H, rho, bounds):
    lowest, highest = bounds
    temperatures = minimise_temperatures(H, rho, lowest, highest)
    assert (temperatures >= lowest).all()
    assert (temperatures <= highest).all()
    least = robust_objective(H, temperatures, rho)
    for other in np.geomspace(lowest, highest, 9):
        value = robust_objective(H, np.full(len(H), other), rho)
        assert (least <= value + 1e-9 * (1 + np.abs(value))).all()


class TestShape:
    def test_objective_is_convex_in_the_temperature(self, rng):
        H = draw_rows(rng)
        grid = np.linspace(0.02, 5, 400)
        values = np.stack([robust_objective(H, np.full(20, t), 0.3) for t in grid])
        assert (values[2:] - 2 * values[1:-1] + values[:-2] >= -1e-12).all()

    def test_slope_is_the_radius_minus_the_divergence(self, rng):
        H, temperatures = draw_rows(rng), rng.uniform(0.1, 2, 20)
        step = 1e-5
        numeric = (
            robust_objective(H, temperatures + step, 0.3)
            - robust_objective(H, temperatures - step, 0.3)
        ) / (2 * step)
        np.testing.assert_allclose(
            numeric, 0.3 - tilt(H, temperatures).radius, atol=1e-6
        )

    def test_divergence_falls_as_the_temperature_rises(self, rng):
        H = draw_rows(rng)
        radii = [tilt(H, np.full(20, t)).radius for t in np.geomspace(1e-3, 1e3, 60)]
        assert (np.diff(radii, axis=0) <= 1e-12).all()


class TestBounds:
    def test_a_radius_that_cannot_be_reached_gives_the_lowest_temperature(self, rng):
        H = draw_rows(rng)
        temperatures = minimise_temperatures(H, np.log(200) + 0.01, 0.05, 1)
        np.testing.assert_allclose(temperatures, 0.05, rtol=1e-9)

    def test_radius_zero_gives_the_highest_temperature(self, rng):
        temperatures = minimise_temperatures(draw_rows(rng), 0.0, 0.05, 1.0)
        np.testing.assert_allclose(temperatures, 1.0, rtol=1e-9)

    def test_equal_bounds(self, rng):
        temperatures = minimise_temperatures(draw_rows(rng), 0.3, 0.2, 0.2)
        np.testing.assert_allclose(temperatures, 0.2)

    def test_constant_rows(self):
        temperatures = minimise_temperatures(np.zeros((3, 5)), 0.3, 0.05, 1.0)
        np.testing.assert_allclose(temperatures, 0.05)

    def test_a_constant_added_changes_nothing(self, rng):
        H = draw_rows(rng)
        np.testing.assert_allclose(
            minimise_temperatures(H, 0.3, 0.01, 10),
            minimise_temperatures(H + 7, 0.3, 0.01, 10),
            rtol=1e-6,
        )


def test_duplicates_among_the_negatives_raise_the_temperature(rng):
    """False negatives: few enough of them that the radius is below minus log share."""
    H = 0.2 * rng.normal(size=(20, 200))
    plain = minimise_temperatures(H, 0.3, 1e-3, 1e3)
    H[:, :40] = 1.0
    assert (minimise_temperatures(H, 0.3, 1e-3, 1e3) > plain).all()


class TestExclusion:
    def test_excluded_entries_do_not_count(self, rng):
        H = draw_rows(rng, n_rows=6, n_negatives=30)
        rows = np.arange(6)
        reduced = np.array([np.delete(h, [i, i + 7]) for i, h in enumerate(H)])
        H[rows, rows] = 50.0  # Even the largest entry.
        excluded = [(rows, rows), (rows, rows + 7)]
        temperatures = minimise_temperatures(H, 0.3, 1e-3, 1e3, excluded)
        np.testing.assert_allclose(
            temperatures, minimise_temperatures(reduced, 0.3, 1e-3, 1e3), rtol=1e-8
        )
        np.testing.assert_allclose(
            robust_objective(H, temperatures, 0.3, excluded),
            robust_objective(reduced, temperatures, 0.3),
        )
