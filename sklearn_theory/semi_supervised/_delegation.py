# SPDX-License-Identifier: BSD-3-Clause
"""A meta-classifier that predicts as its fitted base does."""

from sklearn.base import ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..utils._base import TheoryEstimator
from ..utils._compat import _raise_for_params, _routing_enabled
from ._learners import check_rows

_DELEGATED = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score",
)


def _base_has(method):
    """Tell whether the base has a method, fitted or else as it was given."""

    def check(model):
        base = model.estimator_ if hasattr(model, "estimator_") else model._base()
        getattr(base, method)
        return True

    return check


class DelegatingClassifier(ClassifierMixin, MetaEstimatorMixin, TheoryEstimator):
    """Inference methods that call the base's, where it has them.

    Subclasses fit ``estimator_``, and say by ``_base()`` what it is fitted from.
    """

    @available_if(_base_has("predict"))
    def predict(self, X, **params):
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        **params : dict
            Metadata for the base's ``predict``, if metadata routing is enabled.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels.
        """
        return self._delegate("predict", X, params=params)

    @available_if(_base_has("predict_proba"))
    def predict_proba(self, X, **params):
        """Predict probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        **params : dict
            Metadata for the base's ``predict_proba``, if metadata routing is enabled.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return self._delegate("predict_proba", X, params=params)

    @available_if(_base_has("predict_log_proba"))
    def predict_log_proba(self, X, **params):
        """Predict logarithms of probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        **params : dict
            Metadata for the base's ``predict_log_proba``, if metadata routing is
            enabled.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return self._delegate("predict_log_proba", X, params=params)

    @available_if(_base_has("decision_function"))
    def decision_function(self, X, **params):
        """Compute the base's decision function.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        **params : dict
            Metadata for the base's ``decision_function``, if metadata routing is
            enabled.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            What the base returns.
        """
        return self._delegate("decision_function", X, params=params)

    @available_if(_base_has("score"))
    def score(self, X, y, **params):
        """Compute the base's score.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            Their labels, all of them known.

        **params : dict
            Metadata for the base's ``score``, if metadata routing is enabled.

        Returns
        -------
        score : float
            What the base returns; the accuracy unless it says otherwise.
        """
        return self._delegate("score", X, y, params=params)

    def get_metadata_routing(self):
        """Describe which metadata go to the base.

        Returns
        -------
        routing : MetadataRouter
            The router.
        """
        mapping = MethodMapping()
        for method in ("fit", *_DELEGATED):
            mapping.add(caller=method, callee=method)
        router = MetadataRouter(owner=self)
        return router.add(estimator=self._base(), method_mapping=mapping)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        base = get_tags(self._base())
        tags.input_tags = base.input_tags
        tags.non_deterministic = base.non_deterministic
        tags.classifier_tags.multi_label = False
        return tags

    def _delegate(self, method, X, *y, params):
        """Call a method of the base with the metadata that it requested."""
        _raise_for_params(params, self, method)
        check_is_fitted(self, "estimator_")
        routed = {}
        if _routing_enabled():
            routed = process_routing(self, method, **params).estimator[method]
        return getattr(self.estimator_, method)(check_rows(self, X), *y, **routed)
