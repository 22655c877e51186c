# SPDX-License-Identifier: BSD-3-Clause
"""Scores that know how far a wrong label is from the right one."""

import numpy as np
from sklearn.metrics import make_scorer
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import column_or_1d

from ._base_metric import LabelMetric
from ._label_positions import check_labels, positions_of
from ._resolve import as_metric


def squared_distance_score(y_true, y_pred, metric, labels=None, *, sample_weight=None):
    """Compute the mean squared distance between true and predicted labels.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.

    y_pred : array-like of shape (n_samples,)
        Predicted labels.

    metric : {"complete", "path"}, array-like, callable or LabelMetric
        The metric on the labels.

    labels : array-like of shape (n_labels,) or None, default=None
        All label values in the metric's order. None takes positions: 0, 1, ... in the
        order of a metric that knows its number of labels; "complete" needs no labels.

    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights of the rows.

    Returns
    -------
    score : float
        The mean; zero is perfect, smaller is better.

    Raises
    ------
    ValueError
        If a value is not among the labels, or `labels` is missing where the values alone
        do not tell which labels there are.

    Examples
    --------
    >>> from sklearn_theory.label_space import squared_distance_score
    >>> squared_distance_score([0, 3, 4], [1, 3, 2], metric="path", labels=range(5))
    1.6666666666666667
    """
    y_true, y_pred = column_or_1d(y_true), column_or_1d(y_pred)
    check_consistent_length(y_true, y_pred, sample_weight)
    labels = _all_labels(metric, labels, y_true, y_pred)
    metric = as_metric(metric, len(labels))
    distances = metric.pairwise(
        positions_of(y_true, labels, "y_true"), positions_of(y_pred, labels, "y_pred")
    )
    return float(np.average(distances**2, weights=sample_weight))


def _all_labels(metric, labels, y_true, y_pred):
    """The labels; a guess from the values would shift the positions of all others."""
    if labels is not None:
        return check_labels(labels)
    if isinstance(metric, str) and metric == "complete":
        return np.union1d(y_true, y_pred)
    if isinstance(metric, str) or (
        callable(metric) and not isinstance(metric, LabelMetric)
    ):
        raise ValueError(
            f"labels is needed with metric={metric!r}: all label values in the metric's "
            "order, also those that are absent from y_true and y_pred."
        )
    n_labels = metric.n_labels if isinstance(metric, LabelMetric) else len(metric)
    return np.arange(n_labels)


def make_metric_scorer(metric, labels=None):
    """Make a scorer, for searches and cross-validation, from a metric on labels.

    Parameters
    ----------
    metric : {"complete", "path"}, array-like, callable or LabelMetric
        The metric on the labels.

    labels : array-like of shape (n_labels,) or None, default=None
        All label values in the metric's order; None as in
        :func:`squared_distance_score`.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` returns the negated mean squared distance.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn_theory.label_space import make_metric_scorer
    >>> X, y = load_iris(return_X_y=True)
    >>> scorer = make_metric_scorer("path", labels=[0, 1, 2])
    >>> scorer(GaussianNB().fit(X, y), X, y)
    -0.04
    """
    return make_scorer(
        squared_distance_score, greater_is_better=False, metric=metric, labels=labels
    )
