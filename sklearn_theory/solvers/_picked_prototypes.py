# SPDX-License-Identifier: BSD-3-Clause
"""Distortions whose prototypes are rows: the best assigned ones, and medoids."""

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.utils import gen_batches

from ._distortion_base import Distortion
from ._row_sums import squared_distances


class PickedRows(Distortion):
    """Base of the distortions whose prototypes are rows."""

    picks_rows = True

    def pick(self, X, S, previous):
        """Pick a row for each cluster; -1 for a cluster without rows."""
        raise NotImplementedError

    def prototypes(self, X, S, previous):
        """Take the rows that `pick` names."""
        picked = self.pick(X, S, previous)
        rows = X[np.maximum(picked, 0)]
        rows = rows.toarray() if sparse.issparse(rows) else rows
        return np.where(picked[:, np.newaxis] >= 0, rows, previous)

    def find(self, X, prototypes):
        """Find the rows that the prototypes are: the first of equal ones."""
        return squared_distances(X, prototypes).argmin(axis=0)


class BestAssigned(PickedRows):
    """Minus a Gaussian kernel; the prototype is the row that is most surely assigned.

    Where assignments are hard, that is the row of the cluster nearest to the last
    prototype: for a soft assignment by costs alone the two are the same.
    """

    needs_soft = True
    has_kernel = True

    def cost(self, X, prototypes):
        """Compute minus the kernel."""
        return -self.kernel(squared_distances(X, prototypes))

    def pick(self, X, S, previous):
        """Pick the most surely assigned rows."""
        if not sparse.issparse(S):
            return S.argmax(axis=0)
        squared = squared_distances(X, previous)
        picked = [
            _nearest_member(squared[:, k], S.indices == k) for k in range(S.shape[1])
        ]
        return np.array(picked)


class Medoid(PickedRows):
    """Minus a Gaussian kernel; the prototype is the row of the lowest total cost."""

    has_kernel = True

    def cost(self, X, prototypes):
        """Compute minus the kernel."""
        return -self.kernel(squared_distances(X, prototypes))

    def pick(self, X, S, previous):
        """Pick the rows with the lowest total costs of the rows assigned to them."""
        if sparse.issparse(S):
            members = [np.flatnonzero(S.indices == k) for k in range(S.shape[1])]
            return np.array([self._medoid(X, rows) for rows in members])
        totals = self._total_costs(X, X, S)
        return np.where(S.sum(axis=0) > 0, totals.argmin(axis=0), -1)

    def _medoid(self, X, rows):
        """Find the medoid of rows of weight one."""
        if not len(rows):
            return -1
        ones = np.ones((len(rows), 1), dtype=X.dtype)
        return rows[self._total_costs(X[rows], X[rows], ones)[:, 0].argmin()]

    def _total_costs(self, X, candidates, weights):
        """Add up, for each candidate, the weighted costs of the rows."""
        bytes_per_candidate = max(1, 8 * X.shape[0])
        size = int(get_config()["working_memory"] * 2**20 // bytes_per_candidate)
        return np.vstack(
            [
                self.cost(X, candidates[batch]).T @ weights
                for batch in gen_batches(candidates.shape[0], max(1, size))
            ]
        )


class CallableDistortion(Medoid):
    """A function of rows and prototypes; the prototypes are medoids.

    Parameters
    ----------
    function : callable
        ``function(X, prototypes)`` returns non-negative costs, of shape
        (n_rows, n_prototypes).
    """

    has_kernel = False

    def __init__(self, function):
        self.function = function

    def cost(self, X, prototypes):
        """Call the function, and refuse what it must not return."""
        cost = np.asarray(self.function(X, prototypes), dtype=X.dtype)
        expected = (X.shape[0], prototypes.shape[0])
        if cost.shape != expected:
            raise ValueError(
                f"distortion must return an array of shape {expected} for "
                f"{expected[0]} rows and {expected[1]} prototypes, got {cost.shape}."
            )
        if cost.size and not (cost.min() >= 0 and cost.max() < np.inf):
            raise ValueError(
                "distortion must return non-negative, finite costs, got values between "
                f"{cost.min()} and {cost.max()}."
            )
        return cost

    def distances(self, X, prototypes):
        """Return the costs."""
        return self.cost(X, prototypes)


def _nearest_member(squared, is_member):
    if not is_member.any():
        return -1
    return np.where(is_member, squared, np.inf).argmin()
