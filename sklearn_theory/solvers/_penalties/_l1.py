# SPDX-License-Identifier: BSD-3-Clause
"""The l1 norm."""

import numpy as np

from ._base import Penalty


class L1Penalty(Penalty):
    r"""The penalty :math:`\alpha \sum_i \omega_i |w_i|`.

    Parameters
    ----------
    alpha : float, default=1.0
        The strength.

    weights : array-like of shape (n_features,), default=None
        The factors :math:`\omega_i`; 0 leaves a feature unpenalised, infinity excludes
        it. All one if None.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.solvers import BCDSolver, L1Penalty
    >>> penalty = L1Penalty(alpha=0.1, weights=[1.0, np.inf])
    >>> model = BCDSolver(penalty=penalty, selection="gs_q", update="prox_newton")
    >>> model.fit([[0, 1], [1, 0], [2, 2]], [0, 1, 2]).coef_
    array([0.95, 0.  ])
    """

    name = "l1"

    def values(self, x, index=slice(None)):
        """Compute the penalty of each coordinate."""
        return self.slopes()[index] * np.abs(x)

    def prox(self, x, step, index=slice(None)):
        """Shrink towards zero."""
        threshold = step * self.slopes()[index]
        return np.sign(x) * np.maximum(np.abs(x) - threshold, 0.0)

    def subdifferential(self, x, index=slice(None)):
        """Return the ends of the intervals of subgradients."""
        slopes = self.slopes()[index]
        return np.where(x > 0, slopes, -slopes), np.where(x < 0, -slopes, slopes)

    def slopes(self):
        """Return the slope of each coordinate's part away from zero.

        Returns
        -------
        slopes : ndarray of shape (n_coordinates,)
            The slopes.
        """
        return self.strength

    def pieces(self, index=slice(None)):
        """Describe it as linear pieces."""
        slopes = self.slopes()[index]
        infinite = np.full_like(slopes, np.inf)
        return slopes, -infinite, infinite
