# SPDX-License-Identifier: BSD-3-Clause
"""Exact steps on blocks without cycles, in time linear in their size."""

import numpy as np

from .._forest import factorise_forest, is_forest, solve_forest
from .._line_search import backtrack
from .._problem_graph import check_has_graph, problem_graph
from ._base import Update


class MessagePassing(Update):
    r"""The step :math:`-(\nabla^2_{bb} f)^{-1} \nabla_b f` on a forest.

    Elimination from the leaves to the roots and substitution back take
    :math:`O(|b|)`, where a dense block would take :math:`O(|b|^3)`. On quadratics the
    step minimises exactly over the block. A datafit whose pairs of coordinates
    interact, and whose method ``sparse_hessian(x)`` returns its Hessian, gets a Newton
    step, shortened until it decreases the objective enough.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_lattice_quadratic
    >>> from sklearn_theory.solvers import BCDSolver
    >>> Q, b, _ = make_lattice_quadratic((6, 6), n_labelled=4, random_state=0)
    >>> BCDSolver(
    ...     loss="quadratic", partition="tree_partition", selection="cyclic",
    ...     update="message_passing", fit_intercept=False,
    ... ).fit(Q, b).coef_.shape
    (32,)
    """

    name = "message_passing"
    composite = False
    alternative = "use update='prox_newton' or 'prox_gradient'"

    def check(self, plan):
        """Raise a ValueError if the problem has no graph."""
        check_has_graph(plan.problem, f"update={self.name!r}")
        self._chosen_by = (
            f"partition={plan.partition.name!r} with selection={plan.selection.name!r}"
        )

    def setup(self, problem, blocks):
        """Prepare for a run: a constant matrix is eliminated once for each block."""
        super().setup(problem, blocks)
        self._is_constant = problem.datafit.constant_hessian
        self._graph = problem_graph(problem)
        for block in blocks or ():
            self._check_forest(block)
        self._known = {}
        if self._is_constant:
            self._known = {
                block.tobytes(): factorise_forest(self._graph, block)
                for block in blocks or ()
            }

    def step(self, state, block):
        """Solve on the block's forest."""
        forest = self._known.get(block.tobytes()) or self._factorise(state, block)
        gradient = self.problem.block_gradient(state, block)
        full = np.zeros(self.problem.n_coordinates)
        full[block] = -gradient
        full[forest.order] = solve_forest(forest, full)
        step = full[block]
        slope = float(gradient @ step)
        if self._is_constant:
            return step, -0.5 * slope
        along = self.problem.along(state, block, step)
        return backtrack(along, slope, along(0.0)) * step, np.nan

    def _factorise(self, state, block):
        if not self._is_constant:
            self._graph = problem_graph(self.problem, state.x)
        self._check_forest(block)
        return factorise_forest(self._graph, block)

    def _check_forest(self, block):
        if not is_forest(self._graph, block):
            chosen_by = getattr(self, "_chosen_by", "the selection")
            raise ValueError(
                f"update='message_passing' needs blocks whose graph has no cycle, but "
                f"{chosen_by} made one that has; use partition='tree_partition' or "
                "'red_black', or selection='greedy_tree' with variable blocks."
            )
