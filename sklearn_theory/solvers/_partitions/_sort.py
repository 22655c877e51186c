# SPDX-License-Identifier: BSD-3-Clause
"""Blocks of coordinates whose constants are alike."""

import numpy as np

from ._base import Partition
from ._order import cut


class SortPartition(Partition):
    """Coordinates in ascending order of their Lipschitz constants, cut into blocks.

    The constants of the blocks then differ as widely as can be, which is what the rules
    that know them profit from.
    """

    name = "sort"

    def blocks(self, problem, block_size):
        """Cut the free coordinates in the order of their constants."""
        constants = self.constants(problem)[problem.free]
        return cut(problem.free[np.argsort(constants, kind="stable")], block_size)

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


class HessianSortPartition(SortPartition):
    """Coordinates in ascending order of their absolute row sums of the Hessian."""

    name = "hsort"

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
