# SPDX-License-Identifier: BSD-3-Clause
"""Cross-validation folds that depend on what a row holds and not on where it stands.

A row that stands twice is in one fold, and so a row of weight two is treated exactly as
the row given twice, also by what is chosen through cross-validation. Permuting the rows
changes nothing.
"""

from hashlib import blake2b

import numpy as np
from scipy import sparse


def row_digests(X, seed=0):
    """Hash each row to 64 bits.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame, list} of length n_samples
        The rows; equal rows of equal type have equal hashes.

    seed : int, default=0
        Another seed gives other hashes, and so other folds.

    Returns
    -------
    digests : ndarray of shape (n_samples,) of uint64
        The hashes.
    """
    key = int(seed).to_bytes(8, "little")
    hashes = (blake2b(row, digest_size=8, key=key).digest() for row in row_bytes(X))
    return np.frombuffer(b"".join(hashes), dtype=np.uint64)


def row_bytes(X):
    """Yield the content of each row as bytes."""
    if sparse.issparse(X):
        X = sparse.csr_array(X, copy=True)
        X.sum_duplicates()
        X.eliminate_zeros()
        for start, stop in zip(X.indptr[:-1], X.indptr[1:]):
            indices = X.indices[start:stop].astype(np.int64)
            yield indices.tobytes() + X.data[start:stop].tobytes()
        return
    rows = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)
    if rows.dtype.kind in "biufc":
        # Adding zero turns -0.0, which equals 0.0, into it.
        rows = np.ascontiguousarray(rows + np.zeros(1, dtype=rows.dtype))
        yield from (row.tobytes() for row in rows.reshape(len(rows), -1))
        return
    yield from (
        repr(row.tolist() if hasattr(row, "tolist") else row).encode() for row in rows
    )


def stratified_content_folds(digests, y, n_splits):
    """Deal the distinct rows of each class to folds in turn.

    Parameters
    ----------
    digests : ndarray of shape (n_samples,)
        Hashes of the rows.

    y : ndarray of shape (n_samples,)
        Classes.

    n_splits : int
        The number of folds.

    Returns
    -------
    folds : ndarray of shape (n_samples,)
        The fold of each row. Classes start at different folds, so that small classes
        do not all miss the same one.
    """
    folds = np.empty(len(y), dtype=np.intp)
    dealt = 0
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        distinct, position = np.unique(digests[members], return_inverse=True)
        folds[members] = (dealt + position) % n_splits
        dealt += len(distinct)
    return folds
