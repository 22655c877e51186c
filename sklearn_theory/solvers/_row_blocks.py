# SPDX-License-Identifier: BSD-3-Clause
"""A graph cut into blocks of rows, and what each block must see of the others.

A block owns some rows of the graph. Its neighbours in other blocks are its halo. The
columns of its part of the graph are numbered anew: own rows first, then the halo, block
by block. What one sweep sends is therefore one row of assignments for each row of a
halo, however large the graph is.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse


class GraphBlock(NamedTuple):
    """The rows of a graph that one block owns.

    Parameters
    ----------
    weights : csr_array of shape (n_own, n_own + n_halo)
        Weights to the block's own rows, then to its halo.

    owners : list of int
        The other blocks in which neighbours lie, in the order of the columns.

    rows : list of ndarray of int
        Of each of them the rows that this block needs, counted within the owner.
    """

    weights: sparse.csr_array
    owners: list
    rows: list


def row_offsets(sizes):
    """Where each block of rows starts, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def cut_block(weights, block, offsets):
    """Number the columns of a block's weights anew.

    Parameters
    ----------
    weights : csr_array of shape (n_own, n_samples)
        The rows of the graph that the block owns.

    block : int
        Which block it is.

    offsets : ndarray of int of shape (n_blocks + 1,)
        Where the blocks start.

    Returns
    -------
    graph_block : GraphBlock
        Its part of the graph.
    """
    start, stop = offsets[block], offsets[block + 1]
    seen = np.unique(weights.indices)
    halo = seen[(seen < start) | (seen >= stop)]
    owner_of = np.searchsorted(offsets, halo, side="right") - 1
    owners = np.unique(owner_of)
    position = np.searchsorted(halo, weights.indices) + (stop - start)
    is_own = (weights.indices >= start) & (weights.indices < stop)
    columns = np.where(is_own, weights.indices - start, position)
    shape = (stop - start, stop - start + len(halo))
    # Entries keep their order, so that a block adds them up as the whole graph would.
    local = sparse.csr_array((weights.data, columns, weights.indptr), shape=shape)
    rows = [halo[owner_of == owner] - offsets[owner] for owner in owners]
    return GraphBlock(local, owners.tolist(), rows)


def with_halo(own, *halo):
    """Stack a block's own rows and those of its halo, as its columns are numbered."""
    return np.concatenate([own, *halo]) if halo else own
