# SPDX-License-Identifier: BSD-3-Clause
"""Decoding of Dask arrays, on a local cluster of worker processes."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from sklearn_theory.label_space import LokiClassifier, TreeMetric

da = pytest.importorskip("dask.array")


@pytest.fixture(scope="module")
def fitted():
    X, y = load_iris(return_X_y=True)
    metric = TreeMetric([-1, 0, 1, 1, 0])
    base = LogisticRegression(max_iter=1000)
    return X, LokiClassifier(base, metric=metric, labels=range(5)).fit(X, y)


@pytest.mark.parametrize(
    "method",
    ["predict", "decision_function", "predict_proba", "predict_observed_proba"],
)
@pytest.mark.parametrize("chunks", [(40, 4), (64, 2)])
def test_methods_equal_those_on_one_machine(fitted, dask_client, method, chunks):
    X, model = fitted
    expected = getattr(model, method)(X)
    result = getattr(model, method)(da.from_array(X, chunks=chunks))
    assert isinstance(result, da.Array)
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result.compute(), expected, rtol=1e-12)


def test_probabilities_from_elsewhere(fitted, dask_client):
    X, model = fitted
    P = model.predict_observed_proba(X)
    blocks = da.from_array(P[:, [2, 0, 1]], chunks=(50, 3))
    decoded = model.predict_from_proba(blocks, classes=[2, 0, 1])
    assert isinstance(decoded, da.Array)
    np.testing.assert_array_equal(decoded.compute(), model.predict(X))


def test_two_labels_have_one_score(dask_client):
    X, y = load_iris(return_X_y=True)
    model = LokiClassifier(LogisticRegression(), metric="path").fit(X[:100], y[:100])
    scores = model.decision_function(da.from_array(X, chunks=(60, 4)))
    np.testing.assert_allclose(scores.compute(), model.decision_function(X), rtol=1e-12)
