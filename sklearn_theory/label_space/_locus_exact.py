# SPDX-License-Identifier: BSD-3-Clause
"""The locus decided by linear programs, and minimum covers by exhaustion."""

from itertools import combinations

import numpy as np
from scipy.optimize import linprog

from ._locus_pairs import pairwise_locus, refuse_large

MAX_EXACT_COVER = 20

# The margin of a linear program is known no better, relative to the largest distance.
MARGIN_TOLERANCE = 1e-9


def exact_locus(metric, observed, *, unique=False, known=None):
    """Decide for each label whether some weights make it a minimiser.

    Parameters
    ----------
    metric : LabelMetric
        The metric.

    observed : ndarray of int
        Positions of the observed labels.

    unique : bool, default=False
        Whether the label must be the only minimiser.

    known : ndarray of bool of shape (n_labels,) or None, default=None
        Labels that need no linear program, because they are known to be reached; None
        starts from what pairs of observed labels reach.

    Returns
    -------
    reached : ndarray of int
        Sorted positions of the labels.
    """
    refuse_large(metric)
    table = scaled(metric.sq_rows(observed).T)
    if unique:
        margins = [largest_margin(table, label) for label in range(len(table))]
        return np.flatnonzero(np.array(margins) > MARGIN_TOLERANCE)
    reached = pairwise_locus(metric, observed, observed) if known is None else known
    reached = reached.copy()
    for label in np.flatnonzero(~reached):
        reached[label] = largest_margin(table, label) > -MARGIN_TOLERANCE
    return np.flatnonzero(reached)


def scaled(table):
    """Squared distances in units of the largest one."""
    return table / max(table.max(), np.finfo(float).tiny)


def largest_margin(table, label):
    """By how much a label can be below all others, at the weights that suit it best.

    The program is: maximise t subject to w . (d^2(y) - d^2(y')) + t <= 0 for every other
    label y', w on the simplex. A label is reached if t >= 0 and identified if t > 0.

    Parameters
    ----------
    table : ndarray of shape (n_labels, n_observed)
        Squared distances.

    label : int
        Position of the label y.

    Returns
    -------
    margin : float
        The optimal t.
    """
    n_labels, n_observed = table.shape
    if n_labels == 1:
        return 1.0
    others = np.delete(table, label, axis=0)
    constraints = np.column_stack([table[label] - others, np.ones(n_labels - 1)])
    objective = np.zeros(n_observed + 1)
    objective[-1] = -1.0
    simplex = np.ones((1, n_observed + 1))
    simplex[0, -1] = 0.0
    solution = linprog(
        objective,
        A_ub=constraints,
        b_ub=np.zeros(n_labels - 1),
        A_eq=simplex,
        b_eq=[1.0],
        bounds=[(0, None)] * n_observed + [(None, None)],
        method="highs",
    )
    return -solution.fun


def exact_cover(metric):
    """Find a smallest set from which all labels are reached, by exhaustion.

    A label that the others together do not reach must be in every cover; only the rest
    is tried, in the order of size.

    Parameters
    ----------
    metric : LabelMetric
        The metric, of at most 20 labels.

    Returns
    -------
    cover : ndarray of int
        Sorted positions of the labels.
    """
    n_labels = metric.n_labels
    if n_labels > MAX_EXACT_COVER:
        raise ValueError(
            f"method='exact' takes up to {MAX_EXACT_COVER} labels, the metric has "
            f"{n_labels}; use 'farthest' or 'longest_path' for an upper bound."
        )
    everything = np.arange(n_labels)
    table = scaled(metric.sq_rows(everything))
    needed = [y for y in everything if n_labels == 1 or not _without(table, y)]
    optional = np.setdiff1d(everything, needed)
    for size in range(len(optional) + 1):
        for extra in combinations(optional, size):
            cover = np.array([*needed, *extra], dtype=np.intp)
            if len(cover) and _covers(table, cover):
                return np.sort(cover)
    return everything


def _without(table, label):
    """Tell whether the other labels together reach `label`."""
    others = np.delete(np.arange(len(table)), label)
    return largest_margin(table[:, others], label) > -MARGIN_TOLERANCE


def _covers(table, cover):
    return all(
        largest_margin(table[:, cover], y) > -MARGIN_TOLERANCE
        for y in np.setdiff1d(np.arange(len(table)), cover)
    )
