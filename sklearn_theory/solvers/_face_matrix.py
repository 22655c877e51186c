# SPDX-License-Identifier: BSD-3-Clause
"""Matrices as the kernels of the face method take them, without copying where possible."""

import numpy as np
from scipy.sparse import csc_array, issparse

from ._face_fast import Columns, combine_columns, correlate, scale_columns

_EMPTY = np.empty(0, dtype=np.int32)


def as_columns(X, row_scale=None):
    """View a matrix by its columns.

    Parameters
    ----------
    X : {ndarray, CSC matrix} of shape (n_rows, n_columns)
        A dense matrix in column-major order is not copied.

    row_scale : ndarray of shape (n_rows,) or None, default=None
        What to multiply the rows by, in a copy that is as sparse as `X`.

    Returns
    -------
    columns : Columns
        The matrix for the kernels.
    """
    if issparse(X):
        X = _with_unique_entries(X)
        data = X.data if row_scale is None else X.data * row_scale[X.indices]
        return Columns(data, X.indices, X.indptr, X.shape[0])
    if row_scale is not None:
        X = X * row_scale[:, np.newaxis]
    X = np.asfortranarray(X)
    return Columns(X.ravel(order="K"), _EMPTY, _EMPTY, X.shape[0])


def scaled_columns(columns, subset, scale, n_more=0):
    """Copy columns side by side, their rows scaled.

    Parameters
    ----------
    columns : Columns
        The matrix.

    subset : ndarray of shape (n_subset,)
        Which columns to copy.

    scale : ndarray of shape (n_rows,)
        What to multiply the rows by.

    n_more : int, default=0
        How many columns to append that hold `scale` itself.

    Returns
    -------
    scaled : Columns
        The copy, in double precision.
    """
    _, indices, indptr, n_rows = columns
    n_columns = len(subset) + n_more
    if len(indptr) == 0:
        new = Columns(np.empty(n_rows * n_columns), indices, indptr, n_rows)
    else:
        lengths = np.full(n_columns, n_rows)
        lengths[: len(subset)] = indptr[subset + 1] - indptr[subset]
        new_indptr = np.append(0, np.cumsum(lengths)).astype(indptr.dtype)
        size = new_indptr[-1]
        new = Columns(
            np.empty(size), np.empty(size, dtype=indices.dtype), new_indptr, n_rows
        )
        new.indices[size - n_more * n_rows :] = np.tile(np.arange(n_rows), n_more)
    scale_columns(columns, subset, scale, new)
    new.data[len(new.data) - n_more * n_rows :] = np.tile(scale, n_more)
    return new


def gram_matrix(columns, subset, means, mass, like):
    """Inner products of the centred columns in a subset.

    Parameters
    ----------
    columns : {Columns, SoftmaxColumns}
        The matrix.

    subset : ndarray of shape (n_subset,)
        Which columns.

    means, mass : ndarray of shape (n_columns,), float
        What centres them; see :mod:`._face_fast`.

    like : ndarray
        An array of the shape of a residual.

    Returns
    -------
    gram : ndarray of shape (n_subset, n_subset)
        The inner products.
    """
    gram = np.empty((len(subset), len(subset)))
    image, unit = np.empty_like(like), np.ones(1)
    for k in range(len(subset)):
        combine_columns(columns, subset[k : k + 1], unit, image)
        shift = mass * means[subset[k]]
        correlate(columns, subset, image, means, shift, gram[k])
    return gram


def _with_unique_entries(X):
    """Add entries that are given more than once, without touching the user's matrix."""
    if X.has_canonical_format:
        return X
    X = csc_array(X, copy=True)
    X.sum_duplicates()
    return X
