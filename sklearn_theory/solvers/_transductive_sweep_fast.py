# SPDX-License-Identifier: BSD-3-Clause
"""One fused pass over the rows of a graph: neighbours, logits, softmax and energies.

All kernels work on some rows of the graph. ``indices`` point into ``S``, whose rows from
``start`` on are the kernel's own. ``shift`` is the diagonal of the graph. Values are
computed in the precision of ``S``, and each row's terms of the objective are stored in
double precision.

Rows go in batches that stay in the cache: neighbours are gathered row by row, and the
exponential is taken of the whole batch by a polynomial, which the compiler vectorises.
"""

import numpy as np
from numba import njit

BATCH = 128

_kernel = njit(cache=True, nogil=True)
# Called by other kernels alone: without wrappers of their own they compile faster.
_inner_kernel = njit(
    nogil=True,
    no_cpython_wrapper=True,
    no_cfunc_wrapper=True,
    fastmath={"reassoc", "contract", "nsz", "arcp"},
    error_model="numpy",
)


@_kernel
def sweep_rows(
    graph, cost, seeds, S, start, moved, weight, threshold, new, terms, scratch
):
    """Take the closed-form step for each row whose surroundings moved.

    The others, none of which has moved in the last sweep, neighbours included, are
    copied. ``weight`` is the pair of the Laplacian's weight and the entropy's, and
    `scratch` holds the arrays that `make_scratch` makes.
    """
    for first in range(0, cost.shape[0], BATCH):
        last = min(first + BATCH, cost.shape[0])
        rows, size = scratch[0], 0
        for row in range(first, last):
            if _has_moved(graph[0], graph[1], moved, row, start + row):
                rows[size] = row
                size += 1
            else:
                new[0][row] = S[start + row]
                new[1][row] = False
        _sweep_batch(
            rows[:size],
            graph,
            cost,
            seeds,
            S,
            start,
            weight,
            threshold,
            new,
            terms,
            scratch,
        )


@_inner_kernel
def _sweep_batch(
    rows, graph, cost, seeds, S, start, weight, threshold, new, terms, scratch
):
    """Sweep the rows of one batch: gather all, exponentiate all, normalise all."""
    laplacian, entropy = weight
    logits, exponents, powers, constants = scratch[1:]
    _gather_batch(rows, graph, S, start, logits, terms[1])
    _to_exponents(rows, cost, laplacian, entropy, logits)
    if entropy > 0:
        n_values = rows.shape[0] * logits.shape[1]
        _exponentiate(n_values, logits, exponents, powers, constants)
        _normalise(rows, cost, entropy, logits, exponents, new[0], terms[0])
    else:
        _take_best(rows, cost, logits, new[0], terms[0])
    _hold_seeds(rows, cost, seeds, new[0], terms[0])
    _mark_moved(rows, S, start, threshold, new[0], new[1])


@_kernel
def row_couplings(graph, S, start, coupling):
    """Compute ``s.(W s)`` of each row."""
    row_alone = np.zeros(1, dtype=np.int64)
    field = np.empty((1, S.shape[1]), dtype=S.dtype)
    for row in range(coupling.shape[0]):
        row_alone[0] = row
        _gather_batch(row_alone, graph, S, start, field, coupling)


@_inner_kernel
def _has_moved(indptr, indices, moved, row, own):
    found = moved[own]
    for entry in range(indptr[row], indptr[row + 1]):
        if found:
            break
        found = moved[indices[entry]]
    return found


@_inner_kernel
def _gather_batch(rows, graph, S, start, fields, coupling):
    """Add up the neighbours' assignments, and the row's own by its shift."""
    indptr, indices, weights, shift = graph
    n_clusters = S.shape[1]
    for i in range(rows.shape[0]):
        row, own = rows[i], start + rows[i]
        for k in range(n_clusters):
            fields[i, k] = shift[row] * S[own, k]
        for entry in range(indptr[row], indptr[row + 1]):
            weight, neighbour = weights[entry], np.uint64(indices[entry])
            for k in range(n_clusters):
                fields[i, k] += weight * S[neighbour, k]
    for i in range(rows.shape[0]):
        own = start + rows[i]
        total = fields[i, 0] * S[own, 0]
        for k in range(1, n_clusters):
            total += fields[i, k] * S[own, k]
        coupling[rows[i]] = total


@_inner_kernel
def _to_exponents(rows, cost, laplacian, entropy, fields):
    """Turn fields into logits less the largest, over the entropy's weight."""
    n_clusters = cost.shape[1]
    for i in range(rows.shape[0]):
        row = rows[i]
        top = laplacian * fields[i, 0] - cost[row, 0]
        for k in range(n_clusters):
            value = laplacian * fields[i, k] - cost[row, k]
            fields[i, k] = value
            top = value if value > top else top
        if entropy > 0:
            for k in range(n_clusters):
                fields[i, k] = (fields[i, k] - top) / entropy


@_inner_kernel
def _exponentiate(n_values, values, exponents, powers, constants):
    """Overwrite non-positive values with their exponentials, and keep a copy of them.

    ``x = n log(2) + r`` with an integer n and a small r, and ``exp(r)`` is a polynomial.
    Two to the n is written as the bits of a float. What is less than the smallest normal
    float becomes zero.
    """
    lowest, inverse, high, low = constants[0], constants[1], constants[2], constants[3]
    c13, c12, c11, c10 = constants[4], constants[5], constants[6], constants[7]
    c9, c8, c7, c6 = constants[8], constants[9], constants[10], constants[11]
    c5, c4, c3, c2 = constants[12], constants[13], constants[14], constants[15]
    one = constants[16]
    bits, as_floats, bias, place = powers
    x_of, copies = values.reshape(-1), exponents.reshape(-1)
    for i in range(n_values):
        x = x_of[i]
        copies[i] = x
        underflows = x < lowest
        x = lowest if underflows else x
        n = np.rint(x * inverse)
        r = (x - n * high) - n * low
        p = c13
        p = p * r + c12
        p = p * r + c11
        p = p * r + c10
        p = p * r + c9
        p = p * r + c8
        p = p * r + c7
        p = p * r + c6
        p = p * r + c5
        p = p * r + c4
        p = p * r + c3
        p = p * r + c2
        p = p * r + one
        p = p * r + one
        x_of[i] = p - p if underflows else p
        bits[i] = (bits.dtype.type(n) + bias) << place
    for i in range(n_values):
        x_of[i] *= as_floats[i]


@_inner_kernel
def _normalise(rows, cost, entropy, values, exponents, S, separable):
    """Divide by the totals; store ``s.cost + entropy * s.log(s)`` of each row.

    The logarithm of each value is its exponent less that of the total.
    """
    for i in range(rows.shape[0]):
        row = rows[i]
        total = values[i, 0]
        energy = values[i, 0] * (cost[row, 0] + entropy * exponents[i, 0])
        for k in range(1, values.shape[1]):
            total += values[i, k]
            energy += values[i, k] * (cost[row, k] + entropy * exponents[i, k])
        scale = 1 / total
        for k in range(values.shape[1]):
            S[row, k] = values[i, k] * scale
        separable[row] = energy * scale - entropy * np.log(total)


@_inner_kernel
def _take_best(rows, cost, logits, S, separable):
    """Assign rows to their largest logits."""
    for i in range(rows.shape[0]):
        row, best = rows[i], 0
        for k in range(1, logits.shape[1]):
            if logits[i, k] > logits[i, best]:
                best = k
        _set_corner(S, row, best)
        separable[row] = cost[row, best]


@_inner_kernel
def _hold_seeds(rows, cost, seeds, S, separable):
    """Put rows with a seed back to their clusters."""
    for row in rows:
        if seeds[row] >= 0:
            _set_corner(S, row, seeds[row])
            separable[row] = cost[row, seeds[row]]


@_inner_kernel
def _mark_moved(rows, S, start, threshold, new_S, new_moved):
    """Tell which rows moved by more than the threshold."""
    for row in rows:
        largest = abs(new_S[row, 0] - S[start + row, 0])
        for k in range(1, S.shape[1]):
            change = abs(new_S[row, k] - S[start + row, k])
            largest = change if change > largest else largest
        new_moved[row] = largest > threshold


@_inner_kernel
def _set_corner(S, row, corner):
    for k in range(S.shape[1]):
        S[row, k] = 0
    S[row, corner] = 1
