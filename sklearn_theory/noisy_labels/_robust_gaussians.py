# SPDX-License-Identifier: BSD-3-Clause
"""Class-wise Gaussians that neither far rows nor wrong labels pull away.

Rows count with their responsibilities times Student weights, which fall with the
distance from the class. A row's own pull on its class is taken out of its distance, so
that a small class does not vouch for whatever is in it.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.spatial.distance import cdist

DEGREES_OF_FREEDOM = 5
_CORE_SHARE = 0.6
_SMALLEST_CORE = 3
_RIDGE = 1e-3
_FLOOR = 1e-12
_LARGEST_PULL = 0.999
_LEAST_OTHERS = 0.2
_ENTRIES_A_BLOCK = 2**16
_LARGEST_NORM = 1e6


class Gaussians(NamedTuple):
    """Means, Cholesky factors of the covariances, and weights of rows in the classes.

    A single factor serves all classes if the covariance is pooled.
    """

    means: np.ndarray
    roots: np.ndarray
    sizes: np.ndarray


def core_responsibilities(Z, codes, n_classes):
    """Give each class those of the rows labelled so that are nearest to their median.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows.

    codes : ndarray of shape (n_samples,)
        Observed classes, as numbers.

    n_classes : int
        Number of classes.

    Returns
    -------
    responsibilities : ndarray of shape (n_samples, n_classes)
        One for the three fifths of a class, and for three rows at least, that are
        nearest to the coordinatewise median of the class; else zero.
    """
    responsibilities = np.zeros((len(Z), n_classes))
    for k in range(n_classes):
        members = np.flatnonzero(codes == k)
        offsets = Z[members] - np.median(Z[members], axis=0)
        n_core = max(int(np.ceil(_CORE_SHARE * len(members))), _SMALLEST_CORE)
        nearest = np.argsort((offsets**2).sum(axis=1), kind="stable")[:n_core]
        responsibilities[members[nearest], k] = 1.0
    return responsibilities


def fit_gaussians(Z, responsibilities, weights, scatters, previous=None):
    """Fit the Gaussians to rows that count with responsibilities times weights.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows.

    responsibilities : ndarray of shape (n_samples, n_classes)
        Shares of the rows that belong to the classes.

    weights : ndarray of shape (n_samples, n_classes)
        Student weights.

    scatters : PooledScatter or ShrunkScatter
        How covariances are formed.

    previous : Gaussians or None, default=None
        Gives its mean to a class that no row belongs to any more.

    Returns
    -------
    gaussians : Gaussians
        The fitted classes.
    """
    pull = responsibilities * weights
    total = pull.sum(axis=0)
    means = (pull.T @ Z) / np.where(total > 0, total, 1)[:, np.newaxis]
    if previous is not None:
        means = np.where((total > 0)[:, np.newaxis], means, previous.means)
    sizes = responsibilities.sum(axis=0)
    shared = pooled_covariance(Z, pull, means, sizes)
    return Gaussians(means, scatters.roots(Z, pull, means, sizes, shared), sizes)


def student_scores(Z, responsibilities, gaussians, scatters):
    """Score rows under each class, without the pull of the rows themselves.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows.

    responsibilities : ndarray of shape (n_samples, n_classes)
        Those that the Gaussians were fitted with.

    gaussians : Gaussians
        The classes.

    scatters : PooledScatter or ShrunkScatter
        How the covariances were formed.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_classes)
        Logarithms of Student densities, up to a constant.

    weights : ndarray of shape (n_samples, n_classes)
        The Student weights for the next fit.
    """
    nu, n_features = DEGREES_OF_FREEDOM, Z.shape[1]
    scores = scatters.squared_distances(Z, gaussians)
    weights = np.empty_like(scores)
    diagonals = np.diagonal(gaussians.roots, axis1=1, axis2=2)
    log_dets = np.log(diagonals).sum(axis=1)
    for rows in row_blocks(*scores.shape):
        block = scores[rows]
        block /= nu * own_pull(responsibilities[rows], gaussians.sizes)
        block += 1
        weights[rows] = (1 + n_features / nu) / block
        np.log(block, out=block)
        block *= -0.5 * (nu + n_features)
        block -= log_dets
    return scores, weights


def row_blocks(n_rows, n_columns):
    """Cut rows into slices whose entries stay in the processor's cache."""
    size = max(_ENTRIES_A_BLOCK // n_columns, 1)
    return [slice(start, start + size) for start in range(0, n_rows, size)]


def own_pull(responsibilities, sizes):
    """How much nearer a row is to a class, in squares, because it belongs to it.

    Parameters
    ----------
    responsibilities : ndarray of shape (n_samples, n_classes)
        Shares of the rows that belong to the classes.

    sizes : ndarray of shape (n_classes,)
        Their sums.

    Returns
    -------
    factors : ndarray of shape (n_samples, n_classes)
        What squared distances are to be divided by.
    """
    share = np.minimum(responsibilities / np.where(sizes > 0, sizes, 1), _LARGEST_PULL)
    others = np.maximum(sizes - responsibilities, _LEAST_OTHERS)
    return (1 - share) ** 2 * (1 + 1 / others)


def pooled_covariance(Z, pull, means, sizes):
    """Compute the covariance within classes, with a small ridge.

    The scatters of all classes add up in one product of matrices, since means are those
    of the same weights.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows, centred so that the difference of the two sums is exact enough.

    pull : ndarray of shape (n_samples, n_classes)
        Weights of the rows in the classes.

    means : ndarray of shape (n_classes, n_features)
        The weighted means.

    sizes : ndarray of shape (n_classes,)
        Sums of the responsibilities.

    Returns
    -------
    covariance : ndarray of shape (n_features, n_features)
        A positive definite matrix.
    """
    n_features = Z.shape[1]
    around_zero = (pull.sum(axis=1)[:, np.newaxis] * Z).T @ Z
    scatter = around_zero - (pull.sum(axis=0)[:, np.newaxis] * means).T @ means
    covariance = scatter / max(sizes.sum() - len(sizes), 1.0)
    ridge = _RIDGE * np.trace(covariance) / n_features
    # Rows that are all alike within their classes still need a unit of distance.
    floor = _FLOOR * np.mean(Z**2) or 1.0
    return covariance + max(ridge, floor) * np.eye(n_features)


def squared_euclidean(rows, centres):
    """Compute squared distances by one product of matrices where that is exact enough.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
        Rows, in units in which distances of a few matter.

    centres : ndarray of shape (n_classes, n_features)
        What they are compared with.

    Returns
    -------
    distances : ndarray of shape (n_samples, n_classes)
        Squared distances, wrong by 1e-9 at most.
    """
    row_norms = np.einsum("ij,ij->i", rows, rows)
    centre_norms = np.einsum("ij,ij->i", centres, centres)
    if max(row_norms.max(), centre_norms.max()) > _LARGEST_NORM:
        return cdist(rows, centres, "sqeuclidean")
    distances = rows @ (-2 * centres.T)
    distances += row_norms[:, np.newaxis]
    distances += centre_norms
    return np.maximum(distances, 0, out=distances)


class PooledScatter:
    """One covariance for all classes."""

    name = "pooled"

    def roots(self, Z, pull, means, sizes, shared):
        """Return the one Cholesky factor."""
        return np.linalg.cholesky(shared)[np.newaxis]

    def squared_distances(self, Z, gaussians):
        """Compute Mahalanobis distances of all rows from all classes."""
        root = gaussians.roots[0]
        rows = solve_triangular(root, Z.T, lower=True).T
        centres = solve_triangular(root, gaussians.means.T, lower=True).T
        return squared_euclidean(rows, centres)


class ShrunkScatter:
    """A covariance for each class, drawn to the pooled one."""

    name = "shrunk"

    def roots(self, Z, pull, means, sizes, shared):
        """Return the Cholesky factor of each class."""
        strength = 3 * Z.shape[1]
        return np.stack(
            [
                np.linalg.cholesky(
                    (class_scatter(Z, pull[:, k], means[k]) + strength * shared)
                    / (sizes[k] + strength)
                )
                for k in range(len(means))
            ]
        )

    def squared_distances(self, Z, gaussians):
        """Compute Mahalanobis distances of all rows from all classes."""
        columns = [
            (solve_triangular(root, (Z - mean).T, lower=True) ** 2).sum(axis=0)
            for mean, root in zip(gaussians.means, gaussians.roots)
        ]
        return np.stack(columns, axis=1)


def class_scatter(Z, pull, mean):
    """Sum the weighted outer products of rows about a mean."""
    centred = Z - mean
    return (pull[:, np.newaxis] * centred).T @ centred
