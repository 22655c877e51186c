# SPDX-License-Identifier: BSD-3-Clause
"""Which labels can be reached, and which class to observe next.

The locus of observed labels is the set of all Fréchet means that some weights on them
have. On the complete metric, on paths and on trees whose nodes are all labels it has a
closed form; elsewhere it is built from pairs of observed labels (a lower bound), or
decided exactly by linear programs.
"""

import numpy as np

from . import _locus_exact as linear_programs
from . import _locus_fast as fast
from ._base_metric import MAX_TABLE, check_positions
from ._grid_metric import GridMetric
from ._simple_metrics import CompleteMetric, PathMetric
from ._tree_metric import TreeMetric

# Two squared distances that differ by less, relative to the largest, are equal.
TOLERANCE = 1e-10


def locus(metric, observed, exact=False, *, unique=False):
    """Find the labels that weights on the observed ones can reach.

    Parameters
    ----------
    metric : LabelMetric
        The metric.

    observed : array-like of int
        Positions of the observed labels.

    exact : bool, default=False
        Where no closed form is known: False unites the loci of all pairs of observed
        labels, which may miss some; True decides each label by a linear program.

    unique : bool, default=False
        Whether to return only the labels that are the one minimiser for some weights.

    Returns
    -------
    reached : ndarray of int
        Sorted positions of the labels.

    Examples
    --------
    >>> from sklearn_theory.label_space import PathMetric, locus
    >>> locus(PathMetric(7), observed=[1, 4])
    array([1, 2, 3, 4])
    """
    metric = metric.validate()
    observed = check_positions(observed, metric.n_labels, "observed")
    closed_form = closed_form_of(metric)
    if closed_form is not None:
        return closed_form(metric, observed)
    if exact:
        return linear_programs.exact_locus(metric, observed, unique=unique)
    return np.flatnonzero(pairwise_locus(metric, observed, observed, unique=unique))


def is_locus_cover(metric, observed, exact=False):
    """Tell whether every label can be reached from the observed ones.

    Parameters
    ----------
    metric : LabelMetric
        The metric.

    observed : array-like of int
        Positions of the observed labels.

    exact : bool, default=False
        Whether to decide by linear programs where no closed form is known; without it
        the answer True is certain and False is not.

    Returns
    -------
    is_cover : bool
        Whether the locus holds all labels.

    Examples
    --------
    >>> from sklearn_theory.label_space import PathMetric, is_locus_cover
    >>> is_locus_cover(PathMetric(7), observed=[0, 6])
    True
    """
    return len(locus(metric, observed, exact)) == metric.n_labels


def minimum_locus_cover(metric, method="auto"):
    """Find a small set of labels from which all can be reached.

    Parameters
    ----------
    metric : LabelMetric
        The metric.

    method : {"auto", "exact", "longest_path", "farthest"}, default="auto"
        "auto" takes the closed form of the metric if there is one (complete: all labels;
        path: both ends; tree whose nodes are all labels: its leaves; grid with p=1: two
        opposite corners), else "exact" up to 20 labels and "farthest" beyond. "exact"
        tries all sets in the order of their size. "longest_path" adds the ends of the
        longest paths, "farthest" the label farthest from the locus, until the locus is
        complete: both give an upper bound, the minimum in most but not all cases.

    Returns
    -------
    cover : ndarray of int
        Sorted positions of the labels.

    Raises
    ------
    ValueError
        If `method` is unknown, or "exact" is asked for more than 20 labels.

    Examples
    --------
    >>> from sklearn_theory.label_space import TreeMetric, minimum_locus_cover
    >>> minimum_locus_cover(TreeMetric([-1, 0, 0, 1, 1]))
    array([2, 3, 4])
    """
    metric = metric.validate()
    if method not in COVER_METHODS:
        raise ValueError(
            f"method must be one of {sorted(COVER_METHODS)}, got {method!r}."
        )
    return np.sort(COVER_METHODS[method](metric))


def select_next_classes(metric, observed, n=1, *, method="auto"):
    """Choose the classes whose observation makes the locus grow most.

    Classes are added one at a time. On a tree whose nodes are all labels the best one is
    the label with the most edges between itself and the locus; with edges of one length
    a single choice is optimal.

    Parameters
    ----------
    metric : LabelMetric
        The metric.

    observed : array-like of int
        Positions of the classes that are observed already.

    n : int, default=1
        How many classes to choose.

    method : {"auto", "pairwise", "exact"}, default="auto"
        How the gain of a class is measured: "auto" takes the closed form where there is
        one and "pairwise" elsewhere, which counts the new labels that pairs reach;
        "exact" solves linear programs, slowly.

    Returns
    -------
    chosen : ndarray of int
        Positions in the order of choice; ties go to the lowest. Fewer than `n` once the
        locus is complete.

    Raises
    ------
    ValueError
        If `n` is not positive or `method` is unknown.

    Examples
    --------
    >>> from sklearn_theory.label_space import PathMetric, select_next_classes
    >>> select_next_classes(PathMetric(9), observed=[2, 3], n=2)
    array([8, 0])
    """
    metric = metric.validate()
    observed = list(check_positions(observed, metric.n_labels, "observed"))
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n!r}.")
    if method not in ("auto", "pairwise", "exact"):
        raise ValueError(
            f"method must be 'auto', 'pairwise' or 'exact', got {method!r}."
        )
    chosen = []
    while len(chosen) < n:
        best = best_next_class(metric, np.array(observed), method)
        if best is None:
            break
        chosen.append(best)
        observed.append(best)
    return np.array(chosen, dtype=np.intp)


# --- closed forms ---------------------------------------------------------------------


def closed_form_of(metric):
    """The function that computes the metric's locus directly, or None."""
    if isinstance(metric, TreeMetric) and metric.n_labels != len(metric.parents):
        return None
    return next(
        (f for kind, f in CLOSED_FORMS.items() if isinstance(metric, kind)), None
    )


def _complete_locus(metric, observed):
    return np.sort(observed)


def _path_locus(metric, observed):
    return np.arange(observed.min(), observed.max() + 1)


def _tree_locus(metric, observed):
    inside = _steiner(metric, observed)
    return np.flatnonzero(inside[metric._prepared().label_nodes])


def _steiner(metric, observed):
    tree = metric._prepared()
    is_observed = np.zeros(len(tree.parents), dtype=bool)
    is_observed[tree.label_nodes[observed]] = True
    return fast.steiner_nodes(tree.parents, is_observed)


CLOSED_FORMS = {
    CompleteMetric: _complete_locus,
    PathMetric: _path_locus,
    TreeMetric: _tree_locus,
}


# --- pairs ----------------------------------------------------------------------------


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
    refuse_large(metric)
    first_rows, second_rows = metric.sq_rows(first), metric.sq_rows(second)
    tolerance = TOLERANCE * max(first_rows.max(), second_rows.max())
    reached = np.zeros(metric.n_labels, dtype=bool)
    reached[first] = reached[second] = True
    for a, row in zip(first, first_rows):
        for b, other in zip(second, second_rows):
            if a != b:
                fast.mark_pair(row, other, tolerance, unique, reached)
    return reached


def refuse_large(metric):
    """Refuse metrics for which pairs of labels are too many."""
    if metric.n_labels > MAX_TABLE:
        raise ValueError(
            f"The locus of {metric.n_labels} labels has no closed form under this metric, "
            f"and is refused beyond {MAX_TABLE}. On a tree, make all nodes labels."
        )


# --- covers ---------------------------------------------------------------------------


def _closed_cover(metric):
    """The closed form of a minimum cover, or None."""
    n_labels = metric.n_labels
    if isinstance(metric, CompleteMetric):
        return np.arange(n_labels)
    if isinstance(metric, PathMetric) or (
        isinstance(metric, GridMetric) and metric.p == 1
    ):
        return np.unique([0, n_labels - 1])
    if closed_form_of(metric) is _tree_locus:
        return _tree_leaves(metric)
    return None


def _tree_leaves(metric):
    """Nodes with one neighbour, a root with a single child among them."""
    tree = metric._prepared()
    degree = np.bincount(tree.parents[1:], minlength=len(tree.parents))
    degree[1:] += 1
    return np.flatnonzero(degree[tree.label_nodes] <= 1)


def _auto_cover(metric):
    cover = _closed_cover(metric)
    if cover is None:
        small = metric.n_labels <= linear_programs.MAX_EXACT_COVER
        method = "exact" if small else "farthest"
        cover = COVER_METHODS[method](metric)
    return cover


def _all_distances(metric):
    refuse_large(metric)
    return np.sqrt(metric.sq_rows(np.arange(metric.n_labels)))


def _longest_path_cover(metric):
    """Add both ends of the longest paths until everything is reached."""
    distances = _all_distances(metric)
    i, j = np.triu_indices(metric.n_labels, k=1)
    cover = np.empty(0, dtype=np.intp)
    reached = np.zeros(metric.n_labels, dtype=bool)
    for pair in np.argsort(-distances[i, j], kind="stable"):
        if reached.all():
            break
        cover, reached = _grow(metric, cover, reached, [i[pair], j[pair]])
    return cover if len(cover) else np.arange(metric.n_labels)


def _farthest_cover(metric):
    """Add the label farthest from the locus until everything is reached."""
    distances = _all_distances(metric)
    start = np.unravel_index(np.argmax(distances), distances.shape)
    reached = np.zeros(metric.n_labels, dtype=bool)
    cover, reached = _grow(metric, np.empty(0, dtype=np.intp), reached, start)
    while not reached.all():
        gap = np.where(reached, -1.0, distances[:, reached].min(axis=1))
        cover, reached = _grow(metric, cover, reached, [np.argmax(gap)])
    return cover


def _grow(metric, cover, reached, new):
    """Add labels to a cover and what pairs with them reach to its locus."""
    new = np.setdiff1d(new, cover)
    cover = np.union1d(cover, new).astype(np.intp)
    if len(new):
        reached = reached | pairwise_locus(metric, new, cover)
    return cover, reached


COVER_METHODS = {
    "auto": _auto_cover,
    "exact": linear_programs.exact_cover,
    "longest_path": _longest_path_cover,
    "farthest": _farthest_cover,
}


# --- the next class -------------------------------------------------------------------


def best_next_class(metric, observed, method):
    """Choose one class; None where nothing is left to be gained.

    Parameters
    ----------
    metric : LabelMetric
        The metric.

    observed : ndarray of int
        Positions of the observed classes.

    method : {"auto", "pairwise", "exact"}
        How gains are measured.

    Returns
    -------
    best : int or None
        The position of the class.
    """
    if method == "auto" and closed_form_of(metric) is _tree_locus:
        return _farthest_on_tree(metric, observed)
    if method == "auto" and isinstance(metric, PathMetric):
        return _farthest_on_path(metric, observed)
    exact = method == "exact"
    reached = locus(metric, observed, exact)
    candidates = np.setdiff1d(np.arange(metric.n_labels), observed)
    if len(reached) == metric.n_labels:
        return None
    gains = [_gain(metric, observed, reached, y, exact) for y in candidates]
    return candidates[np.argmax(gains)]


def _gain(metric, observed, reached, candidate, exact):
    if exact:
        grown = linear_programs.exact_locus(metric, np.append(observed, candidate))
    else:
        pairs = pairwise_locus(metric, np.array([candidate]), observed)
        grown = np.flatnonzero(pairs)
    return len(np.setdiff1d(grown, reached))


def _farthest_on_tree(metric, observed):
    tree = metric._prepared()
    hops = fast.hops_to_set(tree.parents, _steiner(metric, observed))[tree.label_nodes]
    return None if hops.max() == 0 else int(np.argmax(hops))


def _farthest_on_path(metric, observed):
    positions = np.arange(metric.n_labels)
    hops = np.maximum(observed.min() - positions, positions - observed.max())
    return None if hops.max() <= 0 else int(np.argmax(hops))
