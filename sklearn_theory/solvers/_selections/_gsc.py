# SPDX-License-Identifier: BSD-3-Clause
"""The greedy rule of the cubic model."""

import numpy as np

from ._gs import _COMPOSITE_ALTERNATIVE
from ._scores import ScoreSelection


class CubicSelection(ScoreSelection):
    r"""The coordinates of the largest decrease of a cubic model.

    A score is :math:`-\min_d g_i d + \frac12 h_{ii} d^2 + \frac{M_i}{6} |d|^3` with the
    true second derivative and its Lipschitz constant.
    """

    name = "gsc"
    composite = False
    alternative = _COMPOSITE_ALTERNATIVE
    is_local = False

    def check(self, plan):
        """Raise a ValueError if the constants are unknown."""
        if plan.problem.datafit.third_order is None:
            raise ValueError(
                "selection='gsc' needs Lipschitz constants of the second derivatives, "
                "which a problem given by value and grad does not tell; "
                "use selection='gsd'."
            )

    def choose(self, state):
        """Take the best block under the Hessian's diagonal at this point."""
        self._diagonal = self.problem.hessian_diagonal(state)
        return super().choose(state)

    def scores(self, state, index):
        """Compute the decrease of each coordinate's model."""
        third = self.problem.datafit.third_order[index]
        return cubic_decrease(state.gradient[index], self._diagonal[index], third)


def cubic_decrease(gradient, diagonal, third):
    """Minimise cubic models in closed form."""
    size = np.abs(gradient)
    root = diagonal + np.sqrt(diagonal**2 + 2 * third * size)
    d = 2 * size / np.where(root > 0, root, 1.0)
    return size * d - 0.5 * diagonal * d**2 - third / 6 * d**3
