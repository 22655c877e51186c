# SPDX-License-Identifier: BSD-3-Clause
"""The one door to scikit-learn's private helpers.

These names are private in scikit-learn, yet its own template for third-party
estimators relies on them. Everything else in the library imports them from here, so
that a rename upstream is mended in one place.
"""

from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils.metadata_routing import _raise_for_params, _routing_enabled
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_sample_weight, _num_samples

__all__ = [
    "HasMethods",
    "Hidden",
    "Interval",
    "InvalidParameterError",
    "Options",
    "StrOptions",
    "_check_sample_weight",
    "_fit_context",
    "_num_samples",
    "_raise_for_params",
    "_routing_enabled",
    "_safe_indexing",
    "_safe_split",
    "has_callbacks",
    "validate_params",
]


def has_callbacks(estimator):
    """Tell whether callbacks are set on `estimator`, by the user or by a parent.

    Parameters
    ----------
    estimator : estimator instance
        The estimator to look at.

    Returns
    -------
    has_callbacks : bool
        True if at least one callback listens.
    """
    return bool(getattr(estimator, "_skl_callbacks", ()))
