# SPDX-License-Identifier: BSD-3-Clause
"""Which rows have no label: those whose entry of y equals a given value."""

import numpy as np
from sklearn.utils import _safe_indexing, column_or_1d


def find_unlabelled(y, unlabeled_value=-1):
    """Find the rows without a label.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.

    unlabeled_value : object, default=-1
        What stands for a missing label: a number, which never equals a string, or a
        string; or NaN or None, each of which stands for both, and for pandas' NA.

    Returns
    -------
    unlabelled : ndarray of bool of shape (n_samples,)
        True where there is no label.
    """
    y = column_or_1d(y)
    if y.dtype.kind in "US":
        _check_that_strings_can_be_unlabelled(y, unlabeled_value)
    elif y.dtype.kind in "biufc" and isinstance(unlabeled_value, str):
        raise ValueError(
            f"y has dtype {y.dtype}, and cannot hold unlabeled_value="
            f"{unlabeled_value!r}; use a number for unlabelled rows, such as -1."
        )
    unlabelled = _equals(y, unlabeled_value)
    _check_that_labels_are_known(y[~unlabelled])
    return unlabelled


def labelled_rows(X, codes, classes):
    """Collect the rows that have a label, on which callbacks may score.

    Parameters
    ----------
    X : object of length n_samples
        Rows.

    codes : ndarray of int of shape (n_samples,)
        The class of each row, below zero where it has no label.

    classes : ndarray of shape (n_classes,)
        The classes.

    Returns
    -------
    data : dict
        Labels as `y`, and as `X` a function that takes the rows once they are asked for.
    """
    rows = np.flatnonzero(codes >= 0)
    return {"X": lambda: _safe_indexing(X, rows), "y": classes[codes[rows]]}


def _equals(y, value):
    """Compare all labels at once where they are numbers, else one by one."""
    if y.dtype.kind in "biufc" and not _is_missing(value):
        return y == value
    return np.array([_equal(label, value) for label in y.tolist()], dtype=bool)


def _equal(label, value):
    """Compare as people do: missing values are alike, and the string '1' is not 1."""
    if _is_missing(label) or _is_missing(value):
        return _is_missing(label) and _is_missing(value)
    if isinstance(label, str) != isinstance(value, str):
        return False
    return bool(label == value)


def _is_missing(label):
    """Recognise None, NaN, and pandas' NA, which alone has no truth value."""
    if label is None or type(label).__name__ == "NAType":
        return True
    return bool(label != label)


def _check_that_strings_can_be_unlabelled(y, unlabeled_value):
    if not isinstance(unlabeled_value, str) and str(unlabeled_value) in y.tolist():
        raise ValueError(
            f"y has dtype string, where {unlabeled_value!r} has become "
            f"{str(unlabeled_value)!r}; use an array of dtype object, or a string of its "
            "own, given as unlabeled_value where there is that parameter."
        )


def _check_that_labels_are_known(labels):
    if labels.dtype.kind in "fcO" and any(map(_is_missing, labels.tolist())):
        raise ValueError(
            "y holds NaN or None; give unlabeled_value=None if that stands for "
            "unlabelled rows."
        )
