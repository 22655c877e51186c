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

from importlib.util import find_spec

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.utils import resample

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
# cleanlab and imbalanced-learn take part where they are installed; oversampling is also
# done by hand.


def plain(X, y):
    return LogisticRegression(max_iter=1000).fit(X, y)


def weighted(X, y):
    return LogisticRegression(max_iter=1000, class_weight="balanced").fit(X, y)


def resampled(X, y):
    largest = np.bincount(y).max()
    rows = [
        resample(np.flatnonzero(y == k), n_samples=largest, random_state=0)
        for k in np.unique(y)
    ]
    rows = np.concatenate(rows)
    return plain(X[rows], y[rows])


def smote(X, y):
    from imblearn.over_sampling import SMOTE

    n_neighbors = min(5, np.bincount(y).min() - 1)
    sampler = SMOTE(k_neighbors=n_neighbors, random_state=0)
    return plain(*sampler.fit_resample(X, y))


def cleaned(X, y):
    from cleanlab.classification import CleanLearning

    balanced = LogisticRegression(max_iter=1000, class_weight="balanced")
    return CleanLearning(balanced, seed=0).fit(X, y)


def rcal(X, y):
    return RCAL(random_state=0).fit(X, y)


methods = {"plain": plain, "class weights": weighted, "oversampled": resampled}
methods |= {"SMOTE": smote} if find_spec("imblearn") else {}
methods |= {"cleanlab": cleaned} if find_spec("cleanlab") else {}
methods |= {"RCAL": rcal}

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
    1, len(methods), figsize=(2.6 * len(methods), 3.1), layout="constrained"
)
for axis, (name, confusion) in zip(axes, confusions.items()):
    shares = confusion / N_DRAWS
    image = axis.imshow(shares, vmin=0, vmax=1, cmap="magma_r")
    axis.set_title(
        f"{name}\nbalanced accuracy {np.diag(shares).mean():.2f}", fontsize=10
    )
    axis.set_xticks(range(10))
    axis.set_yticks(range(10))
    axis.tick_params(length=0, labelsize=8)
    axis.set_xlabel("predicted")
axes[0].set_ylabel("true, frequent to rare")
figure.colorbar(image, ax=axes, shrink=0.8, label="share")
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
# What it found
# -------------
#
# The noise rate was 0.3, and nobody said so.

model = RCAL(random_state=0).fit(X, y)
print(f"estimated noise rate {model.noise_rate_:.2f}")
print(model.theory_report(X, y).to_string(meanings=False))
