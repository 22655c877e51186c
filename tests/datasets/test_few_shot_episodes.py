# SPDX-License-Identifier: BSD-3-Clause
"""Few-shot episodes: their shape, what they hide, and that they repeat."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from sklearn_theory.datasets import make_few_shot_episodes

LABELS = np.repeat([4, 7, 9], 8)


@pytest.fixture
def rows():
    return np.arange(24.0)[:, np.newaxis]


def test_support_first_and_then_queries(rows):
    episodes = make_few_shot_episodes(
        rows, LABELS, 20, n_ways=2, n_shots=3, n_queries=5, random_state=0
    )
    for X, y, truth in episodes:
        assert len(np.unique(X)) == len(X) == len(y) == len(truth) == 16
        np.testing.assert_array_equal(truth, LABELS[X.ravel().astype(int)])
        np.testing.assert_array_equal(y[:6], truth[:6])
        np.testing.assert_array_equal(y[6:], -1)
        assert set(np.unique(truth[:6], return_counts=True)[1]) == {3}
        assert set(np.unique(truth[6:], return_counts=True)[1]) == {5}


def test_every_row_is_drawn_alike(rows):
    arguments = {"n_ways": 2, "n_shots": 1, "n_queries": 3, "random_state": 0}
    episodes = make_few_shot_episodes(rows, LABELS, 4000, **arguments)
    X = np.concatenate([X for X, _, _ in episodes]).astype(int).ravel()
    share = np.bincount(X) / 4000
    np.testing.assert_allclose(share, 2 / 3 / 2, atol=5 * np.sqrt(2 / 9 / 4000))


def test_seeds():
    X, y = load_digits(return_X_y=True)
    first, again, other = (
        [X for X, _, _ in make_few_shot_episodes(X, y, 3, random_state=seed)]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.any(np.array(first) != np.array(other))
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (LABELS.astype(np.uint8), "i"),
        (LABELS / 2, "f"),
        (LABELS.astype(str), "O"),
        (LABELS.astype(str).astype(object), "O"),
        (list(LABELS), "i"),
    ],
)
def test_kinds_of_labels(rows, labels, kind):
    [(_, y, truth)] = make_few_shot_episodes(rows, labels, 1, n_ways=3, n_queries=2)
    assert y.dtype.kind == kind
    assert list(y[:3]) == list(truth[:3])
    assert all(label == -1 for label in y[3:])


def test_sparse_rows(rows):
    arguments = {"n_ways": 2, "n_queries": 3, "random_state": 0}
    [(dense, *_)] = make_few_shot_episodes(rows, LABELS, 1, **arguments)
    csr = sparse.csr_array(rows)
    [(kept_sparse, *_)] = make_few_shot_episodes(csr, LABELS, 1, **arguments)
    np.testing.assert_array_equal(kept_sparse.toarray(), dense)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_ways": 4}, "n_ways=4 should be <= 3 classes in y"),
        ({"n_shots": 6}, "n_shots \\+ n_queries = 9 rows .* class 4 of y has 8"),
        ({"n_shots": 0}, "The 'n_shots' parameter"),
        ({"y": np.where(LABELS == 4, -1, LABELS)}, "y must hold the label of every"),
        ({"y": LABELS[:5]}, "inconsistent numbers of samples"),
    ],
)
def test_refusals_before_the_first_episode(rows, arguments, message):
    arguments = {"X": rows, "y": LABELS, "n_ways": 2, "n_queries": 3} | arguments
    with pytest.raises(ValueError, match=message):
        make_few_shot_episodes(**arguments)
