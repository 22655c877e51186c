# SPDX-License-Identifier: BSD-3-Clause
"""The closed-form step on some rows of a graph, as a pure function of arrays.

With costs ``a``, a symmetric graph ``W`` and a barrier, assignments ``S`` have the
objective

    R(S) = sum_p s_p.a_p - laplacian / 2 * sum_pq w_pq s_p.s_q
           + entropy * sum_p s_p.log(s_p).

The tangent of the graph's term at the present assignments leaves one problem for each
row, which a softmax solves. If the graph is positive semidefinite, that term is concave,
its tangent lies above it, and no step raises R, nor does a step of some of the rows only.
"""

import math
from typing import NamedTuple

import numpy as np

from ._transductive_sweep_fast import BATCH, row_couplings, sweep_rows


class GraphRows(NamedTuple):
    """Some rows of the graph, and what is held fixed on them.

    Parameters
    ----------
    indptr, indices, weights : ndarray
        The rows in CSR form, without a diagonal; columns are rows of the assignments.

    shift : ndarray of shape (n_rows,)
        The diagonal, in the precision of the weights.

    seeds : ndarray of int32 of shape (n_rows,)
        The cluster in which a row is held; -1 where it is free.
    """

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    shift: np.ndarray
    seeds: np.ndarray


class RowState(NamedTuple):
    """Assignments of some rows, and what the next sweep needs to know about them.

    Parameters
    ----------
    S : ndarray of shape (n_rows, n_clusters)
        The assignments.

    moved : ndarray of bool of shape (n_rows,)
        Which rows the last step moved by more than the threshold.

    separable : ndarray of float64 of shape (n_rows,)
        ``s.a + entropy * s.log(s)`` of each row.

    coupling : ndarray of float64 of shape (n_rows,)
        ``s.(W s)`` of each row before the last step, diagonal included.
    """

    S: np.ndarray
    moved: np.ndarray
    separable: np.ndarray
    coupling: np.ndarray


def partial_sweep(
    rows, cost, S, moved, start, previous, laplacian, entropy, threshold=0.0
):
    """Take the closed-form step for some rows of the graph.

    A row is left as it is if neither it nor any of its neighbours is marked in `moved`.

    Parameters
    ----------
    rows : GraphRows
        These rows of the graph.

    cost : ndarray of shape (n_rows, n_clusters)
        Their costs, in the precision of `S`.

    S : ndarray of shape (n_all, n_clusters)
        Present assignments of all rows that the columns of the graph name.

    moved : ndarray of bool of shape (n_all,)
        Which of these moved in the last sweep; all True makes a full sweep.

    start : int
        Where these rows lie in `S`: from `start` on, side by side.

    previous : RowState
        What the last sweep returned for these rows.

    laplacian, entropy : float
        The weights of the graph and of the barrier.

    threshold : float, default=0.0
        A row moved if an assignment changed by more than this.

    Returns
    -------
    state : RowState
        The rows after the step. The sums of ``state.separable`` and, times
        ``-laplacian / 2``, of ``state.coupling`` are terms of the objective: the first
        after the step, the second before it.
    """
    dtype = S.dtype.type
    state = RowState(
        np.empty(cost.shape, dtype=S.dtype),
        np.empty(len(cost), dtype=bool),
        previous.separable.copy(),
        previous.coupling.copy(),
    )
    sweep_rows(
        rows[:4],
        cost,
        rows.seeds,
        S,
        start,
        moved,
        (dtype(laplacian), dtype(entropy)),
        dtype(threshold),
        (state.S, state.moved),
        (state.separable, state.coupling),
        _make_scratch(cost.shape[1], S.dtype),
    )
    return state


def partial_coupling(rows, S, start):
    """Add up ``s.(W s)`` over some rows of the graph, diagonal included.

    Parameters
    ----------
    rows : GraphRows
        These rows of the graph.

    S : ndarray of shape (n_all, n_clusters)
        Assignments of all rows that the columns of the graph name.

    start : int
        Where these rows lie in `S`.

    Returns
    -------
    coupling : float
        The sum, in which an edge counts once from either end.
    """
    coupling = np.empty(len(rows.seeds))
    row_couplings(rows[:4], S, start, coupling)
    return float(coupling.sum())


def start_rows(cost, seeds, entropy):
    """Assign rows by their costs alone, and mark all of them as moved.

    Parameters
    ----------
    cost : ndarray of shape (n_rows, n_clusters)
        Their costs.

    seeds : ndarray of int32 of shape (n_rows,)
        The cluster in which a row is held; -1 where it is free.

    entropy : float
        The weight of the barrier.

    Returns
    -------
    state : RowState
        ``softmax(-cost / entropy)``, seeds at their corners.
    """
    n_rows = len(cost)
    alone = GraphRows(
        np.zeros(n_rows + 1, dtype=np.int32),
        np.zeros(0, dtype=np.int32),
        np.zeros(0, dtype=cost.dtype),
        np.zeros(n_rows, dtype=cost.dtype),
        seeds,
    )
    moved = np.ones(n_rows, dtype=bool)
    nothing = RowState(np.zeros_like(cost), moved, np.zeros(n_rows), np.zeros(n_rows))
    state = partial_sweep(
        alone, cost, nothing.S, moved, 0, nothing, 0.0, entropy, threshold=-1.0
    )
    return state._replace(moved=moved)


def _make_scratch(n_clusters, dtype):
    """Make the arrays that a sweep works in, and the constants of its exponential."""
    size = (BATCH, n_clusters)
    info, integer = np.finfo(dtype), np.dtype(f"i{dtype.itemsize}").type
    bits = np.empty(BATCH * n_clusters, dtype=integer)
    bias, place = integer(1 - info.minexp), integer(info.nmant)
    powers = (bits, bits.view(dtype), bias, place)
    lowest = math.ceil(info.minexp * math.log(2))
    # log(2) as a sum, whose first part has so few digits that n times it is exact.
    high = math.floor(math.log(2) * 2**9) / 2**9
    low = math.log(2) - high
    factorials = [1 / math.factorial(degree) for degree in range(13, 1, -1)]
    constants = np.array([lowest, 1 / math.log(2), high, low, *factorials, 1], dtype)
    places = np.empty(BATCH, dtype=np.int64)
    return (places, np.empty(size, dtype), np.empty(size, dtype), powers, constants)
