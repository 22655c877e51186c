# SPDX-License-Identifier: BSD-3-Clause
"""Paths on the folds of a cross-validation, judged on the rows that they left out."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state

from ..solvers._face_fast import combine_columns
from ..solvers._face_matrix import as_columns
from ._penalised_path import walk_path
from ._penalised_problem import squared_face, total_weight


class PathSettings(NamedTuple):
    """What the paths on all folds have in common.

    Attributes
    ----------
    weights : ndarray of shape (n_features,)
        Weights of the features' penalties.

    fit_intercept, positive : bool
        Whether to fit an intercept, and whether coefficients must not be negative.

    tol : float
        Relative duality gap to reach.

    max_iter : int
        Largest number of passes over working sets for each strength.
    """

    weights: np.ndarray
    fit_intercept: bool
    positive: bool
    tol: float
    max_iter: int


class Job(NamedTuple):
    """One path on one fold.

    Attributes
    ----------
    train, test : ndarray of int
        Rows to fit on, and rows to judge by.

    l1_ratio : float
        Share of the L1 penalty.

    alphas : ndarray of shape (n_alphas,)
        Decreasing strengths.

    seed : int or None
        Draws the order of the features; None visits them in turn.
    """

    train: np.ndarray
    test: np.ndarray
    l1_ratio: float
    alphas: np.ndarray
    seed: int | None


class FoldPath(NamedTuple):
    """How a path did on the rows that it left out.

    Attributes
    ----------
    mse : ndarray of shape (n_alphas,)
        Weighted mean squared error at each strength.

    dual_gap : ndarray of shape (n_alphas,)
        Duality gaps, relative to the mean square of the fold's centred target.

    converged : ndarray of bool, shape (n_alphas,)
        Whether the tolerance was reached.
    """

    mse: np.ndarray
    dual_gap: np.ndarray
    converged: np.ndarray


def plan_jobs(folds, l1_ratios, grids, seeds):
    """List the paths to walk: every share of the L1 penalty on one fold, then the next.

    A cross-validation that is stopped early has then seen the same folds for all.
    """
    pairs = [(fold, k) for fold in folds for k in range(len(l1_ratios))]
    return [
        Job(*fold, l1_ratios[k], grids[k], seed)
        for (fold, k), seed in zip(pairs, seeds, strict=True)
    ]


def evaluate_path(X, y, sample_weight, job, settings):
    """Walk a path on the training rows of a fold, and judge it on the others."""
    face, total = _training_face(X, y, sample_weight, job.train, settings)
    columns = as_columns(select_rows(X, job.test))
    target, weight = y[job.test], _select(sample_weight, job.test)
    rng = None if job.seed is None else check_random_state(job.seed)
    options = {"tol": settings.tol, "max_iter": settings.max_iter, "rng": rng}
    options |= {"l1_ratio": job.l1_ratio, "positive": settings.positive}
    points = walk_path(face, job.alphas, settings.weights, total, **options)
    scale = face.scale / total
    rows = [
        (
            mean_squared_error(columns, target, weight, point),
            point.dual_gap / scale if scale > 0 else 0.0,
            point.converged,
        )
        for point in points
    ]
    return FoldPath(*map(np.array, zip(*rows)))


def select_rows(X, rows):
    """Copy rows so that columns stay contiguous, for the kernels to read in place."""
    if issparse(X):
        return X[rows]
    return X.T.take(rows, axis=1).T


def mean_squared_error(columns, y, weight, point):
    """Judge one point of a path; only the features in use are read."""
    support = np.flatnonzero(point.coef)
    prediction = np.empty(columns.n_rows)
    combine_columns(columns, support, point.coef[support], prediction)
    return np.average((prediction + point.intercept - y) ** 2, weights=weight)


def check_folds(folds, sample_weight):
    """Put folds as indices; each side of each must have rows that weigh something."""
    folds = [(_as_indices(train), _as_indices(test)) for train, test in folds]
    if not folds:
        raise ValueError("cv must give one fold at least, got none.")
    for index, fold in enumerate(folds):
        for side, rows in zip(("training", "test"), fold):
            if not _weigh_something(rows, sample_weight):
                raise ValueError(
                    f"Fold {index} of cv has no {side} rows of positive weight; every "
                    "fold needs some on both sides."
                )
    return folds


def check_l1_ratios(l1_ratio):
    """Validate one share of the L1 penalty, or several."""
    l1_ratios = np.atleast_1d(np.asarray(l1_ratio, dtype=float))
    is_list = l1_ratios.ndim == 1 and len(l1_ratios) > 0
    if not is_list or not np.all((l1_ratios >= 0) & (l1_ratios <= 1)):
        raise ValueError(
            "l1_ratio must be a number between 0 and 1, or a list of such numbers, got "
            f"{l1_ratio!r}."
        )
    return l1_ratios


def draw_seeds(selection, random_state, size):
    """Draw one seed for each path, so that their order of completion plays no part."""
    if selection != "random":
        return [None] * size
    rng = check_random_state(random_state)
    return rng.randint(np.iinfo(np.int32).max, size=size).tolist()


class Choice(NamedTuple):
    """The parameters with the smallest error, and the errors that speak for them.

    Attributes
    ----------
    which, place : int
        Positions of the chosen share of the L1 penalty, and of its strength.

    errors, strongest_errors : ndarray of shape (n_folds,)
        Mean squared errors of the choice, and of the strongest penalty beside it.
    """

    which: int
    place: int
    errors: np.ndarray
    strongest_errors: np.ndarray


def tabulate(paths, name, n_l1_ratios, n_folds):
    """Arrange a measure by share, strength and fold; NaN for paths not walked."""
    n_alphas = len(paths[0].mse)
    table = np.full((n_folds * n_l1_ratios, n_alphas), np.nan)
    table[: len(paths)] = [getattr(path, name) for path in paths]
    return table.reshape(n_folds, n_l1_ratios, n_alphas).transpose(1, 2, 0)


def choose(mse, n_paths):
    """Take the smallest mean error over the folds that all shares have seen."""
    n_whole = n_paths // len(mse)
    # Stopped within the first fold: compare the paths that there are.
    seen = mse[:, :, : max(n_whole, 1)]
    which, place = np.unravel_index(np.nanargmin(seen.mean(axis=2)), mse.shape[:2])
    return Choice(int(which), int(place), seen[which, place], seen[which, 0])


def _training_face(X, y, sample_weight, rows, settings):
    weight = _select(sample_weight, rows)
    X, y = select_rows(X, rows), y[rows]
    return squared_face(X, y, weight, settings.fit_intercept), total_weight(X, weight)


def _weigh_something(rows, sample_weight):
    return len(rows) > 0 and (sample_weight is None or sample_weight[rows].any())


def _select(sample_weight, rows):
    return None if sample_weight is None else sample_weight[rows]


def _as_indices(rows):
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows
