# SPDX-License-Identifier: BSD-3-Clause
"""Small sets of labels from which all others are reached."""

import numpy as np

from ._grid_metric import GridMetric
from ._locus_closed import is_whole_tree, tree_leaves
from ._locus_exact import MAX_EXACT_COVER, exact_cover
from ._locus_pairs import has_boxes, pairwise_locus, refuse_large
from ._simple_metrics import CompleteMetric, PathMetric


def closed_cover(metric):
    """Find a minimum cover by the closed form of the metric.

    Parameters
    ----------
    metric : LabelMetric
        The metric.

    Returns
    -------
    cover : ndarray of int or None
        All labels of a complete metric, both ends of a path, opposite corners of a grid,
        the leaves of a tree whose nodes are all labels; None elsewhere.
    """
    n_labels = metric.n_labels
    if isinstance(metric, CompleteMetric):
        return np.arange(n_labels)
    if isinstance(metric, PathMetric) or has_boxes(metric) or is_line(metric):
        return np.unique([0, n_labels - 1])
    return tree_leaves(metric) if is_whole_tree(metric) else None


def is_line(metric):
    """Tell whether the metric is a grid with one axis longer than one."""
    return (
        isinstance(metric, GridMetric)
        and np.count_nonzero(np.atleast_1d(metric.shape) > 1) <= 1
    )


def auto_cover(metric):
    """Take the closed form, else the exact minimum, else the better of two bounds."""
    cover = closed_cover(metric)
    if cover is not None:
        return cover
    if metric.n_labels <= MAX_EXACT_COVER:
        return exact_cover(metric)
    return farthest_cover(metric)


def longest_path_cover(metric):
    """Add both ends of the longest paths until everything is reached."""
    distances = all_distances(metric)
    i, j = np.triu_indices(metric.n_labels, k=1)
    cover = np.empty(0, dtype=np.intp)
    reached = np.zeros(metric.n_labels, dtype=bool)
    for pair in np.argsort(-distances[i, j], kind="stable"):
        if reached.all():
            break
        cover, reached = grow(metric, cover, reached, [i[pair], j[pair]])
    return cover if len(cover) else np.arange(metric.n_labels)


def farthest_cover(metric):
    """Add the label farthest from the locus until everything is reached."""
    distances = all_distances(metric)
    start = np.unravel_index(np.argmax(distances), distances.shape)
    reached = np.zeros(metric.n_labels, dtype=bool)
    cover, reached = grow(metric, np.empty(0, dtype=np.intp), reached, start)
    while not reached.all():
        gap = np.where(reached, -1.0, distances[:, reached].min(axis=1))
        cover, reached = grow(metric, cover, reached, [np.argmax(gap)])
    return cover


def all_distances(metric):
    """The table of distances of a metric that is small enough for one."""
    refuse_large(metric)
    return np.sqrt(metric.sq_rows(np.arange(metric.n_labels)))


def grow(metric, cover, reached, new):
    """Add labels to a cover, and to its locus what pairs with them reach."""
    new = np.setdiff1d(new, cover)
    cover = np.union1d(cover, new).astype(np.intp)
    if len(new):
        reached = reached | pairwise_locus(metric, new, cover)
    return cover, reached


COVER_METHODS = {
    "auto": auto_cover,
    "exact": exact_cover,
    "longest_path": longest_path_cover,
    "farthest": farthest_cover,
}
