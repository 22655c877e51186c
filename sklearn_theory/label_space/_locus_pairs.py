# SPDX-License-Identifier: BSD-3-Clause
"""The pairwise locus: what pairs of observed labels reach, a subset of the locus."""

from itertools import product

import numpy as np

from . import _locus_fast as fast
from ._base_metric import MAX_TABLE
from ._grid_metric import GridMetric

# Two squared distances that differ by less, relative to the largest, are equal.
TOLERANCE = 1e-10


def pairwise_locus(metric, first, second, *, unique=False):
    """Unite the loci of all pairs of a label in `first` and one in `second`.

    Parameters
    ----------
    metric : LabelMetric
        The metric.

    first, second : ndarray of int
        Positions of labels.

    unique : bool, default=False
        Whether to count only the labels that are the one minimiser for some weights.

    Returns
    -------
    reached : ndarray of shape (n_labels,)
        Mask of the labels.
    """
    if has_boxes(metric) and not unique:
        return boxes_between(metric, first, second)
    refuse_large(metric)
    first_rows, second_rows = metric.sq_rows(first), metric.sq_rows(second)
    tolerance = TOLERANCE * max(first_rows.max(), second_rows.max())
    reached = _coincident(first_rows, tolerance, unique)
    reached |= _coincident(second_rows, tolerance, unique)
    in_first, in_second = set(first), set(second)
    for a, row in zip(first, first_rows):
        for b, other in zip(second, second_rows):
            # A pair that comes in both orders is looked at once.
            if a < b or (a > b and not (a in in_second and b in in_first)):
                fast.mark_pair(row, other, tolerance, unique, reached)
    return reached


def refuse_large(metric):
    """Refuse metrics for which the search would form too large a table."""
    if metric.n_labels > MAX_TABLE:
        raise ValueError(
            f"The locus of {metric.n_labels} labels has no closed form under this metric, "
            f"and is refused beyond {MAX_TABLE}. On a tree, make all nodes labels."
        )


def _coincident(rows, tolerance, unique):
    """Mark the labels at distance zero of the labels that `rows` belong to."""
    near = rows <= tolerance
    if unique:
        near = near[near.sum(axis=1) == 1]
    return near.any(axis=0)


def has_boxes(metric):
    """Tell whether a pair reaches the box between it: so it is on a grid with p=1."""
    return isinstance(metric, GridMetric) and metric.p == 1


def boxes_between(metric, first, second):
    """Unite the boxes that pairs of cells span, without going through the pairs.

    A cell is in some box if, for one of the 2^n_axes orthants, a cell of `first` lies in
    the orthant from it and a cell of `second` in the opposite one.
    """
    shape = np.atleast_1d(metric.shape)
    inside = np.zeros(shape, dtype=bool)
    for orthant in product((1, -1), repeat=len(shape)):
        opposite = tuple(-side for side in orthant)
        inside |= beyond(shape, first, orthant) & beyond(shape, second, opposite)
    return inside.ravel()


def beyond(shape, cells, orthant):
    """Mark the cells of a grid from which one of `cells` lies in the given orthant."""
    mask = np.zeros(shape, dtype=bool)
    mask.ravel()[cells] = True
    for axis, side in enumerate(orthant):
        view = np.flip(mask, axis) if side > 0 else mask
        np.logical_or.accumulate(view, axis=axis, out=view)
    return mask
