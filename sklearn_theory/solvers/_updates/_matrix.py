# SPDX-License-Identifier: BSD-3-Clause
"""Steps with the matrix of the block."""

from .._definite import solve_definite
from ._base import Update


class MatrixUpdate(Update):
    r"""The step :math:`-H_b^{+} g_b` with the bound of the block's Hessian.

    It decreases by :math:`\frac12 g_b^\top H_b^{+} g_b`; for a quadratic it minimises
    exactly over the block.
    """

    name = "matrix"

    def step(self, state, block):
        """Solve with the bound of the block's Hessian."""
        gradient = self.problem.block_gradient(state, block)
        step = -solve_definite(self.problem.block_bound(block), gradient)
        return step, float(-0.5 * gradient @ step)
