# SPDX-License-Identifier: BSD-3-Clause
"""Bounds on the coordinates, on top of another penalty."""

import numpy as np

from ._base import Penalty
from ._none import NoPenalty


class BoxPenalty(Penalty):
    r"""Bounds :math:`l_i \le w_i \le u_i`, together with another penalty.

    Intercepts are never bounded.

    Parameters
    ----------
    low, high : float or array-like of shape (n_features,), default=0.0 and inf
        The bounds; the defaults ask for non-negative coefficients.

    penalty : penalty object, default=None
        What else is penalised; nothing if None.

    Examples
    --------
    >>> from sklearn_theory.solvers import BCDSolver, BoxPenalty
    >>> model = BCDSolver(
    ...     penalty=BoxPenalty(), selection="gs_q", update="two_metric"
    ... )
    >>> model.fit([[0, 1], [1, 0], [2, 2]], [1, 0, 1]).coef_.shape
    (2,)
    """

    name = "box"
    bounded = True

    def __init__(self, low=0.0, high=np.inf, penalty=None):
        self.low = low
        self.high = high
        self.penalty = penalty

    @classmethod
    def from_parameters(cls, alpha, l1_ratio):
        """Make non-negativity; the parameters have no meaning for it."""
        return cls()

    def bind(self, datafit):
        """Return a copy with bounds for each coordinate of a datafit."""
        bound = BoxPenalty(penalty=(self.penalty or NoPenalty()).bind(datafit))
        bound.low = _coordinate_bounds(self.low, -np.inf, datafit)
        bound.high = _coordinate_bounds(self.high, np.inf, datafit)
        if not (bound.low <= bound.high).all():
            i = int(np.argmax(~(bound.low <= bound.high)))
            raise ValueError(
                "bounds must have low <= high everywhere, got "
                f"low={bound.low[i]} and high={bound.high[i]} for coordinate {i}."
            )
        bound.strength, bound.curvature = (
            bound.penalty.strength,
            bound.penalty.curvature,
        )
        bound.excluded = bound.penalty.excluded
        return bound

    def values(self, x, index=slice(None)):
        """Compute the penalty of each coordinate; all are taken to be in bounds."""
        return self.penalty.values(x, index)

    def prox(self, x, step, index=slice(None)):
        """Clip the other penalty's proximal point, which in one dimension is exact."""
        inner = self.penalty.prox(x, step, index)
        return np.clip(inner, self.low[index], self.high[index])

    def subdifferential(self, x, index=slice(None)):
        """Return the ends of the intervals of subgradients."""
        low, high = self.penalty.subdifferential(x, index)
        low = np.where(x <= self.low[index], -np.inf, low)
        return low, np.where(x >= self.high[index], np.inf, high)

    def pieces(self, index=slice(None)):
        """Describe it as linear pieces, if the other penalty is of this form."""
        inner = self.penalty.pieces(index)
        if inner is None:
            return None
        slopes, low, high = inner
        low, high = np.maximum(low, self.low[index]), np.minimum(high, self.high[index])
        return slopes, low, high

    def start(self, x):
        """Return the point within the bounds nearest to `x`."""
        return np.clip(x, self.low, self.high)

    def land(self, x, index):
        """Put coordinates exactly on a bound that they miss by rounding alone."""
        low, high = self.low[index], self.high[index]
        slack = 4 * np.finfo(float).eps * np.abs(x)
        x = np.where(x <= low + slack, low, x)
        return np.where(x >= high - slack, high, x)


def _coordinate_bounds(given, free, datafit):
    """Give every coordinate the bound of its feature, and intercepts none."""
    expanded = np.full(datafit.n_coordinates, free)
    n_features = (len(expanded) - len(datafit.intercepts)) // datafit.n_outputs
    given = np.asarray(given, dtype=float)
    if given.shape not in [(), (1,), (n_features,)]:
        raise ValueError(
            f"bounds must be numbers or have shape ({n_features},), got {given.shape}."
        )
    if np.isnan(given).any():
        raise ValueError("bounds must not be NaN.")
    given = np.broadcast_to(given, n_features)
    expanded[: n_features * datafit.n_outputs] = np.repeat(given, datafit.n_outputs)
    return expanded
