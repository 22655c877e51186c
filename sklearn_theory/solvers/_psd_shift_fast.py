# SPDX-License-Identifier: BSD-3-Clause
"""The triangles of a weighted graph.

Graphs are symmetric, without loops, in CSR form. A row's own entries are marked in a
table of all nodes, so that the triangles at an edge are found by one pass over the
neighbours of its other end.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def share_of_triangles(indptr, indices, weights):
    """Return, for each entry, its weight over the number of triangles that hold it."""
    shares = weights.copy()
    entry_of = np.full(indptr.shape[0] - 1, -1, dtype=np.int64)
    for node in range(indptr.shape[0] - 1):
        _mark(node, indptr, indices, entry_of, True)
        for entry in range(indptr[node], indptr[node + 1]):
            n_triangles = 0
            other = indices[entry]
            for side in range(indptr[other], indptr[other + 1]):
                n_triangles += entry_of[indices[side]] >= 0
            if n_triangles > 0:
                shares[entry] /= n_triangles
        _mark(node, indptr, indices, entry_of, False)
    return shares


@njit(cache=True, nogil=True)
def add_triangles(indptr, indices, shares):
    """Return, for each node, the sum of its triangles' smallest shares."""
    totals = np.zeros(indptr.shape[0] - 1)
    entry_of = np.full(indptr.shape[0] - 1, -1, dtype=np.int64)
    for node in range(indptr.shape[0] - 1):
        _mark(node, indptr, indices, entry_of, True)
        for entry in range(indptr[node], indptr[node + 1]):
            other = indices[entry]
            for side in range(indptr[other], indptr[other + 1]):
                third = entry_of[indices[side]]
                if third >= 0:
                    least = min(shares[entry], shares[side], shares[third])
                    # Each triangle is met twice, from either of its edges at the node.
                    totals[node] += 0.5 * least
        _mark(node, indptr, indices, entry_of, False)
    return totals


@njit(cache=True, nogil=True)
def _mark(node, indptr, indices, entry_of, on):
    for entry in range(indptr[node], indptr[node + 1]):
        entry_of[indices[entry]] = entry if on else -1
