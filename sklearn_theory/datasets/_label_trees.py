# SPDX-License-Identifier: BSD-3-Clause
"""Random trees of labels, and classes that diverge along their edges."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state


def make_label_tree(n_labels=100, *, random_state=None):
    """Draw a random recursive tree: each node hangs under an earlier one.

    Parameters
    ----------
    n_labels : int, default=100
        The number of nodes.

    random_state : int, RandomState instance or None, default=None
        Pass an int for the same tree at every call.

    Returns
    -------
    parents : ndarray of shape (n_labels,)
        The parent of each node, -1 for the root, which is node 0.

    Raises
    ------
    ValueError
        If `n_labels` is not a positive integer.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_label_tree
    >>> make_label_tree(5, random_state=0)
    array([-1,  0,  1,  1,  1])
    """
    if not isinstance(n_labels, Integral) or n_labels < 1:
        raise ValueError(f"n_labels must be a positive integer, got {n_labels!r}.")
    rng = check_random_state(random_state)
    parents = (rng.uniform(size=n_labels) * np.arange(n_labels)).astype(np.int64)
    parents[0] = -1
    return parents


def make_tree_classification(
    parents,
    n_samples_per_class=20,
    *,
    n_features=32,
    noise=3.0,
    random_state=None,
    return_means=False,
):
    """Draw Gaussian classes whose means diffuse from parent to child.

    The mean of a class is its parent's plus standard normal noise; a row is the mean of
    its class plus normal noise of the standard deviation `noise`.

    Parameters
    ----------
    parents : array-like of shape (n_classes,)
        The parent of each class, which must come before it; -1 for the root.

    n_samples_per_class : int, default=20
        Rows of each class.

    n_features : int, default=32
        Number of features.

    noise : float, default=3.0
        Standard deviation of the rows about the mean of their class.

    random_state : int, RandomState instance or None, default=None
        Pass an int for the same data at every call.

    return_means : bool, default=False
        Whether to return the means too.

    Returns
    -------
    X : ndarray of shape (n_classes * n_samples_per_class, n_features)
        The rows, class by class.

    y : ndarray of shape (n_classes * n_samples_per_class,)
        Their classes: positions in `parents`.

    means : ndarray of shape (n_classes, n_features)
        The means, only if `return_means` is True.

    Raises
    ------
    ValueError
        If a parent does not come before its child.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_label_tree, make_tree_classification
    >>> X, y = make_tree_classification(make_label_tree(10, random_state=0), 3)
    >>> X.shape, y.shape
    ((30, 32), (30,))
    """
    parents = np.asarray(parents)
    late = np.flatnonzero(parents >= np.arange(len(parents)))
    if late.size:
        raise ValueError(
            f"parents[{late[0]}] = {parents[late[0]]} does not come before its child."
        )
    rng = check_random_state(random_state)
    means = rng.normal(size=(len(parents), n_features))
    for child, parent in enumerate(parents):
        if parent >= 0:
            means[child] += means[parent]
    y = np.repeat(np.arange(len(parents)), n_samples_per_class)
    X = means[y] + noise * rng.normal(size=(len(y), n_features))
    return (X, y, means) if return_means else (X, y)
