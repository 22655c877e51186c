# SPDX-License-Identifier: BSD-3-Clause
"""Any smooth function of the user's."""

import numpy as np

from ._base import Datafit

_NO_WHOLE_BOUND = (
    "selection='gsd_h', 'gsq_iht' and 'gsq_omp' and partition='hsort' and 'havg' need a "
    "bound of the whole Hessian, which a problem given by value and grad does not tell; "
    "use selection='gsd' and partition='sort'."
)


class SmoothDatafit(Datafit):
    """A smooth convex function that is given by an object with a few methods.

    Parameters
    ----------
    problem : object
        It has the methods ``value(x)`` and ``grad(x)`` and the attribute ``L``, the
        Lipschitz constants of the partial derivatives; ``block_hessian(x, block)`` for
        Newton updates; and ``block_bound(block)`` if a better bound of the block's
        Hessian is known than ``len(block) * diag(L[block])``.
    """

    def __init__(self, problem):
        self.problem = problem
        self.lipschitz = np.asarray(problem.L, dtype=float)
        if (self.lipschitz < 0).any() or not np.isfinite(self.lipschitz).all():
            raise ValueError("L must hold finite non-negative numbers.")
        self.n_coordinates = len(self.lipschitz)

    def image(self, x):
        """Return nothing: the whole problem is evaluated anew."""
        return None

    def move(self, state, block, step):
        """Do nothing."""

    def value(self, state):
        """Compute the value."""
        return float(self.problem.value(state.x))

    def gradient(self, state):
        """Compute the full gradient."""
        return np.array(self.problem.grad(state.x), dtype=float)

    def along(self, state, block, step):
        """Return the value as a function of the length of a step."""

        def value(t):
            x = state.x.copy()
            x[block] += t * step
            return float(self.problem.value(x))

        return value

    def block_bound(self, block):
        """Bound the Hessian of the block."""
        if hasattr(self.problem, "block_bound"):
            return np.asarray(self.problem.block_bound(block), dtype=float)
        return np.diag(len(block) * self.lipschitz[block])

    def block_hessian(self, state, block):
        """Compute the Hessian of the block."""
        return np.asarray(self.problem.block_hessian(state.x, block), dtype=float)

    def hessian_diagonal(self, state):
        """Compute the diagonal of the Hessian, one coordinate at a time."""
        every = np.arange(self.n_coordinates)
        return np.array([self.block_hessian(state, [i])[0, 0] for i in every])

    def hessian_columns(self, block):
        """Refuse: the bound of the whole Hessian is not known."""
        raise ValueError(_NO_WHOLE_BOUND)

    def absolute_row_sums(self):
        """Refuse: the bound of the whole Hessian is not known."""
        raise ValueError(_NO_WHOLE_BOUND)
