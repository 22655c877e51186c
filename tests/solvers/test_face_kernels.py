# SPDX-License-Identifier: BSD-3-Clause
"""The kernels and parts of the face method, each alone, against plain numpy."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize_scalar

from sklearn_theory.solvers._face_fast import (
    column_moments,
    combine_columns,
    correlate,
)
from sklearn_theory.solvers._face_logistic import LogisticFace
from sklearn_theory.solvers._face_matrix import as_columns
from sklearn_theory.solvers._face_penalty import FacePenalty
from sklearn_theory.solvers._face_solver import FaceSolver
from sklearn_theory.solvers._face_squared import SquaredFace

LAYOUTS = {"dense": np.asfortranarray, "CSC": sparse.csc_array}


@pytest.fixture
def X(rng):
    X = rng.normal(size=(30, 12)) + 1
    X[rng.random(X.shape) < 0.4] = 0
    return X


def squared_face(X, y, unit=None, layout="dense"):
    return SquaredFace(as_columns(LAYOUTS[layout](X)), X.shape[1], y, unit)


def l1_penalty(n, strength, **options):
    return FacePenalty(np.full(n, float(strength)), np.zeros(n), **options)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
class TestColumns:
    def test_moments(self, X, rng, layout, dtype):
        X = X.astype(dtype)
        unit, target = rng.normal(size=(2, 30))
        squares, sums, products = np.empty((3, 12))
        columns = as_columns(LAYOUTS[layout](X))
        column_moments(columns, unit, target, squares, sums, products)
        X = X.astype(float)
        np.testing.assert_allclose(squares, np.sum(X**2, axis=0), rtol=1e-12)
        np.testing.assert_allclose(sums, unit @ X, atol=1e-12)
        np.testing.assert_allclose(products, target @ X, atol=1e-12)

    def test_correlations_and_combinations(self, X, rng, layout, dtype):
        X = X.astype(dtype)
        columns, subset = as_columns(LAYOUTS[layout](X)), np.array([7, 0, 3])
        vector, means, out = rng.normal(size=30), rng.normal(size=12), np.empty(3)
        correlate(columns, subset, vector, means, 2.0, out)
        expected = vector @ X[:, subset].astype(float) - 2 * means[subset]
        np.testing.assert_allclose(out, expected, atol=1e-12)
        factors = np.array([1.5, 0.0, -2.0])
        combine_columns(columns, subset, factors, vector)
        np.testing.assert_allclose(vector, X[:, subset].astype(float) @ factors)

    def test_rows_are_scaled_in_a_copy(self, X, rng, layout, dtype):
        A, scale = LAYOUTS[layout](X.astype(dtype)), rng.uniform(size=30)
        before = A.copy()
        columns = as_columns(A, scale)
        out = np.empty(12)
        correlate(columns, np.arange(12), np.ones(30), np.zeros(12), 0.0, out)
        np.testing.assert_allclose(out, scale @ X.astype(dtype), rtol=1e-5)
        assert abs(A - before).max() == 0


class TestMatrix:
    def test_nothing_is_copied(self, X):
        dense, light = np.asfortranarray(X), sparse.csc_array(X)
        assert np.shares_memory(as_columns(dense).data, dense)
        assert np.shares_memory(as_columns(light).data, light.data)

    def test_repeated_entries_are_added(self):
        X = sparse.csc_array(
            (np.array([1.0, 2.0, 5.0]), np.array([0, 0, 1]), np.array([0, 2, 3])),
            shape=(2, 2),
        )
        columns = as_columns(X)
        assert columns.data.tolist() == [3.0, 5.0]
        assert X.nnz == 3


class TestSquaredFace:
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("centred", [True, False])
    def test_centring_is_implicit(self, X, rng, layout, centred):
        y, w = rng.normal(size=30), rng.normal(size=12)
        face = squared_face(X, y, np.ones(30) if centred else None, layout)
        face.start(w)
        if centred:
            y, X = y - y.mean(), X - X.mean(axis=0)
        residual = y - X @ w
        assert face.loss() == pytest.approx(residual @ residual / 2)
        assert face.scale == pytest.approx(y @ y)
        np.testing.assert_allclose(face.correlate(np.arange(12)), X.T @ residual)
        np.testing.assert_allclose(face.norms, np.linalg.norm(X, axis=0))
        subset = np.array([1, 4, 9])
        np.testing.assert_allclose(face.gram(subset), X[:, subset].T @ X[:, subset])

    def test_constant_columns_have_no_curvature(self, X, rng):
        X[:, 3] = 1e3 + 0.1
        face = squared_face(X, rng.normal(size=30), np.ones(30))
        assert face.curvature[3] == 0
        assert np.all(np.delete(face.curvature, 3) > 0)

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_descent_solves_its_working_set(self, X, rng, layout):
        """On the working set the optimality conditions hold to the threshold."""
        face = squared_face(X, rng.normal(size=30), np.ones(30), layout)
        working, penalty = np.array([0, 2, 5, 7, 11]), l1_penalty(12, 0.5)
        face.descend(working, penalty, 1e-10, 1000)
        assert not np.delete(face.w, working).any()
        slope, w = face.correlate(working), face.w[working]
        assert np.all(np.abs(slope) <= 0.5 + 1e-8)
        np.testing.assert_allclose(slope[w != 0], 0.5 * np.sign(w[w != 0]), atol=1e-8)

    def test_weak_duality(self, X, rng):
        """No feasible multiple of any residual exceeds the objective of any point."""
        y, penalty = rng.normal(size=30), l1_penalty(12, 0.7)
        face = squared_face(X, y, np.ones(30))
        for _ in range(50):
            face.start(rng.normal(size=12) * rng.uniform(0, 1))
            face.take_dual_point()
            slope = face.correlate(np.arange(12))
            lowest, highest = penalty.shrinkage(slope, np.arange(12))
            factor = rng.uniform(lowest, highest)
            dual = face.dual(factor, 0.0)
            face.start(rng.normal(size=12) * rng.uniform(0, 0.3))
            assert dual <= face.loss() + penalty.value(face.w) + 1e-12


class TestLogisticFace:
    def test_loss_and_slopes(self, X, rng):
        sign = np.where(rng.random(30) < 0.5, 1.0, -1.0)
        weight, w = rng.uniform(0.5, 2, size=30), rng.normal(size=12)
        face = LogisticFace(as_columns(np.asfortranarray(X)), 12, sign, weight, True)
        face.start(w, 0.3)
        margin = sign * (X @ w + 0.3)
        assert face.loss() == pytest.approx(weight @ np.logaddexp(0, -margin))
        slope = X.T @ (weight * sign / (1 + np.exp(margin)))
        np.testing.assert_allclose(face.correlate(np.arange(12)), slope)

    def test_intercept_settles(self, X, rng):
        sign = np.where(rng.random(30) < 0.2, 1.0, -1.0)
        face = LogisticFace(
            as_columns(np.asfortranarray(X)), 12, sign, np.ones(30), True
        )
        face.start(rng.normal(size=12), -4.0)
        face.settle(1e-12)
        margin = X @ face.w
        best = minimize_scalar(lambda b: np.logaddexp(0, -sign * (margin + b)).sum())
        assert face.intercept() == pytest.approx(best.x, abs=1e-4)

    def test_far_margins_stay_finite(self):
        X, sign = np.array([[1e4], [-1e4]]), np.array([-1.0, 1.0])
        face = LogisticFace(as_columns(X), 1, sign, np.ones(2), False)
        face.start(np.array([1.0]), 0.0)
        assert face.loss() == pytest.approx(2e4)
        assert np.isfinite(face.correlate(np.array([0]))).all()


class TestPenalty:
    def test_shrinkage_is_exact(self, rng):
        penalty, subset = l1_penalty(12, 0.5), np.arange(12)
        slope = rng.normal(size=12)
        lowest, highest = penalty.shrinkage(slope, subset)
        for factor in (lowest, highest):
            assert np.abs(factor * slope).max() == pytest.approx(0.5)

    def test_one_sided_shrinkage(self):
        penalty = l1_penalty(2, 0.5, positive=True)
        lowest, highest = penalty.shrinkage(np.array([2.0, -4.0]), np.arange(2))
        assert (lowest, highest) == (-0.125, 0.25)

    def test_conjugate(self):
        """sup of s w - l1 |w| - l2 w^2 / 2, by brute force."""
        penalty = FacePenalty(np.array([0.5]), np.array([2.0]))
        grid = np.linspace(-5, 5, 100_001)
        for slope in (-3.0, -0.2, 0.4, 2.5):
            value = np.max(slope * grid - 0.5 * np.abs(grid) - grid**2)
            found = penalty.conjugate(np.array([slope]), np.arange(1))
            assert found == pytest.approx(value, abs=1e-7)


class TestSolver:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_screening_keeps_the_solution(self, rng, layout):
        X = rng.normal(size=(40, 400))
        y = X[:, :5].sum(axis=1) + rng.normal(size=40)
        strength = np.abs(X.T @ y).max() / 5
        solver = FaceSolver(
            squared_face(X, y, layout=layout),
            l1_penalty(400, strength),
            target=1e-10 * (y @ y),
            max_passes=10_000,
        )
        for _ in solver.rounds():
            pass
        assert solver.converged
        # All slopes, the screened coordinates' too, satisfy their conditions.
        slope = X.T @ (y - X @ solver.fit.w)
        assert np.abs(slope).max() <= strength * (1 + 1e-4)
        assert solver.history["n_candidates"][-1] < 400

    def test_flat_faces_end(self, rng):
        """More non-zeros than the rank: the descent steps to kinks instead."""
        X = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 100))
        y = rng.normal(size=50) + X[:, 0]
        solver = FaceSolver(
            squared_face(X, y),
            l1_penalty(100, np.abs(X.T @ y).max() / 1000),
            target=1e-10 * (y @ y),
            max_passes=2000,
        )
        for _ in solver.rounds():
            pass
        assert solver.converged
        assert np.count_nonzero(solver.fit.w) <= 100

    def test_budget(self, rng):
        X, y = rng.normal(size=(30, 100)), rng.normal(size=30)
        solver = FaceSolver(
            squared_face(X, y), l1_penalty(100, 0.01), target=0.0, max_passes=3
        )
        for _ in solver.rounds():
            pass
        assert solver.n_passes <= 3
        assert not solver.converged
