# SPDX-License-Identifier: BSD-3-Clause
"""Labels of which some are missing: -1 stands for an unlabelled row."""

import warnings

import numpy as np
from sklearn.utils.multiclass import check_classification_targets


def encode_partial_labels(y):
    """Number the classes of the labelled rows.

    As in scikit-learn, -1 means unlabelled: in numeric arrays, and in object arrays,
    which may hold strings beside it. Where all rows are labelled -1 or 1, these are the
    two classes, since with a single class there would be nothing to tell apart.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The classes, sorted.

    codes : ndarray of int of shape (n_samples,)
        The class of each row, -1 where it has no label.
    """
    unlabelled = _unlabelled(y)
    if not len(y) or unlabelled.all():
        raise ValueError(
            "y must hold the label of at least one row, but all are -1, which means "
            "unlabelled."
        )
    known = y[~unlabelled]
    check_classification_targets(known)
    if unlabelled.any() and y.dtype.kind in "bif" and (known == 1).all():
        warnings.warn(
            "y holds only -1 and 1, which is read as two classes with every row "
            "labelled: with a single class there is nothing to propagate. Number the "
            "class otherwise, 0 for example, if -1 means unlabelled.",
            UserWarning,
            stacklevel=5,
        )
        unlabelled[:] = False
        known = y
    codes = np.full(len(y), -1, dtype=np.int64)
    classes, codes[~unlabelled] = np.unique(known, return_inverse=True)
    return classes, codes


def _unlabelled(y):
    if y.dtype.kind == "O":
        return np.array([_is_minus_one(label) for label in y], dtype=bool)
    if y.dtype.kind in "US":
        if np.isin(y.astype(str), ["-1"]).any():
            raise ValueError(
                "y must have dtype object where labels are strings and -1 marks "
                "unlabelled rows; in the array of strings given, -1 has become '-1'."
            )
        return np.zeros(len(y), dtype=bool)
    return y == -1


def _is_minus_one(label):
    return not isinstance(label, str) and bool(label == -1)
