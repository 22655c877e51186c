# SPDX-License-Identifier: BSD-3-Clause
"""What partitions of a graph have in common."""

from numbers import Integral

import numpy as np

from .._forest import descending
from .._problem_graph import check_has_graph, problem_graph
from ._base import Partition


class GraphPartition(Partition):
    """Cut a lattice by a formula, or any graph greedily.

    Subclasses offer ``_lattice_labels(shape)`` and ``_graph_parts(graph, order)``.
    """

    def __init__(self, shape=None, nodes=None, order="lipschitz"):
        self.shape = shape
        self.nodes = nodes
        self.order = order

    def check(self, plan):
        """Raise a ValueError if the problem has no graph or a parameter is wrong.

        Parameters
        ----------
        plan : Plan
            The parts of the run.
        """
        check_has_graph(plan.problem, f"partition={self.name!r}")
        if self.order not in _ORDERS:
            raise ValueError(
                f"order must be one of {sorted(_ORDERS)}, got {self.order!r}."
            )

    def blocks(self, problem, block_size):
        """Cut the free coordinates of a problem.

        Parameters
        ----------
        problem : Problem
            The problem; ``problem.free`` are the coordinates that may move.

        block_size : int
            Ignored: the size of the blocks follows from the graph.

        Returns
        -------
        blocks : list of ndarray of int
            The blocks.
        """
        if self.shape is not None:
            return self._lattice_blocks(problem)
        order = problem.free[_ORDERS[self.order](problem.lipschitz[problem.free])]
        return self._graph_parts(problem_graph(problem), order)

    def _lattice_blocks(self, problem):
        labels = self._lattice_labels(_check_shape(self.shape))
        nodes = np.arange(len(labels)) if self.nodes is None else np.asarray(self.nodes)
        if nodes.shape != (problem.n_coordinates,):
            raise ValueError(
                f"shape={self.shape} is a lattice of {len(labels)} nodes, but there are "
                f"{problem.n_coordinates} coordinates; nodes must hold the place of "
                f"each coordinate in the lattice, got {len(nodes)} places."
            )
        if not _are_places(nodes, len(labels)):
            raise ValueError(
                "nodes must be distinct integers from 0 to the number of nodes of the "
                f"lattice less one, {len(labels) - 1}."
            )
        labels = labels[nodes[problem.free]]
        return [problem.free[labels == label] for label in np.unique(labels)]


def _check_shape(shape):
    rows_and_columns = tuple(shape)
    if len(rows_and_columns) != 2 or not all(
        isinstance(length, Integral) and length > 0 for length in rows_and_columns
    ):
        raise ValueError(
            f"shape must be two positive numbers, rows and columns; got {shape!r}."
        )
    return rows_and_columns


def _are_places(nodes, n_nodes):
    return (
        np.issubdtype(nodes.dtype, np.integer)
        and len(np.unique(nodes)) == len(nodes)
        and nodes.min(initial=0) >= 0
        and nodes.max(initial=0) < n_nodes
    )


_ORDERS = {
    "lipschitz": descending,
    "index": lambda constants: np.arange(len(constants)),
}
