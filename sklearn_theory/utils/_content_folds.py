# SPDX-License-Identifier: BSD-3-Clause
"""Hashes of rows, and folds that depend on what a row holds, not on where it stands.

A row that stands twice is in one fold, and so a row of weight two is treated exactly as
the row given twice, also by what is chosen through cross-validation. Permuting the rows
changes nothing.
"""

from hashlib import blake2b

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from ._row_hash_fast import deal_into_folds, hash_dense_rows, hash_sparse_rows

_BATCH_ENTRIES = 2**19
_BIT_PATTERNS = {np.dtype(np.float32): np.uint32, np.dtype(np.float64): np.uint64}


def hash_numbers(X, dtype):
    """Hash rows of numbers, rounded to a precision; zeros have no part in it.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)
        The rows.

    dtype : {float32, float64}
        The precision.

    Returns
    -------
    hashes : ndarray of shape (n_samples,) of uint64
        Equal rows, dense or sparse, have equal hashes.
    """
    hashes = np.empty(X.shape[0], dtype=np.uint64)
    if sparse.issparse(X):
        hash_sparse_rows(_bit_patterns(X.data, dtype), X.indices, X.indptr, hashes)
        return hashes
    batch_size = max(1, _BATCH_ENTRIES // max(1, X.shape[1]))
    for rows in gen_batches(X.shape[0], batch_size):
        hash_dense_rows(_bit_patterns(X[rows], dtype), hashes[rows])
    return hashes


def _bit_patterns(values, dtype):
    """View a C-ordered copy of floats as integers; minus zero becomes zero."""
    with np.errstate(over="ignore"):
        rounded = np.array(values, dtype=dtype, order="C")
    rounded += 0
    return rounded.view(_BIT_PATTERNS[np.dtype(dtype)])


def hash_rows(X):
    """Hash rows of any kind.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame, list} of length n_samples
        The rows; numbers are hashed in single precision, so that data in single and in
        double precision get the same folds, anything else by its representation.

    Returns
    -------
    hashes : ndarray of shape (n_samples,) of uint64
        Equal rows have equal hashes.
    """
    if sparse.issparse(X):
        X = sparse.csr_array(X, copy=True)
        X.sum_duplicates()
        return hash_numbers(X, np.float32)
    rows = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)
    if rows.dtype.kind in "biuf":
        return hash_numbers(rows.reshape(len(rows), -1), np.float32)
    digests = (
        blake2b(repr(row).encode(), digest_size=8).digest() for row in rows.tolist()
    )
    return np.frombuffer(b"".join(digests), dtype=np.uint64)


def folds_by_content(X, y, n_folds):
    """Deal the distinct rows of each class to folds in turn.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame, list} of length n_samples
        The rows.

    y : ndarray of shape (n_samples,)
        Classes.

    n_folds : int
        The number of folds.

    Returns
    -------
    folds : ndarray of shape (n_samples,)
        The fold of each row. Classes are spread evenly, and so are folds in all.
    """
    _, labels = np.unique(y, return_inverse=True)
    rows = np.rec.fromarrays([labels, hash_rows(X)])
    distinct, unit = np.unique(rows, return_inverse=True)
    labels = np.ascontiguousarray(distinct.f0)
    return deal_into_folds(labels, np.ones(len(distinct)), n_folds)[unit]
