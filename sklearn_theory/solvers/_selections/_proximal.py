# SPDX-License-Identifier: BSD-3-Clause
"""Greedy rules for objectives with a part that is not smooth."""

import numpy as np

from ._scores import ScoreSelection

_OFF_KINKS = np.finfo(float).tiny


class SubgradientSelection(ScoreSelection):
    """The coordinates whose gradient is furthest from the subdifferential.

    Fixed blocks add up squares, so that without a penalty this is "gs".
    """

    name = "gs_s"

    def scores(self, state, index):
        """Compute squared distances to the subdifferential."""
        x, gradient = state.x[index], state.gradient[index]
        return self.problem.penalty.violation(x, gradient, index) ** 2


class ResidualSelection(ScoreSelection):
    """The coordinates that a proximal gradient step would move furthest."""

    name = "gs_r"

    def scores(self, state, index):
        """Compute squared lengths of proximal steps."""
        step, _ = coordinate_model(self.problem, state, index)
        return step**2


class ProximalQuadraticSelection(ScoreSelection):
    """The coordinates whose own quadratic model, with the penalty, decreases most.

    Where none decreases, coordinates off kinks and bounds go before those that rest: a
    block that is larger than the support then holds it whole, which is what finite
    termination rests on.
    """

    name = "gs_q"

    def scores(self, state, index):
        """Compute the decrease of each coordinate's model."""
        decrease = coordinate_model(self.problem, state, index)[1]
        rests = self.problem.penalty.at_kink(state.x[index], index)
        return np.where(rests, decrease, np.maximum(decrease, _OFF_KINKS))


def coordinate_model(problem, state, index):
    """Minimise the quadratic model of each coordinate, with the penalty.

    Returns
    -------
    step, decrease : ndarray
        Each coordinate's step, and by how much its model decreases.
    """
    penalty = problem.penalty
    x, gradient = state.x[index], state.gradient[index]
    lipschitz = state.lipschitz[index]
    step = penalty.model_step(x, gradient, lipschitz, index)
    change = penalty.values(x + step, index) - penalty.values(x, index)
    decrease = -(gradient * step + 0.5 * lipschitz * step**2 + change)
    return step, np.maximum(decrease, 0.0)
