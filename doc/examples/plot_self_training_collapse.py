# SPDX-License-Identifier: BSD-3-Clause
"""
The collapse of a fixed threshold
=================================

With few labels a classifier is sure of itself only where the largest class is. A threshold
that asks all classes for the same confidence then adds that class, the next model is surer
of it still, and the others disappear. Thresholds that minimise a bound on the error
(`arXiv 2202.12040 <https://arxiv.org/abs/2202.12040>`_) differ by class, and do not collapse.
"""

# %%
# The data
# --------
#
# Three classes, one of them with half of the rows, differ in ten of 180 binary features
# each. Sixty of 3,000 rows have a label.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestClassifier

from sklearn_theory.datasets import make_binary_signature_classification
from sklearn_theory.semi_supervised import SelfTrainer

X, truth = make_binary_signature_classification(random_state=12)
labelled = np.random.default_rng(0).permutation(3000)[:60]
y = np.full(3000, -1)
y[labelled] = truth[labelled]
hidden = y == -1

forest = RandomForestClassifier(60, random_state=0)
models = {
    "threshold 0.7": SelfTrainer(forest, policy="fixed", threshold=0.7).fit(X, y),
    "least bound": SelfTrainer(forest).fit(X, y),
}
accuracy = {
    name: model.score(X[hidden], truth[hidden]) for name, model in models.items()
}
accuracy["supervised"] = models["least bound"].initial_estimator_.score(
    X[hidden], truth[hidden]
)
print(models["threshold 0.7"].history_)
print(models["least bound"].history_)

# %%
# Round after round
# -----------------
#
# Each bar holds the rows that have got a pseudo-label so far, by that label. Hatched is what
# is wrong. The threshold takes in the largest class only, while the bound lets smaller classes
# in at lower votes: see its thresholds above.

COLOURS = ["#0072B2", "#009E73", "#D55E00"]


def counts_so_far(model, n_round):
    """Count the pseudo-labels after a round: right and wrong ones of each class."""
    rows = (model.labeled_iter_ > 0) & (model.labeled_iter_ <= n_round)
    right = model.transduction_[rows] == truth[rows]
    return [
        np.bincount(model.transduction_[rows][part], minlength=3)
        for part in (right, ~right)
    ]


figure, axes = plt.subplots(
    1, 3, figsize=(11, 4), layout="constrained", width_ratios=[3, 3, 2]
)
for axis, (name, model) in zip(axes, models.items()):
    for n_round in range(1, model.n_iter_ + 1):
        bottom = 0
        for k, colour in enumerate(COLOURS):
            for part, hatch in zip(counts_so_far(model, n_round), (None, "////")):
                axis.bar(
                    n_round,
                    part[k],
                    bottom=bottom,
                    color=colour,
                    edgecolor="white",
                    linewidth=0,
                    hatch=hatch,
                    width=0.85,
                )
                bottom += part[k]
    axis.set(
        title=name,
        xlabel="round",
        ylim=(0, 3000),
        xticks=range(1, model.n_iter_ + 1),
    )
axes[0].set_ylabel("pseudo-labels so far (hatched: wrong)")
for k, colour in enumerate(COLOURS):
    share = np.mean(truth[hidden] == k)
    axes[0].bar(1, 0, color=colour, label=f"class {k} ({share:.0%} of the rows)")
figure.legend(loc="outside lower left", ncols=3)

names = ["supervised", "threshold 0.7", "least bound"]
bars = axes[2].bar(
    ["supervised", "threshold\n0.7", "least\nbound"],
    [accuracy[name] for name in names],
    color="0.6",
)
bars[2].set_color("0.25")
axes[2].bar_label(bars, fmt="%.2f")
axes[2].axhline(
    np.mean(truth[hidden] == 2),
    color=COLOURS[2],
    linestyle="--",
    label="always class 2",
)
axes[2].legend(loc="lower center", fontsize="small")
axes[2].set(title="accuracy on unlabelled rows", ylim=(0, 1.05))
plt.show()
