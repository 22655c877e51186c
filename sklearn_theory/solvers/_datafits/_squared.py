# SPDX-License-Identifier: BSD-3-Clause
"""The squared loss."""

import numpy as np

from ._linear import LinearDatafit, as_single


class SquaredDatafit(LinearDatafit):
    r"""Half the sum of squared residuals, :math:`\frac12 \|y - X w\|^2`.

    With an intercept the columns and `y` are centred implicitly: the best intercept for
    given coefficients is known, so it is no coordinate.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Rows.

    y : ndarray of shape (n_samples,)
        Targets.

    fit_intercept : bool, default=True
        Whether there is an intercept.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.solvers import SquaredDatafit
    >>> datafit = SquaredDatafit(np.eye(2), np.ones(2), fit_intercept=False)
    >>> datafit.lipschitz
    array([1., 1.])
    """

    name = "squared"
    constant_hessian = True

    def __init__(self, X, y, *, fit_intercept=True):
        y = np.asarray(y, dtype=float)
        self._set_design(X, centre=fit_intercept)
        self.offset = y.mean() if fit_intercept else 0.0
        self.y = _without_rounding(y - self.offset, y)[:, np.newaxis]
        self.lipschitz = self.design.squared_norms
        self.third_order = np.zeros(self.n_coordinates)

    def loss(self, image):
        """Sum half the squared residuals."""
        residual = (self.y - image).ravel()
        return 0.5 * float(residual @ residual)

    def residual(self, image, rows=slice(None)):
        """Subtract the targets from predictions."""
        return image - self.y[rows]

    def block_bound(self, block):
        """Compute the Hessian of the block."""
        return self.design.gram(block)

    def block_hessian(self, state, block):
        """Compute the Hessian of the block."""
        return self.design.gram(block)

    def hessian_diagonal(self, state):
        """Return the diagonal of the Hessian."""
        return self.lipschitz

    def hessian_columns(self, block):
        """Compute columns of the Hessian."""
        return self.design.gram_rows(block)

    def absolute_row_sums(self):
        """Compute the row sums of the absolute Hessian."""
        return self.design.absolute_gram_sums()

    def dual_scales(self, residual):
        """Return one, and the scale that is best where nothing binds."""
        squared = float(residual[:, 0] @ residual[:, 0])
        best = -float(self.y[:, 0] @ residual[:, 0]) / squared if squared > 0 else 1.0
        return np.array([1.0, best])

    def dual_value(self, scale, residual):
        """Return minus the conjugate of the loss at the scaled residual."""
        u = scale * residual[:, 0]
        return -float(self.y[:, 0] @ u + 0.5 * (u @ u))

    def finish(self, x):
        """Turn coordinates into ``coef_`` and ``intercept_``."""
        coef, _ = as_single(super().finish(x))
        return coef, float(self.offset - self.design.means @ x)


def _without_rounding(centred, y):
    """Make a constant target exactly zero, so that rounding is not fitted."""
    floor = 8 * np.finfo(float).eps * np.abs(y).max(initial=0.0)
    return np.where(np.abs(centred).max(initial=0.0) > floor, centred, 0.0)
