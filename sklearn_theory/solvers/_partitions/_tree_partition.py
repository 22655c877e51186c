# SPDX-License-Identifier: BSD-3-Clause
"""Blocks that are forests."""

from .._forest import forest_partition, lattice_combs
from ._graph_partition import GraphPartition


class TreePartition(GraphPartition):
    """Forests that hold every coordinate once, for ``update="message_passing"``.

    Parameters
    ----------
    shape : tuple of (int, int), default=None
        Rows and columns of a lattice, which is cut into two interlocking combs: the
        even columns without their last nodes, joined by the first row, and the rest.
        If None, each coordinate of any graph goes to the first forest in which it
        closes no cycle.

    nodes : array-like of shape (n_coordinates,), default=None
        The place of each coordinate in the lattice, ``column * n_rows + row``; by
        default there is one coordinate for each place.

    order : {"lipschitz", "index"}, default="lipschitz"
        Whether first fit starts with the largest Lipschitz constants, or goes by index.

    See Also
    --------
    RedBlack : Blocks within which no two coordinates interact.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_lattice_quadratic
    >>> from sklearn_theory.solvers import BCDSolver, TreePartition
    >>> Q, b, nodes = make_lattice_quadratic((6, 6), n_labelled=4, random_state=0)
    >>> model = BCDSolver(
    ...     loss="quadratic", partition=TreePartition((6, 6), nodes),
    ...     selection="cyclic", update="message_passing", fit_intercept=False,
    ... ).fit(Q, b)
    >>> model.coef_.shape
    (32,)
    """

    name = "tree_partition"

    def _lattice_labels(self, shape):
        """Cut a lattice into two combs."""
        return lattice_combs(shape)

    def _graph_parts(self, graph, order):
        """Deal the nodes of a graph to forests."""
        return forest_partition(graph, order)
