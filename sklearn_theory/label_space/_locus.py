# SPDX-License-Identifier: BSD-3-Clause
"""Which labels can be reached, and which class to observe next.

The locus of observed labels is the set of all Fréchet means that some weights on them
have. On the complete metric, on paths and on trees whose nodes are all labels it has a
closed form; elsewhere it is built from pairs of observed labels (a lower bound), or
decided exactly by linear programs.
"""

from numbers import Integral

import numpy as np

from ._base_metric import LabelMetric, check_positions
from ._locus_closed import closed_form_of
from ._locus_cover import COVER_METHODS
from ._locus_exact import exact_locus
from ._locus_pairs import pairwise_locus
from ._next_class import NEXT_METHODS
from ._simple_metrics import PrecomputedMetric


def locus(metric, observed, exact=False, *, unique=False):
    """Find the labels that weights on the observed ones can reach.

    Parameters
    ----------
    metric : LabelMetric or array-like of shape (n_labels, n_labels)
        The metric, or the table of its distances.

    observed : array-like of int
        Positions of the observed labels.

    exact : bool, default=False
        Where no closed form is known: False unites the loci of all pairs of observed
        labels, which may miss some; True decides each label by a linear program.

    unique : bool, default=False
        Whether to return only the labels that the observed ones identify: the labels
        that are the one minimiser for some weights.

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
    metric = _as_object(metric)
    observed = check_positions(observed, metric.n_labels, "observed")
    closed_form = closed_form_of(metric)
    if closed_form is not None:
        return closed_form(metric, observed)
    if exact:
        return exact_locus(metric, observed, unique=unique)
    return np.flatnonzero(pairwise_locus(metric, observed, observed, unique=unique))


def is_locus_cover(metric, observed, exact=False, *, unique=False):
    """Tell whether every label can be reached from the observed ones.

    Parameters
    ----------
    metric : LabelMetric or array-like of shape (n_labels, n_labels)
        The metric, or the table of its distances.

    observed : array-like of int
        Positions of the observed labels.

    exact : bool, default=False
        Whether to decide by linear programs where no closed form is known; without it
        the answer True is certain and False is not.

    unique : bool, default=False
        Whether each label must also be identified, that is be the one minimiser for
        some weights.

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
    metric = _as_object(metric)
    return len(locus(metric, observed, exact, unique=unique)) == metric.n_labels


def minimum_locus_cover(metric, method="auto"):
    """Find a small set of labels from which all can be reached.

    Parameters
    ----------
    metric : LabelMetric or array-like of shape (n_labels, n_labels)
        The metric, or the table of its distances.

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
    metric = _as_object(metric)
    _check_method(method, COVER_METHODS)
    return np.sort(COVER_METHODS[method](metric))


def select_next_classes(metric, observed, n=1, *, method="auto"):
    """Choose the classes whose observation makes the locus grow most.

    Classes are added one at a time. On a tree whose nodes are all labels the best one is
    the label with the most edges between itself and the locus; with edges of one length
    a single choice is optimal.

    Parameters
    ----------
    metric : LabelMetric or array-like of shape (n_labels, n_labels)
        The metric, or the table of its distances.

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
    metric = _as_object(metric)
    observed = check_positions(observed, metric.n_labels, "observed")
    _check_method(method, NEXT_METHODS)
    if not (isinstance(n, Integral) and n >= 1):
        raise ValueError(f"n must be at least 1, got {n!r}.")
    chosen = []
    while len(chosen) < n:
        best = NEXT_METHODS[method](metric, np.append(observed, chosen).astype(np.intp))
        if best is None:
            break
        chosen.append(best)
    return np.array(chosen, dtype=np.intp)


def _as_object(metric):
    """A validated metric object from one or from a table of distances."""
    if isinstance(metric, str) or (
        callable(metric) and not isinstance(metric, LabelMetric)
    ):
        raise ValueError(
            f"metric must be a LabelMetric or a table of distances, got {metric!r}. Use "
            "CompleteMetric(n_labels), PathMetric(n_labels) or "
            "CallableMetric(function, n_labels)."
        )
    if not isinstance(metric, LabelMetric):
        metric = PrecomputedMetric(metric)
    return metric.validate()


def _check_method(method, known):
    if method not in known:
        names = [repr(name) for name in known]
        raise ValueError(
            f"method must be {', '.join(names[:-1])} or {names[-1]}, got {method!r}."
        )
