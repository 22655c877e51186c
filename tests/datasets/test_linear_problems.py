# SPDX-License-Identifier: BSD-3-Clause
"""Sparse linear problems: what is promised about them."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_theory.datasets import make_sparse_linear_problem


class TestRegression:
    def test_shapes_and_density(self):
        X, y, coef = make_sparse_linear_problem(
            400, 900, return_coef=True, random_state=0
        )
        assert sparse.issparse(X) and X.format == "csc"
        assert X.shape == (400, 900) and y.shape == (400,) and coef.shape == (900,)
        expected = 10 * np.log(400) / 400
        assert X.nnz / (400 * 900) == pytest.approx(expected, rel=0.02)
        assert np.mean(coef != 0) == pytest.approx(0.1, abs=0.03)

    def test_targets_are_predictions_plus_noise(self):
        X, y, coef = make_sparse_linear_problem(
            2000, 50, noise=3.0, return_coef=True, random_state=0
        )
        assert np.std(y - X @ coef) == pytest.approx(3.0, rel=0.05)
        X, y, coef = make_sparse_linear_problem(
            20, 50, noise=0.0, return_coef=True, random_state=0
        )
        np.testing.assert_allclose(y, X @ coef)

    def test_columns_share_a_mean_of_their_scale(self):
        X, _ = make_sparse_linear_problem(
            4000, 6, density=1.0, sparse_output=False, random_state=0
        )
        np.testing.assert_allclose(
            X.mean(axis=0) / X.std(axis=0) * np.sign(X.mean(axis=0)), 1.0, atol=0.1
        )

    def test_dense_is_the_same(self):
        dense = make_sparse_linear_problem(30, 40, sparse_output=False, random_state=0)
        scattered = make_sparse_linear_problem(30, 40, random_state=0)
        np.testing.assert_array_equal(dense[0], scattered[0].toarray())
        np.testing.assert_array_equal(dense[1], scattered[1])

    def test_generators_are_welcome(self):
        first, second = (
            make_sparse_linear_problem(30, 40, random_state=np.random.default_rng(5))
            for _ in range(2)
        )
        np.testing.assert_array_equal(first[1], second[1])


class TestClasses:
    def test_binary(self):
        X, y, coef = make_sparse_linear_problem(
            3000, 50, target="binary", return_coef=True, random_state=0
        )
        assert set(y) == {-1, 1}
        signs = np.where(X @ coef >= 0, 1, -1)
        assert np.mean(signs != y) == pytest.approx(0.1, abs=0.02)

    def test_no_flips(self):
        X, y, coef = make_sparse_linear_problem(
            50, 30, target="binary", flip=0.0, return_coef=True, random_state=0
        )
        np.testing.assert_array_equal(y, np.where(X @ coef >= 0, 1, -1))

    def test_multiclass(self):
        X, y, coef = make_sparse_linear_problem(
            500,
            60,
            target="multiclass",
            n_classes=7,
            noise=0.0,
            return_coef=True,
            random_state=0,
        )
        assert coef.shape == (60, 7)
        assert (coef != 0).all()
        np.testing.assert_array_equal(y, np.argmax(X @ coef, axis=1))


@pytest.mark.parametrize(
    "bad",
    [{"target": "x"}, {"n_classes": 1}, {"flip": 2}, {"density": 0.0}, {"noise": -1.0}],
)
def test_refusals(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        make_sparse_linear_problem(10, 10, **bad)
