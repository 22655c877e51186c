# SPDX-License-Identifier: BSD-3-Clause
"""Dask arrays: recognised without importing Dask, and worked on block by block."""

import sys
from functools import partial, wraps

import numpy as np
from sklearn.utils.validation import check_is_fitted


def is_dask_array(X):
    """Recognise a Dask array without importing Dask.

    Parameters
    ----------
    X : object
        Anything.

    Returns
    -------
    is_dask_array : bool
        Whether it is one.
    """
    dask_array = sys.modules.get("dask.array")
    return dask_array is not None and isinstance(X, dask_array.Array)


def over_blocks(columns):
    """Let a method of rows work block by block, lazily, when given a Dask array.

    Parameters
    ----------
    columns : callable
        Maps the estimator to the number of columns of the result; None if the result
        is one-dimensional.

    Returns
    -------
    decorate : callable
        The decorator.
    """

    def decorate(method):
        @wraps(method)
        def wrapper(self, X):
            if not is_dask_array(X):
                return method(self, X)
            check_is_fitted(self)
            return map_rows(wrapper.__get__(self), X, columns(self))

        return wrapper

    return decorate


def class_columns(estimator):
    """Count the columns of probabilities."""
    return len(estimator.classes_)


def score_columns(estimator):
    """Count the columns of scores, of which two classes have none."""
    return None if len(estimator.classes_) == 2 else len(estimator.classes_)


def map_rows(function, X, n_columns=None):
    """Apply a function of rows to each block, lazily.

    Parameters
    ----------
    function : callable
        ``function(X)`` returns an array with a row for each row of X; the type of its
        entries is learnt from a single row.

    X : dask array of shape (n_samples, n_features)
        Rows.

    n_columns : int or None, default=None
        Number of columns of the result; None if it is one-dimensional.

    Returns
    -------
    result : dask array
        The results, not computed yet.
    """
    X = X.rechunk({1: -1}) if X.numblocks[1] > 1 else X
    empty = function(np.ones((1, X.shape[1]), dtype=X.dtype))[:0]
    apply = partial(_apply_to_block, function, empty)
    if n_columns is None:
        return X.map_blocks(apply, drop_axis=1, meta=empty)
    return X.map_blocks(apply, chunks=(X.chunks[0], (n_columns,)), meta=empty)


def _apply_to_block(function, empty, block):
    return function(block) if len(block) else empty
