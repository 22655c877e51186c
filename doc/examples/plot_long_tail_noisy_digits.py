# SPDX-License-Identifier: BSD-3-Clause
"""
Digits with a long tail and wrong labels
========================================

A third of the labels are wrong, and some digits are twenty times as frequent as others.
Class weights and resampling trust every label; cleaning alone leaves the tail too small.
:class:`~sklearn_theory.noisy_labels.RCAL` does both.
"""

# %%
# Data
# ----
#
# Wrong labels prefer frequent classes, as in the paper
# (`arXiv 2211.10955 <https://arxiv.org/abs/2211.10955>`_). The test rows are clean and
# balanced. Digits stand in 20 principal components, which are computed without labels.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from cleanlab.classification import CleanLearning
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split

from sklearn_theory.datasets import make_long_tail_noisy
from sklearn_theory.noisy_labels import RCAL

N_DRAWS = 5


def draw(seed):
    """Noisy, long-tailed digits to learn from, and clean ones to test on."""
    X, X_test, y, y_test = train_test_split(
        *load_digits(return_X_y=True), test_size=800, random_state=seed, stratify=y_all
    )
    components = PCA(20, random_state=0).fit(X / 16)
    X, y_true, y_noisy, _ = make_long_tail_noisy(
        components.transform(X / 16),
        y,
        imbalance=20,
        noise=0.3,
        n_max=95,
        shuffle_classes=False,
        random_state=seed,
    )
    return X, y_true, y_noisy, components.transform(X_test / 16), y_test


y_all = load_digits().target
_, y_true, y_noisy, _, _ = draw(0)
print("true sizes    ", np.bincount(y_true))
print("observed sizes", np.bincount(y_noisy))

# %%
# Methods
# -------
#
# Logistic regression as it is and with class weights; on rows that imbalanced-learn repeats
# (``RandomOverSampler``) or interpolates (``SMOTE``) until all classes are of one size; and
# with class weights on the rows that cleanlab (``CleanLearning``) leaves.


def plain(X, y):
    return LogisticRegression(max_iter=1000).fit(X, y)


def weighted(X, y):
    return LogisticRegression(max_iter=1000, class_weight="balanced").fit(X, y)


def oversampled(X, y):
    return plain(*RandomOverSampler(random_state=0).fit_resample(X, y))


def smote(X, y):
    n_neighbors = min(5, np.bincount(y).min() - 1)
    sampler = SMOTE(k_neighbors=n_neighbors, random_state=0)
    return plain(*sampler.fit_resample(X, y))


def cleaned(X, y):
    balanced = LogisticRegression(max_iter=1000, class_weight="balanced")
    with warnings.catch_warnings():
        # Some classes have fewer rows than it wants to see before it flags any.
        warnings.filterwarnings("ignore", "May not flag all label issues")
        warnings.filterwarnings("ignore", "The least populated class")
        return CleanLearning(balanced, seed=0).fit(X, y)


def rcal(X, y):
    return RCAL(random_state=0).fit(X, y)


methods = {
    "plain": plain,
    "class weights": weighted,
    "oversampled": oversampled,
    "SMOTE": smote,
    "cleanlab": cleaned,
    "RCAL": rcal,
}

# %%
# Where the test rows go
# ----------------------
#
# Rows are true digits, from the most frequent (0) to the rarest (9); columns are predicted
# ones, in shares of the row. What plain logistic regression loses is at the bottom: rare
# digits are taken for frequent ones.

confusions = {name: np.zeros((10, 10)) for name in methods}
for seed in range(N_DRAWS):
    X, _, y, X_test, y_test = draw(seed)
    for name, fit in methods.items():
        predicted = fit(X, y).predict(X_test)
        confusions[name] += confusion_matrix(y_test, predicted, normalize="true")

figure, axes = plt.subplots(
    2, 3, figsize=(8.4, 6), sharex=True, sharey=True, layout="constrained"
)
for axis, (name, confusion) in zip(axes.flat, confusions.items()):
    shares = confusion / N_DRAWS
    image = axis.imshow(shares, vmin=0, vmax=1, cmap="magma_r")
    axis.set_title(
        f"{name}\nbalanced accuracy {np.diag(shares).mean():.2f}", fontsize=10
    )
    axis.set(xticks=range(10), yticks=range(10))
    axis.tick_params(length=0, labelsize=8)
for axis in axes[1]:
    axis.set_xlabel("predicted")
for axis in axes[:, 0]:
    axis.set_ylabel("true, frequent to rare")
figure.colorbar(image, ax=axes, shrink=0.7, label="share")
plt.show()

# %%
# Recall, from frequent to rare
# -----------------------------

figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
for name, confusion in confusions.items():
    axis.plot(
        np.diag(confusion) / N_DRAWS,
        marker="o",
        label=name,
        linewidth=2.5 if name == "RCAL" else 1.2,
    )
axis.set(
    xlabel="digit, from 95 rows to 4", ylabel="recall", xticks=range(10), ylim=(0, 1)
)
axis.legend(loc="lower left")
plt.show()

# %%
# Resampling repeats wrong labels as faithfully as right ones, and gains less than class weights
# do. cleanlab, which hesitates to flag anything in classes of a few rows, is on par with class
# weights. RCAL keeps the recall of frequent digits, and gains on rare ones.

# %%
# What it found
# -------------
#
# The noise rate was 0.3, and nobody said so.

model = RCAL(random_state=0).fit(X, y)
print(f"estimated noise rate {model.noise_rate_:.2f}")
print(model.theory_report(X, y).to_string(meanings=False))
