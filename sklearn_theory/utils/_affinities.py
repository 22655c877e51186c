# SPDX-License-Identifier: BSD-3-Clause
"""Affinities: how strongly rows are joined to each other, and new rows to them.

Each class has ``fit(X)``, which returns the weights between the rows as a CSR array
without self-loops, and ``chunks(X)``, which yields, for slices of new rows, non-negative
weights to the rows of training. Weights have the precision of the rows.
"""

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.utils import gen_batches

from ._nearest_rows import make_index


class NearestNeighbourAffinity:
    """Weight 1 between rows and their nearest neighbours.

    Parameters
    ----------
    n_neighbors : int
        Number of neighbours; all other rows if there are fewer.

    symmetrise : callable
        How the weights of both directions become one.

    index_options : dict, default=None
        Options of the search for neighbours, as `make_index` takes them.
    """

    def __init__(self, n_neighbors, symmetrise, index_options=None):
        self.n_neighbors = n_neighbors
        self.symmetrise = symmetrise
        self.index_options = index_options or {}

    def fit(self, X):
        """Join the rows."""
        n_rows = X.shape[0]
        n_others = min(self.n_neighbors, n_rows - 1)
        self.index = make_index(X, n_others, **self.index_options)
        if n_others == 0:
            return sparse.csr_array((1, 1), dtype=X.dtype)
        distances, neighbours = self.index.others(n_others)
        self.adapt(distances)
        return self.symmetrise(self._graph(distances, neighbours, n_rows, X.dtype))

    def chunks(self, X):
        """Weigh the nearest rows of training."""
        n_nearest = min(self.n_neighbors, self.index.n_rows)
        distances, neighbours = self.index.nearest(X, n_nearest)
        yield self._graph(distances, neighbours, self.index.n_rows, X.dtype)

    def adapt(self, distances):
        """Learn from the distances of the graph."""

    def weigh(self, distances):
        """Turn distances into weights."""
        return np.ones_like(distances)

    def _graph(self, distances, neighbours, n_columns, dtype):
        n_rows, n_nearest = neighbours.shape
        data = self.weigh(distances).astype(dtype, copy=False).ravel()
        places = np.arange(n_rows + 1, dtype=np.int64) * n_nearest
        if n_rows * n_nearest <= np.iinfo(np.int32).max:
            neighbours, places = neighbours.astype(np.int32), places.astype(np.int32)
        return sparse.csr_array(
            (data, neighbours.ravel(), places), shape=(n_rows, n_columns)
        )


class HeatAffinity(NearestNeighbourAffinity):
    """Weight ``exp(-d^2 / (2 sigma^2))`` between rows and their nearest neighbours.

    Parameters
    ----------
    sigma : float or "auto", default="auto"
        The width; the root of the mean squared distance of neighbours if ``"auto"``, one
        if that is zero.
    """

    def __init__(self, n_neighbors, symmetrise, index_options=None, sigma="auto"):
        super().__init__(n_neighbors, symmetrise, index_options)
        self.sigma = sigma

    def adapt(self, distances):
        """Find the width."""
        self.width = self.sigma
        if self.sigma == "auto":
            squared = np.square(distances, dtype=np.float64).mean()
            self.width = float(np.sqrt(squared)) or 1.0

    def weigh(self, distances):
        """Let weights fall with the distance."""
        return np.exp(-0.5 * np.square(distances / self.width))


class PrecomputedAffinity:
    """Weights that the caller gives.

    Parameters
    ----------
    symmetrise : callable
        How the weights of both directions become one.

    name : str, default="X"
        What the caller calls the matrix.
    """

    def __init__(self, symmetrise, name="X"):
        self.symmetrise = symmetrise
        self.name = name

    def fit(self, X):
        """Check the weights between the rows."""
        if X.shape[0] != X.shape[1]:
            raise ValueError(
                f"affinity='precomputed' needs a square matrix {self.name} of the "
                f"weights between the rows, got shape {X.shape}."
            )
        return self.symmetrise(without_loops(non_negative(X, "precomputed")))

    def chunks(self, X):
        """Check the weights to the rows of training."""
        yield non_negative(X, "precomputed")


class CallableAffinity:
    """Weights that a function computes.

    Parameters
    ----------
    function : callable
        ``function(X, Y)`` returns the weights between rows, dense or sparse.

    symmetrise : callable
        How the weights of both directions become one.
    """

    def __init__(self, function, symmetrise):
        self.function = function
        self.symmetrise = symmetrise

    def fit(self, X):
        """Compute the weights between the rows."""
        self.X = X
        weights = non_negative(self.function(X, X), "callable")
        if weights.shape != (X.shape[0], X.shape[0]):
            raise ValueError(
                f"affinity must return an array of shape {(X.shape[0],) * 2} for "
                f"{X.shape[0]} rows against themselves, got shape {weights.shape}."
            )
        return self.symmetrise(without_loops(weights))

    def chunks(self, X):
        """Compute weights for as many new rows as fit into the working memory."""
        bytes_per_row = 8 * self.X.shape[0]
        n_rows = int(get_config()["working_memory"] * 2**20 // bytes_per_row)
        for rows in gen_batches(X.shape[0], max(n_rows, 1)):
            yield non_negative(self.function(X[rows], self.X), "callable")


def make_affinity(
    affinity,
    n_neighbors,
    n_jobs=None,
    *,
    symmetrize="max",
    neighbors="exact",
    sigma="auto",
    random_state=None,
    name="X",
):
    """Make the object that a parameter stands for.

    Parameters
    ----------
    affinity : {"knn", "heat", "precomputed"} or callable
        How rows are joined.

    n_neighbors : int
        Number of nearest neighbours.

    n_jobs : int, default=None
        Number of jobs of the search for neighbours.

    symmetrize : {"max", "mean", None}, default="max"
        Whether of the two weights of a pair the larger one counts, or their mean, or
        each in its direction.

    neighbors : {"auto", "exact", "pynndescent"}, default="exact"
        How neighbours are found.

    sigma : float or "auto", default="auto"
        The width of ``"heat"``.

    random_state : int, RandomState instance or None, default=None
        Used by the approximate search.

    name : str, default="X"
        What messages call a matrix of weights.

    Returns
    -------
    affinity : object
        The object.
    """
    symmetrise = SYMMETRISATIONS[symmetrize]
    if callable(affinity):
        return CallableAffinity(affinity, symmetrise)
    if affinity == "precomputed":
        return PrecomputedAffinity(symmetrise, name)
    options = {"neighbors": neighbors, "n_jobs": n_jobs, "random_state": random_state}
    if affinity == "heat":
        return HeatAffinity(n_neighbors, symmetrise, options, sigma)
    return NearestNeighbourAffinity(n_neighbors, symmetrise, options)


def larger_weights(weights):
    """Keep the larger weight of each pair."""
    return sparse.csr_array(weights.maximum(weights.T))


def mean_weights(weights):
    """Take the mean of the two weights of each pair."""
    total = sparse.csr_array(weights + weights.T)
    total.data *= total.dtype.type(0.5)
    return total


def directed_weights(weights):
    """Leave weights as they are, in order."""
    return sparse.csr_array(weights).sorted_indices()


SYMMETRISATIONS = {"max": larger_weights, "mean": mean_weights, None: directed_weights}


def without_loops(weights):
    """Convert to CSR, and leave out zeros and the weights of rows to themselves."""
    weights = sparse.coo_array(weights)
    row, column = weights.coords
    apart = (row != column) & (weights.data != 0)
    kept = weights.data[apart]
    if kept.dtype != np.float32:
        kept = kept.astype(np.float64)
    return sparse.csr_array((kept, (row[apart], column[apart])), shape=weights.shape)


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
