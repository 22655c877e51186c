# SPDX-License-Identifier: BSD-3-Clause
"""Datafits: derivatives, constants, bounds, motion and duality, dense and sparse."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import approx_fprime

from sklearn_theory.solvers import (
    LogisticDatafit,
    QuadraticDatafit,
    SoftmaxDatafit,
    SquaredDatafit,
)
from sklearn_theory.solvers._datafits._smooth import SmoothDatafit
from sklearn_theory.solvers._penalties._none import NoPenalty
from sklearn_theory.solvers._problem import Problem

N_SAMPLES, N_FEATURES = 30, 7


def make_X(rng, is_sparse):
    X = rng.normal(size=(N_SAMPLES, N_FEATURES)) * rng.uniform(0.3, 3, N_FEATURES) + 0.5
    X[rng.random(X.shape) < 0.4] = 0
    return sparse.csc_array(X) if is_sparse else X


def squared(rng, is_sparse, fit_intercept):
    X = make_X(rng, is_sparse)
    y = rng.normal(size=N_SAMPLES) + 3
    return SquaredDatafit(X, y, fit_intercept=fit_intercept)


def logistic(rng, is_sparse, fit_intercept):
    X = make_X(rng, is_sparse)
    y = np.where(rng.random(N_SAMPLES) < 0.4, 1, -1)
    return LogisticDatafit(X, y, fit_intercept=fit_intercept)


def softmax(rng, is_sparse, fit_intercept):
    X = make_X(rng, is_sparse)
    y = np.arange(N_SAMPLES) % 4
    return SoftmaxDatafit(X, y, fit_intercept=fit_intercept)


def quadratic(rng, is_sparse, fit_intercept):
    A = make_X(rng, False)
    Q = A.T @ A
    return QuadraticDatafit(sparse.csc_array(Q) if is_sparse else Q, rng.normal(size=7))


MAKERS = [squared, logistic, softmax, quadratic]
every_datafit = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
every_storage = pytest.mark.parametrize("is_sparse", [False, True])
every_intercept = pytest.mark.parametrize("fit_intercept", [False, True])


def problem_of(datafit):
    return Problem(datafit, NoPenalty())


def value_at(problem, x):
    return problem.value(problem.initial_state(x))


def random_block(rng, problem, size=4):
    return rng.choice(problem.n_coordinates, size, replace=False)


@every_datafit
@every_storage
@every_intercept
class TestDerivatives:
    @pytest.fixture
    def problem(self, make, is_sparse, fit_intercept, rng):
        return problem_of(make(rng, is_sparse, fit_intercept))

    def test_gradient_is_that_of_finite_differences(self, problem, rng):
        x = rng.normal(size=problem.n_coordinates) / 3
        state = problem.initial_state(x)
        numeric = approx_fprime(x, lambda x: value_at(problem, x), 1e-6)
        gradient = problem.gradient(state)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-3, atol=2e-3)
        block = random_block(rng, problem)
        np.testing.assert_allclose(
            problem.block_gradient(state, block),
            gradient[block],
            rtol=1e-10,
            atol=1e-12,
        )

    def test_hessian_is_that_of_finite_differences(self, problem, rng):
        x = rng.normal(size=problem.n_coordinates) / 3
        block = random_block(rng, problem)
        hessian = problem.block_hessian(problem.initial_state(x), block)
        for i, j in enumerate(block):
            x_up, x_down = x.copy(), x.copy()
            x_up[j] += 1e-5
            x_down[j] -= 1e-5
            up = problem.gradient(problem.initial_state(x_up))
            down = problem.gradient(problem.initial_state(x_down))
            numeric = (up - down)[block] / 2e-5
            np.testing.assert_allclose(hessian[i], numeric, rtol=1e-4, atol=1e-4)
        diagonal = problem.hessian_diagonal(problem.initial_state(x))
        np.testing.assert_allclose(diagonal[block], np.diag(hessian), rtol=1e-10)

    def test_bound_is_above_every_hessian(self, problem, rng):
        """T1's premise: H_b minus the Hessian is positive semi-definite."""
        for _ in range(100):
            block = random_block(rng, problem)
            state = problem.initial_state(2 * rng.normal(size=problem.n_coordinates))
            difference = problem.block_bound(block) - problem.block_hessian(
                state, block
            )
            assert np.linalg.eigvalsh(difference)[0] >= -1e-10
            assert (np.diag(difference) >= -1e-10).all()

    def test_columns_bound_the_hessian_too(self, problem, rng):
        every = np.arange(problem.n_coordinates)
        columns = problem.hessian_columns(every)
        np.testing.assert_allclose(columns, columns.T, atol=1e-10)
        np.testing.assert_allclose(
            np.abs(columns).sum(axis=1), problem.absolute_row_sums(), rtol=1e-10
        )
        state = problem.initial_state(rng.normal(size=problem.n_coordinates))
        difference = columns - problem.block_hessian(state, every)
        assert np.linalg.eigvalsh(difference)[0] >= -1e-8

    def test_motion_and_line(self, problem, rng):
        x = rng.normal(size=problem.n_coordinates) / 3
        state = problem.initial_state(x)
        block = random_block(rng, problem)
        step = rng.normal(size=len(block))
        along = problem.along(state, block, step)
        moved = x.copy()
        moved[block] += step
        expected = value_at(problem, moved)
        assert along(1.0) == pytest.approx(expected, rel=1e-10, abs=1e-10)
        problem.move(state, block, step)
        np.testing.assert_allclose(state.x, moved)
        assert problem.value(state) == pytest.approx(expected, rel=1e-10, abs=1e-10)

    def test_constants_of_coordinates(self, problem, rng):
        """A derivative changes by at most L_i times the motion of its coordinate."""
        for _ in range(20):
            i = rng.integers(problem.n_coordinates)
            x = rng.normal(size=problem.n_coordinates)
            moved, length = x.copy(), rng.normal()
            moved[i] += length
            change = (
                problem.gradient(problem.initial_state(moved))[i]
                - problem.gradient(problem.initial_state(x))[i]
            )
            assert abs(change) <= problem.lipschitz[i] * abs(length) * (1 + 1e-9) + 1e-9

    def test_constants_of_second_derivatives(self, problem, rng):
        third = problem.datafit.third_order
        for _ in range(20):
            i = rng.integers(problem.n_coordinates)
            x = rng.normal(size=problem.n_coordinates)
            moved, length = x.copy(), rng.normal()
            moved[i] += length
            change = (
                problem.hessian_diagonal(problem.initial_state(moved))[i]
                - problem.hessian_diagonal(problem.initial_state(x))[i]
            )
            assert abs(change) <= third[i] * abs(length) * (1 + 1e-9) + 1e-8


class TestDenseAndSparseAgree:
    @every_datafit
    @every_intercept
    def test_everything(self, make, fit_intercept):
        dense, scattered = (
            problem_of(make(np.random.default_rng(1), is_sparse, fit_intercept))
            for is_sparse in (False, True)
        )
        rng = np.random.default_rng(2)
        x = rng.normal(size=dense.n_coordinates)
        block = random_block(rng, dense)
        results = [
            (
                problem.value(problem.initial_state(x)),
                problem.gradient(problem.initial_state(x)),
                problem.lipschitz,
                problem.block_bound(block),
                problem.block_hessian(problem.initial_state(x), block),
                problem.absolute_row_sums(),
            )
            for problem in (dense, scattered)
        ]
        for first, second in zip(*results):
            np.testing.assert_allclose(first, second, rtol=1e-10, atol=1e-10)


class TestSoftmax:
    def test_two_classes_are_logistic(self, rng):
        """Scores of opposite sign in two classes give the logistic loss."""
        X, w = rng.normal(size=(20, 3)), rng.normal(size=3)
        y = np.where(rng.random(20) < 0.5, 1, -1)
        y[:2] = -1, 1
        two = problem_of(SoftmaxDatafit(X, y, fit_intercept=False))
        one = problem_of(LogisticDatafit(X, y, fit_intercept=False))
        pair = np.column_stack([-w / 2, w / 2]).ravel()
        assert value_at(two, pair) == pytest.approx(value_at(one, w), rel=1e-12)

    def test_bound_with_repeated_classes_in_a_block(self, rng):
        """The factor 1/k' counts the classes of the block, plus one for the rest."""
        problem = problem_of(softmax(rng, False, False))
        block = np.array([0, 4, 8, 1])  # class 0 three times, class 1 once
        for _ in range(100):
            state = problem.initial_state(3 * rng.normal(size=problem.n_coordinates))
            difference = problem.block_bound(block) - problem.block_hessian(
                state, block
            )
            assert np.linalg.eigvalsh(difference)[0] >= -1e-10


class TestCentring:
    def test_sparse_columns_count_as_centred(self, rng):
        X = make_X(rng, True)
        y = rng.normal(size=N_SAMPLES)
        implicit = problem_of(SquaredDatafit(X, y))
        centred = X.toarray() - X.toarray().mean(axis=0)
        explicit = problem_of(
            SquaredDatafit(centred, y - y.mean(), fit_intercept=False)
        )
        x = rng.normal(size=N_FEATURES)
        np.testing.assert_allclose(
            implicit.gradient(implicit.initial_state(x)),
            explicit.gradient(explicit.initial_state(x)),
            rtol=1e-10,
        )
        every = np.arange(N_FEATURES)
        np.testing.assert_allclose(
            implicit.block_bound(every), explicit.block_bound(every), atol=1e-10
        )

    def test_constant_column_is_not_free(self):
        X = np.column_stack([np.full(5, 0.1), np.arange(5.0)])
        np.testing.assert_array_equal(problem_of(SquaredDatafit(X, X[:, 1])).free, [1])

    def test_duplicate_entries_are_summed_and_the_matrix_left_alone(self):
        X = sparse.csc_array(
            (np.ones(4), np.array([0, 0, 1, 2]), np.array([0, 3, 4])), shape=(3, 2)
        )
        datafit = SquaredDatafit(X, np.arange(3.0), fit_intercept=False)
        np.testing.assert_allclose(datafit.lipschitz, [5.0, 1.0])
        assert X.nnz == 4


class TestRefusals:
    def test_logistic_labels(self):
        with pytest.raises(ValueError, match="loss='logistic' needs labels -1 and 1"):
            LogisticDatafit(np.eye(3), [0, 1, 1])

    def test_one_class(self):
        with pytest.raises(ValueError, match="at least two classes"):
            SoftmaxDatafit(np.eye(3), [1, 1, 1])

    @pytest.mark.parametrize(
        ("Q", "b", "message"),
        [
            (np.ones((2, 3)), np.ones(2), "square"),
            (np.array([[1.0, 2.0], [0.0, 1.0]]), np.ones(2), "symmetric"),
            (np.diag([1.0, -1.0]), np.ones(2), "positive semi-definite"),
            (np.diag([1.0, 0.0]), np.ones(2), "bounded from below"),
        ],
    )
    def test_quadratics(self, Q, b, message):
        with pytest.raises(ValueError, match=message):
            QuadraticDatafit(Q, b)
        with pytest.raises(ValueError, match=message):
            QuadraticDatafit(sparse.csr_array(Q), b)

    def test_constants_of_a_smooth_function(self):
        class Bad:
            L = np.array([1.0, -1.0])

        with pytest.raises(ValueError, match="L must hold"):
            SmoothDatafit(Bad())
