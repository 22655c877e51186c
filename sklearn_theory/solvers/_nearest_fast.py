# SPDX-License-Identifier: BSD-3-Clause
"""Nearest prototypes, and the sums of the rows of each, while a batch is in the cache."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def assign_batch(products, norms, seeds, X, labels, squared, sums, counts):
    """Label rows by the smallest ``norm - 2 product``, seeds by theirs; add them up."""
    for row in range(products.shape[0]):
        best = 0
        least = norms[0] - 2 * products[row, 0]
        for k in range(1, products.shape[1]):
            value = norms[k] - 2 * products[row, k]
            if value < least:
                best, least = k, value
        if seeds[row] >= 0:
            best = seeds[row]
            least = norms[best] - 2 * products[row, best]
        labels[row] = best
        counts[best] += 1
        length = X[row, 0] * X[row, 0]
        sums[best, 0] += X[row, 0]
        for j in range(1, X.shape[1]):
            length += X[row, j] * X[row, j]
            sums[best, j] += X[row, j]
        squared[row] = np.float64(length + least)
