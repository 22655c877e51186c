# SPDX-License-Identifier: BSD-3-Clause
"""
A temperature for every digit
=============================

Contrastive learning pushes every image away from all others, and a temperature says how
hard it pushes the nearest ones. :class:`~sklearn_theory.representation.ISogCLR`
(`arXiv 2305.11965 <https://arxiv.org/abs/2305.11965>`_) learns one for every image.
Images of frequent kinds, which many others resemble, get high temperatures and keep these
resemblances; rare ones get low temperatures, and are told apart. No label is used.
"""

# %%
# Digits with a long tail
# -----------------------
#
# The classes shrink to a twentieth, in random order.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE

from sklearn_theory.representation import ISogCLR

X, y = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
sizes = np.round(np.bincount(y).min() * 20 ** (-np.arange(10) / 9)).astype(int)
order = rng.permutation(10)
rows = np.concatenate(
    [
        rng.permutation(np.flatnonzero(y == label))[:size]
        for label, size in zip(order, sizes)
    ]
)
X, y = X[rows] / 16, y[rows]
print(f"{len(X)} images; {dict(zip(order.tolist(), sizes.tolist()))}")

# %%
# Views are the images turned, zoomed and moved a little, since ``image_shape`` is given.

model = ISogCLR(
    image_shape=(8, 8),
    n_components=128,
    temperature_init=0.3,
    max_iter=80,
    random_state=0,
).fit(X)
temperatures = model.temperatures_

# %%
# What the theory says of this fit: at its exact temperature the weights of a row's
# negatives are exactly ``rho`` from uniform ones, and the objective equals the worst
# weighted mean of similarities.

print(model.theory_report(X))

# %%
# Temperatures against frequency
# ------------------------------

means = np.array([temperatures[y == label].mean() for label in order])
correlation = spearmanr(sizes, means)[0]

figure, axes = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
axes.scatter(sizes, means, s=320, color="white", edgecolor="#0072B2", linewidth=1.5)
for label, size, mean in zip(order, sizes, means):
    axes.annotate(str(label), (size, mean), ha="center", va="center", fontsize=12)
axes.set(
    xscale="log",
    xlabel="images of the class",
    ylabel="mean temperature",
    title=f"Frequent digits get higher temperatures (rank correlation {correlation:.2f})",
)
axes.set_xticks([10, 20, 50, 100, 200], [10, 20, 50, 100, 200])
axes.minorticks_off()
axes.margins(0.1)

# %%
# The images with the highest and the lowest temperatures
# -------------------------------------------------------
#
# High temperatures go to what has many near copies, low ones to what resembles little.

ranked = np.argsort(temperatures)
figure, all_axes = plt.subplots(2, 1, figsize=(7.5, 2.7), layout="constrained")
for axes, chosen, name in zip(
    all_axes, (ranked[::-1][:16], ranked[:16]), ("Highest", "Lowest")
):
    strip = np.ones((10, 16 * 9 - 1))
    for place, row in enumerate(chosen):
        strip[1:9, 9 * place : 9 * place + 8] = 1 - X[row].reshape(8, 8)
        axes.text(
            9 * place + 3.5,
            10.6,
            f"{temperatures[row]:.2f}",
            ha="center",
            va="top",
            fontsize=8,
        )
    axes.imshow(strip, cmap="gray", vmin=0, vmax=1)
    axes.set_title(f"{name} temperatures", fontsize=11, loc="left")
    axes.set_axis_off()

# %%
# The map of the representation
# -----------------------------
#
# t-SNE of the representation, coloured by temperature; numbers point to the centres
# of the classes. Temperatures are high inside large clusters and low at the borders.

plane = TSNE(random_state=0, init="pca", perplexity=30).fit_transform(
    model.transform(X)
)
figure, axes = plt.subplots(figsize=(6.5, 5), layout="constrained")
points = axes.scatter(*plane.T, c=temperatures, cmap="viridis", s=18)
for label in range(10):
    centre = np.median(plane[y == label], axis=0)
    axes.annotate(
        str(label),
        centre,
        xytext=(16, 14),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=13,
        bbox={"boxstyle": "circle,pad=0.2", "facecolor": "white"},
        arrowprops={"arrowstyle": "-", "color": "0.3"},
    )
figure.colorbar(points, label="temperature")
axes.set(title="Representation learnt without labels", xticks=[], yticks=[])
plt.show()
