# SPDX-License-Identifier: BSD-3-Clause
"""Probabilities of rows by classifiers that were fitted without them."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import indexable

from ..utils._callbacks import iterate_subtasks
from ..utils._compat import _safe_indexing, _safe_split
from ..utils._content_folds import folds_by_content
from ..utils._fit_metadata import take_metadata
from ._label_positions import positions_of

N_FOLDS = 5


def out_of_fold_proba(model, context, base, X, y, classes, sample_weight, metadata):
    """Fit the base on all folds but one and predict that one, for each fold.

    Folds depend on the content of the rows, and rows of weight zero count as absent, so
    that weight two is the row given twice. Rows of a fold whose training rows hold too
    few classes are left out.

    Parameters
    ----------
    model : estimator
        The estimator that is being fitted, for its callbacks.

    context : sklearn.callback.CallbackContext
        The task in which each fold is a sub-task.

    base : estimator
        The base classifier.

    X : object of length n_samples
        Data.

    y : ndarray of shape (n_samples,)
        Classes.

    classes : ndarray of shape (n_classes,)
        The columns of the result.

    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows.

    metadata : dict
        What the base's fit is given.

    Returns
    -------
    P : ndarray of shape (n_rows, n_classes)
        Probabilities; classes that a fold's training rows lack have zeros.

    rows : ndarray of shape (n_rows,)
        The rows that they are for.
    """
    (X,) = indexable(X)
    used = np.arange(len(y)) if sample_weight is None else np.flatnonzero(sample_weight)
    folds = folds_by_content(_safe_indexing(X, used), y[used], N_FOLDS)
    parts, rows = [np.empty((0, len(classes)))], [np.empty(0, dtype=np.intp)]
    for fold in iterate_subtasks(model, context, range(N_FOLDS), "fold"):
        train, test = used[folds != fold], used[folds == fold]
        if len(test) and len(np.unique(y[train])) >= min(2, len(classes)):
            parts.append(_fold_proba(base, X, y, classes, metadata, train, test))
            rows.append(test)
    return np.vstack(parts), np.concatenate(rows)


def _fold_proba(base, X, y, classes, metadata, train, test):
    """Probabilities of the rows in `test` by a base that was fitted on `train`."""
    X_train, y_train = _safe_split(base, X, y, train)
    X_test, _ = _safe_split(base, X, y, test, train)
    fitted = clone(base).fit(X_train, y_train, **take_metadata(metadata, train, len(y)))
    P = np.zeros((len(test), len(classes)))
    columns = positions_of(fitted.classes_, classes, "The base classifier's classes_")
    P[:, columns] = fitted.predict_proba(X_test)
    return P
