# SPDX-License-Identifier: BSD-3-Clause
"""What every distortion has: costs of rows in clusters, and prototypes that lower them."""

import numpy as np

from ._row_sums import squared_distances


class Distortion:
    """Base of the distortions.

    Parameters
    ----------
    sigma : float, default=1.0
        The width of the kernel, where there is one.

    Attributes
    ----------
    additive : bool
        Whether prototypes depend on the rows through sums only.

    picks_rows : bool
        Whether prototypes are rows.

    needs_soft : bool
        Whether prototypes are computed from soft assignments in any case.

    has_kernel : bool
        Whether `sigma` is used.

    works_in_batches : bool
        Whether costs of a few rows cost little without the others.
    """

    additive = False
    picks_rows = False
    needs_soft = False
    has_kernel = False
    works_in_batches = True

    def __init__(self, sigma=1.0):
        self.sigma = sigma

    def check(self, X):
        """Refuse rows for which the distortion has no meaning."""

    def start(self, X, centres):
        """Turn initial centres into prototypes."""
        return centres

    def restart(self, X, fitted, prototypes):
        """Turn the prototypes of a fitted distortion into those for other rows."""
        return prototypes.astype(X.dtype, copy=False)

    def cost(self, X, prototypes):
        """Compute the costs, of shape (n_rows, n_clusters), in the rows' precision."""
        raise NotImplementedError

    def distances(self, X, prototypes):
        """Compute what ``transform`` returns: Euclidean distances if nothing else."""
        return np.sqrt(squared_distances(X, prototypes))

    def prototypes(self, X, S, previous):
        """Compute the prototypes."""
        raise NotImplementedError

    def kernel(self, squared):
        """Compute the Gaussian kernel of squared distances."""
        return np.exp(squared * squared.dtype.type(-0.5 / self.sigma**2))
