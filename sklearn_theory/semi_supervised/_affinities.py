# SPDX-License-Identifier: BSD-3-Clause
"""Affinities: how strongly rows are joined to each other, and new rows to them.

Each class has ``fit(X)``, which returns the symmetric weights between the rows as a
sparse array without self-loops, and ``chunks(X)``, which yields, for slices of new
rows, non-negative weights to the rows of training.
"""

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import gen_batches


class NearestNeighbourAffinity:
    """Weight 1 between rows either of which is a nearest neighbour of the other."""

    def __init__(self, n_neighbors, n_jobs):
        self.n_neighbors = n_neighbors
        self.n_jobs = n_jobs

    def fit(self, X):
        """Join the rows."""
        self.index = NearestNeighbors(n_jobs=self.n_jobs).fit(X)
        n_others = min(self.n_neighbors, X.shape[0] - 1)
        if n_others == 0:
            return sparse.csr_array((1, 1))
        return symmetrised(self.index.kneighbors_graph(n_neighbors=n_others))

    def chunks(self, X):
        """Weigh the nearest rows of training alike."""
        n_nearest = min(self.n_neighbors, self.index.n_samples_fit_)
        yield sparse.csr_array(self.index.kneighbors_graph(X, n_nearest))


class PrecomputedAffinity:
    """Weights that the caller gives."""

    def __init__(self, n_neighbors, n_jobs):
        pass

    def fit(self, X):
        """Check the weights between the rows."""
        if X.shape[0] != X.shape[1]:
            raise ValueError(
                "affinity='precomputed' needs a square matrix X of the weights between "
                f"the rows, got shape {X.shape}."
            )
        return symmetrised(non_negative(X, "precomputed"))

    def chunks(self, X):
        """Check the weights to the rows of training."""
        yield non_negative(X, "precomputed")


class CallableAffinity:
    """Weights that a function computes."""

    def __init__(self, function):
        self.function = function

    def fit(self, X):
        """Compute the weights between the rows."""
        self.X = X
        weights = non_negative(self.function(X, X), "callable")
        if weights.shape != (X.shape[0], X.shape[0]):
            raise ValueError(
                f"affinity must return an array of shape {(X.shape[0],) * 2} for "
                f"{X.shape[0]} rows against themselves, got shape {weights.shape}."
            )
        return symmetrised(weights)

    def chunks(self, X):
        """Compute weights for as many new rows as fit into the working memory."""
        bytes_per_row = 8 * self.X.shape[0]
        n_rows = int(get_config()["working_memory"] * 2**20 // bytes_per_row)
        for rows in gen_batches(X.shape[0], max(n_rows, 1)):
            yield non_negative(self.function(X[rows], self.X), "callable")


_AFFINITIES = {"knn": NearestNeighbourAffinity, "precomputed": PrecomputedAffinity}


def make_affinity(affinity, n_neighbors, n_jobs):
    """Make the object that a parameter stands for."""
    if callable(affinity):
        return CallableAffinity(affinity)
    return _AFFINITIES[affinity](n_neighbors, n_jobs)


def symmetrised(weights):
    """Keep the larger weight of each pair, and no weight of a row to itself."""
    weights = sparse.coo_array(weights)
    row, column = weights.coords
    apart = (row != column) & (weights.data != 0)
    weights = sparse.csr_array(
        (weights.data[apart].astype(float), (row[apart], column[apart])),
        shape=weights.shape,
    )
    return sparse.csr_array(weights.maximum(weights.T))


def non_negative(weights, source):
    """Return weights as a sparse or two-dimensional array; refuse negative ones."""
    if not sparse.issparse(weights):
        weights = np.asarray(weights)
    smallest, largest = (weights.min(), weights.max()) if min(weights.shape) else (0, 0)
    if not (smallest >= 0 and largest < np.inf):
        raise ValueError(
            f"affinity must be non-negative and finite everywhere, but the {source} "
            f"weights lie between {smallest} and {largest}."
        )
    return weights
