# SPDX-License-Identifier: BSD-3-Clause
"""The quadratics of a lattice and of two moons."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse.linalg import spsolve
from sklearn.neighbors import NearestNeighbors

from sklearn_theory.datasets import make_lattice_quadratic, make_two_moons_quadratic


def test_lattice_is_the_laplacian_of_a_grid():
    rows, columns = 4, 6
    Q, b, nodes = make_lattice_quadratic(
        (rows, columns), n_labelled=5, weight=2.0, random_state=3
    )
    grid = nx.grid_2d_graph(columns, rows)
    order = [(place // rows, place % rows) for place in range(rows * columns)]
    laplacian = 2.0 * nx.laplacian_matrix(grid, nodelist=order).toarray()
    np.testing.assert_array_equal(Q.toarray(), laplacian[np.ix_(nodes, nodes)])

    random = np.random.RandomState(3)
    labelled = random.choice(rows * columns, 5, replace=False)
    labels = random.randn(5) * 10
    np.testing.assert_array_equal(nodes, np.setdiff1d(np.arange(24), labelled))
    expected = -laplacian[np.ix_(nodes, labelled)] @ labels
    np.testing.assert_allclose(b, expected, rtol=1e-14)


def test_lattice_of_the_paper_has_the_known_minimum():
    Q, b, _ = make_lattice_quadratic(random_state=1)
    assert Q.shape == (2400, 2400)
    minimum = -0.5 * b @ spsolve(Q.tocsc(), b)
    assert minimum == pytest.approx(-1045999575.22707, abs=1e-4)


def test_two_moons_is_the_laplacian_of_either_nearest_neighbours():
    Q, b, nodes, X, y = make_two_moons_quadratic(60, n_labelled=7, random_state=0)
    nearest = NearestNeighbors(n_neighbors=5).fit(X).kneighbors_graph().toarray()
    weights = np.maximum(nearest, nearest.T)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    np.testing.assert_allclose(Q.toarray(), laplacian[np.ix_(nodes, nodes)])
    labelled = np.setdiff1d(np.arange(60), nodes)
    np.testing.assert_allclose(b, weights[np.ix_(nodes, labelled)] @ y[labelled])


def test_two_moons_lie_on_half_circles():
    *_, X, y = make_two_moons_quadratic(1001, noise=0.0, random_state=0)
    np.testing.assert_array_equal(np.bincount(y), [0, 500, 501])
    upper, lower = X[y == 1], X[y == 2]
    np.testing.assert_allclose(np.linalg.norm(upper, axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(lower - [1, 0.5], axis=1), 1)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= 0.5


@pytest.mark.parametrize("make", [make_lattice_quadratic, make_two_moons_quadratic])
def test_seeds(make):
    first, second, third = (make(random_state=seed) for seed in (0, 0, 1))
    for one, other in zip(first[1:], second[1:]):
        np.testing.assert_array_equal(one, other)
    assert np.any(first[1] != third[1])


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (make_lattice_quadratic, {"shape": (3,)}, "shape must be a tuple of two"),
        (make_lattice_quadratic, {"shape": (3, 0)}, "shape must be a tuple of two"),
        (make_lattice_quadratic, {"shape": (9, 9)}, "n_labelled must be less than"),
        (make_lattice_quadratic, {"weight": 0}, "The 'weight' parameter"),
        (make_two_moons_quadratic, {"n_samples": 90}, "n_labelled must be less than"),
        (
            make_two_moons_quadratic,
            {"n_samples": 5, "n_labelled": 1},
            "n_neighbors must be less than",
        ),
        (make_two_moons_quadratic, {"noise": -1}, "The 'noise' parameter"),
    ],
)
def test_refusals(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)
