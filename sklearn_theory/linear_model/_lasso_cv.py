# SPDX-License-Identifier: BSD-3-Clause
"""Lasso whose penalty is chosen by cross-validation along certified paths."""

from ._elastic_net_cv import ElasticNetCV
from ._penalised_path import lasso_path


class LassoCV(ElasticNetCV):
    r"""Lasso whose penalty is chosen by cross-validation along certified paths.

    It minimises the objective of :class:`Lasso`,

    .. math::
        \frac{1}{2 n} \|y - X w - b\|^2 + \alpha \sum_j \gamma_j |w_j|,

    on the training rows of each fold along decreasing :math:`\alpha`. Each fit starts
    from the one before and ends at a certified duality gap: block coordinate descent
    with greedy variable blocks needs few blocks from there, since most of the support
    is known [1]_. The strength with the smallest mean error on the rows left out is
    fitted again on all rows.

    Parameters
    ----------
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

    copy_X : bool, default=True
        Accepted for code that is written for scikit-learn; `X` is never written to.

    cv : int, cross-validation generator or iterable, default=None
        The folds: their number (None stands for 5), a splitter, or pairs of training
        and test rows.

    verbose : bool or int, default=False
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

    coef_ : ndarray of shape (n_features,)
        Coefficients on all rows.

    intercept_ : float
        Intercept.

    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared errors on the rows that each fold left out; dimensions of length
        one are left out. NaN where a callback stopped the cross-validation before.

    dual_gap_path_ : ndarray of the shape of `mse_path_`
        Certified duality gaps of the fits behind these errors, relative to the mean
        square of each fold's centred target.

    alphas_ : ndarray of shape (n_alphas,)
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
    Lasso : At a given `alpha`.
    ElasticNetCV : With an L2 penalty too.
    sklearn.linear_model.LassoCV : The counterpart in scikit-learn.

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
    >>> from sklearn_theory.linear_model import LassoCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LassoCV(cv=5).fit(X, y)
    >>> print(f"{model.alpha_:.4f} {model.score(X, y):.3f}")
    0.0038 0.517
    """

    _parameter_constraints: dict = {**ElasticNetCV._parameter_constraints}
    _parameter_constraints.pop("l1_ratio")

    l1_ratio = 1.0

    path = staticmethod(lasso_path)

    def __init__(
        self,
        *,
        eps=1e-3,
        alphas=100,
        fit_intercept=True,
        precompute="auto",
        max_iter=1000,
        tol=1e-4,
        copy_X=True,
        cv=None,
        verbose=False,
        n_jobs=None,
        positive=False,
        random_state=None,
        selection="cyclic",
        weights=None,
    ):
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.weights = weights

    def _keep_l1_ratio(self, l1_ratio):
        """Keep nothing: there was no choice."""
