# SPDX-License-Identifier: BSD-3-Clause
"""The quantities of the theorems on block coordinate descent."""

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

_MOST_COORDINATES = 500


def smallest_curvature(problem, state):
    """Compute the smallest eigenvalue of the Hessian, where that is affordable.

    Returns
    -------
    value, coordinates : float and {"all", "the non-zero"}
        The eigenvalue, and over which coordinates; None if there are too many.
    """
    chosen, name = problem.free, "all"
    if len(chosen) > _MOST_COORDINATES:
        chosen, name = np.flatnonzero(~problem.penalty.at_kink(state.x)), "the non-zero"
    if not 0 < len(chosen) <= _MOST_COORDINATES:
        return None
    values = np.linalg.eigvalsh(problem.block_hessian(state, chosen))
    floor = len(values) * np.finfo(float).eps * values[-1]
    return (float(values[0]) if values[0] > floor else 0.0), name


def largest_curvature(problem):
    """Estimate the Lipschitz constant of the gradient, by the bound of the Hessian."""
    n = len(problem.free)
    if n <= _MOST_COORDINATES:
        return float(np.linalg.eigvalsh(problem.block_bound(problem.free))[-1])
    datafit, curvature = problem.datafit, problem.curvature

    def product(x):
        image = datafit.image(np.ravel(x))
        return datafit.design.products(image).ravel() + curvature * np.ravel(x)

    shape = (problem.n_coordinates, problem.n_coordinates)
    operator = LinearOperator(shape, matvec=product, dtype=float)
    start = np.ones(problem.n_coordinates)
    return float(eigsh(operator, k=1, v0=start, return_eigenvectors=False)[0])


def complementarity_margin(problem, state, gradient):
    """Measure how far coordinates at kinks are from leaving them.

    Returns
    -------
    margin : float
        The smallest distance of a negative derivative to the ends of its interval of
        subgradients; infinite if no coordinate rests.

    resting : int
        How many free coordinates are at a kink or bound.
    """
    x, free = state.x[problem.free], problem.free
    low, high = problem.penalty.subdifferential(x, free)
    resting = low < high
    pull = -gradient[free]
    margins = np.minimum(pull - low, high - pull)[resting]
    return float(margins.min(initial=np.inf)), int(resting.sum())


def identification_bound(solver, run, state, gradient):
    """Bound the update at which the support is found (T3).

    It applies to proximal gradient steps on fixed blocks in turn, and needs the
    recorded history, whose slowest pass gives the rate.

    Returns
    -------
    bound : float or None
        The bound; None where it does not apply.
    """
    applies = (
        run.selection.name == "cyclic"
        and run.update.name == "prox_gradient"
        and run.blocks is not None
        and run.problem.datafit.name in ("squared", "quadratic")
        and hasattr(solver, "history_")
    )
    smallest = smallest_curvature(run.problem, state) if applies else None
    margin, _ = complementarity_margin(run.problem, state, gradient)
    if (
        smallest is None
        or smallest[1] != "all"
        or not smallest[0] > 0
        or not margin > 0
    ):
        return None
    if not np.isfinite(margin):
        return 0.0
    objective = solver.history_["objective"]
    needed = updates_until_near(
        objective[:: len(run.blocks)],
        smallest[0],
        margin / (2 * largest_curvature(run.problem)),
    )
    return float((needed + 1) * len(run.blocks))


def updates_until_near(objective, strong_convexity, distance):
    """Count the passes after which a linear rate puts `x` within a distance.

    Parameters
    ----------
    objective : ndarray
        The objective after each pass; the last stands for the minimum.

    strong_convexity : float
        The constant mu in ``mu |x - x*|**2 / 2 <= F - F*``.

    distance : float
        The distance.

    Returns
    -------
    passes : float
        ``log(2 (F0 - F*) / (mu distance**2)) / -log(1 - rho)``, with the smallest share
        `rho` by which a pass lowered the objective, as long as that is not rounding.
    """
    above = objective - objective[-1]
    if not above[0] > 0:
        return 0.0
    above = above[above > 1e-10 * above[0]]
    slowest = (above[1:] / above[:-1]).max(initial=0.0)
    target = strong_convexity * distance**2 / (2 * above[0])
    if target >= 1 or slowest == 0:
        return 0.0 if target >= 1 else 1.0
    return float(np.ceil(np.log(target) / np.log(slowest)))
