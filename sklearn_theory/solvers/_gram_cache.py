# SPDX-License-Identifier: BSD-3-Clause
"""The columns of a Hessian's bound that were used last."""

import numpy as np


class GramCache:
    """Keep columns, and forget those that were not used for longest.

    The cache never holds more than half of the columns, nor more than its memory, but
    always those of the block that is asked for.

    Parameters
    ----------
    datafit : Datafit
        Where columns come from.

    working_memory : float
        Bytes that the columns may take.
    """

    def __init__(self, datafit, working_memory):
        self._datafit = datafit
        n = datafit.n_coordinates
        self._capacity = max(1, min(int(working_memory / (8 * n)), n // 2))
        self._columns = np.empty((self._capacity, n))
        self._slot_of = np.full(n, -1)
        self._owner = np.full(self._capacity, -1)
        self._last_use = np.zeros(self._capacity, dtype=np.int64)
        self._clock = 0

    def holds(self, block):
        """Tell whether all columns of a block are there."""
        return bool((self._slot_of[block] >= 0).all())

    def __call__(self, block):
        """Return the columns of a block, a row for each coordinate."""
        if len(block) > self._capacity:
            return self._datafit.hessian_columns(block)
        self._clock += 1
        slots = self._slot_of[block]
        self._last_use[slots[slots >= 0]] = self._clock
        missing = block[slots < 0]
        if len(missing):
            self._store(missing, self._datafit.hessian_columns(missing))
        return self._columns[self._slot_of[block]]

    def _store(self, block, columns):
        slots = np.argsort(self._last_use, kind="stable")[: len(block)]
        evicted = self._owner[slots]
        self._slot_of[evicted[evicted >= 0]] = -1
        self._columns[slots] = columns
        self._owner[slots], self._slot_of[block] = block, slots
        self._last_use[slots] = self._clock
