# SPDX-License-Identifier: BSD-3-Clause
"""Which entries of y stand for a missing label."""

import numpy as np
import pandas as pd
import pytest

from sklearn_theory.utils._unlabelled import find_unlabelled


@pytest.mark.parametrize(
    "y, unlabeled_value",
    [
        ([0, -1, 1], -1),
        (np.array([0.0, -1.0, 1.0]), -1),
        (np.array(["0", -1, "-1"], dtype=object), -1),
        (np.array(["a", "", "b"]), ""),
        (np.array([1, "1", 1], dtype=object), "1"),
        ([0.0, np.nan, 1.0], np.nan),
        (np.array(["a", None, "b"], dtype=object), None),
        (np.array(["a", np.nan, "b"], dtype=object), None),
        (pd.Series(["a", pd.NA, "b"], dtype=object), None),
        (pd.Series([0, None, 1], dtype="Int64"), np.nan),
        (pd.Series(["a", None, "b"]), None),
        (np.array([[0], [-1], [1]]), -1),
    ],
    ids=str,
)
def test_the_second_row_has_no_label(y, unlabeled_value):
    np.testing.assert_array_equal(
        find_unlabelled(y, unlabeled_value), [False, True, False]
    )


@pytest.mark.parametrize(
    "y, unlabeled_value, message",
    [
        (["a", "-1"], -1, "y has dtype string, where -1 has become '-1'"),
        ([0, 1], "none", r"y has dtype int64, and cannot hold unlabeled_value='none'"),
        ([0, np.nan], -1, "y holds NaN or None; give unlabeled_value=None"),
        (np.array(["a", None], dtype=object), "b", "y holds NaN or None"),
    ],
)
def test_bad_input(y, unlabeled_value, message):
    with pytest.raises(ValueError, match=message):
        find_unlabelled(y, unlabeled_value)
