# SPDX-License-Identifier: BSD-3-Clause
"""Forests in graphs: growing them, cutting graphs into them, and solving on them."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from sklearn_theory.solvers import _forest as forests


def random_graph(seed, n_nodes=30, n_edges=45):
    return nx.gnm_random_graph(n_nodes, n_edges, seed=seed)


def definite_matrix(graph, seed=0):
    """Random weights on the edges of a graph, and a dominant diagonal."""
    random = np.random.default_rng(seed)
    Q = np.zeros((len(graph), len(graph)))
    for i, j in graph.edges:
        Q[i, j] = Q[j, i] = random.normal()
    return Q + np.diag(np.abs(Q).sum(axis=1) + random.uniform(0.1, 1, len(graph)))


graphs = st.builds(
    random_graph,
    st.integers(0, 10_000),
    st.integers(1, 40),
    st.integers(0, 80),
)


class TestGraph:
    @pytest.mark.parametrize(
        "container", [np.asarray, sparse.csr_array, sparse.csc_matrix, sparse.coo_array]
    )
    def test_splits_the_diagonal_off(self, container):
        Q = definite_matrix(random_graph(0))
        indptr, indices, weights, diagonal = forests.graph_of(container(Q))
        joined = sparse.csr_array((weights, indices, indptr), shape=Q.shape).toarray()
        np.testing.assert_array_equal(joined, Q - np.diag(np.diag(Q)))
        np.testing.assert_array_equal(diagonal, np.diag(Q))

    def test_adds_up_repeated_entries_and_drops_zeros(self):
        Q = sparse.csr_array(
            ([1.0, 1.0, 2.0, 3.0, 0.0, 5.0], [0, 1, 1, 0, 2, 2], [0, 3, 5, 6]),
            shape=(3, 3),
        )
        graph = forests.graph_of(Q)
        np.testing.assert_array_equal(graph.indices, [1, 0])
        np.testing.assert_array_equal(graph.weights, [3, 3])
        np.testing.assert_array_equal(graph.diagonal, [1, 0, 5])
        assert Q.nnz == 6

    @settings(max_examples=60, deadline=None)
    @given(graphs, st.integers(0, 1000))
    def test_tells_forests_from_cycles(self, graph, seed):
        block = np.flatnonzero(np.random.default_rng(seed).random(len(graph)) < 0.6)
        induced = graph.subgraph(block.tolist())
        acyclic = len(block) == 0 or nx.is_forest(induced)
        found = forests.is_forest(forests.graph_of(definite_matrix(graph)), block)
        assert found == acyclic


class TestGreedyForest:
    @settings(max_examples=60, deadline=None)
    @given(graphs, st.integers(0, 1000))
    def test_equals_trying_every_node(self, graph, seed):
        scores = np.random.default_rng(seed).normal(size=len(graph)).round(1)
        expected = []
        for node in sorted(range(len(graph)), key=lambda node: (-scores[node], node)):
            if nx.is_forest(graph.subgraph([*expected, node])):
                expected.append(node)
        block = forests.greedy_forest(forests.graph_of(definite_matrix(graph)), scores)
        np.testing.assert_array_equal(block, expected)

    def test_takes_a_tree_whole(self):
        tree = nx.random_labeled_tree(50, seed=0)
        graph = forests.graph_of(definite_matrix(tree))
        assert len(forests.greedy_forest(graph, np.arange(50.0))) == 50

    def test_takes_an_edge_of_a_complete_graph(self):
        graph = forests.graph_of(definite_matrix(nx.complete_graph(7)))
        np.testing.assert_array_equal(
            forests.greedy_forest(graph, np.arange(7.0)), [6, 5]
        )


class TestPartitions:
    @settings(max_examples=60, deadline=None)
    @given(graphs)
    def test_first_fit_equals_trying_every_part(self, graph):
        Q = definite_matrix(graph)
        expected = []
        for node in forests.descending(np.diag(Q)).tolist():
            for part in expected:
                if nx.is_forest(graph.subgraph([*part, node])):
                    part.append(node)
                    break
            else:
                expected.append([node])
        parts = forests.forest_partition(forests.graph_of(Q))
        assert [part.tolist() for part in parts] == [sorted(p) for p in expected]

    @settings(max_examples=60, deadline=None)
    @given(graphs)
    def test_colours_are_the_least_used_that_are_free(self, graph):
        Q = definite_matrix(graph)
        expected = []
        for node in forests.descending(np.diag(Q)).tolist():
            free = [p for p in expected if not any(n in p for n in graph[node])]
            if free:
                min(free, key=len).append(node)
            else:
                expected.append([node])
        parts = forests.colour_partition(forests.graph_of(Q))
        assert [part.tolist() for part in parts] == [sorted(p) for p in expected]

    @pytest.mark.parametrize("cut", ["forest_partition", "colour_partition"])
    def test_order_and_subset(self, cut):
        graph = forests.graph_of(definite_matrix(nx.path_graph(6)))
        parts = getattr(forests, cut)(graph, np.array([0, 1, 2]))
        assert sorted(np.concatenate(parts).tolist()) == [0, 1, 2]
        assert getattr(forests, cut)(graph, np.array([], dtype=int)) == []

    @pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2), (4, 5), (5, 4)])
    def test_lattices(self, shape):
        rows, columns = shape
        grid = nx.convert_node_labels_to_integers(
            nx.grid_2d_graph(columns, rows), ordering="sorted"
        )
        graph = forests.graph_of(definite_matrix(grid))
        colours = forests.lattice_colours(shape)
        assert all(colours[i] != colours[j] for i, j in grid.edges)
        combs = forests.lattice_combs(shape)
        for comb in np.unique(combs):
            assert forests.is_forest(graph, np.flatnonzero(combs == comb))
        if min(shape) >= 2:
            trees = [grid.subgraph(np.flatnonzero(combs == c).tolist()) for c in (0, 1)]
            assert all(nx.is_tree(tree) for tree in trees)


class TestSolve:
    @settings(max_examples=60, deadline=None)
    @given(graphs, st.integers(0, 1000))
    def test_equals_the_dense_solve(self, graph, seed):
        random = np.random.default_rng(seed)
        Q = definite_matrix(graph, seed)
        graph = forests.graph_of(Q)
        block = forests.greedy_forest(graph, random.normal(size=len(Q)))
        rhs = random.normal(size=(len(Q), 3))
        forest = forests.factorise_forest(graph, block)
        found = forests.solve_forest(forest, rhs)
        dense = Q[np.ix_(forest.order, forest.order)]
        expected = np.linalg.solve(dense, rhs[forest.order])
        error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
        assert error <= 1e-14 * np.linalg.cond(dense)
        residual = np.linalg.norm(dense @ found - rhs[forest.order])
        scale = np.linalg.norm(dense, 2) * np.linalg.norm(found)
        assert residual <= 1e-14 * scale

    def test_columns_are_solved_alike(self, rng):
        Q = definite_matrix(nx.random_labeled_tree(200, seed=1))
        forest = forests.factorise_forest(forests.graph_of(Q), np.arange(200))
        rhs = rng.normal(size=(200, 4))
        together = forests.solve_forest(forest, rhs)
        for column in range(4):
            alone = forests.solve_forest(forest, rhs[:, column])
            np.testing.assert_array_equal(together[:, column], alone)
        expected = np.linalg.solve(Q, rhs)[forest.order]
        error = np.linalg.norm(together - expected) / np.linalg.norm(expected)
        assert error < 1e-14

    def test_long_path(self):
        n = 100_000
        Q = sparse.diags_array(
            [-np.ones(n - 1), 2.1 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1]
        )
        forest = forests.factorise_forest(forests.graph_of(Q), np.arange(n))
        x = np.empty(n)
        x[forest.order] = forests.solve_forest(forest, np.ones(n))
        assert np.abs(Q @ x - 1).max() < 1e-13

    def test_refuses_a_cycle(self):
        graph = forests.graph_of(definite_matrix(nx.cycle_graph(4)))
        with pytest.raises(ValueError, match="block must be a forest"):
            forests.factorise_forest(graph, np.arange(4))

    def test_a_tree_without_curvature_keeps_its_root(self):
        laplacian = nx.laplacian_matrix(nx.path_graph(5)).toarray()
        forest = forests.factorise_forest(forests.graph_of(laplacian), np.arange(5))
        rhs = np.array([1.0, 0, 0, 0, -1])
        x = np.empty(5)
        x[forest.order] = forests.solve_forest(forest, rhs)
        np.testing.assert_allclose(laplacian @ x, rhs, atol=1e-14)
        assert x[forest.order[0]] == 0
