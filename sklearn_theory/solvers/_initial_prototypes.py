# SPDX-License-Identifier: BSD-3-Clause
"""Where prototypes start: at the means of seeds, and far from each other."""

import numpy as np
from scipy import sparse
from sklearn.cluster import kmeans_plusplus

from ..utils._dask import has_dask_twin
from ._row_sums import one_hot, squared_distances, weighted_sums


@has_dask_twin("sklearn_theory.solvers._dask_blocks")
def spread_prototypes(X, seeds, n_clusters, random_state):
    """Put seeded clusters at the means of their seeds, and spread the others.

    The others are rows, drawn one after another with probabilities that grow as the
    squared distance to the nearest prototype: k-means++ given what is there.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_rows, n_features)
        Rows.

    seeds : ndarray of int of shape (n_rows,)
        The cluster of a seed; -1 for other rows.

    n_clusters : int
        The number of clusters.

    random_state : RandomState instance
        Draws the rows.

    Returns
    -------
    prototypes : ndarray of shape (n_clusters, n_features)
        The prototypes.
    """
    if (seeds < 0).all():
        # Its first result is a view of rows for dense and a matrix for sparse rows.
        _, indices = kmeans_plusplus(X, n_clusters, random_state=random_state)
        return _dense(X[indices])
    prototypes, is_seeded = seed_means(X, seeds, n_clusters)
    nearest = squared_distances(X, prototypes[is_seeded]).min(axis=1)
    for cluster in np.flatnonzero(~is_seeded):
        prototypes[cluster], nearest = _draw(X, nearest, n_clusters, random_state)
    return prototypes


def seed_means(X, seeds, n_clusters):
    """Compute the means of the seeds of each cluster.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_rows, n_features)
        Rows.

    seeds : ndarray of int of shape (n_rows,)
        The cluster of a seed; -1 for other rows.

    n_clusters : int
        The number of clusters.

    Returns
    -------
    means : ndarray of shape (n_clusters, n_features)
        The means, zeros for clusters without seeds.

    is_seeded : ndarray of bool of shape (n_clusters,)
        Which clusters have seeds.
    """
    sums = seed_sums(X, seeds, n_clusters)
    counts = sums[:, -1:]
    means = sums[:, :-1] / np.where(counts > 0, counts, 1)
    return means.astype(X.dtype), counts[:, 0] > 0


@has_dask_twin("sklearn_theory.solvers._dask_blocks")
def seed_sums(X, seeds, n_clusters):
    """Add up the seeds of each cluster, and count them in the last column."""
    rows = np.flatnonzero(seeds >= 0)
    return weighted_sums(X[rows], one_hot(seeds[rows], n_clusters, X.dtype))


def _draw(X, nearest, n_clusters, random_state):
    """Of a few rows drawn take the one that leaves the others nearest."""
    n_trials = 2 + int(np.log(n_clusters))
    cumulative = np.cumsum(nearest, dtype=np.float64)
    if cumulative[-1] == 0:
        cumulative = np.arange(1.0, len(nearest) + 1)
    points = random_state.uniform(size=n_trials) * cumulative[-1]
    drawn = np.minimum(np.searchsorted(cumulative, points), len(nearest) - 1)
    candidates = np.minimum(squared_distances(X, _dense(X[drawn])), nearest[:, None])
    best = candidates.sum(axis=0, dtype=np.float64).argmin()
    return _dense(X[drawn[[best]]])[0], candidates[:, best]


def _dense(rows):
    return rows.toarray() if sparse.issparse(rows) else rows
