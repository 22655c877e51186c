# SPDX-License-Identifier: BSD-3-Clause
"""Systems with small symmetric positive semi-definite matrices."""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_triangular

# A share of the diagonal, so that it does not depend on the scale of a coordinate.
_JITTER = 1e-12


def solve_definite(matrix, right):
    """Solve by Cholesky, or in the least-squares sense if the matrix is singular.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        A symmetric positive semi-definite matrix.

    right : ndarray of shape (n,)
        The right-hand side.

    Returns
    -------
    solution : ndarray of shape (n,)
        The solution; that of least norm if there are many.
    """
    try:
        factor = cho_factor(matrix, check_finite=False)
    except LinAlgError:
        return pseudo_solve(matrix, right)
    pivots = np.diag(factor[0]) ** 2
    if (pivots <= 1e-12 * np.diag(matrix)).any():
        return pseudo_solve(matrix, right)
    return cho_solve(factor, right, check_finite=False)


def pseudo_solve(matrix, right):
    """Apply the pseudo-inverse of a symmetric matrix."""
    values, vectors = np.linalg.eigh(matrix)
    floor = len(values) * np.finfo(float).eps * max(values[-1], 0.0)
    inverse = np.where(values > floor, 1 / np.where(values > floor, values, 1.0), 0.0)
    return vectors @ (inverse * (vectors.T @ right))


def inverse_root(matrix):
    """Compute a matrix whose product with a vector has the norm of the inverse."""
    jittered = matrix + np.diag(_JITTER * np.diag(matrix))
    factor = np.linalg.cholesky(jittered)
    return solve_triangular(factor, np.eye(len(matrix)), lower=True)
