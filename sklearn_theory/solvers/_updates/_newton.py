# SPDX-License-Identifier: BSD-3-Clause
"""Newton steps with a line search."""

from .._definite import solve_definite
from .._line_search import SUFFICIENT_DECREASE, backtrack
from ._base import Update


class NewtonUpdate(Update):
    r"""The step :math:`-\alpha (\nabla^2_{bb} f)^{-1} g_b`.

    Backtracking interpolates by a parabola first and by cubics after, until the value
    decreases by :math:`10^{-4}` of what the slope promises.
    """

    name = "newton"

    def check(self, plan):
        """Raise a ValueError if a problem of the user's tells no Hessian."""
        datafit = plan.problem.datafit
        if datafit.name is None and not _has_hessian(datafit):
            raise ValueError(
                f"update={self.name!r} needs a problem with the method "
                "block_hessian(x, block); use update='gradient' or 'lipschitz_ls'."
            )

    def step(self, state, block):
        """Solve with the block's Hessian and search along the solution."""
        gradient = self.problem.block_gradient(state, block)
        hessian = self.problem.block_hessian(state, block)
        direction = -solve_definite(hessian, gradient)
        slope = float(gradient @ direction)
        if slope >= 0:
            return 0 * direction, 0.0
        value_along = self.problem.along(state, block, direction)
        length = backtrack(value_along, slope, value_along(0.0))
        return length * direction, -SUFFICIENT_DECREASE * length * slope


def _has_hessian(datafit):
    return hasattr(getattr(datafit, "problem", None), "block_hessian")
