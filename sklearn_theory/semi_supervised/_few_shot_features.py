# SPDX-License-Identifier: BSD-3-Clause
"""Features as few-shot methods compare them: centred, of unit length, and shifted.

Rows are moved by one vector and divided by their norms. Unlabelled rows are then moved
so that their mean is that of the labelled ones: of a few labelled rows the mean is far
from that of all rows, by an offset that has nothing to do with the classes.
"""

from functools import partial

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize as scale_rows
from sklearn.utils import check_array

from ..utils._dask import is_dask_array


def find_centre(X, center, base_mean):
    """Find what is subtracted from every row.

    Parameters
    ----------
    X : {ndarray, sparse matrix, dask array} of shape (n_samples, n_features)
        Rows of training.

    center : {"auto"} or None
        If None, nothing is subtracted, nor is it from sparse rows, whose zeros would
        be lost.

    base_mean : array-like of shape (n_features,) or None
        The mean of other rows, in place of that of `X`.

    Returns
    -------
    centre : ndarray of shape (n_features,) or None
        What is subtracted.
    """
    if base_mean is not None:
        return _check_base_mean(X, center, base_mean)
    if center is None or sparse.issparse(X):
        return None
    return _mean(X)


def compared_features(X, centre, normalize):
    """Subtract the centre, and divide rows by their norms if `normalize` says so."""
    if centre is not None:
        X = X - centre
    if normalize is None:
        return X
    if is_dask_array(X):
        scale = partial(_scale_block, norm=normalize)
        return X.map_blocks(scale, meta=np.empty((0, 0), X.dtype))
    return scale_rows(X, normalize)


def find_shift(X, labelled):
    """Find the mean of the labelled rows minus that of the others, None without them.

    Parameters
    ----------
    X : {ndarray, sparse matrix, dask array} of shape (n_samples, n_features)
        Rows.

    labelled : ndarray of bool of shape (n_samples,)
        Which of them have a label.

    Returns
    -------
    shift : ndarray of shape (n_features,) or None
        What is to be added to rows without label.
    """
    if labelled.all():
        return None
    if sparse.issparse(X):
        raise ValueError(
            "shift=True would fill the zeros of the sparse matrix X; set shift=False."
        )
    return _mean(X[labelled]) - _mean(X[~labelled])


def shift_rows(X, shift, labelled=None):
    """Move the rows without label; all rows if `labelled` is None."""
    if shift is None:
        return X
    if labelled is None:
        return X + shift
    return np.where(labelled[:, np.newaxis], X, X + shift)


def _mean(X):
    return np.asarray(X.mean(axis=0, dtype=np.float64)).astype(X.dtype)


def _scale_block(block, norm):
    return scale_rows(block, norm) if len(block) else block


def _check_base_mean(X, center, base_mean):
    if center is None:
        raise ValueError("base_mean is given, but center=None: set center='auto'.")
    if sparse.issparse(X):
        raise ValueError(
            "base_mean would fill the zeros of the sparse matrix X; subtract it from "
            "dense rows, or set base_mean=None."
        )
    base_mean = check_array(
        base_mean, ensure_2d=False, dtype=X.dtype, input_name="base_mean"
    )
    if base_mean.shape != (X.shape[1],):
        raise ValueError(
            f"base_mean must have shape {(X.shape[1],)}, one entry for each feature of "
            f"X, got {base_mean.shape}."
        )
    return base_mean
