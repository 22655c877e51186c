# SPDX-License-Identifier: BSD-3-Clause
"""The logistic loss for the face method: the squared kernel on rescaled columns."""

import numpy as np
from scipy.special import xlogy

from ._face_fast import (
    N_STATE,
    PASSES,
    SHIFT,
    Point,
    Terms,
    column_moments,
    combine_columns,
    correlate,
    descend,
)
from ._face_matrix import gram_matrix, scaled_columns
from ._face_newton import NewtonFace
from ._face_squared import centred_squares

RELATIVE = 0.1
_MAX_EXPONENT = 300.0


class LogisticFace(NewtonFace):
    r"""The loss :math:`\sum_i s_i \log(1 + \exp(-y_i (x_i^\top w + b)))`.

    Each descent is one proximal Newton step: with the curvatures
    :math:`h_i = s_i \sigma_i (1 - \sigma_i)` the quadratic model is a squared loss on
    rows scaled by :math:`\sqrt{h_i}`, whose intercept column :math:`\sqrt h` is
    eliminated by centring. One exponential a row gives loss, gradient, curvature and
    working response.

    Parameters
    ----------
    columns : Columns
        The matrix.

    n_columns : int
        Number of columns.

    sign : ndarray of shape (n_rows,)
        The labels, -1 or 1.

    weight : ndarray of shape (n_rows,)
        The weights :math:`s_i`.

    fit_intercept : bool
        Whether there is an intercept, which is not penalised.

    Attributes
    ----------
    w : ndarray of shape (n_columns,)
        The present coefficients.

    norms : ndarray of shape (n_columns,)
        Norms of the columns, centred if there is an intercept.

    scale : float
        The loss at zero.
    """

    def __init__(self, columns, n_columns, sign, weight, fit_intercept):
        self.columns, self.sign, self.weight = columns, sign, weight
        self.fit_intercept = fit_intercept
        squares, sums, products = np.empty((3, n_columns))
        ones = np.ones(columns.n_rows)
        column_moments(columns, ones, 0.5 * weight * sign, squares, sums, products)
        self.is_finite = bool(np.isfinite(squares.sum()))
        if fit_intercept:
            squares = centred_squares(squares, sums / len(sign), len(sign))
        self.norms = np.sqrt(squares)
        self.curvature = 0.25 * weight.max() * squares
        self.scale = weight.sum() * np.log(2)
        self.rounding = 1e-15 * np.abs(products).max(initial=0)
        self._uncentred = np.zeros(n_columns)
        self.start(np.zeros(n_columns), 0.0)

    def intercept(self):
        """The present intercept."""
        return self._intercept

    def correlate(self, subset):
        """Inner products of columns and the negative gradient at the margins."""
        out = np.empty(len(subset))
        correlate(self.columns, subset, self.u, self._uncentred, 0.0, out)
        return out

    def gram(self, subset):
        """The Hessian of the coordinates in a subset, at the present point."""
        unit = np.sqrt(self._bends())
        scaled, places = (
            scaled_columns(self.columns, subset, unit),
            np.arange(len(subset)),
        )
        mass = unit @ unit if self.fit_intercept else 0.0
        means = np.zeros(len(subset))
        if mass > 0:
            correlate(scaled, places, unit / mass, np.zeros(len(subset)), 0.0, means)
        return gram_matrix(scaled, places, means, mass, unit)

    def dual(self, factor, squares):
        """Evaluate the dual, an entropy, at a multiple of the dual point."""
        share = factor * self._error
        if factor == 1.0:
            # log(error) = 2 exponent - log(q), log(1 - error) = -log(q)
            entropy = self._log_q - 2 * share * self._exponent
        else:
            entropy = -xlogy(share, share) - xlogy(1 - share, 1 - share)
        value = self.weight @ entropy - 0.5 * factor**2 * squares
        return value - self._slack(factor)

    def dual_radius(self, gap):
        """Radius of the ball about the dual point that holds the optimal one."""
        return np.sqrt(0.5 * gap * self.weight.max())

    def _intercept_step(self):
        slope, bend = self.u.sum(), self._bends().sum()
        step = slope / bend if bend > 0 else 0.0
        return step, slope * step

    def _image(self, subset, factors):
        image = np.empty(self.columns.n_rows)
        combine_columns(self.columns, subset, factors, image)
        return image

    def _evaluate(self):
        """One exponential a row: loss, negative gradient and what follows."""
        exponent = -0.5 * self.sign * (self.z + self._intercept)
        beyond = np.maximum(exponent - _MAX_EXPONENT, 0)
        self._exponent = np.clip(exponent, -_MAX_EXPONENT, _MAX_EXPONENT)
        self.e = np.exp(self._exponent)
        square = self.e * self.e
        self.q = 1 + square
        self._log_q = np.log(self.q)
        self._error = square / self.q
        self.u = self.weight * self.sign * self._error
        self._loss = self.weight @ (self._log_q + 2 * beyond)

    def _bends(self):
        """Second derivatives of the loss at the margins."""
        return self.weight * self._error / self.q

    def _minimise_model(self, working, penalty, threshold, max_passes):
        """Minimise the quadratic model over a working set and the intercept."""
        root = np.sqrt(self.weight)
        unit = root * self.e / self.q
        residual = root * self.sign * self.e
        scaled = scaled_columns(self.columns, working, unit)
        squares, means, products = np.empty((3, len(working)))
        column_moments(scaled, unit, residual, squares, means, products)
        mass = unit @ unit if self.fit_intercept else 0.0
        means = means / mass if mass > 0 else np.zeros(len(working))
        l2 = penalty.l2[working]
        terms = Terms(
            means,
            float(mass),
            centred_squares(squares, means, mass) + l2,
            penalty.l1[working],
            l2,
            penalty.low,
        )
        state = np.zeros(N_STATE)
        state[SHIFT] = unit @ residual if mass > 0 else 0.0
        point = Point(self.w[working], residual, state)
        descend(
            scaled,
            np.arange(len(working)),
            point,
            terms,
            float(threshold),
            RELATIVE,
            max_passes,
        )
        step = state[SHIFT] / mass if mass > 0 else 0.0
        return point.w, step, int(state[PASSES])
