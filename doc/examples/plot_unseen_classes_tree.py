# SPDX-License-Identifier: BSD-3-Clause
"""
Unseen classes on a tree
========================

A tree of classes, of which a classifier saw only a few. ``argmax`` answers with classes that
it saw; the Fréchet mean over the tree also answers with classes *between* them, from the same
probabilities (`arXiv 2307.12226 <https://arxiv.org/abs/2307.12226>`_).
"""

# %%
# A tree, its classes, and the few that were observed
# ---------------------------------------------------
#
# The mean of each of forty classes is the mean of its parent plus noise, as in evolution. Ten
# classes are in the training data.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from sklearn_theory.datasets import make_label_tree, make_tree_classification
from sklearn_theory.label_space import (
    LokiClassifier,
    TreeMetric,
    squared_distance_score,
)

N_CLASSES = 40
parents = make_label_tree(N_CLASSES, random_state=2)
metric = TreeMetric(parents)
X, y = make_tree_classification(parents, 50, noise=2.0, random_state=2)
observed = np.random.default_rng(2).permutation(N_CLASSES)[:10]

in_training = np.tile(np.arange(50) < 30, N_CLASSES)
train = in_training & np.isin(y, observed)
X_test, y_test = X[~in_training], y[~in_training]

# %%
# The same probabilities, decoded twice
# -------------------------------------

model = LokiClassifier(
    LogisticRegression(C=0.1, max_iter=1000), metric=metric, labels=np.arange(N_CLASSES)
).fit(X[train], y[train])
probabilities = model.predict_observed_proba(X_test)
answers = {
    "argmax": model.observed_classes_[probabilities.argmax(axis=1)],
    "Fréchet mean": model.predict(X_test),
}
for name, predicted in answers.items():
    distance = squared_distance_score(y_test, predicted, metric, np.arange(N_CLASSES))
    unseen = np.mean(~np.isin(predicted, observed))
    print(
        f"{name:<13} mean squared distance {distance:5.2f}, "
        f"answers that were never seen {unseen:.0%}"
    )

# %%
# The picture
# -----------
#
# Circles are classes; orange ones were observed. The area of a circle is the number of test
# rows, of all forty classes alike, that got this answer. Grey lines and small dots are the
# tree; a green ring marks the labels of the locus, which the Fréchet mean can reach.


def layout(parents):
    """Coordinates of the nodes: leaves side by side, parents above their children."""
    children = [np.flatnonzero(parents == node) for node in range(len(parents))]
    across, down = np.zeros(len(parents)), np.zeros(len(parents))
    next_leaf = iter(range(len(parents)))

    def place(node, depth):
        down[node] = -depth
        for child in children[node]:
            place(child, depth + 1)
        if len(children[node]):
            across[node] = np.mean(across[children[node]])
        else:
            across[node] = next(next_leaf)

    place(0, 0)
    return across, down


across, down = layout(parents)
locus = model.locus()
is_observed = np.isin(np.arange(N_CLASSES), observed)
figure, panels = plt.subplots(2, 1, figsize=(8, 8.5), layout="constrained")
for axes, (name, predicted) in zip(panels, answers.items()):
    for child, parent in enumerate(parents):
        if parent >= 0:
            ends = [child, parent]
            axes.plot(across[ends], down[ends], color="0.8", zorder=0)
    axes.scatter(across, down, s=8, color="0.6", zorder=1)
    axes.scatter(
        across[locus],
        down[locus],
        s=60,
        facecolor="none",
        edgecolor="#009E73",
        zorder=1,
        label="can be reached",
    )
    count = np.bincount(predicted, minlength=N_CLASSES)
    for mask, colour, label in [
        (is_observed, "#D55E00", "answered, seen in training"),
        (~is_observed, "#0072B2", "answered, never seen"),
    ]:
        axes.scatter(
            across[mask],
            down[mask],
            s=3 * count[mask],
            color=colour,
            alpha=0.7,
            zorder=2,
            label=label,
        )
    distance = squared_distance_score(y_test, predicted, metric, np.arange(N_CLASSES))
    axes.set_title(f"{name}: mean squared distance to the true class {distance:.1f}")
    axes.set_axis_off()
legend = panels[0].legend(loc="lower right")
for handle in legend.legend_handles:
    handle.set_sizes([60])
plt.show()

# %%
# What the theory says
# --------------------

print(model.theory_report(X_test, y_test))
