# SPDX-License-Identifier: BSD-3-Clause
"""Kernels that sum rows by class, about a shift of each class's own.

Rows of weight zero are skipped, whatever their label says.
"""

from numba import njit


@njit(cache=True, nogil=True)
def add_dense_rows(X, y, weight, counts, shifts, sums, squares):
    """Add rows to the weighted sums of ``x - shift`` and of its square.

    The first row of a class becomes that class's shift, so that the squares stay of
    the size of the variance, however far from zero the data are.
    """
    for i in range(X.shape[0]):
        if weight[i] > 0:
            k = y[i]
            if counts[k] == 0:
                shifts[k, :] = X[i]
            counts[k] += weight[i]
            _add_row(X[i], weight[i], shifts[k], sums[k], squares)


@njit(cache=True, nogil=True)
def add_dense_rows_of_equal_weight(X, y, counts, shifts, sums, squares):
    """Do what `add_dense_rows` does, for rows that all weigh one."""
    for i in range(X.shape[0]):
        k = y[i]
        if counts[k] == 0:
            shifts[k, :] = X[i]
        counts[k] += 1
        _add_row(X[i], 1.0, shifts[k], sums[k], squares)


@njit(cache=True, nogil=True)
def _add_row(row, weight, shift, sums, squares):
    for j in range(row.shape[0]):
        difference = row[j] - shift[j]
        weighted = weight * difference
        sums[j] += weighted
        squares[j] += weighted * difference


@njit(cache=True, nogil=True)
def add_sparse_rows(data, indices, indptr, y, weight, counts, sums, stored):
    """Add rows in CSR form to the weighted sums and to the weight of stored entries."""
    for i in range(indptr.shape[0] - 1):
        if weight[i] > 0:
            k = y[i]
            counts[k] += weight[i]
            for entry in range(indptr[i], indptr[i + 1]):
                j = indices[entry]
                sums[k, j] += weight[i] * data[entry]
                stored[k, j] += weight[i]


@njit(cache=True, nogil=True)
def add_sparse_squares(data, indices, indptr, y, weight, means, squares):
    """Add the weighted squares of stored entries about the mean of their class."""
    for i in range(indptr.shape[0] - 1):
        if weight[i] > 0:
            k = y[i]
            for entry in range(indptr[i], indptr[i + 1]):
                j = indices[entry]
                difference = data[entry] - means[k, j]
                squares[j] += weight[i] * difference * difference
