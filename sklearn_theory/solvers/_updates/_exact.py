# SPDX-License-Identifier: BSD-3-Clause
"""Exact minimisation over a block."""

import numpy as np

from ._matrix import MatrixUpdate
from ._newton import NewtonUpdate

_MAX_NEWTON = 100
_PRECISION = 1e-12
# Rounding is reached when the gradient does not shrink for so many steps.
_PATIENCE = 2


class ExactUpdate(NewtonUpdate):
    """Minimise over the block: at once for a quadratic, else by Newton's method.

    The decrease is at least that of the matrix update, whose bound it states.
    """

    name = "exact"

    def setup(self, problem, blocks):
        """Prepare for a run."""
        super().setup(problem, blocks)
        self._matrix = MatrixUpdate()
        self._matrix.setup(problem, blocks)

    def step(self, state, block):
        """Minimise over the block."""
        step, bound = self._matrix.step(state, block)
        if self.problem.datafit.constant_hessian:
            return step, bound
        twin = self.problem.copy_state(state)
        first = least = np.abs(self.problem.block_gradient(twin, block)).max()
        patience = _PATIENCE
        for _ in range(_MAX_NEWTON):
            move, _ = super().step(twin, block)
            self.problem.move(twin, block, move)
            left = np.abs(self.problem.block_gradient(twin, block)).max()
            patience = _PATIENCE if left < least else patience - 1
            least = min(least, left)
            if left <= _PRECISION * first or not move.any() or not patience:
                break
        return twin.x[block] - state.x[block], bound
