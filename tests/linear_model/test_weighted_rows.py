# SPDX-License-Identifier: BSD-3-Clause
"""Rows as a weighted set: hashes, folds and nested subsets."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_iris

from sklearn_theory.linear_model._learning_curves import (
    crossover,
    draw_shuffle,
    subset_weights,
)
from sklearn_theory.linear_model._weighted_rows import (
    cross_validation_folds,
    draw_salts,
    row_hashes,
    weighted_rows,
)
from sklearn_theory.utils._row_hash_fast import deal_into_folds

SALT = np.uint64(7)


@pytest.fixture
def iris_rows():
    X, y = load_iris(return_X_y=True)
    return weighted_rows(X, y)


class TestHashes:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_dense_and_sparse_agree(self, rng, dtype):
        X = sparse.random(200, 30, density=0.2, format="csr", random_state=rng).astype(
            dtype
        )
        for light, dense in zip(row_hashes(X), row_hashes(X.toarray())):
            np.testing.assert_array_equal(light, dense)

    def test_precisions_and_layouts_agree(self, rng):
        X = rng.normal(size=(200, 30))
        coarse = row_hashes(X)[0]
        np.testing.assert_array_equal(coarse, row_hashes(X.astype(np.float32))[0])
        np.testing.assert_array_equal(coarse, row_hashes(np.asfortranarray(X))[0])
        np.testing.assert_array_equal(coarse, row_hashes(X[::-1])[0][::-1])

    def test_distinct_rows_have_distinct_hashes(self):
        X = np.array(np.meshgrid(*[[-1.0, 0, 1, 2]] * 6)).reshape(6, -1).T
        for hashes in row_hashes(X):
            assert len(np.unique(hashes)) == 4**6

    def test_neighbours_in_double_precision_are_distinct_rows_of_one_unit(self):
        X = np.array([[1.0, 2], [1 + 1e-12, 2]])
        rows = weighted_rows(X, np.zeros(2, dtype=int))
        assert len(rows.y) == 2
        assert len(rows.unit_hash) == 1

    def test_minus_zero_is_zero_and_overflow_is_no_error(self):
        coarse, fine = row_hashes(np.array([[0.0, 1e300], [-0.0, 1e300], [0.0, 2e300]]))
        assert fine[0] == fine[1] != fine[2]
        assert len(np.unique(coarse)) == 1


class TestRows:
    def test_equal_rows_are_one(self, rng):
        X, y = rng.integers(3, size=(500, 2)).astype(float), rng.integers(2, size=500)
        weight = rng.integers(0, 3, 500).astype(float)
        rows = weighted_rows(X, y, weight)
        seen, total = np.unique(
            np.column_stack([y, X]).repeat(weight.astype(int), axis=0),
            axis=0,
            return_counts=True,
        )
        own = np.column_stack([rows.y, rows.X, rows.weight])
        expected = np.column_stack([seen, total])
        np.testing.assert_array_equal(
            np.unique(own, axis=0), np.unique(expected, axis=0)
        )
        given = np.flatnonzero(weight)
        np.testing.assert_array_equal(rows.X[rows.row_of_sample[given]], X[given])
        assert np.all(rows.row_of_sample[weight == 0] == -1)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
    def test_order_and_repetition_are_forgotten(self, rng, container):
        X, y = load_digits(return_X_y=True)
        weight = rng.integers(1, 3, len(y))
        order = rng.permutation(weight.sum())
        first = weighted_rows(container(X), y, weight.astype(float))
        second = weighted_rows(
            container(X.repeat(weight, axis=0)[order]), y.repeat(weight)[order]
        )
        for name in ("y", "weight", "unit", "unit_hash"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        assert abs(first.X - second.X).max() == 0


class TestFolds:
    def test_partition_and_stratification(self, iris_rows):
        folds = cross_validation_folds(iris_rows, 5, None, None, SALT)
        tests = np.array([fold.test for fold in folds])
        np.testing.assert_array_equal(tests.sum(axis=0), iris_rows.weight)
        for fold in folds:
            np.testing.assert_array_equal(fold.train + fold.test, iris_rows.weight)
            counts = np.bincount(iris_rows.y, weights=fold.test)
            assert np.all(np.abs(counts - 10) <= 1)
        assert np.ptp(tests.sum(axis=1)) <= 1

    def test_greedy_deal_balances_weight(self, rng):
        weight = rng.exponential(size=300)
        classes = np.repeat([0, 1, 2], 100)
        folds = deal_into_folds(classes, weight, 4)
        for k in range(3):
            loads = np.bincount(folds[classes == k], weights=weight[classes == k])
            assert np.ptp(loads) <= weight.max()

    def test_every_fold_has_every_class(self):
        """Even if one row outweighs all others of its class."""
        weight = np.array([1000.0, 1, 1, 1, 1, 1])
        folds = deal_into_folds(np.zeros(6, dtype=int), weight, 3)
        assert set(folds) == {0, 1, 2}

    def test_samples_of_splits_are_carried_over(self, rng):
        X, y = load_iris(return_X_y=True)
        weight = rng.uniform(0, 2, 150) * (rng.uniform(size=150) < 0.8)
        rows = weighted_rows(X, y, weight)
        train = rng.permutation(150)[:110]
        test = np.setdiff1d(np.arange(150), train)
        splits = [(train, test), (test, train)]
        for split, fold in zip(
            splits, cross_validation_folds(rows, _Cv(splits), weight, y, 0)
        ):
            for samples, row_weight in zip(split, fold):
                expected = np.zeros(len(rows.y))
                for sample in samples:
                    if weight[sample] > 0:
                        expected[rows.row_of_sample[sample]] += weight[sample]
                np.testing.assert_allclose(row_weight, expected)

    def test_salts(self):
        first, second = draw_salts(0, 3), draw_salts(None, 3)
        np.testing.assert_array_equal(first, second)
        assert np.any(draw_salts(1, 3) != first)


class _Cv:
    def __init__(self, splits):
        self.splits = splits

    def split(self, X, y):
        return iter(self.splits)


class TestSubsets:
    def test_are_nested_hold_every_class_and_have_the_size(self):
        X, y = load_digits(return_X_y=True)
        rows = weighted_rows(X, y)
        sizes = [10, 11, 25, 100, 1000]
        for salt in draw_salts(0, 5):
            shuffle = draw_shuffle(rows, salt, 0.2)
            weights = subset_weights(shuffle, sizes, len(y))
            assert np.all(np.diff(weights, axis=0) >= 0)
            np.testing.assert_array_equal(weights.sum(axis=1), sizes)
            assert set(np.unique(weights)) == {0, 1}
            for weight in weights:
                assert len(np.unique(rows.y[weight > 0])) == 10
            assert not weights[:, shuffle.held_out].any()
            shares = np.bincount(rows.y[shuffle.held_out]) / np.bincount(rows.y)
            np.testing.assert_allclose(shares, 0.2, atol=0.01)

    def test_heavy_and_light_rows(self, rng):
        X, y = load_iris(return_X_y=True)
        weight = np.where(np.arange(150) % 2, 0.25, 20)
        rows = weighted_rows(X, y, weight)
        shuffle = draw_shuffle(rows, SALT, 0.2)
        weights = subset_weights(shuffle, [10, 50, 500], len(rows.y))
        np.testing.assert_allclose(weights.sum(axis=1), [10, 50, 500])
        assert np.all(weights <= rows.weight)
        assert len(np.unique(rows.y[weights[0] > 0])) == 3

    def test_a_class_of_one_row_is_learnt_and_not_held_out(self):
        X, y = load_iris(return_X_y=True)
        kept = np.append(np.arange(100), 149)
        rows = weighted_rows(X[kept], y[kept])
        shuffle = draw_shuffle(rows, SALT, 0.2)
        assert 2 not in rows.y[shuffle.held_out]
        assert 2 in rows.y[shuffle.rows]


class TestCrossover:
    def table(self, lead):
        lead = np.array(lead, dtype=float)
        sizes = 10 * 2 ** np.arange(len(lead))
        return {"sizes": sizes, "nb_mean": lead, "lr_mean": np.zeros(len(lead))}

    @pytest.mark.parametrize(
        ("lead", "expected"),
        [
            ([0.1, 0.2, 0], 10),  # logistic regression is ahead from the start
            ([0.1, 0.2, -0.1], np.inf),  # naive Bayes is ahead at the end
            ([-0.1, 0.1, 0.2], 10 * np.sqrt(2)),
            ([-0.1, 0.3, 0.2], 10 * 2**0.25),
            ([-0.1, 0.1, -0.1, 0.1], 40 * np.sqrt(2)),  # the last change counts
            ([-0.1, 0, 0.1], 20),
        ],
    )
    def test_interpolates_the_last_change_of_sign(self, lead, expected):
        assert crossover(self.table(lead)) == pytest.approx(expected)

    def test_without_a_table(self):
        assert crossover(None) is None
