# SPDX-License-Identifier: BSD-3-Clause
"""The separable penalty of the face method, and what duality makes of it."""

import numpy as np


class FacePenalty:
    r"""Elastic net with weights of each coordinate's own, perhaps on :math:`w \ge 0`.

    .. math::
        g(w) = \sum_j l1_j |w_j| + \tfrac12 l2_j w_j^2

    A coordinate without either is free. `l2` is positive for all other coordinates, or
    for none.

    Parameters
    ----------
    l1, l2 : ndarray of shape (n_coordinates,)
        Weights; an infinite `l1` excludes a coordinate.

    positive : bool, default=False
        Whether coefficients must not be negative.
    """

    def __init__(self, l1, l2, positive=False):
        self.l1, self.l2, self.positive = l1, l2, positive
        self.low = 0.0 if positive else -np.inf
        self.has_l2 = bool(l2.any())
        self.free = (l1 == 0) & (l2 == 0)
        self.has_free = bool(self.free.any())
        self.strength = l1.max(initial=0, where=np.isfinite(l1))

    def value(self, w):
        """Evaluate the penalty; only the coordinates that are not zero are read."""
        support = np.flatnonzero(w)
        return self.value_on(support, w[support])

    def value_on(self, subset, w):
        """Evaluate the penalty of some coordinates, which are given alone."""
        return self.l1[subset] @ np.abs(w) + 0.5 * (self.l2[subset] @ w**2)

    def squares(self, w):
        """Evaluate the weighted sum of squares."""
        return self.l2 @ w**2 if self.has_l2 else 0.0

    def slope(self, correlation, subset, w):
        """Descent direction of the smooth part and of the squares."""
        if not self.has_l2:
            return correlation
        return correlation - self.l2[subset] * w[subset]

    def excess(self, slope, subset, w):
        """Tell how far slopes exceed what the penalty can hold in place.

        At an optimum no excess is positive.
        """
        size = slope if self.positive else np.abs(slope)
        if self.positive and self.has_free:
            size = np.where(w[subset] > 0, np.abs(slope), slope)
        return size - self.l1[subset]

    def held(self, subset, w):
        """Mask the coordinates of `subset` whose dual constraint must hold exactly."""
        free = self.free[subset]
        return free & (w[subset] > 0) if self.positive else free

    def shrinkage(self, slope, subset):
        """Find the interval of factors by which a dual point becomes feasible.

        The constraints are ``|factor * slope| <= l1``, one-sided where coefficients
        are not negative. Free coordinates are taken care of elsewhere.
        """
        l1 = self.l1[subset]
        if self.has_free:
            constrained = ~self.free[subset]
            slope, l1 = slope[constrained], l1[constrained]
        if not l1.min(initial=np.inf) > 0:
            return 0.0, 0.0
        ratio = slope / l1
        highest, lowest = ratio.max(initial=0), ratio.min(initial=0)
        if not self.positive:
            highest = max(highest, -lowest)
            lowest = -highest
        return (
            1 / lowest if lowest < 0 else -np.inf,
            1 / highest if highest > 0 else np.inf,
        )

    def conjugate(self, correlation, subset):
        """Evaluate the conjugate where all but the free coordinates have squares."""
        size = correlation if self.positive else np.abs(correlation)
        excess = np.maximum(size - self.l1[subset], 0)
        l2 = self.l2[subset]
        return 0.5 * np.sum(excess[l2 > 0] ** 2 / l2[l2 > 0])
