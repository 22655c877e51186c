# SPDX-License-Identifier: BSD-3-Clause
"""Two-metric projection."""

import numpy as np

from .._definite import solve_definite
from .._line_search import backtrack
from ._base import Update

_ACTIVE = 1e-4


class TwoMetricUpdate(Update):
    r"""A projected step: Newton's off the bounds, the gradient's on them.

    Coordinates near a bound that the gradient pushes towards take
    :math:`-g_A / \sum_{i \in A} L_i`, the others :math:`-H_{WW}^{-1} g_W`; the sum is
    projected onto the bounds, with backtracking along the projected arc. An l1 norm may
    be added where the bounds fix the signs.
    """

    name = "two_metric"
    composite = True

    def check(self, plan):
        """Raise a ValueError unless there are bounds, and one sign if l1 is added."""
        penalty = plan.problem.penalty
        if not penalty.bounded:
            raise ValueError(
                f"update='two_metric' needs bounds, got penalty={penalty.name!r} with "
                "bounds=None; give bounds, or use update='prox_newton'."
            )
        pieces = penalty.pieces()
        if pieces is None:
            raise ValueError(
                "update='two_metric' needs a penalty that is linear between bounds; "
                "use update='prox_newton'."
            )
        slopes, low, high = pieces
        if ((slopes > 0) & (low < 0) & (high > 0)).any():
            raise ValueError(
                "update='two_metric' with an l1 norm needs bounds that fix the signs, "
                "but some bounds have low < 0 < high; use update='prox_newton'."
            )

    def setup(self, problem, blocks):
        """Prepare for a run."""
        super().setup(problem, blocks)
        slopes, self._low, self._high = problem.penalty.pieces()
        self._slopes = np.where(self._low >= 0, slopes, -slopes)

    def step(self, state, block):
        """Compute both parts and search along the arc."""
        low, high = self._low[block], self._high[block]
        x = state.x[block]
        smooth = self.problem.block_gradient(state, block)
        gradient = smooth + self._slopes[block]
        active = active_set(x, gradient, low, high)
        direction = self._direction(state, block, gradient, active)

        def arc(length):
            return np.clip(x + length * direction, low, high) - x

        value_along = self._value_along(state, block, arc)
        slope = float(gradient @ direction)
        start = value_along(0.0)
        if not slope < 0:
            return np.zeros_like(x), 0.0
        length = backtrack(
            value_along, slope, start, lambda length: float(-gradient @ arc(length))
        )
        return arc(length), float("nan")

    def _direction(self, state, block, gradient, active):
        direction = np.empty(len(block))
        constants = self.problem.lipschitz[block[active]].sum()
        direction[active] = -gradient[active] / max(constants, np.finfo(float).tiny)
        inner = np.flatnonzero(~active)
        if len(inner):
            hessian = self.problem.block_hessian(state, block[inner])
            direction[inner] = -solve_definite(hessian, gradient[inner])
        return direction

    def _value_along(self, state, block, arc):
        def value(length):
            step = arc(length)
            smooth = self.problem.along(state, block, step)(1.0)
            return smooth + float(self._slopes[block] @ step)

        return value


def active_set(x, gradient, low, high):
    """Mark coordinates near a bound towards which a step would go.

    The tolerance shrinks with the length of a projected gradient step, so that it does
    not depend on the scale of the coordinates near the solution.
    """
    projected = np.clip(x - gradient, low, high)
    tolerance = min(_ACTIVE, float(np.linalg.norm(x - projected)))
    at_low = (x <= low + tolerance) & (gradient > 0)
    return at_low | ((x >= high - tolerance) & (gradient < 0))
