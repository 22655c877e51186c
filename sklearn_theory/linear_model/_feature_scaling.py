# SPDX-License-Identifier: BSD-3-Clause
"""Scalings of features, computed from statistics that merge.

A scaling is a pair ``(offset, scale)`` that stands for ``(x - offset) * scale``. Heads
and statistics are mapped through it; rows never need to be, and so sparse rows stay
sparse whatever their signs.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from ._naive_bayes_statistics import (
    ClassStatistics,
    class_statistics,
    merge_statistics,
    overall_mean,
    overall_variance,
)

_CONSTANT = 10 * np.finfo(float).eps


class FeatureSummary(NamedTuple):
    """What all heads and scalings need to know of some rows.

    Attributes
    ----------
    classes : ClassStatistics
        The statistics of naive Bayes.

    lower, upper : ndarray of shape (n_features,)
        The smallest and the largest value of each feature.
    """

    classes: ClassStatistics
    lower: np.ndarray
    upper: np.ndarray


def summarise(X, y, n_classes, weight=None):
    """Summarise rows; those of weight zero are left out."""
    if weight is not None and not np.all(weight > 0):
        kept = weight > 0
        X, y, weight = X[kept], y[kept], weight[kept]
    lower, upper = _column_range(X)
    return FeatureSummary(class_statistics(X, y, n_classes, weight), lower, upper)


def merge_summaries(first, second):
    """Combine the summaries of two disjoint sets of rows."""
    return FeatureSummary(
        merge_statistics(first.classes, second.classes),
        np.minimum(first.lower, second.lower),
        np.maximum(first.upper, second.upper),
    )


def _column_range(X):
    if X.shape[0] == 0:
        return np.full((2, X.shape[1]), [[np.inf], [-np.inf]])
    lower, upper = X.min(axis=0), X.max(axis=0)
    if issparse(X):
        lower, upper = lower.toarray().ravel(), upper.toarray().ravel()
    return lower.astype(float), upper.astype(float)


def _scale_to_unit_range(summary):
    width = summary.upper - summary.lower
    return summary.lower, 1 / np.where(width > 0, width, 1)


def _scale_to_unit_variance(summary):
    mean = overall_mean(summary.classes)
    deviation = np.sqrt(overall_variance(summary.classes))
    constant = deviation <= _CONSTANT * np.abs(mean)
    return mean, 1 / np.where(constant, 1, deviation)


def _leave_as_is(summary):
    return np.zeros_like(summary.lower), np.ones_like(summary.lower)


_SCALINGS = {
    "minmax": _scale_to_unit_range,
    "standard": _scale_to_unit_variance,
    None: _leave_as_is,
}
SCALINGS = frozenset(_SCALINGS)


def scaling_of(summary, scaling):
    """Compute the offset and the scale of each feature."""
    return _SCALINGS[scaling](summary)


def as_scaler(summary, scaling, feature_names=None):
    """Write a scaling as a fitted scaler of scikit-learn, or None for no scaling."""
    if scaling is None:
        return None
    scaler = _SCALERS[scaling](summary)
    scaler.n_features_in_ = len(summary.lower)
    scaler.n_samples_seen_ = summary.classes.counts.sum()
    if feature_names is not None:
        scaler.feature_names_in_ = feature_names
    return scaler


def _min_max_scaler(summary):
    scaler = MinMaxScaler()
    offset, scaler.scale_ = _scale_to_unit_range(summary)
    scaler.min_ = -offset * scaler.scale_
    scaler.data_min_, scaler.data_max_ = summary.lower, summary.upper
    scaler.data_range_ = summary.upper - summary.lower
    return scaler


def _standard_scaler(summary):
    scaler = StandardScaler()
    scaler.mean_, scale = _scale_to_unit_variance(summary)
    scaler.scale_ = 1 / scale
    scaler.var_ = overall_variance(summary.classes)
    return scaler


_SCALERS = {"minmax": _min_max_scaler, "standard": _standard_scaler}
