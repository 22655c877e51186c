# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_theory.utils._content_folds import folds_by_content, hash_rows


@pytest.fixture
def rows(rng):
    X = rng.normal(size=(200, 5))
    X[X < 0] = 0
    return X


FORMS = {
    "float64": np.asarray,
    "float32": lambda X: X.astype(np.float32),
    "Fortran order": np.asfortranarray,
    "list": lambda X: X.tolist(),
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
    "frame": pd.DataFrame,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_equal_numbers_have_equal_hashes_in_every_form(form, rows):
    np.testing.assert_array_equal(hash_rows(form(rows)), hash_rows(rows))
    assert len(np.unique(hash_rows(rows))) == len(np.unique(rows, axis=0))


def test_minus_zero_is_zero():
    first, second = hash_rows(np.array([[0.0, 1.0], [-0.0, 1.0]]))
    assert first == second


def test_anything_else_is_hashed_by_its_representation():
    texts = ["good film", "bad film", "good film"]
    first, second, third = hash_rows(texts)
    assert first == third != second
    mixed = pd.DataFrame({"a": ["x", "y", "x"], "b": [1.0, 1.0, 1.0]})
    first, second, third = hash_rows(mixed)
    assert first == third != second


def test_folds_do_not_depend_on_order_or_repetition(rows, rng):
    y = rng.integers(3, size=200)
    folds = folds_by_content(rows, y, 5)
    order = rng.permutation(200)
    np.testing.assert_array_equal(
        folds_by_content(rows[order], y[order], 5), folds[order]
    )
    repeats = rng.integers(1, 4, 200)
    np.testing.assert_array_equal(
        folds_by_content(np.repeat(rows, repeats, axis=0), np.repeat(y, repeats), 5),
        np.repeat(folds, repeats),
    )


def test_folds_are_stratified(rng):
    rows = rng.normal(size=(200, 5))
    y = np.array(["a", "b"])[(rng.random(200) < 0.2).astype(int)]
    folds = folds_by_content(rows, y, 5)
    for label in "ab":
        counts = np.bincount(folds[y == label], minlength=5)
        assert counts.max() - counts.min() <= 1
