# SPDX-License-Identifier: BSD-3-Clause
"""The door to the penalised regressions: check samples, build problems, solve them."""

import warnings
from numbers import Number

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from ..solvers._face_matrix import as_columns
from ..solvers._face_penalty import FacePenalty
from ..solvers._face_solver import FaceSolver
from ..solvers._face_squared import SquaredFace
from ..utils._compat import _check_sample_weight

_FLOATS = (np.float64, np.float32)


def check_regression_samples(estimator, X, y, sample_weight, *, reset=True):
    """Validate samples; the finiteness of X is left to :func:`squared_face`."""
    X, y = validate_data(
        estimator,
        X,
        y,
        reset=reset,
        accept_sparse="csc",
        order="F",
        dtype=_FLOATS,
        ensure_all_finite=False,
        multi_output=True,
        y_numeric=True,
    )
    return X, y, check_weights(sample_weight, X)


def check_weights(sample_weight, X):
    """Validate sample weights; a number, or None, stands for equal ones."""
    if sample_weight is None or isinstance(sample_weight, Number):
        return None
    sample_weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if not sample_weight.any():
        raise ValueError("sample_weight must not be zero for every sample.")
    return sample_weight


def check_feature_weights(weights, n_features):
    """Validate the weights of the penalty of each feature."""
    if weights is None:
        return np.ones(n_features)
    weights = check_array(
        weights,
        ensure_2d=False,
        ensure_all_finite=False,
        dtype=np.float64,
        input_name="weights",
    )
    if weights.shape != (n_features,):
        raise ValueError(
            f"weights must hold one weight for each of the {n_features} features, got "
            f"an array of shape {weights.shape}."
        )
    if not np.all(weights >= 0):
        raise ValueError("weights must be non-negative; zero and inf are accepted.")
    return weights


def squared_face(X, y, sample_weight, fit_intercept):
    """Build the squared loss of one target, its rows weighted."""
    root = None if sample_weight is None else np.sqrt(sample_weight)
    unit = (np.ones(X.shape[0]) if root is None else root) if fit_intercept else None
    target = y if root is None else y * root
    # What is not finite is refused below, with words.
    with np.errstate(over="ignore", invalid="ignore"):
        face = SquaredFace(as_columns(X, root), X.shape[1], target, unit)
    require_finite(face.is_finite, X)
    if not np.isfinite(face.scale):
        raise ValueError(
            "y holds values whose squares exceed what double precision can hold; scale "
            "the target."
        )
    return face


def require_finite(is_finite, X):
    """Refuse values that are not finite, or whose squares are not.

    The norms of the columns tell both, so X is not read once more for this.
    """
    if is_finite:
        return
    check_array(X, accept_sparse="csc", dtype=_FLOATS, input_name="X")
    raise ValueError(
        "X holds values whose squares exceed what double precision can hold; scale "
        "the features."
    )


def elastic_net_penalty(weights, strength, l1_ratio, positive=False):
    """Build the elastic net of total `strength`; its factors scale with `weights`.

    An infinite weight excludes a feature by the L1 part alone, whatever `l1_ratio`.
    """
    excluded = np.isinf(weights)
    finite = np.where(excluded, 0.0, weights)
    l1 = strength * l1_ratio * finite
    l1[excluded] = np.inf
    l2 = np.zeros_like(l1)
    if l1_ratio < 1:
        l2 = strength * (1 - l1_ratio) * finite
        l2[excluded] = strength * (1 - l1_ratio)
    return FacePenalty(l1, l2, positive)


def gap_target(face, tol):
    """The duality gap that ends a fit, in the units of the sum of losses."""
    return tol * face.scale


def start_from(face, coef, weights):
    """Put the start at given coefficients; excluded features start at zero."""
    face.start(np.where(np.isinf(weights), 0.0, np.ravel(coef)))


def regression_solver(face, penalty, tol, max_iter, rng=None, candidates=None):
    """Build the solver that ends at the relative gap `tol`, with steps as small.

    As in scikit-learn, the last pass must not have moved a coefficient by more than
    `tol` times the largest one: a gap alone would leave coarser coefficients.
    """
    return FaceSolver(
        face,
        penalty,
        target=gap_target(face, tol),
        max_passes=max_iter,
        step_tol=tol,
        candidates=candidates,
        rng=rng,
    )


def total_weight(X, sample_weight):
    """The sum of the sample weights, by which scikit-learn divides the loss."""
    return X.shape[0] if sample_weight is None else sample_weight.sum()


def safe_product(X, coef):
    """Multiply samples by coefficients; the result is dense."""
    product = X @ coef
    return product.toarray() if issparse(product) else product


def warn_if_not_converged(solved, total, max_iter):
    """Warn once, with the worst gap and what to raise; not where a callback stopped."""
    failed = [solver for solver in solved if solver.exhausted]
    if not failed:
        return
    worst = max(failed, key=lambda solver: solver.gap / max(solver.target, 1e-300))
    advice = (
        "You might want to increase the number of iterations, check the scale of the "
        "features or consider increasing regularisation."
    )
    reason = f"max_iter={max_iter} passes were made"
    if worst.n_passes < worst.max_passes:
        reason = "rounding allows no smaller gap: raise tol"
    warnings.warn(
        f"Objective did not converge. {advice} Duality gap: {worst.gap / total:.3e}, "
        f"tolerance: {worst.target / total:.3e}; {reason}.",
        ConvergenceWarning,
        stacklevel=5,  # the caller of fit, which _fit_context wraps
    )
