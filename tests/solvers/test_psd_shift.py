# SPDX-License-Identifier: BSD-3-Clause
"""The diagonals that make a graph positive semidefinite."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.neighbors import kneighbors_graph
from sklearn.preprocessing import normalize

from sklearn_theory.solvers import _psd_shift
from sklearn_theory.solvers._psd_shift import psd_shift


def smallest_eigenvalue(weights, shift):
    matrix = weights.toarray().astype(float) + np.diag(shift.values)
    return np.linalg.eigvalsh((matrix + matrix.T) / 2)[0]


def symmetric(dense):
    upper = np.triu(dense, 1)
    return sparse.csr_array(upper + upper.T)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(1, 30),
    density=st.floats(0.05, 1.0),
    binary=st.booleans(),
)
def test_every_shift_is_enough(seed, n_rows, density, binary):
    rng = np.random.default_rng(seed)
    dense = rng.random((n_rows, n_rows))
    weights = symmetric(
        (rng.random((n_rows, n_rows)) < density) * (1.0 if binary else dense)
    )
    degree = psd_shift(weights, "degree").values
    for psd in ("auto", "degree"):
        shift = psd_shift(weights, psd)
        assert smallest_eigenvalue(weights, shift) >= -1e-12 * n_rows
        assert (shift.values <= degree * (1 + 1e-12) + 1e-300).all()


def test_a_complete_graph_saves_half():
    shift = psd_shift(symmetric(np.full((7, 7), 2.0)), "auto")
    assert shift.certificate == "triangles"
    np.testing.assert_allclose(shift.values, np.full(7, 6.0))


def test_one_triangle_with_a_tail():
    """The triangle books its weight once at each corner, the tail at both ends."""
    dense = np.zeros((4, 4))
    dense[0, 1], dense[0, 2], dense[1, 2], dense[2, 3] = 3, 2, 4, 5
    shift = psd_shift(symmetric(dense), "auto")
    np.testing.assert_allclose(shift.values, [2 + 1, 2 + 1 + 2, 2 + 2 + 5, 5])


def test_the_order_of_the_rows_does_not_matter(rng):
    weights = symmetric(rng.random((30, 30)) * (rng.random((30, 30)) < 0.3))
    order = rng.permutation(30)
    moved = psd_shift(sparse.csr_array(weights[order][:, order]), "auto").values
    np.testing.assert_allclose(moved, psd_shift(weights, "auto").values[order])


def test_without_triangles_it_is_the_degree():
    ring = symmetric(np.eye(9, k=1) + np.eye(9, k=8))
    np.testing.assert_array_equal(
        psd_shift(ring, "auto").values, psd_shift(ring, "degree").values
    )


def test_the_row_wise_minimum_of_two_shifts_is_not_enough():
    star = np.zeros((5, 5))
    star[0, 1:] = 1
    star = symmetric(star)
    degree = np.array([4.0, 1, 1, 1, 1])
    eigenvalue = -np.linalg.eigvalsh(star.toarray())[0]
    smaller = _psd_shift.Shift(np.minimum(degree, eigenvalue), "none")
    assert eigenvalue == pytest.approx(2)
    assert smallest_eigenvalue(star, smaller) < -0.2


def test_dense_graphs_take_the_smallest_eigenvalue(rng):
    points = rng.standard_normal((150, 2))
    gaps = points[:, np.newaxis] - points
    weights = symmetric(np.exp(-(gaps**2).sum(axis=2)))
    shift = psd_shift(weights, "auto")
    assert shift.certificate == "eigenvalue"
    # The kernel without its diagonal has no eigenvalue below -1.
    assert shift.values.max() <= 1 + 1e-9
    assert smallest_eigenvalue(weights, shift) >= 0


def test_large_dense_graphs_take_the_degree(monkeypatch):
    monkeypatch.setattr(_psd_shift, "_MOST_ROWS", 100)
    weights = symmetric(np.random.default_rng(0).random((120, 120)))
    assert psd_shift(weights, "auto").certificate == "degree"


def test_none_and_no_edges():
    empty = sparse.csr_array((4, 4))
    for psd in ("auto", "degree", "none"):
        np.testing.assert_array_equal(psd_shift(empty, psd).values, np.zeros(4))
    ring = symmetric(np.eye(9, k=1))
    assert psd_shift(ring, "none").certificate == "none"
    assert not psd_shift(ring, "none").values.any()


def test_of_an_asymmetric_graph_the_symmetric_part_counts(rng):
    weights = sparse.csr_array((rng.random((20, 20)) < 0.2) * 1.0)
    weights.setdiag(0)
    weights.eliminate_zeros()
    assert smallest_eigenvalue(weights, psd_shift(weights, "auto")) >= -1e-12


def test_digits_need_a_shift_and_triangles_beat_the_eigenvalue():
    X = normalize(load_digits(return_X_y=True)[0])
    directed = kneighbors_graph(X, 4)
    weights = sparse.csr_array((directed + directed.T) / 2)
    spectrum = np.linalg.eigvalsh(weights.toarray())
    assert spectrum[0] == pytest.approx(-3.07, abs=0.01)
    shift = psd_shift(weights, "auto")
    assert shift.values.mean() < 2.9 < -spectrum[0]
    assert smallest_eigenvalue(weights, shift) > 0
