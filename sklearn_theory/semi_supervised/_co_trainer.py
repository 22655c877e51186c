# SPDX-License-Identifier: BSD-3-Clause
"""Co-training: two learners, each with its own columns, label rows for each other."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted

from ..utils import TheoryReport
from ..utils._base import TheoryEstimator
from ..utils._callbacks import fit_task, iterate_subtasks
from ..utils._compat import (
    HasMethods,
    Interval,
    _fit_context,
    _raise_for_params,
    _safe_indexing,
)
from ..utils._unlabelled import labelled_rows
from . import _co_training_report as report_parts
from ._co_training import (
    agreed_labels,
    check_feature_split,
    check_k,
    combine_views,
    confident_labels,
    random_halves,
)
from ._learners import (
    check_rows,
    default_base,
    encode_labels,
    fit_on_rows,
    routed_to,
    seeded_clone,
)
from ._votes import class_votes, take_rows


class CoTrainer(MetaEstimatorMixin, ClassifierMixin, TheoryEstimator):
    r"""Co-training of two learners, each of which sees some of the columns.

    The columns fall into two views, such as the words of a page and the words of the
    links to it. A learner is fitted on each view of the labelled rows. In each round
    both pick, from a pool of unlabelled rows, those that they are surest of, and label
    them; both are fitted again on all rows that have a label by then [1]_.

    If, within each class, what one view shows is independent of what the other shows,
    then the rows that one learner is sure of are a random sample of the class to the
    other, and the rate at which the two disagree, which needs no labels, bounds the
    error of both [2]_.

    Parameters
    ----------
    estimator : estimator, default=None
        The learner of the first view, with ``fit`` and ``predict_proba``; None is a
        :class:`~sklearn.ensemble.RandomForestClassifier`.

    estimator_2 : estimator, default=None
        The learner of the second view; None is another `estimator`.

    feature_split : pair of array-like, default=None
        The columns of the first view and those of the second, by number, as a mask, or
        by name if `X` is a data frame. They may overlap, and need not hold all columns.
        None draws two halves at random.

    k : int or array-like of shape (n_classes,), default=1
        How many rows of each class, at most, each learner labels in a round: a number
        for each class in sorted order, or one for all. As their ratios become those of
        the training set, they should be like those of the classes.

    pool_size : int or None, default=75
        How many unlabelled rows the learners choose from. The pool is drawn at random
        and filled up after every round. None is all of them.

    max_iter : int or None, default=30
        The most rounds; None goes on until every row has a label.

    unlabeled_value : int, float, str or None, default=-1
        What `y` holds where a row has no label.

    random_state : int, RandomState instance or None, default=None
        Draws the views and the pool, and seeds the learners where their own
        ``random_state`` is None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    class_prior_ : ndarray of shape (n_classes,)
        Shares of the classes among the labelled rows.

    estimators_ : list of 2 estimators
        The fitted learners of the two views.

    feature_split_ : list of 2 ndarrays
        The numbers of the columns of each view.

    transduction_ : ndarray of shape (n_samples,)
        The labels used for the last fit; `unlabeled_value` for rows without one.

    labeled_iter_ : ndarray of shape (n_samples,)
        The round in which each row got its label; 0 if it was given, -1 if it has none.

    history_ : dict of str to ndarray
        For each round, ``labels_given``, of shape (n_iter, 2, n_classes), counts the
        rows that each learner labelled; ``conflicts`` those that both picked with
        different labels; ``rows_left`` those without a label after it.

    n_iter_ : int
        The number of rounds; 1 if there were no unlabelled rows.

    termination_condition_ : {"max_iter", "no_change", "all_labeled", "callback"}
        Why the rounds ended.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    TriTrainer : Three learners that see all columns.
    SelfTrainer : One learner teaches itself.

    Notes
    -----
    As in [1]_, rows that one learner labels are training rows of both. A row that both
    pick with different labels gets none in that round.

    Predicted probabilities are proportional to
    :math:`p_1(c|x) \, p_2(c|x) / \pi_c`, the posterior if views are independent within
    classes, where :math:`\pi_c` is ``class_prior_``. Where no class has a positive
    product they are the mean of the two.

    With metadata routing enabled, ``fit`` hands metadata such as ``sample_weight`` to
    the learners that request them; weights of pseudo-labelled rows are those given for
    these rows.

    References
    ----------
    .. [1] A. Blum and T. Mitchell, "Combining Labeled and Unlabeled Data with
       Co-Training", COLT 1998.
    .. [2] S. Dasgupta, M. Littman and D. McAllester, "PAC Generalization Bounds for
       Co-Training", NIPS 2001.
    .. [3] M.-R. Amini, V. Feofanov, L. Pauletto, L. Hadjadj, E. Devijver and Y.
       Maximov, "Self-Training: A Survey", 2022, arXiv:2202.12040.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn_theory.semi_supervised import CoTrainer
    >>> rng = np.random.default_rng(0)
    >>> truth = np.arange(400) % 2
    >>> X = rng.normal(size=(400, 6)) + truth[:, None]
    >>> y = np.where(np.arange(400) < 6, truth, -1)
    >>> model = CoTrainer(GaussianNB(), feature_split=([0, 1, 2], [3, 4, 5]))
    >>> model.set_params(random_state=0).fit(X, y).score(X, truth) > 0.85
    True
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit"]), None],
        "estimator_2": [HasMethods(["fit"]), None],
        "feature_split": ["array-like", None],
        "k": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "pool_size": [Interval(Integral, 1, None, closed="left"), None],
        "max_iter": [Interval(Integral, 0, None, closed="left"), None],
        "unlabeled_value": [Real, str, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        estimator_2=None,
        *,
        feature_split=None,
        k=1,
        pool_size=75,
        max_iter=30,
        unlabeled_value=-1,
        random_state=None,
    ):
        self.estimator = estimator
        self.estimator_2 = estimator_2
        self.feature_split = feature_split
        self.k = k
        self.pool_size = pool_size
        self.max_iter = max_iter
        self.unlabeled_value = unlabeled_value
        self.random_state = random_state

    # The learners are validated when they are fitted.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **params):
        """Fit both learners, and let them label rows for each other.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, labelled or not.

        y : array-like of shape (n_samples,)
            Labels; `unlabeled_value` where there is none.

        **params : dict
            Metadata for the fits of the learners; needs metadata routing to be enabled.

        Returns
        -------
        self : CoTrainer
            The fitted estimator.
        """
        _raise_for_params(params, self, "fit")
        with fit_task(self, max_subtasks=self.max_iter, X=X, y=y) as context:
            X, y, codes = self._check_samples(X, y)
            rng = check_random_state(self.random_state)
            views = self._split_columns(X, rng)
            fit_learners = self._make_fit(views, rng, routed_to(self, params))
            queue = rng.permutation(np.flatnonzero(codes < 0))
            self._begin(codes)
            self.estimators_ = fit_learners(codes)
            for _ in iterate_subtasks(
                self,
                context,
                self._rounds(),
                "round",
                data=labelled_rows(X, codes, self.classes_),
                reconstruct=self._predictive,
            ):
                n_labelled = self._label(views, queue[: self.pool_size], codes)
                if n_labelled:
                    queue = queue[codes[queue] < 0]
                    self.estimators_ = fit_learners(codes)
                self._record(n_labelled, len(queue))
            self._end(y, codes)
        return self

    def predict(self, X):
        """Predict the class that the product of probabilities is largest for.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The most probable labels.
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X):
        """Multiply the probabilities of both learners.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Values that sum to one, in the order of ``classes_``.
        """
        check_is_fitted(self)
        X = check_rows(self, X)
        return combine_views(*self._votes(self._views(X)), self.class_prior_)

    def theory_report(self, X, y):
        """Evaluate the assumptions and the promises of the theory on data.

        What needs labels is estimated from the labelled rows by fitting both learners
        anew on four fifths of them and predicting the rest, five times.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, labelled or not.

        y : array-like of shape (n_samples,)
            Labels; `unlabeled_value` where there is none.

        Returns
        -------
        report : TheoryReport
            Whether each view suffices, whether views are independent within classes,
            and the rate of disagreement beside the errors that it bounds.
        """
        check_is_fitted(self)
        X, y = check_rows(self, X, y)
        classes, codes = encode_labels(y, self.unlabeled_value)
        report = TheoryReport("CoTrainer: two views that agree")
        views = self._views(X)
        held_out = report_parts.held_out_predictions(
            self.estimators_, views, codes, classes
        )
        report_parts.add_sufficiency(report, held_out, classes)
        report_parts.add_independence(report, held_out, classes)
        report_parts.add_bound(report, held_out)
        predictions = [votes.argmax(axis=1) for votes in self._votes(views)]
        report_parts.add_disagreement(report, predictions, codes)
        return report

    def get_metadata_routing(self):
        """Get the metadata that the fits of the learners request.

        Returns
        -------
        routing : MetadataRouter
            Hands metadata to ``estimator`` and, if there is one, ``estimator_2``.
        """
        router = MetadataRouter(owner=self)
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router.add(estimator=default_base(self.estimator), method_mapping=mapping)
        if self.estimator_2 is not None:
            router.add(estimator_2=self.estimator_2, method_mapping=mapping)
        return router

    def _check_samples(self, X, y):
        X, y = check_rows(self, X, y, reset=True)
        self.classes_, codes = encode_labels(y, self.unlabeled_value)
        self.class_prior_ = np.bincount(codes[codes >= 0]) / np.sum(codes >= 0)
        self._k = check_k(self.k, len(self.classes_))
        return X, y, codes

    def _split_columns(self, X, rng):
        """Find the columns of both views, and take them."""
        n_features = self.n_features_in_
        names = getattr(self, "feature_names_in_", None)
        if self.feature_split is None:
            self.feature_split_ = random_halves(n_features, rng)
        else:
            self.feature_split_ = check_feature_split(
                self.feature_split, n_features, names
            )
        return self._views(X)

    def _views(self, X):
        return [_safe_indexing(X, columns, axis=1) for columns in self.feature_split_]

    def _bases(self):
        first = default_base(self.estimator)
        second = first if self.estimator_2 is None else self.estimator_2
        return [first, second]

    def _make_fit(self, views, rng, routed):
        """Make the function that fits both learners on the rows that have a label."""
        learners = [seeded_clone(base, rng) for base in self._bases()]
        first = routed.get("estimator", {})
        metadata = [first, routed.get("estimator_2", first)]

        def fit_learners(codes):
            rows = np.flatnonzero(codes >= 0)
            labels = self.classes_[codes]
            return [
                fit_on_rows(learner, view, labels, rows, given)
                for learner, view, given in zip(learners, views, metadata)
            ]

        return fit_learners

    def _begin(self, codes):
        self.labeled_iter_ = np.where(codes >= 0, 0, -1)
        self.history_ = {"labels_given": [], "conflicts": [], "rows_left": []}
        self.n_iter_ = 0
        self.termination_condition_ = self._reason_to_end(1, np.sum(codes < 0))

    def _rounds(self):
        """Number the rounds, until there is a reason to end other than a callback."""
        while self.termination_condition_ == "callback":
            self.n_iter_ += 1
            yield self.n_iter_

    def _predictive(self):
        """Collect what prediction needs, fitted so far."""
        names = ("classes_", "class_prior_", "estimators_", "feature_split_")
        names += ("n_features_in_", "feature_names_in_")
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _votes(self, views):
        return [
            class_votes(learner, view, self.classes_)
            for learner, view in zip(self.estimators_, views)
        ]

    def _label(self, views, pool, codes):
        """Let both learners label rows of the pool; return how many got a label."""
        votes = self._votes([take_rows(view, pool) for view in views])
        picks = [confident_labels(vote, self._k) for vote in votes]
        labels, n_conflicts = agreed_labels(*picks)
        codes[pool] = labels
        self.labeled_iter_[pool[labels >= 0]] = self.n_iter_
        self.history_["labels_given"].append(
            [
                np.bincount(pick[pick >= 0], minlength=len(self.classes_))
                for pick in picks
            ]
        )
        self.history_["conflicts"].append(n_conflicts)
        return np.sum(labels >= 0)

    def _record(self, n_labelled, n_left):
        self.history_["rows_left"].append(n_left)
        self.termination_condition_ = self._reason_to_end(n_labelled, n_left)

    def _reason_to_end(self, n_labelled, n_left):
        """Find why to end; if the rounds end though nothing asks, it is a callback."""
        reasons = {
            "all_labeled": n_left == 0,
            "max_iter": self.n_iter_ == self.max_iter,
            "no_change": n_labelled == 0,
        }
        return next((reason for reason, holds in reasons.items() if holds), "callback")

    def _end(self, y, codes):
        labelled = codes >= 0
        self.transduction_ = y.copy()
        self.transduction_[labelled] = self.classes_[codes[labelled]]
        self.n_iter_ = max(self.n_iter_, 1)
        shapes = {"labels_given": (-1, 2, len(self.classes_))}
        self.history_ = {
            name: np.array(values, dtype=int).reshape(shapes.get(name, -1))
            for name, values in self.history_.items()
        }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inputs = [get_tags(base).input_tags for base in self._bases()]
        tags.input_tags.sparse = all(each.sparse for each in inputs)
        tags.input_tags.allow_nan = all(each.allow_nan for each in inputs)
        return tags
