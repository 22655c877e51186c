# SPDX-License-Identifier: BSD-3-Clause
"""What estimators with prototypes, a graph and fixed rows share.

From rows and their seeds to the problem that the bound optimiser solves, through its
iterations, to the assignments of new rows.
"""

import warnings
from copy import copy
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from ..solvers import _transductive_report as report_parts
from ..solvers._bound_optimiser import BoundOptimiser
from ..solvers._edge_lengths import kernel_width
from ..solvers._prototype_distortions import DISTORTIONS, make_distortion
from ..solvers._psd_shift import psd_shift
from ..solvers._transductive_rows import hold_rows
from ..solvers._transductive_sweep import start_rows
from ._affinities import make_affinity
from ._base import TheoryEstimator
from ._callbacks import iterate_subtasks
from ._compat import Interval, StrOptions
from ._dask import check_dask_rows, gather_rows, is_dask_array

TRANSDUCTIVE_CONSTRAINTS = {
    "distortion": [StrOptions(set(DISTORTIONS)), callable],
    "laplacian": [Interval(Real, 0, None, closed="left")],
    "entropy": [Interval(Real, 0, None, closed="left")],
    "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    "affinity": [StrOptions({"knn", "heat", "precomputed"})],
    "symmetrize": ["boolean"],
    "psd": [StrOptions({"auto", "degree", "none"})],
    "prototype": [StrOptions({"hard", "soft", "fixed"})],
    "sigma": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
    "neighbors": [StrOptions({"auto", "exact", "pynndescent"})],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "max_inner": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "tol_inner": [Interval(Real, 0, None, closed="left")],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
}


CHECK_ROWS = {
    "accept_sparse": "csr",
    "accept_large_sparse": False,
    "dtype": (np.float64, np.float32),
    "order": "C",
}


class TransductiveEstimator(TheoryEstimator):
    """Base of the estimators on the bound optimiser; their parameters are described there.

    A subclass validates rows and seeds, calls `_make_rows`, `_optimise` and
    `_store_optimum`, and assigns new rows by `_assign_new`.
    """

    def _check_X(self, X, *, reset=True):
        """Check rows; those of a Dask array stay where they are, unless they are new."""
        if is_dask_array(X) and reset:
            return check_dask_rows(self, X)
        X = validate_data(self, gather_rows(X), reset=reset, **CHECK_ROWS)
        return sparse.csr_array(X) if sparse.issparse(X) else X

    def _make_rows(self, X, seeds, n_clusters, W=None):
        """Join the rows, and make the problem from them.

        It sets ``affinity_``, ``shift_``, ``sigma_`` and what the assignment of new rows
        needs.
        """
        self._needs_graph = self.laplacian > 0
        probe = make_distortion(self.distortion)
        if is_dask_array(X) and not probe.additive:
            raise ValueError(_NOT_ADDITIVE.format(self.distortion))
        needs_width = probe.has_kernel and self.sigma == "auto"
        weights = self._join(X, W, needed=self._needs_graph or needs_width)
        self.sigma_ = None
        if probe.has_kernel:
            self.sigma_ = kernel_width(X, weights) if needs_width else float(self.sigma)
        self._distortion = make_distortion(self.distortion, self.sigma_)
        self._distortion.check(X)
        shift = psd_shift(weights, self.psd if self._needs_graph else "none")
        self.shift_, self._certificate = shift
        self.affinity_ = weights
        return hold_rows(
            X,
            weights,
            shift.values,
            seeds,
            n_clusters,
            self._distortion,
            laplacian=self.laplacian,
            entropy=self.entropy,
            prototype=self.prototype,
            n_jobs=self.n_jobs,
        )

    def _join(self, X, W, needed):
        """Build the graph, or check the one that is given."""
        self._affinity = make_affinity(
            self.affinity,
            self.n_neighbors,
            self.n_jobs,
            symmetrize="mean" if self.symmetrize else None,
            neighbors=self.neighbors,
            sigma=self.sigma,
            random_state=self.random_state,
            name="W",
        )
        if self.affinity == "precomputed":
            W = self._check_weights(W, X, X.shape[0], "fit")
            return _in_place_types(self._affinity.fit(W), X.dtype)
        if W is not None:
            raise ValueError(
                f"W is given, but affinity={self.affinity!r} computes the weights; set "
                "affinity='precomputed' to use W."
            )
        if not needed:
            return sparse.csr_array((X.shape[0], X.shape[0]), dtype=X.dtype)
        return _in_place_types(self._affinity.fit(X), X.dtype)

    def _check_weights(self, W, X, n_columns, method):
        if W is None:
            raise ValueError(
                f"affinity='precomputed' needs W in {method}: the weights of the rows "
                f"of X to the {n_columns} rows of training."
            )
        W = check_array(
            gather_rows(W),
            accept_sparse="csr",
            dtype=(np.float64, np.float32),
            input_name="W",
        )
        if W.shape != (X.shape[0], n_columns):
            raise ValueError(
                f"W must have shape {(X.shape[0], n_columns)}, a row for each row of X "
                f"and a column for each row of training, got shape {W.shape}."
            )
        return W

    def _optimise(self, context, rows, starts, data=None):
        """Iterate from each start, report each iteration, and keep the lowest objective.

        Parameters
        ----------
        context : sklearn.callback.CallbackContext
            The root task.

        rows : InMemoryRows
            The problem.

        starts : iterable of ndarray
            Initial prototypes.

        data : dict or None, default=None
            As in ``iterate_subtasks``.

        Returns
        -------
        best : BoundOptimiser
            The optimiser with the lowest objective.
        """
        best = None

        def reconstruct():
            return self._fitted_state(rows, best)

        iterations = self._iterations(rows, starts)
        for optimiser in iterate_subtasks(
            self, context, iterations, "iteration", data=data, reconstruct=reconstruct
        ):
            self._step(optimiser)
            if best is None or optimiser.objective <= best.objective:
                best = optimiser
        return best

    def _step(self, optimiser):
        return optimiser.step(move_prototypes=self.prototype != "fixed")

    def _iterations(self, rows, starts):
        for centres in starts:
            optimiser = BoundOptimiser(
                rows,
                max_inner=self.max_inner,
                tol=self.tol,
                tol_inner=self.tol_inner,
            ).start(self._distortion.start(rows.X, centres))
            for _ in range(self.max_iter):
                yield optimiser
                if optimiser.stop_reason:
                    break

    def _fitted_state(self, rows, optimiser):
        """Collect what the assignment of new rows needs."""
        return {
            "assignments_": rows.assignments(optimiser.state),
            "cluster_centers_": optimiser.prototypes,
            "affinity_": self.affinity_,
            "n_features_in_": self.n_features_in_,
            "_affinity": self._affinity,
            "_distortion": self._distortion,
            "_needs_graph": self._needs_graph,
        }

    def _store_optimum(self, rows, optimiser):
        """Set the attributes of the optimum, and warn unless it is one."""
        for name, value in self._fitted_state(rows, optimiser).items():
            setattr(self, name, value)
        if self._distortion.picks_rows:
            self.mode_indices_ = self._distortion.find(rows.X, optimiser.prototypes)
        self.objective_ = optimiser.objective
        self.objective_history_ = np.array(optimiser.history)
        self.inner_iters_ = np.array(optimiser.inner_iters)
        self.n_iter_ = len(optimiser.history)
        self.stop_reason_ = optimiser.stop_reason
        if self.stop_reason_ is None:
            is_last = self.n_iter_ >= self.max_iter
            self.stop_reason_ = "max_iter" if is_last else "callback"
        if self.stop_reason_ in _REMEDIES:
            warnings.warn(
                _REMEDIES[self.stop_reason_].format(n_iter=self.n_iter_),
                ConvergenceWarning,
                stacklevel=4,
            )

    def _new_terms(self, X, W, method):
        """Compute the costs of new rows, and the pull of their neighbours."""
        cost = np.ascontiguousarray(self._distortion.cost(X, self.cluster_centers_))
        if not self._needs_graph:
            return cost, np.zeros_like(cost)
        source = X
        if self.affinity == "precomputed":
            source = self._check_weights(W, X, len(self.assignments_), method)
        elif W is not None:
            raise ValueError(
                f"W is given to {method}, but affinity={self.affinity!r} computes the "
                "weights."
            )
        chunks = self._affinity.chunks(source)
        pull = np.vstack([_dense(chunk @ self.assignments_) for chunk in chunks])
        return cost, (self.laplacian * pull).astype(cost.dtype, copy=False)

    def _report_on(self, report, X, seeds, n_clusters, W=None):
        """Join and assign rows anew, from the fitted prototypes, and report on that."""
        probe = copy(self)
        rows = probe._make_rows(X, seeds, n_clusters, W)
        start = probe._distortion.restart(X, self._distortion, self.cluster_centers_)
        optimiser = BoundOptimiser(
            rows, max_inner=self.max_inner, tol=self.tol, tol_inner=self.tol_inner
        ).start(start)
        for _ in range(self.max_iter):
            if self._step(optimiser):
                break
        weights = probe.affinity_
        if not self._needs_graph and self.affinity != "precomputed":
            weights = probe._join(X, None, needed=True)
        labels = rows.labels(optimiser.state)
        report_parts.add_graph(report, weights, rows.shift, probe._certificate)
        report_parts.add_cluster_assumption(report, X, weights, labels)
        report_parts.add_descent(report, optimiser)
        report_parts.add_fixed_point(report, optimiser)

    def _assign_new(self, cost, pull):
        """Take the closed-form step for new rows, the others fixed."""
        entropy = self.entropy if self._needs_graph else 0.0
        free = np.full(len(cost), -1, dtype=np.int32)
        return start_rows(cost - pull, free, entropy).S


def check_seeds(seeds, n_samples, n_clusters):
    """Check which rows are held in which clusters.

    Parameters
    ----------
    seeds : array-like of shape (n_samples,) or None
        The cluster of each seed, -1 for other rows.

    n_samples : int
        The number of rows.

    n_clusters : int
        The number of clusters.

    Returns
    -------
    seeds : ndarray of int32 of shape (n_samples,)
        The seeds; all -1 if None were given.
    """
    if seeds is None:
        return np.full(n_samples, -1, dtype=np.int32)
    seeds = check_array(seeds, ensure_2d=False, dtype="numeric", input_name="seeds")
    if seeds.shape != (n_samples,):
        raise ValueError(
            f"seeds must have shape {(n_samples,)}, one entry for each row of X, got "
            f"shape {seeds.shape}."
        )
    is_wrong = (seeds < -1) | (seeds >= n_clusters) | (seeds != np.floor(seeds))
    if is_wrong.any():
        raise ValueError(
            f"seeds must be integers from 0 to n_clusters - 1 = {n_clusters - 1}, or -1 "
            f"for rows that are free, got {seeds[is_wrong][0]}."
        )
    return seeds.astype(np.int32)


_NOT_ADDITIVE = (
    "A Dask array X can only be fitted with a distortion whose prototypes are sums over "
    "the rows, 'means', 'modes', 'kl' or 'cosine'; got {!r}."
)

_REMEDIES = {
    "max_iter": (
        "The objective still moves by more than tol after {n_iter} iterations: raise "
        "max_iter or tol."
    ),
    "empty cluster": (
        "A cluster lost all its rows in iteration {n_iter}, which was undone. Fewer "
        "clusters, a smaller entropy, prototype='hard' or another psd may help."
    ),
}


def _in_place_types(weights, dtype):
    """Give weights the precision of the rows, and indices four bytes if they suffice."""
    weights = sparse.csr_array(weights, dtype=dtype)
    if weights.nnz <= np.iinfo(np.int32).max and weights.indices.dtype != np.int32:
        weights.indices = weights.indices.astype(np.int32)
        weights.indptr = weights.indptr.astype(np.int32)
    return weights


def _dense(product):
    return product.toarray() if sparse.issparse(product) else np.asarray(product)
