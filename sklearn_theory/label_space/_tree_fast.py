# SPDX-License-Identifier: BSD-3-Clause
"""Compiled passes over a tree whose nodes are numbered so that a parent comes first.

Notation of the docstrings: w are the weights on nodes and W their sum; S0 and S1 are the
zeroth and first moment of the weights inside the subtree of a node about that node; M
and F are the first and second moment of all weights about a node, so that F is the
Fréchet variance. Kernels trust their input; `lengths[0]` belongs to no edge and is 0.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _collect_subtrees(parents, lengths, nodes, S0, S1):
    """Add the moments of each node to its parent, leaves first; return F of the root."""
    root_variance = 0.0
    for t in range(len(nodes) - 1, 0, -1):
        v = nodes[t]
        p, length = parents[v], lengths[v]
        S0[p] += S0[v]
        S1[p] += S1[v] + length * S0[v]
        root_variance += 2.0 * length * S1[v] + length * length * S0[v]
    return root_variance


@njit(cache=True, nogil=True)
def _spread_from_root(parents, lengths, nodes, S0, S1, M, F, total):
    """Compute M and F of each node from those of its parent, root first."""
    for t in range(1, len(nodes)):
        v = nodes[t]
        p, length = parents[v], lengths[v]
        outside = M[p] - 2.0 * (S1[v] + length * S0[v])
        F[v] = F[p] + 2.0 * length * outside + length * length * total
        M[v] = M[p] + length * (total - 2.0 * S0[v])


@njit(cache=True, nogil=True)
def _moments(parents, lengths, nodes, support, weights, S0, S1, M, F):
    """Fill the four moments on `nodes`, which hold the support and are closed upwards."""
    for v in nodes:
        S0[v] = S1[v] = 0.0
    total = 0.0
    for t in range(len(support)):
        S0[support[t]] += weights[t]
        total += weights[t]
    root = nodes[0]
    F[root] = _collect_subtrees(parents, lengths, nodes, S0, S1)
    M[root] = S1[root]
    _spread_from_root(parents, lengths, nodes, S0, S1, M, F, total)
    return total


@njit(cache=True, nogil=True)
def _paths_to_root(parents, support, seen, stamp, touched, limit):
    """Collect the union of root paths of the support; -1 if it outgrows `limit`."""
    count = 0
    for v in support:
        while seen[v] != stamp:
            if count == limit:
                return -1
            seen[v] = stamp
            touched[count] = v
            count += 1
            if v == 0:
                break
            v = parents[v]
    return count


@njit(cache=True, nogil=True)
def _best_label(nodes, labels, heights, M, F, total, tolerance):
    """The lowest label that minimises F + 2 h M + h^2 W over `nodes`, up to rounding."""
    best = np.inf
    largest = 0.0
    for v in nodes:
        value = F[v] + heights[v] * (2.0 * M[v] + heights[v] * total)
        best = min(best, value)
        largest = max(largest, F[v])
    slack = best + tolerance * largest
    label = np.iinfo(np.int64).max
    for v in nodes:
        if F[v] + heights[v] * (2.0 * M[v] + heights[v] * total) <= slack:
            label = min(label, labels[v])
    return label


@njit(cache=True, nogil=True)
def decode_rows(
    parents,
    lengths,
    nearest_labels,
    nearest_distances,
    indptr,
    indices,
    data,
    sparse_limit,
    tolerance,
    out,
):
    """Decode each row of weights on nodes, by the sparse pass where it is the shorter.

    The union of the root paths of a row's support is enough: leaving it, the variance
    only grows, so that the label nearest to some node of it is the answer. Where that
    union outgrows `sparse_limit` nodes, one pass over the whole tree is faster.
    """
    n_nodes = len(parents)
    S0, S1 = np.empty(n_nodes), np.empty(n_nodes)
    M, F = np.empty(n_nodes), np.empty(n_nodes)
    seen = np.full(n_nodes, -1, dtype=np.int64)
    touched = np.empty(n_nodes, dtype=np.int64)
    everything = np.arange(n_nodes)
    for row in range(len(out)):
        support = indices[indptr[row] : indptr[row + 1]]
        weights = data[indptr[row] : indptr[row + 1]]
        count = _paths_to_root(parents, support, seen, row, touched, sparse_limit)
        nodes = everything if count < 0 else np.sort(touched[:count])
        total = _moments(parents, lengths, nodes, support, weights, S0, S1, M, F)
        out[row] = _best_label(
            nodes, nearest_labels, nearest_distances, M, F, total, tolerance
        )


@njit(cache=True, nogil=True)
def variance_rows(parents, lengths, label_nodes, indptr, indices, data, out):
    """Fill the Fréchet variance of every label, row by row."""
    n_nodes = len(parents)
    S0, S1 = np.empty(n_nodes), np.empty(n_nodes)
    M, F = np.empty(n_nodes), np.empty(n_nodes)
    everything = np.arange(n_nodes)
    for row in range(len(out)):
        support = indices[indptr[row] : indptr[row + 1]]
        weights = data[indptr[row] : indptr[row + 1]]
        _moments(parents, lengths, everything, support, weights, S0, S1, M, F)
        for label in range(len(label_nodes)):
            # A sum of squares: rounding must not make it negative.
            out[row, label] = max(F[label_nodes[label]], 0.0)


@njit(cache=True, nogil=True)
def nearest_labels(parents, lengths, label_of_node):
    """The nearest label of every node, the lowest one among equals, and its distance."""
    n_nodes = len(parents)
    none = np.iinfo(np.int64).max
    label = np.full(n_nodes, none, dtype=np.int64)
    distance = np.full(n_nodes, np.inf)
    for v in range(n_nodes):
        if label_of_node[v] >= 0:
            label[v] = label_of_node[v]
            distance[v] = 0.0
    for v in range(n_nodes - 1, 0, -1):
        _take_nearer(label, distance, parents[v], v, lengths[v])
    for v in range(1, n_nodes):
        _take_nearer(label, distance, v, parents[v], lengths[v])
    return label, distance


@njit(cache=True, nogil=True)
def _take_nearer(label, distance, node, neighbour, length):
    """Give `node` the label of `neighbour` if that is nearer, or as near and lower."""
    through = distance[neighbour] + length
    if through < distance[node] or (
        through == distance[node] and label[neighbour] < label[node]
    ):
        distance[node] = through
        label[node] = label[neighbour]


@njit(cache=True, nogil=True)
def jump_pointers(parents):
    """Hop depth of each node, and an ancestor to jump to: any depth in O(log) steps."""
    n_nodes = len(parents)
    depth = np.zeros(n_nodes, dtype=np.int64)
    jump = np.zeros(n_nodes, dtype=np.int64)
    for v in range(1, n_nodes):
        p = parents[v]
        depth[v] = depth[p] + 1
        far = jump[jump[p]]
        balanced = depth[p] - depth[jump[p]] == depth[jump[p]] - depth[far]
        jump[v] = far if balanced else p
    return depth, jump


@njit(cache=True, nogil=True)
def _lowest_common_ancestor(u, v, parents, depth, jump):
    if depth[u] < depth[v]:
        u, v = v, u
    while depth[u] > depth[v]:
        u = jump[u] if depth[jump[u]] >= depth[v] else parents[u]
    while u != v:
        if jump[u] != jump[v]:
            u, v = jump[u], jump[v]
        else:
            u, v = parents[u], parents[v]
    return u


@njit(cache=True, nogil=True)
def pair_distances(u, v, parents, depth, jump, root_distance, out):
    """Distance between the nodes of each pair, through their lowest common ancestor."""
    for t in range(len(out)):
        ancestor = _lowest_common_ancestor(u[t], v[t], parents, depth, jump)
        out[t] = root_distance[u[t]] + root_distance[v[t]] - 2 * root_distance[ancestor]


@njit(cache=True, nogil=True)
def preorder(first_child, next_sibling, root):
    """Number the nodes depth first, so that parents come before their children."""
    n_nodes = len(first_child)
    order = np.empty(n_nodes, dtype=np.int64)
    stack = np.empty(n_nodes, dtype=np.int64)
    stack[0] = root
    height, count = 1, 0
    while height > 0:
        height -= 1
        v = stack[height]
        order[count] = v
        count += 1
        child = first_child[v]
        while child >= 0:
            stack[height] = child
            height += 1
            child = next_sibling[child]
    return order[:count]


@njit(cache=True, nogil=True)
def link_children(parents):
    """First child and next sibling of each node, and the number of roots."""
    n_nodes = len(parents)
    first_child = np.full(n_nodes, -1, dtype=np.int64)
    next_sibling = np.full(n_nodes, -1, dtype=np.int64)
    for v in range(n_nodes - 1, -1, -1):
        p = parents[v]
        if p >= 0 and p != v:
            next_sibling[v] = first_child[p]
            first_child[p] = v
    return first_child, next_sibling


@njit(cache=True, nogil=True)
def distances_from_root(parents, lengths):
    """Distance of each node from the root."""
    distance = lengths.copy()
    for v in range(1, len(distance)):
        distance[v] += distance[parents[v]]
    return distance
