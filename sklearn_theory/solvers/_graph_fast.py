# SPDX-License-Identifier: BSD-3-Clause
"""Kernels that turn a sparse matrix into a graph, and number its nodes anew."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def split_diagonal(indptr, indices, data):
    """Separate the diagonal of a square matrix in compressed rows; drop zeros."""
    n_nodes = indptr.shape[0] - 1
    diagonal = np.zeros(n_nodes)
    starts = np.zeros(n_nodes + 1, dtype=np.int64)
    neighbours = np.empty(indices.shape[0], dtype=np.int64)
    weights = np.empty(indices.shape[0])
    size = 0
    for node in range(n_nodes):
        for entry in range(indptr[node], indptr[node + 1]):
            if indices[entry] == node:
                diagonal[node] += data[entry]
            elif data[entry] != 0:
                neighbours[size] = indices[entry]
                weights[size] = data[entry]
                size += 1
        starts[node + 1] = size
    return starts, neighbours[:size].copy(), weights[:size].copy(), diagonal


@njit(cache=True, nogil=True)
def renumber(places, indptr, indices, weights, diagonal):
    """Number the nodes anew, ``places`` listing the old numbers in the new order."""
    number = np.empty(places.shape[0], dtype=np.int64)
    for place in range(places.shape[0]):
        number[places[place]] = place
    starts = np.zeros_like(indptr)
    neighbours = np.empty_like(indices)
    moved = np.empty_like(weights)
    size = 0
    for place in range(places.shape[0]):
        for entry in range(indptr[places[place]], indptr[places[place] + 1]):
            neighbours[size] = number[indices[entry]]
            moved[size] = weights[entry]
            size += 1
        starts[place + 1] = size
    return starts, neighbours, moved, diagonal[places]


@njit(cache=True, nogil=True)
def edges_out(first, indptr, indices, weights):
    """List the edges from each node before ``first`` to the nodes from it on."""
    starts = np.zeros(first + 1, dtype=np.int64)
    neighbours = np.empty(indptr[first], dtype=np.int64)
    leaving = np.empty(indptr[first], dtype=weights.dtype)
    size = 0
    for node in range(first):
        for entry in range(indptr[node], indptr[node + 1]):
            if indices[entry] >= first:
                neighbours[size] = indices[entry]
                leaving[size] = weights[entry]
                size += 1
        starts[node + 1] = size
    return starts, neighbours[:size].copy(), leaving[:size].copy()
