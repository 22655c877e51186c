# SPDX-License-Identifier: BSD-3-Clause
"""What greedy rules that add up scores of coordinates share."""

import numpy as np

from .._heap_fast import IndexedMaxHeap
from ._base import Selection
from ._constants import largest


class ScoreSelection(Selection):
    """Take the block of the largest sum of scores, or the coordinates of the largest.

    A subclass says what a coordinate's score is. Ties go to the lowest index.

    Attributes
    ----------
    is_local : bool
        Whether a score depends on the coordinate's own value and derivative alone, so
        that a heap can follow the scores of single coordinates.
    """

    is_local = True

    def setup(self, problem, blocks, block_size, rng):
        """Prepare for a run."""
        super().setup(problem, blocks, block_size, rng)
        self._heap = None
        if blocks is not None:
            sizes = [len(block) for block in blocks]
            self._starts = np.cumsum([0, *sizes[:-1]])
            self._members = np.concatenate(blocks)

    def scores(self, state, index):
        """Compute the scores of coordinates.

        Parameters
        ----------
        state : State
            Where the run stands.

        index : ndarray of int or slice
            The coordinates.

        Returns
        -------
        scores : ndarray
            A non-negative score for each.
        """
        raise NotImplementedError

    def block_scores(self, state):
        """Compute the scores of the fixed blocks.

        Parameters
        ----------
        state : State
            Where the run stands.

        Returns
        -------
        scores : ndarray of shape (n_blocks,)
            The scores.
        """
        scores = self.scores(state, self._members)
        return np.add.reduceat(scores, self._starts)

    def choose(self, state):
        """Take the best block."""
        if self.blocks is not None:
            return self.blocks[int(np.argmax(self.block_scores(state)))]
        if self.is_local and self.block_size == 1 and state.changed is not None:
            return np.array([self._top_of_heap(state)])
        self._heap = None
        free = self.problem.free
        index = free if len(free) < self.problem.n_coordinates else slice(None)
        return free[largest(self.scores(state, index), self.block_size)]

    def _top_of_heap(self, state):
        """Bring the heap up to date with what the last step changed."""
        every = np.arange(self.problem.n_coordinates)
        if self._heap is None:
            keys = np.full(len(every), -1.0)
            keys[self.problem.free] = self.scores(state, self.problem.free)
            self._heap = IndexedMaxHeap(keys)
            self._is_free = np.zeros(len(every), dtype=bool)
            self._is_free[self.problem.free] = True
        else:
            changed = state.changed[self._is_free[state.changed]]
            self._heap.update(changed, self.scores(state, changed))
        return self._heap.top()
