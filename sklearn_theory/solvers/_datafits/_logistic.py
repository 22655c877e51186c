# SPDX-License-Identifier: BSD-3-Clause
"""The logistic loss of two classes."""

import numpy as np
from scipy.special import entr, expit

from ._linear import LinearDatafit, as_single

# The largest derivative of p (1 - p), at p = (3 + sqrt 3) / 6.
THIRD_DERIVATIVE = 1 / (6 * np.sqrt(3))


class LogisticDatafit(LinearDatafit):
    r"""The logistic loss, :math:`\sum_i \log(1 + \exp(-y_i x_i^\top w))`.

    An intercept is one more coordinate, the last one, with a column of ones; it is
    never penalised or bounded.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Rows.

    y : ndarray of shape (n_samples,)
        Labels, -1 and 1.

    fit_intercept : bool, default=True
        Whether there is an intercept.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.solvers import LogisticDatafit
    >>> datafit = LogisticDatafit(np.eye(2), np.array([-1, 1]), fit_intercept=False)
    >>> datafit.lipschitz
    array([0.25, 0.25])
    """

    name = "logistic"

    def __init__(self, X, y, *, fit_intercept=True):
        self.y = _check_labels(y)[:, np.newaxis]
        self._set_design(X, ones=fit_intercept)
        self.lipschitz = self.design.squared_norms / 4
        self.third_order = THIRD_DERIVATIVE * self.design.cubed_sums()

    def loss(self, image):
        """Sum the loss of margins."""
        return float(np.logaddexp(0.0, -self.y * image).sum())

    def residual(self, image, rows=slice(None)):
        """Differentiate the loss by the predictions."""
        y = self.y[rows]
        return -y * expit(-y * image)

    def block_bound(self, block):
        """Bound the Hessian of the block by a quarter of the Gram matrix."""
        return self.design.gram(block) / 4

    def block_hessian(self, state, block):
        """Compute the Hessian of the block."""
        outputs = np.zeros(len(block), dtype=np.intp)
        return self.design.likelihood_block(block, outputs, expit(state.image))

    def hessian_diagonal(self, state):
        """Compute the diagonal of the Hessian."""
        probability = expit(state.image)
        weights = probability * (1 - probability)
        return self.design.weighted_norms(weights).ravel()

    def hessian_columns(self, block):
        """Compute columns of the bound of the Hessian."""
        return self.design.gram_rows(block) / 4

    def absolute_row_sums(self):
        """Compute the row sums of the absolute bound of the Hessian."""
        return self.design.absolute_gram_sums() / 4

    def shift_model(self, image):
        """Return gradient and Hessian of the loss by a common shift of margins."""
        probability = expit(image)
        curvature = float((probability * (1 - probability)).sum())
        return self.residual(image).sum(axis=0), np.array([[curvature]])

    def dual_value(self, scale, residual):
        """Return minus the conjugate of the loss, an entropy."""
        probability = np.clip(-self.y * (scale * residual), 0.0, 1.0)
        return float((entr(probability) + entr(1 - probability)).sum())

    def finish(self, x):
        """Turn coordinates into ``coef_`` and ``intercept_``."""
        return as_single(super().finish(x))

    @staticmethod
    def decide(scores, classes):
        """Return the labels, -1 or 1."""
        return np.where(scores > 0, 1, -1)


def _check_labels(y):
    y = np.asarray(y, dtype=float)
    found = np.unique(y)
    if not np.array_equal(found, [-1.0, 1.0]):
        raise ValueError(
            "loss='logistic' needs labels -1 and 1, both present in y, "
            f"got {found[:5].tolist()}; use loss='softmax' for other classes."
        )
    return y
