# SPDX-License-Identifier: BSD-3-Clause
r"""Quadratics minimised by message passing on forest blocks.

The objective is the sum of :math:`\frac12 x^\top Q x - b^\top x` over the columns of
:math:`b`; all columns share their forests. A descent advances by a span of iterations,
so that its caller may look at it in between.
"""

import numpy as np

from ._forest import (
    Graph,
    absolute_row_sums,
    colour_partition,
    factorise_forest,
    forest_partition,
    graph_of,
    greedy_forest,
    solve_forest,
)
from ._forest_fast import (
    conjugate_blocks,
    cycle_blocks,
    grow_blocks,
    multiply,
    relative_residual,
)
from ._graph_fast import edges_out, renumber

HISTORY = ("objective", "residual", "progress", "block_size")


class _PartitionRule:
    """Take the forests of a partition in turn."""

    def __init__(self, graph, seed):
        self.graph = graph
        self.parts = sorted(self.partition(graph), key=len, reverse=True)

    def first_block(self, gradient):
        return self.parts[0]

    def prepare(self):
        """Eliminate every part once."""
        forests = [factorise_forest(self.graph, part) for part in self.parts]
        self.starts = np.cumsum([0, *map(len, self.parts)])
        self.forests = tuple(np.concatenate(arrays) for arrays in zip(*forests))

    def run(self, *state):
        return cycle_blocks(self.forests, self.starts, self.graph, *state)


class _TreePartition(_PartitionRule):
    partition = staticmethod(forest_partition)


class _RedBlack(_PartitionRule):
    partition = staticmethod(colour_partition)


class _GreedyTree:
    """Grow a forest from the nodes of largest gradient at each iteration."""

    seed = -1

    def __init__(self, graph, seed):
        self.graph = graph
        self.divisor = self.divisors(graph)

    def divisors(self, graph):
        return np.ones_like(graph.diagonal)

    def first_block(self, gradient):
        scores = np.linalg.norm(gradient, axis=1) / self.divisor
        return greedy_forest(self.graph, scores)

    def prepare(self):
        """Nothing lasts beyond an iteration."""

    def run(self, *state):
        return grow_blocks(self.divisor, self.seed, self.graph, *state)


class _ScaledGreedyTree(_GreedyTree):
    def divisors(self, graph):
        return np.sqrt(absolute_row_sums(graph))


class _RandomTree(_GreedyTree):
    """Grow a forest from nodes in random order at each iteration."""

    def __init__(self, graph, seed):
        super().__init__(graph, seed)
        self.seed = seed

    def first_block(self, gradient):
        scores = np.random.RandomState(self.seed).uniform(size=len(gradient))
        return greedy_forest(self.graph, scores)


BLOCK_RULES = {
    "greedy_tree": _GreedyTree,
    "greedy_tree_d": _ScaledGreedyTree,
    "random_tree": _RandomTree,
    "red_black": _RedBlack,
    "tree_partition": _TreePartition,
}


class ForestDescent:
    """Minimise the quadratics of a sparse matrix over one forest after another.

    Parameters
    ----------
    Q : sparse array of shape (n_nodes, n_nodes)
        A symmetric positive definite matrix.

    rhs : ndarray of shape (n_nodes, n_columns)
        Right-hand sides.

    rule : str
        A key of ``BLOCK_RULES``.

    max_iter : int
        The most iterations that will be asked for.

    seed : int, default=0
        What random rules start from.
    """

    def __init__(self, Q, rhs, rule, max_iter, seed=0):
        self.rhs = np.ascontiguousarray(rhs, dtype=float)
        self.scale = np.linalg.norm(self.rhs, axis=0)
        self.x = np.zeros_like(self.rhs)
        self.history = np.full((len(HISTORY), max_iter), np.nan)
        self.n_iter = 0
        self.last_claim = np.inf
        self._set_up(Q, rule, seed)
        self.refresh()

    @property
    def solution(self):
        """The solution so far."""
        return self.x

    def advance(self, n_iter, tol):
        """Go on for at most so many iterations; stop at a residual of ``tol``.

        Returns
        -------
        status : {"converged", "stalled", "running"}
            Whether the residual, computed afresh, is reached; or rounding keeps it
            from falling; or neither.
        """
        last = min(self.n_iter + n_iter, self.history.shape[1])
        while self.n_iter < last:
            self.n_iter = self._run((self.n_iter, last), tol)
            _, residual, progress, _ = self.history[:, self.n_iter - 1]
            if residual <= tol or progress == 0:
                status = self._confirm(tol)
                if status != "running":
                    return status
        return "running"

    def refresh(self):
        """Compute the gradient afresh, and return the relative residual.

        The residual is the norm of ``Q x - b`` against that of ``b``, largest over the
        columns. Iterations only update the gradient, so that rounding errors gather.
        """
        self.gradient = np.empty_like(self.x)
        multiply(*self.graph, self.x, self.gradient)
        self.gradient -= self.rhs
        return relative_residual(self.gradient, self.scale)

    def curves(self):
        """Return what happened at each iteration, as a dict of arrays."""
        return dict(zip(HISTORY, self.history[:, : self.n_iter].copy()))

    def _set_up(self, Q, rule, seed):
        self.graph = graph_of(Q)
        self.rule = BLOCK_RULES[rule](self.graph, seed)
        self.rule.prepare()

    def _run(self, span, tol):
        return self.rule.run(*self._state(), self.history, span, tol)

    def _state(self):
        return self.rhs, self.scale, self.x, self.gradient

    def _confirm(self, tol):
        """Check a residual that is claimed to be reached by computing it afresh."""
        residual = self.refresh()
        if residual <= tol:
            return "converged"
        stalled = residual > 0.5 * self.last_claim
        self.last_claim = residual
        return "stalled" if stalled else "running"


class ConjugateForestDescent(ForestDescent):
    """Eliminate the first forest of a rule, and take conjugate steps on the rest.

    Every step ends with an exact solve on the forest. It is the method of conjugate
    gradients on the Schur complement of the forest, scaled by the diagonal.
    """

    @property
    def solution(self):
        """The solution so far."""
        solution = np.empty_like(self.x)
        solution[self.places] = self.x
        return solution

    def refresh(self):
        """Compute the gradient afresh, and return the relative residual.

        The forest is solved anew, and so are the directions.
        """
        super().refresh()
        self.x[: len(self.forest.order)] += solve_forest(self.forest, -self.gradient)
        self.memory = (
            np.zeros_like(self.x),
            np.zeros_like(self.x),
            np.zeros(self.x.shape[1]),
        )
        return super().refresh()

    def _set_up(self, Q, rule, seed):
        """Number the nodes so that the forest comes first, in elimination order."""
        graph = graph_of(Q)
        block = BLOCK_RULES[rule](graph, seed).first_block(-self.rhs)
        forest = factorise_forest(graph, block)
        left = np.setdiff1d(np.arange(len(graph.diagonal)), forest.order)
        self.places = np.concatenate([forest.order, left])
        self.forest = forest._replace(order=np.arange(len(forest.order)))
        self.graph = Graph(*renumber(self.places, *graph))
        self.coupling = edges_out(len(forest.order), *self.graph[:3])
        self.rhs = np.ascontiguousarray(self.rhs[self.places])

    def _run(self, span, tol):
        return conjugate_blocks(
            self.forest,
            self.coupling,
            self.graph,
            *self._state(),
            self.memory,
            self.history,
            span,
            tol,
        )
