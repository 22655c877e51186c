# SPDX-License-Identifier: BSD-3-Clause
"""Heads as fitted estimators, in the units of the input."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from ._head_selection import smoothing_of
from ._linear_head import LinearHead
from ._shared_variance_nb import SharedVarianceNB


def naive_bayes_model(summary, classes, settings, feature_names=None):
    """Write summarised rows as a fitted naive Bayes.

    Its variances carry the smoothing of the scaled features, in the units of the
    input.
    """
    model = SharedVarianceNB(
        priors=settings.priors, var_smoothing=settings.var_smoothing
    )
    model._set_head(classes, summary.classes, smoothing_of(summary, settings))
    return _with_features(model, feature_names)


def logistic_model(fit, classes, settings, feature_names=None):
    """Write a logistic fit as a fitted estimator of scikit-learn; None stays None."""
    if fit is None:
        return None
    model = LogisticRegression(
        C=settings.C,
        solver=settings.solver,
        max_iter=settings.max_iter,
        tol=settings.tol,
    )
    model.coef_, model.intercept_ = fit.head
    model.classes_ = classes
    model.n_iter_ = np.array([fit.n_iter], dtype=np.int32)
    return _with_features(model, feature_names)


def _with_features(model, feature_names):
    model.n_features_in_ = model.coef_.shape[1]
    if feature_names is not None:
        model.feature_names_in_ = feature_names
    return model


def head_of(model):
    """Read the head of a fitted linear classifier."""
    return LinearHead(model.coef_, model.intercept_)
