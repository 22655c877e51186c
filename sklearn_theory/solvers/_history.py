# SPDX-License-Identifier: BSD-3-Clause
"""What a run leaves behind."""

from time import perf_counter

import numpy as np


class History:
    """The course of a run.

    Parameters
    ----------
    run : BCDRun
        The run.

    began : float
        When it began, setup included, by :func:`time.perf_counter`.
    """

    def __init__(self, run, began):
        self._run, self._began = run, began
        self._paused = 0.0
        state, penalty = run.state, run.problem.penalty
        self._objective = [run.problem.value(state)]
        self._time = [perf_counter() - began]
        self._nnz = [int(np.count_nonzero(state.x))]
        self._at_kink = penalty.at_kink(state.x)
        self._active = [int(np.count_nonzero(~self._at_kink))]
        self._blocks, self._bounds, self._changes = [], [], []

    def append(self, block, bound, before):
        """Record one iteration; the time that recording takes does not count.

        Parameters
        ----------
        block : ndarray of int
            The block that moved.

        bound : float
            The decrease that its update guaranteed.

        before : ndarray
            The values of the block before it moved.
        """
        now = perf_counter()
        self._time.append(now - self._began - self._paused)
        state, penalty = self._run.state, self._run.problem.penalty
        moved = state.x[block]
        at_kink = penalty.at_kink(moved, block)
        was_at_kink = self._at_kink[block]
        self._at_kink[block] = at_kink
        self._changes.append(int(np.count_nonzero(at_kink != was_at_kink)))
        entered = np.count_nonzero(was_at_kink) - np.count_nonzero(at_kink)
        self._active.append(self._active[-1] + int(entered))
        change = int(np.count_nonzero(moved)) - int(np.count_nonzero(before))
        self._nnz.append(self._nnz[-1] + change)
        self._objective.append(self._run.problem.value(state))
        self._blocks.append(block)
        self._bounds.append(bound)
        self._paused += perf_counter() - now

    def blocks(self):
        """Return the blocks so far, as a list."""
        return self._blocks

    def as_dict(self):
        """Return the course as arrays."""
        objective = np.array(self._objective)
        return {
            "objective": objective,
            "time": np.array(self._time),
            "nnz": np.array(self._nnz),
            "active_set_size": np.array(self._active),
            "active_set_changes": np.array(self._changes, dtype=int),
            "block": _object_array(self._blocks),
            "progress": -np.diff(objective),
            "bound": np.array(self._bounds, dtype=float),
        }


def _object_array(blocks):
    """Keep blocks of any sizes in one array."""
    array = np.empty(len(blocks), dtype=object)
    array[:] = blocks
    return array
