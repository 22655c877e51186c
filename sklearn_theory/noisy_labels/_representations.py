# SPDX-License-Identifier: BSD-3-Clause
"""The representation that labels are judged in: rows as they are, or a transformer's."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._callbacks import propagated_callbacks

_DTYPES = (np.float64, np.float32)


def check_samples(estimator, X, y, reset=True):
    """Check rows and labels; rows for a transformer are left to it.

    Parameters
    ----------
    estimator : RCAL
        The estimator, which keeps names and number of features.

    X : array-like of shape (n_samples, n_features)
        Rows.

    y : array-like of shape (n_samples,)
        Labels.

    reset : bool, default=True
        Whether these are the rows of training.

    Returns
    -------
    X : array-like of shape (n_samples, n_features)
        The rows.

    y : ndarray of shape (n_samples,)
        The labels.
    """
    if estimator.representation is None:
        X, y = validate_data(estimator, X, y, dtype=_DTYPES, reset=reset)
    else:
        X = check_rows(estimator, X, reset=reset)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
    check_classification_targets(y)
    return X, y


def check_rows(estimator, X, reset=False):
    """Check rows; those for a transformer are left to it, but for their columns.

    Parameters
    ----------
    estimator : RCAL
        The estimator.

    X : array-like of shape (n_samples, n_features)
        Rows.

    reset : bool, default=False
        Whether these are the rows of training.

    Returns
    -------
    X : array-like of shape (n_samples, n_features)
        The rows.
    """
    if estimator.representation is None:
        return validate_data(estimator, X, dtype=_DTYPES, reset=reset)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    return X


def fit_representation(estimator, context, X, random):
    """Return the transformer: as it is if it is fitted, else fitted without labels.

    Parameters
    ----------
    estimator : RCAL
        The estimator.

    context : sklearn.callback.CallbackContext
        The task of its fit.

    X : array-like of shape (n_samples, n_features)
        Rows.

    random : RandomState
        Seeds the transformer where it has no seed.

    Returns
    -------
    representation : estimator or None
        The fitted transformer.
    """
    representation = estimator.representation
    if representation is None or is_fitted(representation):
        return representation
    representation = seeded_clone(representation, random)
    with propagated_callbacks(
        estimator, context, representation, "representation", X=X
    ):
        representation.fit(X)
    return representation


def is_fitted(estimator):
    """Tell whether an estimator can be used without fitting it first."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def seeded_clone(estimator, random):
    """Clone an estimator and give a seed to all of it that has none."""
    estimator = clone(estimator)
    seeds = {
        name: random.randint(np.iinfo(np.int32).max)
        for name, value in sorted(estimator.get_params(deep=True).items())
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    return estimator.set_params(**seeds)


def represent(representation, X):
    """Represent rows as a dense array of finite numbers.

    Parameters
    ----------
    representation : estimator or None
        The fitted transformer.

    X : array-like of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    Z : ndarray of shape (n_samples, n_components)
        The rows in the representation.
    """
    if representation is None:
        return X
    Z = representation.transform(X)
    if issparse(Z):
        raise ValueError(
            f"representation={representation!r} returns sparse rows, but covariances "
            "need dense ones; end it with a transformer that returns dense rows, such "
            "as TruncatedSVD."
        )
    return check_array(Z, dtype=_DTYPES, input_name="the representation of X")
