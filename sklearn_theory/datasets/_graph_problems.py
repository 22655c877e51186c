# SPDX-License-Identifier: BSD-3-Clause
"""Quadratics on graphs: labels that spread over a lattice or along two moons."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.neighbors import kneighbors_graph
from sklearn.utils import check_random_state

from ..utils._compat import Interval, validate_params


@validate_params(
    {
        "shape": [tuple],
        "n_labelled": [Interval(Integral, 1, None, closed="left")],
        "weight": [Interval(Real, 0, None, closed="neither")],
        "label_scale": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_lattice_quadratic(
    shape=(50, 50),
    *,
    n_labelled=100,
    weight=1e5,
    label_scale=10.0,
    random_state=None,
):
    r"""Generate the quadratic of real labels that spread over a lattice.

    Each node is joined to the ones above, below and beside it. Some nodes have a label,
    a normal draw; the others' values minimise
    :math:`\frac12 \sum_{ij} w_{ij} (x_i - x_j)^2` over the edges, which is the quadratic
    :math:`\frac12 x^\top Q x - b^\top x` up to a constant [1]_.

    Parameters
    ----------
    shape : tuple of (int, int), default=(50, 50)
        Number of rows and of columns.

    n_labelled : int, default=100
        Number of nodes with a label.

    weight : float, default=1e5
        The weight of every edge.

    label_scale : float, default=10.0
        Standard deviation of the labels.

    random_state : int, RandomState instance or None, default=None
        Determines the labelled nodes and their labels.

    Returns
    -------
    Q : sparse array of shape (n_nodes, n_nodes)
        The matrix, in CSR format, over the nodes without a label.

    b : ndarray of shape (n_nodes,)
        The linear term.

    nodes : ndarray of shape (n_nodes,)
        Where in the lattice the nodes without a label are, as
        ``column * n_rows + row``.

    See Also
    --------
    make_two_moons_quadratic : The same on a graph of nearest neighbours.

    References
    ----------
    .. [1] J. Nutini, I. Laradji and M. Schmidt, "Let's Make Block Coordinate Descent
       Converge Faster: Faster Greedy Rules, Message-Passing, Active-Set Complexity,
       and Superlinear Convergence", JMLR 2022, arXiv:1712.08859.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_lattice_quadratic
    >>> Q, b, nodes = make_lattice_quadratic((4, 5), n_labelled=3, random_state=0)
    >>> Q.shape
    (17, 17)
    """
    random = check_random_state(random_state)
    n_nodes = _check_lattice(shape, n_labelled)
    labelled = random.choice(n_nodes, n_labelled, replace=False)
    labels = random.randn(n_labelled) * label_scale
    return _quadratic(weight * _lattice_adjacency(shape), labelled, labels)


@validate_params(
    {
        "n_samples": [Interval(Integral, 2, None, closed="left")],
        "n_labelled": [Interval(Integral, 1, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_two_moons_quadratic(
    n_samples=2000,
    *,
    n_labelled=100,
    n_neighbors=5,
    noise=0.2,
    random_state=None,
):
    r"""Generate the quadratic of labels that spread along two moons.

    Points lie on two half circles of radius 1 with normal noise. Two points are joined,
    with weight 1, if either is among the nearest neighbours of the other. Labels are 1
    on the upper moon and 2 on the lower one; the values of the points without a label
    minimise the same quadratic as in :func:`make_lattice_quadratic` [1]_.

    Parameters
    ----------
    n_samples : int, default=2000
        Number of points; the first half lies on the upper moon.

    n_labelled : int, default=100
        Number of points with a label.

    n_neighbors : int, default=5
        Number of nearest neighbours.

    noise : float, default=0.2
        Standard deviation of the noise; its variance is 0.04 by default.

    random_state : int, RandomState instance or None, default=None
        Determines the points and which have a label.

    Returns
    -------
    Q : sparse array of shape (n_nodes, n_nodes)
        The matrix, in CSR format, over the points without a label.

    b : ndarray of shape (n_nodes,)
        The linear term.

    nodes : ndarray of shape (n_nodes,)
        The points without a label.

    X : ndarray of shape (n_samples, 2)
        All points.

    y : ndarray of shape (n_samples,)
        All labels, 1 or 2.

    See Also
    --------
    make_lattice_quadratic : The same on a lattice.
    sklearn.datasets.make_moons : Two moons without the graph.

    References
    ----------
    .. [1] J. Nutini, I. Laradji and M. Schmidt, "Let's Make Block Coordinate Descent
       Converge Faster: Faster Greedy Rules, Message-Passing, Active-Set Complexity,
       and Superlinear Convergence", JMLR 2022, arXiv:1712.08859.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_two_moons_quadratic
    >>> Q, b, nodes, X, y = make_two_moons_quadratic(200, n_labelled=8, random_state=0)
    >>> Q.shape, X.shape
    ((192, 192), (200, 2))
    """
    random = check_random_state(random_state)
    _check_fewer("n_labelled", n_labelled, n_samples)
    _check_fewer("n_neighbors", n_neighbors, n_samples)
    y = np.where(np.arange(n_samples) < n_samples // 2, 1, 2)
    angle = np.pi * random.rand(n_samples)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.array([1.0, 0.5]) - upper
    X = np.where(y[:, np.newaxis] == 1, upper, lower)
    X = X + noise * random.randn(n_samples, 2)
    labelled = random.choice(n_samples, n_labelled, replace=False)
    nearest = sparse.csr_array(kneighbors_graph(X, n_neighbors))
    joined = nearest.maximum(nearest.T)
    return *_quadratic(joined, labelled, y[labelled]), X, y


def _check_lattice(shape, n_labelled):
    is_lattice = len(shape) == 2 and all(
        isinstance(length, Integral) and length > 0 for length in shape
    )
    if not is_lattice:
        raise ValueError(
            f"shape must be a tuple of two positive numbers, rows and columns; "
            f"got {shape!r}."
        )
    _check_fewer("n_labelled", n_labelled, shape[0] * shape[1])
    return shape[0] * shape[1]


def _check_fewer(name, value, n_nodes):
    if value >= n_nodes:
        raise ValueError(
            f"{name} must be less than the number of nodes, {n_nodes}; got {value}."
        )


def _lattice_adjacency(shape):
    """Join the neighbours in a column, then those in a row."""
    place = np.arange(shape[0] * shape[1]).reshape(shape[1], shape[0])
    first = np.concatenate([place[:, :-1].ravel(), place[:-1].ravel()])
    second = np.concatenate([place[:, 1:].ravel(), place[1:].ravel()])
    joined = sparse.coo_array(
        (np.ones(len(first)), (first, second)), shape=(place.size, place.size)
    ).tocsr()
    return joined + joined.T


def _quadratic(weights, labelled, labels):
    """Restrict the graph Laplacian to the nodes without a label."""
    nodes = np.setdiff1d(np.arange(weights.shape[0]), labelled)
    laplacian = sparse.csr_array(sparse.diags_array(weights.sum(axis=1)) - weights)
    return laplacian[nodes][:, nodes], weights[nodes][:, labelled] @ labels, nodes
