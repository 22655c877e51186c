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
_ENTRIES_A_BLOCK = 2**17
_LARGEST_NORM = 1e6


class Gaussians(NamedTuple):
    """Means, Cholesky factors of the covariances, and weights of rows in the classes.

    A single factor serves all classes if the covariance is pooled.
    """

    means: np.ndarray
    roots: np.ndarray
    sizes: np.ndarray


class WeightedSums(NamedTuple):
    """What a fit needs of rows that count with responsibilities times weights.

    By class: ``sizes`` of the responsibilities, ``pulls`` of their products with the
    weights, ``rows`` of rows times products. Over all classes: ``squares`` of outer
    products of rows.
    """

    sizes: np.ndarray
    pulls: np.ndarray
    rows: np.ndarray
    squares: np.ndarray


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
    sums = weighted_sums(Z, responsibilities, weights)
    means = sums.rows / np.where(sums.pulls > 0, sums.pulls, 1)[:, np.newaxis]
    if previous is not None:
        means = np.where((sums.pulls > 0)[:, np.newaxis], means, previous.means)
    shared = pooled_covariance(sums, means)
    roots = scatters.roots(Z, responsibilities, weights, means, sums.sizes, shared)
    return Gaussians(means, roots, sums.sizes)


def weighted_sums(Z, responsibilities, weights):
    """Sum over the rows, in one sweep of blocks that stay in the cache.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows.

    responsibilities : ndarray of shape (n_samples, n_classes)
        Shares of the rows that belong to the classes.

    weights : ndarray of shape (n_samples, n_classes)
        Student weights.

    Returns
    -------
    sums : WeightedSums
        The sums.
    """
    n_features, n_classes = Z.shape[1], responsibilities.shape[1]
    shapes = n_classes, n_classes, (n_classes, n_features), (n_features, n_features)
    sums = WeightedSums(*map(np.zeros, shapes))
    for block in row_blocks(*responsibilities.shape):
        pull = responsibilities[block] * weights[block]
        sums.sizes[:] += responsibilities[block].sum(axis=0)
        sums.pulls[:] += pull.sum(axis=0)
        sums.rows[:] += pull.T @ Z[block]
        pulled = np.sqrt(pull.sum(axis=1))[:, np.newaxis] * Z[block]
        sums.squares[:] += pulled.T @ pulled
    return sums


def student_scores(Z, responsibilities, gaussians, scatters, out=None):
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

    out : tuple of two ndarrays of shape (n_samples, n_classes) or None, default=None
        Receive the result: fresh memory in every pass costs as much as a product of
        matrices.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_classes)
        Logarithms of Student densities, up to a constant.

    weights : ndarray of shape (n_samples, n_classes)
        The Student weights for the next fit.
    """
    nu, n_features = DEGREES_OF_FREEDOM, Z.shape[1]
    scores, weights = np.empty((2, *responsibilities.shape)) if out is None else out
    diagonals = np.diagonal(gaussians.roots, axis1=1, axis2=2)
    log_dets = np.log(diagonals).sum(axis=1)
    distances = scatters.distances_to(gaussians)
    for rows in row_blocks(*scores.shape):
        unit = nu * own_pull(responsibilities[rows], gaussians.sizes)
        block = np.add(distances(Z[rows]), unit, out=scores[rows])
        np.divide(unit, block, out=block)
        np.multiply(block, 1 + n_features / nu, out=weights[rows])
        np.log(block, out=block)
        block *= 0.5 * (nu + n_features)
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
    kept = responsibilities / np.where(sizes > 0, -sizes, -1)
    np.maximum(kept, -_LARGEST_PULL, out=kept)
    kept += 1
    kept *= kept
    others = sizes - responsibilities
    np.maximum(others, _LEAST_OTHERS, out=others)
    np.divide(kept, others, out=others)
    kept += others
    return kept


def pooled_covariance(sums, means):
    """Compute the covariance within classes, with a small ridge.

    The scatters of all classes add up in one product of matrices, since means are those
    of the same weights.

    Parameters
    ----------
    sums : WeightedSums
        Sums over rows that are centred, so that differences of sums are exact enough.

    means : ndarray of shape (n_classes, n_features)
        The weighted means.

    Returns
    -------
    covariance : ndarray of shape (n_features, n_features)
        A positive definite matrix.
    """
    n_classes, n_features = means.shape
    scatter = sums.squares - (sums.pulls[:, np.newaxis] * means).T @ means
    covariance = scatter / max(sums.sizes.sum() - n_classes, 1.0)
    ridge = _RIDGE * np.trace(covariance) / n_features
    # Rows that are all alike within their classes still need a unit of distance.
    floor = _FLOOR * np.trace(sums.squares) / n_features or 1.0
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

    def roots(self, Z, responsibilities, weights, means, sizes, shared):
        """Return the one Cholesky factor."""
        return np.linalg.cholesky(shared)[np.newaxis]

    def distances_to(self, gaussians):
        """Return what computes squared Mahalanobis distances of rows from all classes."""
        (unmix,) = inverse_roots(gaussians.roots)
        centres = gaussians.means @ unmix
        return lambda rows: squared_euclidean(rows @ unmix, centres)


class ShrunkScatter:
    """A covariance for each class, drawn to the pooled one."""

    name = "shrunk"

    def roots(self, Z, responsibilities, weights, means, sizes, shared):
        """Return the Cholesky factor of each class."""
        strength = 3 * Z.shape[1]
        covariances = [
            class_scatter(Z, responsibilities[:, k] * weights[:, k], means[k])
            for k in range(len(means))
        ]
        covariances += strength * shared
        covariances /= (sizes + strength)[:, np.newaxis, np.newaxis]
        return np.linalg.cholesky(covariances)

    def distances_to(self, gaussians):
        """Return what computes squared Mahalanobis distances of rows from all classes."""
        unmix = inverse_roots(gaussians.roots)

        def distances(rows):
            columns = np.empty((len(unmix), len(rows)))
            for k, mean in enumerate(gaussians.means):
                offsets = (rows - mean) @ unmix[k]
                np.einsum("ij,ij->i", offsets, offsets, out=columns[k])
            return columns.T

        return distances


def inverse_roots(roots):
    """Return the matrices by which rows are multiplied to have unit covariances."""
    identity = np.eye(roots.shape[1])
    return [solve_triangular(root, identity, lower=True).T for root in roots]


def class_scatter(Z, pull, mean):
    """Sum the weighted outer products of rows about a mean."""
    centred = Z - mean
    return (pull[:, np.newaxis] * centred).T @ centred
