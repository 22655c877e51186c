# SPDX-License-Identifier: BSD-3-Clause
"""Kernels that grow forests in a graph and solve linear systems on them.

A graph is the symmetric matrix of a quadratic, given by its off-diagonal entries in
compressed rows (``indptr``, ``indices``, ``weights``) and by its ``diagonal``. A forest
is given in elimination order: ``order`` lists its nodes so that each comes after its
parent, ``parent`` holds at each place the place of the node's parent, or -1 at a root,
and ``link`` the entry of the matrix that joins the two.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _find_root(leader, node):
    """Find the tree of a node, halving the path on the way (union-find)."""
    while leader[node] != node:
        leader[node] = leader[leader[node]]
        node = leader[node]
    return node


@njit(cache=True, nogil=True)
def grow_forest(order, indptr, indices):
    """Add nodes in order, each unless it would join a tree of the block to itself.

    Returns the nodes taken, in the order in which they were taken.
    """
    n_nodes = indptr.shape[0] - 1
    leader = np.full(n_nodes, -1, dtype=np.int64)
    seen_from = np.full(n_nodes, -1, dtype=np.int64)
    block = np.empty(order.shape[0], dtype=np.int64)
    size = 0
    for node in order:
        if _touches_a_tree_twice(node, indptr, indices, leader, seen_from):
            continue
        leader[node] = node
        for entry in range(indptr[node], indptr[node + 1]):
            if leader[indices[entry]] >= 0:
                leader[_find_root(leader, indices[entry])] = node
        block[size] = node
        size += 1
    return block[:size]


@njit(cache=True, nogil=True)
def _touches_a_tree_twice(node, indptr, indices, leader, seen_from):
    for entry in range(indptr[node], indptr[node + 1]):
        neighbour = indices[entry]
        if leader[neighbour] < 0:
            continue
        tree = _find_root(leader, neighbour)
        if seen_from[tree] == node:
            return True
        seen_from[tree] = node
    return False


@njit(cache=True, nogil=True)
def first_fit_forests(order, indptr, indices):
    """Deal nodes, in order, each to the first part in which it closes no cycle."""
    n_nodes = indptr.shape[0] - 1
    part = np.full(n_nodes, -1, dtype=np.int64)
    leader = np.arange(n_nodes)
    seen_from = np.full(n_nodes, -1, dtype=np.int64)
    barred_for = np.full(n_nodes + 1, -1, dtype=np.int64)
    for node in order:
        for entry in range(indptr[node], indptr[node + 1]):
            neighbour = indices[entry]
            if part[neighbour] >= 0:
                tree = _find_root(leader, neighbour)
                if seen_from[tree] == node:
                    barred_for[part[neighbour]] = node
                seen_from[tree] = node
        chosen = 0
        while barred_for[chosen] == node:
            chosen += 1
        part[node] = chosen
        for entry in range(indptr[node], indptr[node + 1]):
            if part[indices[entry]] == chosen:
                leader[_find_root(leader, indices[entry])] = node
    return part


@njit(cache=True, nogil=True)
def least_used_colours(order, indptr, indices):
    """Colour nodes, in order, each with the least used colour that is free there."""
    n_nodes = indptr.shape[0] - 1
    colour = np.full(n_nodes, -1, dtype=np.int64)
    used = np.zeros(n_nodes + 1, dtype=np.int64)
    barred_for = np.full(n_nodes + 1, -1, dtype=np.int64)
    n_colours = 0
    for node in order:
        for entry in range(indptr[node], indptr[node + 1]):
            if colour[indices[entry]] >= 0:
                barred_for[colour[indices[entry]]] = node
        chosen = n_colours
        for candidate in range(n_colours):
            free = barred_for[candidate] != node
            if free and (chosen == n_colours or used[candidate] < used[chosen]):
                chosen = candidate
        n_colours = max(n_colours, chosen + 1)
        colour[node] = chosen
        used[chosen] += 1
    return colour


@njit(cache=True, nogil=True)
def order_forest(block, indptr, indices, weights):
    """Walk the trees of a block breadth first; tell also whether they are trees."""
    place = np.full(indptr.shape[0] - 1, -2, dtype=np.int64)
    for node in block:
        place[node] = -1
    order = np.empty(block.shape[0], dtype=np.int64)
    parent = np.full(block.shape[0], -1, dtype=np.int64)
    link = np.zeros(block.shape[0], dtype=weights.dtype)
    is_forest = True
    size = 0
    for root in block:
        if place[root] >= 0:
            continue
        head = size
        order[size] = root
        place[root] = size
        size += 1
        while head < size:
            node = order[head]
            for entry in range(indptr[node], indptr[node + 1]):
                neighbour = indices[entry]
                if place[neighbour] == -1:
                    order[size] = neighbour
                    parent[size] = head
                    link[size] = weights[entry]
                    place[neighbour] = size
                    size += 1
                elif place[neighbour] >= 0 and place[neighbour] != parent[head]:
                    is_forest = False
            head += 1
    return order[:size], parent[:size], link[:size], is_forest


@njit(cache=True, nogil=True, error_model="numpy")
def eliminate(parent, link, pivot, ratio):
    """Eliminate from the leaves to the roots; ``pivot`` starts as the diagonal."""
    for place in range(parent.shape[0] - 1, -1, -1):
        above = parent[place]
        if above >= 0:
            ratio[place] = link[place] / pivot[place]
            pivot[above] -= link[place] * ratio[place]


@njit(cache=True, nogil=True, error_model="numpy")
def substitute(parent, pivot, ratio, values):
    """Turn right-hand sides into solutions, in place: up the trees, then down."""
    n_columns = values.shape[1]
    for place in range(parent.shape[0] - 1, -1, -1):
        above = parent[place]
        if above >= 0:
            for column in range(n_columns):
                values[above, column] -= ratio[place] * values[place, column]
    for place in range(parent.shape[0]):
        above = parent[place]
        for column in range(n_columns):
            values[place, column] /= pivot[place]
            if above >= 0:
                values[place, column] -= ratio[place] * values[above, column]


@njit(cache=True, nogil=True)
def factorise_block(block, indptr, indices, weights, diagonal):
    """Order a forest and eliminate it: all that its solves need."""
    order, parent, link, is_forest = order_forest(block, indptr, indices, weights)
    pivot = diagonal[order]
    ratio = np.zeros(order.shape[0], dtype=diagonal.dtype)
    eliminate(parent, link, pivot, ratio)
    return order, parent, pivot, ratio, is_forest


@njit(cache=True, nogil=True)
def _row_product(start, stop, indices, weights, x, column):
    """Multiply the edges of a node with a column; unsigned numbers index faster."""
    total = 0.0
    column = np.uint64(column)
    for entry in range(np.uint64(start), np.uint64(stop)):
        total += weights[entry] * x[np.uint64(indices[entry]), column]
    return total


@njit(cache=True, nogil=True)
def multiply(indptr, indices, weights, diagonal, x, product):
    """Multiply the matrix of the graph with columns."""
    for node in range(diagonal.shape[0]):
        for column in range(x.shape[1]):
            product[node, column] = diagonal[node] * x[node, column] + _row_product(
                indptr[node], indptr[node + 1], indices, weights, x, column
            )


@njit(cache=True, nogil=True)
def gather(rows, x, sign):
    """Copy rows of an array, times a sign."""
    values = np.empty((rows.shape[0], x.shape[1]), dtype=x.dtype)
    for place in range(rows.shape[0]):
        for column in range(x.shape[1]):
            values[place, column] = sign * x[rows[place], column]
    return values


@njit(cache=True, nogil=True)
def _block_step(forest, graph, x, gradient):
    """Minimise over a forest block; return by how much the objective falls."""
    order, parent, pivot, ratio = forest
    indptr, indices, weights, diagonal = graph
    step = gather(order, gradient, -1.0)
    substitute(parent, pivot, ratio, step)
    progress = 0.0
    for place in range(order.shape[0]):
        node = order[place]
        for column in range(x.shape[1]):
            progress -= 0.5 * gradient[node, column] * step[place, column]
            x[node, column] += step[place, column]
    for place in range(order.shape[0]):
        node = order[place]
        for column in range(x.shape[1]):
            gradient[node, column] += diagonal[node] * step[place, column]
        for entry in range(indptr[node], indptr[node + 1]):
            for column in range(x.shape[1]):
                gradient[indices[entry], column] += weights[entry] * step[place, column]
    return progress


@njit(cache=True, nogil=True)
def _objective(x, gradient, rhs):
    """Evaluate the quadratic from its gradient Qx - b: it is half of x(Qx - 2b)."""
    total = 0.0
    for node in range(x.shape[0]):
        for column in range(x.shape[1]):
            total += (
                0.5 * x[node, column] * (gradient[node, column] - rhs[node, column])
            )
    return total


@njit(cache=True, nogil=True)
def relative_residual(gradient, scale):
    """Measure the largest norm of a column against its scale; zero for empty ones."""
    squares = np.zeros(gradient.shape[1])
    for node in range(gradient.shape[0]):
        for column in range(gradient.shape[1]):
            squares[column] += gradient[node, column] ** 2
    largest = 0.0
    for column in range(gradient.shape[1]):
        if scale[column] > 0:
            largest = max(largest, np.sqrt(squares[column]) / scale[column])
    return largest


@njit(cache=True, nogil=True)
def cycle_blocks(forests, starts, graph, rhs, scale, x, gradient, history, span, tol):
    """Minimise over the forests of a partition in turn, at iterations of a span.

    ``history`` has the rows objective, residual, progress and block size. Returns the
    iteration at which the loop ended.
    """
    order, parent, pivot, ratio = forests
    n_blocks = starts.shape[0] - 1
    for iteration in range(span[0], span[1]):
        first, last = starts[iteration % n_blocks], starts[iteration % n_blocks + 1]
        forest = (
            order[first:last],
            parent[first:last],
            pivot[first:last],
            ratio[first:last],
        )
        history[2, iteration] = _block_step(forest, graph, x, gradient)
        history[3, iteration] = last - first
        history[0, iteration] = _objective(x, gradient, rhs)
        history[1, iteration] = relative_residual(gradient, scale)
        if history[1, iteration] <= tol:
            return iteration + 1
    return span[1]


@njit(cache=True, nogil=True)
def _row_scores(gradient, divisor):
    scores = np.empty(gradient.shape[0])
    for node in range(gradient.shape[0]):
        square = 0.0
        for column in range(gradient.shape[1]):
            square += gradient[node, column] ** 2
        scores[node] = -np.sqrt(square) / divisor[node]
    return scores


@njit(cache=True, nogil=True)
def _random_order(n_nodes, seed, iteration):
    """Shuffle with a small generator whose start is the seed and the iteration."""
    order = np.arange(n_nodes)
    state = np.uint64(seed) + np.uint64(iteration) * np.uint64(0x9E3779B97F4A7C15)
    for last in range(n_nodes - 1, 0, -1):
        state += np.uint64(0x9E3779B97F4A7C15)
        word = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word ^= word >> np.uint64(31)
        other = np.int64(word % np.uint64(last + 1))
        order[last], order[other] = order[other], order[last]
    return order


@njit(cache=True, nogil=True)
def grow_blocks(divisor, seed, graph, rhs, scale, x, gradient, history, span, tol):
    """Minimise over a fresh forest at each iteration of a span.

    Nodes are offered in the order of the norms of their gradients over ``divisor``,
    or in random order if ``seed`` is not negative.
    """
    indptr, indices, weights, diagonal = graph
    for iteration in range(span[0], span[1]):
        if seed >= 0:
            offered = _random_order(diagonal.shape[0], seed, iteration)
        else:
            offered = np.argsort(_row_scores(gradient, divisor), kind="mergesort")
        block = grow_forest(offered, indptr, indices)
        order, parent, pivot, ratio, _ = factorise_block(
            block, indptr, indices, weights, diagonal
        )
        forest = (order, parent, pivot, ratio)
        history[2, iteration] = _block_step(forest, graph, x, gradient)
        history[3, iteration] = block.shape[0]
        history[0, iteration] = _objective(x, gradient, rhs)
        history[1, iteration] = relative_residual(gradient, scale)
        if history[1, iteration] <= tol:
            return iteration + 1
    return span[1]


@njit(cache=True, nogil=True, error_model="numpy")
def conjugate_blocks(
    forest, coupling, graph, rhs, scale, x, gradient, memory, history, span, tol
):
    """Take conjugate steps on what is left once a forest has been eliminated.

    Nodes are numbered so that the forest comes first. Its gradient is zero and stays
    zero: one solve completes each direction on it. ``memory`` holds the direction, its
    product with the matrix, and the last square norms of the scaled gradient.
    """
    direction, product, last_norm = memory
    first = forest[0].shape[0]
    diagonal = graph[3][first:]
    for iteration in range(span[0], span[1]):
        norm = _scaled_squares(gradient[first:], diagonal, scale)
        turn = _safe_ratio(norm, last_norm)
        _turn_direction(turn, gradient[first:], diagonal, direction[first:])
        _complete_direction(forest, coupling, direction)
        curvature = _rest_product(first, graph, direction, product)
        length = _safe_ratio(norm, curvature)
        _advance(length, direction, x)
        _advance(length, product[first:], gradient[first:])
        history[2, iteration] = _settle(length, norm, last_norm)
        history[3, iteration] = x.shape[0]
        history[0, iteration] = _objective(x, gradient, rhs)
        history[1, iteration] = relative_residual(gradient, scale)
        if history[1, iteration] <= tol or history[2, iteration] == 0:
            return iteration + 1
    return span[1]


@njit(cache=True, nogil=True, error_model="numpy")
def _scaled_squares(gradient, diagonal, scale):
    """Sum squares over the diagonal; zero for columns that rounding has reached.

    Steps on such a column would only follow its rounding errors, and in the end
    overflow.
    """
    squares = np.zeros(gradient.shape[1])
    scaled = np.zeros(gradient.shape[1])
    for node in range(gradient.shape[0]):
        for column in range(gradient.shape[1]):
            square = gradient[node, column] ** 2
            squares[column] += square
            scaled[column] += square / diagonal[node]
    for column in range(gradient.shape[1]):
        if np.sqrt(squares[column]) <= 1e-17 * scale[column]:
            scaled[column] = 0.0
    return scaled


@njit(cache=True, nogil=True, error_model="numpy")
def _safe_ratio(numerator, denominator):
    """Divide; by zero gives zero, for columns that are solved."""
    ratio = np.zeros(numerator.shape[0])
    for column in range(numerator.shape[0]):
        if denominator[column] > 0:
            ratio[column] = numerator[column] / denominator[column]
    return ratio


@njit(cache=True, nogil=True, error_model="numpy")
def _turn_direction(turn, gradient, diagonal, direction):
    """Make a Jacobi step conjugate to the directions before."""
    for node in range(gradient.shape[0]):
        for column in range(gradient.shape[1]):
            direction[node, column] *= turn[column]
            direction[node, column] -= gradient[node, column] / diagonal[node]


@njit(cache=True, nogil=True)
def _settle(length, norm, last_norm):
    """Keep the norms for the next turn; return by how much the objective falls."""
    progress = 0.0
    for column in range(norm.shape[0]):
        progress += 0.5 * length[column] * norm[column]
        last_norm[column] = norm[column]
    return progress


@njit(cache=True, nogil=True)
def _advance(length, direction, x):
    for node in range(x.shape[0]):
        for column in range(x.shape[1]):
            x[node, column] += length[column] * direction[node, column]


@njit(cache=True, nogil=True)
def _complete_direction(forest, coupling, direction):
    """Extend a direction on the rest to the forest so that its gradient stays zero."""
    _, parent, pivot, ratio = forest
    indptr, indices, weights = coupling
    for node in range(parent.shape[0]):
        for column in range(direction.shape[1]):
            direction[node, column] = -_row_product(
                indptr[node], indptr[node + 1], indices, weights, direction, column
            )
    substitute(parent, pivot, ratio, direction[: parent.shape[0]])


@njit(cache=True, nogil=True)
def _rest_product(first, graph, direction, product):
    """Multiply rows of the rest with a direction; return its curvature by column."""
    indptr, indices, weights, diagonal = graph
    curvature = np.zeros(direction.shape[1])
    for node in range(first, diagonal.shape[0]):
        for column in range(direction.shape[1]):
            along = direction[node, column]
            across = diagonal[node] * along + _row_product(
                indptr[node], indptr[node + 1], indices, weights, direction, column
            )
            product[node, column] = across
            curvature[column] += along * across
    return curvature
