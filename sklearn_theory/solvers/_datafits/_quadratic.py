# SPDX-License-Identifier: BSD-3-Clause
"""A quadratic function that is given by its matrix, such as that of a graph."""

import numpy as np
from scipy import sparse

from .. import _design_fast as fast
from .._design import make_design
from ._base import Datafit


class QuadraticDatafit(Datafit):
    r"""The quadratic :math:`\frac12 x^\top Q x - b^\top x`.

    Parameters
    ----------
    Q : {ndarray, sparse matrix} of shape (n, n)
        A symmetric positive semi-definite matrix.

    b : ndarray of shape (n,)
        The linear part.

    fit_intercept : bool, default=False
        Ignored: a quadratic has no intercept.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.solvers import QuadraticDatafit, minimize
    >>> result = minimize(QuadraticDatafit(np.diag([1.0, 2.0]), np.ones(2)))
    >>> result.x
    array([1. , 0.5])
    """

    name = "quadratic"
    constant_hessian = True
    stores_hessian = True

    def __init__(self, Q, b, *, fit_intercept=False):
        if Q.shape[0] != Q.shape[1]:
            raise ValueError(
                f"loss='quadratic' needs a square matrix X, got shape {Q.shape}."
            )
        _check_symmetric(Q)
        self.design = make_design(Q)
        self.Q = self.design.X
        self.b = np.asarray(b, dtype=float)
        self.n_coordinates = len(self.b)
        self.lipschitz = self.Q.diagonal().copy()
        if (self.lipschitz < 0).any():
            raise ValueError(
                "loss='quadratic' needs a positive semi-definite matrix X, but its "
                f"diagonal holds {self.lipschitz.min()}."
            )
        _check_bounded_below(self.lipschitz, self.b)
        self.tracks_rows = self.design.is_sparse
        self.third_order = np.zeros(self.n_coordinates)

    def image(self, x):
        """Compute ``Q x``."""
        return self.Q @ x

    def move(self, state, block, step):
        """Move ``Q x``."""
        if self.design.is_sparse:
            image = state.image[:, np.newaxis]
            self.design._add(image, block, np.zeros(len(block), dtype=np.intp), step)
        else:
            state.image += self.Q[:, block] @ step

    def move_gradient(self, state, block, step):
        """Move ``Q x`` and the gradient in the neighbours of the block."""
        _, rows, starts = self.design.columns
        seen = np.zeros(self.n_coordinates, dtype=bool)
        changed = fast.touched_rows(rows, starts, block, seen)
        before = state.image[changed]
        self.move(state, block, step)
        state.gradient[changed] += state.image[changed] - before
        return changed

    def value(self, state):
        """Compute the value."""
        return float(0.5 * (state.x @ state.image) - self.b @ state.x)

    def gradient(self, state):
        """Compute the full gradient."""
        return state.image - self.b

    def block_gradient(self, state, block):
        """Compute the partial derivatives of a block."""
        return state.image[block] - self.b[block]

    def along(self, state, block, step):
        """Return the value as a function of the length of a step."""
        value = self.value(state)
        slope = self.block_gradient(state, block) @ step
        curvature = step @ self.block_bound(block) @ step
        return lambda t: float(value + t * slope + 0.5 * t**2 * curvature)

    def block_bound(self, block):
        """Extract the block of `Q`."""
        if self.design.is_sparse:
            return self.Q[:, block][block].toarray()
        return self.Q[np.ix_(block, block)]

    def block_hessian(self, state, block):
        """Extract the block of `Q`."""
        return self.block_bound(block)

    def hessian_diagonal(self, state):
        """Return the diagonal of `Q`."""
        return self.lipschitz

    def hessian_columns(self, block):
        """Extract columns of `Q`, a row for each."""
        columns = self.Q[:, block]
        return columns.T.toarray() if self.design.is_sparse else columns.T

    def absolute_row_sums(self):
        """Compute the row sums of the absolute matrix."""
        return np.asarray(abs(self.Q).sum(axis=1), dtype=float).ravel()


def _check_bounded_below(diagonal, b):
    unbounded = np.flatnonzero((diagonal == 0) & (b != 0))
    if len(unbounded):
        raise ValueError(
            "loss='quadratic' needs a function that is bounded from below, but X has no "
            f"curvature in coordinate {unbounded[0]}, where y is {b[unbounded[0]]}."
        )


def _check_symmetric(Q):
    difference = abs(Q - Q.T)
    largest = abs(Q).max() if min(Q.shape) else 0.0
    if min(Q.shape) and difference.max() > 1e-8 * largest:
        kind = "sparse" if sparse.issparse(Q) else "dense"
        raise ValueError(
            f"loss='quadratic' needs a symmetric matrix X; the {kind} one given "
            f"differs from its transpose by {difference.max():.3g}."
        )
