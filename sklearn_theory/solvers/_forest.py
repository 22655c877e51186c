# SPDX-License-Identifier: BSD-3-Clause
"""Forests in the graph of a matrix: growing them, and exact solves on them.

Where the graph of a block :math:`Q_{bb}` has no cycle, Gaussian elimination from the
leaves to the roots fills in nothing, so that a solve costs as much as writing the block
down. It computes what Gaussian belief propagation converges to.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from ._forest_fast import (
    factorise_block,
    first_fit_forests,
    grow_forest,
    least_used_colours,
    order_forest,
    substitute,
)
from ._graph_fast import split_diagonal


class Graph(NamedTuple):
    """A symmetric matrix as a graph: off-diagonal entries by row, and the diagonal."""

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    diagonal: np.ndarray


class Forest(NamedTuple):
    """An eliminated forest: nodes, places of their parents, pivots and multipliers."""

    order: np.ndarray
    parent: np.ndarray
    pivot: np.ndarray
    ratio: np.ndarray


def graph_of(Q):
    """Split a symmetric matrix, dense or sparse, into a diagonal and a graph."""
    entries = sparse.csr_array(Q, dtype=float)
    if not entries.has_canonical_format:
        entries = entries.copy()
        entries.sum_duplicates()
    return Graph(*split_diagonal(entries.indptr, entries.indices, entries.data))


def absolute_row_sums(graph):
    """Sum the absolute entries of each row: with them on its diagonal, a diagonal
    matrix bounds Q from above."""
    row = np.repeat(np.arange(len(graph.diagonal)), np.diff(graph.indptr))
    sums = np.bincount(row, np.abs(graph.weights), minlength=len(graph.diagonal))
    return sums + np.abs(graph.diagonal)


def is_forest(graph, block):
    """Tell whether the edges between the nodes of a block close no cycle."""
    return order_forest(
        np.asarray(block, dtype=np.int64), graph.indptr, graph.indices, graph.weights
    )[-1]


def factorise_forest(graph, block):
    """Order the trees of a block and eliminate them from the leaves to the roots.

    Raises
    ------
    ValueError
        If the edges between the nodes of the block close a cycle.
    """
    *forest, acyclic = factorise_block(np.asarray(block, dtype=np.int64), *graph)
    if not acyclic:
        raise ValueError(
            "block must be a forest, but the edges between its nodes close a cycle; "
            "message passing needs blocks such as those of selection='greedy_tree' or "
            "partition='tree_partition'."
        )
    forest = Forest(*forest)
    # A tree that is a whole component of a Laplacian is singular at its root, which
    # may stay where it is: an infinite pivot makes its step zero.
    forest.pivot[forest.pivot <= 1e-13 * graph.diagonal[forest.order]] = np.inf
    return forest


def solve_forest(forest, rhs):
    """Solve for right-hand sides on an eliminated forest.

    Parameters
    ----------
    forest : Forest
        The forest.

    rhs : ndarray of shape (n_nodes,) or (n_nodes, n_columns)
        Right-hand sides, of which the rows of the forest are read.

    Returns
    -------
    solution : ndarray of shape (len(forest.order),) or with ``n_columns`` columns
        One row for each node, in the order of ``forest.order``.
    """
    values = np.array(rhs[forest.order], dtype=float, order="C")
    columns = values.reshape(len(values), -1)
    substitute(forest.parent, forest.pivot, forest.ratio, columns)
    return columns.reshape(values.shape)


def greedy_forest(graph, scores):
    """Grow a forest, offering the nodes from the largest score to the smallest.

    A node is left out if two of its neighbours are in one tree already. Ties go to the
    lowest index.
    """
    return forest_in_order(graph, descending(scores))


def forest_in_order(graph, order):
    """Grow a forest, offering the nodes in the order given."""
    order = np.asarray(order, dtype=np.int64)
    return grow_forest(order, graph.indptr, graph.indices)


def descending(scores):
    """Sort indices from the largest score to the smallest, ties by index."""
    return np.argsort(-np.asarray(scores), kind="stable")


def forest_partition(graph, order=None):
    """Deal the nodes to forests: each to the first in which it closes no cycle.

    Nodes come in the order given, by default from the largest diagonal entry on. All
    parts together hold every node once.
    """
    order = descending(graph.diagonal) if order is None else order
    return _parts(first_fit_forests(order, graph.indptr, graph.indices))


def colour_partition(graph, order=None):
    """Colour the nodes, each with the least used colour that no neighbour has.

    Nodes come in the order given, by default from the largest diagonal entry on. No
    edge joins two nodes of a part.
    """
    order = descending(graph.diagonal) if order is None else order
    return _parts(least_used_colours(order, graph.indptr, graph.indices))


def lattice_colours(shape):
    """Colour a lattice like a chessboard; node ``column * rows + row``."""
    column, row = np.divmod(np.arange(shape[0] * shape[1]), shape[0])
    return (column + row) % 2


def lattice_combs(shape):
    """Cut a lattice into two interlocking combs; node ``column * rows + row``.

    One comb holds the even columns without their last nodes and the whole first row,
    which joins them; the other one holds the rest, joined by the last row.
    """
    column, row = np.divmod(np.arange(shape[0] * shape[1]), shape[0])
    first = ((column % 2 == 0) & (row < shape[0] - 1)) | (row == 0)
    return np.where(first, 0, 1)


def _parts(labels):
    """List the nodes of each part; nodes that were not dealt have a label of -1."""
    dealt = np.flatnonzero(labels >= 0)
    order = dealt[np.argsort(labels[dealt], kind="stable")]
    return (
        np.split(order, np.cumsum(np.bincount(labels[dealt]))[:-1])
        if len(dealt)
        else []
    )
