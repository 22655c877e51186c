# SPDX-License-Identifier: BSD-3-Clause
"""Rows of theory reports on penalised linear models: gap, faces, progress, support."""

import numpy as np
from scipy.linalg import eigvalsh

from ..solvers._face_solver import FaceSolver
from ..utils import TheoryReport

_MAX_FACE = 500


def regression_report(name, face, penalty, tol, history):
    """Report on a regression at the point that `face` holds."""
    return _report(name, face, penalty, tol, history, curvature=face.curvature)


def logistic_report(face, penalty, tol, history):
    """Report on a classification at the point that `face` holds."""
    return _report(
        "LogisticRegression", face, penalty, tol, history, curvature=face.curvature
    )


def _report(name, face, penalty, tol, history, curvature):
    measured = _measure(face, penalty, tol)
    report = TheoryReport(f"{name}: greedy variable blocks, active-set complexity")
    _add_curvature(report, face, curvature + penalty.l2, measured)
    _add_gap(report, measured, face.scale, tol)
    _add_progress(report, history)
    _add_identification(report, history)
    return report


def _measure(face, penalty, tol):
    """Slopes, duality gap and strict-complementarity margin at the present point."""
    solver = FaceSolver(face, penalty, target=tol * face.scale, max_passes=1)
    next(solver.rounds())
    every, excess = solver.measured_excess()
    zero = face.w[every] == 0
    return {
        "gap": solver.gap,
        "margin": -excess[zero].max(initial=-np.inf) if zero.any() else np.inf,
        "violation": max(excess.max(initial=0), 0.0),
        "support": every[~zero],
        "strength": penalty.strength,
    }


def _add_curvature(report, face, curvature, measured):
    used = curvature[curvature > 0]
    report.add_assumption(
        "spread of the coordinates' curvature",
        measured=used.max() / used.min() if len(used) else 1.0,
        reference="Section 2, L_i",
        meaning="largest over smallest Lipschitz constant of a coordinate; where it is "
        "far from 1, rules that know L_i gain most on rules that do not",
    )
    smallest = _smallest_curvature(face, measured["support"])
    report.add_assumption(
        "smallest curvature of the identified face",
        measured=smallest,
        relation=">",
        bound=0.0,
        reference="strong convexity on the support, T4",
        meaning="above zero the solution is unique on its support and Newton blocks "
        "that hold the support end after finitely many steps",
    )
    report.add_assumption(
        "strict-complementarity margin",
        measured=measured["margin"],
        relation=">",
        bound=0.0,
        reference="delta of the active-set identification, T3",
        meaning="how far the zero coefficients' slopes stay inside the penalty, in the "
        "units of the sum of losses; a larger margin is identified sooner",
    )


def _smallest_curvature(face, support):
    """Smallest eigenvalue of the face's Gram matrix; NaN where it is too large."""
    if len(support) == 0:
        return np.inf
    if len(support) > min(_MAX_FACE, face.columns.n_rows):
        return np.nan
    return float(eigvalsh(face.gram(support), subset_by_index=[0, 0])[0])


def _add_gap(report, measured, scale, tol):
    report.add_promise(
        "duality gap",
        measured=measured["gap"],
        relation="<=",
        bound=tol * scale,
        reference="stopping rule",
        meaning="by how much the objective on these data, as a sum over samples, can be "
        "above its minimum at most",
    )


def _add_progress(report, history):
    made = history["objective"][0] - history["objective"][-1]
    report.add_promise(
        "progress guaranteed by the steps taken",
        measured=history["guaranteed_progress"][-1],
        relation="<=",
        # Both are differences of numbers as large as the first objective.
        bound=made + 1e-10 * abs(history["objective"][0]),
        reference="progress bounds, T1",
        meaning="what the curvature of the coordinates promised during the fit, beside "
        "the decrease of the objective that was made",
    )


def _add_identification(report, history):
    changed = np.flatnonzero(history["support_changed"])
    report.add_promise(
        "measurement from which the support stayed",
        measured=int(changed[-1]) + 1 if len(changed) else 1,
        relation="<=",
        bound=len(history["objective"]),
        reference="active-set complexity, T3",
        meaning="the support was identified here, of so many measurements; from then "
        "on the fit only solved the system of the support",
    )
