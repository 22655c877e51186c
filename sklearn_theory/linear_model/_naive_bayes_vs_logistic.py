# SPDX-License-Identifier: BSD-3-Clause
"""A generative or a discriminative linear head, whichever the data call for."""

import warnings
from collections import deque
from numbers import Integral, Real
from threading import Event

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ..utils import TheoryReport
from ..utils._callbacks import fit_task, iterate_subtasks, subtask
from ..utils._compat import Interval, StrOptions, _fit_context
from ..utils._dask import is_dask_array
from . import _naive_bayes_report as report_parts
from ._feature_scaling import (
    SCALINGS,
    as_scaler,
    merge_summaries,
    summarise,
)
from ._fitted_heads import head_of, logistic_model, naive_bayes_model
from ._head_selection import (
    NAIVE_BAYES,
    SELECTIONS,
    HeadSettings,
    average_head,
    blend_log_probabilities,
    by_head,
    evaluate_fold,
    fit_logistic_head,
)
from ._learning_curves import (
    can_measure_curves,
    choose_sizes,
    crossover,
    draw_shuffle,
    learn_along,
    tabulate_curves,
)
from ._linear_head import affine_head, log_posterior, scores
from ._naive_bayes_theory import measure
from ._posterior_classifier import PosteriorClassifier
from ._samples import (
    check_priors,
    check_samples,
    encode_labels,
    observed_classes,
    reduce_samples,
    streamed_classes,
)
from ._softmax_regression import SOLVERS
from ._weighted_rows import (
    as_splitter,
    centre_rows,
    count_parts,
    cross_validation_folds,
    draw_salts,
    weighted_rows,
)

_MODELS = {"naive_bayes": "naive_bayes_", "logistic": "logistic_"}


class NaiveBayesVsLogistic(PosteriorClassifier):
    r"""Naive Bayes or logistic regression, chosen by what the data support.

    On fixed features, naive Bayes with shared variances needs a number of samples that
    grows with the logarithm of the number of features to reach its best error, and
    multinomial logistic regression one that grows with the number of features [1]_.
    So naive Bayes is ahead with few labels, and logistic regression, whose best error
    is lower, with many. This classifier fits both heads, compares them on held-out
    rows, keeps the better one or blends them, and can tell at how many rows they
    cross.

    Parameters
    ----------
    select : {"auto", "naive_bayes", "logistic", "blend"}, default="auto"
        How the head is chosen. ``"auto"`` takes the one with the lower
        cross-validated error. With fewer rows than features, it takes the logistic
        head only if that is ahead by more than one standard error of the paired
        difference; between equal errors the lower log-loss decides. ``"blend"`` mixes
        the two posteriors with the weight that minimises the cross-validated log-loss.
        ``"naive_bayes"`` and ``"logistic"`` force a head, without cross-validation.

    scaling : {"minmax", "standard"} or None, default="minmax"
        How features are scaled for both heads; within each fold, by its training rows
        alone. Scaling is never applied to the rows themselves, so sparse rows of any
        sign stay sparse under each of them.

    var_smoothing : float, default=1e-9
        What naive Bayes adds to the variances of the scaled features.

    priors : array-like of shape (n_classes,), default=None
        Class probabilities of naive Bayes, in the order of ``classes_``. If None, the
        weighted shares of the classes. The logistic head has its own intercepts.

    C : float, default=1.0
        Inverse strength of the logistic head's penalty on scaled features, as in
        :class:`~sklearn.linear_model.LogisticRegression`.

    cv : int, cross-validation generator or iterable, default=5
        How rows are split. A number of folds is dealt, stratified by class, by what
        rows hold and not by where they stand: equal rows share a fold, and the order
        of the rows has no influence. It is reduced, with a warning, to the number of
        distinct rows of the smallest class. A learning curve holds out one part of
        that number of parts.

    learning_curve : bool, default=False
        Whether to measure the errors of both heads on nested subsets, and where they
        cross.

    train_sizes : array-like of shape (n_sizes,), default=None
        Sizes of the subsets: numbers of rows, or fractions of the rows that are left
        to learn from. If None, eight sizes on a logarithmic scale.

    n_repeats : int, default=5
        Number of shuffles that the learning curve averages.

    solver : {"lbfgs", "newton-cg", "newton-cholesky"}, default="lbfgs"
        Solver of the logistic head. ``"lbfgs"`` centres and preconditions the
        features implicitly; the others are scikit-learn's.

    max_iter : int, default=1000
        Largest number of iterations of the logistic head.

    tol : float, default=1e-4
        Tolerance on the largest entry of the logistic head's gradient.

    n_jobs : int, default=None
        Number of threads over folds and over shuffles; None is one unless in a
        :obj:`joblib.parallel_backend` context.

    random_state : int, RandomState instance or None, default=None
        Picks the folds and the shuffles. None picks the same ones each time.

    Attributes
    ----------
    selected_ : {"naive_bayes", "logistic", "blend"}
        What predicts.

    blend_weight_ : float
        Weight of naive Bayes' posterior: 1 for naive Bayes, 0 for the logistic head.

    naive_bayes_ : SharedVarianceNB
        The naive Bayes head on all rows, in the units of the input.

    logistic_ : LogisticRegression or None
        The logistic head on all rows, in the units of the input; None if it is not
        used.

    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients of the selected head in the units of the input. A blend is not
        linear and has none.

    intercept_ : ndarray of shape (n_classes,) or (1,)
        Intercepts of the selected head in the units of the input.

    scaler_ : MinMaxScaler, StandardScaler or None
        The scaling of all rows.

    cv_errors_ : dict of ndarray of shape (n_folds,) or None
        Weighted errors ``"naive_bayes"`` and ``"logistic"`` of each fold, None if
        nothing was cross-validated.

    cv_log_losses_ : dict of ndarray of shape (n_folds,) or None
        Weighted log-losses of each fold.

    learning_curves_ : dict of ndarray or None
        ``"sizes"`` of shape (n_sizes,), the errors ``"nb_errors"`` and
        ``"lr_errors"`` of shape (n_repeats, n_sizes), and ``"nb_mean"``,
        ``"nb_std"``, ``"lr_mean"``, ``"lr_std"`` over the repeats.

    crossover_n_ : float or None
        Number of rows from which the logistic head is at least as good, interpolated
        on a logarithmic scale: the first size if it always is, infinite if naive Bayes
        is better at the last; None without a learning curve.

    n_iter_ : int
        Iterations of the logistic head on all rows; 1 for naive Bayes.

    classes_ : ndarray of shape (n_classes,)
        The class labels.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    SharedVarianceNB : The generative head alone.
    sklearn.linear_model.LogisticRegression : The discriminative head alone.

    Notes
    -----
    A sample of weight two is the same sample given twice, and a sample of weight zero
    is not there, also in the folds, in the choice and in the learning curve: the fit
    starts by collecting equal samples. Sizes of subsets count weight.

    A callback that asks to stop during the folds or the shuffles ends them there;
    what they have measured so far decides.

    References
    ----------
    .. [1] C. Zheng, G. Wu, F. Bao, Y. Cao, C. Li and J. Zhu, "Revisiting
       Discriminative vs. Generative Classifiers: Theory and Implications", ICML 2023,
       arXiv:2302.02334.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_theory.linear_model import NaiveBayesVsLogistic
    >>> X, y = load_digits(return_X_y=True)
    >>> NaiveBayesVsLogistic().fit(X, y).selected_
    'logistic'
    >>> curve = NaiveBayesVsLogistic(learning_curve=True).fit(X, y)
    >>> bool(35 < curve.crossover_n_ < 110)
    True
    """

    _parameter_constraints: dict = {
        "select": [StrOptions(set(SELECTIONS))],
        "scaling": [StrOptions({name for name in SCALINGS if name}), None],
        "var_smoothing": [Interval(Real, 0, None, closed="neither")],
        "priors": ["array-like", None],
        "C": [Interval(Real, 0, None, closed="neither")],
        "cv": ["cv_object"],
        "learning_curve": ["boolean"],
        "train_sizes": ["array-like", None],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "solver": [StrOptions(set(SOLVERS))],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        select="auto",
        scaling="minmax",
        var_smoothing=1e-9,
        priors=None,
        C=1.0,
        cv=5,
        learning_curve=False,
        train_sizes=None,
        n_repeats=5,
        solver="lbfgs",
        max_iter=1000,
        tol=1e-4,
        n_jobs=None,
        random_state=None,
    ):
        self.select = select
        self.scaling = scaling
        self.var_smoothing = var_smoothing
        self.priors = priors
        self.C = C
        self.cv = cv
        self.learning_curve = learning_curve
        self.train_sizes = train_sizes
        self.n_repeats = n_repeats
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the heads, compare them, and keep what predicts best.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Training rows. A Dask array needs ``select="naive_bayes"`` and no learning
            curve: only the statistics of its blocks travel.

        y : {array-like, dask array} of shape (n_samples,)
            Labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; all one if None.

        Returns
        -------
        self : NaiveBayesVsLogistic
            The fitted estimator.
        """
        metadata = {"sample_weight": sample_weight}
        n_tasks = SELECTIONS[self.select].compares + self.learning_curve + 1
        with fit_task(self, max_subtasks=n_tasks, X=X, y=y, metadata=metadata) as task:
            self._check_can_fit(X)
            samples = check_samples(self, X, y, sample_weight)
            classes = observed_classes(*samples[1:])
            settings = self._settings(classes)
            rows = self._distinct_rows(samples, classes)
            summary = _summarise(samples, classes, rows)
            rows = centre_rows(rows, summary, self.scaling)
            salts = draw_salts(self.random_state, 1 + self.n_repeats)
            results = self._cross_validate(task, rows, samples, settings, salts[0])
            curves = self._measure_curves(task, rows, settings, salts[1:])
            choice = SELECTIONS[self.select].choose(results)
            with subtask(self, task, "refit"):
                logistic = self._refit_logistic(rows, choice, results, settings)
                self._set_heads(classes, summary, settings, choice, logistic)
            self._record(results, curves, logistic)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Update naive Bayes with a batch, and predict with it until the next `fit`.

        The statistics of naive Bayes and the ranges of the features continue from
        those of the last `fit`, if there was one; the logistic head and the
        comparison are forgotten, since they need all rows at once.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Rows of the batch. Of a Dask array only the statistics of its blocks
            travel.

        y : {array-like, dask array} of shape (n_samples,)
            Labels of the batch.

        classes : array-like of shape (n_classes,), default=None
            All labels that will ever occur; needed on the first call only.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; all one if None.

        Returns
        -------
        self : NaiveBayesVsLogistic
            The updated estimator.
        """
        classes = streamed_classes(self, classes)
        settings = self._settings(classes)
        first = not hasattr(self, "_summary")
        samples = check_samples(self, X, y, sample_weight, reset=first)
        summary = _summarise(samples, classes)
        if not first:
            summary = merge_summaries(self._summary, summary)
        self._set_heads(classes, summary, settings, NAIVE_BAYES, None)
        self._record([], [], None)
        return self

    @property
    def coef_(self):
        """Coefficients of the selected head, in the units of the input."""
        return self._linear_model("coef_").coef_

    @property
    def intercept_(self):
        """Intercepts of the selected head, in the units of the input."""
        return self._linear_model("intercept_").intercept_

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
            the decisions and on the errors; the two sample complexities; and the
            crossover, if a learning curve was measured.
        """
        check_is_fitted(self)
        X, y, _ = check_samples(self, X, y, None, reset=False)
        labels = encode_labels(y, self.classes_)
        smoothing = self.naive_bayes_._smoothing
        measured = measure(X, labels, len(self.classes_), smoothing)
        report = TheoryReport("NaiveBayesVsLogistic: O(log n) against O(n) samples")
        report_parts.add_assumptions(report, measured)
        naive_bayes = head_of(self.naive_bayes_)
        report_parts.add_naive_bayes_promises(
            report, measured, naive_bayes, self.priors
        )
        if self.logistic_ is not None:
            logistic = head_of(self.logistic_)
            report_parts.add_consistency(
                report, measured, "the logistic head", logistic
            )
            report_parts.add_regret_under_logistic(
                report, measured, logistic, naive_bayes
            )
        report_parts.add_sample_complexities(report, measured)
        if self.crossover_n_ is not None:
            report_parts.add_crossover(report, self.crossover_n_, len(y))
        return report

    def _check_can_fit(self, X):
        if is_dask_array(X) and (self.select != "naive_bayes" or self.learning_curve):
            raise ValueError(
                "A Dask array X can only be fitted with select='naive_bayes' and "
                "learning_curve=False, because the logistic head needs all rows in one "
                f"place; got select={self.select!r} and learning_curve="
                f"{self.learning_curve!r}. Pass X.compute() to compare the heads."
            )

    def _settings(self, classes):
        return HeadSettings(
            n_classes=len(classes),
            scaling=self.scaling,
            var_smoothing=self.var_smoothing,
            priors=check_priors(self.priors, len(classes)),
            C=self.C,
            solver=self.solver,
            max_iter=self.max_iter,
            tol=self.tol,
        )

    def _distinct_rows(self, samples, classes):
        """Collect distinct rows for all that needs rows; None if nothing does."""
        if self.select == "naive_bayes" and not self.learning_curve:
            return None
        X, y, weight = samples
        return weighted_rows(X, encode_labels(y, classes, weight), weight)

    def _cross_validate(self, task, centred, samples, settings, salt):
        """Judge both heads on held-out folds, as far as callbacks let it go."""
        if not SELECTIONS[self.select].compares:
            return []
        _, y, sample_weight = samples
        rows, splitter = centred.rows, as_splitter(self.cv)
        folds = cross_validation_folds(rows, splitter, sample_weight, y, salt)
        calls = [(evaluate_fold, rows.X, rows.y, fold, settings) for fold in folds]
        return self._collect(task, "cross-validation", "fold", calls)

    def _measure_curves(self, task, centred, settings, salts):
        """Measure learning curves, as far as callbacks let it go."""
        if not self.learning_curve:
            return []
        rows, share = centred.rows, 1 / count_parts(as_splitter(self.cv))
        shuffles = [draw_shuffle(rows, salt, share) for salt in salts]
        if not can_measure_curves(shuffles, settings.n_classes):
            return []
        sizes = choose_sizes(self.train_sizes, rows, shuffles)
        calls = [(learn_along, rows, part, sizes, settings) for part in shuffles]
        return self._collect(task, "learning curve", "repeat", calls)

    def _collect(self, task, name, step, calls):
        """Run calls, each reported as a step of one named sub-task.

        Calls that are left when a callback asks to stop return at once.
        """
        stopped = Event()
        run = Parallel(self.n_jobs, require="sharedmem", return_as="generator")
        with subtask(self, task, name, max_subtasks=len(calls)) as context:
            results = run(delayed(_call_unless)(stopped, *call) for call in calls)
            kept = list(iterate_subtasks(self, context, results, step))
            stopped.set()
            deque(results, maxlen=0)
        return kept

    def _refit_logistic(self, centred, choice, results, settings):
        """Fit the logistic head on all rows, from the average head of the folds."""
        if choice.selected == "naive_bayes":
            return None
        X, y, weight = centred.rows[:3]
        summary = summarise(X, y, settings.n_classes, weight)
        start = average_head([result.logistic.head for result in results])
        fit = fit_logistic_head(X, y, weight, summary, settings, start)
        return fit._replace(head=affine_head(fit.head, centred.offset, centred.scale))

    def _set_heads(self, classes, summary, settings, choice, logistic):
        """Keep what predicts, in the units of the input."""
        names = getattr(self, "feature_names_in_", None)
        self.classes_, self._summary = classes, summary
        self.selected_, self.blend_weight_ = choice
        self.naive_bayes_ = naive_bayes_model(summary, classes, settings, names)
        self.logistic_ = logistic_model(logistic, classes, settings, names)
        self.scaler_ = as_scaler(summary, self.scaling, names)
        self.n_iter_ = 1 if logistic is None else logistic.n_iter

    def _record(self, results, curves, logistic):
        """Keep what was measured, and warn if some logistic fit did not converge."""
        self.cv_errors_ = by_head(results, "errors")
        self.cv_log_losses_ = by_head(results, "log_losses")
        self.learning_curves_ = tabulate_curves(curves)
        self.crossover_n_ = crossover(self.learning_curves_)
        fits = [result.logistic for result in results] + [logistic] * bool(logistic)
        fits += [fit for curve in curves for fit in curve.logistic]
        n_failed = sum(not fit.converged for fit in fits)
        if n_failed:
            warnings.warn(
                f"{n_failed} of {len(fits)} fits of the logistic head did not converge "
                f"in max_iter={self.max_iter} iterations. Increase max_iter or tol, "
                "scale the features, or decrease C.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _linear_model(self, attribute):
        """Return the selected head as a model; a blend is not linear and has none."""
        selected = getattr(self, "selected_", "unfitted")
        if selected not in _MODELS:
            raise AttributeError(
                f"{type(self).__name__} has no {attribute!r}: the classifier is "
                f"{selected}, and only a single fitted head is linear."
            )
        return getattr(self, _MODELS[selected])

    def _scores(self, X):
        if self.selected_ in _MODELS:
            return scores(X, head_of(self._linear_model("coef_")))
        heads = head_of(self.naive_bayes_), head_of(self.logistic_)
        posteriors = [log_posterior(X, head) for head in heads]
        blended = blend_log_probabilities(*posteriors, self.blend_weight_)
        return np.diff(blended, axis=1) if blended.shape[1] == 2 else blended


def _call_unless(stopped, function, *arguments):
    return None if stopped.is_set() else function(*arguments)


def _summarise(samples, classes, rows=None):
    """Summarise distinct rows if they were collected, else the samples."""
    if rows is not None:
        return summarise(rows.X, rows.y, len(classes), rows.weight)
    return reduce_samples(summarise, merge_summaries, *samples, classes)
