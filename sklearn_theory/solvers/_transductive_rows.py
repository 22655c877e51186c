# SPDX-License-Identifier: BSD-3-Clause
"""The rows that the bound optimiser works on, held in one process.

The optimiser sees rows only through the methods of this class, and takes what they return
as it is, save for numbers and prototypes. Rows that lie elsewhere need the same methods.
"""

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from ..utils._dask import has_dask_twin
from ._additive_distortions import Means
from ._nearest_fast import assign_batch
from ._row_sums import batches, one_hot
from ._transductive_sweep import (
    GraphRows,
    RowState,
    partial_coupling,
    partial_sweep,
    start_rows,
)

# Blocks do not depend on the number of jobs, and so neither do sums.
BLOCK_SIZE = 2**16
# Where assignments outgrow the fast caches, joined rows are put near each other: sweeps
# wait for memory, and take a third of the time where neighbours share cache lines.
REORDER_BYTES = 2**21


@has_dask_twin("sklearn_theory.solvers._dask_rows")
def hold_rows(X, *problem, **settings):
    """Make the object that the bound optimiser works on, wherever the rows lie."""
    return InMemoryRows(X, *problem, **settings)


class HardState(NamedTuple):
    """Rows assigned to their nearest prototypes.

    Parameters
    ----------
    labels : ndarray of int32 of shape (n_rows,)
        The clusters.

    sums : ndarray or None
        Sums of the rows by cluster, if they have been added up on the way.
    """

    labels: np.ndarray
    sums: np.ndarray | None


class Totals(NamedTuple):
    """What one sweep adds up.

    Parameters
    ----------
    separable : float
        Sum of ``s.a + entropy * s.log(s)`` after the sweep.

    coupling : float
        Sum of ``s.(W s)`` before it; up to the threshold where rows were left out.

    n_moved : int
        Number of rows that moved by more than the threshold.
    """

    separable: float
    coupling: float
    n_moved: int


class InMemoryRows:
    """Rows, their graph, and what is fixed about them.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_rows, n_features)
        The rows.

    weights : csr_array of shape (n_rows, n_rows)
        The graph, in the precision of the rows and without a diagonal.

    shift : ndarray of shape (n_rows,)
        The diagonal of the graph.

    seeds : ndarray of int of shape (n_rows,)
        The cluster in which a row is held; -1 where it is free.

    n_clusters : int
        The number of clusters.

    distortion : Distortion
        The costs and the prototypes.

    laplacian : float
        The weight of the graph. If it is zero, rows go to their nearest prototypes.

    entropy : float
        The weight of the barrier; assignments are hard if it is zero.

    prototype : {"hard", "soft", "fixed"}
        Whether prototypes are computed from the largest assignments, as ones, or from
        the assignments, or not at all.

    n_jobs : int, default=None
        Number of threads.
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
        self.X, self.seeds, self.distortion = X, np.asarray(seeds, np.int32), distortion
        self.laplacian, self.entropy = float(laplacian), float(entropy)
        self.n_clusters, self.prototype, self.n_jobs = n_clusters, prototype, n_jobs
        self.weights, self.shift = weights, np.asarray(shift, dtype=X.dtype)
        self._order = _order_of_sweeps(weights, n_clusters * X.dtype.itemsize)
        self._blocks = self._cut_into_blocks()

    def nearest(self, prototypes):
        """Assign rows to their nearest prototypes, and add up the costs."""
        is_plain = type(self.distortion) is Means and not sparse.issparse(self.X)
        find = nearest_means if is_plain else self._find_nearest
        labels, costs, sums = find(self.X, prototypes, self.seeds)
        return HardState(labels, sums), float(costs.sum(dtype=np.float64))

    def prototypes(self, state, previous):
        """Compute the prototypes for given assignments."""
        if isinstance(state, HardState) and state.sums is not None:
            return self.distortion.from_sums(state.sums, previous)
        return self.distortion.prototypes(
            self.X, self.prototype_weights(state), previous
        )

    def prototype_weights(self, state):
        """Return the weights of the rows in the prototypes, dense or in CSR form."""
        if isinstance(state, HardState) or self._hardens:
            return one_hot(self.labels(state), self.n_clusters, self.X.dtype)
        return self._as_given(state.S)

    def costs(self, prototypes):
        """Compute the costs of all rows, in the order of the sweeps."""
        return np.ascontiguousarray(
            self._in_order(self.distortion.cost(self.X, prototypes))
        )

    def start(self, cost):
        """Assign rows by their costs alone."""
        return start_rows(cost, self._in_order(self.seeds), self.entropy)

    def sweep(self, cost, state, *, full, threshold):
        """Take one closed-form step for all rows, or for those that something moves."""
        moved = np.ones(len(cost), dtype=bool) if full else state.moved
        state = self._join(
            self._over_blocks(_sweep_block, cost, state, moved, threshold)
        )
        totals = Totals(
            float(state.separable.sum()),
            float(state.coupling.sum()),
            int(np.count_nonzero(state.moved)),
        )
        return state, totals

    def coupling(self, state):
        """Add up ``s.(W s)``, diagonal included."""
        return sum(
            partial_coupling(rows, state.S, start) for start, rows in self._blocks
        )

    def counts(self, state):
        """Count the rows that are assigned to each cluster."""
        return np.bincount(self.labels(state), minlength=self.n_clusters)

    def labels(self, state):
        """Return the cluster of each row."""
        if isinstance(state, HardState):
            return state.labels
        return self._as_given(state.S.argmax(axis=1).astype(np.int32))

    def assignments(self, state):
        """Return the assignments as a dense array."""
        if not isinstance(state, HardState):
            return self._as_given(state.S)
        return one_hot(state.labels, self.n_clusters, self.X.dtype).toarray()

    def corner_objective(self, state, linear):
        """Compute the objective of hard assignments from their total cost."""
        if self.laplacian == 0:
            return linear
        S = self._in_order(self.assignments(state))
        corners = RowState(S, *[None] * 3)
        return linear - 0.5 * self.laplacian * self.coupling(corners)

    @property
    def dtype(self):
        """The precision of the rows."""
        return self.X.dtype

    @property
    def _hardens(self):
        return self.prototype == "hard" and not self.distortion.needs_soft

    def _in_order(self, values):
        """Put values of the rows in the order of the sweeps."""
        return values if self._order is None else values[self._order]

    def _as_given(self, values):
        """Put values in the order in which the rows were given."""
        if self._order is None:
            return values
        given = np.empty_like(values)
        given[self._order] = values
        return given

    def _cut_into_blocks(self):
        """Cut the graph, in the order of the sweeps, into blocks of rows."""
        weights, n_rows = self.weights, self.X.shape[0]
        if self._order is not None:
            weights = sparse.csr_array(weights[self._order][:, self._order])
        fixed = self._in_order(self.shift), self._in_order(self.seeds)
        return [
            (
                start,
                _graph_rows(weights, *fixed, start, min(start + BLOCK_SIZE, n_rows)),
            )
            for start in range(0, n_rows, BLOCK_SIZE)
        ]

    def _over_blocks(self, function, cost, state, moved, threshold):
        calls = [
            (rows, cost, state, moved, start, self.laplacian, self.entropy, threshold)
            for start, rows in self._blocks
        ]
        if len(calls) == 1 or self.n_jobs in (None, 1):
            return [function(*call) for call in calls]
        return Parallel(self.n_jobs, require="sharedmem")(
            delayed(function)(*call) for call in calls
        )

    def _join(self, states):
        if len(states) == 1:
            return states[0]
        return RowState(*(np.concatenate(parts) for parts in zip(*states)))

    def _find_nearest(self, X, prototypes, seeds):
        """Find the least costs in batches; sums are not needed by every distortion."""
        if not self.distortion.works_in_batches:
            labels, costs = _least(self.distortion.cost(X, prototypes), seeds)
            return labels, costs, None
        parts = [
            _least(self.distortion.cost(X[rows], prototypes), seeds[rows])
            for rows in batches(X)
        ]
        labels, costs = (np.concatenate(part) for part in zip(*parts))
        return labels, costs, None


def nearest_means(X, prototypes, seeds):
    """Find the nearest means by matrix products, and add up the rows of each.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Rows.

    prototypes : ndarray of shape (n_clusters, n_features)
        Means.

    seeds : ndarray of int32 of shape (n_rows,)
        The cluster in which a row is held; -1 where it is free.

    Returns
    -------
    labels : ndarray of int32 of shape (n_rows,)
        The nearest means.

    squared : ndarray of float64 of shape (n_rows,)
        Squared distances to them.

    sums : ndarray of float64 of shape (n_clusters, n_features + 1)
        Sums of the rows by label, then their numbers.
    """
    labels, squared = np.empty(len(X), dtype=np.int32), np.empty(len(X))
    centre = prototypes.mean(axis=0, dtype=np.float64).astype(X.dtype)
    means = prototypes - centre
    norms = np.einsum("ij,ij->i", means, means)
    sums = np.zeros((len(means), X.shape[1] + 1))
    for rows in batches(X, 2**15):
        batch = X[rows] - centre
        products = batch @ means.T
        add = (labels[rows], squared[rows], sums[:, :-1], sums[:, -1])
        assign_batch(products, norms, seeds[rows], batch, *add)
    sums[:, :-1] += sums[:, -1:] * centre
    return labels, np.maximum(squared, 0), sums


def _order_of_sweeps(weights, bytes_per_row):
    """Find an order in which joined rows are near each other; None for few rows."""
    is_small = weights.shape[0] * bytes_per_row < REORDER_BYTES
    if is_small or not weights.nnz or weights.indices.dtype != np.int32:
        return None
    return reverse_cuthill_mckee(sparse.csr_matrix(weights))


def _graph_rows(weights, shift, seeds, start, stop):
    first, last = weights.indptr[start], weights.indptr[stop]
    return GraphRows(
        weights.indptr[start : stop + 1] - first,
        weights.indices[first:last],
        weights.data[first:last],
        shift[start:stop],
        seeds[start:stop],
    )


def _least(cost, seeds):
    labels = np.where(seeds >= 0, seeds, cost.argmin(axis=1)).astype(np.int32)
    return labels, cost[np.arange(len(cost)), labels]


def _sweep_block(rows, cost, state, moved, start, laplacian, entropy, threshold):
    own = slice(start, start + len(rows.seeds))
    previous = RowState(*(part[own] for part in state))
    return partial_sweep(
        rows, cost[own], state.S, moved, start, previous, laplacian, entropy, threshold
    )
