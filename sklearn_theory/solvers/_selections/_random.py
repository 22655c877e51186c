# SPDX-License-Identifier: BSD-3-Clause
"""Uniformly random blocks."""

import numpy as np

from ._base import Selection


class RandomSelection(Selection):
    """A uniformly random block, or a uniformly random set of coordinates."""

    name = "random"
    needs_gradient = False

    def choose(self, state):
        """Draw a block."""
        if self.blocks is not None:
            return self.blocks[self.rng.randint(len(self.blocks))]
        free = self.problem.free
        drawn = self.rng.choice(len(free), self.block_size, replace=False)
        return free[np.sort(drawn)]
