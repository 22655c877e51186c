# SPDX-License-Identifier: BSD-3-Clause
"""What a partition of the coordinates is."""

from .._part import Part


class Partition(Part):
    """A way to cut the coordinates into blocks.

    Attributes
    ----------
    name : str
        The name by which :class:`~sklearn_theory.solvers.BCDSolver` finds the class.

    variable : bool
        True if the selection may take any coordinates, so that there are no blocks.
    """

    name = None
    variable = False

    def check(self, plan):
        """Raise a ValueError that names both options if the parts do not go together.

        `plan` has the attributes ``problem``, ``partition``, ``selection`` and
        ``update``.

        Parameters
        ----------
        plan : Plan
            Has the attributes ``problem``, ``partition``, ``selection``, ``update``.
        """

    def blocks(self, problem, block_size):
        """Cut the free coordinates of a problem.

        Parameters
        ----------
        problem : Problem
            The problem; ``problem.free`` are the coordinates that may move.

        block_size : int
            The number of coordinates of a block; the last may be shorter.

        Returns
        -------
        blocks : list of ndarray of int, or None
            The blocks, or None if they vary.
        """
        raise NotImplementedError
