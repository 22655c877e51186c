# SPDX-License-Identifier: BSD-3-Clause
"""Elastic net by greedy variable blocks, to a certified duality gap."""

from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state, metadata_routing
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils import TheoryEstimator
from ..utils._callbacks import fit_task, iterate_subtasks
from ..utils._compat import Interval, StrOptions, _fit_context
from ._penalised_path import elastic_net_path
from ._penalised_problem import (
    check_feature_weights,
    check_regression_samples,
    check_weights,
    elastic_net_penalty,
    regression_solver,
    safe_product,
    squared_face,
    start_from,
    total_weight,
    warn_if_not_converged,
)
from ._penalised_report import regression_report


class ElasticNet(MultiOutputMixin, RegressorMixin, TheoryEstimator):
    r"""Linear regression with L1 and L2 penalties, to a certified duality gap.

    It minimises scikit-learn's objective

    .. math::
        \frac{1}{2 n} \|y - X w - b\|^2 + \alpha \rho \sum_j \gamma_j |w_j|
        + \frac{\alpha (1 - \rho)}{2} \sum_j \gamma_j w_j^2,

    with :math:`\rho` for `l1_ratio` and, in addition, `weights` :math:`\gamma_j` of
    each feature. The solver is block coordinate descent with variable blocks that are
    chosen greedily [1]_: coordinate descent finds the signs of a block, conjugate
    gradients solve the system of those signs, and the optimum is reached after finitely
    many blocks. It stops at a duality gap, which `dual_gap_` reports.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty. Zero gives least squares.

    l1_ratio : float, default=0.5
        Share of the L1 penalty, between 0 and 1.

    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalised. Nothing is copied for it:
        columns are centred implicitly, sparse ones too.

    precompute : bool or array-like of shape (n_features, n_features), default=False
        Accepted for code that is written for scikit-learn; the solver needs no Gram
        matrix and never forms one.

    max_iter : int, default=1000
        Largest number of passes over working sets of features.

    copy_X : bool, default=True
        Accepted for code that is written for scikit-learn; `X` is never written to.

    tol : float, default=1e-4
        The duality gap to reach, relative to the mean square of the centred target: the
        fit ends when ``dual_gap_ <= tol * np.mean((y - y.mean()) ** 2)``, and when the
        last pass moved no coefficient by more than `tol` times the largest one.

    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit.

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
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients.

    intercept_ : float or ndarray of shape (n_targets,)
        Intercept.

    dual_gap_ : float or ndarray of shape (n_targets,)
        By how much the objective can be above its minimum at most.

    n_iter_ : int or list of int
        Passes over working sets.

    history_ : dict of ndarrays, or list of such dicts
        For each measurement of the gap: ``"objective"``, ``"dual_gap"``,
        ``"n_nonzero"``, ``"n_candidates"`` (features that screening left),
        ``"n_passes"``, ``"support_changed"`` and ``"guaranteed_progress"`` (what the
        coordinate steps so far promise by their curvature).

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    Lasso : The L1 penalty alone.
    ElasticNetCV : Chooses `alpha` and `l1_ratio` by cross-validation.
    sklearn_theory.solvers.BCDSolver : Every block rule of the paper.
    sklearn.linear_model.ElasticNet : The counterpart in scikit-learn.

    Notes
    -----
    Dense matrices in column-major order and CSC matrices are used as they are. Other
    layouts are converted once. Sample weights scale a copy of `X`, as sparse as `X`.
    Single precision stays single; sums are double, so that small gaps are reached.

    With unpenalised features, or with ``alpha=0``, dual points must be orthogonal to
    those features' columns; they are projected, and the gap holds up to rounding.

    References
    ----------
    .. [1] J. Nutini, I. Laradji and M. Schmidt, "Let's Make Block Coordinate Descent
       Converge Faster: Faster Greedy Rules, Message-Passing, Active-Set Complexity,
       and Superlinear Convergence", JMLR 23, 2022, arXiv:1712.08859.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_theory.linear_model import ElasticNet
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ElasticNet(alpha=0.001, l1_ratio=0.8, tol=1e-10).fit(X, y)
    >>> print(f"{model.score(X, y):.3f}")
    0.513
    >>> bool(model.dual_gap_ <= 1e-10 * y.var())
    True
    """

    # Not something to be passed around in a pipeline.
    __metadata_request__fit = {"check_input": metadata_routing.UNUSED}

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "precompute": ["boolean", "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "copy_X": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "positive": ["boolean"],
        "random_state": ["random_state"],
        "selection": [StrOptions({"cyclic", "random"})],
        "weights": ["array-like", None],
    }

    path = staticmethod(elastic_net_path)

    def __init__(
        self,
        alpha=1.0,
        *,
        l1_ratio=0.5,
        fit_intercept=True,
        precompute=False,
        max_iter=1000,
        copy_X=True,
        tol=1e-4,
        warm_start=False,
        positive=False,
        random_state=None,
        selection="cyclic",
        weights=None,
    ):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.weights = weights

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, check_input=True):
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets; several are fitted one after the other.

        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights; a number, or None, weighs all samples alike.

        check_input : bool, default=True
            Whether to validate `X` and `y`. If not, they must be as `fit` would convert
            them: column-major or CSC, of a floating type.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        metadata = {"sample_weight": sample_weight}
        with fit_task(self, max_subtasks=None, X=X, y=y, metadata=metadata) as context:
            if check_input:
                X, y, sample_weight = check_regression_samples(
                    self, X, y, sample_weight
                )
            else:
                sample_weight = check_weights(sample_weight, X)
            weights = check_feature_weights(self.weights, X.shape[1])
            targets = y[:, np.newaxis] if y.ndim == 1 else y
            starts = self._starts(targets.shape[1])
            rng = self._rng()
            solved = []
            for target, start in zip(targets.T, starts):
                face = squared_face(X, target, sample_weight, self.fit_intercept)
                if start is not None:
                    start_from(face, start, weights)
                penalty = self._penalty(weights, total_weight(X, sample_weight))
                solver = regression_solver(face, penalty, self.tol, self.max_iter, rng)
                rounds = iterate_subtasks(self, context, solver.rounds(), "working set")
                for _ in rounds:
                    pass
                solved.append(solver)
            self._store(solved, X.dtype, y.ndim, total_weight(X, sample_weight))
        return self

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions.
        """
        check_is_fitted(self)
        X = validate_data(
            self,
            X,
            reset=False,
            accept_sparse=["csr", "csc", "coo"],
            dtype=[np.float64, np.float32],
        )
        return safe_product(X, self.coef_.T) + self.intercept_

    def theory_report(self, X, y, sample_weight=None):
        """Evaluate the assumptions and the promises of the theory on data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, those of training or new ones.

        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets; of several, the first is reported.

        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        report : TheoryReport
            The curvature of the columns and of the identified face, the margin of
            strict complementarity; the duality gap, the progress that the coordinate
            steps guaranteed beside the progress made, and the support's identification.
        """
        check_is_fitted(self)
        X, y, sample_weight = check_regression_samples(
            self, X, y, sample_weight, reset=False
        )
        target = y if y.ndim == 1 else y[:, 0]
        face = squared_face(X, target, sample_weight, self.fit_intercept)
        weights = check_feature_weights(self.weights, X.shape[1])
        start_from(face, np.atleast_2d(self.coef_)[0], weights)
        penalty = self._penalty(weights, total_weight(X, sample_weight))
        history = self.history_ if isinstance(self.history_, dict) else self.history_[0]
        return regression_report(type(self).__name__, face, penalty, self.tol, history)

    @property
    def sparse_coef_(self):
        """Sparse representation of `coef_`."""
        return csr_array(np.atleast_2d(self.coef_))

    def _penalty(self, weights, total):
        strength = self.alpha * total
        return elastic_net_penalty(weights, strength, self.l1_ratio, self.positive)

    def _starts(self, n_targets):
        if self.warm_start and hasattr(self, "coef_"):
            return np.atleast_2d(self.coef_)
        return [None] * n_targets

    def _rng(self):
        if self.selection == "random":
            return check_random_state(self.random_state)
        return None

    def _store(self, solved, dtype, y_ndim, total):
        coef = np.array([solver.fit.w for solver in solved], dtype=dtype)
        intercept = np.array([solver.fit.intercept() for solver in solved], dtype=dtype)
        gaps = np.array([solver.gap for solver in solved]) / total
        least = 0 if self.warm_start else 1
        n_iter = [max(least, solver.n_passes) for solver in solved]
        history = [solver.history_per_unit(total) for solver in solved]
        one = len(solved) == 1
        self.coef_ = coef[0] if one else coef
        self.intercept_ = intercept[0] if y_ndim == 1 else intercept
        if not self.fit_intercept:
            self.intercept_ = 0.0
        self.dual_gap_ = gaps[0] if one else gaps
        self.n_iter_ = n_iter[0] if one else n_iter
        self.history_ = history[0] if one else history
        warn_if_not_converged(solved, total, self.max_iter)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
