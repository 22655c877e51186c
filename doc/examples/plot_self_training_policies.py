# SPDX-License-Identifier: BSD-3-Clause
"""
When self-training helps, and when it hurts
===========================================

Self-training adds the rows that a classifier is sure of to its own training set. Which
rows those are is up to a policy. The survey of self-training
(`arXiv 2202.12040 <https://arxiv.org/abs/2202.12040>`_) says that fixed thresholds are a
poor choice, and that thresholds should follow the data. Here are all policies of
:class:`~sklearn_theory.semi_supervised.SelfTrainer`, with 30 to 120 labels.
"""

# %%
# Two data sets
# -------------
#
# Handwritten digits come in ten classes of equal size. The other data set has three
# classes, half of the rows in one of them, and only a few of its 180 binary features tell
# them apart; it stands in for a data set of DNA. A forest that has seen few labels votes
# for the largest class there, whatever the row.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from sklearn_theory.datasets import make_binary_signature_classification
from sklearn_theory.semi_supervised import SelfTrainer

N_ROWS = 800
N_LABELS = [30, 60, 120]
N_DRAWS = 2
data_sets = {
    "digits, ten equal classes": load_digits(return_X_y=True),
    "signatures, one large class": make_binary_signature_classification(
        n_samples=N_ROWS, random_state=12
    ),
}

# %%
# All policies
# ------------
#
# For each draw of labelled rows, the gain of a policy is its accuracy on the other rows
# less that of the forest before self-training, which
# :class:`~sklearn_theory.semi_supervised.SelfTrainer` keeps as ``initial_estimator_``.

policies = {
    "bound": ("#0072B2", "o"),
    "freematch": ("#009E73", "s"),
    "mean": ("#56B4E9", "^"),
    "random": ("0.45", "d"),
    "flexmatch": ("0.7", "v"),
    "curriculum": ("#CC79A7", ">"),
    "top_k": ("#E69F00", "<"),
    "fixed": ("#D55E00", "X"),
}


def accuracies(X, truth, policy, n_labels, seed):
    """Accuracy on the unlabelled rows, before self-training and after it."""
    labelled, others = train_test_split(
        np.arange(len(truth)), train_size=n_labels, stratify=truth, random_state=seed
    )
    y = np.full(len(truth), -1)
    y[labelled] = truth[labelled]
    forest = RandomForestClassifier(15, random_state=seed)
    model = SelfTrainer(forest, policy=policy, threshold=0.7, random_state=seed)
    model.fit(X, y)
    return [
        each.score(X[others], truth[others])
        for each in (model.initial_estimator_, model)
    ]


def learning_curve(X, truth, policy):
    """Mean accuracies before and after, for each number of labels."""
    X, truth = X[:N_ROWS], truth[:N_ROWS]
    draws = [
        [accuracies(X, truth, policy, n_labels, seed) for n_labels in N_LABELS]
        for seed in range(N_DRAWS)
    ]
    return np.mean(draws, axis=0).T


curves = {
    name: {policy: learning_curve(X, truth, policy) for policy in policies}
    for name, (X, truth) in data_sets.items()
}
for name, by_policy in curves.items():
    print(f"{name}\n{'labels':>12}", *(f"{n:>6}" for n in N_LABELS))
    print(f"{'supervised':>12}", *(f"{value:6.3f}" for value in by_policy["bound"][0]))
    for policy, (_, after) in by_policy.items():
        print(f"{policy:>12}", *(f"{value:6.3f}" for value in after))

# %%
# The picture
# -----------
#
# On digits every policy helps. Even adding rows at random does, since the forest is right
# about most of them. On the other data a fixed threshold, the largest votes and a
# curriculum all start with rows of the large class, and each round makes the next one more
# certain of it, until with 120 labels the forest knows better. Policies that treat the
# classes separately do not collapse: the thresholds of least bound, for which nothing has
# to be chosen, and those of FreeMatch, which are scaled by the votes that each class gets.
# FlexMatch at its usual level of 0.95 adds all rows at once, and so changes little: a
# forest with few labels is never that sure.

figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.6), layout="constrained", sharey=True)
for ax, (name, by_policy) in zip(axes, curves.items()):
    ax.axhline(0, color="black", linewidth=1)
    for policy, (colour, marker) in policies.items():
        before, after = by_policy[policy]
        width = 2.4 if policy in ("bound", "fixed") else 1.3
        ax.plot(
            N_LABELS,
            100 * (after - before),
            marker=marker,
            markersize=5,
            color=colour,
            linewidth=width,
            label=policy,
        )
    ticks = [f"{n}\n{100 * value:.0f} %" for n, value in zip(N_LABELS, before)]
    ax.set(xscale="log", title=name)
    ax.set_xticks(N_LABELS, ticks)
    ax.minorticks_off()
    ax.set_xlabel("labels, and accuracy of the supervised forest")
axes[0].set_ylabel("gain in accuracy by self-training, points")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
plt.show()
