# SPDX-License-Identifier: BSD-3-Clause
"""Naive Bayes on Dask arrays: same result, and only statistics travel."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sklearn_theory.linear_model import NaiveBayesVsLogistic, SharedVarianceNB

da = pytest.importorskip("dask.array")
dask = pytest.importorskip("dask")


@pytest.fixture(params=["threads", "synchronous"])
def scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield request.param


@pytest.fixture
def digits():
    return load_digits(return_X_y=True)


@pytest.fixture
def blocks(digits):
    """Blocks that lack classes, cut in both directions, and an empty one."""
    X, y = digits
    order = np.argsort(y, kind="stable")
    rows = (500, 0, 1, 1296)
    return (
        da.from_array(X[order], chunks=(rows, (30, 34))),
        da.from_array(y[order], chunks=(rows,)),
    )


def assert_same_head(first, second):
    np.testing.assert_array_equal(first.classes_, second.classes_)
    for name in ("theta_", "var_", "class_count_", "coef_", "intercept_"):
        np.testing.assert_allclose(
            getattr(first, name), getattr(second, name), rtol=1e-9, atol=1e-9
        )


def test_fit_is_that_of_all_rows(scheduler, blocks, digits):
    assert_same_head(SharedVarianceNB().fit(*blocks), SharedVarianceNB().fit(*digits))


@pytest.mark.parametrize("scaling", ["minmax", "standard", None])
def test_naive_bayes_of_the_comparison(scheduler, blocks, digits, scaling):
    model = NaiveBayesVsLogistic(select="naive_bayes", scaling=scaling)
    distributed = model.fit(*blocks).coef_
    np.testing.assert_allclose(
        distributed, model.fit(*digits).coef_, rtol=1e-8, atol=1e-9
    )


def test_stream_of_arrays_of_both_kinds(scheduler, blocks, digits):
    X, y = digits
    for cls in (SharedVarianceNB, NaiveBayesVsLogistic):
        model = cls().partial_fit(*blocks, classes=np.arange(10)).partial_fit(X, y)
        twice = SharedVarianceNB().fit(np.tile(X, (2, 1)), np.tile(y, 2))
        naive_bayes = getattr(model, "naive_bayes_", model)
        np.testing.assert_allclose(naive_bayes.theta_, twice.theta_, atol=1e-9)
        np.testing.assert_allclose(naive_bayes.class_count_, twice.class_count_)


@pytest.mark.parametrize("as_dask", [True, False])
def test_weights(scheduler, blocks, rng, as_dask):
    X, y = blocks
    weight = rng.integers(0, 3, 1797)
    given = da.from_array(weight, chunks=700) if as_dask else weight
    whole = SharedVarianceNB().fit(X.compute(), y.compute(), sample_weight=weight)
    assert_same_head(SharedVarianceNB().fit(X, y, sample_weight=given), whole)
    weight[500:] = 0  # whole blocks without weight
    whole = SharedVarianceNB().fit(X.compute(), y.compute(), sample_weight=weight)
    assert_same_head(SharedVarianceNB().fit(X, y, sample_weight=weight), whole)


def test_labels_in_memory_and_sizes_unknown(scheduler, digits):
    X, y = digits
    expected = SharedVarianceNB().fit(X, y)
    blocks = da.from_array(X, chunks=(400, -1))
    assert_same_head(SharedVarianceNB().fit(blocks, y), expected)
    kept = da.from_array(np.ones(1797, dtype=bool), chunks=400)
    unknown = blocks[kept], da.from_array(y, chunks=400)[kept]
    assert_same_head(SharedVarianceNB().fit(*unknown), expected)


def test_predictions_are_lazy_blocks(scheduler, blocks, digits):
    X, y = digits
    for model in (
        SharedVarianceNB().fit(X, y),
        SharedVarianceNB().fit(X[y < 2], y[y < 2]),
        NaiveBayesVsLogistic(select="blend").fit(X, y),
    ):
        methods = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
        if isinstance(model, SharedVarianceNB):
            methods.append("joint_log_likelihood")
        for method in methods:
            lazy = getattr(model, method)(blocks[0])
            assert isinstance(lazy, da.Array)
            expected = getattr(model, method)(blocks[0].compute())
            assert lazy.dtype == expected.dtype
            assert lazy.shape == expected.shape
            np.testing.assert_allclose(lazy.compute(), expected, rtol=1e-9, atol=1e-12)


def test_only_statistics_travel():
    """What tasks hand to each other does not grow with the rows."""
    sizes = []

    class Measure(dask.callbacks.Callback):
        def _posttask(self, key, value, dsk, state, worker_id):
            if type(value).__name__ == "ClassStatistics":
                sizes.append(sum(part.nbytes for part in value))

    largest = []
    for n_blocks in (4, 40):
        X = da.random.default_rng(0).normal(
            size=(1000 * n_blocks, 20), chunks=(1000, 20)
        )
        y = (X[:, 0] > 0).astype(int)
        with dask.config.set(scheduler="synchronous"), Measure():
            SharedVarianceNB().fit(X, y)
        largest.append(max(sizes))
        sizes.clear()
    statistics = 8 * (2 + 2 * 20 + 20)
    assert largest == [statistics, statistics]


def test_on_a_cluster_of_processes(dask_client, digits):
    X, y = digits
    blocks = da.from_array(X, chunks=(300, -1)), da.from_array(y, chunks=300)
    model = SharedVarianceNB().fit(*blocks)
    assert_same_head(model, SharedVarianceNB().fit(X, y))
    np.testing.assert_array_equal(model.predict(blocks[0]).compute(), model.predict(X))


class TestRefusals:
    def test_heads_that_need_all_rows(self, blocks):
        for parameters in ({}, {"select": "naive_bayes", "learning_curve": True}):
            with pytest.raises(
                ValueError, match="only be fitted with select='naive_bayes'"
            ):
                NaiveBayesVsLogistic(**parameters).fit(*blocks)

    def test_values_in_a_block(self, blocks):
        X, y = blocks
        with pytest.raises(ValueError, match="contains NaN"):
            SharedVarianceNB().fit(da.where(X > 15, np.nan, X), y)
        with pytest.raises(ValueError, match="not among the classes"):
            SharedVarianceNB().fit(X, y).partial_fit(X, y + 1)
        with pytest.raises(ValueError, match="Negative values"):
            SharedVarianceNB().fit(X, y, sample_weight=np.linspace(-1, 1, 1797))
        with pytest.raises(ValueError, match="only one class is present"):
            SharedVarianceNB().fit(X, y * 0)

    def test_shapes(self, blocks, digits):
        X, y = blocks
        with pytest.raises(ValueError, match="y has 1700 entries, but X has 1797 rows"):
            SharedVarianceNB().fit(X, y[:1700])
        with pytest.raises(ValueError, match="X has 60 features, but SharedVarianceNB"):
            SharedVarianceNB().fit(*digits).partial_fit(X[:, :60], y)
        with pytest.raises(ValueError, match="X must be two-dimensional"):
            SharedVarianceNB().fit(X[:, 0], y)
        with pytest.raises(ValueError, match="y must be one-dimensional"):
            SharedVarianceNB().fit(X, X)
        unknown = X[da.from_array(np.ones(1797, dtype=bool), chunks=1797)]
        with pytest.raises(ValueError, match="blocks of unknown size"):
            SharedVarianceNB().fit(unknown, y[:3])


def test_dask_is_not_imported():
    code = (
        "import sys; from sklearn_theory.linear_model import SharedVarianceNB;"
        "SharedVarianceNB().fit([[0.0], [1.0]], [0, 1]).predict([[0.0]]);"
        "assert 'dask' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
