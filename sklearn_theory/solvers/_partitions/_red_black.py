# SPDX-License-Identifier: BSD-3-Clause
"""Blocks within which no two coordinates interact."""

from .._forest import colour_partition, lattice_colours
from ._graph_partition import GraphPartition


class RedBlack(GraphPartition):
    """The colours of a graph: no edge joins two coordinates of a block.

    Parameters
    ----------
    shape : tuple of (int, int), default=None
        Rows and columns of a lattice, which is coloured like a chessboard. If None, the
        coordinates of any graph are coloured greedily, each with the least used colour
        that no neighbour has.

    nodes : array-like of shape (n_coordinates,), default=None
        The place of each coordinate in the lattice, ``column * n_rows + row``; by
        default there is one coordinate for each place.

    order : {"lipschitz", "index"}, default="lipschitz"
        Whether a greedy colouring starts with the largest Lipschitz constants, or goes
        by index.

    See Also
    --------
    TreePartition : Blocks that are forests.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_lattice_quadratic
    >>> from sklearn_theory.solvers import BCDSolver, RedBlack
    >>> Q, b, nodes = make_lattice_quadratic((6, 6), n_labelled=4, random_state=0)
    >>> model = BCDSolver(
    ...     loss="quadratic", partition=RedBlack((6, 6), nodes), selection="cyclic",
    ...     update="message_passing", fit_intercept=False,
    ... ).fit(Q, b)
    >>> model.coef_.shape
    (32,)
    """

    name = "red_black"

    def _lattice_labels(self, shape):
        """Colour a lattice."""
        return lattice_colours(shape)

    def _graph_parts(self, graph, order):
        """Colour a graph."""
        return colour_partition(graph, order)
