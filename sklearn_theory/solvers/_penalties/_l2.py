# SPDX-License-Identifier: BSD-3-Clause
"""The squared l2 norm."""

import numpy as np

from ._base import Penalty


class L2Penalty(Penalty):
    r"""The penalty :math:`\frac{\alpha}{2} \sum_i \omega_i w_i^2`.

    It is smooth, and goes with every rule for smooth objectives.

    Parameters
    ----------
    alpha : float, default=1.0
        The strength.

    weights : array-like of shape (n_features,), default=None
        The factors :math:`\omega_i`; 0 leaves a feature unpenalised, infinity excludes
        it. All one if None.

    Examples
    --------
    >>> from sklearn_theory.solvers import BCDSolver, L2Penalty
    >>> penalty = L2Penalty(alpha=1.0, weights=[1.0, 0.0])
    >>> model = BCDSolver(penalty=penalty).fit([[0, 1], [1, 0], [2, 2]], [0, 1, 2])
    >>> model.coef_.shape
    (2,)
    """

    name = "l2"
    smooth = True

    def _curvature(self):
        return self.strength

    def pieces(self, index=slice(None)):
        """Describe what is left, which is zero."""
        zero = np.zeros_like(self.strength[index])
        return zero, zero - np.inf, zero + np.inf
