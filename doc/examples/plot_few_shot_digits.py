# SPDX-License-Identifier: BSD-3-Clause
"""
Few-shot episodes: all queries are labelled together
====================================================

Five classes, one or five labelled digits of each, and 75 more without labels. A classifier
learns from the labelled ones alone. *Transduction* looks at all rows at once: the unlabelled
ones say where the clusters are, the labelled ones what they are called
(`arXiv 2106.09516 <https://arxiv.org/abs/2106.09516>`_).
"""

# %%
# Episodes
# --------
#
# All methods see the same episodes and the same features: rows minus the mean of all digits,
# scaled to unit length. ``y`` holds -1 for queries.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import pairwise_distances_argmin
from sklearn.preprocessing import normalize
from sklearn.semi_supervised import LabelSpreading

from sklearn_theory.datasets import make_few_shot_episodes
from sklearn_theory.semi_supervised import TransductiveClassifier

N_EPISODES = 60
digits, labels = load_digits(return_X_y=True)
features = normalize(digits - digits.mean(axis=0))


def label_means(X, y):
    """The classes, and the means of their labelled rows."""
    classes = np.unique(y[y >= 0])
    return classes, np.array([X[y == label].mean(axis=0) for label in classes])


def nearest_mean(X, y):
    """Give each row the class whose labelled rows have the nearest mean."""
    classes, means = label_means(X, y)
    return classes[pairwise_distances_argmin(X, means)]


def label_spreading(X, y):
    """Spread labels over the graph of nearest neighbours."""
    return LabelSpreading(kernel="knn", n_neighbors=7).fit(X, y).transduction_


def k_means(X, y):
    """Start K-means at the means of the labelled rows."""
    classes, means = label_means(X, y)
    return classes[KMeans(len(means), init=means, n_init=1).fit(X).labels_]


def transduction(X, y):
    """Cluster around modes, with labelled rows held and neighbours agreeing."""
    model = TransductiveClassifier(
        distortion="modes", laplacian=1.0, n_neighbors=2, center=None, normalize=None
    )
    return model.fit(X, y).transduction_


methods = {
    "nearest mean": (nearest_mean, "#0072B2"),
    "LabelSpreading": (label_spreading, "#CC79A7"),
    "KMeans from the labels": (k_means, "#E69F00"),
    "TransductiveClassifier": (transduction, "#009E73"),
}


def accuracies(method, n_shots):
    """Accuracy on the queries of each episode."""
    episodes = make_few_shot_episodes(
        features, labels, N_EPISODES, n_shots=n_shots, random_state=0
    )
    return [np.mean(method(X, y)[y < 0] == truth[y < 0]) for X, y, truth in episodes]


table = {
    (name, n_shots): accuracies(method, n_shots)
    for name, (method, _) in methods.items()
    for n_shots in (1, 5)
}
for (name, n_shots), accuracy in table.items():
    error = 1.96 * np.std(accuracy) / np.sqrt(N_EPISODES)
    print(f"{name:<24}{n_shots}-shot {np.mean(accuracy):.1%} ± {error:.1%}")

# %%
# The picture
# -----------
#
# One episode, twice: in each row of images the labelled digit, and what is given its label;
# red digits are wrong. On the right, means over all episodes with 95 % intervals.


def find_telling_episode():
    """The first episode in which one labelled digit misleads the nearest mean."""
    pixels = np.hstack([features, digits])
    for rows, y, truth in make_few_shot_episodes(pixels, labels, random_state=0):
        X, images = rows[:, :64], rows[:, 64:]
        answers = [method(X, y) for method in (nearest_mean, transduction)]
        score = [np.mean(answer == truth) for answer in answers]
        if score[0] < 0.8 and score[1] > 0.95:
            return images, y, truth, answers
    raise LookupError("No episode differs by so much.")


def draw_answer(axes, images, y, truth, answer, n_columns=23):
    """Draw each class as a row of digits, the labelled one apart."""
    axes.set(xlim=(-1.6, n_columns), ylim=(5 * 2 - 0.4, -0.7))
    for row, label in enumerate(truth[:5]):
        wanted = np.flatnonzero((answer == label) & (y < 0))
        places = [(-1.5, 2 * row), *_places(len(wanted), row, n_columns)]
        for (x, top), index in zip(places, [row, *wanted]):
            colours = "Reds" if truth[index] != label else "Greys"
            axes.imshow(
                images[index].reshape(8, 8),
                cmap=colours,
                extent=(x, x + 0.95, top + 0.95, top),
                aspect="auto",
            )
    axes.axvline(-0.3, color="0.7", linewidth=1)
    axes.set_axis_off()


def _places(n_images, row, n_columns):
    """Columns from left to right, in two lines where one is too short."""
    return [(i % n_columns, 2 * row + 0.95 * (i // n_columns)) for i in range(n_images)]


figure, axes = plt.subplot_mosaic(
    [["nearest mean", "bars"], ["transduction", "bars"]],
    figsize=(11, 5.6),
    width_ratios=[1.5, 1],
    layout="constrained",
)
images, y, truth, answers = find_telling_episode()
for name, answer in zip(("nearest mean", "transduction"), answers):
    draw_answer(axes[name], images, y, truth, answer)
    share = np.mean((answer == truth)[y < 0])
    axes[name].set_title(f"{name}: {share:.0%} of the queries are right", loc="left")

for place, (name, (_, colour)) in enumerate(methods.items()):
    for n_shots, marker in ((1, "o"), (5, "s")):
        accuracy = table[name, n_shots]
        axes["bars"].errorbar(
            100 * np.mean(accuracy),
            place,
            xerr=196 * np.std(accuracy) / np.sqrt(N_EPISODES),
            color=colour,
            marker=marker,
            markersize=8,
            capsize=3,
        )
axes["bars"].set_yticks(range(len(methods)), methods)
axes["bars"].invert_yaxis()
axes["bars"].set_xlabel("accuracy on queries (%)")
axes["bars"].set_title("Labels a class: 1 (circles), 5 (squares)", loc="left")
axes["bars"].grid(axis="x", color="0.9")
plt.show()
