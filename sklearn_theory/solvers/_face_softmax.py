# SPDX-License-Identifier: BSD-3-Clause
"""The softmax loss for the face method: the same kernel on columns of classes."""

import numpy as np
from scipy.special import xlogy

from ._face_fast import (
    N_STATE,
    PASSES,
    Point,
    SoftmaxColumns,
    Terms,
    class_moments,
    column_moments,
    combine_classes,
    correlate_classes,
    descend,
)
from ._face_logistic import RELATIVE
from ._face_matrix import gram_matrix, scaled_columns
from ._face_newton import NewtonFace
from ._face_squared import centred_squares

# Keeps square roots and their reciprocals finite where a probability underflows.
_SMALLEST = 1e-280


class SoftmaxFace(NewtonFace):
    r"""The loss :math:`\sum_i s_i (\operatorname{logsumexp}(x_i W + b) - x_i w_{y_i})`.

    Coordinate ``j * n_classes + c`` is the coefficient of feature `j` for class `c`.
    Each descent is one proximal Newton step with the Hessian of all classes together.

    Parameters
    ----------
    columns : Columns
        The matrix.

    n_columns : int
        Number of columns.

    labels : ndarray of shape (n_rows,)
        The classes, 0 to ``n_classes - 1``.

    n_classes : int
        Number of classes.

    weight : ndarray of shape (n_rows,)
        The weights :math:`s_i`.

    fit_intercept : bool
        Whether there are intercepts, which are not penalised.

    Attributes
    ----------
    w : ndarray of shape (n_columns * n_classes,)
        The present coefficients.

    norms : ndarray of shape (n_columns * n_classes,)
        Norms of the columns, centred if there is an intercept.

    scale : float
        The loss at zero.
    """

    def __init__(self, columns, n_columns, labels, n_classes, weight, fit_intercept):
        self.columns, self.n_columns, self.n_classes = columns, n_columns, n_classes
        self.weight, self.fit_intercept = weight, fit_intercept
        self.target = (labels == np.arange(n_classes)[:, np.newaxis]).astype(float)
        squares, sums, products = np.empty((3, n_columns))
        ones = np.ones(columns.n_rows)
        column_moments(columns, ones, weight, squares, sums, products)
        self.is_finite = bool(np.isfinite(squares.sum()))
        if fit_intercept:
            squares = centred_squares(squares, sums / len(labels), len(labels))
        self.norms = np.repeat(np.sqrt(squares), n_classes)
        self.curvature = np.repeat(0.25 * weight.max() * squares, n_classes)
        self.scale = weight.sum() * np.log(n_classes)
        self.rounding = 1e-15 * np.abs(products).max(initial=0)
        self.start(np.zeros(n_columns * n_classes), np.zeros((n_classes, 1)))

    def intercept(self):
        """The present intercepts, which sum to zero."""
        return self._intercept.ravel() - self._intercept.mean()

    def correlate(self, subset):
        """Inner products of columns and the negative gradient at the margins."""
        out = np.empty(len(subset))
        correlate_classes(self.columns, subset, self.u, out)
        return out

    def gram(self, subset):
        """The Hessian of the coordinates in a subset, at the present point."""
        features, place = np.unique(subset // self.n_classes, return_inverse=True)
        places = place * self.n_classes + subset % self.n_classes
        means = np.zeros(len(features) * self.n_classes)
        like = self._model_residual()
        return gram_matrix(self._model_columns(features), places, means, 0.0, like)

    def dual(self, factor, squares):
        """Evaluate the dual, an entropy, at a multiple of the dual point."""
        share = self.p
        if factor != 1.0:
            share = factor * self.p + (1 - factor) * self.target
        entropy = -xlogy(share, share).sum(axis=0)
        value = self.weight @ entropy - 0.5 * factor**2 * squares
        return value - self._slack(factor)

    def dual_radius(self, gap):
        """Radius of the ball about the dual point that holds the optimal one."""
        return np.sqrt(gap * self.weight.max())

    def _image(self, subset, factors):
        image = np.empty((self.n_classes, self.columns.n_rows))
        combine_classes(self.columns, subset, factors, image)
        return image

    def _evaluate(self):
        """One exponential for each class and row: loss, probabilities, gradient."""
        margin = self.z + self._intercept
        margin -= margin.max(axis=0)
        p = np.exp(margin)
        total = p.sum(axis=0)
        p /= total
        own = np.sum(margin * self.target, axis=0)
        self.p = p
        self.u = self.weight * (self.target - p)
        self._loss = self.weight @ (np.log(total) - own)

    def _intercept_step(self):
        slope = self.u.sum(axis=1)
        weighted = self.weight * self.p
        bend = np.diag(weighted.sum(axis=1)) - weighted @ self.p.T
        # Adding a constant to all intercepts changes nothing: the least-norm step.
        step = np.linalg.lstsq(bend, slope, rcond=1e-12)[0]
        return step[:, np.newaxis], slope @ step

    def _minimise_model(self, working, penalty, threshold, max_passes):
        """Minimise the quadratic model over a working set and the intercepts."""
        n_classes = self.n_classes
        features, place = np.unique(working // n_classes, return_inverse=True)
        columns = self._model_columns(features)
        subset = place * n_classes + working % n_classes
        if self.fit_intercept:
            subset = np.append(subset, len(features) * n_classes + np.arange(n_classes))
        terms = self._model_terms(columns, subset, working, penalty)
        point = Point(
            np.zeros(len(terms.l1)), self._model_residual(), np.zeros(N_STATE)
        )
        point.w[subset[: len(working)]] = self.w[working]
        descend(columns, subset, point, terms, float(threshold), RELATIVE, max_passes)
        step = point.w[len(features) * n_classes :, np.newaxis]
        if not self.fit_intercept:
            step = 0.0
        return point.w[subset[: len(working)]], step, int(point.state[PASSES])

    def _model_columns(self, features):
        """The features in use, and a column of ones if there are intercepts."""
        n_more = int(self.fit_intercept)
        ones = np.ones(self.columns.n_rows)
        kept = scaled_columns(self.columns, features, ones, n_more)
        root = np.sqrt(self.weight * np.maximum(self.p, _SMALLEST))
        share = np.sqrt(self.weight) * self.p
        return SoftmaxColumns(*kept, self.n_classes, root.ravel(), share.ravel())

    def _model_terms(self, columns, subset, working, penalty):
        n_features = subset.max(initial=0) // self.n_classes + 1
        curvature, l1, l2 = np.zeros((3, n_features * self.n_classes))
        squares = np.empty(len(subset))
        class_moments(columns, subset, squares)
        own = subset[: len(working)]
        l1[own], l2[own] = penalty.l1[working], penalty.l2[working]
        curvature[subset] = np.maximum(squares, 0) + l2[subset]
        means = np.zeros_like(l1)
        return Terms(means, 0.0, curvature, l1, l2, penalty.low)

    def _model_residual(self):
        """The residual whose products with the model's columns are the gradient's."""
        residual = np.zeros((self.n_classes + 1, self.columns.n_rows))
        gradient = np.sqrt(self.weight) * (self.target - self.p)
        residual[:-1] = gradient / np.sqrt(np.maximum(self.p, _SMALLEST))
        return residual.ravel()
