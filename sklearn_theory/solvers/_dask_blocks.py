# SPDX-License-Identifier: BSD-3-Clause
"""Dask's verbs on blocks of rows, and the sums that a fit needs before it iterates.

The functions here have a namesake that takes rows in memory.
"""

import warnings
from functools import reduce
from itertools import pairwise

import dask
import numpy as np
from dask import delayed
from scipy import sparse

from . import _edge_lengths, _initial_prototypes
from ._row_blocks import cut_block, row_offsets, with_halo

MOST_ROWS_FETCHED = 100_000


# --------------------------------------------------------------------- Dask's verbs
def each(function, *lists, pairs=False, **fixed):
    """Make a task for each block; `pairs` tells that it returns two things."""
    task = delayed(function, pure=False, nout=2 if pairs else None)
    return [task(*arguments, **fixed) for arguments in zip(*lists)]


def send(values):
    """Put values where tasks can use them."""
    with warnings.catch_warnings():
        # That they pass through the scheduler is meant: it can give them out again.
        warnings.filterwarnings("ignore", message="Sending large graph")
        return persist([delayed(value, traverse=False, pure=False) for value in values])


def persist(values):
    """Start computing, and hold on to the results where they are."""
    return list(dask.persist(*values))


def compute(values):
    """Compute and fetch."""
    return dask.compute(*values)


# ------------------------------------------------------------------- blocks of rows
def row_blocks(X):
    """Return the blocks that hold rows.

    Parameters
    ----------
    X : dask array of shape (n_rows, n_features)
        Rows, in blocks of known size that hold all features.

    Returns
    -------
    blocks : list of delayed
        The blocks, without empty ones.

    offsets : ndarray of int of shape (n_blocks + 1,)
        Where they start, and where the last one ends.
    """
    sizes = np.array(X.chunks[0])
    blocks = X.to_delayed().ravel()
    return [blocks[b] for b in np.flatnonzero(sizes)], row_offsets(sizes[sizes > 0])


def split_rows(values, offsets):
    """Cut an array of the rows along their blocks."""
    return [values[start:stop] for start, stop in pairwise(offsets)]


def split_graph(weights, offsets):
    """Cut a graph along the blocks of its rows, each with columns of its own.

    Parameters
    ----------
    weights : csr_array of shape (n_rows, n_rows)
        The graph.

    offsets : ndarray of int of shape (n_blocks + 1,)
        Where the blocks start.

    Returns
    -------
    blocks : list of GraphBlock
        The parts.
    """
    parts = split_rows(weights, offsets)
    return [cut_block(part, block, offsets) for block, part in enumerate(parts)]


def fetch_halos(function, blocks, graph):
    """Make the tasks that fetch, for each block, what it must see of others.

    Parameters
    ----------
    function : callable
        ``function(block, rows)`` takes some rows of what a block holds.

    blocks : list of delayed
        What the blocks hold.

    graph : list of GraphBlock
        The blocks of the graph.

    Returns
    -------
    halos : list of list of delayed
        Of each block the parts, in the order of its columns.
    """
    fetch = delayed(function, pure=False)
    return [
        [fetch(blocks[owner], rows) for owner, rows in zip(part.owners, part.rows)]
        for part in graph
    ]


# -------------------------------------------------------------- namesakes for blocks
def seed_sums(X, seeds, n_clusters):
    """Add up the seeds of each cluster, in the blocks that have some."""
    blocks, offsets = row_blocks(X)
    parts = split_rows(seeds, offsets)
    seeded = [b for b, part in enumerate(parts) if (part >= 0).any()]
    if not seeded:
        return np.zeros((n_clusters, X.shape[1] + 1))
    sums = each(
        _initial_prototypes.seed_sums,
        [blocks[b] for b in seeded],
        [parts[b] for b in seeded],
        n_clusters=n_clusters,
    )
    return reduce(np.add, compute(sums))


def spread_prototypes(X, seeds, n_clusters, random_state):
    """Spread prototypes over the rows, or over so many that they can be fetched.

    All seeds are fetched.
    """
    rows = np.arange(X.shape[0])
    if len(rows) > MOST_ROWS_FETCHED:
        free = random_state.permutation(np.flatnonzero(seeds < 0))[:MOST_ROWS_FETCHED]
        rows = np.sort(np.concatenate([np.flatnonzero(seeds >= 0), free]))
        X = X[rows]
    return _initial_prototypes.spread_prototypes(
        X.compute(), seeds[rows], n_clusters, random_state
    )


def squared_lengths(X, weights):
    """Add up the squared lengths of edges by weight; blocks see rows of others."""
    blocks, offsets = row_blocks(X)
    graph = split_graph(weights, offsets)
    halos = fetch_halos(np.ndarray.__getitem__, blocks, graph)
    return sum(compute(each(_block_lengths, blocks, graph, halos)))


def _block_lengths(X, graph, halo):
    """Add up a block's squared lengths, as if it were the whole graph."""
    X, local = with_halo(X, *halo), graph.weights
    ends = np.full(X.shape[0] + 1, local.indptr[-1], dtype=local.indptr.dtype)
    ends[: len(local.indptr)] = local.indptr
    shape = (X.shape[0], X.shape[0])
    square = sparse.csr_array((local.data, local.indices, ends), shape=shape)
    return _edge_lengths.squared_lengths(X, square)
