# SPDX-License-Identifier: BSD-3-Clause
"""The rule of maximum improvement, an oracle for small problems."""

import numpy as np

from .._updates._exact import ExactUpdate
from ._base import Selection
from ._gs import _COMPOSITE_ALTERNATIVE


class MaximumImprovementSelection(Selection):
    """The fixed block over which the objective can be lowered most.

    It minimises exactly over every block in turn, and serves to measure other rules by.
    """

    name = "mi"
    partitions = ("fixed",)
    composite = False
    alternative = _COMPOSITE_ALTERNATIVE

    def setup(self, problem, blocks, block_size, rng):
        """Prepare for a run."""
        super().setup(problem, blocks, block_size, rng)
        self._exact = ExactUpdate()
        self._exact.setup(problem, blocks)

    def choose(self, state):
        """Try every block."""
        values = [self._value_after(state, block) for block in self.blocks]
        return self.blocks[int(np.argmin(values))]

    def _value_after(self, state, block):
        step, _ = self._exact.step(state, block)
        twin = self.problem.copy_state(state)
        self.problem.move(twin, block, step)
        return self.problem.value(twin)
