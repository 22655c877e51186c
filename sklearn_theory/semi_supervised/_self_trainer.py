# SPDX-License-Identifier: BSD-3-Clause
"""Self-training: a classifier that teaches itself, as far as its policy lets it."""

from itertools import count
from numbers import Integral, Real

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..utils import TheoryReport
from ..utils._callbacks import fit_task, iterate_subtasks
from ..utils._compat import (
    HasMethods,
    Interval,
    StrOptions,
    _check_sample_weight,
    _fit_context,
    _raise_for_params,
)
from ..utils._unlabelled import labelled_rows
from . import _self_training_report as report_parts
from ._delegation import DelegatingClassifier
from ._learners import check_rows, encode_labels, seeded_clone
from ._mislabelling import estimate_noise, out_of_bag_votes
from ._pseudo_labels import PseudoLabels
from ._self_training_checks import (
    balances,
    base_metadata,
    check_combination,
    check_threshold,
)
from ._self_training_display import SelfTrainingDisplay
from ._self_training_history import SelfTrainingHistory
from ._self_training_learners import frozen_copy, make_learner
from ._self_training_policies import (
    POLICIES,
    PolicySettings,
    SelfTrainingState,
    make_policy,
)
from ._self_training_posteriors import POSTERIORS, make_posterior
from ._transductive_bound import N_GRID, ThresholdSearch, selection_bound
from ._votes import class_votes, take_rows


class SelfTrainer(DelegatingClassifier):
    r"""Teach a classifier by its own confident predictions on unlabelled rows.

    The base classifier is fitted to the labelled rows and votes on the others, with the
    probabilities :math:`v(x, c)`. A policy chooses thresholds :math:`\theta_c`; rows
    whose largest vote reaches the threshold of its class get that class as a
    pseudo-label, and the base is fitted again, until no row is added [1]_.

    By default the thresholds minimise, in each round and for each class, a bound on the
    error among the rows to be added (:func:`bound_thresholds`), so that there is no
    confidence level to choose.

    Parameters
    ----------
    estimator : estimator instance, default=None
        The base, a classifier with ``predict_proba``. If None, a random forest of 100
        trees.

    policy : str or callable, default="bound"
        Which rows get a pseudo-label in a round.

        - ``"bound"``: those above the thresholds of least transductive bound;
        - ``"binary_bound"``: those above the margin of least binary bound, the same for
          both classes; two classes only;
        - ``"fixed"``: those with a vote of at least `threshold`;
        - ``"mean"``: with at least the mean of the largest votes;
        - ``"top_k"``: the `k` largest votes;
        - ``"random"``: `k` rows at random, as a control;
        - ``"curriculum"``: the largest votes, a share of `step` more in each round;
        - ``"flexmatch"``: those above 0.95, and less for classes of which fewer rows
          are; all, while no row is;
        - ``"freematch"``: those above the mean largest vote, scaled by the share of the
          votes that the class gets;
        - a function of the votes on the candidates, of shape (n_candidates, n_classes),
          and of a state with ``n_round``, ``n_unlabelled``, ``posterior``,
          ``sample_weight``, ``classes`` and ``random``, that returns a boolean mask, a
          threshold or an array of thresholds.

    threshold : float or array-like of shape (n_classes,), default=0.75
        The threshold, or one for each class in the order of ``classes_``, of
        ``policy="fixed"``. Rows that just reach it are added.

    k : int or float, default=0.1
        How many rows ``"top_k"`` and ``"random"`` add in a round; a float is a share of
        all unlabelled rows.

    step : float, default=0.2
        By which share the quantile of ``"curriculum"`` falls in each round.

    posterior : str or array-like of shape (n_samples, n_classes), default="initial"
        What the bounds take for the class probabilities of unlabelled rows.

        - ``"initial"``: the votes of the first, supervised model;
        - ``"votes"``: those of the present model, which confirm themselves after a few
          rounds;
        - ``"uniform"``: equal shares;
        - an array of probabilities that are known, with a row for each row of `X`.

    n_theta : int, default=50
        Number of thresholds that ``"bound"`` and ``"binary_bound"`` try.

    n_gamma : int, default=50
        Number of :math:`\gamma` that they try for each.

    exact : bool, default=False
        Whether they try every distinct vote, with the exact bound, instead of grids.

    early_stop : bool, default=False
        Whether they leave a grid after its first rise, as the authors' programs do.

    restart : bool, default=False
        Whether pseudo-labels of earlier rounds are dropped, so that all unlabelled rows
        are candidates in each round.

    balance_weights : bool or "auto", default="auto"
        Whether given labels and pseudo-labels weigh the same in total, with a mean
        weight of one. By default wherever the base takes ``sample_weight``.

    noise : {"none", "weight"}, default="none"
        Whether pseudo-labels are weighted by the probability that they are right, as
        estimated from the mistakes of cross-validated predictions on labelled rows.

    calibrate : {None, "sigmoid", "isotonic"}, default=None
        Whether the base is calibrated by cross-validation in each round, which
        thresholds on its probabilities call for.

    oob_votes : bool, default=False
        Whether rows that the base was fitted to get its out-of-bag votes: candidates
        with `restart`, and labelled rows with `noise`. The base must have
        ``oob_decision_function_``; the default base does.

    max_iter : int or None, default=10
        The most rounds; None for as many as it takes.

    unlabeled_value : int, float, str or None, default=-1
        What marks unlabelled rows in `y`.

    warm_start_estimator : bool, default=False
        Whether the base goes on from its last fit, by its parameter ``warm_start`` or
        by ``partial_fit`` on the rows just added, instead of being fitted afresh.

    random_state : int, RandomState instance or None, default=None
        Seeds the base where its own ``random_state`` is None, and ``"random"``.

    verbose : bool, default=False
        Whether to print a line a round, as
        :class:`~sklearn.semi_supervised.SelfTrainingClassifier` does.

    Attributes
    ----------
    estimator_ : estimator instance
        The base, fitted to given and pseudo-labels.

    initial_estimator_ : estimator instance
        The base, fitted to given labels only.

    classes_ : ndarray of shape (n_classes,)
        The class labels.

    transduction_ : ndarray of shape (n_samples,)
        `y` with the pseudo-labels filled in.

    labeled_iter_ : ndarray of shape (n_samples,)
        The round in which each row got its label: 0 if it was given, -1 if never.

    pseudo_label_proba_ : ndarray of shape (n_samples,)
        The vote by which each row got its pseudo-label, NaN if it has none.

    thresholds_ : ndarray of shape (n_rounds, n_classes)
        The thresholds of each round; NaN where rows were chosen otherwise.

    bound_history_ : ndarray of shape (n_rounds,)
        In each round, the transductive bound on the error among the rows chosen, given
        that the posterior is right; NaN if none were, or not by thresholds.

    history_ : SelfTrainingHistory
        The rounds as a table.

    n_iter_ : int
        Number of rounds.

    termination_condition_ : {"all_labeled", "max_iter", "no_change", "callback"}
        Why there was no further round.

    noise_matrix_ : ndarray of shape (n_classes, n_classes)
        The estimated probability of each prediction, in rows, given each true class;
        only with ``noise="weight"``.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    sklearn.semi_supervised.SelfTrainingClassifier : The policies ``"fixed"`` and
        ``"top_k"`` without weights.
    bound_thresholds : The thresholds of the default policy.
    CoTrainer : Two classifiers that teach each other.

    Notes
    -----
    A row of weight two counts as the row given twice, in the thresholds, in the bound and
    in the balance; only `k` counts rows. Rows of weight zero get pseudo-labels but
    change nothing.

    A `y` that holds only -1 and 1 has one class, and unlabelled rows. Labels may be
    strings, in an object array that holds the number -1 where there is none, or in any
    array together with `unlabeled_value`.

    Where nothing is unlabelled, the result is that of the base.

    References
    ----------
    .. [1] M.-R. Amini, V. Feofanov, L. Pauletto, L. Hadjadj, E. Devijver and Y. Maximov,
       "Self-Training: A Survey", 2022, arXiv:2202.12040.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_theory.semi_supervised import SelfTrainer
    >>> X, truth = load_digits(return_X_y=True)
    >>> y = np.where(np.arange(len(truth)) < 60, truth, -1)
    >>> model = SelfTrainer(random_state=0).fit(X, y)
    >>> supervised = model.initial_estimator_.score(X[60:], truth[60:])
    >>> model.score(X[60:], truth[60:]) > supervised
    True
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit"]), None],
        "policy": [StrOptions(set(POLICIES)), callable],
        "threshold": [Interval(Real, 0, 1, closed="both"), "array-like"],
        "k": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="right"),
        ],
        "step": [Interval(Real, 0, 1, closed="right")],
        "posterior": [StrOptions(set(POSTERIORS)), "array-like"],
        "n_theta": [Interval(Integral, 1, None, closed="left")],
        "n_gamma": [Interval(Integral, 1, None, closed="left")],
        "exact": ["boolean"],
        "early_stop": ["boolean"],
        "restart": ["boolean"],
        "balance_weights": ["boolean", StrOptions({"auto"})],
        "noise": [StrOptions({"none", "weight"})],
        "calibrate": [StrOptions({"sigmoid", "isotonic"}), None],
        "oob_votes": ["boolean"],
        "max_iter": [Interval(Integral, 0, None, closed="left"), None],
        "unlabeled_value": [Real, str, None],
        "warm_start_estimator": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        policy="bound",
        threshold=0.75,
        k=0.1,
        step=0.2,
        posterior="initial",
        n_theta=N_GRID,
        n_gamma=N_GRID,
        exact=False,
        early_stop=False,
        restart=False,
        balance_weights="auto",
        noise="none",
        calibrate=None,
        oob_votes=False,
        max_iter=10,
        unlabeled_value=-1,
        warm_start_estimator=False,
        random_state=None,
        verbose=False,
    ):
        self.estimator = estimator
        self.policy = policy
        self.threshold = threshold
        self.k = k
        self.step = step
        self.posterior = posterior
        self.n_theta = n_theta
        self.n_gamma = n_gamma
        self.exact = exact
        self.early_stop = early_stop
        self.restart = restart
        self.balance_weights = balance_weights
        self.noise = noise
        self.calibrate = calibrate
        self.oob_votes = oob_votes
        self.max_iter = max_iter
        self.unlabeled_value = unlabeled_value
        self.warm_start_estimator = warm_start_estimator
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, **params):
        """Fit the base, and let it teach itself.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows, labelled or not. Data frames reach the base as they are.

        y : array-like of shape (n_samples,)
            Labels; `unlabeled_value` where there is none.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; the base's ``fit`` must take them.

        **params : dict
            Metadata for the base's ``fit``, if metadata routing is enabled. Those with
            an entry for each row are cut down to the rows that have a label.

        Returns
        -------
        self : SelfTrainer
            The fitted estimator.

        Raises
        ------
        ValueError
            If no row has a label, a threshold is outside [0, 1], the posterior has
            another shape, the base has no probabilities or returns NaN, or parameters
            cannot be combined.
        """
        _raise_for_params(params, self, "fit")
        with fit_task(self, max_subtasks=self.max_iter, X=X, y=y) as context:
            X, y = check_rows(self, X, y, reset=True)
            random = check_random_state(self.random_state)
            learner = self._make_learner(random)
            task = self._make_task(X, y, sample_weight, params, learner)
            policy = make_policy(self.policy, self._settings())
            check_combination(self, policy, learner)
            policy.start(len(task.unlabelled))
            posterior = make_posterior(
                self.posterior, task.unlabelled, len(y), len(self.classes_)
            )
            self._learn_supervised(task, learner)
            for n_round in iterate_subtasks(
                self,
                context,
                self._rounds(task),
                "round",
                data=labelled_rows(X, task.codes, self.classes_),
                reconstruct=self._predictive,
            ):
                rows, votes = self._vote(task)
                state = SelfTrainingState(
                    n_round=n_round,
                    n_unlabelled=len(task.unlabelled),
                    posterior=posterior.of(rows, votes),
                    sample_weight=task.weights_of(rows),
                    classes=self.classes_,
                    random=random,
                )
                choice = policy.choose(votes, state)
                self._record(votes, state, choice)
                if self._teach(task, rows, votes, choice, state, policy):
                    self.estimator_ = learner.learn(task)
            self._store(task, y)
        return self

    def plot_history(self, ax=None):
        """Draw thresholds, bound and labels added over the rounds.

        Parameters
        ----------
        ax : pair of matplotlib Axes or None, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        display : SelfTrainingDisplay
            The picture's parts.
        """
        return SelfTrainingDisplay.from_estimator(self, ax=ax)

    def theory_report(self, X, y):
        """Evaluate the assumptions and the promises of the theory on data.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows. For an honest answer give rows whose labels were not given to `fit`,
            such as its unlabelled rows.

        y : array-like of shape (n_samples,)
            Their labels; `unlabeled_value` where there is none. At least one is needed.

        Returns
        -------
        report : TheoryReport
            Whether the posterior is right on average, the noise of pseudo-labels, the
            density at the decision boundary; the transductive bound, the C-bound, and
            the C-bound from imperfect labels, each beside the error measured.
        """
        check_is_fitted(self, "estimator_")
        X, y = check_rows(self, X, y, reset=False)
        codes = report_parts.known_codes(y, self.unlabeled_value, self.classes_)
        measured = report_parts.measure(self, X, codes)
        report = TheoryReport("SelfTrainer: bounds on the errors of pseudo-labels")
        report_parts.add_posterior(report, measured)
        report_parts.add_noise(report, measured)
        report_parts.add_cluster_assumption(report, X, measured)
        report_parts.add_transductive_bound(report, measured)
        report_parts.add_c_bounds(report, measured)
        return report

    # --- steps of fit ----------------------------------------------------------------

    def _base(self):
        if self.estimator is None:
            return RandomForestClassifier(oob_score=bool(self.oob_votes))
        return self.estimator

    def _make_learner(self, random):
        base = seeded_clone(self._base(), random)
        return make_learner(base, self.warm_start_estimator, self.calibrate)

    def _make_task(self, X, y, sample_weight, params, learner):
        metadata = base_metadata(self, sample_weight, params)
        sample_weight = metadata.pop("sample_weight", None)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, ensure_non_negative=True
            )
        self.classes_, codes = encode_labels(y, self.unlabeled_value)
        balance = balances(self._base(), self.balance_weights, self.noise)
        balance = balance and not learner.learns_once
        return PseudoLabels(X, codes, self.classes_, sample_weight, metadata, balance)

    def _settings(self):
        return PolicySettings(
            n_classes=len(self.classes_),
            threshold=check_threshold(self.threshold, len(self.classes_)),
            k=self.k,
            step=self.step,
            search=ThresholdSearch(
                self.n_theta, self.n_gamma, bool(self.exact), bool(self.early_stop)
            ),
        )

    def _learn_supervised(self, task, learner):
        """Fit the base to the given labels, and estimate its mistakes if asked for."""
        self.estimator_ = learner.learn(task)
        self.initial_estimator_ = frozen_copy(self.estimator_, learner)
        self.history_ = SelfTrainingHistory(self.classes_, len(task.unlabelled))
        if self.oob_votes:
            out_of_bag_votes(self.estimator_)
        if self.noise == "weight":
            self.noise_matrix_, task.trust = estimate_noise(
                task, learner, self.estimator_ if self.oob_votes else None
            )

    def _rounds(self, task):
        """Count rounds until all rows are labelled or nothing changes."""
        for n_round in count(1):
            over = self.max_iter is not None and n_round > self.max_iter
            if over or task.is_complete or not task.has_changed:
                return
            yield n_round

    def _vote(self, task):
        """Vote on the candidates; on rows of training out of bag, if asked for."""
        rows = task.candidates(self.restart)
        votes = class_votes(self.estimator_, take_rows(task.X, rows), self.classes_)
        if self.restart and self.oob_votes:
            known, votes = task.rows, votes.astype(float)
            trained = np.isin(rows, known)
            places = np.searchsorted(known, rows[trained])
            votes[trained] = out_of_bag_votes(self.estimator_)[places]
            voted = ~np.isnan(votes).any(axis=1)
            rows, votes = rows[voted], votes[voted]
        return rows, votes

    def _record(self, votes, state, choice):
        labels = votes.argmax(axis=1)[choice.rows]
        bound = np.nan
        if np.isfinite(choice.thresholds).all():
            bound = selection_bound(
                votes.astype(float),
                state.posterior,
                choice.thresholds,
                state.sample_weight,
                bool(self.exact),
            )
        n_added = np.bincount(labels, minlength=len(self.classes_))
        self.history_.record(n_added, choice.thresholds, bound)

    def _teach(self, task, rows, votes, choice, state, policy):
        """Add the pseudo-labels, and tell whether anything changed."""
        chosen, labels = rows[choice.rows], votes.argmax(axis=1)[choice.rows]
        repeats = self.restart and policy.is_stationary and task.has(chosen, labels)
        task.has_changed = len(chosen) > 0 and not repeats
        if task.has_changed:
            if self.restart:
                task.drop()
            proba = votes.max(axis=1)[choice.rows]
            task.add(chosen, labels, proba, state.n_round)
        if self.verbose and task.has_changed:
            print(f"End of iteration {state.n_round}, added {len(chosen)} new labels.")
        return task.has_changed

    def _predictive(self):
        """Collect what prediction needs."""
        names = ("estimator_", "classes_", "n_features_in_", "feature_names_in_")
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _store(self, task, y):
        added = np.flatnonzero(task.n_round > 0)
        self.transduction_ = y.copy()
        self.transduction_[added] = self.classes_[task.codes[added]]
        self.labeled_iter_, self.pseudo_label_proba_ = task.n_round, task.proba
        self.n_iter_ = len(self.history_)
        thresholds = np.array(self.history_.thresholds)
        self.thresholds_ = thresholds.reshape(self.n_iter_, len(self.classes_))
        self.bound_history_ = np.array(self.history_.bounds)
        self.termination_condition_ = self._why_ended(task)

    def _why_ended(self, task):
        if task.is_complete:
            return "all_labeled"
        if self.n_iter_ == self.max_iter:
            return "max_iter"
        return "callback" if task.has_changed else "no_change"
