# SPDX-License-Identifier: BSD-3-Clause
"""Long tails and wrong labels: sizes and shares are exact."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.datasets import load_iris

from sklearn_theory.datasets import make_long_tail_noisy, make_super_classes

N_CLASSES = 10


@pytest.fixture(scope="module")
def balanced():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(N_CLASSES), 2_000)
    return rng.normal(size=(len(y), 2)), y


class TestLongTail:
    @pytest.mark.parametrize("imbalance", [1, 7.3, 10, 100])
    def test_exponential_sizes(self, balanced, imbalance):
        _, y_true, *_ = make_long_tail_noisy(
            *balanced, imbalance=imbalance, n_max=500, shuffle_classes=False
        )
        exact = [500 * imbalance ** (-k / 9) for k in range(N_CLASSES)]
        sizes = np.floor(np.round(exact, 9)).astype(int)
        np.testing.assert_array_equal(np.bincount(y_true), sizes)
        assert sizes[-1] == 500 // imbalance

    def test_step_sizes(self, balanced):
        _, y_true, *_ = make_long_tail_noisy(
            *balanced, imbalance=20, tail="step", n_max=300, shuffle_classes=False
        )
        np.testing.assert_array_equal(np.bincount(y_true), [300] * 5 + [15] * 5)

    def test_the_largest_class_is_as_large_as_the_data_allow(self):
        y = np.repeat([0, 1, 2], [30, 100, 7])
        X = np.zeros((len(y), 1))
        _, y_true, *_ = make_long_tail_noisy(X, y, imbalance=10, shuffle_classes=False)
        np.testing.assert_array_equal(np.bincount(y_true), [30, 9, 3])

    def test_order_of_the_classes(self, balanced):
        orders = {
            tuple(
                np.bincount(make_long_tail_noisy(*balanced, random_state=seed)[1])
                .argsort()
                .tolist()
            )
            for seed in range(5)
        }
        assert len(orders) == 5

    def test_too_large_a_class_is_refused(self, balanced):
        with pytest.raises(ValueError, match="n_max=3000 asks for"):
            make_long_tail_noisy(*balanced, n_max=3_000)


class TestNoise:
    @pytest.mark.parametrize("kind", ["imb", "sym", "asym"])
    @pytest.mark.parametrize("noise", [0, 0.2, 0.37])
    def test_the_share_of_wrong_labels_is_exact(self, balanced, kind, noise):
        _, y_true, y_noisy, _ = make_long_tail_noisy(
            *balanced, imbalance=10, noise=noise, kind=kind, random_state=0
        )
        assert np.sum(y_true != y_noisy) == int(noise * len(y_true))

    @pytest.mark.parametrize("kind", ["imb", "sym"])
    def test_transitions(self, balanced, kind):
        _, y_true, y_noisy, _ = make_long_tail_noisy(
            *balanced, imbalance=5, noise=0.3, kind=kind, random_state=0
        )
        sizes = np.bincount(y_true)
        observed = np.zeros((N_CLASSES, N_CLASSES))
        np.add.at(observed, (y_true, y_noisy), 1)
        wanted = np.tile(sizes if kind == "imb" else sizes**0, (N_CLASSES, 1)) * 1.0
        np.fill_diagonal(wanted, 0)
        wanted *= 0.3 / wanted.sum(axis=1, keepdims=True)
        np.fill_diagonal(wanted, 0.7)
        sigma = np.sqrt(wanted * (1 - wanted) * sizes[:, np.newaxis])
        z = (observed - wanted * sizes[:, np.newaxis]) / sigma
        # Three standard deviations, shared among the hundred entries.
        assert np.abs(z).max() <= norm.isf(norm.sf(3) / N_CLASSES**2)
        assert np.mean(np.abs(z) <= 3) >= 0.98

    def test_named_confusions(self, balanced):
        _, y_true, y_noisy, _ = make_long_tail_noisy(
            *balanced, noise=0.2, kind="asym", confusions={9: 1, 3: 5}, imbalance=1
        )
        wrong = y_true != y_noisy
        pairs = set(zip(y_true[wrong].tolist(), y_noisy[wrong].tolist()))
        assert pairs == {(9, 1), (3, 5)}

    def test_too_much_noise_for_the_confusions(self, balanced):
        with pytest.raises(ValueError, match="allows"):
            make_long_tail_noisy(
                *balanced,
                noise=0.2,
                kind="asym",
                confusions={9: 1},
                imbalance=100,
                shuffle_classes=False,
            )

    def test_confusions_of_unknown_labels(self, balanced):
        with pytest.raises(ValueError, match="confusions must map"):
            make_long_tail_noisy(*balanced, kind="asym", confusions={9: 11})
        with pytest.raises(ValueError, match='kind="asym" only'):
            make_long_tail_noisy(*balanced, confusions={9: 1})

    def test_one_class_cannot_be_noisy(self):
        X, y = np.zeros((5, 1)), np.zeros(5)
        with pytest.raises(ValueError, match="single class"):
            make_long_tail_noisy(X, y, noise=0.2)
        assert len(make_long_tail_noisy(X, y, noise=0)[0]) == 5


def test_rows_and_strings_go_together():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    X_new, y_true, y_noisy, indices = make_long_tail_noisy(
        X, names, imbalance=5, noise=0.2, random_state=0
    )
    np.testing.assert_array_equal(X_new, X[indices])
    np.testing.assert_array_equal(y_true, names[indices])
    assert len(set(indices.tolist())) == len(indices)
    assert set(y_noisy) <= set(names)


def test_same_seed_same_data(balanced):
    first = make_long_tail_noisy(*balanced, random_state=4)
    second = make_long_tail_noisy(*balanced, random_state=4)
    for one, other in zip(first, second):
        np.testing.assert_array_equal(one, other)


def test_super_classes():
    X, y = make_super_classes(4_000, n_classes=6, n_features=4, random_state=0)
    np.testing.assert_array_equal(np.bincount(y), 4_000)
    means = np.stack([X[y == k].mean(axis=0) for k in range(6)])
    covariances = [np.cov(X[y == k].T) for k in range(6)]
    np.testing.assert_allclose(covariances, [covariances[0]] * 6, atol=0.2)
    distances = np.linalg.norm(means[:, np.newaxis] - means, axis=2)
    nearest = np.where(np.eye(6, dtype=bool), np.inf, distances).argmin(axis=1)
    assert np.mean(nearest % 3 == np.arange(6) % 3) >= 0.5
