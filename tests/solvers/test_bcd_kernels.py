# SPDX-License-Identifier: BSD-3-Clause
"""The block solver, the heap, the cache and small systems."""

import numpy as np
import pytest

from sklearn_theory.solvers._block_solve_fast import solve_block
from sklearn_theory.solvers._definite import inverse_root, pseudo_solve, solve_definite
from sklearn_theory.solvers._gram_cache import GramCache
from sklearn_theory.solvers._heap_fast import IndexedMaxHeap
from sklearn_theory.solvers._line_search import backtrack
from sklearn_theory.solvers._selections._constants import largest


def make_block(rng, size, rank=None):
    A = rng.normal(size=(rank or 2 * size, size)) * 10.0 ** rng.uniform(-2, 2, size)
    return A.T @ A


def violation(H, g, x, v, slopes, low, high):
    slope = g + H @ (v - x)
    least = np.where(v > 0, slopes, -slopes)
    most = np.where(v < 0, -slopes, slopes)
    below = np.where(v > low, least + slope, 0)
    above = np.where(v < high, -slope - most, 0)
    return max(0.0, below.max(), above.max())


class TestBlockSolver:
    @pytest.mark.parametrize("size", [1, 2, 5, 40])
    def test_solutions_are_optimal_to_rounding(self, rng, size):
        for trial in range(20):
            H = make_block(rng, size, rank=None if trial % 2 else max(1, size // 2))
            x = rng.normal(size=size) * (rng.random(size) < 0.5)
            # In the range of H, as the gradient of a least-squares loss is.
            g = H @ rng.normal(size=size)
            slopes = np.abs(g).max() * rng.random(size) * (rng.random(size) < 0.7) / 3
            low = np.where(rng.random(size) < 0.3, 0.0, -np.inf)
            high = np.where(rng.random(size) < 0.3, 1.0, np.inf)
            x = np.clip(x, low, high)
            v = solve_block(H, g, x, slopes, low, high, 200)
            assert (low <= v).all() and (v <= high).all()
            scale = np.abs(g).max() + slopes.max()
            assert violation(H, g, x, v, slopes, low, high) <= 1e-9 * scale

    def test_without_kinks_it_is_a_linear_system(self, rng):
        H, g = make_block(rng, 6), rng.normal(size=6)
        x, infinite = rng.normal(size=6), np.full(6, np.inf)
        v = solve_block(H, g, x, np.zeros(6), -infinite, infinite, 200)
        np.testing.assert_allclose(v, x - np.linalg.solve(H, g), rtol=1e-8)

    def test_zeros_are_exact(self, rng):
        H, g = make_block(rng, 5), rng.normal(size=5)
        x, infinite = rng.normal(size=5), np.full(5, np.inf)
        v = solve_block(H, g, x, np.full(5, 1e9), -infinite, infinite, 200)
        np.testing.assert_array_equal(v, 0.0)


class TestHeap:
    def test_random_updates_agree_with_argmax(self, rng):
        keys = rng.normal(size=500)
        heap = IndexedMaxHeap(keys)
        for _ in range(1000):
            changed = rng.choice(500, 100, replace=False)
            # Rounded keys, so that there are ties.
            keys[changed] = rng.normal(size=100).round(1)
            heap.update(changed, keys[changed])
            assert heap.top() == np.argmax(keys)

    def test_one_key(self):
        assert IndexedMaxHeap(np.array([3.0])).top() == 0


class TestLargest:
    def test_against_sorting(self, rng):
        for count in (1, 2, 5, 30, 40):
            scores = rng.integers(6, size=30).astype(float)
            order = np.lexsort([np.arange(30), -scores])
            expected = np.sort(order[:count])
            np.testing.assert_array_equal(largest(scores, count), expected)


class TestSystems:
    def test_definite(self, rng):
        H, g = make_block(rng, 5), rng.normal(size=5)
        expected = np.linalg.solve(H, g)
        np.testing.assert_allclose(solve_definite(H, g), expected, rtol=1e-6)
        half = inverse_root(H) @ g
        assert half @ half == pytest.approx(g @ expected, rel=1e-4)

    def test_singular(self, rng):
        A = rng.normal(size=(3, 6))
        H, g = A.T @ A, A.T @ rng.normal(size=3)
        expected = np.linalg.pinv(H) @ g
        np.testing.assert_allclose(solve_definite(H, g), expected, atol=1e-8)
        np.testing.assert_allclose(pseudo_solve(H, g), expected, atol=1e-8)


class TestCache:
    class Columns:
        n_coordinates = 12

        def __init__(self, rng):
            self.matrix = rng.normal(size=(12, 12))
            self.asked = []

        def hessian_columns(self, block):
            self.asked += list(block)
            return self.matrix[block]

    def test_columns_are_right_and_kept(self, rng):
        source = self.Columns(rng)
        cache = GramCache(source, 5 * 12 * 8)
        for _ in range(200):
            block = rng.choice(12, rng.integers(1, 8), replace=False)
            np.testing.assert_array_equal(cache(block), source.matrix[block])
        source.asked.clear()
        cache(np.array([0, 1]))
        assert cache.holds(np.array([0, 1]))
        source.asked.clear()
        cache(np.array([1, 0]))
        assert not source.asked

    def test_never_more_than_half_of_the_columns(self, rng):
        assert GramCache(self.Columns(rng), 1e9)._columns.shape == (6, 12)


class TestLineSearch:
    def test_full_step_where_it_decreases(self):
        assert backtrack(lambda t: (1 - t) ** 2, -2.0, 1.0) == 1.0

    def test_interpolation_finds_the_minimum_of_a_parabola(self):
        length = backtrack(lambda t: (1 - 4 * t) ** 2, -8.0, 1.0)
        assert length == pytest.approx(0.25)

    def test_infinite_values_are_stepped_back_from(self):
        def barrier(t):
            return np.inf if t > 0.01 else -t

        assert 0 < backtrack(barrier, -1.0, 0.0) <= 0.01

    def test_no_decrease(self):
        """Where nothing decreases, what is left of the step is rounding."""
        assert backtrack(lambda t: 1.0 + t, -1.0, 1.0) <= 1e-15
