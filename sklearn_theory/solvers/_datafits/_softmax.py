# SPDX-License-Identifier: BSD-3-Clause
"""The softmax loss of several classes."""

import numpy as np
from scipy.special import entr, logsumexp, softmax

from ._linear import LinearDatafit
from ._logistic import THIRD_DERIVATIVE


class SoftmaxDatafit(LinearDatafit):
    r"""The softmax loss of several classes.

    It is :math:`\sum_i \log \sum_c \exp(x_i^\top w_c) - x_i^\top w_{y_i}`. The
    coordinate of feature `j` and class `c` is ``j * n_classes + c``. Intercepts are
    one more feature, the last one, with a column of ones; they are never penalised or
    bounded.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Rows.

    y : ndarray of shape (n_samples,)
        Classes.

    fit_intercept : bool, default=True
        Whether there are intercepts.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.solvers import SoftmaxDatafit
    >>> datafit = SoftmaxDatafit(np.eye(3), np.array([0, 1, 2]), fit_intercept=False)
    >>> datafit.n_coordinates
    9
    """

    name = "softmax"

    def __init__(self, X, y, *, fit_intercept=True):
        self.classes, self.labels = np.unique(y, return_inverse=True)
        if len(self.classes) < 2:
            raise ValueError(
                "loss='softmax' needs at least two classes in y, got "
                f"{len(self.classes)} class."
            )
        n_classes = len(self.classes)
        self._set_design(X, n_outputs=n_classes, ones=fit_intercept)
        self.lipschitz = np.repeat(self.design.squared_norms / 4, n_classes)
        third = THIRD_DERIVATIVE * self.design.cubed_sums()
        self.third_order = np.repeat(third, n_classes)

    def loss(self, image):
        """Sum the loss of scores."""
        own = image[np.arange(len(image)), self.labels]
        return float((logsumexp(image, axis=1) - own).sum())

    def residual(self, image, rows=slice(None)):
        """Subtract indicators of the classes from probabilities."""
        residual = softmax(image, axis=1)
        residual[np.arange(len(residual)), self.labels[rows]] -= 1
        return residual

    def block_bound(self, block):
        """Bound the Hessian of the block, by the number of classes that it holds."""
        features, outputs = self.split(block)
        size = min(self.n_outputs, 1 + len(np.unique(outputs)))
        factor = 0.5 * (np.equal.outer(outputs, outputs) - 1 / size)
        return factor * self.design.gram(features)

    def block_hessian(self, state, block):
        """Compute the Hessian of the block."""
        probability = softmax(state.image, axis=1)
        return self.design.likelihood_block(*self.split(block), probability)

    def hessian_diagonal(self, state):
        """Compute the diagonal of the Hessian."""
        probability = softmax(state.image, axis=1)
        return self.design.weighted_norms(probability * (1 - probability)).ravel()

    def hessian_columns(self, block):
        """Compute columns of the bound of the Hessian."""
        features, outputs = self.split(block)
        same = np.arange(self.n_outputs) == outputs[:, np.newaxis]
        factor = 0.5 * (same - 1 / self.n_outputs)
        gram = self.design.gram_rows(features)
        return (gram[:, :, np.newaxis] * factor[:, np.newaxis]).reshape(len(block), -1)

    def absolute_row_sums(self):
        """Compute the row sums of the absolute bound of the Hessian."""
        sums = (1 - 1 / self.n_outputs) * self.design.absolute_gram_sums()
        return np.repeat(sums, self.n_outputs)

    def shift_model(self, image):
        """Return gradient and Hessian of the loss by a common shift of scores."""
        probability = softmax(image, axis=1)
        hessian = np.diag(probability.sum(axis=0)) - probability.T @ probability
        return self.residual(image).sum(axis=0), hessian

    def dual_value(self, scale, residual):
        """Return minus the conjugate of the loss, an entropy."""
        probability = scale * residual
        probability[np.arange(len(residual)), self.labels] += 1
        return float(entr(np.clip(probability, 0.0, 1.0)).sum())

    @staticmethod
    def decide(scores, classes):
        """Return the classes of the largest scores."""
        return classes[np.argmax(scores, axis=1)]
