# SPDX-License-Identifier: BSD-3-Clause
"""Votes of a classifier for all classes, and the rows and weights it is fitted with."""

import numpy as np
from sklearn.utils.metadata_routing import MetadataRouter, get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from ..utils._compat import _num_samples, _routing_enabled, _safe_indexing


def class_votes(model, X, classes):
    """Predict probabilities with a column for each of the given classes.

    Parameters
    ----------
    model : estimator
        A fitted classifier with ``predict_proba``; its ``classes_`` may lack some.

    X : object of length n_samples
        Rows.

    classes : ndarray of shape (n_classes,)
        All classes, sorted.

    Returns
    -------
    votes : ndarray of shape (n_samples, n_classes)
        Zero in the columns of classes that the model does not know.
    """
    return spread_votes(model.predict_proba(X), model.classes_, classes, model)


def spread_votes(votes, known, classes, model):
    """Put the columns of votes where all classes have theirs; refuse NaN."""
    votes = np.asarray(votes)
    if votes.shape[1:] != (len(known),):
        raise ValueError(
            f"The probabilities of estimator={model!r} have shape {votes.shape}, but "
            f"it knows {len(known)} classes; a column for each is needed."
        )
    if not np.isfinite(votes).all():
        n_rows = int((~np.isfinite(votes)).any(axis=1).sum())
        raise ValueError(
            f"The votes of estimator={model!r} are NaN or infinite on {n_rows} rows; "
            "its probabilities must be finite."
        )
    if len(known) == len(classes):
        return votes
    spread = np.zeros((len(votes), len(classes)), dtype=votes.dtype)
    spread[:, np.searchsorted(classes, known)] = votes
    return spread


def take_rows(X, rows):
    """Take rows of an array, a sparse matrix, a data frame or a list.

    Parameters
    ----------
    X : object of length n_samples
        Rows; sparse matrices in a format with rows that can be indexed.

    rows : ndarray of int
        Which.

    Returns
    -------
    taken : object of length n_rows
        `X` itself if all rows are taken in their order.
    """
    n_samples = _num_samples(X)
    if len(rows) == n_samples and np.array_equal(rows, np.arange(n_samples)):
        return X
    return _safe_indexing(X, rows)


def accepts_weights(estimator):
    """Tell whether weights of rows can be handed to the fit of a classifier.

    Parameters
    ----------
    estimator : estimator
        The classifier.

    Returns
    -------
    accepts_weights : bool
        True if its ``fit`` has the parameter ``sample_weight``; with metadata routing,
        for a classifier of others, if one of these has requested it.
    """
    if _routing_enabled():
        routing = get_routing_for_object(estimator)
        if isinstance(routing, MetadataRouter):
            return "sample_weight" in routing.consumes("fit", {"sample_weight"})
    return has_fit_parameter(estimator, "sample_weight")
