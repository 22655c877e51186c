# SPDX-License-Identifier: BSD-3-Clause
"""The learners that teach each other: how they are made, checked and fitted."""

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import validate_data

from ..utils._compat import _num_samples, _routing_enabled
from ..utils._fit_metadata import take_metadata
from ._partial_labels import encode_partial_labels
from ._votes import take_rows


def default_base(estimator):
    """Return the base that the parameter `estimator` stands for.

    Parameters
    ----------
    estimator : estimator instance or None
        The parameter.

    Returns
    -------
    base : estimator instance
        A random forest instead of None.
    """
    return RandomForestClassifier() if estimator is None else estimator


def seeded_clone(base, rng):
    """Clone a base, and seed the random states that its owner has left open.

    Parameters
    ----------
    base : estimator instance
        The base.

    rng : RandomState
        Draws a seed for each random state that is None, also of nested estimators.

    Returns
    -------
    learner : estimator instance
        The clone; fitting it again gives the same result.
    """
    learner = clone(base)
    if hasattr(learner, "get_params"):
        open_states = [
            name
            for name, value in sorted(learner.get_params(deep=True).items())
            if name.rpartition("__")[2] == "random_state" and value is None
        ]
        seeds = rng.randint(np.iinfo(np.int32).max, size=len(open_states))
        learner.set_params(**dict(zip(open_states, map(int, seeds))))
    return learner


def fit_on_rows(learner, X, labels, rows, metadata):
    """Fit a clone of a learner on some rows, with their part of the metadata.

    Parameters
    ----------
    learner : estimator instance
        The learner, not fitted.

    X : {ndarray, sparse matrix, data frame} of length n_samples
        All rows.

    labels : ndarray of shape (n_samples,)
        Their labels; only those of `rows` are looked at.

    rows : ndarray of int
        Which rows to fit on; one may occur more than once.

    metadata : dict
        Metadata of the fit for all rows.

    Returns
    -------
    fitted : estimator instance
        The fitted clone.
    """
    metadata = take_metadata(metadata, rows, _num_samples(X))
    return clone(learner).fit(take_rows(X, rows), labels[rows], **metadata)


def check_rows(estimator, X, y=None, *, reset=False):
    """Check rows, and labels if any; data frames stay data frames.

    Whether values are finite is left to the learners.

    Parameters
    ----------
    estimator : estimator instance
        Whose rows these are.

    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The rows.

    y : array-like of shape (n_samples,) or None, default=None
        The labels.

    reset : bool, default=False
        Whether to remember the number and the names of the features.

    Returns
    -------
    X : {ndarray, csr matrix, data frame} of shape (n_samples, n_features)
        The rows.

    y : ndarray of shape (n_samples,)
        The labels; not returned if `y` is None.
    """
    if hasattr(X, "columns"):
        return _check_frame(estimator, X, y, reset)
    data = (X,) if y is None and not reset else (X, y)
    return validate_data(
        estimator, *data, accept_sparse="csr", ensure_all_finite=False, reset=reset
    )


def _check_frame(estimator, X, y, reset):
    if y is None and not reset:
        return validate_data(estimator, X, skip_check_array=True, reset=False)
    validate_data(estimator, X, y, skip_check_array=True, reset=reset)
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y", estimator_name=type(estimator).__name__)
    check_consistent_length(X, y)
    return X, y


def encode_labels(y, unlabeled_value):
    """Number the classes; a y of which only 1 is a label has one class.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels.

    unlabeled_value : int, float, str or None
        What stands for a missing label.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The classes, sorted.

    codes : ndarray of int of shape (n_samples,)
        The class of each row, -1 where it has no label.
    """
    return encode_partial_labels(y, unlabeled_value, signs_are_classes=False)


def routed_to(estimator, params):
    """Tell which metadata of a fit go to which learner.

    Parameters
    ----------
    estimator : estimator instance
        The owner of the learners.

    params : dict
        What was given to its fit; empty unless metadata routing is enabled.

    Returns
    -------
    routed : dict of str to dict
        For the name of each learner the metadata of its fit.
    """
    if not _routing_enabled():
        return {}
    routed = process_routing(estimator, "fit", **params)
    return {name: methods.fit for name, methods in routed.items()}
