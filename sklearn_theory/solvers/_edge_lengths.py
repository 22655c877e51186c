# SPDX-License-Identifier: BSD-3-Clause
"""How far apart joined rows are."""

import numpy as np
from sklearn.metrics.pairwise import paired_euclidean_distances
from sklearn.utils import gen_batches

from ..utils._dask import has_dask_twin

_BATCH_ENTRIES = 2**20


def edge_lengths(X, weights):
    """Compute the distance of the rows that each entry of a graph joins.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_rows, n_features)
        Rows.

    weights : csr_array of shape (n_rows, n_rows)
        The graph.

    Returns
    -------
    lengths : ndarray of float64 of shape (n_entries,)
        Distances, in the order of the entries.
    """
    first = np.repeat(np.arange(X.shape[0]), np.diff(weights.indptr))
    lengths = np.empty(len(first))
    size = max(1, _BATCH_ENTRIES // X.shape[1])
    for batch in gen_batches(len(first), size):
        ends = X[first[batch]], X[weights.indices[batch]]
        lengths[batch] = paired_euclidean_distances(*ends)
    return lengths


def kernel_width(X, weights):
    """Take the root of the mean squared length of the edges, by weight.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_rows, n_features)
        Rows.

    weights : csr_array of shape (n_rows, n_rows)
        The graph.

    Returns
    -------
    sigma : float
        The width; one if no two joined rows differ.
    """
    total = weights.data.sum(dtype=np.float64)
    squared = squared_lengths(X, weights)
    return float(np.sqrt(squared / total)) if squared > 0 else 1.0


@has_dask_twin("sklearn_theory.solvers._dask_blocks")
def squared_lengths(X, weights):
    """Add up the squared lengths of the edges, by weight."""
    return weights.data @ edge_lengths(X, weights) ** 2
