# SPDX-License-Identifier: BSD-3-Clause
"""Forests of the coordinates with the largest gradients."""

import numpy as np

from .._forest import absolute_row_sums, descending
from ._forest_selection import ForestSelection


class GreedyTree(ForestSelection):
    r"""A forest that takes coordinates by :math:`|\nabla_i f|`, largest first.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_lattice_quadratic
    >>> from sklearn_theory.solvers import BCDSolver
    >>> Q, b, _ = make_lattice_quadratic((6, 6), n_labelled=4, random_state=0)
    >>> model = BCDSolver(
    ...     loss="quadratic", selection="greedy_tree", update="message_passing",
    ...     fit_intercept=False,
    ... ).fit(Q, b)
    >>> bool(abs(Q @ model.coef_ - b).max() < 1e-3 * abs(b).max())
    True
    """

    name = "greedy_tree"

    def ranking(self, state):
        """Sort by the size of the gradient."""
        return descending(np.abs(state.gradient[self.problem.free]))


class GreedyTreeDiagonal(ForestSelection):
    r"""A forest that takes coordinates by :math:`|\nabla_i f| / \sqrt{D_i}`.

    :math:`D_i = \sum_j |H_{ij}|` are the row sums of the absolute Hessian, taken at
    zero; the diagonal matrix that they make up is an upper bound of it.
    """

    name = "greedy_tree_d"

    def setup(self, problem, blocks, block_size, rng):
        """Prepare for a run."""
        super().setup(problem, blocks, block_size, rng)
        self._root = np.sqrt(absolute_row_sums(self._graph)[problem.free])

    def ranking(self, state):
        """Sort by the size of the scaled gradient."""
        return descending(np.abs(state.gradient[self.problem.free]) / self._root)
