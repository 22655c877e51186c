# SPDX-License-Identifier: BSD-3-Clause
"""The nearest rows, exactly by scikit-learn or approximately by pynndescent."""

from importlib.util import find_spec

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from ._block_neighbours import BlockIndex
from ._dask import is_dask_array
from ._optional import import_optional

MOST_EXACT_ROWS = 50_000
MOST_TREE_FEATURES = 15


class ExactIndex:
    """Nearest neighbours by scikit-learn."""

    def __init__(self, X, n_neighbors, n_jobs, random_state):
        self.index = NearestNeighbors(n_jobs=n_jobs).fit(X)
        self.n_rows = X.shape[0]

    def others(self, n_neighbors):
        """Find the neighbours of the rows themselves, none of which is its own."""
        return self.index.kneighbors(n_neighbors=n_neighbors)

    def nearest(self, X, n_neighbors):
        """Find the rows nearest to new ones."""
        return self.index.kneighbors(X, n_neighbors)


class ApproximateIndex:
    """Approximately nearest neighbours by pynndescent."""

    def __init__(self, X, n_neighbors, n_jobs, random_state):
        pynndescent = import_optional(
            "pynndescent", needed_by="neighbors='pynndescent'", extra="neighbors"
        )
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
        self.index = pynndescent.NNDescent(
            X, n_neighbors=n_neighbors + 1, n_jobs=n_jobs, random_state=seed
        )
        self.n_rows = X.shape[0]

    def others(self, n_neighbors):
        """Find the neighbours of the rows themselves, none of which is its own."""
        neighbours, distances = self.index.neighbor_graph
        return drop_self(distances, neighbours, n_neighbors)

    def nearest(self, X, n_neighbors):
        """Find the rows nearest to new ones."""
        neighbours, distances = self.index.query(X, k=n_neighbors)
        return distances, neighbours


def make_index(X, n_neighbors, *, neighbors="exact", n_jobs=None, random_state=None):
    """Index rows for the search of their neighbours.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_rows, n_features)
        Rows.

    n_neighbors : int
        How many neighbours will be asked for.

    neighbors : {"auto", "exact", "pynndescent"}, default="exact"
        How they are found. ``"auto"`` is exact up to 50,000 rows, or with up to 15
        features, where trees are fast; beyond that it uses pynndescent if that is
        installed.

    n_jobs : int, default=None
        Number of jobs.

    random_state : int, RandomState instance or None, default=None
        Used by the approximate search.

    Returns
    -------
    index : ExactIndex or ApproximateIndex
        ``index.others(n_neighbors)`` and ``index.nearest(X, n_neighbors)`` return
        distances and row numbers, as scikit-learn does.
    """
    if is_dask_array(X):
        return _index_blocks(X, neighbors, n_jobs)
    if neighbors == "auto":
        neighbors = _choose(X)
    return _INDEXES[neighbors](X, n_neighbors, n_jobs, random_state)


def drop_self(distances, neighbours, n_neighbors):
    """Leave out each row's own number, or the last neighbour where it is not listed.

    Among equal rows a row need not be the first of its own neighbours.
    """
    n_rows, n_found = neighbours.shape
    is_self = neighbours == np.arange(n_rows)[:, np.newaxis]
    is_self[~is_self.any(axis=1), n_found - 1] = True
    kept = ~is_self
    shape = (n_rows, n_found - 1)
    others = neighbours[kept].reshape(shape)[:, :n_neighbors]
    return distances[kept].reshape(shape)[:, :n_neighbors], others


def _index_blocks(X, neighbors, n_jobs):
    if neighbors == "pynndescent":
        raise ValueError(
            "neighbors='pynndescent' needs rows in memory, but X is a Dask array; set "
            "neighbors='exact', or give the weights as W with affinity='precomputed'."
        )
    return BlockIndex(X, n_jobs)


def _choose(X):
    is_tree_fast = X.shape[1] <= MOST_TREE_FEATURES and not sparse.issparse(X)
    if X.shape[0] <= MOST_EXACT_ROWS or is_tree_fast:
        return "exact"
    return "exact" if find_spec("pynndescent") is None else "pynndescent"


_INDEXES = {"exact": ExactIndex, "pynndescent": ApproximateIndex}
