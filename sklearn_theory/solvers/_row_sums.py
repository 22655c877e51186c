# SPDX-License-Identifier: BSD-3-Clause
"""Distances to a few points, and weighted sums of many rows, batch by batch."""

import numpy as np
from scipy import sparse
from sklearn import config_context
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import gen_batches
from sklearn.utils.extmath import safe_sparse_dot


def batches(X, n_entries=2**20):
    """Slice rows so that a batch has about so many entries."""
    return gen_batches(X.shape[0], max(1, n_entries // max(1, X.shape[1])))


def squared_distances(X, Y):
    """Compute squared Euclidean distances, in the precision of the rows.

    Parameters
    ----------
    X, Y : {ndarray, csr_array} of shape (n_rows, n_features)
        Rows.

    Returns
    -------
    squared : ndarray of shape (n_rows of X, n_rows of Y)
        The distances; in single precision they are rounded from double.
    """
    with config_context(assume_finite=True):
        squared = euclidean_distances(X, Y, squared=True)
    return squared.astype(X.dtype, copy=False)


def one_hot(labels, n_clusters, dtype):
    """Write labels as a CSR array with a one in each row."""
    places = np.arange(len(labels) + 1, dtype=np.int32)
    ones = np.ones(len(labels), dtype=dtype)
    return sparse.csr_array((ones, labels, places), shape=(len(labels), n_clusters))


def weighted_sums(X, S):
    """Add up rows by cluster.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_rows, n_features)
        Rows.

    S : {ndarray, csr_array} of shape (n_rows, n_clusters)
        Their weights.

    Returns
    -------
    sums : ndarray of float64 of shape (n_clusters, n_features + 1)
        The weighted sums, then the sums of the weights.
    """
    sums = safe_sparse_dot(S.T, X, dense_output=True)
    weights = np.asarray(S.sum(axis=0, dtype=np.float64)).reshape(-1, 1)
    return np.hstack([sums, weights], dtype=np.float64)


def add_in_batches(function, X, S):
    """Add up, in double precision, what a function returns for batches of rows."""
    return sum(function(X[rows], S[rows]) for rows in batches(X))
