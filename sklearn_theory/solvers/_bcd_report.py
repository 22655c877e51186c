# SPDX-License-Identifier: BSD-3-Clause
"""The theory of block coordinate descent as a report on given data."""

import numpy as np

from ..utils import TheoryReport
from ._bcd_theory import (
    complementarity_margin,
    identification_bound,
    smallest_curvature,
)
from ._duality import dual_gap

PAPER = "Nutini, Laradji and Schmidt (2022), arXiv:1712.08859"
_PROBE = 20
_BLOCKS_LOOKED_AT = 50


def make_report(solver, run):
    """Measure the assumptions and the promises of a fitted solver.

    Parameters
    ----------
    solver : BCDSolver
        The fitted solver.

    run : BCDRun
        A new run of its parameters on the data, with history, at its start.

    Returns
    -------
    report : TheoryReport
        The report.
    """
    problem = run.problem
    x = problem.datafit.coordinates(solver.coef_, solver.intercept_)
    state = problem.initial_state(x)
    gradient = problem.gradient(state)
    report = TheoryReport("BCDSolver: block coordinate descent")
    run.advance(min(_PROBE, solver.n_iter_))
    _add_constants(report, run)
    _add_convexity(report, problem, state)
    _add_margin(report, problem, state, gradient)
    _add_certificates(report, solver, run, state, gradient)
    _add_progress(report, run)
    _add_support(report, solver, run, state, gradient)
    return report


def _add_constants(report, run):
    constants = run.problem.lipschitz[run.problem.free]
    report.add_assumption(
        "constants of coordinates",
        measured=f"{constants.min(initial=np.inf):.4g} to {constants.max(initial=0):.4g}",
        reference=f"{PAPER}, assumptions on the constants L_i",
        meaning=(
            "Lipschitz constants L_i of the partial derivatives; the wider their range, "
            "the more the rules that know them (gsl, gsd, gsq, and the partition "
            "'sort') gain over the plain gs."
        ),
    )
    blocks = run.blocks if run.blocks is not None else run.history.blocks()
    if not len(blocks):
        return
    blocks = blocks[:_BLOCKS_LOOKED_AT]
    largest = [np.linalg.eigvalsh(run.problem.block_bound(b))[-1] for b in blocks]
    sums = [constants_of.sum() for constants_of in map(_constants(run), blocks)]
    share = np.array(largest) / np.maximum(sums, np.finfo(float).tiny)
    report.add_assumption(
        "constant of a block over the sum of its L_i",
        measured=share.max(),
        relation="<=",
        bound=1 if run.problem.datafit.name != "softmax" else 2,
        estimate=run.blocks is None or len(run.blocks) > len(blocks),
        reference=f"{PAPER}, block constants L_b",
        meaning=(
            f"L_b is at most {max(largest):.4g} over {len(blocks)} blocks; where it is "
            "near the sum of the L_i, the coordinates of a block are strongly "
            "correlated and gradient steps on it are short."
        ),
    )


def _constants(run):
    return lambda block: run.problem.lipschitz[block]


def _add_convexity(report, problem, state):
    smallest = smallest_curvature(problem, state)
    if smallest is None:
        return
    value, coordinates = smallest
    report.add_assumption(
        "strong convexity (mu)",
        measured=value,
        relation=">",
        bound=0,
        estimate=not problem.datafit.constant_hessian or coordinates != "all",
        reference=f"{PAPER}, theorem on the linear rate",
        meaning=(
            "Smallest eigenvalue of the Hessian at the solution, over "
            f"{coordinates} coordinates; if it is positive, the objective converges "
            "linearly, by the share mu / sum of L_b or more an iteration."
        ),
    )


def _add_margin(report, problem, state, gradient):
    if not problem.composite:
        return
    margin, resting = complementarity_margin(problem, state, gradient)
    report.add_assumption(
        "strict complementarity (delta)",
        measured=margin,
        relation=">",
        bound=0,
        estimate=True,
        reference=f"{PAPER}, active-set complexity",
        meaning=(
            f"Smallest distance of the negative derivative of the {resting} "
            "coordinates at a kink or bound from leaving it; if it is positive, their "
            "set is found after finitely many iterations."
        ),
    )


def _add_certificates(report, solver, run, state, gradient):
    gap = dual_gap(run.problem, state, gradient, polish=True)
    certified = bool(np.isfinite(gap))
    if certified:
        report.add_promise(
            "duality gap",
            measured=gap,
            relation="<=",
            bound=solver.tol * run.gap_unit if run.gap_unit else None,
            reference=f"{PAPER}; Fenchel duality",
            meaning=(
                "The objective on these data is above its minimum by this much at "
                "most; it is judged by tol times the objective at zero."
            ),
        )
    unit = run.violation_unit or 1.0
    violation = run.problem.violations(state, gradient).max(initial=0.0) / unit
    report.add_promise(
        "violation of optimality",
        measured=violation,
        relation="<=",
        bound=solver.tol,
        **({"holds": None} if certified else {}),
        reference=f"{PAPER}, optimality conditions",
        meaning=(
            "Largest distance of a derivative from its optimal values over root L_i, "
            "as a share of the largest derivative at zero."
            + (" The gap judges; this row does not." if certified else "")
        ),
    )


def _add_progress(report, run):
    history = run.history.as_dict()
    bounds, progress = history["bound"], history["progress"]
    known = np.isfinite(bounds)
    if not known.any():
        return
    rounding = 1e-12 * abs(history["objective"][0])
    report.add_promise(
        "progress of the first updates",
        measured=float(progress[known].sum()),
        relation=">=",
        bound=float(bounds[known].sum()) - rounding,
        reference=f"{PAPER}, progress bounds of the updates",
        meaning=(
            f"How far {int(known.sum())} updates from the start, by the chosen rules, "
            "lower the objective, against what the rules guarantee."
        ),
    )


def _add_support(report, solver, run, state, gradient):
    problem = run.problem
    if not problem.composite:
        return
    off_kinks = int((~problem.penalty.at_kink(state.x)).sum())
    bound = identification_bound(solver, run, state, gradient)
    report.add_promise(
        "support found at update",
        measured=solver._last_support_change,
        relation="<=" if bound is not None else None,
        bound=bound,
        estimate=True,
        reference=f"{PAPER}, active-set complexity",
        meaning=(
            f"The update of fit after which no coordinate came to or left a kink or "
            f"bound, of {solver.n_iter_}; {off_kinks} coordinates are off them."
            + (_BOUND_MEANING if bound is not None else "")
        ),
    )


_BOUND_MEANING = (
    " The bound is one pass after the updates that bring x within delta / (2 L) of the "
    "solution, at the linear rate that this run had."
)
