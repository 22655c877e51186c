# SPDX-License-Identifier: BSD-3-Clause
"""Which class to observe next: the one that makes the locus grow most."""

import numpy as np

from ._locus_closed import closed_form_of, hops_to_locus, is_whole_tree
from ._locus_exact import exact_locus
from ._locus_pairs import pairwise_locus


def best_on_tree(metric, observed):
    """The node with the most edges to the locus, all of which the choice adds to it."""
    hops = hops_to_locus(metric, observed)
    return int(np.argmax(hops)) if hops.any() else None


def best_by_closed_form(metric, observed):
    """The label that adds most to a locus with a closed form.

    Under the complete metric each label adds itself, in an order one end of it adds all
    that lies before or behind.
    """
    locus = closed_form_of(metric)
    reached = locus(metric, observed)
    missing = np.setdiff1d(np.arange(metric.n_labels), reached)
    ends = np.unique(missing[[0, -1]]) if len(missing) else missing
    gains = [len(locus(metric, np.append(observed, end))) for end in ends]
    return int(ends[np.argmax(gains)]) if len(ends) else None


def best_by_pairs(metric, observed):
    """The label that reaches most new labels together with one observed label."""
    reached = pairwise_locus(metric, observed, observed)
    return best_candidate(
        reached,
        observed,
        lambda label: pairwise_locus(metric, np.array([label]), observed),
    )


def best_by_linear_programs(metric, observed):
    """The label that adds most to the exact locus."""
    reached = mask_of(exact_locus(metric, observed), metric.n_labels)
    return best_candidate(
        reached,
        observed,
        lambda label: mask_of(
            exact_locus(metric, np.append(observed, label), known=reached),
            metric.n_labels,
        ),
    )


def best_automatically(metric, observed):
    """Take the rule of the metric, or pairs where it has none."""
    if is_whole_tree(metric):
        return best_on_tree(metric, observed)
    if closed_form_of(metric) is not None:
        return best_by_closed_form(metric, observed)
    return best_by_pairs(metric, observed)


def best_candidate(reached, observed, grown):
    """The unobserved label with the largest gain; None once all labels are reached."""
    if reached.all():
        return None
    candidates = np.setdiff1d(np.arange(len(reached)), observed)
    gains = [np.count_nonzero(grown(label) & ~reached) for label in candidates]
    return int(candidates[np.argmax(gains)])


def mask_of(positions, n_labels):
    """A mask of labels from their positions."""
    mask = np.zeros(n_labels, dtype=bool)
    mask[positions] = True
    return mask


NEXT_METHODS = {
    "auto": best_automatically,
    "pairwise": best_by_pairs,
    "exact": best_by_linear_programs,
}
