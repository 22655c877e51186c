# SPDX-License-Identifier: BSD-3-Clause
"""What a separable penalty must offer."""

from copy import copy

import numpy as np

from .._part import Part


class Penalty(Part):
    r"""A sum of convex functions of single coordinates.

    A squared norm is smooth: it is told as :attr:`curvature` and belongs to the smooth
    part of the objective, so that every rule for smooth functions knows it. All other
    methods speak of what is left. A penalty with kinks gives its value, its proximal
    operator and its subdifferential; a piecewise linear one also says so through
    :meth:`pieces`, from which the block solver finds exact solutions.

    Parameters
    ----------
    alpha : float, default=1.0
        The strength.

    weights : array-like of shape (n_features,), default=None
        Factors of `alpha`; 0 leaves a feature unpenalised, infinity excludes it.

    Attributes
    ----------
    name : str
        The name by which :class:`~sklearn_theory.solvers.BCDSolver` finds the class.

    smooth : bool
        Whether nothing but the curvature is left.

    bounded : bool
        Whether there are bounds.
    """

    name = None
    smooth = False
    bounded = False

    def __init__(self, alpha=1.0, weights=None):
        self.alpha = alpha
        self.weights = weights

    @classmethod
    def from_parameters(cls, alpha, l1_ratio):
        """Make the penalty from the estimator's parameters."""
        return cls(alpha)

    def bind(self, datafit):
        """Return a copy with a strength for each coordinate of a datafit.

        Its attribute ``strength`` is `alpha` times the weights, 0 for intercepts;
        ``excluded`` marks coordinates of infinite weight, and ``curvature`` is the
        second derivative of the smooth part.

        Parameters
        ----------
        datafit : Datafit
            The datafit.

        Returns
        -------
        bound : Penalty
            The copy.
        """
        if not 0 <= self.alpha < np.inf:
            raise ValueError(
                f"alpha must be a finite non-negative number, got {self.alpha!r}."
            )
        bound = copy(self)
        weights = _coordinate_weights(self.weights, datafit)
        bound.excluded = np.isinf(weights)
        weights = np.where(bound.excluded, 1.0, weights)
        bound.strength = self.alpha * weights
        bound.curvature = bound._curvature()
        return bound

    def _curvature(self):
        return np.zeros(len(self.strength))

    def values(self, x, index=slice(None)):
        """Compute the penalty of each coordinate, without the smooth part.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        index : ndarray of int or slice, default=slice(None)
            Which coordinates `x` holds.

        Returns
        -------
        values : ndarray
            The values.
        """
        return np.zeros_like(x)

    def value(self, x, index=slice(None)):
        """Sum the penalty of coordinates, without the smooth part.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        index : ndarray of int or slice, default=slice(None)
            Which coordinates `x` holds.

        Returns
        -------
        value : float
            The value.
        """
        return 0.0 if self.smooth else float(self.values(x, index).sum())

    def prox(self, x, step, index=slice(None)):
        """Minimise ``(v - x)**2 / (2 * step) + penalty(v)``, for each coordinate.

        Parameters
        ----------
        x : ndarray
            The points.

        step : ndarray or float
            The lengths of the steps.

        index : ndarray of int or slice, default=slice(None)
            Which coordinates `x` holds.

        Returns
        -------
        points : ndarray
            The minimisers.
        """
        return x

    def subdifferential(self, x, index=slice(None)):
        """Return the ends of the intervals of subgradients.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        index : ndarray of int or slice, default=slice(None)
            Which coordinates `x` holds.

        Returns
        -------
        low, high : ndarray
            The ends.
        """
        zero = np.zeros_like(x)
        return zero, zero

    def pieces(self, index=slice(None)):
        """Describe a piecewise linear penalty.

        Parameters
        ----------
        index : ndarray of int or slice, default=slice(None)
            Which coordinates `x` holds.

        Returns
        -------
        slopes, low, high : ndarray
            The penalty is ``slopes * abs(x)`` within the bounds; or None if it is not
            of this form.
        """
        return None

    def violation(self, x, gradient, index=slice(None)):
        """Compute how far the negative gradient is from the subdifferential.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        gradient : ndarray
            The derivatives of the smooth part.

        index : ndarray of int or slice, default=slice(None)
            Which coordinates `x` holds.

        Returns
        -------
        violation : ndarray
            The distances.
        """
        low, high = self.subdifferential(x, index)
        return np.maximum(np.maximum(low + gradient, -gradient - high), 0.0)

    def model_step(self, x, gradient, lipschitz, index=slice(None)):
        """Minimise ``g d + L d**2 / 2 + penalty(x + d) - penalty(x)``.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        gradient : ndarray
            The derivatives of the smooth part.

        lipschitz : ndarray or float
            The curvatures of the models.

        index : ndarray of int or slice, default=slice(None)
            Which coordinates `x` holds.

        Returns
        -------
        step : ndarray
            The minimisers.
        """
        return self.prox(x - gradient / lipschitz, 1 / lipschitz, index) - x

    def at_kink(self, x, index=slice(None)):
        """Tell which coordinates are where the penalty has no derivative.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        index : ndarray of int or slice, default=slice(None)
            Which coordinates `x` holds.

        Returns
        -------
        at_kink : ndarray of bool
            True at kinks and bounds.
        """
        low, high = self.subdifferential(x, index)
        return low < high

    def start(self, x):
        """Return the point nearest to `x` at which the penalty is finite.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        Returns
        -------
        x : ndarray
            The nearest point.
        """
        return x

    def land(self, x, index):
        """Put coordinates exactly on a bound that they miss by rounding alone.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        index : ndarray of int or slice, default=slice(None)
            Which coordinates `x` holds.

        Returns
        -------
        x : ndarray
            The points.
        """
        return x


def _coordinate_weights(weights, datafit):
    """Give every coordinate the weight of its feature, and intercepts none."""
    expanded = np.ones(datafit.n_coordinates)
    n_features = (len(expanded) - len(datafit.intercepts)) // datafit.n_outputs
    if weights is not None:
        weights = np.asarray(weights, dtype=float)
        if weights.shape != (n_features,):
            raise ValueError(
                f"weights must have shape ({n_features},), got {weights.shape}."
            )
        if np.isnan(weights).any() or (weights < 0).any():
            raise ValueError(
                "weights must be non-negative numbers or infinity; "
                f"the smallest is {weights.min()}."
            )
        expanded[: n_features * datafit.n_outputs] = np.repeat(
            weights, datafit.n_outputs
        )
    expanded[datafit.intercepts] = 0.0
    return expanded
