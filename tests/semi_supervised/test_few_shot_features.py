# SPDX-License-Identifier: BSD-3-Clause
"""Features of few-shot methods, against their formulas."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_theory.semi_supervised._few_shot_features import (
    compared_features,
    find_centre,
    find_shift,
    shift_rows,
)


@pytest.fixture
def X(rng):
    return rng.normal(size=(12, 4)) + 3


def test_centred_rows_of_unit_length(X):
    centre = find_centre(X, "auto", None)
    np.testing.assert_allclose(centre, X.mean(axis=0))
    rows = compared_features(X, centre, "l2")
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)
    lengths = np.linalg.norm(X - X.mean(axis=0), axis=1)
    np.testing.assert_allclose(rows * lengths[:, np.newaxis] + X.mean(axis=0), X)


def test_mean_of_other_rows(X):
    np.testing.assert_array_equal(find_centre(X, "auto", [1, 2, 3, 4]), [1, 2, 3, 4])


def test_nothing_is_subtracted(X):
    assert find_centre(X, None, None) is None
    assert find_centre(sparse.csr_array(X), "auto", None) is None
    assert compared_features(X, None, None) is X


def test_a_row_without_length_stays_zero(X):
    X[3] = X.mean(axis=0) * 0 + 1
    assert not compared_features(X, X[3], "l2")[3].any()


def test_shift_makes_the_means_equal(X):
    labelled = np.arange(12) < 3
    shift = find_shift(X, labelled)
    moved = shift_rows(X, shift, labelled)
    np.testing.assert_array_equal(moved[:3], X[:3])
    np.testing.assert_allclose(moved[3:].mean(axis=0), X[:3].mean(axis=0))
    np.testing.assert_allclose(shift_rows(X, shift)[3:], moved[3:])


def test_nothing_to_shift(X):
    assert find_shift(X, np.ones(12, dtype=bool)) is None
    assert find_shift(sparse.csr_array(X), np.ones(12, dtype=bool)) is None
    assert shift_rows(X, None) is X


def test_float32_stays(X):
    X = X.astype(np.float32)
    labelled = np.arange(12) < 3
    rows = compared_features(X, find_centre(X, "auto", np.ones(4)), "l2")
    assert rows.dtype == np.float32
    assert shift_rows(rows, find_shift(rows, labelled), labelled).dtype == np.float32


@pytest.mark.parametrize(
    ("center", "base_mean", "message"),
    [
        (None, np.ones(4), "base_mean is given, but center=None"),
        ("auto", np.ones(3), r"base_mean must have shape \(4,\)"),
        ("auto", [1, 2, np.nan, 0], "base_mean contains NaN"),
    ],
)
def test_refusals(X, center, base_mean, message):
    with pytest.raises(ValueError, match=message):
        find_centre(X, center, base_mean)


def test_zeros_of_sparse_rows_are_not_filled(X):
    with pytest.raises(ValueError, match="base_mean would fill the zeros"):
        find_centre(sparse.csr_array(X), "auto", np.ones(4))
    with pytest.raises(ValueError, match="shift=True would fill the zeros"):
        find_shift(sparse.csr_array(X), np.arange(12) < 3)
