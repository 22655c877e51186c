# SPDX-License-Identifier: BSD-3-Clause
"""The fused sweep: by hand, against a solver, in blocks, and against its own objective."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import softmax, xlogy

from sklearn_theory.solvers._psd_shift import psd_shift
from sklearn_theory.solvers._transductive_sweep import (
    GraphRows,
    RowState,
    partial_coupling,
    partial_sweep,
    start_rows,
)


def random_graph(rng, n_rows, dtype=np.float64, density=0.3):
    dense = rng.random((n_rows, n_rows)) * (rng.random((n_rows, n_rows)) < density)
    dense = np.triu(dense, 1)
    return sparse.csr_array((dense + dense.T).astype(dtype))


def graph_rows(weights, shift=None, seeds=None, rows=slice(None)):
    n_rows = weights.shape[0]
    shift = np.zeros(n_rows) if shift is None else shift
    seeds = np.full(n_rows, -1) if seeds is None else seeds
    part = sparse.csr_array(weights[rows])
    return GraphRows(
        part.indptr,
        part.indices,
        part.data,
        shift[rows].astype(weights.dtype),
        np.asarray(seeds, dtype=np.int32)[rows],
    )


def nothing_before(S):
    moved = np.ones(len(S), dtype=bool)
    return RowState(S, moved, np.zeros(len(S)), np.zeros(len(S)))


def sweep(rows, cost, S, laplacian, entropy, moved=None, threshold=0.0):
    moved = np.ones(len(S), dtype=bool) if moved is None else moved
    return partial_sweep(
        rows, cost, S, moved, 0, nothing_before(S), laplacian, entropy, threshold
    )


def objective(weights, shift, cost, S, laplacian, entropy):
    matrix = weights.toarray().astype(float) + np.diag(shift)
    S = S.astype(float)
    return (
        (S * cost).sum()
        - laplacian / 2 * (S * (matrix @ S)).sum()
        + entropy * xlogy(S, S).sum()
    )


class TestExactness:
    def test_six_points_by_hand(self):
        weights = np.zeros((6, 6))
        for first, second, weight in [(0, 1, 1), (1, 2, 2), (3, 4, 0.5), (2, 5, 1)]:
            weights[first, second] = weights[second, first] = weight
        S = np.array([[1, 0], [0.5, 0.5], [0.2, 0.8], [0, 1], [0.9, 0.1], [0.4, 0.6]])
        cost = np.array([[0, 1], [1, 0], [2, 0], [0, 3], [1, 1], [0.5, 0]], dtype=float)
        shift = np.array([0, 0, 1, 0, 0, 2.0])
        rows = graph_rows(sparse.csr_array(weights), shift, [-1, -1, -1, 1, -1, -1])
        state = sweep(rows, cost, S, laplacian=2.0, entropy=0.5)
        for p in range(6):
            logits = [
                (
                    -cost[p, k]
                    + 2 * sum(weights[p, q] * S[q, k] for q in range(6))
                    + 2 * shift[p] * S[p, k]
                )
                / 0.5
                for k in range(2)
            ]
            total = np.exp(logits[0]) + np.exp(logits[1])
            expected = [np.exp(logits[0]) / total, np.exp(logits[1]) / total]
            if p == 3:
                expected = [0, 1]
            np.testing.assert_allclose(state.S[p], expected, rtol=1e-14)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("n_clusters", [1, 2, 7, 40])
    def test_equals_matrix_product_and_softmax(self, rng, dtype, n_clusters):
        weights = random_graph(rng, 300, dtype)
        S = rng.dirichlet(np.ones(n_clusters), 300).astype(dtype)
        cost = rng.random((300, n_clusters)).astype(dtype)
        shift = rng.random(300)
        state = sweep(graph_rows(weights, shift), cost, S, 0.3, 0.7)
        pull = weights @ S.astype(float) + shift[:, np.newaxis] * S
        expected = softmax((0.3 * pull - cost) / 0.7, axis=1)
        tolerance = {np.float32: 5e-6, np.float64: 1e-14}[dtype]
        assert state.S.dtype == dtype
        np.testing.assert_allclose(state.S, expected, rtol=10 * tolerance)
        np.testing.assert_allclose(
            state.coupling, (pull * S).sum(axis=1), rtol=10 * tolerance
        )
        separable = (expected * cost + 0.7 * xlogy(expected, expected)).sum(axis=1)
        np.testing.assert_allclose(
            state.separable, separable, rtol=100 * tolerance, atol=100 * tolerance
        )

    @pytest.mark.parametrize(
        ("dtype", "tolerance"), [(np.float32, 3e-7), (np.float64, 5e-16)]
    )
    def test_exponential_over_the_whole_range(self, dtype, tolerance):
        exponents = np.concatenate([np.linspace(0, 700, 4001), [1e4, 1e30]])
        cost = np.stack([np.zeros_like(exponents), exponents], axis=1).astype(dtype)
        S = start_rows(cost, np.full(len(cost), -1, dtype=np.int32), 1.0).S
        expected = softmax(-cost.astype(float), axis=1)
        # Below the exponential of a whole number near the smallest normal comes zero.
        normal = exponents <= np.floor(-np.log(np.finfo(dtype).tiny))
        # exp(x) itself is only known to a relative |x| * eps.
        relative = np.abs(S[normal, 1] / expected[normal, 1] - 1)
        assert (relative <= tolerance * (1 + exponents[normal])).all()
        np.testing.assert_array_equal(S[~normal, 1], 0)

    def test_is_the_minimiser_of_the_auxiliary_function(self, rng):
        weights = random_graph(rng, 6, density=1.0)
        S = rng.dirichlet(np.ones(3), 6)
        cost, laplacian, entropy = rng.random((6, 3)), 0.8, 0.6
        state = sweep(graph_rows(weights), cost, S, laplacian, entropy)
        pull = weights @ S
        for p in range(6):
            found = minimize(
                lambda s, p=p: (
                    s @ (cost[p] - laplacian * pull[p]) + entropy * xlogy(s, s).sum()
                ),
                np.full(3, 1 / 3),
                bounds=[(0, 1)] * 3,
                constraints={"type": "eq", "fun": lambda s: s.sum() - 1},
                options={"ftol": 1e-14},
            )
            np.testing.assert_allclose(state.S[p], found.x, atol=1e-6)

    def test_without_entropy_the_largest_logit_wins(self, rng):
        weights = random_graph(rng, 50)
        S = rng.dirichlet(np.ones(4), 50)
        cost = rng.random((50, 4))
        state = sweep(graph_rows(weights), cost, S, 0.5, 0.0)
        best = (0.5 * (weights @ S) - cost).argmax(axis=1)
        np.testing.assert_array_equal(state.S, np.eye(4)[best])
        np.testing.assert_array_equal(state.separable, cost[np.arange(50), best])

    def test_seeds_are_held_in_every_sweep(self, rng):
        weights, cost = random_graph(rng, 40), rng.random((40, 3))
        seeds = np.where(rng.random(40) < 0.3, rng.integers(3, size=40), -1)
        state = start_rows(cost, seeds.astype(np.int32), 1.0)
        for _ in range(5):
            held = np.flatnonzero(seeds >= 0)
            np.testing.assert_array_equal(state.S[held], np.eye(3)[seeds[held]])
            state = sweep(graph_rows(weights, seeds=seeds), cost, state.S, 3.0, 1.0)


class TestBlocks:
    def test_blocks_equal_the_whole_to_the_last_bit(self, rng):
        weights, cost = random_graph(rng, 90), rng.random((90, 5))
        S, shift = rng.dirichlet(np.ones(5), 90), rng.random(90)
        whole = sweep(graph_rows(weights, shift), cost, S, 0.7, 1.0, threshold=0.05)
        moved = np.ones(90, dtype=bool)
        for start, stop in [(0, 13), (13, 60), (60, 90)]:
            own = slice(start, stop)
            part = partial_sweep(
                graph_rows(weights, shift, rows=own),
                cost[own],
                S,
                moved,
                start,
                nothing_before(S[own]),
                0.7,
                1.0,
                0.05,
            )
            for of_part, of_whole in zip(part, whole):
                np.testing.assert_array_equal(of_part, of_whole[own])

    def test_couplings_add_up(self, rng):
        weights, shift = random_graph(rng, 60), rng.random(60)
        S = rng.dirichlet(np.ones(4), 60)
        parts = [
            partial_coupling(graph_rows(weights, shift, rows=slice(a, a + 20)), S, a)
            for a in (0, 20, 40)
        ]
        matrix = weights.toarray() + np.diag(shift)
        np.testing.assert_allclose(sum(parts), (S * (matrix @ S)).sum(), rtol=1e-13)

    def test_rows_among_resting_neighbours_are_left_out(self, rng):
        weights, cost = random_graph(rng, 80, density=0.05), rng.random((80, 3))
        S = rng.dirichlet(np.ones(3), 80)
        moved = np.zeros(80, dtype=bool)
        moved[:4] = True
        full = sweep(graph_rows(weights), cost, S, 0.5, 1.0)
        part = sweep(graph_rows(weights), cost, S, 0.5, 1.0, moved=moved)
        near = moved | (weights @ moved > 0)
        assert 4 < near.sum() < 40
        np.testing.assert_array_equal(part.S[near], full.S[near])
        np.testing.assert_array_equal(part.S[~near], S[~near])
        assert not part.moved[~near].any()


class TestTheory:
    @settings(deadline=None, max_examples=40)
    @given(
        seed=st.integers(0, 10**6),
        laplacian=st.sampled_from([0.1, 1.0, 5.0, 20.0]),
        entropy=st.sampled_from([0.0, 0.1, 1.0]),
        psd=st.sampled_from(["auto", "degree"]),
    )
    def test_no_sweep_of_any_rows_raises_the_objective(
        self, seed, laplacian, entropy, psd
    ):
        rng = np.random.default_rng(seed)
        weights, cost = random_graph(rng, 25), rng.random((25, 3))
        shift = psd_shift(weights, psd).values
        S = rng.dirichlet(np.ones(3), 25)
        problem = (weights, shift, cost)
        for _ in range(5):
            moved = rng.random(25) < 0.5
            before = objective(*problem, S, laplacian, entropy)
            S = sweep(
                graph_rows(weights, shift), cost, S, laplacian, entropy, moved=moved
            ).S
            after = objective(*problem, S, laplacian, entropy)
            assert after <= before + 1e-10 * abs(before)

    def test_the_fall_is_at_least_the_divergence(self, rng):
        weights, cost = random_graph(rng, 30), rng.random((30, 4))
        shift = psd_shift(weights, "degree").values
        S = rng.dirichlet(np.ones(4), 30)
        after = sweep(graph_rows(weights, shift), cost, S, 2.0, 0.5).S
        fall = objective(weights, shift, cost, S, 2.0, 0.5) - objective(
            weights, shift, cost, after, 2.0, 0.5
        )
        assert fall >= 0.5 * (xlogy(S, S) - xlogy(S, after)).sum()
