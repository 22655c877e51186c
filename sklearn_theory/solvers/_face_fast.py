# SPDX-License-Identifier: BSD-3-Clause
"""Kernels of the face method: coordinate descent finds signs, conjugate gradients solve.

One kernel serves dense and sparse matrices, which only the accessors of columns tell
apart, so that all is compiled once. Another kind of columns, :class:`SoftmaxColumns`,
makes the same kernel descend on the softmax loss. Data may be single precision; all
else is double, so that a small duality gap is reached in either.

Columns are centred implicitly. With an intercept column `u` (ones, or square roots of
weights) of squared norm `mass`, a centred column is ``x_j - u means[j]``; the residual
stays uncentred, and ``state[SHIFT]`` holds its inner product with `u`. Without an
intercept, `means` and `mass` are zero.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

SHIFT, PROGRESS, PASSES, STEP, FLIPS = range(5)
N_STATE = 5

_FLAT = 1e-12
_SMALLEST_BEND = 1e-200
_HAIR = 1e-12
_BLOCK = 2048
_MAX_RESTARTS = 4
_FIRST_STEPS = 30

_options = {"nogil": True, "fastmath": True, "error_model": "numpy"}
_kernel = njit(cache=True, **_options)
# Called by other kernels alone. Without wrappers and cache files of their own, which
# Python would need, they compile in half the time; Python must not call them.
_inner_kernel = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_options)
_accessor_options = {"jit_options": _options}


class Columns(NamedTuple):
    """A matrix by columns.

    Attributes
    ----------
    data, indices, indptr : ndarray
        Those of a CSC matrix; or the flat column-major buffer of a dense matrix, with
        empty `indices` and `indptr`.

    n_rows : int
        Number of rows.
    """

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    n_rows: int


class SoftmaxColumns(NamedTuple):
    """Columns of the softmax loss's quadratic model; coordinate ``j * n_classes + c``.

    The curvature of a row with probabilities `p` is ``diag(p) - p p^T``. It is the Gram
    matrix of ``diag(sqrt(p)) - sqrt(p) p^T``, whose second part is taken out row by row
    as the intercept is column by column: a residual holds one part for each class and
    a last one with their products with ``sqrt(p)``.

    Attributes
    ----------
    data, indices, indptr, n_rows
        Those of :class:`Columns`.

    n_classes : int
        Number of classes.

    root, share : ndarray of shape (n_classes * n_rows,)
        ``sqrt(s p)`` and ``sqrt(s) p`` of each class and row, with weights `s`.
    """

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    n_rows: int
    n_classes: int
    root: np.ndarray
    share: np.ndarray


class Terms(NamedTuple):
    """The quadratic objective's constants for each column.

    Attributes
    ----------
    means : ndarray of shape (n_columns,)
        Multiples of the intercept column that centre the columns.

    mass : float
        Squared norm of the intercept column; 0 without one.

    curvature : ndarray of shape (n_columns,)
        Squared norms of the centred columns, plus `l2`.

    l1, l2 : ndarray of shape (n_columns,)
        Weights of the absolute values and of half the squares.

    low : float
        Minus infinity, or zero where coefficients must not be negative.
    """

    means: np.ndarray
    mass: float
    curvature: np.ndarray
    l1: np.ndarray
    l2: np.ndarray
    low: float


class Point(NamedTuple):
    """Where the descent stands; its arrays are updated in place.

    Attributes
    ----------
    w : ndarray of shape (n_columns,)
        Coefficients.

    r : ndarray of shape (n_rows,) or ((n_classes + 1) * n_rows,)
        Residual.

    state : ndarray of shape (N_STATE,)
        The residual's product with the intercept column, the decrease that the
        coordinate steps guaranteed, the passes made, the largest step of a coordinate
        in the last pass over a whole working set, and how many signs it changed.
    """

    w: np.ndarray
    r: np.ndarray
    state: np.ndarray


def column_dot(columns, j, vector):
    """Inner product of column `j` and a vector."""


def add_column(columns, j, factor, vector):
    """Add a multiple of column `j` to a vector, in place."""


def gram_product(columns, support, direction, image, product):
    """Set `image` to a combination of columns, `product` to the columns' dots with it."""


def squared_norm(columns, vector):
    """Squared norm of a combination of columns."""


@overload(column_dot, **_accessor_options)
def _choose_column_dot(columns, j, vector):
    return _of_kind(columns, _plain_dot, _softmax_dot)


@overload(add_column, **_accessor_options)
def _choose_add_column(columns, j, factor, vector):
    return _of_kind(columns, _plain_add, _softmax_add)


@overload(gram_product, **_accessor_options)
def _choose_gram_product(columns, support, direction, image, product):
    return _of_kind(columns, _plain_gram_product, _softmax_gram_product)


@overload(squared_norm, **_accessor_options)
def _choose_squared_norm(columns, vector):
    return _of_kind(columns, _plain_square, _softmax_square)


def _of_kind(columns, plain, softmax):
    return {Columns: plain, SoftmaxColumns: softmax}[columns.instance_class]


def _plain_dot(columns, j, vector):
    total = 0.0
    if columns.indptr.size == 0:
        n_rows = columns.n_rows
        column = columns.data[j * n_rows : (j + 1) * n_rows]
        for i in range(n_rows):
            total += column[i] * vector[i]
    else:
        start, stop = np.uint64(columns.indptr[j]), np.uint64(columns.indptr[j + 1])
        for entry in range(start, stop):
            total += columns.data[entry] * vector[np.uint64(columns.indices[entry])]
    return total


def _softmax_dot(columns, j, vector):
    n_rows, n_classes = columns.n_rows, columns.n_classes
    j, c = j // n_classes, j % n_classes
    residual, shift = (
        vector[c * n_rows : (c + 1) * n_rows],
        vector[n_classes * n_rows :],
    )
    root = columns.root[c * n_rows : (c + 1) * n_rows]
    share = columns.share[c * n_rows : (c + 1) * n_rows]
    total = 0.0
    if columns.indptr.size == 0:
        column = columns.data[j * n_rows : (j + 1) * n_rows]
        for i in range(n_rows):
            total += column[i] * (root[i] * residual[i] - share[i] * shift[i])
    else:
        start, stop = np.uint64(columns.indptr[j]), np.uint64(columns.indptr[j + 1])
        for entry in range(start, stop):
            i = np.uint64(columns.indices[entry])
            value = root[i] * residual[i] - share[i] * shift[i]
            total += columns.data[entry] * value
    return total


def _plain_add(columns, j, factor, vector):
    if columns.indptr.size == 0:
        n_rows = columns.n_rows
        column = columns.data[j * n_rows : (j + 1) * n_rows]
        for i in range(n_rows):
            vector[i] += factor * column[i]
    else:
        start, stop = np.uint64(columns.indptr[j]), np.uint64(columns.indptr[j + 1])
        for entry in range(start, stop):
            vector[np.uint64(columns.indices[entry])] += factor * columns.data[entry]


def _softmax_add(columns, j, factor, vector):
    n_rows, n_classes = columns.n_rows, columns.n_classes
    j, c = j // n_classes, j % n_classes
    residual, shift = (
        vector[c * n_rows : (c + 1) * n_rows],
        vector[n_classes * n_rows :],
    )
    root = columns.root[c * n_rows : (c + 1) * n_rows]
    share = columns.share[c * n_rows : (c + 1) * n_rows]
    if columns.indptr.size == 0:
        column = columns.data[j * n_rows : (j + 1) * n_rows]
        for i in range(n_rows):
            residual[i] += factor * column[i] * root[i]
            shift[i] += factor * column[i] * share[i]
    else:
        start, stop = np.uint64(columns.indptr[j]), np.uint64(columns.indptr[j + 1])
        for entry in range(start, stop):
            i = np.uint64(columns.indices[entry])
            residual[i] += factor * columns.data[entry] * root[i]
            shift[i] += factor * columns.data[entry] * share[i]


@_inner_kernel
def _add_dense_columns(columns, start, support, factors, part):
    """Add multiples of columns to a block of rows, four columns at a time."""
    data, n_rows, length = columns.data, columns.n_rows, part.size
    whole = support.size // 4 * 4
    for k in range(0, whole, 4):
        a, b = support[k] * n_rows + start, support[k + 1] * n_rows + start
        c, d = support[k + 2] * n_rows + start, support[k + 3] * n_rows + start
        x_a, x_b = data[a : a + length], data[b : b + length]
        x_c, x_d = data[c : c + length], data[d : d + length]
        f_a, f_b, f_c, f_d = factors[k], factors[k + 1], factors[k + 2], factors[k + 3]
        for i in range(length):
            part[i] += f_a * x_a[i] + f_b * x_b[i] + f_c * x_c[i] + f_d * x_d[i]
    for k in range(whole, support.size):
        a, factor = support[k] * n_rows + start, factors[k]
        column = data[a : a + length]
        for i in range(length):
            part[i] += factor * column[i]


def _plain_gram_product(columns, support, direction, image, product):
    if columns.indptr.size > 0:
        combine_columns(columns, support, direction, image)
        for k in range(support.size):
            product[k] = column_dot(columns, support[k], image)
        return
    # Block by block of rows, so that a block's columns are read from memory once.
    product[:] = 0
    for start in range(0, columns.n_rows, _BLOCK):
        part = image[start : min(start + _BLOCK, columns.n_rows)]
        part[:] = 0
        _add_dense_columns(columns, start, support, direction, part)
        for k in range(support.size):
            first, total = support[k] * columns.n_rows + start, 0.0
            column = columns.data[first : first + part.size]
            for i in range(part.size):
                total += column[i] * part[i]
            product[k] += total


def _softmax_gram_product(columns, support, direction, image, product):
    combine_columns(columns, support, direction, image)
    for k in range(support.size):
        product[k] = column_dot(columns, support[k], image)


def _plain_square(columns, vector):
    total = 0.0
    for value in vector:
        total += value**2
    return total


def _softmax_square(columns, vector):
    total = 0.0
    for value in vector[: columns.n_classes * columns.n_rows]:
        total += value**2
    for value in vector[columns.n_classes * columns.n_rows :]:
        total -= value**2
    return total


@_kernel
def column_moments(columns, unit, target, squares, sums, products):
    """Squared norms of all columns, and their products with two vectors."""
    n_rows = columns.n_rows
    for j in range(squares.size):
        square, total, product = 0.0, 0.0, 0.0
        if columns.indptr.size == 0:
            column = columns.data[j * n_rows : (j + 1) * n_rows]
            for i in range(n_rows):
                value = np.float64(column[i])
                square += value * value
                total += value * unit[i]
                product += value * target[i]
        else:
            start, stop = np.uint64(columns.indptr[j]), np.uint64(columns.indptr[j + 1])
            for entry in range(start, stop):
                value = np.float64(columns.data[entry])
                row = np.uint64(columns.indices[entry])
                square += value * value
                total += value * unit[row]
                product += value * target[row]
        squares[j], sums[j], products[j] = square, total, product


@_kernel
def class_moments(columns, subset, squares):
    """Squared norms of the softmax model's columns in `subset`."""
    n_rows, n_classes = columns.n_rows, columns.n_classes
    for k in range(subset.size):
        j, c = subset[k] // n_classes, subset[k] % n_classes
        root = columns.root[c * n_rows : (c + 1) * n_rows]
        share = columns.share[c * n_rows : (c + 1) * n_rows]
        total = 0.0
        if columns.indptr.size == 0:
            column = columns.data[j * n_rows : (j + 1) * n_rows]
            for i in range(n_rows):
                total += column[i] ** 2 * (root[i] ** 2 - share[i] ** 2)
        else:
            start, stop = np.uint64(columns.indptr[j]), np.uint64(columns.indptr[j + 1])
            for entry in range(start, stop):
                i = np.uint64(columns.indices[entry])
                total += columns.data[entry] ** 2 * (root[i] ** 2 - share[i] ** 2)
        squares[k] = total


@_kernel
def correlate_classes(columns, subset, vectors, out):
    """Inner products of columns with the vector of their coordinate's class."""
    n_classes = vectors.shape[0]
    for k in range(subset.size):
        out[k] = column_dot(
            columns, subset[k] // n_classes, vectors[subset[k] % n_classes]
        )


@_kernel
def combine_classes(columns, subset, factors, vectors):
    """Set the vectors of all classes to combinations of columns."""
    n_classes = vectors.shape[0]
    vectors[:] = 0
    for k in range(subset.size):
        j, c = subset[k] // n_classes, subset[k] % n_classes
        if factors[k] != 0:
            add_column(columns, j, factors[k], vectors[c])


@_kernel
def scale_columns(columns, subset, scale, scaled):
    """Write the columns in `subset`, their rows scaled, side by side into `scaled`."""
    n_rows = columns.n_rows
    position = np.uint64(0)
    for k in range(subset.size):
        j = subset[k]
        if columns.indptr.size == 0:
            column = columns.data[j * n_rows : (j + 1) * n_rows]
            new_column = scaled.data[k * n_rows : (k + 1) * n_rows]
            for i in range(n_rows):
                new_column[i] = column[i] * scale[i]
        else:
            start, stop = np.uint64(columns.indptr[j]), np.uint64(columns.indptr[j + 1])
            for entry in range(start, stop):
                row = columns.indices[entry]
                scaled.data[position] = columns.data[entry] * scale[np.uint64(row)]
                scaled.indices[position] = row
                position += np.uint64(1)


@_kernel
def correlate(columns, subset, vector, means, shift, out):
    """Inner products of the centred columns in `subset` with a vector."""
    for k in range(subset.size):
        j = subset[k]
        out[k] = column_dot(columns, j, vector) - means[j] * shift


@_kernel
def combine_columns(columns, subset, factors, vector):
    """Set a vector to a combination of the columns in `subset`."""
    vector[:] = 0
    for k in range(subset.size):
        if factors[k] != 0:
            add_column(columns, subset[k], factors[k], vector)


@_inner_kernel
def _sweep(columns, subset, point, terms):
    """Minimise over the coordinates in turn; return the largest violation met."""
    w, state = point.w, point.state
    largest, longest, flips = 0.0, 0.0, 0
    for k in range(subset.size):
        j = subset[k]
        curvature, l1, old = terms.curvature[j], terms.l1[j], w[j]
        if curvature > 0:
            slope = column_dot(columns, j, point.r) - terms.means[j] * state[SHIFT]
            z = curvature * old + slope - terms.l2[j] * old
            new = 0.0
            if z > l1:
                new = (z - l1) / curvature
            elif z < -l1:
                new = max((z + l1) / curvature, terms.low)
            step = new - old
            if step != 0:
                w[j] = new
                add_column(columns, j, -step, point.r)
                state[SHIFT] -= step * terms.means[j] * terms.mass
                state[PROGRESS] += curvature * step * step / 2
                largest = max(largest, abs(step) * curvature)
                longest = max(longest, abs(step))
                flips += int(not old * new > 0)
    state[STEP], state[FLIPS] = longest, flips
    return largest


@_inner_kernel
def _gather_support(subset, w, support):
    """Write the coordinates of `subset` that are not zero to the front of `support`."""
    size = 0
    for k in range(subset.size):
        if w[subset[k]] != 0:
            support[size] = subset[k]
            size += 1
    return size


@_inner_kernel
def _face_gradient(columns, support, point, terms, gradient):
    """Descent direction of the objective on the face of the present signs."""
    shift = point.state[SHIFT]
    correlate(columns, support, point.r, terms.means, shift, gradient)
    for k in range(support.size):
        j = support[k]
        sign = 1.0 if point.w[j] > 0 else -1.0
        gradient[k] -= terms.l2[j] * point.w[j] + terms.l1[j] * sign


@_inner_kernel
def _next_direction(support, gradient, terms, previous, direction):
    """Set the next conjugate direction; return the preconditioned squared norm."""
    rho = 0.0
    for k in range(support.size):
        rho += gradient[k] ** 2 / terms.curvature[support[k]]
    beta = rho / previous if previous > 0 else 0.0
    for k in range(support.size):
        own = gradient[k] / terms.curvature[support[k]]
        direction[k] = own + beta * direction[k]
    return rho


@_inner_kernel
def _shift_of(support, direction, terms):
    """Inner product of the intercept column and ``X direction``."""
    total = 0.0
    for k in range(support.size):
        total += terms.means[support[k]] * direction[k]
    return terms.mass * total


@_inner_kernel
def _face_product(columns, support, direction, terms, image, product):
    """Set `image` to ``X direction`` and `product` to the Hessian's.

    Returns the curvature along the direction, and whether it is none: so it is with
    duplicate columns, or with more of them than rows.
    """
    gram_product(columns, support, direction, image, product)
    shift = _shift_of(support, direction, terms)
    bend, scale = 0.0, 0.0
    for k in range(support.size):
        j = support[k]
        product[k] += terms.l2[j] * direction[k] - terms.means[j] * shift
        bend += product[k] * direction[k]
        scale += terms.curvature[j] * direction[k] ** 2
    return bend, bend <= _FLAT * scale


@_inner_kernel
def _clip_at_kinks(support, step, direction, point, terms, change):
    """Write the step, with coordinates that reach or cross their kink ending there.

    Returns the share of the step at which the first kink lies; above 1 if none is met.
    """
    first = 2.0
    for k in range(support.size):
        j = support[k]
        old, change[k] = point.w[j], step * direction[k]
        has_kink = terms.l1[j] > 0 or terms.low == 0
        if has_kink and old * (old + change[k]) <= 0:
            first = min(first, -old / change[k])
            change[k] = -old
    return first


@_inner_kernel
def _objective_change(columns, support, gradient, change, terms, image):
    """Change of the objective on the face for a step whose image is ``X change``."""
    shift = _shift_of(support, change, terms)
    total = squared_norm(columns, image) - shift**2 / max(terms.mass, 1e-300)
    for k in range(support.size):
        total += terms.l2[support[k]] * change[k] ** 2 - 2 * gradient[k] * change[k]
    return total / 2


@_inner_kernel
def _move(support, factor, change, image, point, terms):
    """Add a multiple of a change whose image is known."""
    for k in range(support.size):
        point.w[support[k]] += factor * change[k]
    for i in range(image.size):
        point.r[i] -= factor * image[i]
    point.state[SHIFT] -= factor * _shift_of(support, change, terms)


@_inner_kernel
def _cross_kinks(
    columns, support, step, direction, first, flat, gradient, point, terms, image
):
    """Step over kinks with the crossing coordinates at zero, or to the first kink.

    `first` is the share of the step at which the first kink lies. Along a flat direction the
    objective falls in a straight line, and the step ends there.
    """
    change = np.empty(support.size)
    for attempt in range(2):
        if attempt == 0:
            _clip_at_kinks(support, step, direction, point, terms, change)
        else:
            # A hair beyond, so that rounding cannot keep the coordinate from its kink.
            reach = first * step * (1 + _HAIR)
            _clip_at_kinks(support, reach, direction, point, terms, change)
        combine_columns(columns, support, change, image)
        fell = _objective_change(columns, support, gradient, change, terms, image) < 0
        if fell and not (flat and attempt == 0):
            break
    _move(support, 1.0, change, image, point, terms)


@_inner_kernel
def _solve_on_face(columns, support, point, terms, tolerance, max_steps, image):
    """Conjugate gradients with Jacobi preconditioning inside the present orthant.

    Returns whether more steps would have helped.
    """
    gradient, direction = np.empty(support.size), np.empty(support.size)
    product, change = np.empty(support.size), np.empty(support.size)
    n_restarts, rho = 0, 0.0
    for _ in range(max_steps):
        if rho == 0:
            _face_gradient(columns, support, point, terms, gradient)
            direction[:] = 0
        largest = 0.0
        for k in range(support.size):
            largest = max(largest, abs(gradient[k]))
        # So written that a gradient which is not a number ends the loop.
        if not largest >= tolerance or largest == 0:
            return False
        rho = _next_direction(support, gradient, terms, rho, direction)
        bend, flat = _face_product(columns, support, direction, terms, image, product)
        step = rho / max(bend, _SMALLEST_BEND)
        first = _clip_at_kinks(support, step, direction, point, terms, change)
        if first <= 1:
            _cross_kinks(
                columns,
                support,
                step,
                direction,
                first,
                flat,
                gradient,
                point,
                terms,
                image,
            )
            size = _gather_support(support, point.w, support)
            support, gradient, product = support[:size], gradient[:size], product[:size]
            direction, change = direction[:size], change[:size]
            n_restarts, rho = n_restarts + int(not flat), 0.0
            if n_restarts > _MAX_RESTARTS or size == 0:
                return False
        elif flat:
            return False
        else:
            _move(support, step, direction, image, point, terms)
            for k in range(support.size):
                gradient[k] -= step * product[k]
    return n_restarts == 0


@_kernel
def descend(columns, subset, point, terms, threshold, relative, max_passes):
    """Minimise over a working set until no coordinate violates by `threshold`.

    Each pass sweeps the working set. If that changed no sign, the system of the support
    is solved to the end by conjugate gradients; else the support is swept twice more,
    and solved as exactly as the other coordinates warrant. The threshold is at least
    `relative` times the first pass's largest violation.
    """
    support, image = np.empty(subset.size, subset.dtype), np.empty(point.r.size)
    state, max_steps = point.state, _FIRST_STEPS
    for n_passes in range(max_passes):
        largest = _sweep(columns, subset, point, terms)
        longest, flips = state[STEP], state[FLIPS]
        state[PASSES] += 1
        if n_passes == 0:
            threshold = max(threshold, relative * largest)
        # So written that a violation which is not a number ends the loop.
        if not largest >= threshold or largest == 0:
            break
        size = _gather_support(subset, point.w, support)
        tolerance = 0.3 * threshold
        if flips > 0:
            tolerance = max(tolerance, 0.1 * largest)
            for _ in range(2):
                violation = _sweep(columns, support[:size], point, terms)
                size = _gather_support(support[:size], point.w, support)
                if violation < threshold:
                    break
            state[STEP] = longest
        if size > 0 and _solve_on_face(
            columns, support[:size], point, terms, tolerance, max_steps, image
        ):
            max_steps = min(2 * max_steps, 2 * size + _FIRST_STEPS)
