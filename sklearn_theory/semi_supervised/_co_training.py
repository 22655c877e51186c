# SPDX-License-Identifier: BSD-3-Clause
"""The steps of co-training: views, the labels a learner is sure of, and products."""

from numbers import Integral

import numpy as np


def random_halves(n_features, rng):
    """Split the columns into two halves at random.

    Parameters
    ----------
    n_features : int
        Number of columns.

    rng : RandomState
        Draws the halves.

    Returns
    -------
    split : list of 2 ndarrays of int
        The columns of each view, sorted.
    """
    if n_features < 2:
        raise ValueError(
            f"X must have at least 2 columns to be split into views, but "
            f"n_features = {n_features}."
        )
    order = rng.permutation(n_features)
    half = (n_features + 1) // 2
    return [np.sort(order[:half]), np.sort(order[half:])]


def check_feature_split(split, n_features, names):
    """Turn the columns of two views into numbers.

    Parameters
    ----------
    split : pair of array-like
        The columns of each view: numbers, names or a mask.

    n_features : int
        Number of columns.

    names : ndarray of str or None
        Names of the columns, if they have any.

    Returns
    -------
    split : list of 2 ndarrays of int
        The numbers of the columns of each view.
    """
    if len(split) != 2:
        raise ValueError(
            "feature_split must be a pair of column lists, one for each view, got "
            f"{len(split)} of them."
        )
    return [_column_numbers(columns, n_features, names) for columns in split]


def _column_numbers(columns, n_features, names):
    columns = np.atleast_1d(np.asarray(columns))
    if columns.dtype.kind in "OUS":
        columns = _numbers_of_names(columns, names)
    elif columns.dtype.kind == "b" and columns.shape == (n_features,):
        columns = np.flatnonzero(columns)
    is_valid = columns.dtype.kind in "iu" and columns.ndim == 1 and len(columns)
    if not is_valid or columns.min() < -n_features or columns.max() >= n_features:
        raise ValueError(
            "feature_split must hold two lists of columns, each with at least one "
            f"number below n_features = {n_features}, name, or a mask of that length; "
            f"got {columns.tolist()!r}."
        )
    columns = columns % n_features
    if len(np.unique(columns)) < len(columns):
        raise ValueError(f"feature_split names a column twice: {columns.tolist()!r}.")
    return columns


def _numbers_of_names(columns, names):
    if names is None:
        raise ValueError(
            "feature_split holds names, but X is no data frame with names of columns; "
            "use numbers."
        )
    numbers = {name: number for number, name in enumerate(names)}
    unknown = [name for name in columns.tolist() if name not in numbers]
    if unknown:
        raise ValueError(f"feature_split names columns that X lacks: {unknown!r}.")
    return np.array([numbers[name] for name in columns.tolist()], dtype=int)


def check_k(k, n_classes):
    """Return how many rows of each class to label.

    Parameters
    ----------
    k : int or array-like of shape (n_classes,)
        The parameter.

    n_classes : int
        Number of classes.

    Returns
    -------
    k : ndarray of int of shape (n_classes,)
        One number for each class.
    """
    if isinstance(k, Integral):
        return np.full(n_classes, k)
    k = np.asarray(k)
    if (
        k.shape != (n_classes,)
        or k.dtype.kind not in "iu"
        or k.min() < 0
        or not k.any()
    ):
        raise ValueError(
            f"k must be a number or hold one for each of the {n_classes} classes, none "
            f"negative and not all 0, got {k.tolist()!r}."
        )
    return k


def confident_labels(votes, k):
    """Label the rows of each class that a learner is surest of.

    Parameters
    ----------
    votes : ndarray of shape (n_samples, n_classes)
        Its probabilities.

    k : ndarray of int of shape (n_classes,)
        How many rows of each class to label, at most.

    Returns
    -------
    labels : ndarray of int of shape (n_samples,)
        The most probable class of the rows that were picked, -1 for the others. Of
        rows with equal probabilities the first ones are picked.
    """
    best = votes.argmax(axis=1)
    confidence = votes.max(axis=1)
    labels = np.full(len(votes), -1)
    for label, n_rows in enumerate(k):
        rows = np.flatnonzero(best == label)
        surest = rows[np.argsort(-confidence[rows], kind="stable")[:n_rows]]
        labels[surest] = label
    return labels


def agreed_labels(first, second):
    """Join the labels that two learners gave.

    Parameters
    ----------
    first, second : ndarray of int of shape (n_samples,)
        Labels, -1 where there is none.

    Returns
    -------
    labels : ndarray of int of shape (n_samples,)
        The label that one of them or both gave; -1 also where they differ.

    n_conflicts : int
        How many rows got two different labels.
    """
    conflict = (first >= 0) & (second >= 0) & (first != second)
    return np.where(conflict, -1, np.maximum(first, second)), int(conflict.sum())


def combine_views(first, second, prior):
    """Multiply probabilities as of views that are independent within classes.

    Parameters
    ----------
    first, second : ndarray of shape (n_samples, n_classes)
        Probabilities of the classes given each view.

    prior : ndarray of shape (n_classes,)
        Probabilities of the classes.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes)
        Proportional to ``first * second / prior``; the mean where that is zero.
    """
    product = first * second / prior
    total = product.sum(axis=1, keepdims=True)
    is_positive = total > 0
    return np.where(
        is_positive, product / np.where(is_positive, total, 1), (first + second) / 2
    ).astype(first.dtype, copy=False)
