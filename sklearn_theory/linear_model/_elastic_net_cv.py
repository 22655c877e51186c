# SPDX-License-Identifier: BSD-3-Clause
"""Elastic net whose penalty is chosen by cross-validation along certified paths."""

import warnings
from collections import deque
from itertools import takewhile
from numbers import Integral, Real
from threading import Event

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, check_scalar, column_or_1d
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ..utils import TheoryEstimator
from ..utils._callbacks import fit_task, iterate_subtasks, subtask
from ..utils._compat import (
    Interval,
    StrOptions,
    _fit_context,
    _raise_for_params,
    _routing_enabled,
    has_callbacks,
)
from ._elastic_net import ElasticNet
from ._penalised_finish import finish_on_face
from ._penalised_folds import (
    PathSettings,
    check_folds,
    check_l1_ratios,
    choose,
    draw_seeds,
    evaluate_path,
    plan_jobs,
    tabulate,
)
from ._penalised_path import alpha_grid, check_alphas, elastic_net_path
from ._penalised_problem import (
    check_feature_weights,
    check_regression_samples,
    elastic_net_penalty,
    gap_target,
    regression_solver,
    squared_face,
    start_from,
    total_weight,
)
from ._penalised_report import regression_report


class ElasticNetCV(RegressorMixin, TheoryEstimator):
    r"""Elastic net whose penalty is chosen by cross-validation along certified paths.

    It minimises the objective of :class:`ElasticNet`,

    .. math::
        \frac{1}{2 n} \|y - X w - b\|^2 + \alpha \rho \sum_j \gamma_j |w_j|
        + \frac{\alpha (1 - \rho)}{2} \sum_j \gamma_j w_j^2,

    on the training rows of each fold, for every :math:`\rho` in `l1_ratio` along
    decreasing :math:`\alpha`. Each fit starts from the one before and ends at a
    certified duality gap: block coordinate descent with greedy variable blocks needs
    few blocks from there, since most of the support is known [1]_. The pair with the
    smallest mean error on the rows left out is fitted again on all rows.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        Share of the L1 penalty, between 0 and 1, or several to choose from.

    eps : float, default=1e-3
        The smallest strength of an automatic grid, as a share of the largest.

    alphas : array-like or int, default=100
        Strengths of the penalty, or how many to space evenly in their logarithm, from
        the smallest at which all coefficients are zero.

    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalised. Columns are centred
        implicitly, sparse ones too.

    precompute : "auto", bool or array-like, default="auto"
        Accepted for code that is written for scikit-learn; the solver needs no Gram
        matrix and never forms one.

    max_iter : int, default=1000
        Largest number of passes over working sets of features for each strength.

    tol : float, default=1e-4
        The duality gap to reach, relative to the mean square of the centred target of
        the rows that are fitted.

    cv : int, cross-validation generator or iterable, default=None
        The folds: their number (None stands for 5), a splitter, or pairs of training
        and test rows.

    copy_X : bool, default=True
        Accepted for code that is written for scikit-learn; `X` is never written to.

    verbose : bool or int, default=0
        How much :class:`joblib.Parallel` prints about the progress of the folds.

    n_jobs : int, default=None
        How many paths are walked at once, in threads unless
        :func:`joblib.parallel_config` says otherwise. None stands for 1, and -1 for
        all processors.

    positive : bool, default=False
        Whether coefficients must not be negative.

    random_state : int, RandomState instance or None, default=None
        Draws the order of the features if `selection` is "random".

    selection : {"cyclic", "random"}, default="cyclic"
        The order in which coordinate descent visits a working set: that of the columns,
        or one drawn anew for each working set.

    weights : array-like of shape (n_features,), default=None
        Weights of the features' penalties. Zero leaves a feature unpenalised, infinity
        excludes it. None weighs all by one.

    Attributes
    ----------
    alpha_ : float
        The chosen strength.

    l1_ratio_ : float
        The chosen share of the L1 penalty.

    coef_ : ndarray of shape (n_features,)
        Coefficients on all rows.

    intercept_ : float
        Intercept.

    mse_path_ : ndarray of shape (n_l1_ratio, n_alphas, n_folds)
        Mean squared errors on the rows that each fold left out; dimensions of length
        one are left out. NaN where a callback stopped the cross-validation before.

    dual_gap_path_ : ndarray of the shape of `mse_path_`
        Certified duality gaps of the fits behind these errors, relative to the mean
        square of each fold's centred target.

    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        The strengths, decreasing.

    dual_gap_ : float
        By how much the objective on all rows can be above its minimum at most.

    n_iter_ : int
        Passes over working sets in the fit on all rows.

    history_ : dict of ndarrays
        For each measurement of the gap in the fit on all rows: ``"objective"``,
        ``"dual_gap"``, ``"n_nonzero"``, ``"n_candidates"`` (features that screening
        left), ``"n_passes"``, ``"support_changed"`` and ``"guaranteed_progress"``
        (what the coordinate steps so far promise by their curvature).

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    ElasticNet : At given `alpha` and `l1_ratio`.
    LassoCV : The L1 penalty alone.
    sklearn.linear_model.ElasticNetCV : The counterpart in scikit-learn.

    Notes
    -----
    Each path copies the rows of its own fold, as sparse as they are, and nothing else.
    A callback that stops the cross-validation leaves the choice to the folds done so
    far; the fit on all rows then still reaches its gap. That fit ends with an exact
    solution of the system of its non-zero coefficients, where they are at most 500.

    Sample weights count in the fits and in the errors on the rows left out. The mean
    over folds is not weighted, as in scikit-learn.

    References
    ----------
    .. [1] J. Nutini, I. Laradji and M. Schmidt, "Let's Make Block Coordinate Descent
       Converge Faster: Faster Greedy Rules, Message-Passing, Active-Set Complexity,
       and Superlinear Convergence", JMLR 23, 2022, arXiv:1712.08859.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_theory.linear_model import ElasticNetCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ElasticNetCV(l1_ratio=[0.5, 0.9, 1.0], cv=5).fit(X, y)
    >>> print(f"{model.l1_ratio_:.1f} {model.alpha_:.4f} {model.score(X, y):.3f}")
    1.0 0.0038 0.517
    """

    _parameter_constraints: dict = {
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"],
        "eps": [Interval(Real, 0, None, closed="neither")],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "precompute": [StrOptions({"auto"}), "array-like", "boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "cv": ["cv_object"],
        "copy_X": ["boolean"],
        "verbose": ["verbose"],
        "n_jobs": [Integral, None],
        "positive": ["boolean"],
        "random_state": ["random_state"],
        "selection": [StrOptions({"cyclic", "random"})],
        "weights": ["array-like", None],
    }

    path = staticmethod(elastic_net_path)

    def __init__(
        self,
        *,
        l1_ratio=0.5,
        eps=1e-3,
        alphas=100,
        fit_intercept=True,
        precompute="auto",
        max_iter=1000,
        tol=1e-4,
        cv=None,
        copy_X=True,
        verbose=0,
        n_jobs=None,
        positive=False,
        random_state=None,
        selection="cyclic",
        weights=None,
    ):
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.weights = weights

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, **params):
        """Choose the penalty by cross-validation, and fit with it on all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,)
            Targets.

        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights; a number, or None, weighs all samples alike.

        **params : dict
            Metadata for the splitter, such as ``groups``, if
            ``sklearn.set_config(enable_metadata_routing=True)``.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        _raise_for_params(params, self, "fit")
        metadata = {"sample_weight": sample_weight, **params}
        with fit_task(self, max_subtasks=2, X=X, y=y, metadata=metadata) as task:
            samples = self._check_samples(X, y, sample_weight)
            weights = check_feature_weights(self.weights, samples[0].shape[1])
            l1_ratios = check_l1_ratios(self.l1_ratio)
            grids = self._grids(samples, weights, l1_ratios)
            folds = self._split(*samples, params)
            paths = self._walk_folds(task, samples, folds, l1_ratios, grids, weights)
            self._choose(paths, l1_ratios, grids, len(folds))
            with subtask(self, task, "refit"):
                self._refit(samples, weights)
        return self

    # What predicts is a linear model, whatever chose its penalty.
    predict = ElasticNet.predict

    def theory_report(self, X, y, sample_weight=None):
        """Evaluate the assumptions and the promises of the theory on data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, those of training or new ones.

        y : array-like of shape (n_samples,)
            Their targets.

        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        report : TheoryReport
            That of :meth:`ElasticNet.theory_report` for the fit on all rows; then, on
            the cross-validation during `fit`, the largest duality gap of its paths,
            whether the chosen strength lies inside the grid, and the standard error of
            its mean squared error beside what the choice gained.
        """
        check_is_fitted(self)
        samples = self._check_samples(X, y, sample_weight, reset=False)
        weights = check_feature_weights(self.weights, samples[0].shape[1])
        face = squared_face(*samples, self.fit_intercept)
        start_from(face, self.coef_, weights)
        penalty = self._penalty(weights, total_weight(samples[0], samples[2]))
        name, history = type(self).__name__, self.history_
        report = regression_report(name, face, penalty, self.tol, history)
        _add_paths(report, self.dual_gap_path_, self.tol)
        _add_choice(report, self._choice, self.alphas_.shape[-1])
        return report

    def get_metadata_routing(self):
        """Tell how metadata reach the splitter.

        Returns
        -------
        routing : MetadataRouter
            What ``fit`` requests, and what it hands to ``cv.split``.
        """
        mapping = MethodMapping().add(caller="fit", callee="split")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(splitter=check_cv(self.cv), method_mapping=mapping)

    def _check_samples(self, X, y, sample_weight, *, reset=True):
        X, y, sample_weight = check_regression_samples(
            self, X, y, sample_weight, reset=reset
        )
        if y.ndim > 1 and y.shape[1] > 1:
            raise ValueError(
                f"y must hold one target, got an array of shape {y.shape}. For "
                f"multi-task outputs, use MultiTask{type(self).__name__} of "
                "scikit-learn."
            )
        return X, column_or_1d(y, warn=True), sample_weight

    def _grids(self, samples, weights, l1_ratios):
        """Decreasing strengths, one list of them for each share of the L1 penalty."""
        # Built for its check of X too, before any fold is cut.
        face = squared_face(*samples, self.fit_intercept)
        if not isinstance(self.alphas, Integral):
            for index, alpha in enumerate(self.alphas):
                check_scalar(alpha, f"alphas[{index}]", Real, min_val=0.0)
            return np.tile(check_alphas(self.alphas), (len(l1_ratios), 1))
        total = total_weight(samples[0], samples[2])
        options = {"positive": self.positive, "eps": self.eps, "n_alphas": self.alphas}
        return np.array(
            [
                alpha_grid(face, weights, total, l1_ratio=l1_ratio, **options)
                for l1_ratio in l1_ratios
            ]
        )

    def _split(self, X, y, sample_weight, params):
        """Cut folds, with the metadata that the splitter requests."""
        routed = {}
        if _routing_enabled():
            params = {"sample_weight": sample_weight, **params}
            routed = process_routing(self, "fit", **params).splitter.split
        return check_folds(check_cv(self.cv).split(X, y, **routed), sample_weight)

    def _walk_folds(self, task, samples, folds, l1_ratios, grids, weights):
        """Walk all paths on all folds; once a callback asks to stop, none is begun."""
        seeds = draw_seeds(
            self.selection, self.random_state, len(folds) * len(l1_ratios)
        )
        jobs = plan_jobs(folds, l1_ratios, grids, seeds)
        settings = PathSettings(
            weights, self.fit_intercept, self.positive, self.tol, self.max_iter
        )
        stopped = Event()
        calls = (
            delayed(evaluate_path)(*samples, job, settings)
            for job in takewhile(lambda _: not stopped.is_set(), jobs)
        )
        with subtask(self, task, "cross-validation", max_subtasks=len(jobs)) as context:
            results = self._parallel()(calls)
            paths = list(iterate_subtasks(self, context, results, "path"))
            stopped.set()
            deque(results, maxlen=0)
        return paths

    def _parallel(self):
        """Run calls; where someone listens, hand on results as they come."""
        options = {"verbose": self.verbose, "prefer": "threads"}
        if has_callbacks(self):
            # No call waits in a queue, where a callback could not stop it.
            options |= {"return_as": "generator", "pre_dispatch": "n_jobs"}
        return Parallel(self.n_jobs, **options)

    def _choose(self, paths, l1_ratios, grids, n_folds):
        """Keep the errors of all paths, and the penalty with the smallest."""
        shape = len(l1_ratios), n_folds
        mse = tabulate(paths, "mse", *shape)
        self.mse_path_ = np.squeeze(mse)
        self.dual_gap_path_ = np.squeeze(tabulate(paths, "dual_gap", *shape))
        is_shared = len(grids) == 1 or not isinstance(self.alphas, Integral)
        self.alphas_ = grids[0] if is_shared else grids
        choice = choose(mse, len(paths))
        self._choice = choice._asdict()
        self.alpha_ = grids[choice.which, choice.place]
        self._keep_l1_ratio(l1_ratios[choice.which])
        _warn_of_paths(paths)

    def _keep_l1_ratio(self, l1_ratio):
        self.l1_ratio_ = l1_ratio

    def _refit(self, samples, weights):
        """Fit with the chosen penalty on all rows."""
        X, _, sample_weight = samples
        total = total_weight(X, sample_weight)
        face = squared_face(*samples, self.fit_intercept)
        is_random = self.selection == "random"
        rng = check_random_state(self.random_state) if is_random else None
        penalty = self._penalty(weights, total)
        solver = regression_solver(face, penalty, self.tol, self.max_iter, rng)
        deque(solver.rounds(), maxlen=0)
        finish_on_face(face, penalty)
        self.coef_ = face.w.astype(X.dtype)
        self.intercept_ = X.dtype.type(face.intercept()) if self.fit_intercept else 0.0
        self.dual_gap_ = solver.gap / total
        self.n_iter_ = max(1, solver.n_passes)
        self.history_ = solver.history_per_unit(total)
        if not solver.gap <= gap_target(face, self.tol):
            _warn_of_convergence("in the fit on all rows", solver.gap / face.scale)

    def _penalty(self, weights, total):
        l1_ratio = getattr(self, "l1_ratio_", self.l1_ratio)
        strength = self.alpha_ * total
        return elastic_net_penalty(weights, strength, l1_ratio, self.positive)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _warn_of_paths(paths):
    """Warn once for all folds, with the worst gap."""
    converged = np.array([path.converged for path in paths])
    if not converged.all():
        worst = np.array([path.dual_gap for path in paths])[~converged].max()
        where = f"in {np.sum(~converged)} of {converged.size} fits of the folds"
        _warn_of_convergence(where, worst)


def _warn_of_convergence(where, relative_gap):
    warnings.warn(
        f"Objective did not converge {where}. Largest relative duality gap: "
        f"{relative_gap:.3e}. Raise max_iter or tol, scale the features, or leave out "
        "the smallest alphas.",
        ConvergenceWarning,
        stacklevel=6,
    )


def _add_paths(report, dual_gap_path, tol):
    report.add_promise(
        "largest relative duality gap on the folds",
        measured=np.nanmax(dual_gap_path),
        relation="<=",
        bound=tol,
        reference="stopping rule",
        meaning="by how much the objective of any fit of the cross-validation was "
        "above its minimum at most, relative to the mean square of its centred target",
    )


def _add_choice(report, choice, n_alphas):
    """Say whether the grid and the folds can carry the choice."""
    report.add_assumption(
        "chosen alpha lies inside its grid",
        measured=0 < choice["place"] < n_alphas - 1,
        relation="==" if n_alphas > 1 else None,
        bound=True if n_alphas > 1 else None,
        reference="choice by cross-validation",
        meaning="at the weak end, a weaker penalty could be better still: lower eps; at "
        "the strong end of an automatic grid, no feature helped on the folds",
    )
    errors = choice["errors"]
    is_spread = len(errors) > 1
    report.add_assumption(
        "standard error of the chosen mean squared error",
        measured=errors.std(ddof=1) / np.sqrt(len(errors)) if is_spread else np.nan,
        relation="<",
        bound=np.mean(choice["strongest_errors"] - errors),
        estimate=True,
        reference="choice by cross-validation",
        meaning="beside what the choice gained on the strongest penalty of its grid: "
        "below it, the folds can tell the two apart",
    )
