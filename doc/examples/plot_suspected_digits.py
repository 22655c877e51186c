# SPDX-License-Identifier: BSD-3-Clause
"""
The most suspected digits
=========================

Which labels would you look at first? Of the digits that come with scikit-learn, a fifth get
a wrong label. :class:`~sklearn_theory.noisy_labels.RCAL` ranks all labels by how improbable
they are, without knowing how many are wrong.
"""

# %%
# Suspects
# --------
#
# ``suspected_label_errors`` lists rows, the most suspected first. The titles give the label
# and, after the arrow, what the classifier takes the digit for.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from sklearn_theory.datasets import make_long_tail_noisy
from sklearn_theory.noisy_labels import RCAL

digits = load_digits()
X, y_true, y_noisy, _ = make_long_tail_noisy(
    digits.data, digits.target, imbalance=5, noise=0.2, random_state=0
)
model = RCAL(representation=PCA(20), random_state=0).fit(X, y_noisy)
suspects = model.suspected_label_errors()
likely = model.predict(X)
is_wrong = y_noisy != y_true

print(f"estimated noise rate {model.noise_rate_:.2f}, true {is_wrong.mean():.2f}")
print(
    f"{len(suspects)} labels suspected, {is_wrong[suspects].mean():.1%} of them wrong"
)
print(f"{is_wrong[suspects].sum() / is_wrong.sum():.1%} of the wrong labels found")

# %%
# The first ones all but name themselves. Green titles: the label is wrong indeed.


def show(rows, title):
    figure, axes = plt.subplots(3, 8, figsize=(8, 4.1), layout="constrained")
    for axis, row in zip(axes.flat, rows):
        axis.imshow(X[row].reshape(8, 8), cmap="gray_r")
        axis.set_title(
            f"{y_noisy[row]} \N{RIGHTWARDS ARROW} {likely[row]}",
            color="#1a7f37" if is_wrong[row] else "#cf222e",
            fontsize=11,
        )
    for axis in axes.flat:
        axis.set_axis_off()
    figure.suptitle(title)
    plt.show()


show(suspects[:24], "The most suspected labels")

# %%
# Where it is wrong
# -----------------
#
# Labels that are right and suspected all the same (red), least suspected last, and wrong
# labels that it trusts (green).

right = suspects[~is_wrong[suspects]]
trusted = np.flatnonzero(is_wrong & model.inlier_mask_)
show(np.concatenate([right[:12], trusted[:12]]), "Its mistakes")

# %%
# How far to go down the list
# ---------------------------
#
# All labels in the order of suspicion: the share of wrong ones among those looked at, and
# the share of all wrong ones that have been found. The dashed line is where RCAL stops.

order = np.argsort(-model.outlier_scores_, kind="stable")
found = np.cumsum(is_wrong[order])
looked_at = np.arange(1, len(order) + 1)

figure, axis = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
axis.plot(looked_at, found / looked_at, color="#D55E00", label="wrong among those seen")
axis.plot(
    looked_at, found / found[-1], color="#0072B2", label="found of the wrong ones"
)
axis.axvline(len(suspects), color="0.5", linestyle="--")
axis.set(xlabel="labels looked at", ylabel="share", ylim=(0, 1.03))
axis.legend(loc="center right")
plt.show()
