# SPDX-License-Identifier: BSD-3-Clause
"""Loci that need no search: complete metric, order, tree whose nodes are all labels."""

import numpy as np

from . import _locus_fast as fast
from ._simple_metrics import CompleteMetric, PathMetric
from ._tree_metric import TreeMetric


def closed_form_of(metric):
    """Look up the function that computes the locus under a metric directly.

    Parameters
    ----------
    metric : LabelMetric
        The metric.

    Returns
    -------
    closed_form : callable or None
        ``closed_form(metric, observed)`` returns sorted positions, every one of which
        is the only minimiser for some weights; None where no such rule is known.
    """
    if is_whole_tree(metric):
        return tree_locus
    return CLOSED_FORMS.get(type(metric))


def is_whole_tree(metric):
    """Tell whether the metric is a tree of which every node is a label."""
    return isinstance(metric, TreeMetric) and metric.n_labels == len(metric.parents)


def complete_locus(metric, observed):
    """Only what was observed."""
    return np.sort(observed)


def path_locus(metric, observed):
    """Everything between the first and the last observed label."""
    return np.arange(observed.min(), observed.max() + 1)


def tree_locus(metric, observed):
    """Everything on the paths between observed nodes, in time linear in the tree."""
    inside = steiner_nodes(metric, observed)
    return np.flatnonzero(inside[metric._prepared().label_nodes])


CLOSED_FORMS = {CompleteMetric: complete_locus, PathMetric: path_locus}


def steiner_nodes(metric, observed):
    """Mark the nodes of the tree that lie on paths between observed ones."""
    tree = metric._prepared()
    is_observed = np.zeros(len(tree.parents), dtype=bool)
    is_observed[tree.label_nodes[observed]] = True
    return fast.steiner_nodes(tree.parents, is_observed)


def hops_to_locus(metric, observed):
    """Count the edges between each label of a whole tree and the locus."""
    tree = metric._prepared()
    inside = steiner_nodes(metric, observed)
    return fast.hops_to_set(tree.parents, inside)[tree.label_nodes]


def tree_leaves(metric):
    """Labels with at most one neighbour, a root with a single child among them."""
    tree = metric._prepared()
    degree = np.bincount(tree.parents[1:], minlength=len(tree.parents))
    degree[1:] += 1
    return np.flatnonzero(degree[tree.label_nodes] <= 1)
