# SPDX-License-Identifier: BSD-3-Clause
"""Affinities: weights, symmetry, loops, precision, and where neighbours come from."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import NearestNeighbors

from sklearn_theory.utils import _nearest_rows
from sklearn_theory.utils._affinities import make_affinity
from sklearn_theory.utils._nearest_rows import drop_self


@pytest.fixture
def X(rng):
    return rng.standard_normal((80, 3))


def directed(X, n_neighbors):
    return NearestNeighbors(n_neighbors=n_neighbors).fit(X).kneighbors_graph().toarray()


class TestWeights:
    def test_symmetrisations(self, X):
        graph = directed(X, 4)
        expected = {
            "max": np.maximum(graph, graph.T),
            "mean": (graph + graph.T) / 2,
            None: graph,
        }
        for symmetrize, weights in expected.items():
            affinity = make_affinity("knn", 4, symmetrize=symmetrize)
            np.testing.assert_array_equal(affinity.fit(X).toarray(), weights)

    def test_heat(self, X):
        distances, _ = NearestNeighbors(n_neighbors=4).fit(X).kneighbors()
        for sigma in ("auto", 0.5):
            width = np.sqrt((distances**2).mean()) if sigma == "auto" else sigma
            affinity = make_affinity("heat", 4, symmetrize=None, sigma=sigma)
            expected = directed(X, 4) * rbf_kernel(X, gamma=1 / (2 * width**2))
            np.testing.assert_allclose(affinity.fit(X).toarray(), expected)
            (chunk,) = affinity.chunks(X[:5] + 0.01)
            gaps = rbf_kernel(X[:5] + 0.01, X, gamma=1 / (2 * width**2))
            stored = chunk.toarray()
            np.testing.assert_allclose(stored[stored > 0], gaps[stored > 0])
            assert (np.diff(chunk.indptr) == 4).all()

    def test_heat_of_equal_rows(self):
        weights = make_affinity("heat", 2).fit(np.ones((5, 2)))
        assert (weights.data == 1).all()

    @pytest.mark.parametrize("kind", ["knn", "heat", "precomputed"])
    def test_single_precision_is_kept(self, X, kind):
        source = rbf_kernel(X) if kind == "precomputed" else X
        for symmetrize in ("max", "mean", None):
            affinity = make_affinity(kind, 3, symmetrize=symmetrize)
            weights = affinity.fit(source.astype(np.float32))
            assert weights.dtype == np.float32
            assert isinstance(weights, sparse.csr_array)
            assert (
                next(affinity.chunks(source[:4].astype(np.float32))).dtype == np.float32
            )

    @pytest.mark.parametrize("kind", ["knn", "heat"])
    def test_no_row_is_its_own_neighbour(self, kind):
        """Of many equal rows, a row need not be the first of its neighbours."""
        weights = make_affinity(kind, 3, symmetrize=None).fit(np.ones((9, 2)))
        assert not weights.diagonal().any()
        assert (weights.sum(axis=1) == 3).all()

    def test_fewer_rows_than_neighbours(self):
        weights = make_affinity("knn", 10, symmetrize="mean").fit(np.eye(3))
        np.testing.assert_array_equal(weights.toarray(), 1 - np.eye(3))
        affinity = make_affinity("knn", 10)
        assert affinity.fit(np.ones((1, 2))).nnz == 0
        (chunk,) = affinity.chunks(np.zeros((2, 2)))
        np.testing.assert_array_equal(chunk.toarray(), np.ones((2, 1)))

    def test_loops_of_given_weights_do_not_count(self):
        for given in (np.full((3, 3), 2.0), sparse.csr_array(np.full((3, 3), 2.0))):
            weights = make_affinity("precomputed", 1, symmetrize="mean").fit(given)
            np.testing.assert_array_equal(weights.toarray(), 2 * (1 - np.eye(3)))

    @pytest.mark.parametrize("bad", [-1.0, np.inf, np.nan])
    def test_given_weights_are_checked(self, bad):
        weights = np.ones((3, 3))
        weights[0, 2] = bad
        with pytest.raises(ValueError, match="non-negative and finite"):
            make_affinity("precomputed", 1).fit(weights)

    def test_a_matrix_that_is_not_square_is_named(self):
        with pytest.raises(ValueError, match=r"square matrix W .* got shape \(2, 3\)"):
            make_affinity("precomputed", 1, name="W").fit(np.ones((2, 3)))


class TestNeighbours:
    def test_drop_self(self):
        neighbours = np.array([[0, 1, 2], [0, 1, 2], [0, 1, 3], [0, 1, 2]])
        distances = np.arange(12.0).reshape(4, 3)
        kept_distances, kept = drop_self(distances, neighbours, 2)
        np.testing.assert_array_equal(kept, [[1, 2], [0, 2], [0, 1], [0, 1]])
        np.testing.assert_array_equal(kept_distances, [[1, 2], [3, 5], [6, 7], [9, 10]])

    def test_auto_is_exact_where_that_is_fast(self, X, monkeypatch):
        monkeypatch.setattr(_nearest_rows, "MOST_EXACT_ROWS", 50)
        monkeypatch.setattr(_nearest_rows, "find_spec", lambda name: object())
        assert _nearest_rows._choose(X) == "exact"
        wide = np.ones((80, 16))
        assert _nearest_rows._choose(wide) == "pynndescent"
        assert _nearest_rows._choose(sparse.csr_array(X)) == "pynndescent"
        monkeypatch.setattr(_nearest_rows, "find_spec", lambda name: None)
        assert _nearest_rows._choose(wide) == "exact"
        monkeypatch.setattr(_nearest_rows, "MOST_EXACT_ROWS", 100)
        assert _nearest_rows._choose(wide) == "exact"

    def test_what_pynndescent_is_asked(self, X, monkeypatch):
        """With a stand-in that finds the exact neighbours."""
        asked = {}

        class Stub:
            def __init__(self, data, n_neighbors, **options):
                asked.update(options, n_neighbors=n_neighbors)
                self.exact = NearestNeighbors(n_neighbors=n_neighbors).fit(data)
                self.neighbor_graph = self.exact.kneighbors(data)[::-1]

            def query(self, data, k):
                return self.exact.kneighbors(data, k)[::-1]

        monkeypatch.setitem(sys.modules, "pynndescent", SimpleNamespace(NNDescent=Stub))
        options = {"neighbors": "pynndescent", "random_state": 0}
        approximate = make_affinity("heat", 4, 2, **options)
        exact = make_affinity("heat", 4)
        np.testing.assert_allclose(approximate.fit(X).toarray(), exact.fit(X).toarray())
        assert asked["n_neighbors"] == 5
        assert asked["n_jobs"] == 2
        (first,), (second,) = approximate.chunks(X[:9] + 1), exact.chunks(X[:9] + 1)
        np.testing.assert_allclose(first.toarray(), second.toarray())

    def test_pynndescent_missing(self, X, monkeypatch):
        monkeypatch.setitem(sys.modules, "pynndescent", None)
        with pytest.raises(ImportError, match=r"sklearn_theory\[neighbors\]"):
            make_affinity("knn", 3, neighbors="pynndescent").fit(X)
