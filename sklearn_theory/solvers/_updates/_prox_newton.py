# SPDX-License-Identifier: BSD-3-Clause
"""Steps that solve the block's quadratic model with the penalty exactly."""

import numpy as np

from .._block_solve_fast import solve_block
from ._base import Update

_MAX_ROUNDS = 200


class ProximalNewtonUpdate(Update):
    r"""Minimise :math:`g_b^\top d + \frac12 d^\top H_b d` plus the penalty.

    Piecewise linear penalties are solved to rounding by an active-set method, others by
    coordinate descent. For a squared loss this minimises over the block, and with large
    variable blocks the run ends after finitely many steps.
    """

    name = "prox_newton"
    composite = True

    def step(self, state, block):
        """Solve the block's model."""
        penalty = self.problem.penalty
        x, gradient = state.x[block], self.problem.block_gradient(state, block)
        hessian = self.problem.block_bound(block)
        pieces = penalty.pieces(block)
        if pieces is None:
            step = _descend(penalty, x, gradient, hessian, block)
        else:
            step = solve_block(hessian, gradient, x, *pieces, _MAX_ROUNDS) - x
        change = penalty.value(x + step, block) - penalty.value(x, block)
        return step, float(-(gradient + 0.5 * hessian @ step) @ step - change)


def _descend(penalty, x, gradient, hessian, block):
    """Minimise a model with any penalty by coordinate descent."""
    step, slope = np.zeros_like(x), gradient.copy()
    for _ in range(_MAX_ROUNDS):
        largest = 0.0
        for j in range(len(x)):
            index, curvature = block[j : j + 1], hessian[j, j]
            if curvature <= 0:
                continue
            here = x[j : j + 1] + step[j]
            move = penalty.model_step(here, slope[j : j + 1], curvature, index)[0]
            step[j] += move
            slope += hessian[:, j] * move
            largest = max(largest, abs(move))
        if largest <= 1e-15 * np.abs(x + step).max():
            break
    return step
