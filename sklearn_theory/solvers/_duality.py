# SPDX-License-Identifier: BSD-3-Clause
"""Certificates: how far the objective can be from its minimum.

The dual of ``phi(X w) + Omega(w)`` is ``-phi*(u) - Omega*(-X' u)``. A dual point is made
from the residual by scaling it until it is feasible.
"""

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg, lsmr

_ROUNDING = 1e-13
_FREE_ROUNDING = 1e-10
_DENSE_ENTRIES = 4_000_000


def dual_gap(problem, state, gradient, *, polish=False):
    """Bound the objective minus its minimum.

    Parameters
    ----------
    problem : Problem
        The problem.

    state : State
        Where the run stands.

    gradient : ndarray of shape (n_coordinates,)
        The gradient of the smooth part there.

    polish : bool, default=False
        Whether to spend more: to project the residual off the columns that are not
        penalised, so that also an unpenalised squared loss is certified.

    Returns
    -------
    gap : float
        The bound; NaN if no dual point is known.
    """
    if problem.penalty.pieces() is None:
        return float("nan")
    if hasattr(problem.datafit, "dual_value"):
        return _linear_gap(problem, state, polish)
    return _fenchel_gap(problem, state, gradient, polish)


def is_certifiable(problem):
    """Tell whether scaling alone makes dual points feasible."""
    return problem.penalty.pieces() is not None and not len(_unpenalised(problem))


def _unpenalised(problem):
    """List the coordinates, intercepts apart, that nothing pulls or holds."""
    slopes, low, high = problem.penalty.pieces(problem.free)
    loose = np.isinf(low) | np.isinf(high)
    free = (slopes == 0) & (problem.curvature[problem.free] == 0) & loose
    return np.setdiff1d(problem.free[free], problem.datafit.intercepts)


def conjugate(v, slopes, curvature, low, high, floor):
    """Compute ``sup_w v w - slopes |w| - curvature w**2 / 2`` within bounds."""
    pull = np.maximum(np.abs(v) - slopes, 0.0)
    pull = np.where(pull > floor, np.sign(v) * pull, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(pull == 0, 0.0, pull / curvature)
    w = np.clip(w, low, high)
    if not np.isfinite(w).all():
        return np.inf
    return float(np.sum(v * w - slopes * np.abs(w) - 0.5 * curvature * w**2))


def _linear_gap(problem, state, polish):
    datafit = problem.datafit
    residual = datafit.residual(datafit.dual_image(state.image))
    if polish and datafit.constant_hessian:
        residual = _project(problem, state, residual)
    slopes, low, high = problem.penalty.pieces(problem.free)
    pieces = slopes, problem.curvature[problem.free], low, high
    pull = -datafit.design.products(residual).ravel()[problem.free]
    floor = _floor(problem, slopes)
    least, most = _feasible_range(pull, *pieces, floor)
    if most <= 0:
        # Only the dual point zero is left, which certifies nothing.
        return float("nan")
    best = max(
        datafit.dual_value(scale, residual)
        - conjugate(scale * pull, *pieces, np.maximum(floor, _ROUNDING * slopes))
        for scale in np.clip(datafit.dual_scales(residual), least, most)
    )
    return max(problem.value(state) - best, 0.0)


def _floor(problem, slopes):
    """Say how large a product with the residual is by rounding alone."""
    unit = np.sqrt(problem.datafit.lipschitz[problem.free] * problem.datafit.dual_unit)
    return np.where(slopes > 0, _ROUNDING, _FREE_ROUNDING) * unit


def _feasible_range(pull, slopes, curvature, low, high, floor):
    """Find the scales of the residual at which the dual value is finite."""
    limits = slopes / np.where(np.abs(pull) > floor, np.abs(pull), np.inf)
    limits = np.where(np.abs(pull) > floor, limits, np.inf)
    up = (curvature == 0) & np.isinf(np.where(pull > 0, high, low))
    down = (curvature == 0) & np.isinf(np.where(pull > 0, low, high))
    return -limits[down].min(initial=np.inf), limits[up].min(initial=np.inf)


def _project(problem, state, residual):
    """Remove from the residual what the unpenalised columns can explain."""
    columns = _unpenalised(problem)
    _, low, high = problem.penalty.pieces(columns)
    columns = columns[(state.x[columns] > low) & (state.x[columns] < high)]
    if not len(columns):
        return residual
    target, design = residual[:, 0], problem.datafit.design
    if not design.is_sparse and len(target) * len(columns) <= _DENSE_ENTRIES:
        A = design.X[:, columns] - design.means[columns]
        fitted = A @ np.linalg.lstsq(A, target, rcond=None)[0]
    else:
        A = _operator(design, columns)
        limit = 4 * min(A.shape)
        fitted = A @ lsmr(A, target, atol=1e-14, btol=1e-14, maxiter=limit)[0]
    return residual - fitted[:, np.newaxis]


def _operator(design, columns):
    """Wrap centred columns without copying them."""
    zeros = np.zeros(len(columns), dtype=np.intp)

    def forward(w):
        return design.change(columns, zeros, np.ravel(w), 1)[:, 0]

    def backward(u):
        return design.block_products(columns, zeros, np.reshape(u, (-1, 1)))

    shape = design.n_samples, len(columns)
    return LinearOperator(shape, matvec=forward, rmatvec=backward, dtype=float)


def _fenchel_gap(problem, state, gradient, polish):
    """Use the gradient itself as the dual point, which is exact for any function."""
    free, x = problem.free, state.x
    slopes, low, high = problem.penalty.pieces(free)
    smooth = gradient[free] - problem.curvature[free] * x[free]
    pieces = slopes, problem.curvature[free], low, high
    value = conjugate(-smooth, *pieces, np.zeros(len(free)))
    if not np.isfinite(value):
        is_quadratic = problem.datafit.constant_hessian and not problem.composite
        return _quadratic_gap(problem, gradient) if polish and is_quadratic else np.nan
    own = problem.penalty.value(x) + 0.5 * problem.curvature @ x**2
    return max(float(own + x[free] @ smooth + value), 0.0)


def _quadratic_gap(problem, gradient):
    """Compute half of ``g' Q^+ g``, which is exact, by conjugate gradients."""
    Q, n = problem.datafit.Q, len(gradient)
    diagonal = np.where(problem.lipschitz > 0, problem.lipschitz, 1.0)
    operator = LinearOperator(
        (n, n), matvec=lambda x: Q @ x + problem.curvature * x, dtype=float
    )
    preconditioner = LinearOperator((n, n), matvec=lambda x: x / diagonal, dtype=float)
    solution, _ = cg(operator, gradient, rtol=1e-12, maxiter=2 * n, M=preconditioner)
    return max(0.5 * float(gradient @ solution), 0.0)
