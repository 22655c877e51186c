# SPDX-License-Identifier: BSD-3-Clause
"""
Which class should be labelled next?
====================================

A classifier with Fréchet-mean decoding can answer with every label in the *locus* of the
classes that it was trained on. Collecting data for a new class costs money: which class makes
the locus grow most? On a tree the answer is the label farthest from the locus, and the greedy
choice is optimal when all edges have the same length
(`arXiv 2307.12226 <https://arxiv.org/abs/2307.12226>`_).
"""

# %%
# Two policies on random trees
# ----------------------------
#
# Trees of a hundred labels, three classes to begin with, and one more class at each step:
# chosen by :func:`~sklearn_theory.label_space.select_next_classes`, or at random among
# the labels that cannot be predicted yet.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_theory.datasets import make_label_tree
from sklearn_theory.label_space import TreeMetric, locus, select_next_classes

N_LABELS, N_START, N_STEPS, N_TREES = 100, 3, 60, 20


def farthest_from_the_locus(metric, observed, rng):
    return select_next_classes(metric, observed, n=1)[0]


def at_random(metric, observed, rng):
    return rng.choice(np.setdiff1d(np.arange(N_LABELS), locus(metric, observed)))


def locus_sizes(policy, seed):
    """Size of the locus after 0, 1, ... classes were added by `policy`."""
    rng = np.random.default_rng(seed)
    metric = TreeMetric(make_label_tree(N_LABELS, random_state=seed))
    observed = list(rng.choice(N_LABELS, size=N_START, replace=False))
    sizes = [len(locus(metric, observed))]
    while len(sizes) <= N_STEPS:
        if sizes[-1] < N_LABELS:
            observed.append(policy(metric, observed, rng))
        sizes.append(len(locus(metric, observed)))
    return sizes


policies = {
    "farthest from the locus": (farthest_from_the_locus, "#0072B2"),
    "at random": (at_random, "0.5"),
}
curves = {
    name: np.array([locus_sizes(policy, seed) for seed in range(N_TREES)])
    for name, (policy, _) in policies.items()
}
print("classes added   ", *(f"{k:>6}" for k in (1, 3, 5, 10, 20)))
for name, sizes in curves.items():
    print(f"{name:<24}", *(f"{sizes[:, k].mean():6.1f}" for k in (1, 3, 5, 10, 20)))

# %%
# The picture
# -----------

figure, axes = plt.subplots(figsize=(6.5, 4.4), layout="constrained")
for name, (_, colour) in policies.items():
    sizes = curves[name]
    axes.plot(sizes.mean(axis=0), color=colour, label=name)
    axes.fill_between(
        np.arange(N_STEPS + 1),
        *np.percentile(sizes, [10, 90], axis=0),
        color=colour,
        alpha=0.2,
    )
axes.axhline(N_LABELS, color="0.7", linestyle="--", zorder=0)
axes.set(
    xlabel="classes added to the first three",
    ylabel="labels that can be predicted, of 100",
    title="Twenty random trees: mean, and tenth to ninetieth percentile",
)
axes.legend(loc="lower right")
plt.show()
