# SPDX-License-Identifier: BSD-3-Clause
"""What a rule that selects blocks is."""

from .._part import Part


class Selection(Part):
    """A rule that selects the block to be updated next.

    Attributes
    ----------
    name : str
        The name by which :class:`~sklearn_theory.solvers.BCDSolver` finds the class.

    partitions : tuple of {"fixed", "variable"}
        The kinds of partition that the rule works with.

    composite : bool
        Whether the rule makes sense where the objective has a part that is not smooth,
        such as an l1 norm or bounds.

    needs_gradient : bool
        Whether ``state.gradient`` must hold the full gradient when it selects.

    alternative : str
        What the error recommends in place of the rule where it does not apply.
    """

    name = None
    partitions = ("fixed", "variable")
    composite = True
    needs_gradient = True
    alternative = ""

    def check(self, plan):
        """Raise a ValueError that names both options if the parts do not go together.

        `plan` has the attributes ``problem``, ``partition``, ``selection`` and
        ``update``; what the class attributes declare has been checked before.

        Parameters
        ----------
        plan : Plan
            Has the attributes ``problem``, ``partition``, ``selection``, ``update``.
        """

    def setup(self, problem, blocks, block_size, rng):
        """Prepare for a run.

        Parameters
        ----------
        problem : Problem
            The problem.

        blocks : list of ndarray of int, or None
            The fixed blocks, or None if blocks vary.

        block_size : int
            The size of variable blocks.

        rng : numpy.random.RandomState
            The source of every random choice.
        """
        self.problem, self.blocks, self.rng = problem, blocks, rng
        self.block_size = min(block_size, len(problem.free))

    def choose(self, state):
        """Select the next block.

        Parameters
        ----------
        state : State
            Where the run stands: ``x``, ``gradient`` (of the smooth part, None if it
            is not tracked), ``lipschitz``, ``iteration``, ``changed``.

        Returns
        -------
        block : ndarray of int
            Coordinates, distinct.
        """
        raise NotImplementedError
