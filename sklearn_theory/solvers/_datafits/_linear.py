# SPDX-License-Identifier: BSD-3-Clause
"""What losses of linear predictions share."""

import numpy as np

from .._definite import pseudo_solve
from .._design import make_design
from ._base import Datafit

_MAX_SHIFTS = 50


class LinearDatafit(Datafit):
    r"""A sum over samples of a loss of the predictions :math:`Z = X W`.

    ``state.image`` is `Z`, a row for each sample and a column for each output. A loss
    gives its value, its derivative (the residual), its curvature at given predictions,
    and bounds of the latter.
    """

    def _set_design(self, X, *, n_outputs=1, centre=False, ones=False):
        self.design = make_design(X, centre=centre, ones=ones)
        self.n_outputs = n_outputs
        self.n_coordinates = self.design.n_features * n_outputs
        self.tracks_rows = self.design.is_sparse
        if ones:
            first = (self.design.n_features - 1) * n_outputs
            self.intercepts = np.arange(first, self.n_coordinates)

    def split(self, block):
        """Split coordinates into features and outputs.

        Parameters
        ----------
        block : ndarray of int
            Distinct coordinates.

        Returns
        -------
        features, outputs : ndarray of int
            Their features and outputs.
        """
        features, outputs = np.divmod(block, self.n_outputs)
        return features, outputs

    def loss(self, image):
        """Sum the loss of predictions.

        Parameters
        ----------
        image : ndarray of shape (n_samples, n_outputs)
            Predictions.

        Returns
        -------
        loss : float
            The sum.
        """
        raise NotImplementedError

    def residual(self, image, rows=slice(None)):
        """Differentiate the loss by the predictions, for some rows.

        Parameters
        ----------
        image : ndarray of shape (n_samples, n_outputs)
            Predictions.

        rows : ndarray of int or slice, default=slice(None)
            Which rows the predictions are of.

        Returns
        -------
        residual : ndarray
            The derivatives.
        """
        raise NotImplementedError

    def image(self, x):
        """Compute the predictions.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        Returns
        -------
        image : object
            What is kept.
        """
        return self.design.image(x.reshape(-1, self.n_outputs))

    def move(self, state, block, step):
        """Move the predictions.

        Parameters
        ----------
        state : State
            Where the run stands.

        block : ndarray of int
            Distinct coordinates.

        step : ndarray
            What is added to them.
        """
        self.design.move(state.image, *self.split(block), step)

    def move_gradient(self, state, block, step):
        """Move predictions and gradient in the rows that the block touches.

        Parameters
        ----------
        state : State
            Where the run stands.

        block : ndarray of int
            Distinct coordinates.

        step : ndarray
            What is added to them.

        Returns
        -------
        changed : ndarray of int or None
            The coordinates whose partial derivative changed; None if all did.
        """
        features, outputs = self.split(block)
        touched = self.design.touched_rows(features)
        before = self.residual(state.image[touched], touched)
        # Where columns are centred, the shift of all rows changes no gradient of a
        # squared loss except through the means, which is put right below.
        self.design._add(state.image, features, outputs, step)
        change = self.residual(state.image[touched], touched) - before
        gradient = state.gradient.reshape(-1, self.n_outputs)
        changed = self.design.spread_rows(touched, change, gradient)
        if self.design.centred:
            shift = self.design.means[features] @ step
            state.image -= shift
            state.gradient -= self.design.n_samples * shift * self.design.means
            return None
        offsets = np.arange(self.n_outputs)
        return (changed[:, np.newaxis] * self.n_outputs + offsets).ravel()

    def value(self, state):
        """Compute the value.

        Parameters
        ----------
        state : State
            Where the run stands.

        Returns
        -------
        value : float
            The value.
        """
        return self.loss(state.image)

    def gradient(self, state):
        """Compute the full gradient.

        Parameters
        ----------
        state : State
            Where the run stands.

        Returns
        -------
        gradient : ndarray of shape (n_coordinates,)
            The gradient.
        """
        return self.design.products(self.residual(state.image)).ravel()

    def block_gradient(self, state, block):
        """Compute the partial derivatives of a block.

        Parameters
        ----------
        state : State
            Where the run stands.

        block : ndarray of int
            Distinct coordinates.

        Returns
        -------
        gradient : ndarray of shape (len(block),)
            The derivatives.
        """
        residual = self.residual(state.image)
        return self.design.block_products(*self.split(block), residual)

    def along(self, state, block, step):
        """Return the value as a function of the length of a step.

        Parameters
        ----------
        state : State
            Where the run stands.

        block : ndarray of int
            Distinct coordinates.

        step : ndarray
            What is added to them.

        Returns
        -------
        value : callable
            The value as a function of the length ``t``.
        """
        change = self.design.change(*self.split(block), step, self.n_outputs)
        return lambda t: self.loss(state.image + t * change)

    def dual_image(self, image):
        """Return the predictions from which the dual point is made.

        With intercepts as coordinates these are the predictions under the best
        intercepts, so that the residual is orthogonal to the column of ones.

        Parameters
        ----------
        image : ndarray of shape (n_samples, n_outputs)
            Predictions.

        Returns
        -------
        image : ndarray of shape (n_samples, n_outputs)
            Predictions.
        """
        if not len(self.intercepts):
            return image
        shift = np.zeros(self.n_outputs)
        value = self.loss(image)
        for _ in range(_MAX_SHIFTS):
            gradient, hessian = self.shift_model(image + shift)
            if np.abs(gradient).max() <= 1e-13 * len(image):
                break
            step = pseudo_solve(hessian, gradient)
            step /= max(1.0, np.abs(step).max())
            lower = self.loss(image + shift - step)
            if lower > value + 1e-12 * abs(value):
                break
            shift, value = shift - step, lower
        return image + shift

    def shift_model(self, image):
        """Return gradient and Hessian of the loss by a common shift of predictions.

        Parameters
        ----------
        image : ndarray of shape (n_samples, n_outputs)
            Predictions.

        Returns
        -------
        gradient : ndarray of shape (n_outputs,)
            The gradient.

        hessian : ndarray of shape (n_outputs, n_outputs)
            The Hessian.
        """
        raise NotImplementedError

    def dual_scales(self, residual):
        """Return the scales of the residual that are worth trying.

        Parameters
        ----------
        residual : ndarray of shape (n_samples, n_outputs)
            Derivatives of the loss by predictions.

        Returns
        -------
        scales : ndarray
            The scales.
        """
        return np.array([1.0])

    def dual_value(self, scale, residual):
        """Return minus the conjugate of the loss at the scaled residual.

        Parameters
        ----------
        scale : float
            The scale.

        residual : ndarray of shape (n_samples, n_outputs)
            Derivatives of the loss by predictions.

        Returns
        -------
        value : float
            The dual value without the penalty.
        """
        raise NotImplementedError

    @property
    def dual_unit(self):
        """The squared length of a typical residual, by which rounding is judged."""
        return 2 * self.loss(np.zeros((self.design.n_samples, self.n_outputs)))

    def finish(self, x):
        """Turn coordinates into ``coef_`` and ``intercept_``.

        Parameters
        ----------
        x : ndarray
            The coordinates.

        Returns
        -------
        coef : ndarray
            Coefficients.

        intercept : float or ndarray
            Intercepts.
        """
        table = x.reshape(-1, self.n_outputs)
        if len(self.intercepts):
            return table[:-1].T.copy(), table[-1].copy()
        return table.T.copy(), np.zeros(self.n_outputs)

    def coordinates(self, coef, intercept):
        """Turn ``coef_`` and ``intercept_`` back into coordinates.

        Parameters
        ----------
        coef : ndarray
            Coefficients.

        intercept : float or ndarray
            Intercepts.

        Returns
        -------
        x : ndarray of shape (n_coordinates,)
            The coordinates.
        """
        table = np.atleast_2d(np.asarray(coef, dtype=float)).T
        if len(self.intercepts):
            table = np.vstack([table, np.ravel(intercept)])
        return table.ravel()


def as_single(finished):
    """Drop the axis of outputs where there is one."""
    coef, intercept = finished
    return coef[0], float(intercept[0])
