# SPDX-License-Identifier: BSD-3-Clause
"""The elastic net."""

from ._l1 import L1Penalty


class ElasticNetPenalty(L1Penalty):
    r"""The l1 norm plus a squared l2 norm.

    It is :math:`\alpha \sum_i \omega_i (\rho |w_i| + \frac{1 - \rho}{2} w_i^2)`. Its
    squared norm belongs to the smooth part of the objective.

    Parameters
    ----------
    alpha : float, default=1.0
        The strength.

    l1_ratio : float, default=0.5
        The share :math:`\rho` of the l1 norm, between 0 and 1.

    weights : array-like of shape (n_features,), default=None
        The factors :math:`\omega_i`; 0 leaves a feature unpenalised, infinity excludes
        it. All one if None.

    Examples
    --------
    >>> from sklearn_theory.solvers import BCDSolver, ElasticNetPenalty
    >>> penalty = ElasticNetPenalty(alpha=0.1, l1_ratio=0.9)
    >>> model = BCDSolver(penalty=penalty, selection="gs_q", update="prox_newton")
    >>> model.fit([[0, 1], [1, 0], [2, 2]], [0, 1, 2]).coef_.shape
    (2,)
    """

    name = "elasticnet"

    def __init__(self, alpha=1.0, l1_ratio=0.5, weights=None):
        super().__init__(alpha, weights)
        self.l1_ratio = l1_ratio

    @classmethod
    def from_parameters(cls, alpha, l1_ratio):
        """Make the penalty from the estimator's parameters."""
        return cls(alpha, l1_ratio)

    def bind(self, datafit):
        """Return a copy with a strength for each coordinate of a datafit."""
        if not 0 <= self.l1_ratio <= 1:
            raise ValueError(f"l1_ratio must be in [0, 1], got {self.l1_ratio!r}.")
        return super().bind(datafit)

    def slopes(self):
        """Return the slope of each coordinate's part away from zero."""
        return self.l1_ratio * self.strength

    def _curvature(self):
        return (1 - self.l1_ratio) * self.strength
