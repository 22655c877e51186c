# SPDX-License-Identifier: BSD-3-Clause
"""The squared loss for the face method, centred implicitly."""

import numpy as np
from scipy.sparse.linalg import LinearOperator, lsmr

from ._face_fast import (
    N_STATE,
    PASSES,
    PROGRESS,
    SHIFT,
    STEP,
    Point,
    Terms,
    column_moments,
    combine_columns,
    correlate,
    descend,
)
from ._face_matrix import gram_matrix

_MAX_PASSES = 2000
_MAX_PROJECTIONS = 5
_NEGLIGIBLE = 1e-12
_CONSTANT = 1e-13
_ROUNDING = 1e-16


class SquaredFace:
    r"""The loss :math:`\tfrac12 \|y - X w - u b\|^2`, minimised over `b`.

    Parameters
    ----------
    columns : Columns
        The matrix, its rows scaled by the square roots of their weights.

    n_columns : int
        Number of columns.

    y : ndarray of shape (n_rows,)
        The target, scaled likewise.

    unit : ndarray of shape (n_rows,) or None
        The intercept column: ones, or square roots of weights. None without intercept.

    Attributes
    ----------
    w : ndarray of shape (n_columns,)
        The present coefficients.

    norms : ndarray of shape (n_columns,)
        Norms of the centred columns.

    scale : float
        Squared norm of the centred target.
    """

    def __init__(self, columns, n_columns, y, unit):
        self.columns, self.unit = columns, unit
        y = np.asarray(y, dtype=float)
        self.mass = 0.0 if unit is None else unit @ unit
        self.offset = 0.0 if unit is None else unit @ y / self.mass
        self.target = y if unit is None else y - self.offset * unit
        squares, sums, products = np.empty((3, n_columns))
        ones = np.ones(columns.n_rows) if unit is None else unit
        column_moments(columns, ones, self.target, squares, sums, products)
        self.is_finite = bool(np.isfinite(squares.sum()))
        self.means = np.zeros(n_columns) if unit is None else sums / self.mass
        self.products, self.squares = products, squares
        self.curvature = centred_squares(squares, self.means, self.mass)
        self.norms = np.sqrt(self.curvature)
        self.scale = self.target @ self.target
        self.rounding = 1e-15 * np.abs(products).max(initial=0)
        self.start(np.zeros(n_columns))

    def start(self, w):
        """Put the point at `w`."""
        self.w = np.array(w, dtype=float)
        self.r = self.target.copy()
        self.state = np.zeros(N_STATE)
        self._is_at_zero = not self.w.any()
        if not self._is_at_zero:
            self._recompute_residual()

    @property
    def progress(self):
        """What the coordinate steps so far guaranteed, by their curvature alone."""
        return self.state[PROGRESS]

    @property
    def last_step(self):
        """The largest step of a coefficient in the last pass over a working set."""
        return self.state[STEP]

    def intercept(self):
        """The optimal intercept."""
        return self.offset - self.means @ self.w

    def settle(self, target):
        """Nothing is to be settled: the intercept is eliminated."""

    def correlate(self, subset):
        """Inner products of centred columns and the residual."""
        if self._is_at_zero:
            return self.products[subset]
        return self._correlate_with(subset, self.r, self.state[SHIFT])

    def loss(self):
        """Half the squared norm of the centred residual."""
        return 0.5 * _centred_square(self.r, self.state[SHIFT], self.mass)

    def gram(self, subset):
        """Inner products of the centred columns in a subset."""
        return gram_matrix(self.columns, subset, self.means, self.mass, self.r)

    def take_dual_point(self):
        """Let the dual point be the residual."""
        self._dual_point, self._dual_shift = self.r, self.state[SHIFT]

    def release(self, correlation, subset, penalty):
        """Move the dual point off the free columns; returns its correlations.

        Their dual constraints are equations, so the point is projected. Of free
        coordinates bounded below, those count that are not zero or would grow.
        """
        free = penalty.free[subset]
        held = penalty.held(subset, self.w)
        for _ in range(_MAX_PROJECTIONS):
            held = held | (free & (correlation > self._negligible(subset)))
            self._project(subset[held])
            correlation = self._correlate_with(
                subset, self._dual_point, self._dual_shift
            )
            grows = free & (correlation > self._negligible(subset))
            if not penalty.positive or not (grows & ~held).any():
                return correlation, 0.0
        return correlation, np.inf

    def preferred_factor(self, squares):
        """The multiple of the dual point that would be the best one."""
        norm = self._dual_square() + squares
        return self.target @ self._dual_point / norm if norm > 0 else 0.0

    def dual(self, factor, squares):
        """Evaluate the dual at a multiple of the dual point."""
        norm = self._dual_square() + squares
        return factor * (self.target @ self._dual_point) - 0.5 * factor**2 * norm

    def dual_radius(self, gap):
        """Radius of the ball about the dual point that holds the optimal one."""
        return np.sqrt(2 * gap)

    def descend(self, working, penalty, threshold, max_passes):
        """Minimise over a working set; returns the number of passes."""
        terms = Terms(
            self.means,
            float(self.mass),
            self.curvature + penalty.l2 if penalty.has_l2 else self.curvature,
            penalty.l1,
            penalty.l2,
            penalty.low,
        )
        self.state[PASSES] = 0
        descend(
            self.columns,
            working,
            Point(self.w, self.r, self.state),
            terms,
            float(threshold),
            0.0,
            min(max_passes, _MAX_PASSES),
        )
        self._is_at_zero = False
        return int(self.state[PASSES])

    def rebuild(self):
        """Compute the residual anew; tell whether the tracked one was accurate."""
        if self._is_at_zero:
            return True
        tracked = self.r.copy()
        self._recompute_residual()
        drift = np.abs(tracked - self.r).max(initial=0)
        return bool(drift <= 1e-9 * np.sqrt(self.scale / max(len(self.r), 1)))

    def _recompute_residual(self):
        support = np.flatnonzero(self.w)
        self.r = np.empty(self.columns.n_rows)
        combine_columns(self.columns, support, -self.w[support], self.r)
        self.r += self.target
        self.state[SHIFT] = -self.mass * (self.means @ self.w)

    def _correlate_with(self, subset, vector, shift):
        out = np.empty(len(subset))
        correlate(self.columns, subset, vector, self.means, shift, out)
        return out

    def _negligible(self, subset):
        return _NEGLIGIBLE * np.sqrt(self.scale) * self.norms[subset]

    def _dual_square(self):
        return _centred_square(self._dual_point, self._dual_shift, self.mass)

    def _project(self, subset):
        """Take from the dual point its projection on the span of centred columns."""
        point = self._dual_point
        if self.unit is not None:
            point = point - self._dual_shift / self.mass * self.unit
        span = self._normalised_columns(subset)
        factors = lsmr(
            span, point, atol=1e-14, btol=0, conlim=0, maxiter=10 * len(subset) + 99
        )[0]
        point = point - span.matvec(factors)
        if point @ point <= _ROUNDING * self.scale:
            # What rounding leaves of a residual within the span is no direction.
            point = np.zeros_like(point)
        self._dual_point, self._dual_shift = point, 0.0

    def _normalised_columns(self, subset):
        """Centred columns of unit norm, as a linear operator."""
        means, norms = self.means[subset], self.norms[subset]

        def combine(factors):
            factors = factors.ravel() / norms
            image = np.empty(self.columns.n_rows)
            combine_columns(self.columns, subset, factors, image)
            return image if self.unit is None else image - means @ factors * self.unit

        def products(vector):
            shift = 0.0 if self.unit is None else self.unit @ vector.ravel()
            return self._correlate_with(subset, vector.ravel(), shift) / norms

        shape = (self.columns.n_rows, len(subset))
        return LinearOperator(shape, combine, products, dtype=float)


def _centred_square(vector, shift, mass):
    """Squared norm of a vector whose part along the intercept column is removed."""
    square = vector @ vector
    return max(square - shift**2 / mass, 0.0) if mass > 0 else square


def centred_squares(squares, means, mass):
    """Squared norms of centred columns; exactly zero for constant ones."""
    centred = squares - mass * means**2
    # What cancellation leaves of a constant column is rounding, not curvature.
    centred[centred <= _CONSTANT * squares] = 0
    return centred
