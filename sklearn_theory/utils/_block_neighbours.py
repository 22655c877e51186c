# SPDX-License-Identifier: BSD-3-Clause
"""The nearest rows of a Dask array: every block is searched, and the finds are merged."""

import numpy as np
from sklearn.neighbors import NearestNeighbors


class BlockIndex:
    """Exact nearest neighbours, of which each block of rows finds its own.

    What travels are the blocks, to each other, and distances and row numbers, to the
    caller.

    Parameters
    ----------
    X : dask array of shape (n_rows, n_features)
        Rows, in blocks of known size.

    n_jobs : int, default=None
        Number of jobs of each search.
    """

    def __init__(self, X, n_jobs=None):
        self.X, self.n_jobs = X, n_jobs
        self.n_rows = X.shape[0]

    def others(self, n_neighbors):
        """Find the neighbours of the rows themselves, none of which is its own."""
        from dask import compute, delayed

        blocks, starts = self._blocks()
        search = delayed(search_block, pure=False)
        merged = [
            delayed(merge_finds, pure=False)(
                [
                    search(
                        block,
                        None if own == other else rows,
                        start,
                        n_neighbors,
                        self.n_jobs,
                    )
                    for other, (block, start) in enumerate(zip(blocks, starts))
                ],
                n_neighbors,
            )
            for own, rows in enumerate(blocks)
        ]
        distances, neighbours = zip(*compute(*merged))
        return np.concatenate(distances), np.concatenate(neighbours)

    def nearest(self, X, n_neighbors):
        """Find the rows nearest to new ones."""
        from dask import compute, delayed

        search = delayed(search_block, pure=False)
        X = delayed(X)
        finds = [
            search(block, X, start, n_neighbors, self.n_jobs)
            for block, start in zip(*self._blocks())
        ]
        return merge_finds(compute(*finds), n_neighbors)

    def _blocks(self):
        """Pair the blocks that hold rows with the number of their first row."""
        X = self.X.rechunk({1: -1})
        sizes = np.array(X.chunks[0])
        starts = np.cumsum(sizes) - sizes
        blocks = X.to_delayed().ravel()
        return [blocks[b] for b in np.flatnonzero(sizes)], starts[sizes > 0].tolist()


def search_block(block, rows, start, n_neighbors, n_jobs):
    """Find the neighbours of rows in a block; of its own rows if `rows` is None."""
    n_found = min(n_neighbors, block.shape[0] - (rows is None))
    if n_found == 0:
        n_rows = block.shape[0] if rows is None else rows.shape[0]
        return np.empty((n_rows, 0)), np.empty((n_rows, 0), dtype=np.int64)
    index = NearestNeighbors(n_jobs=n_jobs).fit(block)
    distances, neighbours = index.kneighbors(rows, n_found)
    return distances, neighbours + start


def merge_finds(finds, n_neighbors):
    """Keep the nearest of what all blocks found; of equally near ones the first."""
    distances = np.concatenate([found for found, _ in finds], axis=1)
    neighbours = np.concatenate([found for _, found in finds], axis=1)
    order = distances.argsort(axis=1, kind="stable")[:, :n_neighbors]
    return tuple(np.take_along_axis(a, order, axis=1) for a in (distances, neighbours))
