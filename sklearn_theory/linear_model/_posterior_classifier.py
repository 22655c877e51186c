# SPDX-License-Identifier: BSD-3-Clause
"""What classifiers have in common whose scores have the posterior as their softmax."""

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin

from ..utils._base import TheoryEstimator
from ..utils._dask import class_columns, over_blocks, score_columns
from ._linear_head import decide
from ._samples import check_rows


class PosteriorClassifier(ClassifierMixin, TheoryEstimator):
    """Predict from scores, which subclasses compute in ``_scores(X)``.

    The scores have one column, the log-odds of the second class, if there are two
    classes, else one column a class. All methods take Dask arrays, and then return
    Dask arrays that nothing has computed yet.
    """

    @over_blocks(score_columns)
    def decision_function(self, X):
        """Compute the scores of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The log-odds of the second class if there are two classes, else scores
            whose softmax is the posterior.
        """
        scores = self._scores(check_rows(self, X))
        return scores[:, 0] if scores.shape[1] == 1 else scores

    @over_blocks(lambda estimator: None)
    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The predicted labels.
        """
        scores = self._scores(check_rows(self, X))
        return self.classes_[decide(scores)]

    @over_blocks(class_columns)
    def predict_proba(self, X):
        """Compute the posterior probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Probabilities of the classes, in the order of ``classes_``.
        """
        scores = self._scores(check_rows(self, X)).astype(float, copy=False)
        if scores.shape[1] == 1:
            return expit(np.hstack([-scores, scores]))
        return softmax(scores, axis=1)

    @over_blocks(class_columns)
    def predict_log_proba(self, X):
        """Compute the logarithms of the posterior probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Log-probabilities of the classes, in the order of ``classes_``.
        """
        scores = self._scores(check_rows(self, X)).astype(float, copy=False)
        if scores.shape[1] == 1:
            return log_expit(np.hstack([-scores, scores]))
        return log_softmax(scores, axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
