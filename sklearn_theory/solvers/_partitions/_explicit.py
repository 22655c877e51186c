# SPDX-License-Identifier: BSD-3-Clause
"""Blocks that the user names."""

import numpy as np

from ._base import Partition


class ExplicitPartition(Partition):
    """Coordinates with the same number are a block.

    Parameters
    ----------
    ids : array-like of shape (n_coordinates,)
        The number of each coordinate's block. Intercepts may be left out; they are
        then a block of their own.
    """

    def __init__(self, ids):
        self.ids = ids

    def blocks(self, problem, block_size):
        """Collect the free coordinates by number."""
        ids = np.asarray(self.ids)
        intercepts = problem.datafit.intercepts
        n = problem.n_coordinates
        if ids.shape == (n - len(intercepts),) and len(intercepts):
            ids = np.append(ids, np.full(len(intercepts), ids.max(initial=-1) + 1))
        if ids.shape != (n,) or not np.issubdtype(ids.dtype, np.integer):
            raise ValueError(
                f"partition must hold {n} block numbers, integers, one for each "
                f"coordinate, got shape {ids.shape} and type {ids.dtype}."
            )
        ids = ids[problem.free]
        return [problem.free[ids == number] for number in np.unique(ids)]
