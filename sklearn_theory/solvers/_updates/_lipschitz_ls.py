# SPDX-License-Identifier: BSD-3-Clause
"""Gradient steps with estimated constants."""

import numpy as np

from ._base import Update

_MAX_DOUBLINGS = 100


class LipschitzSearchUpdate(Update):
    r"""A gradient step with a constant that is doubled until it suffices.

    Estimates start at 1 and are kept in ``state.lipschitz``; the block's is the largest
    of its coordinates. The rules that divide by constants then use the estimates.
    """

    name = "lipschitz_ls"

    def start(self, state):
        """Forget the true constants."""
        state.lipschitz = np.ones_like(state.lipschitz)
        state.estimates_lipschitz = True

    def step(self, state, block):
        """Double the estimate until the gradient step decreases as promised."""
        gradient = self.problem.block_gradient(state, block)
        squared = float(gradient @ gradient)
        value_along = self.problem.along(state, block, -gradient)
        start = value_along(0.0)
        lipschitz = state.lipschitz[block].max()
        rounding = 4 * np.finfo(float).eps * abs(start)
        for _ in range(_MAX_DOUBLINGS):
            if (
                value_along(1 / lipschitz)
                <= start - squared / (2 * lipschitz) + rounding
            ):
                break
            lipschitz *= 2
        state.lipschitz[block] = lipschitz
        return -gradient / lipschitz, squared / (2 * lipschitz)
