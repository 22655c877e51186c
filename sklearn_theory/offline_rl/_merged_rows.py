# SPDX-License-Identifier: BSD-3-Clause
"""Equal rows merged into one of their total weight, in an order of their own.

A network that is trained in batches then does exactly the same whether a row is given
twice or with a weight of two, and in whatever order rows are given. Logs of few distinct
decisions become small.
"""

import numpy as np

from ..utils._content_folds import hash_numbers


def merge_rows(*tables, weight):
    """Merge rows that are equal in all tables.

    Parameters
    ----------
    *tables : ndarray of shape (n_samples,) or (n_samples, n_columns)
        Numbers.

    weight : ndarray of shape (n_samples,)
        Weights; rows of weight zero are left out.

    Returns
    -------
    tables : list of ndarray
        The distinct rows, ordered by hashes of what they hold.

    weight : ndarray of shape (n_distinct,)
        Their total weights.
    """
    counted = np.flatnonzero(weight > 0)
    if not len(counted):
        raise ValueError("sample_weight must have at least one value above zero.")
    rows = np.column_stack([np.asarray(t, dtype=np.float64)[counted] for t in tables])
    # Hashes in single precision first: data in single precision get the same order.
    order = np.lexsort([hash_numbers(rows, np.float64), hash_numbers(rows, np.float32)])
    rows = rows[order]
    is_new = np.append(True, (rows[1:] != rows[:-1]).any(axis=1))
    starts = np.flatnonzero(is_new)
    total = np.add.reduceat(weight[counted][order].astype(np.float64), starts)
    kept = counted[order][starts]
    return [table[kept] for table in tables], total


def passes_in_an_epoch(n_rows, n_distinct, batch_size, most=np.inf):
    """Say how often an epoch goes through merged rows.

    Parameters
    ----------
    n_rows, n_distinct : int
        How many rows there were before, and how many there are now.

    batch_size : int
        How many rows a step takes.

    most : int, default=inf
        The most passes.

    Returns
    -------
    n_passes : int
        As many passes as make the steps that all rows would have taken.
    """
    n_steps, n_steps_merged = (np.ceil(n / batch_size) for n in (n_rows, n_distinct))
    return int(max(1, min(most, round(n_steps / n_steps_merged))))


def weighted_moments(table, weight):
    """Compute the mean and the deviation of each column.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
        Numbers.

    weight : ndarray of shape (n_samples,)
        Weights.

    Returns
    -------
    mean, deviation : ndarray of shape (n_columns,)
        The moments; a deviation that is zero up to rounding is zero.
    """
    share = weight / weight.sum()
    table = table.astype(np.float64)
    mean = share @ table
    deviation = np.sqrt(share @ (table - mean) ** 2)
    negligible = 10 * np.finfo(np.float64).eps * np.abs(mean)
    return mean, np.where(deviation > negligible, deviation, 0.0)
