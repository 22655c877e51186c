# SPDX-License-Identifier: BSD-3-Clause
"""Blocks in which large and small constants meet."""

import numpy as np

from ._base import Partition
from ._order import cut


class AveragePartition(Partition):
    """Coordinates of the smallest and largest constants by turns, cut into blocks."""

    name = "avg"

    def blocks(self, problem, block_size):
        """Cut the free coordinates: smallest, largest, second smallest, and so on."""
        constants = self.constants(problem)[problem.free]
        ascending = problem.free[np.argsort(constants, kind="stable")]
        interleaved = np.empty_like(ascending)
        half = (len(ascending) + 1) // 2
        interleaved[0::2] = ascending[:half]
        interleaved[1::2] = ascending[half:][::-1]
        return cut(interleaved, block_size)

    def constants(self, problem):
        """Return the constants to sort by.

        Parameters
        ----------
        problem : Problem
            The problem.

        Returns
        -------
        constants : ndarray of shape (n_coordinates,)
            The constants.
        """
        return problem.lipschitz


class HessianAveragePartition(AveragePartition):
    """The same by absolute row sums of the Hessian."""

    name = "havg"

    def constants(self, problem):
        """Return the constants to sort by.

        Parameters
        ----------
        problem : Problem
            The problem.

        Returns
        -------
        constants : ndarray of shape (n_coordinates,)
            The constants.
        """
        return problem.absolute_row_sums()
