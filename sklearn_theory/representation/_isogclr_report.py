# SPDX-License-Identifier: BSD-3-Clause
"""The theory of the robust contrastive objective, measured on rows."""

import numpy as np

from ..utils import TheoryReport

PAPER = "arXiv:2305.11965"
_EXACT = 1e-6
_ROUNDING = 1e-9


def make_report(estimator, X, contrasts):
    """Evaluate assumptions and promises on rows.

    Parameters
    ----------
    estimator : ISogCLR
        The fitted estimator.

    X : ndarray of shape (n_samples, n_features)
        The rows.

    contrasts : Contrasts
        Views of the rows, compared with each other.

    Returns
    -------
    report : TheoryReport
        The report.
    """
    report = TheoryReport("ISogCLR: the robust contrastive objective")
    settings = estimator._settings()
    _add_radius(report, estimator, len(X))
    _add_bounds(report, estimator, contrasts)
    _add_visits(report, estimator)
    best = contrasts.minimise(settings)
    _add_duality(report, settings, contrasts, best)
    if estimator.loss == "rgcl":
        _add_optimality(report, settings, contrasts, best)
        _add_learnt(report, estimator, X, settings)
    return report


def _add_radius(report, estimator, n_samples):
    batch_size = min(estimator.batch_size, len(estimator._row_hashes))
    negatives = 2 * batch_size - 2 if estimator.mode == "unimodal" else batch_size - 1
    report.add_assumption(
        "rho",
        measured=estimator._settings()[0],
        relation="<",
        bound=np.log(negatives) if negatives > 1 else 0.0,
        holds=None if estimator.loss != "rgcl" else estimator.rho < np.log(negatives),
        reference=f"{PAPER}, the constraint on the weights",
        meaning=(
            "No weights on a batch's negatives are further from uniform than the logarithm "
            "of their number; a larger radius constrains nothing."
        ),
    )


def _add_bounds(report, estimator, contrasts):
    norms = [
        np.abs(np.linalg.norm(z, axis=1) - 1).max()
        for z in (contrasts.z1, contrasts.z2)
    ]
    report.add_assumption(
        "embeddings off the unit sphere",
        measured=max(norms),
        relation="<=",
        bound=1e-4,
        reference=f"{PAPER}, bounded similarities",
        meaning="Similarities of unit vectors are bounded, as convergence needs it.",
    )
    report.add_assumption(
        "largest exponent",
        measured=2 / estimator._settings()[1],
        reference=f"{PAPER}, smooth and bounded objective",
        meaning=(
            "Differences of similarities, at most 2, over the lowest temperature: the "
            "smaller, the smoother the objective. Computed in logarithms, it cannot "
            "overflow."
        ),
    )


def _add_visits(report, estimator):
    report.add_assumption(
        "visits of a row times eta",
        measured=estimator.n_iter_ * estimator.eta,
        reference=f"{PAPER}, the step size of the temperatures",
        meaning=(
            "How far temperatures could move at a derivative of one; they rest after some "
            "60 visits at the default step size."
        ),
    )


def _add_duality(report, settings, contrasts, best):
    """Report the gap between the weighted similarities and the dual objective."""
    rho, lowest, highest = settings
    tilted = contrasts.tilt(best)
    dual = best * (tilted.log_mean + rho) - lowest * rho
    primal = tilted.mean - lowest * tilted.radius
    inside = (
        best < highest * (1 - 1e-9) if highest > lowest else np.ones_like(best, bool)
    )
    gap = np.abs(dual - primal)[inside]
    report.add_promise(
        "duality gap, largest",
        measured=gap.max() if gap.size else 0.0,
        relation="<=",
        bound=_EXACT,
        reference=f"{PAPER}, strong duality of the robust loss",
        meaning=(
            "The worst weighted mean of similarities within the radius equals the "
            "objective at the best temperature, row by row; "
            f"{int(np.size(inside) - inside.sum())} rows whose temperature ends at its "
            "upper bound are left out, since they use less than they may."
        ),
    )


def _add_optimality(report, settings, contrasts, best):
    rho, lowest, highest = settings
    inside = (best > lowest * (1 + 1e-9)) & (best < highest * (1 - 1e-9))
    error = np.abs(contrasts.tilt(best).radius - rho)[inside]
    report.add_promise(
        "divergence at the best temperatures, off rho",
        measured=error.max() if error.size else 0.0,
        relation="<=",
        bound=_EXACT,
        reference=f"{PAPER}, optimality of the temperature",
        meaning=(
            "At its best temperature a row's weights are exactly rho from uniform ones; "
            f"so for {inside.mean():.0%} of the rows, the others end at a bound."
        ),
    )


def _add_learnt(report, estimator, X, settings):
    """Report where the temperatures learnt stand, if these are the rows of training."""
    try:
        estimator._check_same_rows(X)
    except ValueError:
        return
    rho = settings[0]
    against = estimator._against_training(X)
    learnt, best = estimator.temperatures_, against.minimise(settings)
    radius = against.tilt(learnt).radius
    report.add_promise(
        "divergence reached, median over the rows",
        measured=np.median(radius),
        bound=rho,
        estimate=True,
        reference=f"{PAPER}, optimality of the temperature",
        meaning=(
            "At the temperatures learnt, on rows as they are; from "
            f"{radius.min():.2g} to {radius.max():.2g}. kl_radius(X) returns all."
        ),
    )
    least = against.objective(settings, best)
    excess = against.objective(settings, learnt) - least
    at_first = against.objective(
        settings, np.full_like(best, estimator.temperature_init)
    )
    report.add_promise(
        "objective above its minimum over temperatures",
        measured=excess.mean(),
        relation="<=",
        bound=np.mean(np.abs(rho - radius) * np.abs(learnt - best)) + _ROUNDING,
        reference=f"{PAPER}, convexity in the temperature",
        meaning=(
            "The mean over the rows at the temperatures learnt, on rows as they are; by "
            "convexity at most the derivative times the distance to the best temperature. "
            f"With temperature_init for all it is {np.mean(at_first - least):.2g}."
        ),
    )
