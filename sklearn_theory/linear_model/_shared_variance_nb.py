# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian naive Bayes whose classes share the variances of the features."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..utils import TheoryReport
from ..utils._callbacks import fit_task
from ..utils._compat import Interval, StrOptions, _fit_context
from ..utils._dask import class_columns, over_blocks
from . import _naive_bayes_report as report_parts
from ._linear_head import (
    LinearHead,
    as_log_odds,
    class_centre,
    class_shares,
    naive_bayes_head,
    row_log_density,
    scores,
)
from ._naive_bayes_statistics import (
    class_statistics,
    merge_statistics,
    overall_variance,
    shared_variance,
)
from ._naive_bayes_theory import measure
from ._posterior_classifier import PosteriorClassifier
from ._samples import (
    check_priors,
    check_rows,
    check_samples,
    encode_labels,
    observed_classes,
    reduce_samples,
    streamed_classes,
)


class SharedVarianceNB(PosteriorClassifier):
    r"""Gaussian naive Bayes with variances shared by the classes.

    The features are modelled as independent Gaussians given the class, with means
    :math:`\mu_{ki}` of the class's own and variances :math:`v_i` that all classes
    share. The posterior is then the softmax of linear scores: it is the generative
    counterpart of multinomial logistic regression, and reaches its own best error
    after a number of samples that grows with the logarithm of the number of features
    only [1]_.

    Fitting takes one pass that collects class counts, class means and centred sums of
    squares. They merge exactly, so :meth:`partial_fit` on batches gives what
    :meth:`fit` gives on all rows, and Dask arrays are summarised where their blocks
    lie. Predicting is one matrix product.

    Parameters
    ----------
    priors : array-like of shape (n_classes,), default=None
        Class probabilities, in the order of ``classes_``. If None, the weighted shares
        of the classes in the training data.

    var_smoothing : float, default=1e-9
        What is added to the variances; positive, so that constant features are
        harmless.

    smoothing : {"absolute", "relative"}, default="absolute"
        Whether `var_smoothing` is added as it is, or multiplied by the largest
        variance of a feature over all rows, as
        :class:`~sklearn.naive_bayes.GaussianNB` does.

    Attributes
    ----------
    theta_ : ndarray of shape (n_classes, n_features)
        Means of the features in each class; zero for a class without rows.

    var_ : ndarray of shape (n_features,)
        Variances of the features about the means of their classes, with smoothing.

    class_count_ : ndarray of shape (n_classes,)
        Weight of the training samples of each class.

    class_prior_ : ndarray of shape (n_classes,)
        Class probabilities.

    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients of the scores, :math:`(\mu_k - \bar\mu) / v` with the mean
        :math:`\bar\mu` over classes, which no posterior depends on; for two classes,
        those of the second minus those of the first.

    intercept_ : ndarray of shape (n_classes,) or (1,)
        Intercepts of the scores; minus infinity for a class without rows.

    classes_ : ndarray of shape (n_classes,)
        The class labels.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    NaiveBayesVsLogistic : Chooses between this head and a logistic one.
    sklearn.naive_bayes.GaussianNB : Naive Bayes with variances of each class's own.
    sklearn.linear_model.LogisticRegression : The discriminative counterpart.

    Notes
    -----
    A sample of weight two counts as the same sample given twice, and a sample of
    weight zero as one that is not there.

    Sparse rows are used as they are; only the means are dense.

    References
    ----------
    .. [1] C. Zheng, G. Wu, F. Bao, Y. Cao, C. Li and J. Zhu, "Revisiting
       Discriminative vs. Generative Classifiers: Theory and Implications", ICML 2023,
       arXiv:2302.02334.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_theory.linear_model import SharedVarianceNB
    >>> X, y = load_iris(return_X_y=True)
    >>> naive_bayes = SharedVarianceNB().fit(X, y)
    >>> naive_bayes.coef_.shape
    (3, 4)
    >>> print(f"{naive_bayes.score(X, y):.3f}")
    0.960
    """

    _parameter_constraints: dict = {
        "priors": ["array-like", None],
        "var_smoothing": [Interval(Real, 0, None, closed="neither")],
        "smoothing": [StrOptions({"absolute", "relative"})],
    }

    def __init__(self, *, priors=None, var_smoothing=1e-9, smoothing="absolute"):
        self.priors = priors
        self.var_smoothing = var_smoothing
        self.smoothing = smoothing

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit naive Bayes.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Training rows. Of a Dask array only the statistics of its blocks travel.

        y : {array-like, dask array} of shape (n_samples,)
            Labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; all one if None.

        Returns
        -------
        self : SharedVarianceNB
            The fitted estimator.
        """
        with fit_task(self, X=X, y=y, metadata={"sample_weight": sample_weight}):
            X, y, sample_weight = check_samples(self, X, y, sample_weight)
            classes = observed_classes(y, sample_weight)
            check_priors(self.priors, len(classes))
            self._set_head(classes, _summarise(X, y, sample_weight, classes))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Update naive Bayes with a batch of samples.

        The result is that of :meth:`fit` on all samples so far, however they were cut
        into batches; batches need not hold every class.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Rows of the batch.

        y : {array-like, dask array} of shape (n_samples,)
            Labels of the batch.

        classes : array-like of shape (n_classes,), default=None
            All labels that will ever occur; needed on the first call only.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; all one if None.

        Returns
        -------
        self : SharedVarianceNB
            The updated estimator.
        """
        classes = streamed_classes(self, classes)
        check_priors(self.priors, len(classes))
        first = not hasattr(self, "_statistics")
        X, y, sample_weight = check_samples(self, X, y, sample_weight, reset=first)
        statistics = _summarise(X, y, sample_weight, classes)
        if not first:
            statistics = merge_statistics(self._statistics, statistics)
        self._set_head(classes, statistics)
        return self

    @over_blocks(class_columns)
    def joint_log_likelihood(self, X):
        """Compute the logarithms of the joint densities of rows and classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples, n_classes)
            ``log P(k) + log p(x | k)`` for each row and class.
        """
        X = check_rows(self, X)
        head = naive_bayes_head(self._statistics, self._smoothing, self.priors)
        centre = class_centre(self._statistics, self.priors)
        shared = row_log_density(X, centre, self.var_)
        return scores(X, head) + shared[:, np.newaxis]

    def theory_report(self, X, y):
        """Evaluate the assumptions and the promises of the theory on data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, those of training or new ones.

        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        report : TheoryReport
            Variances, drift and variance of the log-odds; the bounds on the means, on
            the decisions and on the error; and the two sample complexities.
        """
        check_is_fitted(self)
        X, y, _ = check_samples(self, X, y, None, reset=False)
        labels = encode_labels(y, self.classes_)
        measured = measure(X, labels, len(self.classes_), self._smoothing)
        report = TheoryReport("SharedVarianceNB: sample complexity O(log n)")
        report_parts.add_assumptions(report, measured)
        head = LinearHead(self.coef_, self.intercept_)
        report_parts.add_naive_bayes_promises(report, measured, head, self.priors)
        report_parts.add_sample_complexities(report, measured)
        return report

    def _set_head(self, classes, statistics, smoothing=None):
        """Turn statistics into the fitted attributes."""
        if smoothing is None:
            unit = _SMOOTHING_UNITS[self.smoothing](statistics)
            smoothing = self.var_smoothing * unit
        self.classes_, self._statistics, self._smoothing = (
            classes,
            statistics,
            smoothing,
        )
        self.class_count_, self.theta_, _ = statistics
        self.class_prior_ = _reported_priors(self.class_count_, self.priors)
        self.var_ = shared_variance(statistics, smoothing)
        head = naive_bayes_head(statistics, smoothing, self.priors)
        self.coef_, self.intercept_ = as_log_odds(head)

    def _scores(self, X):
        return scores(X, LinearHead(self.coef_, self.intercept_))


def _summarise(X, y, sample_weight, classes):
    return reduce_samples(
        class_statistics, merge_statistics, X, y, sample_weight, classes
    )


def _reported_priors(counts, priors):
    return class_shares(counts) if priors is None else np.asarray(priors, dtype=float)


def _one(statistics):
    return 1.0


def _largest_variance(statistics):
    return overall_variance(statistics).max() or 1.0


_SMOOTHING_UNITS = {"absolute": _one, "relative": _largest_variance}
