# SPDX-License-Identifier: BSD-3-Clause
"""Logistic regression by greedy variable blocks, to a certified duality gap."""

from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..solvers._face_solver import FaceSolver
from ..utils._callbacks import fit_task, iterate_subtasks
from ..utils._compat import Interval, StrOptions, _fit_context
from ._linear_head import LinearHead, scores
from ._penalised_logistic_problem import (
    ClassifiedRows,
    fit_smooth,
    head_of,
    logistic_face,
    logistic_penalty,
    start_at_head,
    weigh_classes,
)
from ._penalised_problem import (
    check_feature_weights,
    check_weights,
    gap_target,
    require_finite,
    warn_if_not_converged,
)
from ._penalised_report import logistic_report
from ._posterior_classifier import PosteriorClassifier


class LogisticRegression(PosteriorClassifier):
    r"""Logistic regression with L1 and L2 penalties, to a certified duality gap.

    It minimises scikit-learn's objective

    .. math::
        C \sum_i s_i \, \ell(y_i, W x_i + b)
        + \rho \sum_{kj} \gamma_j |w_{kj}|
        + \frac{1 - \rho}{2} \sum_{kj} \gamma_j w_{kj}^2

    with the logistic loss of two classes or the softmax loss of more, :math:`\rho` for
    `l1_ratio` and, in addition, `weights` :math:`\gamma_j` of each feature. The solver
    is block coordinate descent with variable blocks that are chosen greedily and Newton
    updates [1]_, which takes the squared loss's kernel to rescaled columns. Without an
    L1 penalty the block is the whole, and L-BFGS does better. The fit stops at a
    duality gap, which `dual_gap_` reports.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty. Infinity stands for no penalty.

    l1_ratio : float, default=0.0
        Share of the L1 penalty, between 0 and 1.

    dual : bool, default=False
        Accepted for code that is written for scikit-learn; without effect.

    tol : float, default=1e-6
        The duality gap to reach, relative to the loss of equal probabilities.

    fit_intercept : bool, default=True
        Whether to fit intercepts, which are not penalised.

    intercept_scaling : float, default=1
        Accepted for code that is written for scikit-learn; without effect.

    class_weight : dict or "balanced", default=None
        Weights of the classes, which multiply the samples'. "balanced" weighs them
        inversely to their frequencies.

    random_state : int, RandomState instance or None, default=None
        Accepted for code that is written for scikit-learn; nothing is drawn.

    solver : str, default="lbfgs"
        Any of scikit-learn's: "lbfgs", "liblinear", "newton-cg", "newton-cholesky",
        "sag" or "saga". Accepted for code that is written for scikit-learn: how the
        problem is solved follows from the penalty.

    max_iter : int, default=1000
        Largest number of passes over working sets, or of iterations of L-BFGS.

    verbose : int, default=0
        Accepted for code that is written for scikit-learn; progress bars are callbacks.

    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit.

    n_jobs : int, default=None
        Accepted for code that is written for scikit-learn; without effect.

    weights : array-like of shape (n_features,), default=None
        Weights of the features' penalties. Zero leaves a feature unpenalised, infinity
        excludes it. None weighs all by one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients; a single row for two classes.

    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts; those of three or more classes sum to zero.

    dual_gap_ : float
        By how much the objective, divided by ``C`` times the sum of the weights, can be
        above its minimum at most.

    n_iter_ : ndarray of shape (1,)
        Passes over working sets, after iterations of L-BFGS if there were any.

    history_ : dict of ndarrays
        For each measurement of the gap: ``"objective"``, ``"dual_gap"``,
        ``"n_nonzero"``, ``"n_candidates"`` (coefficients that screening left),
        ``"n_passes"``, ``"support_changed"`` and ``"guaranteed_progress"`` (what the
        line searches so far made sure of).

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    NaiveBayesVsLogistic : Logistic regression or naive Bayes, by the number of labels.
    sklearn_theory.solvers.BCDSolver : Every block rule of the paper.
    sklearn.linear_model.LogisticRegression : The counterpart in scikit-learn.

    Notes
    -----
    Dense matrices in column-major order and CSC matrices are used as they are; other
    layouts are converted once. `tol` is on the objective: scikit-learn's is on its
    gradient.

    Where features are not penalised, the gap is an estimate: to the dual value is added
    what the slopes of these features could still gain by their curvature.

    With an L1 penalty on three or more classes the coefficients of a feature may be
    shifted between classes without a change of the objective; one of the solutions is
    found.

    References
    ----------
    .. [1] J. Nutini, I. Laradji and M. Schmidt, "Let's Make Block Coordinate Descent
       Converge Faster: Faster Greedy Rules, Message-Passing, Active-Set Complexity,
       and Superlinear Convergence", JMLR 23, 2022, arXiv:1712.08859.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_theory.linear_model import LogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LogisticRegression(C=0.1, l1_ratio=1.0).fit(scale(X), y)
    >>> int((model.coef_ != 0).sum())
    8
    >>> bool(model.dual_gap_ < 1e-6)
    True
    """

    _parameter_constraints: dict = {
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "dual": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "solver": [
            StrOptions(
                {"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"}
            )
        ],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "weights": ["array-like", None],
    }

    def __init__(
        self,
        *,
        C=1.0,
        l1_ratio=0.0,
        dual=False,
        tol=1e-6,
        fit_intercept=True,
        intercept_scaling=1,
        class_weight=None,
        random_state=None,
        solver="lbfgs",
        max_iter=1000,
        verbose=0,
        warm_start=False,
        n_jobs=None,
        weights=None,
    ):
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.weights = weights

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,)
            Labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; all one if None.

        Returns
        -------
        self : LogisticRegression
            The fitted estimator.
        """
        metadata = {"sample_weight": sample_weight}
        with fit_task(self, max_subtasks=None, X=X, y=y, metadata=metadata) as context:
            previous = self._previous_head()
            rows = self._check_rows(X, y, sample_weight, reset=True)
            weights = check_feature_weights(self.weights, rows.X.shape[1])
            face = logistic_face(rows, self.fit_intercept)
            head, n_smooth = self._start(rows, previous)
            if head is not None:
                start_at_head(face, head, weights)
            solver = self._solver(face, weights, rows, max(self.max_iter - n_smooth, 0))
            rounds = iterate_subtasks(self, context, solver.rounds(), "working set")
            for _ in rounds:
                pass
            self._store(solver, rows, n_smooth)
        return self

    def theory_report(self, X, y, sample_weight=None):
        """Evaluate the assumptions and the promises of the theory on data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, those of training or new ones.

        y : array-like of shape (n_samples,)
            Their labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        report : TheoryReport
            The curvature of the columns and of the identified face, the margin of
            strict complementarity; the duality gap, the progress that was made sure of
            beside the progress made, and the support's identification.
        """
        check_is_fitted(self)
        rows = self._check_rows(X, y, sample_weight, reset=False)
        weights = check_feature_weights(self.weights, rows.X.shape[1])
        face = logistic_face(rows, self.fit_intercept)
        start_at_head(face, LinearHead(self.coef_, self.intercept_), weights)
        penalty = logistic_penalty(weights, self.C, self.l1_ratio, rows.n_classes)
        return logistic_report(face, penalty, self.tol, self.history_)

    @property
    def sparse_coef_(self):
        """Sparse representation of `coef_`."""
        return csr_array(self.coef_)

    def _check_rows(self, X, y, sample_weight, *, reset):
        X, y = validate_data(
            self,
            X,
            y,
            reset=reset,
            accept_sparse="csc",
            order="F",
            dtype=[np.float64, np.float32],
            ensure_all_finite=False,
        )
        check_classification_targets(y)
        if reset:
            self.classes_ = _observed_classes(y)
        labels = _number_labels(y, self.classes_)
        sample_weight = check_weights(sample_weight, X)
        weight = weigh_classes(
            self.class_weight, self.classes_, y, labels, sample_weight
        )
        return ClassifiedRows(X, labels, len(self.classes_), weight)

    def _previous_head(self):
        """The head of the previous fit, and its classes, if it is to be the start."""
        if self.warm_start and hasattr(self, "coef_"):
            return LinearHead(self.coef_, self.intercept_), self.classes_
        return None, None

    def _start(self, rows, previous):
        """Where the blocks start: nowhere, at the last fit, or where L-BFGS ends."""
        head, classes = previous
        if head is not None and not np.array_equal(classes, self.classes_):
            head = None
        if self.weights is not None or not self.fit_intercept:
            return head, 0
        if self.l1_ratio > 0 and np.isfinite(self.C):
            return head, 0
        require_finite(np.isfinite(_sum_of_entries(rows.X)), rows.X)
        return fit_smooth(rows, head, C=self.C, tol=self.tol, max_iter=self.max_iter)

    def _solver(self, face, weights, rows, max_iter):
        penalty = logistic_penalty(weights, self.C, self.l1_ratio, rows.n_classes)
        target = gap_target(face, self.tol)
        return FaceSolver(face, penalty, target=target, max_passes=max_iter)

    def _store(self, solver, rows, n_smooth):
        dtype, total = rows.X.dtype, rows.weight.sum()
        head = head_of(solver.fit, rows.n_classes)
        if self.l1_ratio == 0 and rows.n_classes > 2:
            # What all classes share changes no probability, and only costs penalty.
            head = head._replace(coef=head.coef - head.coef.mean(axis=0))
        self.coef_ = head.coef.astype(dtype)
        self.intercept_ = head.intercept.astype(dtype)
        self.dual_gap_ = solver.gap / total
        self.n_iter_ = np.array([max(1, n_smooth + solver.n_passes)], dtype=np.int32)
        self.history_ = solver.history_per_unit(total)
        warn_if_not_converged([solver], total, self.max_iter)

    def _scores(self, X):
        return scores(X, LinearHead(self.coef_, self.intercept_))


def _observed_classes(y):
    classes = np.unique(y)
    if len(classes) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data "
            f"contains only one class: {classes[0]!r}"
        )
    return classes


def _number_labels(y, classes):
    labels = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    unknown = classes[labels] != y
    if np.any(unknown):
        raise ValueError(
            f"y holds labels that are not among the classes {classes.tolist()}: "
            f"{np.unique(y[unknown]).tolist()}."
        )
    return labels


def _sum_of_entries(X):
    """A sum that is not finite where an entry is not."""
    return (X.data if issparse(X) else X).sum(dtype=float)
