# SPDX-License-Identifier: BSD-3-Clause
"""Least squares with non-negative coefficients, to a certified duality gap."""

from ._lasso import Lasso
from ._penalised_path import non_negative_path


class NonNegativeLeastSquares(Lasso):
    r"""Least squares with non-negative coefficients, to a certified duality gap.

    It minimises

    .. math::
        \frac{1}{2 n} \|y - X w - b\|^2 + \alpha \sum_j \gamma_j w_j
        \quad \text{subject to } w \ge 0

    by block coordinate descent with variable blocks that are chosen greedily [1]_. The
    zero coefficients are identified after finitely many blocks, and those that remain
    are the least-squares solution on their columns.

    Parameters
    ----------
    alpha : float, default=0.0
        Strength of a penalty on the sum of the coefficients.

    fit_intercept : bool, default=True
        Whether to fit an intercept, which may be negative and is not penalised.

    max_iter : int, default=1000
        Largest number of passes over working sets of features.

    tol : float, default=1e-10
        The duality gap to reach, relative to the mean square of the centred target. The
        last pass must also have moved no coefficient by more than `tol` times the
        largest one.

    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit.

    weights : array-like of shape (n_features,), default=None
        Weights of the features' penalties. Infinity excludes a feature.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, none of which is negative.

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
    Lasso : Coefficients of either sign, or with ``positive=True`` this one.
    sklearn.linear_model.LinearRegression : Has ``positive=True`` without a penalty.
    scipy.optimize.nnls : The same problem without intercept, for dense matrices.

    Notes
    -----
    Where `alpha` is zero, dual points must make no angle above a right one with any
    column. The residual is projected off the columns in use, and the gap holds up to
    rounding; until the fit comes near, `history_` holds an infinite gap.

    References
    ----------
    .. [1] J. Nutini, I. Laradji and M. Schmidt, "Let's Make Block Coordinate Descent
       Converge Faster: Faster Greedy Rules, Message-Passing, Active-Set Complexity,
       and Superlinear Convergence", JMLR 23, 2022, arXiv:1712.08859.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.linear_model import NonNegativeLeastSquares
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> model = NonNegativeLeastSquares(fit_intercept=False)
    >>> print(model.fit(X, [2.0, -1.0, 1.0]).coef_)
    [1.5 0. ]
    """

    _parameter_constraints: dict = {
        name: Lasso._parameter_constraints[name]
        for name in (
            "alpha",
            "fit_intercept",
            "max_iter",
            "tol",
            "warm_start",
            "weights",
        )
    }

    positive = True
    selection = "cyclic"
    path = staticmethod(non_negative_path)

    def __init__(
        self,
        alpha=0.0,
        *,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-10,
        warm_start=False,
        weights=None,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.weights = weights
