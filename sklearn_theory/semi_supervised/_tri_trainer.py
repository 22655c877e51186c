# SPDX-License-Identifier: BSD-3-Clause
"""Tri-training: what two of three learners agree on is taught to the third."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted

from ..utils import TheoryReport
from ..utils._base import TheoryEstimator
from ..utils._callbacks import fit_task, iterate_subtasks
from ..utils._compat import HasMethods, Interval, _fit_context, _raise_for_params
from ..utils._unlabelled import labelled_rows
from . import _tri_training_report as report_parts
from ._learners import (
    check_rows,
    default_base,
    encode_labels,
    fit_on_rows,
    routed_to,
    seeded_clone,
)
from ._tri_training import bootstrap_rows, count_votes, joint_error, lesson_size
from ._votes import class_votes

_OTHERS = ((1, 2), (0, 2), (0, 1))


class TriTrainer(MetaEstimatorMixin, ClassifierMixin, TheoryEstimator):
    r"""Tri-training of three learners.

    Three copies of a classifier are fitted on bootstrap samples of the labelled rows.
    In each round, the unlabelled rows on which two of them agree may be taught to the
    third, which is then fitted on all labelled rows and these [1]_. They are taught
    only if that is sure to help: with :math:`e` the error of the two where they agree,
    measured on labelled rows, and :math:`L` the rows to be taught, :math:`e'` and
    :math:`L'` those of the third learner's last lesson,

    .. math::

        0 < \frac{e}{e'} < \frac{|L'|}{|L|} < 1

    must hold: more rows, but fewer wrong ones. If only the number of wrong ones is too
    large, as many rows are drawn from :math:`L` as may be. Rounds end when no learner
    is taught. The three then vote.

    The base needs no probabilities, and no second view of the data.

    Parameters
    ----------
    estimator : estimator, default=None
        The classifier, with ``fit`` and ``predict``; None is a
        :class:`~sklearn.ensemble.RandomForestClassifier`.

    max_iter : int or None, default=None
        The most rounds. With None they end by themselves, since a learner's error
        :math:`e` falls with every lesson, and can take few values.

    unlabeled_value : int, float, str or None, default=-1
        What `y` holds where a row has no label.

    random_state : int, RandomState instance or None, default=None
        Draws the bootstrap samples and the rows to be taught, and seeds the learners
        where their own ``random_state`` is None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    estimators_ : list of 3 estimators
        The fitted learners.

    transduction_ : ndarray of shape (n_samples,)
        The given labels, and the vote of the three learners on all other rows.

    labeled_iter_ : ndarray of shape (n_samples,)
        The round in which each row was first taught to a learner; 0 if its label was
        given, -1 if it was never taught.

    history_ : dict of str to ndarray
        Arrays of shape (n_iter, 3) with a row for each round and a column for each
        learner: the ``error`` of the other two where they agree on labelled rows, on
        how many unlabelled rows they agree (``n_agreed``), and how many of these the
        learner was taught (``n_taught``).

    n_iter_ : int
        The number of rounds; 1 if there were no unlabelled rows.

    termination_condition_ : {"no_change", "max_iter", "all_labeled", "callback"}
        Why the rounds ended; ``"all_labeled"`` if all labels were given.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    CoTrainer : Two learners, each with its own columns.
    SelfTrainer : One learner teaches itself.
    sklearn.ensemble.BaggingClassifier : The learners before they teach each other, and
        more of them.

    Notes
    -----
    The errors are measured on labelled rows on which the learners were fitted, as in
    [1]_. A base that fits these perfectly makes them too small: the first lessons are
    then accepted as they are, and are the last. Limit such a base, for example by
    ``min_samples_leaf``.

    Where the three predict three classes, their mean probabilities decide, or if the
    base has none, the order of the classes.

    With metadata routing enabled, ``fit`` hands metadata such as ``sample_weight`` to
    the learners if they request them; those of a row go with it into the bootstrap
    samples, which are drawn without regard to weights.

    References
    ----------
    .. [1] Z.-H. Zhou and M. Li, "Tri-Training: Exploiting Unlabeled Data Using Three
       Classifiers", IEEE Transactions on Knowledge and Data Engineering, 2005.
    .. [2] D. Angluin and P. Laird, "Learning from Noisy Examples", Machine Learning,
       1988.
    .. [3] M.-R. Amini, V. Feofanov, L. Pauletto, L. Hadjadj, E. Devijver and Y.
       Maximov, "Self-Training: A Survey", 2022, arXiv:2202.12040.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sklearn_theory.semi_supervised import TriTrainer
    >>> X, truth = load_digits(return_X_y=True)
    >>> labelled = np.random.default_rng(0).random(len(truth)) < 0.1
    >>> y = np.where(labelled, truth, -1)
    >>> tree = DecisionTreeClassifier(min_samples_leaf=3)
    >>> model = TriTrainer(tree, random_state=0).fit(X, y)
    >>> alone = DecisionTreeClassifier(min_samples_leaf=3, random_state=0)
    >>> alone = alone.fit(X[labelled], truth[labelled])
    >>> model.score(X, truth) > alone.score(X, truth)
    True
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "max_iter": [Interval(Integral, 0, None, closed="left"), None],
        "unlabeled_value": [Real, str, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self, estimator=None, *, max_iter=None, unlabeled_value=-1, random_state=None
    ):
        self.estimator = estimator
        self.max_iter = max_iter
        self.unlabeled_value = unlabeled_value
        self.random_state = random_state

    # The learners are validated when they are fitted.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **params):
        """Fit three learners, and let two at a time teach the third.

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
        self : TriTrainer
            The fitted estimator.
        """
        _raise_for_params(params, self, "fit")
        with fit_task(self, max_subtasks=self.max_iter, X=X, y=y) as context:
            X, y = check_rows(self, X, y, reset=True)
            self.classes_, codes = encode_labels(y, self.unlabeled_value)
            rng = check_random_state(self.random_state)
            fit_learner = self._make_fit(X, rng, routed_to(self, params))
            self._begin(codes)
            samples = [bootstrap_rows(codes, rng) for _ in range(3)]
            self.estimators_ = [fit_learner(i, codes, samples[i]) for i in range(3)]
            opinions = self._opinions(X)
            for _ in iterate_subtasks(
                self,
                context,
                self._rounds(),
                "round",
                data=labelled_rows(X, codes, self.classes_),
                reconstruct=self._predictive,
            ):
                lessons = self._plan_lessons(opinions, codes, rng)
                for i, lesson in lessons.items():
                    self._teach(i, *lesson, codes, fit_learner)
                    opinions[i] = self._opinion(i, X)
                self.termination_condition_ = self._reason_to_end(lessons)
            self._end(X, y, codes)
        return self

    def predict(self, X):
        """Predict by a vote of the learners.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The labels with the most votes.
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X):
        """Average the votes of the three learners and their mean probabilities.

        The mean probabilities count as a fourth vote, which decides ties and no others.
        If the base has none, the probabilities are shares of votes.

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
        counts = count_votes(self._opinions(X), len(self.classes_))
        if not all(hasattr(learner, "predict_proba") for learner in self.estimators_):
            return counts / 3
        votes = [class_votes(each, X, self.classes_) for each in self.estimators_]
        return (counts + sum(votes) / 3) / 4

    def theory_report(self, X, y):
        """Evaluate the assumptions and the promises of the theory on data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, labelled or not.

        y : array-like of shape (n_samples,)
            Labels; `unlabeled_value` where there is none. Errors are measured on the
            labelled rows, and are too small if these are rows of training.

        Returns
        -------
        report : TheoryReport
            How diverse the learners are and how often they err where they agree; the
            error of the vote beside its bound, and for every lesson the effective number
            of examples before and after.
        """
        check_is_fitted(self)
        X, y = check_rows(self, X, y)
        codes = self._encode(y)
        opinions = self._opinions(X)
        vote = np.searchsorted(self.classes_, self.predict(X))
        report = TheoryReport("TriTrainer: three learners that teach each other")
        report_parts.add_diversity(report, opinions)
        report_parts.add_joint_errors(report, opinions, codes)
        report_parts.add_error_of_the_vote(report, opinions, vote, codes)
        n_labelled = int(np.sum(self.labeled_iter_ == 0))
        report_parts.add_lessons(report, self.history_, n_labelled)
        return report

    def get_metadata_routing(self):
        """Get the metadata that the fits of the learners request.

        Returns
        -------
        routing : MetadataRouter
            Hands metadata to ``estimator``.
        """
        return MetadataRouter(owner=self).add(
            estimator=default_base(self.estimator),
            method_mapping=MethodMapping().add(caller="fit", callee="fit"),
        )

    def _make_fit(self, X, rng, routed):
        """Make the function that fits one of the learners on some rows."""
        learners = [seeded_clone(default_base(self.estimator), rng) for _ in range(3)]
        metadata = routed.get("estimator", {})

        def fit_learner(i, codes, rows):
            return fit_on_rows(learners[i], X, self.classes_[codes], rows, metadata)

        return fit_learner

    def _begin(self, codes):
        self.labeled_iter_ = np.where(codes >= 0, 0, -1)
        self.history_ = {"error": [], "n_agreed": [], "n_taught": []}
        self._last_lessons = [(0.5, 0)] * 3
        self.n_iter_ = 0
        is_last = self.max_iter == 0
        self.termination_condition_ = "max_iter" if is_last else "callback"
        if np.all(codes >= 0):
            self.termination_condition_ = "all_labeled"

    def _rounds(self):
        """Number the rounds, until there is a reason to end other than a callback."""
        while self.termination_condition_ == "callback":
            self.n_iter_ += 1
            yield self.n_iter_

    def _predictive(self):
        """Collect what prediction needs, fitted so far."""
        names = ("classes_", "estimators_", "n_features_in_", "feature_names_in_")
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _encode(self, y):
        """Number labels as in the fit; classes it did not know have numbers beyond."""
        classes, codes = encode_labels(y, self.unlabeled_value)
        numbers = {label: number for number, label in enumerate(self.classes_.tolist())}
        n_classes = len(numbers)
        aligned = [numbers.get(label, n_classes) for label in classes.tolist()]
        return np.where(codes >= 0, np.array(aligned)[codes], -1)

    def _opinions(self, X):
        return np.array([self._opinion(i, X) for i in range(3)])

    def _opinion(self, i, X):
        """Predict the numbers of classes by one of the learners."""
        return np.searchsorted(self.classes_, self.estimators_[i].predict(X))

    def _plan_lessons(self, opinions, codes, rng):
        """Find for each learner what the other two may teach it: rows and labels."""
        unlabelled, labelled = codes < 0, codes >= 0
        lessons, record = {}, []
        for i, (j, k) in enumerate(_OTHERS):
            known = opinions[:, labelled]
            error = joint_error(known[j], known[k], codes[labelled])
            rows = np.flatnonzero(unlabelled & (opinions[j] == opinions[k]))
            size = lesson_size(error, len(rows), *self._last_lessons[i])
            record.append((error, len(rows), size))
            if size:
                taught = rng.permutation(rows)[:size] if size < len(rows) else rows
                taught = np.sort(taught)
                lessons[i] = taught, opinions[j, taught]
                self._last_lessons[i] = error, size
        for values, column in zip(self.history_.values(), zip(*record)):
            values.append(column)
        return lessons

    def _teach(self, i, rows, labels, codes, fit_learner):
        """Fit a learner on the labelled rows and on those of its lesson."""
        first_time = rows[self.labeled_iter_[rows] < 0]
        self.labeled_iter_[first_time] = self.n_iter_
        known = np.flatnonzero(codes >= 0)
        lesson = codes.copy()
        lesson[rows] = labels
        self.estimators_[i] = fit_learner(i, lesson, np.concatenate([known, rows]))

    def _reason_to_end(self, lessons):
        if self.n_iter_ == self.max_iter:
            return "max_iter"
        return "callback" if lessons else "no_change"

    def _end(self, X, y, codes):
        unlabelled = codes < 0
        self.transduction_ = y.copy()
        if unlabelled.any():
            self.transduction_[unlabelled] = self.predict(X)[unlabelled]
        self.n_iter_ = max(self.n_iter_, 1)
        self.history_ = {
            name: np.array(values).reshape(-1, 3)
            for name, values in self.history_.items()
        }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inputs = get_tags(default_base(self.estimator)).input_tags
        tags.input_tags.sparse = inputs.sparse
        tags.input_tags.allow_nan = inputs.allow_nan
        return tags
