# SPDX-License-Identifier: BSD-3-Clause
"""Kernels of the transductive bound: differences of sums over the smaller votes."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def sums_below(votes, posterior, limits):
    """Add up posteriors, and posteriors times votes, below each of ascending limits.

    Row `e` of either table is the sum over the votes below ``limits[e]``, so that the
    sum over an interval of votes is the difference of two rows. Votes are counted into
    the intervals between limits, which needs no sorting.
    """
    n_limits, n_classes = len(limits), posterior.shape[1]
    first, scale = _index_limits(limits)
    mass = np.zeros((n_limits + 1, n_classes))
    voted = np.zeros((n_limits + 1, n_classes))
    for r in range(len(votes)):
        e = _count_reached(votes[r], limits, first, scale)
        for i in range(n_classes):
            mass[e, i] += posterior[r, i]
            voted[e, i] += posterior[r, i] * votes[r]
    for e in range(1, n_limits):
        for i in range(n_classes):
            mass[e, i] += mass[e - 1, i]
            voted[e, i] += voted[e - 1, i]
    return mass[:n_limits], voted[:n_limits]


@njit(cache=True, nogil=True)
def _index_limits(limits):
    """Note for each of many equal cells the first limit that does not lie before it."""
    n_cells = 2 * len(limits)
    scale = n_cells / max(limits[-1] - limits[0], 1e-300)
    first, e = np.empty(n_cells + 1, dtype=np.int64), 0
    for cell in range(n_cells + 1):
        while e < len(limits) and (limits[e] - limits[0]) * scale < cell:
            e += 1
        first[cell] = e
    return first, scale


@njit(cache=True, nogil=True)
def _count_reached(vote, limits, first, scale):
    """Count the limits that a vote reaches, starting near the answer."""
    if vote < limits[0]:
        return 0
    cell = (vote - limits[0]) * scale
    e = first[int(cell)] if cell < len(first) else len(limits)
    while e < len(limits) and limits[e] <= vote:
        e += 1
    while limits[e - 1] > vote:
        e -= 1
    return e


@njit(cache=True, nogil=True)
def prefix_sums(order, votes, posterior):
    """Add up posteriors, and posteriors times votes, in the order of the votes.

    Row `e` of either table is the sum over the `e` smallest votes.
    """
    n_rows, n_classes = posterior.shape
    mass = np.zeros((n_rows + 1, n_classes))
    voted = np.zeros((n_rows + 1, n_classes))
    for e in range(n_rows):
        row = order[e]
        for i in range(n_classes):
            mass[e + 1, i] = mass[e, i] + posterior[row, i]
            voted[e + 1, i] = voted[e, i] + posterior[row, i] * votes[row]
    return mass, voted


@njit(cache=True, nogil=True)
def grid_bounds(starts, stops, gammas, mass, voted, gibbs, early_stop):
    """Minimise the bound over a grid of gamma, for each threshold and class."""
    n_thetas, n_classes = len(starts), mass.shape[1]
    bounds = np.empty((n_thetas, n_classes))
    for t in range(n_thetas):
        for i in range(n_classes):
            bounds[t, i] = _least_over_gamma(
                starts[t], stops[t], gammas[t], mass[:, i], voted[:, i], gibbs[i],
                early_stop,
            )  # fmt: skip
    return bounds


@njit(cache=True, nogil=True)
def _least_over_gamma(start, stops, gammas, mass, voted, gibbs, early_stop):
    least = before = last = np.inf
    for n in range(len(gammas)):
        inside = mass[stops[n]] - mass[start]
        left = max(0.0, gibbs - (voted[stops[n]] - voted[start]))
        value = inside + left / gammas[n]
        least = min(least, value)
        if early_stop and n > 3 and value > last and last >= before:
            break
        before, last = last, value
    return least


@njit(cache=True, nogil=True)
def exact_bounds(starts, values, mass, voted, gibbs):
    """Solve the linear program behind the bound, for each threshold and class.

    The budget `gibbs` is spent on the smallest votes above the threshold first, of
    which it buys most. `starts` must not decrease: where the budget ends does not
    either, and one pass over the rows serves all thresholds.
    """
    n_rows, n_classes = len(values), mass.shape[1]
    bounds = np.empty((len(starts), n_classes))
    for i in range(n_classes):
        end = 0
        for t in range(len(starts)):
            start = starts[t]
            end = max(end, start)
            while end < n_rows and voted[end + 1, i] - voted[start, i] <= gibbs[i]:
                end += 1
            bounds[t, i] = mass[end, i] - mass[start, i]
            if end < n_rows:
                left = gibbs[i] - (voted[end, i] - voted[start, i])
                bounds[t, i] += max(0.0, left) / values[end]
    return bounds
