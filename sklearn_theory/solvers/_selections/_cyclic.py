# SPDX-License-Identifier: BSD-3-Clause
"""Blocks in turn."""

from .._partitions._order import cut
from ._base import Selection


class CyclicSelection(Selection):
    """Fixed blocks in their order; variable ones from a new permutation each epoch.

    Every coordinate is updated once an epoch; the last block of one may be short.
    """

    name = "cyclic"
    needs_gradient = False

    def setup(self, problem, blocks, block_size, rng):
        """Prepare for a run."""
        super().setup(problem, blocks, block_size, rng)
        self._waiting = []

    def choose(self, state):
        """Take the next block."""
        if not self._waiting:
            self._waiting = self._epoch()[::-1]
        return self._waiting.pop()

    def _epoch(self):
        if self.blocks is not None:
            return list(self.blocks)
        return cut(self.rng.permutation(self.problem.free), self.block_size)
