# SPDX-License-Identifier: BSD-3-Clause
"""The exact solution of a small quadratic with an l1 norm and bounds."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def solve_block(hessian, gradient, x, slopes, low, high, max_rounds):
    """Minimise ``g d + d H d / 2 + slopes |x + d|`` within bounds.

    Coordinate descent finds which coordinates rest on a kink or a bound, and a Cholesky
    factor solves for the others; both are repeated until the solution is optimal to
    rounding. Returns the new coordinates.
    """
    size = len(x)
    v = x.copy()
    scale = np.abs(gradient).max() + slopes.max()
    for _ in range(max_rounds):
        slope_at = model_gradient(hessian, gradient, x, v)
        descend(hessian, slope_at, v, slopes, low, high)
        for _ in range(size + 1):
            slope_at = model_gradient(hessian, gradient, x, v)
            if solve_face(hessian, slope_at, v, slopes, low, high):
                break
        slope_at = model_gradient(hessian, gradient, x, v)
        if worst_violation(slope_at, v, slopes, low, high) <= 1e-14 * scale:
            break
    return v


@njit(cache=True, nogil=True)
def model_gradient(hessian, gradient, x, v):
    """Compute the gradient of the quadratic."""
    size = len(x)
    slope_at = gradient.copy()
    for j in range(size):
        if v[j] != x[j]:
            for i in range(size):
                slope_at[i] += hessian[i, j] * (v[j] - x[j])
    return slope_at


@njit(cache=True, nogil=True)
def descend(hessian, slope_at, v, slopes, low, high):
    """Run one round of coordinate descent."""
    size = len(v)
    for j in range(size):
        if hessian[j, j] <= 0.0:
            continue
        target = v[j] - slope_at[j] / hessian[j, j]
        shrunk = max(abs(target) - slopes[j] / hessian[j, j], 0.0)
        new = min(max(np.sign(target) * shrunk, low[j]), high[j])
        change = new - v[j]
        if change != 0.0:
            v[j] = new
            for i in range(size):
                slope_at[i] += hessian[i, j] * change


@njit(cache=True, nogil=True)
def solve_face(hessian, slope_at, v, slopes, low, high):
    """Step towards the minimum over coordinates off kinks and bounds.

    Returns True if the minimum was reached before any kink or bound.
    """
    size = len(v)
    face = np.empty(size, dtype=np.intp)
    count = 0
    for j in range(size):
        if low[j] < v[j] < high[j] and (v[j] != 0.0 or slopes[j] == 0.0):
            face[count] = j
            count += 1
    if count == 0:
        return True
    face = face[:count]
    step = np.empty(count)
    for k in range(count):
        j = face[k]
        step[k] = -(slope_at[j] + slopes[j] * np.sign(v[j]))
    solve_definite(hessian, face, step)
    length, first, limit = 1.0, -1, 0.0
    for k in range(count):
        j = face[k]
        end = high[j] if step[k] > 0 else low[j]
        if slopes[j] > 0 and v[j] * step[k] < 0 and v[j] * end <= 0:
            end = 0.0
        if step[k] != 0.0 and (end - v[j]) / step[k] < length:
            length, first, limit = (end - v[j]) / step[k], j, end
    for k in range(count):
        v[face[k]] += length * step[k]
    if first >= 0:
        v[first] = limit
    return first < 0


@njit(cache=True, nogil=True)
def solve_definite(hessian, face, right):
    """Solve in place by a Cholesky factor that leaves out dependent columns."""
    size = len(face)
    factor = np.zeros((size, size))
    for j in range(size):
        pivot = hessian[face[j], face[j]]
        floor = 1e-13 * pivot
        for k in range(j):
            pivot -= factor[j, k] * factor[j, k]
        if pivot <= floor:
            continue
        factor[j, j] = np.sqrt(pivot)
        for i in range(j + 1, size):
            total = hessian[face[i], face[j]]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            factor[i, j] = total / factor[j, j]
    for j in range(size):
        if factor[j, j] == 0.0:
            right[j] = 0.0
            continue
        for k in range(j):
            right[j] -= factor[j, k] * right[k]
        right[j] /= factor[j, j]
    for j in range(size - 1, -1, -1):
        if factor[j, j] == 0.0:
            continue
        for i in range(j + 1, size):
            right[j] -= factor[i, j] * right[i]
        right[j] /= factor[j, j]


@njit(cache=True, nogil=True)
def worst_violation(slope_at, v, slopes, low, high):
    """Measure the largest distance to a subgradient."""
    worst = 0.0
    for j in range(len(v)):
        least = -slopes[j] if v[j] <= 0.0 else slopes[j]
        most = slopes[j] if v[j] >= 0.0 else -slopes[j]
        below = least + slope_at[j] if v[j] > low[j] else 0.0
        above = -slope_at[j] - most if v[j] < high[j] else 0.0
        worst = max(worst, below, above)
    return worst
