# SPDX-License-Identifier: BSD-3-Clause
"""Random blocks in proportion to their constants."""

import numpy as np

from ._base import Selection
from ._constants import block_constants


class LipschitzSelection(Selection):
    """A block with probability proportional to its Lipschitz constant.

    Variable blocks are drawn coordinate by coordinate, without replacement.
    """

    name = "lipschitz"
    needs_gradient = False

    def setup(self, problem, blocks, block_size, rng):
        """Prepare for a run."""
        super().setup(problem, blocks, block_size, rng)
        if blocks is None:
            constants = problem.lipschitz[problem.free]
        else:
            constants = block_constants(problem, blocks)
        self._probability = constants / constants.sum()

    def choose(self, state):
        """Draw a block."""
        if self.blocks is not None:
            return self.blocks[self.rng.choice(len(self.blocks), p=self._probability)]
        drawn = self.rng.choice(
            len(self._probability),
            self.block_size,
            replace=False,
            p=self._probability,
        )
        return self.problem.free[np.sort(drawn)]
