# SPDX-License-Identifier: BSD-3-Clause
"""Neighbours of a Dask array: those of the array."""

import numpy as np
import pytest

from sklearn_theory.utils._block_neighbours import BlockIndex
from sklearn_theory.utils._nearest_rows import ExactIndex

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")


@pytest.fixture(params=["threads", "synchronous"])
def scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield request.param


@pytest.mark.parametrize("chunks", [60, (1, 0, 2, 57), 7])
@pytest.mark.parametrize("n_neighbors", [1, 5, 59])
def test_same_as_without_blocks(scheduler, rng, chunks, n_neighbors):
    X, new = rng.normal(size=(60, 4)), rng.normal(size=(9, 4))
    index = BlockIndex(da.from_array(X, chunks=(chunks, 3)))
    expected = ExactIndex(X, n_neighbors, None, None)
    for actual, wanted in (
        (index.others(n_neighbors), expected.others(n_neighbors)),
        (index.nearest(new, n_neighbors), expected.nearest(new, n_neighbors)),
    ):
        np.testing.assert_allclose(actual[0], wanted[0], atol=1e-12)
        np.testing.assert_array_equal(actual[1], wanted[1])


def test_a_row_is_not_its_own_neighbour_among_equal_rows():
    X = da.from_array(np.ones((12, 2)), chunks=(4, -1))
    distances, neighbours = BlockIndex(X).others(11)
    assert not distances.any()
    for row in range(12):
        assert sorted([row, *neighbours[row]]) == list(range(12))
