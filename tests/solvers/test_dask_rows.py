# SPDX-License-Identifier: BSD-3-Clause
"""The bound optimiser on blocks of rows: what it computes in one process, and no more."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.neighbors import kneighbors_graph

from sklearn_theory.solvers import _transductive_rows
from sklearn_theory.solvers._bound_optimiser import BoundOptimiser
from sklearn_theory.solvers._prototype_distortions import make_distortion
from sklearn_theory.solvers._transductive_rows import InMemoryRows

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

from sklearn_theory.solvers import _dask_rows  # noqa: E402
from sklearn_theory.solvers._dask_rows import DaskRows  # noqa: E402

SIZES = (250, 1, 0, 200, 149)
DISTORTION = {"means": 1.0, "modes": 0.5, "cosine": 1.0, "kl": 1.0}


@pytest.fixture(params=["threads", "synchronous"])
def scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield request.param


@pytest.fixture(scope="module")
def problem():
    """Digits as distributions, a graph, and seeds of every class."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:600] / X[:600].sum(axis=1, keepdims=True), y[:600]
    weights = kneighbors_graph(X, 4, include_self=False)
    weights = sparse.csr_array((weights + weights.T) / 2)
    seeds = np.where(np.arange(600) % 20 == 0, y, -1)
    centres = np.array([X[seeds == k].mean(axis=0) for k in range(10)])
    return X, weights, weights.sum(axis=1), seeds, centres


def optimisers(problem, distortion, dtype=np.float64, **settings):
    """The same problem for one process, and for blocks."""
    X, weights, shift, seeds, centres = problem
    X, weights, centres = (array.astype(dtype) for array in (X, weights, centres))
    settings = {"laplacian": 1.0, "entropy": 0.02, "prototype": "hard"} | settings
    loss = make_distortion(distortion, DISTORTION[distortion])
    local = InMemoryRows(X, weights, shift, seeds, 10, loss, **settings)
    blocks = da.from_array(X, chunks=(SIZES, -1))
    blocks = DaskRows(blocks, weights, shift, seeds, 10, loss, **settings)
    return [BoundOptimiser(rows).start(centres) for rows in (local, blocks)]


def run(optimiser, n_steps=8):
    for _ in range(n_steps):
        if optimiser.step():
            break
    return optimiser


def assert_same(local, blocks, tolerance=1e-12):
    assert local.stop_reason == blocks.stop_reason
    assert local.inner_iters == blocks.inner_iters
    for name in ("prototypes", "history"):
        expected, actual = getattr(local, name), getattr(blocks, name)
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(
        blocks.rows.assignments(blocks.state),
        local.rows.assignments(local.state),
        rtol=0,
        atol=tolerance,
    )
    np.testing.assert_array_equal(
        blocks.rows.labels(blocks.state), local.rows.labels(local.state)
    )


@pytest.mark.parametrize("distortion", DISTORTION)
@pytest.mark.parametrize("laplacian", [0.0, 0.05])
@pytest.mark.parametrize("prototype", ["hard", "soft"])
def test_same_as_in_one_process(scheduler, problem, distortion, laplacian, prototype):
    settings = {"laplacian": laplacian, "prototype": prototype}
    assert_same(*map(run, optimisers(problem, distortion, **settings)))


@pytest.mark.parametrize("prototype", ["hard", "soft"])
def test_same_as_in_one_process_in_another_order(problem, monkeypatch, prototype):
    """Many rows are swept in an order of their own in memory, and not in blocks."""
    monkeypatch.setattr(_transductive_rows, "REORDER_BYTES", 0)
    with dask.config.set(scheduler="synchronous"):
        settings = {"laplacian": 0.05, "prototype": prototype}
        local, blocks = optimisers(problem, "means", **settings)
        assert local.rows._order is not None
        assert_same(run(local), run(blocks))


def test_hard_assignments(scheduler, problem):
    assert_same(*map(run, optimisers(problem, "means", entropy=0.0, laplacian=0.01)))


def test_single_precision(scheduler, problem):
    local, blocks = map(run, optimisers(problem, "means", dtype=np.float32))
    assert blocks.rows.assignments(blocks.state).dtype == np.float32
    assert_same(local, blocks, tolerance=1e-5)


def test_an_undone_iteration_is_the_last(scheduler, problem):
    """A cluster that loses all rows ends the fit, in blocks as in one process."""
    X, weights, shift, _, centres = problem
    far = np.vstack([centres[:9], np.full((1, 64), 5.0)])
    problem = X, weights, shift, np.full(600, -1), far
    local, blocks = map(run, optimisers(problem, "means", laplacian=0.1))
    assert local.stop_reason == "empty cluster"
    assert_same(local, blocks)


@pytest.mark.parametrize("n_sweeps", [1, 3])
def test_forgetting_changes_nothing(scheduler, problem, monkeypatch, n_sweeps):
    local, blocks = optimisers(problem, "modes", laplacian=0.1)
    monkeypatch.setattr(_dask_rows, "SWEEPS_TO_REMEMBER", n_sweeps)
    assert_same(run(local), run(blocks))
    assert blocks.state.n_sweeps < n_sweeps


def test_only_sums_and_halos_travel(problem):
    """What a sweep brings to a block is a row of assignments for each row it sees."""
    _, weights, *_ = problem
    halo_sizes = []

    class Measure(dask.callbacks.Callback):
        def _posttask(self, key, value, dsk, state, worker_id):
            if key.startswith("rows_of_state"):
                halo_sizes.append(value[0].nbytes + value[1].nbytes)

    # Only this scheduler has such callbacks, also where a client is open.
    with dask.config.set(scheduler="synchronous"):
        _, blocks = optimisers(problem, "means")
        blocks.step()
        cost = blocks.rows.costs(blocks.prototypes)
        with Measure():
            blocks.rows.sweep(cost, blocks.state, full=True, threshold=0.0)
    stops = np.cumsum(SIZES)
    seen = 0
    for size, stop in zip(SIZES, stops):
        columns = np.unique(weights[stop - size : stop].indices)
        seen += np.sum((columns < stop - size) | (columns >= stop))
    assert sum(halo_sizes) == seen * (10 * 8 + 1)
