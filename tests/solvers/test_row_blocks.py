# SPDX-License-Identifier: BSD-3-Clause
"""Blocks of a graph's rows: products with the halo are products with the graph."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from sklearn_theory.solvers._row_blocks import cut_block, row_offsets, with_halo


def random_graph(rng, n_samples, density):
    weights = sparse.random_array(
        (n_samples, n_samples), density=density, format="csr", rng=rng
    )
    return sparse.csr_array(weights + weights.T)


@pytest.mark.parametrize("sizes", [[30], [10, 20], [1, 0, 28, 1], [5] * 6])
@pytest.mark.parametrize("density", [0, 0.02, 0.3])
def test_products_are_those_of_the_whole_graph(rng, sizes, density):
    weights = random_graph(rng, 30, density)
    values = rng.normal(size=(30, 3))
    offsets = row_offsets(sizes)
    blocks = [values[start:stop] for start, stop in pairwise(offsets)]
    expected = weights @ values
    for b, (start, stop) in enumerate(pairwise(offsets)):
        graph = cut_block(weights[start:stop], b, offsets)
        halo = [blocks[owner][rows] for owner, rows in zip(graph.owners, graph.rows)]
        seen = with_halo(blocks[b], *halo)
        assert graph.weights.shape == (stop - start, len(seen))
        np.testing.assert_array_equal(graph.weights @ seen, expected[start:stop])


def test_only_neighbours_travel(rng):
    """On a ring that is cut into arcs the halo of each arc is its two ends."""
    ring = sparse.csr_array(np.roll(np.eye(40), 1, axis=1) + np.roll(np.eye(40), -1, 1))
    offsets = row_offsets([10, 10, 10, 10])
    graph = cut_block(ring[10:20], 1, offsets)
    assert graph.owners == [0, 2]
    assert [rows.tolist() for rows in graph.rows] == [[9], [0]]


def test_the_graph_itself_stays_as_it_is(rng):
    weights = random_graph(rng, 12, 0.4)[3:8]
    before = weights.copy()
    cut_block(weights, 1, row_offsets([3, 5, 4]))
    np.testing.assert_array_equal(weights.toarray(), before.toarray())
