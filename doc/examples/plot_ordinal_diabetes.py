# SPDX-License-Identifier: BSD-3-Clause
"""
Twenty-five ordered classes, five of them seen
==============================================

The progression of diabetes, cut into 25 classes of equal size. Only every sixth class is in
the training data, so that ``argmax`` can only ever answer with five values. The Fréchet mean
over the path metric answers with any of the 25, from the same probabilities
(`arXiv 2307.12226 <https://arxiv.org/abs/2307.12226>`_).
"""

# %%
# One classifier, two ways to decide
# ----------------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_theory.label_space import LokiClassifier, squared_distance_score

X, target = load_diabetes(return_X_y=True)
labels = np.arange(25)
y = np.digitize(target, np.quantile(target, np.linspace(0, 1, 26)[1:-1]))

base = make_pipeline(StandardScaler(), LogisticRegression(C=0.3))
models = {
    "argmax": LokiClassifier(base, metric="complete", labels=labels),
    "Fréchet mean": LokiClassifier(base, metric="path", labels=labels),
}

# %%
# Ten random splits, mean squared distance between the true and the predicted class:


def decode(model, spacing, seed):
    """Fit on the classes that are multiples of `spacing`, predict on all of them."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.4, random_state=seed
    )
    seen = y_train % spacing == 0
    predicted = model.fit(X_train[seen], y_train[seen]).predict(X_test)
    distance = squared_distance_score(y_test, predicted, metric="path", labels=labels)
    return y_test, predicted, distance


for spacing, seen in [(6, "5 of 25 classes seen"), (1, "all 25 classes seen")]:
    for name, model in models.items():
        distances = [decode(model, spacing, seed)[2] for seed in range(10)]
        print(f"{seen}: {name:<13} {np.mean(distances):5.1f}")

# %%
# What each of them answers
# -------------------------
#
# Dotted lines are the classes of the training data. The answers of ``argmax`` lie on them; the
# Fréchet mean fills the space between, and follows the diagonal more closely.

figure, panels = plt.subplots(
    1, 2, figsize=(9, 4.4), sharex=True, sharey=True, layout="constrained"
)
jitter = np.random.default_rng(0).uniform(-0.25, 0.25, (2, len(y)))
for axes, (name, model) in zip(panels, models.items()):
    y_test, predicted, distance = decode(model, 6, seed=0)
    axes.plot([0, 24], [0, 24], color="0.7", zorder=0)
    for seen in range(0, 25, 6):
        axes.axhline(seen, color="#D55E00", linewidth=0.8, linestyle=":", zorder=0)
    axes.scatter(
        y_test + jitter[0, : len(y_test)],
        predicted + jitter[1, : len(y_test)],
        s=14,
        alpha=0.6,
    )
    axes.set(title=f"{name}: mean squared distance {distance:.1f}", xlabel="true class")
panels[0].set_ylabel("predicted class")
plt.show()
