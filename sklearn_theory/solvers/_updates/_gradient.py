# SPDX-License-Identifier: BSD-3-Clause
"""Gradient steps."""

import numpy as np

from ._base import Update


class GradientUpdate(Update):
    r"""The step :math:`-g_b / L_b`, which decreases by :math:`\|g_b\|^2 / (2 L_b)`.

    Parameters
    ----------
    constant : {"eigenvalue", "sum"}, default="eigenvalue"
        Whether :math:`L_b` is the largest eigenvalue of the block's bound, or the sum
        of its coordinates' constants, which is cheaper and larger.

    Examples
    --------
    >>> from sklearn_theory.solvers import BCDSolver, GradientUpdate
    >>> model = BCDSolver(update=GradientUpdate(constant="sum"), max_iter=2000)
    >>> model.fit([[0, 1], [1, 0], [2, 2]], [0, 1, 2]).coef_.shape
    (2,)
    """

    name = "gradient"

    def __init__(self, constant="eigenvalue"):
        self.constant = constant

    def check(self, plan):
        """Raise a ValueError if the constant is unknown."""
        if self.constant not in _CONSTANTS:
            raise ValueError(
                f"constant must be one of {sorted(_CONSTANTS)}, got {self.constant!r}."
            )

    def setup(self, problem, blocks):
        """Prepare for a run; constants of fixed blocks are kept."""
        super().setup(problem, blocks)
        self._known = None if blocks is None else {}

    def step(self, state, block):
        """Step down the gradient."""
        gradient = self.problem.block_gradient(state, block)
        lipschitz = self.block_constant(block)
        return -gradient / lipschitz, float(gradient @ gradient / (2 * lipschitz))

    def block_constant(self, block):
        """Return the constant of the block.

        Parameters
        ----------
        block : ndarray of int
            Distinct coordinates.

        Returns
        -------
        constant : float
            The constant.
        """
        if self._known is None:
            return _CONSTANTS[self.constant](self.problem, block)
        key = block.tobytes()
        if key not in self._known:
            self._known[key] = _CONSTANTS[self.constant](self.problem, block)
        return self._known[key]


def _largest_eigenvalue(problem, block):
    if len(block) == 1:
        return problem.lipschitz[block[0]]
    return np.linalg.eigvalsh(problem.block_bound(block))[-1]


def _sum(problem, block):
    return problem.lipschitz[block].sum()


_CONSTANTS = {"eigenvalue": _largest_eigenvalue, "sum": _sum}
