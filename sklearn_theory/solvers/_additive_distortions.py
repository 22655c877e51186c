# SPDX-License-Identifier: BSD-3-Clause
"""Distortions whose prototypes depend on the rows through sums only.

``sums(X, S, previous)`` of blocks of rows may be added up before ``from_sums``, so that
rows may lie on many machines. Both are repeated up to ``max_steps`` times, until
``settled``.
"""

import numpy as np
from scipy import sparse
from scipy.special import xlogy
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import safe_sparse_dot

from ._distortion_base import Distortion
from ._row_sums import add_in_batches, squared_distances, weighted_sums

_SHIFT_TOLERANCE = 1e-5
_MOST_SHIFTS = 1000
_SIMPLEX_TOLERANCE = 1e-4


class AdditiveDistortion(Distortion):
    """Base of the distortions whose prototypes depend on sums over the rows only."""

    additive = True
    max_steps = 1

    def sums(self, X, S, previous):
        """Add up rows by cluster: shape (n_clusters, n_features + 1), weights last."""
        return add_in_batches(lambda X, S: self.add_batch(X, S, previous), X, S)

    def add_batch(self, X, S, previous):
        """Add up a few rows, in the precision that they have."""
        return weighted_sums(X, S)

    def from_sums(self, sums, previous):
        """Compute prototypes from the sums over all rows."""
        weight = sums[:, -1:]
        means = sums[:, :-1] / np.where(weight > 0, weight, 1)
        return np.where(weight > 0, means, previous).astype(previous.dtype)

    def settled(self, prototypes, previous):
        """Tell whether another step is not worth while."""
        moved = np.abs(prototypes - previous).max()
        return moved < _SHIFT_TOLERANCE * np.abs(prototypes).max()

    def prototypes(self, X, S, previous):
        """Repeat sums and prototypes until they settle."""
        for _ in range(self.max_steps):
            last = previous
            previous = self.from_sums(self.sums(X, S, last), last)
            if self.settled(previous, last):
                break
        return previous


class Means(AdditiveDistortion):
    """Squared Euclidean distance; the prototype is the weighted mean."""

    def cost(self, X, prototypes):
        """Compute squared distances."""
        return squared_distances(X, prototypes)


class KullbackLeibler(AdditiveDistortion):
    """Divergence of distributions; the prototype is the weighted mean.

    A prototype's zero counts as the smallest positive number.
    """

    def check(self, X):
        """Refuse rows that are no distributions."""
        smallest = X.min()
        totals = np.asarray(X.sum(axis=1), dtype=np.float64).ravel()
        furthest = totals[np.abs(totals - 1).argmax()]
        if smallest < 0 or abs(furthest - 1) > _SIMPLEX_TOLERANCE:
            raise ValueError(
                "distortion='kl' needs rows of X that are non-negative and sum to one; "
                f"the smallest entry is {smallest}, and a row sums to {furthest}."
            )

    def cost(self, X, prototypes):
        """Compute divergences of rows from prototypes."""
        logarithms = np.log(np.maximum(prototypes, np.finfo(X.dtype).tiny))
        cross = safe_sparse_dot(X, logarithms.T.astype(X.dtype), dense_output=True)
        if sparse.issparse(X):
            terms = sparse.csr_array((xlogy(X.data, X.data), X.indices, X.indptr))
            own = np.asarray(terms.sum(axis=1))
        else:
            own = xlogy(X, X).sum(axis=1)
        return np.maximum(own[:, np.newaxis] - cross, 0)

    def distances(self, X, prototypes):
        """Return the divergences."""
        return self.cost(X, prototypes)


class Cosine(AdditiveDistortion):
    """One less the cosine; the prototype is the weighted mean direction."""

    def cost(self, X, prototypes):
        """Compute cosine distances; a row of zeros has distance one."""
        cosines = cosine_similarity(X, prototypes, dense_output=True)
        return np.clip(1 - cosines, 0, 2)

    def distances(self, X, prototypes):
        """Return the cosine distances."""
        return self.cost(X, prototypes)

    def add_batch(self, X, S, previous):
        """Add up directions."""
        return weighted_sums(normalize(X), S)

    def from_sums(self, sums, previous):
        """Scale the sums to unit length."""
        lengths = np.linalg.norm(sums[:, :-1], axis=1, keepdims=True)
        directions = sums[:, :-1] / np.where(lengths > 0, lengths, 1)
        return np.where(lengths > 0, directions, previous).astype(previous.dtype)


class Modes(AdditiveDistortion):
    """Minus a Gaussian kernel; the prototype is a mode, found by mean-shift."""

    has_kernel = True
    max_steps = _MOST_SHIFTS

    def cost(self, X, prototypes):
        """Compute minus the kernel."""
        return -self.kernel(squared_distances(X, prototypes))

    def add_batch(self, X, S, previous):
        """Weigh rows by the kernel, and add them up."""
        if not sparse.issparse(S):
            return weighted_sums(X, S * -self.cost(X, previous))
        gaps = np.asarray(X - previous[S.indices])
        kernel = self.kernel(np.einsum("ij,ij->i", gaps, gaps))
        return weighted_sums(
            X, sparse.csr_array((kernel, S.indices, S.indptr), S.shape)
        )
