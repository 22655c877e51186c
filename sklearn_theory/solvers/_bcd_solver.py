# SPDX-License-Identifier: BSD-3-Clause
"""Block coordinate descent with every rule of the paper, as an estimator."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils import TheoryEstimator
from ..utils._callbacks import fit_task, iterate_subtasks
from ..utils._compat import Interval, StrOptions, _fit_context
from ._bcd_loop import BCDRun, warn_unless_converged
from ._bcd_report import make_report
from ._datafits._base import Datafit
from ._partitions._base import Partition
from ._penalties._base import Penalty
from ._penalties._box import BoxPenalty
from ._registry import look_up
from ._selections._base import Selection
from ._tracking import TRACKINGS
from ._updates._base import Update

_REPORT_EVERY = 10


class BCDSolver(RegressorMixin, TheoryEstimator):
    r"""Block coordinate descent from a partition, a selection and an update.

    It minimises :math:`f(w) + \sum_i g_i(w_i)`, a smooth loss plus a separable penalty,
    by moving one block of coordinates at a time. Which block, and how, are independent
    choices [1]_. Losses are plain sums over the rows, as in the paper: multiply by the
    number of rows the `alpha` that goes with a mean.

    Parameters
    ----------
    loss : {"squared", "logistic", "softmax", "quadratic"} or class, default="squared"
        The smooth function: half the sum of squares; the logistic loss of labels -1 and
        1; the softmax loss of any classes; or :math:`\frac12 w^\top X w - y^\top w`
        with a symmetric positive semi-definite matrix `X`. A class is a datafit that is
        made by ``loss(X, y, fit_intercept=...)``.

    penalty : str or penalty object, default="none"
        The penalty: "none", "l1", "l2", "elasticnet" or "box", which asks for
        non-negative coefficients. An object also holds weights of the features. A
        squared norm counts as part of the smooth function.

    alpha : float, default=0.0
        The strength of a penalty that is given by name.

    l1_ratio : float, default=1.0
        The share of the l1 norm in "elasticnet".

    bounds : tuple of (low, high), default=None
        Bounds of the coefficients, numbers or arrays of shape (n_features,), in
        addition to the penalty.

    partition : str, array-like of int or partition object, default="variable"
        How coordinates are cut into blocks: "variable", not at all; "order", as they
        come; "sort", by ascending constants; "avg", small and large ones by turns;
        "hsort" and "havg", the same by row sums of the Hessian; "red_black" and
        "tree_partition", by the graph of a quadratic; or as block numbers say.

    selection : str or selection object, default="gsd"
        Which block is next: "random", "cyclic", "lipschitz"; the greedy "gs", "gsl",
        "gsd", "gsd_h", "gsq", "gsq_iht", "gsq_omp", "gsc", "mi"; with a penalty that
        has kinks or bounds "gs_s", "gs_r", "gs_q"; on graphs "greedy_tree",
        "greedy_tree_d", "random_tree".

    update : str or update object, default="matrix"
        How a block moves: "gradient", "lipschitz_ls", "matrix", "newton", "exact"; with
        kinks or bounds "prox_gradient", "prox_newton", "two_metric"; on graphs
        "message_passing".

    block_size : int, default=5
        The number of coordinates in a block; the last fixed block may be shorter.

    max_iter : int, default=500
        The number of block updates.

    tol : float, default=1e-6
        The run ends when the duality gap is at most `tol` times the objective at zero,
        or when no coordinate violates optimality by more than `tol` times the largest
        derivative at zero, both over root `L_i`. With 0 all iterations are run, and
        nothing warns.

    fit_intercept : bool, default=True
        Whether there is an unpenalised intercept. The squared loss is centred without
        changing `X`; in "logistic" and "softmax" intercepts are coordinates like
        others, the last ones; a quadratic has none.

    gradient_tracking : {"auto", "gram", "rows", "full", "none"}, default="auto"
        How greedy rules get the full gradient: from cached columns of the Hessian; by
        touching only what shares a row with the block (sparse `X`); by computing it
        anew; "none" is for selections that need no gradient.

    random_state : int, RandomState instance or None, default=None
        Determines random selections.

    record : bool, default=False
        Whether to keep `history_`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_classes, n_features)
        The coefficients.

    intercept_ : float or ndarray of shape (n_classes,)
        The intercept, or one for each class.

    n_iter_ : int
        The number of block updates.

    stop_reason_ : str
        "dual gap", "optimality", "stalled" (a rule without chance found nothing to
        move, though `tol` asks for more than rounding allows), "max_iter", "callback"
        or "not finite".

    dual_gap_ : float
        An upper bound of the objective minus its minimum, up to rounding. Without a
        penalty it is exact for "squared" (half the squared norm of the residual's
        projection on the columns) and for "quadratic"; NaN where no dual point is
        known, such as for "logistic" with unpenalised features.

    optimality_violation_ : float
        The largest violation that `tol` speaks of.

    history_ : dict
        Only if `record`: "objective", "time" in seconds with setup and without
        recording, "nnz" and "active_set_size", the number of coordinates off kinks and
        bounds, at the start and after each update; and for each update "block",
        "progress", the guaranteed "bound" of it, and "active_set_changes".

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    minimize : The same for a function instead of data.
    sklearn.linear_model.Lasso : Cyclic coordinate descent, compiled.

    Notes
    -----
    Everything is computed in double precision; coefficients have the type of `X`.
    Sparse rows are converted to CSC once if they are in another format, and are never
    made dense; nor is any array of shape (n_features, n_features) made.

    Running one iteration at a time, with the same `random_state`, retraces the path of
    one run: nothing hides between iterations.

    References
    ----------
    .. [1] J. Nutini, I. Laradji and M. Schmidt, "Let's Make Block Coordinate Descent
       Converge Faster: Faster Greedy Rules, Message-Passing, Active-Set Complexity, and
       Superlinear Convergence", JMLR 23, 2022, arXiv:1712.08859.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_theory.solvers import BCDSolver
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = BCDSolver(
    ...     penalty="l1", alpha=200.0, selection="gs_q", update="prox_newton"
    ... ).fit(X, y)
    >>> model.coef_.round(1)
    array([  0. ,   0. , 479. , 149.2,   0. ,   0. , -71.2,   0. , 415.3,
             0. ])
    """

    _parameter_constraints: dict = {
        "loss": [str, type],
        "penalty": [str, Penalty],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "bounds": [tuple, list, None],
        "partition": [str, "array-like", Partition],
        "selection": [str, Selection],
        "update": [str, Update],
        "block_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "gradient_tracking": [StrOptions({"auto", *TRACKINGS})],
        "random_state": ["random_state"],
        "record": ["boolean"],
    }

    def __init__(
        self,
        loss="squared",
        penalty="none",
        alpha=0.0,
        l1_ratio=1.0,
        bounds=None,
        partition="variable",
        selection="gsd",
        update="matrix",
        block_size=5,
        max_iter=500,
        tol=1e-6,
        fit_intercept=True,
        gradient_tracking="auto",
        random_state=None,
        record=False,
    ):
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.bounds = bounds
        self.partition = partition
        self.selection = selection
        self.update = update
        self.block_size = block_size
        self.max_iter = max_iter
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.gradient_tracking = gradient_tracking
        self.random_state = random_state
        self.record = record

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Minimise.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; for loss="quadratic" the matrix.

        y : array-like of shape (n_samples,)
            Targets; for loss="quadratic" the linear part.

        Returns
        -------
        self : BCDSolver
            The fitted estimator.
        """
        max_subtasks = -(-self.max_iter // _REPORT_EVERY)
        with fit_task(self, max_subtasks=max_subtasks, X=X, y=y) as context:
            X, y = self._check_data(X, y, reset=True)
            run = self._make_run(X, y)
            for count in iterate_subtasks(
                self,
                context,
                run.chunks(_REPORT_EVERY),
                "updates",
                reconstruct=lambda: self._coefficients(run, X.dtype),
            ):
                run.advance(count)
            result = self._store(run, X.dtype)
        # Between this frame and the user's stands the decorator.
        warn_unless_converged(result, self.tol, stacklevel=4)
        return self

    def predict(self, X):
        """Predict.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        predictions : ndarray of shape (n_samples,)
            Values; for "logistic" labels -1 and 1, for "softmax" classes.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=_DTYPES, reset=False)
        scores = np.asarray(X @ self.coef_.T) + self.intercept_
        return self._loss_class().decide(scores, self._classes)

    def theory_report(self, X, y):
        """Evaluate the assumptions and the promises of the theory on data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, those of training or new ones.

        y : array-like of shape (n_samples,)
            Their targets.

        Returns
        -------
        report : TheoryReport
            Constants, strong convexity and the margin of the active set; the duality
            gap, the progress against its bound, and when the support was found.
        """
        check_is_fitted(self)
        X, y = self._check_data(X, y, reset=False)
        return make_report(self, self._make_run(X, y, record=True))

    def _check_data(self, X, y, reset):
        return validate_data(
            self,
            X,
            y,
            accept_sparse="csc",
            dtype=_DTYPES,
            y_numeric=self.loss != "softmax",
            reset=reset,
        )

    def _loss_class(self):
        if isinstance(self.loss, str):
            return look_up("datafits", self.loss, "loss")
        return self.loss

    def _make_run(self, X, y, record=None):
        datafit = self._loss_class()(X, y, fit_intercept=self.fit_intercept)
        if not isinstance(datafit, Datafit):
            raise ValueError(f"loss must be a datafit class, got {self.loss!r}.")
        return BCDRun(
            datafit,
            make_penalty(self.penalty, self.alpha, self.l1_ratio, self.bounds),
            partition=self.partition,
            selection=self.selection,
            update=self.update,
            block_size=self.block_size,
            max_iter=self.max_iter,
            tol=self.tol,
            gradient_tracking=self.gradient_tracking,
            random_state=self.random_state,
            record=self.record if record is None else record,
        )

    def _coefficients(self, run, dtype):
        datafit = run.problem.datafit
        coef, intercept = datafit.finish(run.state.x)
        if np.ndim(intercept):
            intercept = intercept.astype(dtype)
        return {
            "coef_": coef.astype(dtype),
            "intercept_": intercept,
            "_classes": datafit.classes,
        }

    def _store(self, run, dtype):
        """Turn a run into the fitted attributes."""
        result = run.result()
        for name, value in self._coefficients(run, dtype).items():
            setattr(self, name, value)
        self.n_iter_, self.stop_reason_ = result.n_iter, result.stop_reason
        self.dual_gap_ = result.dual_gap
        self.optimality_violation_ = result.violation
        if self.record:
            self.history_ = result.history
        self._last_support_change = run.last_support_change
        return result

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


_DTYPES = [np.float64, np.float32]


def make_penalty(penalty, alpha, l1_ratio, bounds):
    """Make a penalty from the estimator's parameters.

    Parameters
    ----------
    penalty : str or Penalty
        Its name, or the penalty itself.

    alpha : float
        The strength of one that is given by name.

    l1_ratio : float
        The share of the l1 norm of an elastic net that is given by name.

    bounds : tuple of (low, high) or None
        What to add.

    Returns
    -------
    penalty : Penalty
        The penalty, not yet bound to coordinates.
    """
    if isinstance(penalty, str):
        part = look_up("penalties", penalty, "penalty")
        penalty = part.from_parameters(alpha, l1_ratio)
    if bounds is None:
        return penalty
    if len(bounds) != 2:
        raise ValueError(f"bounds must be a pair (low, high), got {bounds!r}.")
    if penalty.bounded:
        raise ValueError(
            f"penalty={penalty.name!r} has bounds of its own; give either it or bounds."
        )
    return BoxPenalty(*bounds, penalty=penalty)
