# SPDX-License-Identifier: BSD-3-Clause
"""The bound optimiser: fixed points, descent, limits, and the discrete problem."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse
from scipy.special import softmax
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.datasets import load_digits, make_blobs
from sklearn.neighbors import NearestCentroid, kneighbors_graph
from sklearn.preprocessing import normalize

from sklearn_theory.solvers import _transductive_rows
from sklearn_theory.solvers._bound_optimiser import BoundOptimiser
from sklearn_theory.solvers._edge_lengths import kernel_width
from sklearn_theory.solvers._prototype_distortions import make_distortion
from sklearn_theory.solvers._psd_shift import psd_shift
from sklearn_theory.solvers._transductive_rows import InMemoryRows, nearest_means


@pytest.fixture(scope="module")
def digits():
    return normalize(load_digits(return_X_y=True)[0])


def directed_graph(X, n_neighbors=4):
    return sparse.csr_array(kneighbors_graph(X, n_neighbors)).astype(X.dtype)


def mean_graph(X, n_neighbors=4):
    directed = directed_graph(X, n_neighbors)
    return sparse.csr_array((directed + directed.T) / 2)


def make_rows(
    X, n_clusters, distortion="means", *, weights=None, seeds=None, **options
):
    weights = mean_graph(X) if weights is None else weights
    psd = options.pop("psd", "auto")
    sigma = options.pop("sigma", None) or kernel_width(X, weights)
    defaults = {"laplacian": 1.0, "entropy": 1.0, "prototype": "hard"}
    return InMemoryRows(
        X,
        weights,
        psd_shift(weights, psd).values,
        np.full(len(X), -1) if seeds is None else seeds,
        n_clusters,
        make_distortion(distortion, sigma),
        **(defaults | options),
    )


def centres_of(X, n_clusters, seed=0):
    return kmeans_plusplus(X, n_clusters, random_state=seed)[0]


def run(rows, centres, max_iter=100, **options):
    optimiser = BoundOptimiser(rows, **options)
    optimiser.start(rows.distortion.start(rows.X, centres))
    for _ in range(max_iter):
        if optimiser.step():
            break
    return optimiser


def closed_form(rows, optimiser):
    pull = rows.weights @ optimiser.state.S + rows.shift[:, None] * optimiser.state.S
    cost = rows.costs(optimiser.prototypes)
    return softmax((rows.laplacian * pull - cost) / rows.entropy, axis=1)


def values_of_sweeps(rows, cost, n_sweeps):
    """The objective after each of some full sweeps."""
    state, values = rows.start(cost), []
    for _ in range(n_sweeps):
        values.append(
            state.separable.sum() - 0.5 * rows.laplacian * rows.coupling(state)
        )
        state, _ = rows.sweep(cost, state, full=True, threshold=0.0)
    return np.array(values)


class TestExactness:
    @pytest.mark.parametrize("laplacian", [0.1, 1.0, 5.0])
    def test_ends_at_a_fixed_point(self, digits, laplacian):
        rows = make_rows(digits, 10, laplacian=laplacian, prototype="soft", entropy=0.2)
        optimiser = run(rows, centres_of(digits, 10), tol_inner=1e-14, max_inner=5000)
        residual = np.abs(optimiser.state.S - closed_form(rows, optimiser)).max()
        assert residual < 1e-6

    def test_objective_is_the_formula(self, digits):
        X = digits[:200]
        optimiser = run(make_rows(X, 5, laplacian=0.7), centres_of(X, 5))
        rows, S = optimiser.rows, optimiser.state.S
        matrix = rows.weights.toarray() + np.diag(rows.shift)
        expected = (
            (S * rows.costs(optimiser.prototypes)).sum()
            - 0.35 * np.einsum("pk,pq,qk", S, matrix, S)
            + (S * np.log(S)).sum()
        )
        assert optimiser.objective == pytest.approx(expected, rel=1e-12)

    def test_without_the_graph_it_is_k_means(self, digits):
        centres = centres_of(digits, 10)
        for prototype in ("hard", "soft"):
            rows = make_rows(digits, 10, laplacian=0.0, prototype=prototype)
            optimiser = run(rows, centres, tol=0.0)
            peer = KMeans(10, init=centres, n_init=1, algorithm="lloyd", tol=0)
            peer.fit(digits)
            np.testing.assert_array_equal(rows.labels(optimiser.state), peer.labels_)
            assert optimiser.objective == pytest.approx(peer.inertia_, rel=1e-12)
            np.testing.assert_allclose(
                optimiser.prototypes, peer.cluster_centers_, atol=1e-14
            )

    def test_vanishing_entropy_and_graph_approach_k_means(self, digits):
        centres = centres_of(digits, 10)
        options = {"laplacian": 1e-12, "entropy": 1e-6, "prototype": "soft"}
        rows = make_rows(digits, 10, **options)
        optimiser = run(rows, centres, tol=0.0)
        peer = KMeans(10, init=centres, n_init=1, algorithm="lloyd", tol=0).fit(digits)
        np.testing.assert_array_equal(rows.labels(optimiser.state), peer.labels_)

    def test_two_seeded_clusters_without_graph_are_nearest_centroids(self, rng):
        X, y = make_blobs(100, centers=2, cluster_std=3, random_state=0)
        seeds = np.where(np.arange(100) < 30, y, -1)
        centres = np.array([X[seeds == k].mean(axis=0) for k in range(2)])
        labels, _, _ = nearest_means(X, centres, np.full(100, -1, dtype=np.int32))
        peer = NearestCentroid().fit(X[seeds >= 0], y[seeds >= 0])
        np.testing.assert_array_equal(labels, peer.predict(X))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_nearest_means_far_from_the_origin(self, rng, dtype):
        X = (rng.standard_normal((500, 3)) + 1000).astype(dtype)
        means = X[:6]
        seeds = np.full(500, -1, dtype=np.int32)
        seeds[:20] = 3
        labels, squared, sums = nearest_means(X, means, seeds)
        exact = ((X[:, None].astype(float) - means) ** 2).sum(axis=2)
        free = slice(20, None)
        np.testing.assert_array_equal(labels[:20], 3)
        gap = exact[np.arange(500), labels] - exact.min(axis=1)
        assert gap[free].max() <= {np.float32: 1e-5, np.float64: 1e-11}[dtype]
        np.testing.assert_allclose(
            squared, exact[np.arange(500), labels], atol=1e-4, rtol=1e-4
        )
        np.testing.assert_array_equal(sums[:, -1], np.bincount(labels, minlength=6))
        totals = [X[labels == k].sum(axis=0, dtype=float) for k in range(6)]
        np.testing.assert_allclose(sums[:, :-1], totals, rtol=1e-6)

    def test_the_discrete_problem_by_enumeration(self):
        """The best of 20 starts is the best of all labellings, nearly always."""
        labellings = np.array(list(product([0, 1], repeat=8)))[1:-1]
        n_equal = 0
        for seed in range(50):
            rng = np.random.default_rng(seed)
            X = rng.standard_normal((8, 2))
            weights = mean_graph(X, 2)

            def energy(labels, X=X, weights=weights):
                S = np.eye(2)[labels]
                means = np.array([X[labels == k].mean(axis=0) for k in range(2)])
                spread = ((X - means[labels]) ** 2).sum()
                return spread - 0.1 / 2 * (S * (weights @ S)).sum()

            least = min(energy(labels) for labels in labellings)
            options = {"laplacian": 0.1, "entropy": 1e-4, "prototype": "soft"}
            rows = make_rows(X, 2, weights=weights, **options)
            found = np.inf
            for start in range(20):
                centres = X[np.random.default_rng(start).choice(8, 2, replace=False)]
                labels = rows.labels(run(rows, centres).state)
                if 0 < labels.sum() < 8:
                    found = min(found, energy(labels))
            assert found >= least - 1e-12
            n_equal += found <= least + 1e-9
        assert n_equal >= 45

    def test_a_heavy_graph_spreads_one_seed_over_each_component(self):
        """With equal rows only the graph decides."""
        component = np.repeat([0, 1, 2], 15)
        chain = np.eye(45, k=1) * (component == np.roll(component, -1))[:, None]
        weights = sparse.csr_array(chain + chain.T)
        seeds = np.full(45, -1)
        seeds[[0, 20, 44]] = [2, 0, 1]
        X = np.ones((45, 3))
        rows = make_rows(X, 3, weights=weights, seeds=seeds, laplacian=1e3)
        optimiser = BoundOptimiser(rows, max_inner=5000, tol_inner=0.0)
        optimiser.start(np.zeros((3, 3))).step(move_prototypes=False)
        np.testing.assert_array_equal(
            rows.labels(optimiser.state), np.array([2, 0, 1])[component]
        )

    def test_permuting_the_rows_permutes_the_result(self, digits, rng):
        X, centres = digits[:300], centres_of(digits[:300], 5)
        order = rng.permutation(300)
        first = run(make_rows(X, 5, "modes", sigma=0.3), centres)
        weights = mean_graph(X)[order][:, order]
        rows = make_rows(X[order], 5, "modes", sigma=0.3, weights=weights)
        second = run(rows, centres)
        np.testing.assert_allclose(second.state.S, first.state.S[order], atol=1e-9)

    def test_seeds_never_change(self, digits, rng):
        seeds = np.where(rng.random(len(digits)) < 0.05, rng.integers(10), -1)
        for laplacian in (0.0, 2.0):
            rows = make_rows(digits, 10, seeds=seeds, laplacian=laplacian)
            optimiser = run(rows, centres_of(digits, 10))
            labels = rows.labels(optimiser.state)
            np.testing.assert_array_equal(labels[seeds >= 0], seeds[seeds >= 0])


class TestSpeedUps:
    @pytest.mark.parametrize("laplacian", [0.3, 1.0])
    def test_leaving_rows_out_ends_at_the_same_place(self, digits, laplacian):
        rows = make_rows(digits, 10, laplacian=laplacian, entropy=0.2)
        centres = centres_of(digits, 10)
        options = {"tol_inner": 1e-12, "max_inner": 3000}
        part = run(rows, centres, **options)
        full = run(rows, centres, threshold=-1.0, **options)
        np.testing.assert_allclose(part.state.S, full.state.S, atol=1e-4)
        assert part.objective == pytest.approx(full.objective, rel=1e-9)

    def test_threads_and_blocks_change_nothing(self, digits, monkeypatch):
        monkeypatch.setattr(_transductive_rows, "BLOCK_SIZE", 500)
        centres = centres_of(digits, 10)
        one = run(make_rows(digits, 10, n_jobs=1), centres)
        two = run(make_rows(digits, 10, n_jobs=2), centres)
        np.testing.assert_array_equal(one.state.S, two.state.S)
        monkeypatch.undo()
        whole = run(make_rows(digits, 10), centres)
        np.testing.assert_allclose(whole.state.S, one.state.S, atol=1e-12)

    @pytest.mark.parametrize("laplacian", [0.0, 1.0])
    @pytest.mark.parametrize("prototype", ["hard", "soft"])
    def test_the_order_of_the_sweeps_changes_nothing(
        self, digits, rng, monkeypatch, laplacian, prototype
    ):
        seeds = np.where(rng.random(len(digits)) < 0.05, rng.integers(10), -1)
        centres = centres_of(digits, 10)
        options = {"seeds": seeds, "laplacian": laplacian, "prototype": prototype}
        given = run(make_rows(digits, 10, **options), centres)
        monkeypatch.setattr(_transductive_rows, "REORDER_BYTES", 0)
        ordered = run(make_rows(digits, 10, **options), centres)
        for result in ("assignments", "labels"):
            expected = getattr(given.rows, result)(given.state)
            actual = getattr(ordered.rows, result)(ordered.state)
            np.testing.assert_allclose(actual, expected, atol=1e-10)
        np.testing.assert_allclose(ordered.prototypes, given.prototypes, atol=1e-12)
        assert ordered.objective == pytest.approx(given.objective, rel=1e-12)

    def test_single_precision_agrees(self, digits):
        centres = centres_of(digits, 10)
        double = run(make_rows(digits, 10), centres)
        single = run(make_rows(digits.astype(np.float32), 10), centres)
        assert single.state.S.dtype == np.float32
        np.testing.assert_allclose(single.state.S, double.state.S, atol=2e-3)
        assert single.objective == pytest.approx(double.objective, rel=1e-5)


class TestTheory:
    @pytest.mark.parametrize("laplacian", [0.1, 1.0, 5.0, 20.0])
    @pytest.mark.parametrize("psd", ["degree", "auto"])
    def test_sweeps_never_raise_the_objective(self, digits, laplacian, psd):
        rows = make_rows(digits, 10, laplacian=laplacian, psd=psd)
        values = values_of_sweeps(rows, rows.costs(centres_of(digits, 10)), 30)
        assert (np.diff(values) <= 1e-9 * np.abs(values[:-1])).all()

    def test_without_shift_the_directed_graph_raises_it(self, digits):
        """Regression test: a graph of neighbours is not positive semidefinite."""
        rows = make_rows(
            digits, 10, weights=directed_graph(digits), laplacian=5.0, psd="none"
        )
        values = values_of_sweeps(rows, rows.costs(centres_of(digits, 10)), 30)
        assert (np.diff(values) > 1e-6 * np.abs(values[:-1])).any()

    @pytest.mark.parametrize(("laplacian", "rise"), [(5.0, 6.64), (20.0, 20.1)])
    def test_without_shift_the_symmetric_graph_raises_it_too(
        self, digits, laplacian, rise
    ):
        rows = make_rows(digits, 10, laplacian=laplacian, psd="none")
        values = values_of_sweeps(rows, rows.costs(centres_of(digits, 10)), 30)
        assert np.diff(values).max() == pytest.approx(rise, rel=0.05)

    @pytest.mark.parametrize("distortion", ["means", "modes", "cosine", "kernel", "kl"])
    def test_soft_prototypes_never_raise_the_objective(self, digits, distortion):
        X = digits[:400]
        X = X / X.sum(axis=1, keepdims=True) if distortion == "kl" else X
        options = {"prototype": "soft", "entropy": 0.02, "laplacian": 0.02}
        rows = make_rows(X, 6, distortion, **options)
        optimiser = run(rows, centres_of(X, 6), max_iter=2, tol=0.0)
        state, before = optimiser.state, optimiser.prototypes
        after = rows.prototypes(state, before)
        assert (state.S * rows.costs(after)).sum() <= (
            (state.S * rows.costs(before)).sum() + 1e-9
        )

    @pytest.mark.parametrize("prototype", ["hard", "soft"])
    @pytest.mark.parametrize("distortion", ["means", "modes", "bo", "medoid", "kernel"])
    @pytest.mark.parametrize("entropy", [0.0, 0.1, 1.0])
    def test_history_never_rises(self, digits, distortion, prototype, entropy):
        X = digits[:300]
        rows = make_rows(
            X, 6, distortion, prototype=prototype, entropy=entropy, laplacian=0.5
        )
        optimiser = run(rows, centres_of(X, 6), tol=0.0, max_iter=30)
        assert (np.diff(optimiser.history) <= 0).all()
        assert optimiser.largest_rise <= 1e-12
        assert optimiser.history[-1] == optimiser.objective


class TestStops:
    def test_an_emptied_cluster_restores_the_last_iterate(self, digits):
        """Means that are soft collapse on the raw graph, and do not with a shift."""
        centres = KMeans(10, n_init=1, random_state=0).fit(digits).cluster_centers_
        options = {"laplacian": 1.0, "prototype": "soft"}
        raw = run(make_rows(digits, 10, psd="none", **options), centres)
        assert raw.stop_reason == "empty cluster"
        assert raw.rows.counts(raw.state).all()
        shifted = run(make_rows(digits, 10, psd="auto", **options), centres)
        assert shifted.stop_reason == "converged"

    def test_the_first_iteration_can_be_undone_too(self, rng):
        X = rng.standard_normal((12, 2))
        rows = make_rows(X, 6, laplacian=20.0)
        optimiser = run(rows, X[:6])
        assert optimiser.stop_reason == "empty cluster"
        assert optimiser.rows.counts(optimiser.state).all()
        S = rows.assignments(optimiser.state)
        pull = rows.weights @ S + rows.shift[:, np.newaxis] * S
        expected = (S * rows.costs(X[:6])).sum() - 10 * (S * pull).sum()
        assert optimiser.objective == pytest.approx(expected)

    def test_fixed_prototypes(self, digits):
        centres = centres_of(digits, 10)
        optimiser = BoundOptimiser(make_rows(digits, 10)).start(centres)
        optimiser.step(move_prototypes=False)
        np.testing.assert_array_equal(optimiser.prototypes, centres)

    def test_sweeps_are_limited(self, digits):
        optimiser = run(make_rows(digits, 10), centres_of(digits, 10), max_inner=3)
        assert max(optimiser.inner_iters) == 3
