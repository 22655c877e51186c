# SPDX-License-Identifier: BSD-3-Clause
"""Dask arrays: recognised without importing Dask, and worked on block by block."""

import sys
from functools import partial, wraps
from importlib import import_module

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
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


def has_dask_twin(module):
    """Let a function of rows hand Dask arrays to its namesake in another module.

    Parameters
    ----------
    module : str
        Name of the module, which may import Dask.

    Returns
    -------
    decorate : callable
        The decorator.
    """

    def decorate(function):
        @wraps(function)
        def wrapper(X, *arguments, **parameters):
            if not is_dask_array(X):
                return function(X, *arguments, **parameters)
            twin = getattr(import_module(module), function.__name__)
            return twin(X, *arguments, **parameters)

        return wrapper

    return decorate


def check_dask_shape(estimator, X, *, reset=True):
    """Check the shape of rows, without computing anything.

    Parameters
    ----------
    estimator : estimator instance
        Whose rows these are; it gets ``n_features_in_``.

    X : dask array
        The rows.

    reset : bool, default=True
        Whether the number of features is learnt; if not, it must be the one known.

    Returns
    -------
    X : dask array of shape (n_samples, n_features)
        The rows, in blocks that hold all features.
    """
    if X.ndim != 2:
        raise ValueError(f"X must be two-dimensional, got {X.ndim} dimensions.")
    if not reset and X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input."
        )
    estimator.n_features_in_ = X.shape[1]
    return whole_rows(X)


def whole_rows(X):
    """Join the blocks of a Dask array that hold parts of the same rows."""
    return X.rechunk({1: -1}) if X.numblocks[1] > 1 else X


def check_dask_rows(estimator, X):
    """Check the shape of rows at once, and their values when blocks are computed.

    Parameters
    ----------
    estimator : estimator instance
        Whose `fit` is given the rows; it gets ``n_features_in_``.

    X : dask array
        The rows.

    Returns
    -------
    X : dask array of shape (n_samples, n_features)
        Rows of single or double precision, in dense blocks of known size that hold all
        features.
    """
    X = check_dask_shape(estimator, X)
    if np.isnan(X.chunks[0]).any():
        X = X.copy().compute_chunk_sizes()
    dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    check = partial(check_array, dtype=dtype, order="C", ensure_min_samples=0)
    return X.map_blocks(check, meta=np.empty((0, 0), dtype))


def gather_rows(values):
    """Fetch a Dask array, whose blocks may be sparse rows; leave others as they are.

    Parameters
    ----------
    values : object
        A Dask array in blocks of rows, or anything else.

    Returns
    -------
    gathered : object
        An array or a CSR array.
    """
    if not is_dask_array(values):
        return values
    from dask import compute

    values = values.rechunk(dict.fromkeys(range(1, values.ndim), -1))
    blocks = compute(*values.to_delayed().ravel())
    if any(sparse.issparse(block) for block in blocks):
        return sparse.vstack(blocks, format="csr")
    return np.concatenate(blocks)


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
    X = whole_rows(X)
    empty = function(np.ones((1, X.shape[1]), dtype=X.dtype))[:0]
    apply = partial(_apply_to_block, function, empty)
    if n_columns is None:
        return X.map_blocks(apply, drop_axis=1, meta=empty)
    return X.map_blocks(apply, chunks=(X.chunks[0], (n_columns,)), meta=empty)


def _apply_to_block(function, empty, block):
    return function(block) if len(block) else empty
