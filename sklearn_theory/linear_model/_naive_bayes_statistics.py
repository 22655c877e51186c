# SPDX-License-Identifier: BSD-3-Clause
"""The sufficient statistics of naive Bayes with shared variances.

With `K` classes and `n` features these are `K` class counts, `K n` means and `n`
centred sums of squares: everything that streams, folds, nested subsets and workers
need to hand to each other.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import gen_batches

from ._class_sums_fast import (
    add_dense_rows,
    add_dense_rows_of_equal_weight,
    add_sparse_rows,
    add_sparse_squares,
)

_BATCH_BYTES = 2**22


class ClassStatistics(NamedTuple):
    """Counts, means and centred squares of weighted rows.

    Attributes
    ----------
    counts : ndarray of shape (n_classes,)
        Total weight of each class.

    means : ndarray of shape (n_classes, n_features)
        Weighted mean of each class; zero for a class without rows.

    squares : ndarray of shape (n_features,)
        Weighted sum of squared distances to the mean of the row's own class.
    """

    counts: np.ndarray
    means: np.ndarray
    squares: np.ndarray


def class_statistics(X, y, n_classes, weight=None):
    """Summarise rows with labels 0 to ``n_classes - 1`` in one or two passes."""
    summarise = _sparse_statistics if issparse(X) else _dense_statistics
    return summarise(X, y, n_classes, weight)


def _dense_statistics(X, y, n_classes, weight):
    counts = np.zeros(n_classes)
    shifts, sums = np.zeros((2, n_classes, X.shape[1]))
    squares = np.zeros(X.shape[1])
    accumulators = counts, shifts, sums, squares
    for rows in _contiguous_batches(X):
        block = np.ascontiguousarray(X[rows])
        if weight is None:
            add_dense_rows_of_equal_weight(block, y[rows], *accumulators)
        else:
            add_dense_rows(block, y[rows], weight[rows], *accumulators)
    offsets = sums / _at_least_one_row(counts)
    squares -= np.einsum("kj,kj->j", offsets, sums)
    return ClassStatistics(counts, shifts + offsets, np.maximum(squares, 0))


def _contiguous_batches(X):
    """Take all rows at once, or so few that a contiguous copy of them is small."""
    if X.flags.c_contiguous:
        return [slice(None)]
    row_bytes = max(1, X.shape[1] * X.itemsize)
    return gen_batches(X.shape[0], max(1, _BATCH_BYTES // row_bytes))


def _sparse_statistics(X, y, n_classes, weight):
    X = _canonical(X)
    weight = np.ones(X.shape[0]) if weight is None else weight
    rows = X.data, X.indices, X.indptr, y, weight
    counts, squares = np.zeros(n_classes), np.zeros(X.shape[1])
    sums, stored = np.zeros((2, n_classes, X.shape[1]))
    add_sparse_rows(*rows, counts, sums, stored)
    means = sums / _at_least_one_row(counts)
    add_sparse_squares(*rows, means, squares)
    absent = np.maximum(counts[:, np.newaxis] - stored, 0)
    squares += np.einsum("kj,kj,kj->j", absent, means, means)
    return ClassStatistics(counts, means, squares)


def _canonical(X):
    """Sum entries that a CSR matrix stores twice, on a copy."""
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def _at_least_one_row(counts):
    """Turn counts into divisors of rows: an empty class has empty sums to divide."""
    return np.where(counts > 0, counts, 1)[:, np.newaxis]


def merge_statistics(first, second):
    """Combine the statistics of two disjoint sets of rows.

    The means move by the share of the second set, and the squares gain what lies
    between the two means of each class, so that nothing cancels.
    """
    counts = first.counts + second.counts
    share = second.counts[:, np.newaxis] / _at_least_one_row(counts)
    difference = second.means - first.means
    difference[first.counts == 0] = 0
    means = np.where(
        first.counts[:, np.newaxis] > 0,
        first.means + share * difference,
        second.means,
    )
    between = share * first.counts[:, np.newaxis]
    squares = first.squares + second.squares
    squares += np.einsum("kj,kj,kj->j", between, difference, difference)
    return ClassStatistics(counts, means, squares)


def overall_mean(statistics):
    """Average all rows, whatever their class."""
    counts, means, _ = statistics
    return counts @ means / counts.sum()


def overall_variance(statistics):
    """Measure the variance of each feature over all rows, whatever their class."""
    counts, means, squares = statistics
    between = counts @ (means - overall_mean(statistics)) ** 2
    return (squares + between) / counts.sum()


def shared_variance(statistics, smoothing):
    """Average the class variances of each feature, and add the smoothing."""
    return statistics.squares / statistics.counts.sum() + smoothing


def affine_statistics(statistics, offset, scale):
    """Turn statistics of `x` into those of ``(x - offset) * scale``."""
    counts, means, squares = statistics
    return ClassStatistics(counts, (means - offset) * scale, squares * scale**2)
