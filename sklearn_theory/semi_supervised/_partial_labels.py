# SPDX-License-Identifier: BSD-3-Clause
"""Labels of which some are missing: -1 stands for an unlabelled row."""

import warnings

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from ..utils._unlabelled import find_unlabelled


def encode_partial_labels(y, unlabeled_value=-1, *, signs_are_classes=True):
    """Number the classes of the labelled rows.

    As in scikit-learn, -1 means unlabelled: in numeric arrays, and in object arrays,
    which may hold strings beside it. Where all rows are labelled -1 or 1, these are the
    two classes, since with a single class there would be nothing to tell apart.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels.

    unlabeled_value : int, float, str or None, default=-1
        What stands in `y` for a missing label.

    signs_are_classes : bool, default=True
        Whether -1 and 1 are two classes, with a warning, where `y` holds nothing else
        and -1 would mean unlabelled; if False, 1 is then the only class.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The classes, sorted.

    codes : ndarray of int of shape (n_samples,)
        The class of each row, -1 where it has no label.
    """
    unlabelled = find_unlabelled(y, unlabeled_value)
    if not len(y) or unlabelled.all():
        raise ValueError(
            "y must hold the label of at least one row, but all are "
            f"{unlabeled_value!r}, which means unlabelled."
        )
    known = y[~unlabelled]
    check_classification_targets(known)
    if signs_are_classes and _holds_only_signs(y, unlabelled, unlabeled_value):
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


def _holds_only_signs(y, unlabelled, unlabeled_value):
    """Tell whether all labels are 1 and all missing ones -1."""
    return (
        y.dtype.kind in "bif"
        and unlabeled_value == -1
        and unlabelled.any()
        and bool((y[~unlabelled] == 1).all())
    )
