# SPDX-License-Identifier: BSD-3-Clause
"""Means and covariances of classes, and square roots to draw from them."""

from typing import NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf


class Moments(NamedTuple):
    """Sizes, means and covariances of the classes, and the covariance within them."""

    counts: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    pooled: np.ndarray


def class_moments(Z, codes, n_classes, covariance, min_class_size):
    """Compute the moments of each class; small classes take the pooled covariance.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows.

    codes : ndarray of shape (n_samples,)
        Classes, as numbers; each occurs.

    n_classes : int
        Number of classes.

    covariance : {"full", "diag", "shrunk"}
        How covariances are estimated.

    min_class_size : int
        Classes with fewer rows take the pooled covariance.

    Returns
    -------
    moments : Moments
        The moments.
    """
    Z = np.asarray(Z, dtype=float)
    counts = np.bincount(codes, minlength=n_classes)
    means = np.stack([Z[codes == k].mean(axis=0) for k in range(n_classes)])
    pooled = COVARIANCES["diag" if covariance == "diag" else "full"](
        Z - means[codes] if len(Z) > n_classes else Z - Z.mean(axis=0),
        n_classes if len(Z) > n_classes else 1,
    )
    covariances = np.stack([pooled] * n_classes)
    for k in np.flatnonzero(counts >= max(min_class_size, 2)):
        covariances[k] = COVARIANCES[covariance](Z[codes == k] - means[k], 1)
    return Moments(counts, means, covariances, pooled)


def _full(centred, n_means):
    """Compute the sample covariance of rows about `n_means` estimated means."""
    return centred.T @ centred / max(len(centred) - n_means, 1)


def _diagonal(centred, n_means):
    return np.diag((centred**2).sum(axis=0) / max(len(centred) - n_means, 1))


def _shrunk(centred, n_means):
    return ledoit_wolf(centred, assume_centered=True)[0]


COVARIANCES = {"full": _full, "diag": _diagonal, "shrunk": _shrunk}


def square_root(covariance):
    """Return a matrix whose product with its transpose is a covariance.

    Parameters
    ----------
    covariance : ndarray of shape (n_features, n_features)
        A positive semi-definite matrix, up to rounding.

    Returns
    -------
    root : ndarray of shape (n_features, n_features)
        The Cholesky factor, or a root from eigenvalues if the matrix is singular.
    """
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return vectors * np.sqrt(np.maximum(values, 0))
