# SPDX-License-Identifier: BSD-3-Clause
"""Compiled parts of the locus: Steiner trees, and the lower envelope of a pair."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def steiner_nodes(parents, is_observed):
    """Mark the nodes on the paths between observed nodes; parents come first.

    A node is on such a path if some but not all observed nodes lie in its subtree, or if
    it is their lowest common ancestor: the last node that has all of them below it.
    """
    n_nodes = len(parents)
    below = is_observed.astype(np.int64)
    for v in range(n_nodes - 1, 0, -1):
        below[parents[v]] += below[v]
    total = below[0]
    ancestor = 0
    for v in range(n_nodes):
        if below[v] == total:
            ancestor = v
    inside = (below > 0) & (below < total)
    inside[ancestor] = True
    return inside


@njit(cache=True, nogil=True)
def hops_to_set(parents, inside):
    """Number of edges from each node to the nearest node of a set."""
    n_nodes = len(parents)
    hops = np.where(inside, 0, n_nodes)
    for v in range(n_nodes - 1, 0, -1):
        hops[parents[v]] = min(hops[parents[v]], hops[v] + 1)
    for v in range(1, n_nodes):
        hops[v] = min(hops[v], hops[parents[v]] + 1)
    return hops


@njit(cache=True, nogil=True)
def _lower_hull(first, second, order):
    """Vertices of the lower-left hull of the points (first, second), by first."""
    hull = np.empty(len(order), dtype=np.int64)
    height = 0
    for c in order:
        while (
            height >= 1
            and second[hull[height - 1]] >= second[c]
            and (first[hull[height - 1]] == first[c])
        ):
            height -= 1
        if height >= 1 and second[hull[height - 1]] <= second[c]:
            continue
        while height >= 2:
            a, b = hull[height - 2], hull[height - 1]
            turn = (first[b] - first[a]) * (second[c] - second[a]) - (
                second[b] - second[a]
            ) * (first[c] - first[a])
            if turn > 0:
                break
            height -= 1
        hull[height] = c
        height += 1
    return hull[:height]


@njit(cache=True, nogil=True)
def _mark_minimisers(first, second, weight, tolerance, unique, reached):
    """Mark the labels that minimise weight * first + (1 - weight) * second."""
    values = weight * first + (1.0 - weight) * second
    near = values <= values.min() + tolerance
    if not unique or near.sum() == 1:
        reached |= near


@njit(cache=True, nogil=True)
def mark_pair(first, second, tolerance, unique, reached):
    """Mark the labels that some weights of two observed ones reach.

    A label's variance is a line in the weight. The minimisers at both ends and at the
    break points of the lower envelope are all that are ever minimal; between two break
    points the minimiser is unique, unless two labels have the same line.
    """
    order = np.argsort(first)
    hull = _lower_hull(first, second, order)
    breaks = np.empty(len(hull) + 1)
    breaks[0], breaks[-1] = 0.0, 1.0
    for t in range(1, len(hull)):
        a, b = hull[t - 1], hull[t]
        down, right = second[a] - second[b], first[b] - first[a]
        breaks[t] = down / (down + right)
    breaks = np.sort(breaks)
    for t in range(len(breaks)):
        if not unique:
            _mark_minimisers(first, second, breaks[t], tolerance, unique, reached)
        elif t > 0:
            middle = 0.5 * (breaks[t - 1] + breaks[t])
            _mark_minimisers(first, second, middle, tolerance, unique, reached)
