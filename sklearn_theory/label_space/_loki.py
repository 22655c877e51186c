# SPDX-License-Identifier: BSD-3-Clause
"""Fréchet-mean decoding of any classifier's probabilities."""

from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from ..utils._base import TheoryEstimator
from ..utils._callbacks import fit_task, propagated_callbacks
from ..utils._compat import (
    HasMethods,
    Interval,
    StrOptions,
    _check_sample_weight,
    _fit_context,
    _num_samples,
)
from ..utils._dask import (
    class_columns,
    is_dask_array,
    map_rows,
    over_blocks,
    score_columns,
)
from ._base_classifier import base_metadata, check_base, is_frozen
from ._base_metric import MAX_TABLE, LabelMetric, check_weights, keep_largest
from ._label_positions import check_labels, positions_of
from ._locus import locus, select_next_classes
from ._loki_theory import loki_report
from ._out_of_fold import N_FOLDS, out_of_fold_proba
from ._resolve import as_metric
from ._temperature import best_temperature, log_loss_of, sharpen


def _base_has(method):
    """Tell whether the base estimator has a method, as scikit-learn's wrappers do."""

    def check(self):
        getattr(vars(self).get("estimator_", self._base()), method)
        return True

    return check


class LokiClassifier(MetaEstimatorMixin, ClassifierMixin, TheoryEstimator):
    """Classifier that answers with the Fréchet mean over a metric space of labels.

    A base classifier gives probabilities of the K classes that it was trained on. Instead
    of the most probable one, the label among all N is predicted that minimises the
    probability-weighted squared distance to the observed classes. With distances that
    mean something it predicts classes that were never observed, without retraining, and
    makes smaller mistakes.

    Under the default metric, in which all labels are equally far apart, the predictions
    are those of the base estimator. Under any other, :meth:`predict` differs from the
    argmax of :meth:`predict_proba` by design.

    Parameters
    ----------
    estimator : estimator object, default=None
        A classifier with ``predict_proba``; it may be a pipeline that takes text, frames
        or sparse data, which reach it untouched. None takes ``LogisticRegression()``.
        Wrap a fitted classifier in :class:`sklearn.frozen.FrozenEstimator` to keep it as
        it is; then ``y`` may hold anything, unless a temperature is fitted.

    metric : {"complete", "path"}, array-like of shape (n_labels, n_labels), callable or \
            LabelMetric, default="complete"
        The metric on the labels. "path" is for labels in an order. A callable takes two
        arrays of label positions and returns distances.

    labels : array-like of shape (n_labels,), default=None
        All label values, in the metric's order, which need not be sorted. None takes the
        values in `y`.

    temperature : float or {"nll", "distance"}, default=1.0
        Probabilities are replaced by softmax(log p / temperature) before decoding. "nll"
        fits it to the likelihood of out-of-fold probabilities, "distance" to the squared
        distance of the predictions made from them.

    top_k : int, default=None
        Decode only the `top_k` largest probabilities of each row; None takes all.

    backend : {"auto", "numpy", "torch"}, default="auto"
        "numpy" decodes with BLAS and compiled loops, "torch" on `device`; "auto" takes
        torch where `device` is no CPU.

    device : str, default=None
        A device of torch, such as "cuda", or "auto"; None is the CPU.

    working_memory : float, default=None
        Memory in MiB for temporary arrays; None takes scikit-learn's configuration.

    n_jobs : int, default=None
        Number of threads that decode blocks of rows.

    Attributes
    ----------
    estimator_ : estimator object
        The fitted base classifier.

    classes_ : ndarray of shape (n_labels,)
        All label values, in the metric's order.

    observed_classes_ : ndarray of shape (n_observed,)
        The classes of the base classifier.

    observed_idx_ : ndarray of shape (n_observed,)
        Their positions in `classes_`.

    metric_ : LabelMetric
        The metric.

    temperature_ : float
        The temperature in use.

    n_features_in_ : int
        Number of features, where the base classifier knows it.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features, where the base classifier knows them.

    See Also
    --------
    TreeMetric : The metric of a hierarchy of classes.
    make_metric_scorer : A scorer that counts how far mistakes are off.

    References
    ----------
    .. [1] N. Roberts, X. Li, D. Adila, S. Cromp, T.-H. Huang, J. Zhao, F. Sala.
       "Geometry-Aware Adaptation for Pretrained Models". NeurIPS 2023.
       arXiv:2307.12226.

    Examples
    --------
    Five ordered classes, of which the second and the fourth are not in the data:

    >>> import numpy as np
    >>> from sklearn_theory.label_space import LokiClassifier
    >>> X = np.array([[0.0], [1.0], [9.0], [10.0], [19.0], [20.0]])
    >>> y = [0, 0, 2, 2, 4, 4]
    >>> model = LokiClassifier(metric="path", labels=range(5)).fit(X, y)
    >>> model.predict([[0.0], [5.0], [10.0], [15.0]])
    array([0, 1, 2, 3])
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit"]), None],
        "metric": [
            StrOptions({"complete", "path"}),
            "array-like",
            callable,
            LabelMetric,
        ],
        "labels": ["array-like", None],
        "temperature": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"nll", "distance"}),
        ],
        "top_k": [Interval(Integral, 1, None, closed="left"), None],
        "backend": [StrOptions({"auto", "numpy", "torch"})],
        "device": [str, None],
        "working_memory": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        metric="complete",
        labels=None,
        temperature=1.0,
        top_k=None,
        backend="auto",
        device=None,
        working_memory=None,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.metric = metric
        self.labels = labels
        self.temperature = temperature
        self.top_k = top_k
        self.backend = backend
        self.device = device
        self.working_memory = working_memory
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, **fit_params):
        """Fit the base classifier, and the temperature if it is to be fitted.

        Parameters
        ----------
        X : object of length n_samples
            Training data, whatever the base classifier takes.

        y : array-like of shape (n_samples,)
            Classes. They must be among the labels, unless the base is frozen.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        **fit_params : dict
            Metadata for the base classifier's ``fit``, if metadata routing is enabled.

        Returns
        -------
        self : LokiClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If the base has no ``predict_proba``, the labels are not distinct, a class is
            not among them, or the metric is none or has another number of labels.
        """
        check_base(self._base())
        y, labels = self._check_targets(X, y)
        metric = as_metric(self.metric, len(labels))
        metadata = base_metadata(self, self._base(), sample_weight, fit_params)

        with fit_task(self, max_subtasks=self._n_fits(), X=X, y=y) as context:
            self.estimator_ = self._fit_base(X, y, metadata, context)
            self.classes_, self.metric_ = labels, metric
            self.observed_classes_ = self.estimator_.classes_
            self.observed_idx_ = positions_of(
                self.observed_classes_, labels, "The base classifier's classes_"
            )
            self.temperature_ = self._fit_temperature(
                X, y, sample_weight, metadata, context
            )
        self._n_fit_rows = None if is_frozen(self._base()) else len(y)
        return self

    @over_blocks(lambda model: None)
    def predict(self, X):
        """Predict labels, observed or not.

        Parameters
        ----------
        X : object of length n_samples
            Data, whatever the base classifier takes. A Dask array is decoded block by
            block where the blocks lie, when its result is computed.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The Fréchet means of the probabilities; ties go to the first label.
        """
        check_is_fitted(self, "estimator_")
        return self.classes_[self._decode(self._weights(X), self.observed_idx_)]

    @over_blocks(score_columns)
    def decision_function(self, X):
        """Compute the negated Fréchet variance of every label.

        Parameters
        ----------
        X : object of length n_samples
            Data.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_labels) or (n_samples,)
            Scores in the order of `classes_`; with two labels, the second's minus the
            first's.
        """
        check_is_fitted(self, "estimator_")
        P = self._weights(X)
        if self.top_k is not None:
            P = keep_largest(P, self.top_k)
        scores = -self.metric_.frechet_variance(P, self.observed_idx_)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    @available_if(_base_has("predict_proba"))
    @over_blocks(class_columns)
    def predict_proba(self, X):
        """Predict the base classifier's probabilities, in a column for each label.

        Parameters
        ----------
        X : object of length n_samples
            Data.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_labels)
            Zero in the columns of labels that were never observed.

        Raises
        ------
        ValueError
            If there are more than 20,000 labels.
        """
        check_is_fitted(self, "estimator_")
        if len(self.classes_) > MAX_TABLE:
            raise ValueError(
                f"predict_proba would have {len(self.classes_)} columns; it is refused "
                f"beyond {MAX_TABLE}. Use predict_observed_proba, which has a column for "
                "each observed class."
            )
        P = self.estimator_.predict_proba(X)
        scattered = np.zeros((_num_samples(P), len(self.classes_)), dtype=P.dtype)
        scattered[:, self.observed_idx_] = P
        return scattered

    @available_if(_base_has("predict_proba"))
    @over_blocks(lambda model: len(model.observed_classes_))
    def predict_observed_proba(self, X):
        """Predict the base classifier's probabilities.

        Parameters
        ----------
        X : object of length n_samples
            Data.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_observed)
            In the order of `observed_classes_`.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)

    def predict_from_proba(self, P, classes=None):
        """Predict labels from probabilities that come from elsewhere.

        Parameters
        ----------
        P : {array-like, sparse matrix, dask array} of shape (n_samples, n_columns)
            Probabilities or other non-negative scores, of which only the ratios within a
            row matter. Sparse ones are decoded sparsely, Dask arrays block by block.

        classes : array-like of shape (n_columns,), default=None
            The labels that the columns stand for; None takes `observed_classes_`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The Fréchet means.
        """
        check_is_fitted(self, "estimator_")
        if is_dask_array(P):
            return map_rows(partial(self.predict_from_proba, classes=classes), P)
        observed = self.observed_idx_
        if classes is not None:
            observed = positions_of(
                check_labels(classes, "classes"), self.classes_, "classes"
            )
        P = sharpen(check_weights(P, len(observed)), self.temperature_)
        return self.classes_[self._decode(P, observed)]

    def locus(self, exact=False):
        """Find the labels that this classifier can predict.

        Parameters
        ----------
        exact : bool, default=False
            Whether to decide by linear programs where no closed form is known; without
            it, pairs of observed classes give a lower bound.

        Returns
        -------
        labels : ndarray
            Label values, in the order of `classes_`.
        """
        check_is_fitted(self, "estimator_")
        return self.classes_[locus(self.metric_, self.observed_idx_, exact)]

    def next_class(self, n=1):
        """Choose the classes to collect data for next.

        Parameters
        ----------
        n : int, default=1
            How many.

        Returns
        -------
        labels : ndarray
            Label values in the order of choice; fewer than `n` once every label can be
            predicted.
        """
        check_is_fitted(self, "estimator_")
        return self.classes_[select_next_classes(self.metric_, self.observed_idx_, n)]

    def theory_report(self, X, y):
        """Evaluate the method's assumptions and promises on data.

        Parameters
        ----------
        X : object of length n_samples
            Data that the classifier was not fitted on, for an honest answer.

        y : array-like of shape (n_samples,)
            Their labels, observed in training or not.

        Returns
        -------
        report : TheoryReport
            The locus of the observed classes, calibration, the diversity of predictions,
            and the expected against the achieved squared distance.
        """
        check_is_fitted(self, "estimator_")
        y = column_or_1d(y)
        check_consistent_length(X, y)
        return loki_report(
            metric=self.metric_,
            P=self._weights(X),
            observed=self.observed_idx_,
            decode=self._decode,
            y=positions_of(y, self.classes_, "y"),
            n_fit_rows=self._n_fit_rows,
            n_features=getattr(self, "n_features_in_", None),
        )

    @property
    def n_features_in_(self):
        """Number of features, where the base classifier knows it."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self):
        """Names of features, where the base classifier knows them."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.feature_names_in_

    def get_metadata_routing(self):
        """Describe which metadata go to the base classifier.

        Returns
        -------
        routing : MetadataRouter
            The router.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                estimator=self._base(),
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        base = get_tags(self._base())
        tags.input_tags = base.input_tags
        tags.non_deterministic = base.non_deterministic
        tags.classifier_tags.multi_label = False
        return tags

    # --- steps of fit ----------------------------------------------------------------

    def _base(self):
        return LogisticRegression() if self.estimator is None else self.estimator

    def _n_fits(self):
        """How many classifiers the fit trains, for progress bars."""
        folds = isinstance(self.temperature, str) and not is_frozen(self._base())
        return 1 + (N_FOLDS if folds else 0)

    def _check_targets(self, X, y):
        """Check y, and find all label values; a frozen base needs none of y for that."""
        if is_frozen(self._base()) and not isinstance(self.temperature, str):
            given = self.estimator.classes_ if self.labels is None else self.labels
            return y, check_labels(given)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        if self.labels is not None:
            labels = check_labels(self.labels)
            positions_of(y, labels, "y")
            return y, labels
        if is_frozen(self._base()):
            return y, check_labels(self.estimator.classes_)
        return y, np.unique(y)

    def _fit_base(self, X, y, metadata, context):
        base = clone(self._base())
        with propagated_callbacks(self, context, base, "fit base", X=X, y=y):
            base.fit(X, y, **metadata)
        return base

    def _fit_temperature(self, X, y, sample_weight, metadata, context):
        """Return the temperature, fitted to held-out probabilities if need be."""
        if not isinstance(self.temperature, str):
            return float(self.temperature)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        if "sample_weight" in metadata:
            metadata = {**metadata, "sample_weight": sample_weight}
        P, rows = self._held_out(X, y, sample_weight, metadata, context)
        weights = None if sample_weight is None else sample_weight[rows]
        return best_temperature(P, self._temperature_loss(y[rows], weights))

    def _held_out(self, X, y, sample_weight, metadata, context):
        """Out-of-fold probabilities, or a frozen base's, and the rows they are for."""
        if is_frozen(self.estimator_):
            return self._base_proba(X), np.arange(len(y))
        P, rows = out_of_fold_proba(
            self,
            context,
            self._base(),
            X,
            y,
            self.observed_classes_,
            sample_weight,
            metadata,
        )
        if len(rows) == 0:
            raise ValueError(
                f"temperature={self.temperature!r} needs out-of-fold probabilities, and "
                f"{len(y)} rows of {len(self.observed_classes_)} classes are too few for "
                "them; give a number."
            )
        return P, rows

    def _temperature_loss(self, y, sample_weight):
        """The function of sharpened probabilities that the search minimises."""
        if self.temperature == "nll":
            columns = positions_of(
                y, self.observed_classes_, "With temperature='nll', y"
            )
            return lambda P: log_loss_of(P, columns, sample_weight)
        true = positions_of(y, self.classes_, "y")

        def mean_squared_distance(P):
            predicted = self._decode(P, self.observed_idx_)
            squares = self.metric_.pairwise(true, predicted) ** 2
            return np.average(squares, weights=sample_weight)

        return mean_squared_distance

    # --- steps of prediction ---------------------------------------------------------

    def _base_proba(self, X):
        """The base's probabilities, checked, in float64."""
        P = self.estimator_.predict_proba(X)
        return check_weights(P, len(self.observed_idx_))

    def _weights(self, X):
        """The base's probabilities with the temperature applied."""
        return sharpen(self._base_proba(X), self.temperature_)

    def _decode(self, P, observed):
        return self.metric_.frechet(
            P,
            observed,
            top_k=self.top_k,
            working_memory=self.working_memory,
            n_jobs=self.n_jobs,
            backend=self.backend,
            device=self.device,
        )
