# SPDX-License-Identifier: BSD-3-Clause
"""SelfTrainer where joblib's work goes to Dask workers: the same fit."""

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

from sklearn_theory.model_selection import SemiSupervisedSplit
from sklearn_theory.semi_supervised import SelfTrainer

pytest.importorskip("dask.distributed")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:400], np.where(np.arange(400) < 60, y[:400], -1)


@pytest.mark.parametrize("policy", ["bound", "fixed"])
def test_fits_of_the_base(digits, dask_client, policy):
    """Each round's forest is grown by the workers."""
    X, y = digits
    forest = RandomForestClassifier(20, n_jobs=2, random_state=0)
    model = SelfTrainer(forest, policy=policy)
    expected = model.fit(X, y).predict_proba(X)
    with joblib.parallel_config(backend="dask"):
        found = model.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(found, expected)


def test_folds(digits, dask_client):
    """Each fold's rounds run on one worker."""
    X, y = digits
    model = SelfTrainer(RandomForestClassifier(10, random_state=0))
    expected = cross_val_score(model, X, y, cv=SemiSupervisedSplit(3))
    with joblib.parallel_config(backend="dask"):
        found = cross_val_score(model, X, y, cv=SemiSupervisedSplit(3))
    np.testing.assert_array_equal(found, expected)
