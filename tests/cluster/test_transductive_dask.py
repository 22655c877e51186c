# SPDX-License-Identifier: BSD-3-Clause
"""TransductiveClustering on Dask arrays: what it computes in memory, workers lost or not."""

import itertools
import os
import pickle
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neighbors import kneighbors_graph
from sklearn.preprocessing import normalize

from sklearn_theory.cluster import TransductiveClustering

da = pytest.importorskip("dask.array")
dask = pytest.importorskip("dask")

from sklearn_theory.solvers import _dask_blocks, _dask_rows  # noqa: E402

ROWS = (300, 1, 0, 250, 149)


@pytest.fixture(params=["threads", "synchronous"])
def scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield request.param


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return normalize(X[:700]), y[:700]


@pytest.fixture(scope="module")
def blocks(digits):
    """Blocks that are cut in both directions, and an empty one."""
    return da.from_array(digits[0], chunks=(ROWS, (30, 34)))


def assert_same_fit(distributed, local, tolerance=1e-12):
    assert distributed.stop_reason_ == local.stop_reason_
    assert distributed.n_iter_ == local.n_iter_
    np.testing.assert_array_equal(distributed.labels_, local.labels_)
    np.testing.assert_array_equal(distributed.inner_iters_, local.inner_iters_)
    for name in ("assignments_", "cluster_centers_", "objective_history_"):
        expected, actual = getattr(local, name), getattr(distributed, name)
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


MODES = {
    "default": {},
    "no graph": {"laplacian": 0.0},
    "soft": {"prototype": "soft", "entropy": 0.05},
    "modes": {"distortion": "modes", "laplacian": 1.3},
    "cosine": {"distortion": "cosine", "n_init": 2},
    "heat": {"affinity": "heat", "psd": "degree"},
    "directed": {"symmetrize": False, "psd": "none"},
}


@pytest.mark.parametrize("mode", MODES)
def test_same_as_in_memory(scheduler, digits, blocks, mode):
    model = TransductiveClustering(10, random_state=0, **MODES[mode])
    local, distributed = clone(model).fit(digits[0]), model.fit(blocks)
    assert_same_fit(distributed, local)
    np.testing.assert_allclose(
        distributed.affinity_.toarray(), local.affinity_.toarray(), rtol=1e-12
    )
    np.testing.assert_array_equal(
        distributed.predict(digits[0]), local.predict(digits[0])
    )
    np.testing.assert_array_equal(distributed.predict(blocks), local.predict(digits[0]))


@pytest.mark.parametrize("init", ["k-means++", "seeds"])
def test_seeds(scheduler, digits, blocks, init):
    X, y = digits
    seeds = np.where(np.arange(700) % 15 == 0, y, -1)
    if init == "k-means++":
        seeds[seeds > 6] = -1
    model = TransductiveClustering(10, init=init, random_state=0)
    local = clone(model).fit(X, seeds=seeds)
    distributed = model.fit(blocks, seeds=seeds)
    assert_same_fit(distributed, local)
    known = seeds >= 0
    np.testing.assert_array_equal(distributed.labels_[known], seeds[known])


def symmetric_graph(X):
    weights = kneighbors_graph(X, 5, include_self=False)
    return sparse.csr_array((weights + weights.T) / 2)


@pytest.mark.parametrize("form", ["sparse", "row blocks", "dense blocks"])
def test_weights_of_the_caller(scheduler, digits, blocks, form):
    X, _ = digits
    W = symmetric_graph(X)
    parts = [W[:300], W[300:301], W[301:551], W[551:]]
    stacked = [
        da.from_delayed(dask.delayed(part), part.shape, meta=part[:0]) for part in parts
    ]
    dense = da.from_array(W.toarray(), chunks=(200, 300))
    given = {"sparse": W, "row blocks": da.concatenate(stacked), "dense blocks": dense}
    model = TransductiveClustering(10, affinity="precomputed", random_state=0)
    local = clone(model).fit(X, W=W)
    assert_same_fit(model.fit(blocks, W=given[form]), local)


def test_float32(scheduler, digits, blocks):
    model = TransductiveClustering(10, init=digits[0][:10].copy())
    model.fit(blocks.astype(np.float32))
    assert model.assignments_.dtype == np.float32
    single = TransductiveClustering(10, init=digits[0][:10].copy())
    single.fit(digits[0].astype(np.float32))
    assert np.mean(model.labels_ == single.labels_) > 0.99


def test_integers_and_unknown_sizes(scheduler):
    X = np.repeat([[0, 0], [9, 9]], 20, axis=0) + np.arange(40)[:, np.newaxis] % 3
    B = da.from_array(X, chunks=(15, -1))
    unknown = B[da.from_array(np.ones(40, dtype=bool), chunks=15)]
    model = TransductiveClustering(2, random_state=0)
    expected = model.fit(X).labels_
    for rows in (B, unknown):
        np.testing.assert_array_equal(model.fit(rows).labels_, expected)
    assert np.isnan(unknown.shape[0])


def test_start_from_a_sample_of_many_rows(scheduler, digits, blocks, monkeypatch):
    """Where rows are too many to be fetched, prototypes are drawn from some of them."""
    monkeypatch.setattr(_dask_blocks, "MOST_ROWS_FETCHED", 100)
    _, y = digits
    seeds = np.where(np.arange(700) < 20, y, -1)
    model = TransductiveClustering(10, random_state=0).fit(blocks, seeds=seeds)
    np.testing.assert_array_equal(model.labels_[:20], y[:20])
    again = TransductiveClustering(10, random_state=0).fit(blocks, seeds=seeds)
    np.testing.assert_array_equal(model.labels_, again.labels_)


def test_on_a_cluster_of_processes(dask_client, digits, blocks):
    for mode in ("default", "modes"):
        model = TransductiveClustering(10, random_state=0, **MODES[mode])
        local = clone(model).fit(digits[0])
        assert_same_fit(model.fit(blocks), local)
        assert_same_fit(pickle.loads(pickle.dumps(model)), local)


@pytest.fixture(scope="module")
def own_cluster():
    """Two worker processes, of which tests kill one; the cluster then starts another."""
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def long_fit(digits):
    """A model of some dozen sweeps, and what it finds in memory."""
    model = TransductiveClustering(
        10, distortion="modes", laplacian=1.3, random_state=0
    )
    local = clone(model).fit(digits[0])
    assert local.inner_iters_.sum() > 20
    return model, local


class TestALostWorker:
    """A worker process is killed in the middle of a fit; nothing changes."""

    @pytest.mark.parametrize("n_sweeps_remembered", [50, 4])
    def test_between_sweeps(
        self, own_cluster, blocks, long_fit, monkeypatch, n_sweeps_remembered
    ):
        model, local = long_fit
        own_cluster.wait_for_workers(2)
        victim = next(iter(own_cluster.run(os.getpid).values()))
        sweep, calls = _dask_rows.DaskRows.sweep, itertools.count(1)

        def sweep_then_kill(self, *arguments, **parameters):
            result = sweep(self, *arguments, **parameters)
            if next(calls) == 11:
                os.kill(victim, signal.SIGKILL)
            return result

        monkeypatch.setattr(_dask_rows, "SWEEPS_TO_REMEMBER", n_sweeps_remembered)
        monkeypatch.setattr(_dask_rows.DaskRows, "sweep", sweep_then_kill)
        assert_same_fit(model.fit(blocks), local)
        assert next(calls) > 11

    def test_in_the_middle_of_a_task(
        self, own_cluster, blocks, long_fit, monkeypatch, tmp_path
    ):
        model, local = long_fit
        own_cluster.wait_for_workers(2)
        whole, folder = _dask_rows.sweep_block, str(tmp_path)

        def sweep_or_die(*arguments, **parameters):
            (Path(folder) / uuid.uuid4().hex).touch()
            if len(list(Path(folder).iterdir())) > 30:
                try:
                    (Path(folder) / "died").touch(exist_ok=False)
                    os.kill(os.getpid(), signal.SIGKILL)
                except FileExistsError:
                    pass
            return whole(*arguments, **parameters)

        monkeypatch.setattr(_dask_rows, "sweep_block", sweep_or_die)
        assert_same_fit(model.fit(blocks), local)
        assert (tmp_path / "died").exists()


class TestRefusals:
    @pytest.mark.parametrize("distortion", ["bo", "medoid", "kernel"])
    def test_prototypes_that_are_no_sums(self, blocks, distortion):
        with pytest.raises(ValueError, match="A Dask array X can only be fitted with"):
            TransductiveClustering(10, distortion=distortion).fit(blocks)

    def test_approximate_neighbours(self, blocks):
        with pytest.raises(ValueError, match="needs rows in memory"):
            TransductiveClustering(10, neighbors="pynndescent").fit(blocks)

    def test_values_in_a_block(self, blocks):
        with pytest.raises(ValueError, match="contains NaN"):
            TransductiveClustering(10).fit(da.where(blocks > 0.2, np.nan, blocks))

    def test_shapes(self, blocks, digits):
        with pytest.raises(ValueError, match="X must be two-dimensional"):
            TransductiveClustering(10).fit(blocks[:, 0])
        with pytest.raises(ValueError, match="should be >= n_clusters=701"):
            TransductiveClustering(701).fit(blocks)
        with pytest.raises(ValueError, match=r"seeds must have shape \(700,\)"):
            TransductiveClustering(10).fit(blocks, seeds=np.zeros(3))
        with pytest.raises(ValueError, match="X has 60 features"):
            TransductiveClustering(10).fit(blocks).predict(blocks[:, :60])


def test_dask_is_not_imported():
    code = (
        "import sys; from sklearn_theory.cluster import TransductiveClustering;"
        "TransductiveClustering(2).fit([[0.0], [0.1], [1.0], [1.1]]);"
        "assert 'dask' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
