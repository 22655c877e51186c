# SPDX-License-Identifier: BSD-3-Clause
"""Kernels on the columns and rows of a sparse matrix.

A coordinate is a feature and an output; ``image`` has a row for each sample and a column
for each output. The kernels trust their input.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def add_columns(data, rows, starts, features, outputs, step, image):
    """Add columns times the step to the image."""
    for j in range(len(features)):
        for position in range(starts[features[j]], starts[features[j] + 1]):
            image[rows[position], outputs[j]] += data[position] * step[j]


@njit(cache=True, nogil=True)
def column_products(data, rows, starts, features, outputs, residual):
    """Multiply columns with the residual's columns."""
    products = np.empty(len(features))
    for j in range(len(features)):
        total = 0.0
        for position in range(starts[features[j]], starts[features[j] + 1]):
            total += data[position] * residual[rows[position], outputs[j]]
        products[j] = total
    return products


@njit(cache=True, nogil=True)
def gram_block(data, rows, starts, features, n_samples):
    """Compute inner products of columns."""
    size = len(features)
    gram = np.zeros((size, size))
    scattered = np.zeros(n_samples)
    for j in range(size):
        for position in range(starts[features[j]], starts[features[j] + 1]):
            scattered[rows[position]] += data[position]
        for k in range(j + 1):
            total = 0.0
            for position in range(starts[features[k]], starts[features[k] + 1]):
                total += data[position] * scattered[rows[position]]
            gram[j, k] = gram[k, j] = total
        for position in range(starts[features[j]], starts[features[j] + 1]):
            scattered[rows[position]] = 0.0
    return gram


@njit(cache=True, nogil=True)
def likelihood_block(data, rows, starts, features, outputs, probability):
    """Compute ``sum_i a_ij a_ik (p_ij [same output] - p_ij p_ik)`` for a block."""
    size = len(features)
    hessian = np.zeros((size, size))
    scattered = np.zeros(len(probability))
    for j in range(size):
        for position in range(starts[features[j]], starts[features[j] + 1]):
            i = rows[position]
            scattered[i] += data[position] * probability[i, outputs[j]]
        for k in range(j + 1):
            same = 1.0 if outputs[j] == outputs[k] else 0.0
            total = 0.0
            for position in range(starts[features[k]], starts[features[k] + 1]):
                i = rows[position]
                weight = same - probability[i, outputs[k]]
                total += data[position] * scattered[i] * weight
            hessian[j, k] = hessian[k, j] = total
        for position in range(starts[features[j]], starts[features[j] + 1]):
            scattered[rows[position]] = 0.0
    return hessian


@njit(cache=True, nogil=True)
def touched_rows(rows, starts, features, seen):
    """List the rows in which columns have entries; `seen` is false and stays so."""
    touched = np.empty(len(seen), dtype=np.intp)
    count = 0
    for feature in features:
        for position in range(starts[feature], starts[feature + 1]):
            i = rows[position]
            if not seen[i]:
                seen[i] = True
                touched[count] = i
                count += 1
    for i in touched[:count]:
        seen[i] = False
    return touched[:count]


@njit(cache=True, nogil=True)
def spread_rows(data, columns, starts, touched, change, gradient, seen):
    """Add the touched rows times the residual's change to the gradient.

    Returns the features whose gradient changed; `seen` is false and stays so.
    """
    changed = np.empty(len(seen), dtype=np.intp)
    count = 0
    for k in range(len(touched)):
        for position in range(starts[touched[k]], starts[touched[k] + 1]):
            feature = columns[position]
            for output in range(change.shape[1]):
                gradient[feature, output] += data[position] * change[k, output]
            if not seen[feature]:
                seen[feature] = True
                changed[count] = feature
                count += 1
    for feature in changed[:count]:
        seen[feature] = False
    return changed[:count]


@njit(cache=True, nogil=True)
def gram_column(
    data, rows, starts, row_data, row_columns, row_starts, feature, products
):
    """Add the inner products of one column with all columns to `products`."""
    for position in range(starts[feature], starts[feature + 1]):
        i = rows[position]
        for other in range(row_starts[i], row_starts[i + 1]):
            products[row_columns[other]] += data[position] * row_data[other]


@njit(cache=True, nogil=True)
def absolute_gram_sums(
    data, rows, starts, row_data, row_columns, row_starts, means, n_centred
):
    """Sum the absolute inner products of each column with all columns."""
    n_features = len(starts) - 1
    sums = np.zeros(n_features)
    products = np.empty(n_features)
    for feature in range(n_features):
        for other in range(n_features):
            products[other] = -n_centred * means[feature] * means[other]
        gram_column(
            data, rows, starts, row_data, row_columns, row_starts, feature, products
        )
        for other in range(n_features):
            sums[feature] += abs(products[other])
    return sums
