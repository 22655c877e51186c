# SPDX-License-Identifier: BSD-3-Clause
"""What a rule that updates a block is."""

from .._part import Part


class Update(Part):
    """A rule that computes the step of a block.

    Attributes
    ----------
    name : str
        The name by which :class:`~sklearn_theory.solvers.BCDSolver` finds the class.

    composite : bool
        Whether the rule handles the part of the objective that is not smooth.

    alternative : str
        What the error recommends in place of the rule where it does not apply.
    """

    name = None
    composite = False
    alternative = "use update='prox_newton' or 'prox_gradient'"

    def check(self, plan):
        """Raise a ValueError that names both options if the parts do not go together.

        `plan` has the attributes ``problem``, ``partition``, ``selection`` and
        ``update``; what the class attributes declare has been checked before.

        Parameters
        ----------
        plan : Plan
            Has the attributes ``problem``, ``partition``, ``selection``, ``update``.
        """

    def setup(self, problem, blocks):
        """Prepare for a run.

        Parameters
        ----------
        problem : Problem
            The problem.

        blocks : list of ndarray of int, or None
            The fixed blocks, or None if blocks vary.
        """
        self.problem = problem

    def start(self, state):
        """Prepare the state at which a run begins.

        Parameters
        ----------
        state : State
            Where the run stands.

        Returns
        -------
        x : ndarray
            The nearest point.
        """

    def step(self, state, block):
        """Compute the step of a block, without moving.

        Parameters
        ----------
        state : State
            Where the run stands; the gradient of the block is
            ``self.problem.block_gradient(state, block)``.

        block : ndarray of int
            The selected coordinates.

        Returns
        -------
        step : ndarray of shape (len(block),)
            What is added to ``state.x[block]``.

        bound : float
            By how much the objective is guaranteed to decrease; NaN if nothing is.
        """
        raise NotImplementedError
