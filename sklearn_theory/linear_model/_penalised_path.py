# SPDX-License-Identifier: BSD-3-Clause
"""Coefficients along decreasing penalties, each fit started from the one before."""

import warnings
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_consistent_length, check_random_state

from ._penalised_problem import (
    check_feature_weights,
    check_weights,
    elastic_net_penalty,
    regression_solver,
    squared_face,
    start_from,
    total_weight,
)


class PathPoint(NamedTuple):
    """The solution at one strength of the penalty.

    Attributes
    ----------
    coef : ndarray of shape (n_features,)
        Coefficients.

    intercept, dual_gap : float
        The intercept and the certified gap.

    n_iter : int
        Passes over working sets.

    converged : bool
        Whether the tolerance was reached.
    """

    coef: np.ndarray
    intercept: float
    dual_gap: float
    n_iter: int
    converged: bool


def walk_path(face, alphas, weights, total, *, l1_ratio, positive, tol, max_iter, rng):
    """Yield the solution at each alpha, every fit started from the one before."""
    solver = None
    for alpha in alphas:
        penalty = elastic_net_penalty(weights, alpha * total, l1_ratio, positive)
        candidates = None if solver is None else solver.likely_candidates(penalty)
        solver = regression_solver(face, penalty, tol, max_iter, rng, candidates)
        for _ in solver.rounds():
            pass
        yield PathPoint(
            face.w.copy(),
            face.intercept(),
            solver.gap / total,
            max(1, solver.n_passes),
            solver.converged,
        )


def alpha_grid(face, weights, total, *, l1_ratio, positive, eps, n_alphas):
    """Grid from the smallest alpha at which all penalised coefficients are zero."""
    if l1_ratio == 0:
        raise ValueError(
            "Automatic alpha grid generation is not supported for l1_ratio=0. Please "
            "supply a grid by providing your estimator with the appropriate `alphas=` "
            "argument."
        )
    penalised = (weights > 0) & np.isfinite(weights)
    slope = face.products[penalised]
    slope = (slope if positive else np.abs(slope)) / weights[penalised]
    largest = slope.max(initial=0) / (total * l1_ratio)
    smallest = np.finfo(float).resolution
    if largest <= smallest:
        return np.full(n_alphas, smallest)
    return np.geomspace(largest, largest * eps, num=n_alphas)


def elastic_net_path(
    X,
    y,
    alphas=100,
    *,
    l1_ratio=0.5,
    eps=1e-3,
    coef_init=None,
    positive=False,
    fit_intercept=False,
    weights=None,
    sample_weight=None,
    return_n_iter=False,
    tol=1e-4,
    max_iter=1000,
    selection="cyclic",
    random_state=None,
    check_input=True,
    precompute=False,
    copy_X=True,
):
    """Compute elastic net coefficients along decreasing penalties.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training samples.

    y : array-like of shape (n_samples,)
        Targets.

    alphas : int or array-like of shape (n_alphas,), default=100
        Strengths of the penalty, or how many to space evenly in their logarithm, from
        the smallest at which all coefficients are zero.

    l1_ratio : float, default=0.5
        Share of the L1 penalty.

    eps : float, default=1e-3
        The smallest strength of such a grid, as a share of the largest.

    coef_init : array-like of shape (n_features,), default=None
        Where the first fit starts.

    positive : bool, default=False
        Whether coefficients must not be negative.

    fit_intercept : bool, default=False
        Whether to fit an intercept at each strength. The default is scikit-learn's,
        whose callers centre `X` and `y`.

    weights : array-like of shape (n_features,), default=None
        Weights of the features' penalties.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the samples.

    return_n_iter : bool, default=False
        Whether to return the numbers of passes too.

    tol : float, default=1e-4
        Duality gap to reach, relative to the mean square of the centred target.

    max_iter : int, default=1000
        Largest number of passes over working sets for each strength.

    selection : {"cyclic", "random"}, default="cyclic"
        The order in which coordinate descent visits a working set.

    random_state : int, RandomState instance or None, default=None
        Draws the order if `selection` is "random".

    check_input : bool, default=True
        Whether to validate `X` and `y`.

    precompute : bool, default=False
        Accepted for code that is written for scikit-learn; without effect.

    copy_X : bool, default=True
        Accepted for code that is written for scikit-learn; without effect.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        The strengths, in decreasing order.

    coefs : ndarray of shape (n_features, n_alphas)
        Coefficients at each strength.

    dual_gaps : ndarray of shape (n_alphas,)
        Certified duality gaps.

    n_iters : list of int
        Passes over working sets; only if `return_n_iter`.
    """
    if check_input:
        X, y = _check_samples(X, y)
    sample_weight = check_weights(sample_weight, X)
    weights = check_feature_weights(weights, X.shape[1])
    total = total_weight(X, sample_weight)
    face = squared_face(X, y, sample_weight, fit_intercept)
    options = {"l1_ratio": l1_ratio, "positive": positive}
    if isinstance(alphas, Integral):
        alphas = alpha_grid(face, weights, total, eps=eps, n_alphas=alphas, **options)
    else:
        alphas = check_alphas(alphas)
    if coef_init is not None:
        start_from(face, coef_init, weights)
    rng = check_random_state(random_state) if selection == "random" else None
    options |= {"tol": tol, "max_iter": max_iter, "rng": rng}
    points = list(walk_path(face, alphas, weights, total, **options))
    warn_of_path(points, alphas)
    coefs = np.array([point.coef for point in points], dtype=X.dtype).T
    gaps = np.array([point.dual_gap for point in points])
    if return_n_iter:
        return alphas, coefs, gaps, [point.n_iter for point in points]
    return alphas, coefs, gaps


def lasso_path(X, y, alphas=100, *, l1_ratio=1.0, **options):
    """Compute Lasso coefficients along decreasing penalties.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training samples.

    y : array-like of shape (n_samples,)
        Targets.

    alphas : int or array-like of shape (n_alphas,), default=100
        Strengths of the penalty, or how many to space evenly in their logarithm, from
        the smallest at which all coefficients are zero.

    l1_ratio : float, default=1.0
        Share of the L1 penalty.

    **options : dict
        Further options of :meth:`ElasticNet.path`.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        The strengths, in decreasing order.

    coefs : ndarray of shape (n_features, n_alphas)
        Coefficients at each strength.

    dual_gaps : ndarray of shape (n_alphas,)
        Certified duality gaps.

    n_iters : list of int
        Passes over working sets; only if ``return_n_iter=True``.
    """
    return elastic_net_path(X, y, alphas, l1_ratio=l1_ratio, **options)


def non_negative_path(X, y, alphas=100, **options):
    """Compute non-negative coefficients along decreasing penalties.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training samples.

    y : array-like of shape (n_samples,)
        Targets.

    alphas : int or array-like of shape (n_alphas,), default=100
        Strengths of the penalty, or how many to space evenly in their logarithm, from
        the smallest at which all coefficients are zero.

    **options : dict
        Further options of :meth:`ElasticNet.path`, except `l1_ratio` and `positive`.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        The strengths, in decreasing order.

    coefs : ndarray of shape (n_features, n_alphas)
        Coefficients at each strength.

    dual_gaps : ndarray of shape (n_alphas,)
        Certified duality gaps.

    n_iters : list of int
        Passes over working sets; only if ``return_n_iter=True``.
    """
    return lasso_path(X, y, alphas, positive=True, **options)


def check_alphas(alphas):
    """Validate strengths of the penalty, and put them in decreasing order."""
    alphas = np.asarray(alphas, dtype=float)
    if alphas.ndim != 1 or len(alphas) == 0:
        raise ValueError(
            f"alphas must be a list of strengths, got an array of shape {alphas.shape}."
        )
    if not np.all((alphas >= 0) & np.isfinite(alphas)):
        raise ValueError("alphas must be non-negative and finite.")
    return np.sort(alphas)[::-1]


def warn_of_path(points, alphas):
    """Warn once for a whole path, with the worst gap."""
    failed = [(p.dual_gap, a) for p, a in zip(points, alphas) if not p.converged]
    if failed:
        gap, alpha = max(failed)
        warnings.warn(
            f"Objective did not converge at {len(failed)} of {len(points)} alphas. "
            f"Duality gap: {gap:.3e} at alpha={alpha:.3e}. Raise max_iter or tol, or "
            "scale the features.",
            ConvergenceWarning,
            stacklevel=3,
        )


def _check_samples(X, y):
    X = check_array(
        X,
        accept_sparse="csc",
        order="F",
        dtype=[np.float64, np.float32],
        ensure_all_finite=False,
        input_name="X",
    )
    y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    check_consistent_length(X, y)
    if y.ndim != 1:
        raise ValueError(f"y must be one-dimensional, got an array of shape {y.shape}.")
    return X, y
