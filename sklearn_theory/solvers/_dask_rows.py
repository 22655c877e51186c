# SPDX-License-Identifier: BSD-3-Clause
"""The rows that the bound optimiser works on, in blocks that Dask keeps.

It has the methods of `InMemoryRows`, of which every block holds one. Costs and assignments
stay where their block is, as lists of delayed values; what travels are prototypes, sums
over the rows of a block, and before each sweep the assignments of rows that another block
has as neighbours. All is made of tasks whose inputs Dask knows, so that it makes anew what
a lost worker held.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
from scipy import sparse

from ._dask_blocks import (
    compute,
    each,
    fetch_halos,
    persist,
    row_blocks,
    send,
    split_graph,
    split_rows,
)
from ._row_blocks import with_halo
from ._transductive_rows import InMemoryRows, Totals
from ._transductive_sweep import (
    GraphRows,
    RowState,
    partial_coupling,
    partial_sweep,
)

# After so many sweeps assignments start a history of their own: a lost block is then
# made anew from there, and the scheduler may forget what came before.
SWEEPS_TO_REMEMBER = 50


class BlockStates(NamedTuple):
    """Assignments of all rows.

    Parameters
    ----------
    blocks : list of delayed
        Of each block the state as `InMemoryRows` keeps it.

    sums : ndarray or None
        Sums of the rows by cluster, if they have been added up on the way.

    n_sweeps : int
        Number of sweeps that Dask remembers.
    """

    blocks: list
    sums: np.ndarray | None = None
    n_sweeps: int = 0


class DaskRows:
    """Blocks of rows, their graph, and what is fixed about them.

    Parameters
    ----------
    X : dask array of shape (n_rows, n_features)
        The rows, in dense blocks of known size that hold all features.

    weights : csr_array of shape (n_rows, n_rows)
        The graph, without a diagonal.

    shift : ndarray of shape (n_rows,)
        The diagonal of the graph.

    seeds : ndarray of int of shape (n_rows,)
        The cluster in which a row is held; -1 where it is free.

    n_clusters : int
        The number of clusters.

    distortion : Distortion
        The costs and the prototypes; it must be additive.

    laplacian : float
        The weight of the graph. If it is zero, rows go to their nearest prototypes.

    entropy : float
        The weight of the barrier; assignments are hard if it is zero.

    prototype : {"hard", "soft", "fixed"}
        Whether prototypes are computed from the largest assignments, as ones, or from
        the assignments, or not at all.

    n_jobs : int, default=None
        Ignored: Dask decides what is done at once.
    """

    def __init__(
        self,
        X,
        weights,
        shift,
        seeds,
        n_clusters,
        distortion,
        *,
        laplacian,
        entropy,
        prototype,
        n_jobs=None,
    ):
        self.X, self.distortion = X, distortion
        self.laplacian, self.entropy = float(laplacian), float(entropy)
        self.shift = shift
        blocks, offsets = row_blocks(X)
        graph = split_graph(weights, offsets)
        seeds = split_rows(np.asarray(seeds, dtype=np.int32), offsets)
        settings = {"n_clusters": n_clusters, "distortion": distortion}
        settings |= {"laplacian": laplacian, "entropy": entropy, "prototype": prototype}
        held = each(rows_of_block, blocks, send(seeds), settings=settings)
        self._rows = persist(held)
        parts = graph, split_rows(np.asarray(shift), offsets), seeds
        self._edges = send([edges_of_block(*part, X.dtype) for part in zip(*parts)])
        # What to fetch is sent once, and not with every sweep.
        self._halos = [
            part._replace(weights=None, rows=send(part.rows)) for part in graph
        ]

    @property
    def dtype(self):
        """The precision of the rows."""
        return self.X.dtype

    def nearest(self, prototypes):
        """Assign rows to their nearest prototypes, and add up the costs."""
        found = each(nearest_of_block, self._rows, prototypes=prototypes, pairs=True)
        kept = persist([state for state, _ in found] + [sums for _, sums in found])
        linear, sums = zip(*compute(kept[len(found) :]))
        sums = None if sums[0] is None else reduce(np.add, sums)
        return BlockStates(kept[: len(found)], sums), sum(linear)

    def prototypes(self, state, previous):
        """Compute the prototypes for given assignments."""
        if state.sums is not None:
            return self.distortion.from_sums(state.sums, previous)
        for _ in range(self.distortion.max_steps):
            last = previous
            sums = each(sums_of_block, self._rows, state.blocks, prototypes=last)
            previous = self.distortion.from_sums(reduce(np.add, compute(sums)), last)
            if self.distortion.settled(previous, last):
                break
        return previous

    def costs(self, prototypes):
        """Compute the costs of all rows."""
        return persist(each(InMemoryRows.costs, self._rows, prototypes=prototypes))

    def start(self, cost):
        """Assign rows by their costs alone."""
        return BlockStates(persist(each(InMemoryRows.start, self._rows, cost)))

    def sweep(self, cost, state, *, full, threshold):
        """Take one closed-form step for all rows, or for those that something moves."""
        step = {"full": full, "threshold": threshold}
        step |= {"laplacian": self.laplacian, "entropy": self.entropy, "pairs": True}
        halos = fetch_halos(rows_of_state, state.blocks, self._halos)
        swept = each(sweep_block, self._edges, cost, state.blocks, halos, **step)
        kept = persist([new for new, _ in swept] + [totals for _, totals in swept])
        totals = compute(kept[len(swept) :])
        state = BlockStates(kept[: len(swept)], None, state.n_sweeps + 1)
        return forget(state), Totals(*map(sum, zip(*totals)))

    def coupling(self, state):
        """Add up ``s.(W s)``, diagonal included."""
        halos = fetch_halos(rows_of_state, state.blocks, self._halos)
        return sum(compute(each(coupling_of_block, self._edges, state.blocks, halos)))

    def counts(self, state):
        """Count the rows that are assigned to each cluster."""
        counts = each(InMemoryRows.counts, self._rows, state.blocks)
        return reduce(np.add, compute(counts))

    def corner_objective(self, state, linear):
        """Compute the objective of hard assignments from their total cost."""
        if self.laplacian == 0:
            return linear
        corners = persist(each(corners_of_block, self._rows, state.blocks))
        return linear - 0.5 * self.laplacian * self.coupling(BlockStates(corners))

    def labels(self, state):
        """Gather the cluster of each row."""
        labels = each(InMemoryRows.labels, self._rows, state.blocks)
        return np.concatenate(compute(labels))

    def assignments(self, state):
        """Gather the assignments as a dense array."""
        assignments = each(InMemoryRows.assignments, self._rows, state.blocks)
        return np.concatenate(compute(assignments))


def forget(state):
    """Fetch assignments and send them again, so that they depend on nothing."""
    if state.n_sweeps < SWEEPS_TO_REMEMBER:
        return state
    return BlockStates(send(compute(state.blocks)))


# ------------------------------------------------------------ what the tasks compute
def rows_of_block(X, seeds, settings):
    """Hold a block's rows, without the graph."""
    n_rows = X.shape[0]
    none = sparse.csr_array((n_rows, n_rows), dtype=X.dtype)
    return InMemoryRows(X, none, np.zeros(n_rows), seeds, **settings)


def edges_of_block(graph, shift, seeds, dtype):
    """Write a block's part of the graph as kernels take it."""
    weights = graph.weights
    data, shift = weights.data.astype(dtype), np.asarray(shift, dtype)
    return GraphRows(weights.indptr, weights.indices, data, shift, seeds)


def nearest_of_block(rows, prototypes):
    """Assign a block's rows to their nearest prototypes: the state, and its sums."""
    state, linear = rows.nearest(prototypes)
    return state, (linear, state.sums)


def sums_of_block(rows, state, prototypes):
    """Add up a block's rows by cluster."""
    return rows.distortion.sums(rows.X, rows.prototype_weights(state), prototypes)


def rows_of_state(state, rows):
    """Take the rows of a block's state that another block needs."""
    return state.S[rows], None if state.moved is None else state.moved[rows]


def sweep_block(edges, cost, state, halo, full, threshold, laplacian, entropy):
    """Sweep a block's rows: the new state, and its part of the totals."""
    S = with_halo(state.S, *(part[0] for part in halo))
    moved = with_halo(state.moved, *(part[1] for part in halo))
    moved = np.ones(len(S), dtype=bool) if full else moved
    state = partial_sweep(
        edges, cost, S, moved, 0, state, laplacian, entropy, threshold
    )
    separable, coupling = float(state.separable.sum()), float(state.coupling.sum())
    return state, (separable, coupling, int(np.count_nonzero(state.moved)))


def coupling_of_block(edges, state, halo):
    """Add up ``s.(W s)`` over a block's rows."""
    return partial_coupling(edges, with_halo(state.S, *(part[0] for part in halo)), 0)


def corners_of_block(rows, state):
    """Write a block's hard assignments as soft ones."""
    return RowState(rows.assignments(state), None, None, None)


def hold_rows(X, *problem, **settings):
    """Make the object that the bound optimiser works on, from blocks of rows."""
    return DaskRows(X, *problem, **settings)
