# SPDX-License-Identifier: BSD-3-Clause
"""Lasso by greedy variable blocks, to a certified duality gap."""

from ._elastic_net import ElasticNet
from ._penalised_path import lasso_path


class Lasso(ElasticNet):
    r"""Linear regression with an L1 penalty, to a certified duality gap.

    It minimises scikit-learn's objective

    .. math::
        \frac{1}{2 n} \|y - X w - b\|^2 + \alpha \sum_j \gamma_j |w_j|

    with, in addition, `weights` :math:`\gamma_j` of each feature. The solver is block
    coordinate descent with variable blocks that are chosen greedily [1]_: coordinate
    descent finds the signs of a block, conjugate gradients solve the system of those
    signs, and the optimum is reached after finitely many blocks. It stops at a duality
    gap, which `dual_gap_` reports.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty. Zero gives least squares.

    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalised. Nothing is copied for it:
        columns are centred implicitly, sparse ones too.

    precompute : bool or array-like of shape (n_features, n_features), default=False
        Accepted for code that is written for scikit-learn; the solver needs no Gram
        matrix and never forms one.

    copy_X : bool, default=True
        Accepted for code that is written for scikit-learn; `X` is never written to.

    max_iter : int, default=1000
        Largest number of passes over working sets of features.

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
    ElasticNet : L1 and L2 penalties together.
    LassoCV : Chooses `alpha` by cross-validation.
    sklearn_theory.solvers.BCDSolver : Every block rule of the paper.
    sklearn.linear_model.Lasso : The counterpart in scikit-learn.

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
    >>> from sklearn_theory.linear_model import Lasso
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = Lasso(alpha=0.5, tol=1e-10).fit(X, y)
    >>> int((model.coef_ != 0).sum())
    4
    >>> bool(model.dual_gap_ <= 1e-10 * y.var())
    True
    """

    _parameter_constraints: dict = {**ElasticNet._parameter_constraints}
    _parameter_constraints.pop("l1_ratio")

    l1_ratio = 1.0
    path = staticmethod(lasso_path)

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        precompute=False,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        positive=False,
        random_state=None,
        selection="cyclic",
        weights=None,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.weights = weights
