# SPDX-License-Identifier: BSD-3-Clause
"""The theory of label propagation by message passing, measured on a graph."""

import numpy as np

from ..solvers._forest import factorise_forest, graph_of, is_forest, solve_forest
from ..solvers._forest_descent import BLOCK_RULES, ConjugateForestDescent

PAPER = "arXiv:1712.08859"
_REFINEMENT = 1e-3
_MOST_ITERATIONS = 20_000


def add_graph(report, system):
    """Report whether the system has exactly one solution."""
    report.add_assumption(
        "components without a label",
        measured=system.n_unreached_components,
        relation="==",
        bound=0,
        reference=f"{PAPER}, label propagation as a quadratic",
        meaning=(
            "The quadratic has one minimiser only if every component of the graph has "
            f"a label; {len(system.unreached)} rows have none in theirs and get the "
            "class prior."
        ),
    )
    report.add_assumption(
        "rows to solve for",
        measured=len(system.nodes),
        reference=f"{PAPER}, label propagation as a quadratic",
        meaning="Rows without a label that some path joins to a label.",
    )


def add_solution(report, system, descent, tol):
    """Report residual, error and energy gap, with certified bounds."""
    inverse_norm, smallest = positivity_certificate(system.Q)
    _add_eigenvalue(report, smallest)
    solution = descent.solution
    gradient = system.Q @ solution - system.rhs
    refined = _refine(system, gradient, tol)
    bound = inverse_norm * np.abs(gradient).max(axis=0)
    report.add_promise(
        "residual",
        measured=descent.refresh(),
        relation="<=",
        bound=tol,
        reference=f"{PAPER}, stopping rule of this library",
        meaning=(
            f"Norm of Qx - b over that of b after {descent.n_iter} iterations, largest "
            "over the classes."
        ),
    )
    report.add_promise(
        "distance to the exact values",
        measured=np.abs(refined).max(),
        relation="<=",
        bound=bound.max(),
        estimate=True,
        reference=f"{PAPER}; inverse-positive matrices",
        meaning=(
            "No value is further than the bound from the exact solution: the largest "
            "residual times a certified bound of the inverse; measured against a "
            "solution of a thousandth of the residual."
        ),
    )
    report.add_promise(
        "energy above the minimum",
        measured=0.5 * float((gradient * refined).sum()),
        relation="<=",
        bound=0.5 * float((np.abs(gradient).sum(axis=0) * bound).sum()),
        estimate=True,
        reference=f"{PAPER}, f - f* of a quadratic",
        meaning="Half the product of the residual and the distance to the solution.",
    )
    report.add_promise(
        "values outside [0, 1], furthest",
        measured=max(-solution.min(), solution.max() - 1, 0.0),
        relation="<=",
        bound=bound.max(),
        reference=f"{PAPER}; maximum principle of harmonic functions",
        meaning=(
            "Exact values lie in [0, 1], so that computed ones, before they are "
            "clipped, cannot be further outside than they are wrong."
        ),
    )


def _add_eigenvalue(report, smallest):
    report.add_assumption(
        "smallest eigenvalue of Q",
        measured=smallest,
        relation=">",
        bound=0,
        reference=f"{PAPER}, strong convexity; Collatz-Wielandt bound",
        meaning=(
            "A certified lower bound; the larger, the faster the convergence. Far from "
            "every label it is small."
        ),
    )


def positivity_certificate(Q):
    """Bound the inverse of a matrix with non-positive entries off its diagonal.

    If ``Q v`` is positive for a positive `v`, then no row of the inverse sums to more
    than ``max(v) / min(Qv)``, and no eigenvalue is below the smallest ratio of ``Qv``
    and `v`. Rounding aside, both hold for any such `v`; here it comes close to solving
    ``Q v = 1``.

    Returns
    -------
    inverse_norm : float
        The bound of the row sums of the inverse, NaN if there is no certificate.

    smallest : float
        The bound of the smallest eigenvalue, NaN if there is no certificate.
    """
    ones = np.ones((Q.shape[0], 1))
    descent = ConjugateForestDescent(Q, ones, "greedy_tree", _MOST_ITERATIONS)
    descent.advance(_MOST_ITERATIONS, 0.1 / np.sqrt(len(ones)))
    v = descent.solution[:, 0]
    product = Q @ v
    if v.min() <= 0 or product.min() <= 0:
        return np.nan, np.nan
    return float(v.max() / product.min()), float((product / v).min())


def _refine(system, gradient, tol):
    """Solve for the distance to the exact solution, much more finely."""
    descent = ConjugateForestDescent(
        system.Q, gradient, "greedy_tree", _MOST_ITERATIONS
    )
    descent.advance(_MOST_ITERATIONS, _REFINEMENT)
    return descent.solution


def add_progress(report, system, block_rule):
    """Report what one block solve from zero promises, and what it does."""
    graph = graph_of(system.Q)
    block = BLOCK_RULES[block_rule](graph, 0).first_block(-system.rhs)
    report.add_assumption(
        "the first block is a forest",
        measured=is_forest(graph, block),
        relation="==",
        bound=True,
        reference=f"{PAPER}, message passing",
        meaning=(
            f"The block holds {len(block)} of {len(system.nodes)} rows; without a cycle "
            "its solve costs as much as writing it down."
        ),
    )
    forest = factorise_forest(graph, block)
    x = np.zeros_like(system.rhs)
    x[forest.order] = solve_forest(forest, system.rhs)
    promised = 0.5 * float((system.rhs * x).sum())
    measured = -float((x * (0.5 * (system.Q @ x) - system.rhs)).sum())
    report.add_promise(
        "progress of the first block",
        measured=measured,
        relation=">=",
        bound=promised * (1 - 1e-9),
        reference=f"{PAPER}, progress of matrix updates",
        meaning=(
            "From zero, the objective falls by half of the gradient's squared norm in "
            "the inverse of the block."
        ),
    )


def add_maximum_principle(report, system, distributions):
    """Report whether the values that were stored are distributions."""
    report.add_promise(
        "smallest stored value",
        measured=distributions.min(),
        relation=">=",
        bound=0,
        reference=f"{PAPER}; maximum principle of harmonic functions",
        meaning="Label distributions of the rows of training are distributions.",
    )
