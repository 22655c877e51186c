# SPDX-License-Identifier: BSD-3-Clause
"""Means in the feature space of a Gaussian kernel: kernel K-means.

A prototype is a convex combination of the rows of training, written as its coefficients:
``|phi(x) - sum_q c_q phi(x_q)|^2 = 1 - 2 sum_q c_q k(x, x_q) + c'Kc``. The matrix of the
kernel is computed in batches and never held.
"""

import numpy as np
from sklearn import get_config
from sklearn.utils import gen_batches

from ._distortion_base import Distortion
from ._row_sums import one_hot, squared_distances


class KernelMeans(Distortion):
    """Squared distance in feature space; the prototype is the weighted mean there."""

    has_kernel = True
    works_in_batches = False

    def start(self, X, centres):
        """Take the means of the rows that are nearest to each centre."""
        self.X = X
        nearest = squared_distances(X, centres).argmin(axis=1).astype(np.int32)
        # A centre without rows takes the row nearest to it.
        own = squared_distances(X, centres).argmin(axis=0)
        alone = one_hot(own.astype(np.int32), X.shape[0], X.dtype).toarray()
        return self.prototypes(X, one_hot(nearest, len(centres), X.dtype), alone)

    def restart(self, X, fitted, prototypes):
        """Take the means of the rows that are nearest to each fitted prototype."""
        cost = fitted.cost(X, prototypes)
        own = one_hot(cost.argmin(axis=0).astype(np.int32), X.shape[0], X.dtype)
        nearest = one_hot(
            cost.argmin(axis=1).astype(np.int32), len(prototypes), X.dtype
        )
        return self.prototypes(X, nearest, own.toarray())

    def prototypes(self, X, S, previous):
        """Divide assignments by their totals."""
        self.X = X
        S = S.toarray() if hasattr(S, "toarray") else S
        totals = S.sum(axis=0, dtype=np.float64)[:, np.newaxis]
        means = S.T / np.where(totals > 0, totals, 1)
        return np.where(totals > 0, means, previous).astype(X.dtype)

    def cost(self, X, prototypes):
        """Compute squared distances in feature space."""
        products = self._products(self.X, prototypes)
        norms = np.einsum("kn,nk->k", prototypes, products)
        if X is not self.X:
            products = self._products(X, prototypes)
        return np.maximum(1 - 2 * products + norms.astype(X.dtype), 0)

    def distances(self, X, prototypes):
        """Return distances in feature space."""
        return np.sqrt(self.cost(X, prototypes))

    def _products(self, X, prototypes):
        """Multiply rows and prototypes in feature space."""
        bytes_per_row = 8 * self.X.shape[0]
        size = int(get_config()["working_memory"] * 2**20 // max(1, bytes_per_row))
        return np.vstack(
            [
                self.kernel(squared_distances(X[rows], self.X)) @ prototypes.T
                for rows in gen_batches(X.shape[0], max(1, size))
            ]
        )
