# SPDX-License-Identifier: BSD-3-Clause
"""What every test session needs."""

import os
import tempfile

# An empty numba cache: a kernel that compiles only from a stale cache fails here. The
# variable is inherited by worker processes, and must be set before numba is imported.
if "PYTEST_XDIST_WORKER" not in os.environ:
    numba_cache = tempfile.TemporaryDirectory(prefix="numba-cache-")
    os.environ["NUMBA_CACHE_DIR"] = numba_cache.name

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")


@pytest.fixture
def rng():
    """A generator with a fixed seed."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def dask_client():
    """A client of a local cluster of two worker processes."""
    from dask.distributed import Client, LocalCluster

    # One thread a worker: two threads that open a worker's client at once break it.
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
