# SPDX-License-Identifier: BSD-3-Clause
"""The theory of the bound optimiser, measured on a problem.

Each function adds rows to a report, from arrays and from an optimiser that has run.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigsh

from ._edge_lengths import edge_lengths
from ._transductive_rows import HardState

PAPER = "arXiv:2106.09516"
_ROUNDING = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-12}
_WHY = {
    "triangles": "a cover of the graph by edges and triangles proves it",
    "eigenvalue": "the smallest eigenvalue was computed with a margin",
    "degree": "the sums of the rows prove it",
    "none": "nothing was added, and nothing proves it",
}


def add_graph(report, weights, shift, certificate):
    """Report whether the graph's term is concave."""
    asymmetry = abs(weights - weights.T).max() if weights.nnz else 0.0
    report.add_assumption(
        "asymmetry of the weights",
        measured=float(asymmetry),
        relation="<=",
        bound=0,
        reference=f"{PAPER}, the Laplacian term",
        meaning="A sweep is the step of an objective only if weights are symmetric.",
    )
    report.add_assumption(
        "smallest eigenvalue of the weights",
        measured=_smallest_eigenvalue(weights),
        estimate=True,
        reference=f"{PAPER}, concave relaxation",
        meaning=(
            "Without a diagonal; where it is negative the graph's term is not concave, "
            "and a sweep may raise the objective."
        ),
    )
    diagonal = sparse.diags_array(shift.astype(np.float64))
    report.add_assumption(
        "smallest eigenvalue with the diagonal",
        measured=_smallest_eigenvalue(weights.astype(np.float64) + diagonal),
        relation=">=",
        bound=-1e-6 * max(1.0, float(shift.max(initial=0))),
        estimate=certificate == "none",
        reference=f"{PAPER}, concave relaxation; psd={certificate}",
        meaning=(
            f"The diagonal, {shift.mean():.3g} on average, makes the graph's term "
            f"concave: {_WHY[certificate]}."
        ),
    )


def add_cluster_assumption(report, X, weights, labels):
    """Report whether clusters are parted where rows are sparse."""
    if not weights.nnz:
        return
    ends = np.repeat(np.arange(X.shape[0]), np.diff(weights.indptr)), weights.indices
    is_cut = labels[ends[0]] != labels[ends[1]]
    share = float(weights.data[is_cut].sum() / weights.data.sum())
    report.add_assumption(
        "share of the weight between clusters",
        measured=share,
        relation="<=",
        bound=_share_by_chance(weights, labels),
        reference=f"{PAPER}, the Laplacian term",
        meaning=(
            "Joined rows are in one cluster more often than if clusters of these sizes "
            "were drawn by chance."
        ),
    )
    if is_cut.any() and not is_cut.all():
        _add_density(report, edge_lengths(X, weights), is_cut)


def _add_density(report, lengths, is_cut):
    inside, between = np.median(lengths[~is_cut]), np.median(lengths[is_cut])
    report.add_assumption(
        "length of edges inside clusters over those between",
        measured=float(inside / between) if between > 0 else np.inf,
        relation="<",
        bound=1,
        estimate=True,
        reference=f"{PAPER}; the cluster assumption",
        meaning=(
            "Neighbours are further apart at the boundary of clusters than inside, so "
            "that the density of the rows is lower there (medians)."
        ),
    )


def _share_by_chance(weights, labels):
    """The expected share of cut weight, were labels drawn for the ends of edges."""
    degrees = np.asarray(weights.sum(axis=1), dtype=np.float64).ravel()
    volumes = np.bincount(labels, weights=degrees)
    return float(1 - ((volumes / volumes.sum()) ** 2).sum())


def add_descent(report, optimiser):
    """Report whether sweeps and iterations lowered the objective."""
    rounding = 1e3 * _ROUNDING[np.dtype(optimiser.rows.dtype)]
    if np.isfinite(optimiser.largest_rise):
        report.add_promise(
            "largest rise in a sweep",
            measured=float(optimiser.largest_rise),
            relation="<=",
            bound=rounding,
            reference=f"{PAPER}, the auxiliary function",
            meaning=(
                "No sweep raises the objective, relative to its size and up to rounding; "
                f"over {sum(optimiser.inner_iters)} sweeps."
            ),
        )
    history = np.array(optimiser.history)
    rises = np.diff(history) / np.maximum(np.abs(history[:-1]), 1e-300)
    report.add_promise(
        "largest rise between iterations",
        measured=float(rises.max(initial=-np.inf)) if len(rises) else 0.0,
        relation="<=",
        bound=0,
        reference=f"{PAPER}, convergence",
        meaning=(
            f"The objective never rises; {len(history)} iterations, ended by: "
            f"{optimiser.stop_reason or 'max_iter'}."
        ),
    )


def add_fixed_point(report, optimiser):
    """Report how far the assignments are from a fixed point, with a bound.

    A sweep lowers the objective by at least the entropy's weight times the sum of the
    divergences of the old assignments from the new ones, and by Pinsker's inequality
    their difference is at most the root of half the divergence.
    """
    rows, state = optimiser.rows, optimiser.state
    if rows.laplacian == 0 or rows.entropy == 0 or isinstance(state, HardState):
        return
    cost = rows.costs(optimiser.prototypes)
    after, totals = rows.sweep(cost, state, full=True, threshold=0.0)
    objective = totals.separable - 0.5 * rows.laplacian * rows.coupling(after)
    fall = max(optimiser.objective - objective, 0.0)
    rounding = _ROUNDING[np.dtype(rows.dtype)] * abs(optimiser.objective)
    report.add_promise(
        "distance to a fixed point",
        measured=float(np.abs(after.S - state.S).max()),
        relation="<=",
        bound=float(np.sqrt((fall + rounding) / (2 * rows.entropy))),
        reference=f"{PAPER}, convergence to fixed points; Pinsker's inequality",
        meaning=(
            "A fixed point satisfies the conditions of a minimum on the simplices. The "
            "bound follows from what one more sweep lowers the objective by."
        ),
    )


def _smallest_eigenvalue(weights):
    """Compute the smallest eigenvalue of the symmetric part."""
    weights = sparse.csr_array(weights, dtype=np.float64)
    weights = (weights + weights.T) / 2
    if weights.shape[0] < 20:
        return float(np.linalg.eigvalsh(weights.toarray())[0])
    start = np.random.default_rng(0).standard_normal(weights.shape[0])
    return float(eigsh(weights, 1, which="SA", v0=start, return_eigenvectors=False)[0])
