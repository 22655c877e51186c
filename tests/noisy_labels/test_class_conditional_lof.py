# SPDX-License-Identifier: BSD-3-Clause
"""Outlier factors within classes, against scikit-learn's class by class."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler

from sklearn_theory.datasets import make_super_classes
from sklearn_theory.noisy_labels import ClassConditionalLOF
from sklearn_theory.noisy_labels._class_conditional_lof import (
    local_outlier_factors,
    sampled_factors,
)


def wine():
    X, y = load_wine(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600], np.array(list("abcdefghij"))[y[:600]]


DATA = {
    "wine": wine,
    "digits": digits,
    "super classes": lambda: make_super_classes(60, n_features=4, random_state=0),
}


def by_hand(X, y, n_neighbors, shares):
    """scikit-learn's mask and factors, one class after the other."""
    mask, factors = np.empty(len(y), dtype=bool), np.empty(len(y))
    for label, share in zip(np.unique(y), shares):
        rows = y == label
        lof = LocalOutlierFactor(
            n_neighbors=n_neighbors(rows.sum()), contamination=share
        )
        mask[rows] = lof.fit_predict(X[rows]) == 1
        factors[rows] = -lof.negative_outlier_factor_
    return mask, factors


class TestExactness:
    @pytest.mark.parametrize("data", DATA)
    @pytest.mark.parametrize("n_neighbors", [5, 20, 0.5, 0.9])
    @pytest.mark.parametrize("contamination", ["auto", 0.1, 0.37])
    def test_equals_scikit_learn_class_by_class(self, data, n_neighbors, contamination):
        X, y = DATA[data]()
        lof = ClassConditionalLOF(n_neighbors, contamination=contamination).fit(X, y)
        mask, factors = by_hand(
            X,
            y,
            lambda n: n_neighbors if n_neighbors >= 1 else max(int(n_neighbors * n), 5),
            [contamination] * len(lof.classes_),
        )
        np.testing.assert_allclose(lof.outlier_factors_, factors, rtol=1e-9)
        np.testing.assert_array_equal(lof.inlier_mask_, mask)
        np.testing.assert_array_equal(lof.fit_predict(X, y), np.where(mask, 1, -1))

    def test_a_share_for_each_class(self):
        X, y = wine()
        shares = [0.05, 0.3, 0.5]
        lof = ClassConditionalLOF(10, contamination=shares).fit(X, y)
        mask, _ = by_hand(X, y, lambda n: 10, shares)
        np.testing.assert_array_equal(lof.inlier_mask_, mask)

    def test_sampled_factors_of_all_rows_are_the_factors(self):
        X, _ = wine()
        every_row = np.arange(len(X))
        np.testing.assert_allclose(
            sampled_factors(X, every_row, 20), local_outlier_factors(X, 20)
        )

    def test_rows_outside_the_sample_equal_scikit_learns_new_rows(self):
        X, _ = wine()
        reference = np.arange(0, len(X), 2)
        peer = LocalOutlierFactor(n_neighbors=15, novelty=True).fit(X[reference])
        others = np.arange(1, len(X), 2)
        np.testing.assert_allclose(
            sampled_factors(X, reference, 15)[others],
            -peer.score_samples(X[others]),
            rtol=1e-9,
        )


class TestEdges:
    def test_small_classes_are_left_alone(self):
        X, y = wine()
        kept = np.flatnonzero((y > 0) | (np.cumsum(y == 0) <= 5))
        X, y = X[kept], y[kept]
        lof = ClassConditionalLOF(contamination=0.4).fit(X, y)
        assert lof.inlier_mask_[y == 0].all()
        np.testing.assert_array_equal(lof.outlier_factors_[y == 0], 1)
        assert lof.n_neighbors_[0] == 0
        assert not lof.inlier_mask_[y == 1].all()

    def test_more_neighbours_than_rows_are_all_other_rows(self):
        X, y = wine()
        lof = ClassConditionalLOF(1_000, contamination=0.2).fit(X, y)
        np.testing.assert_array_equal(lof.n_neighbors_, np.bincount(y) - 1)
        mask, _ = by_hand(X, y, lambda n: n - 1, [0.2] * 3)
        np.testing.assert_array_equal(lof.inlier_mask_, mask)

    def test_large_classes_are_compared_with_a_sample(self):
        X, y = make_super_classes(400, n_classes=3, random_state=0)
        X[5] += 20
        few = ClassConditionalLOF(contamination=0.1, max_reference=100, random_state=0)
        few.fit(X, y)
        every = ClassConditionalLOF(contamination=0.1).fit(X, y)
        np.testing.assert_array_equal(few.n_neighbors_, 50)
        assert not few.inlier_mask_[5]
        assert np.mean(few.inlier_mask_ == every.inlier_mask_) > 0.93
        again = few.outlier_factors_.copy()
        np.testing.assert_array_equal(few.fit(X, y).outlier_factors_, again)

    def test_equal_rows_and_a_class_of_one_row(self):
        X = np.vstack([np.zeros((10, 2)), np.ones((1, 2))])
        y = np.repeat([0, 1], [10, 1])
        lof = ClassConditionalLOF().fit(X, y)
        assert lof.inlier_mask_.all()
        np.testing.assert_allclose(lof.outlier_factors_, 1)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"contamination": 0.6}, "contamination"),
            ({"contamination": 0.0}, "contamination"),
            ({"n_neighbors": 0}, "n_neighbors"),
            ({"n_neighbors": 1.5}, "n_neighbors"),
        ],
    )
    def test_bad_parameters(self, parameters, message):
        with pytest.raises(ValueError, match=message):
            ClassConditionalLOF(**parameters)

    @pytest.mark.parametrize("shares", [[0.1, 0.2], [0.1, 0.2, 0.7], [-0.1, 0.2, 0.2]])
    def test_bad_shares(self, shares):
        with pytest.raises(ValueError, match="contamination must hold a share"):
            ClassConditionalLOF(contamination=shares).fit(*wine())

    def test_not_a_number(self):
        X, y = wine()
        X[3, 2] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            ClassConditionalLOF().fit(X, y)

    def test_repr(self):
        assert repr(ClassConditionalLOF(20)) == (
            "ClassConditionalLOF(n_neighbors=20, contamination='auto')"
        )
