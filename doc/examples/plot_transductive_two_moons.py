# SPDX-License-Identifier: BSD-3-Clause
"""
What the Laplacian does on two moons
====================================

K-modes alone cuts each moon where the nearer mode changes. A graph of neighbours holds
rows together that are joined, and the border moves to where few rows are
(`arXiv 2106.09516 <https://arxiv.org/abs/2106.09516>`_). How much weight does it need?
"""

# %%
# Two moons, without labels
# -------------------------
#
# Nothing but the weight of the graph changes from one fit to the next.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from sklearn_theory.cluster import TransductiveClustering

X, truth = make_moons(300, noise=0.06, random_state=0)


def cluster(laplacian, random_state=0):
    """Fit two modes with a graph of eight neighbours."""
    model = TransductiveClustering(
        2,
        distortion="modes",
        laplacian=laplacian,
        n_neighbors=8,
        random_state=random_state,
    )
    return model.fit(X)


def accuracy(labels):
    """Share of rows that are with their moon, whatever the clusters are called."""
    agreement = np.mean(labels == truth)
    return max(agreement, 1 - agreement)


WEIGHTS = [0, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5]
accuracies = {
    weight: [accuracy(cluster(weight, random_state=i).labels_) for i in range(5)]
    for weight in WEIGHTS
}
for weight, values in accuracies.items():
    print(f"laplacian {weight:<5} accuracy {np.mean(values):.2f}")

# %%
# The picture
# -----------
#
# Left and middle: the clusters, with the modes as stars and joined rows connected. Right:
# accuracy over the weight of the graph, five starts each. A light graph blurs, a heavy one
# leaves rows where the first step put them; in between there is a wide range that helps.

COLOURS = np.array(["#0072B2", "#D55E00"])
figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
for panel, weight in zip(axes, (0, 0.2)):
    model = cluster(weight)
    labels = model.labels_
    if accuracy(labels) != np.mean(labels == truth):
        labels = 1 - labels
    edges = cluster(0.2).affinity_.tocoo()
    ends = X[edges.coords[0]], X[edges.coords[1]]
    panel.plot(
        *np.stack(ends).transpose(2, 0, 1), color="0.85", linewidth=0.5, zorder=0
    )
    panel.scatter(*X.T, c=COLOURS[labels], s=12)
    panel.scatter(
        *model.cluster_centers_.T, marker="*", s=220, c="white", edgecolors="black"
    )
    panel.set(
        title=f"laplacian = {weight}: accuracy {accuracy(labels):.2f}",
        xticks=[],
        yticks=[],
        aspect="equal",
    )
places = np.arange(len(WEIGHTS))
for place, weight in zip(places, WEIGHTS):
    axes[2].plot([place] * 5, accuracies[weight], "o", color="0.7", markersize=4)
axes[2].plot(
    places, [np.mean(accuracies[weight]) for weight in WEIGHTS], "o-", color="#009E73"
)
axes[2].set_xticks(places, WEIGHTS)
axes[2].set(
    xlabel="weight of the graph, laplacian",
    ylabel="accuracy",
    title="Five starts, and their mean",
)
plt.show()
