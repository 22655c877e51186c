# SPDX-License-Identifier: BSD-3-Clause
"""Pairs on a grid with p=1 reach boxes; other searches agree with linear programs."""

import numpy as np
import pytest

from sklearn_theory.label_space import (
    CallableMetric,
    CompleteMetric,
    EmbeddingMetric,
    GridMetric,
    PathMetric,
    PrecomputedMetric,
    TreeMetric,
    is_locus_cover,
    locus,
    minimum_locus_cover,
    select_next_classes,
)
from sklearn_theory.label_space._locus_exact import exact_locus


def as_table(metric):
    return PrecomputedMetric(np.sqrt(metric.sq_rows(np.arange(metric.n_labels))))


@pytest.mark.parametrize("shape", [(7,), (3, 4), (5, 5), (1, 6), (2, 3, 3)])
def test_boxes_are_the_envelopes_of_all_pairs(shape, rng):
    metric = GridMetric(shape)
    for _ in range(20):
        n_observed = rng.integers(1, 5)
        observed = rng.permutation(metric.n_labels)[:n_observed]
        np.testing.assert_array_equal(
            locus(metric, observed), locus(as_table(metric), observed)
        )


def test_a_pair_reaches_its_box_and_no_more(rng):
    metric = GridMetric((4, 4))
    for _ in range(15):
        pair = rng.permutation(16)[:2]
        cells = np.stack(np.unravel_index(pair, (4, 4)))
        low, high = cells.min(axis=1), cells.max(axis=1)
        every = np.stack(np.unravel_index(np.arange(16), (4, 4)), axis=1)
        box = np.flatnonzero(((every >= low) & (every <= high)).all(axis=1))
        np.testing.assert_array_equal(locus(metric, pair), box)
        np.testing.assert_array_equal(exact_locus(as_table(metric), pair), box)


def test_exact_locus_needs_no_start_from_pairs(rng):
    nothing = np.zeros(12, dtype=bool)
    for _ in range(10):
        metric = EmbeddingMetric(rng.normal(size=(12, 2)))
        observed = rng.permutation(12)[:4]
        np.testing.assert_array_equal(
            exact_locus(metric, observed),
            exact_locus(metric, observed, known=nothing),
        )


def test_large_grid_and_large_complete_metric_are_quick():
    grid = GridMetric((400, 300))
    assert is_locus_cover(grid, minimum_locus_cover(grid))
    assert not is_locus_cover(grid, [0, 1])
    np.testing.assert_array_equal(
        select_next_classes(CompleteMetric(50_000), [0, 2], n=2), [1, 3]
    )


def test_four_corners_identify_the_grid_and_two_do_not():
    metric = GridMetric((3, 4))
    assert is_locus_cover(metric, [0, 11])
    assert not is_locus_cover(metric, [0, 11], unique=True)
    assert is_locus_cover(metric, [0, 3, 8, 11], exact=True, unique=True)


def test_labels_at_distance_zero_are_reached_but_not_identified():
    twins = EmbeddingMetric([[0.0], [0.0], [5.0]])
    for exact in (False, True):
        np.testing.assert_array_equal(locus(twins, [0], exact), [0, 1])
        np.testing.assert_array_equal(locus(twins, [0, 2], exact), [0, 1, 2])
        np.testing.assert_array_equal(locus(twins, [0, 2], exact, unique=True), [2])


def test_a_table_may_stand_for_its_metric():
    table = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    np.testing.assert_array_equal(locus(table, [1, 4]), [1, 2, 3, 4])
    assert is_locus_cover(table.tolist(), [0, 5])
    np.testing.assert_array_equal(minimum_locus_cover(table), [0, 5])
    np.testing.assert_array_equal(select_next_classes(table, [2, 3]), [0])


def test_selection_on_weighted_trees_counts_labels_not_lengths():
    # One far label against a chain of three near ones.
    tree = TreeMetric([-1, 0, 0, 2, 3], lengths=[0, 50.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(select_next_classes(tree, [0]), [4])


def test_closed_form_selection_is_the_best_by_brute_force(rng):
    for metric in (PathMetric(9), CompleteMetric(6)):
        for _ in range(10):
            observed = rng.permutation(metric.n_labels)[:2]
            sizes = [
                len(locus(metric, np.unique([*observed, y])))
                for y in range(metric.n_labels)
            ]
            chosen = select_next_classes(metric, observed)
            if len(chosen):
                grown = len(locus(metric, [*observed, *chosen]))
                assert grown == max(sizes)
            else:
                assert max(sizes) == len(locus(metric, observed))


@pytest.mark.parametrize("metric", ["path", lambda i, j: abs(i - j)])
def test_a_metric_without_its_number_of_labels_is_refused(metric):
    with pytest.raises(ValueError, match=r"metric must be a LabelMetric or a table"):
        locus(metric, [0])


def test_large_metrics_without_closed_form_are_refused_before_any_work():
    def never(i, j):
        if i.size > 10_000:
            raise AssertionError("distances were computed")
        return abs(i - j)

    metric = CallableMetric(never, 20_001)
    for search in (
        lambda: locus(metric, [0, 1]),
        lambda: locus(metric, [0, 1], exact=True),
        lambda: minimum_locus_cover(metric),
        lambda: select_next_classes(metric, [0, 1]),
    ):
        with pytest.raises(ValueError, match="locus of 20001 labels has no closed"):
            search()
