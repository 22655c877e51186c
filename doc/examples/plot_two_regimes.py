# SPDX-License-Identifier: BSD-3-Clause
"""
Two regimes: naive Bayes for few labels, logistic regression for many
=====================================================================

Both heads are linear. Naive Bayes approaches its own best error after a number of samples
that grows with the logarithm of the number of features, logistic regression needs a number
proportional to it, and ends lower. Their learning curves therefore cross
(`arXiv 2302.02334 <https://arxiv.org/abs/2302.02334>`_). On which side of the crossing are
you?
"""

# %%
# Learning curves of both heads
# -----------------------------
#
# :class:`~sklearn_theory.linear_model.NaiveBayesVsLogistic` measures both curves along the
# same samples, so that their difference is not blurred by different draws. The sizes are
# nested: naive Bayes' statistics are merged from one size to the next, and logistic
# regression starts from the solution of the size before.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits

from sklearn_theory.linear_model import NaiveBayesVsLogistic

data = {
    "breast_cancer (30 features)": (
        load_breast_cancer(return_X_y=True),
        [6, 10, 20, 40, 80, 160, 320],
    ),
    "digits (64 features)": (
        load_digits(return_X_y=True),
        [20, 40, 60, 100, 200, 400, 800, 1300],
    ),
}

models = {}
for name, ((X, y), sizes) in data.items():
    models[name] = NaiveBayesVsLogistic(
        learning_curve=True, train_sizes=sizes, n_repeats=10, random_state=0
    ).fit(X, y)
    print(f"{name}: the heads cross at {models[name].crossover_n_:.0f} labels")

# %%
# The picture
# -----------
#
# Bands are standard deviations over ten shuffles. Left of the dashed line the generative head
# has the lower error, right of it the discriminative one.

heads = [
    ("nb", "shared-variance naive Bayes", "#0072B2"),
    ("lr", "logistic regression", "#D55E00"),
]
figure, panels = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for axes, (name, model) in zip(panels, models.items()):
    curves = model.learning_curves_
    for head, label, colour in heads:
        mean, std = curves[f"{head}_mean"], curves[f"{head}_std"]
        axes.plot(curves["sizes"], mean, "o-", color=colour, label=label)
        axes.fill_between(
            curves["sizes"], mean - std, mean + std, color=colour, alpha=0.15
        )
    axes.axvline(model.crossover_n_, color="0.4", linestyle="--")
    axes.text(
        model.crossover_n_ * 1.08,
        0.97,
        f"{model.crossover_n_:.0f} labels",
        transform=axes.get_xaxis_transform(),
        va="top",
    )
    axes.set(xscale="log", xlabel="labelled samples", ylabel="test error", title=name)
    axes.set_xticks(curves["sizes"], curves["sizes"])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
panels[0].legend()
plt.show()

# %%
# What the theory says about these data
# -------------------------------------
#
# The report evaluates the paper's assumptions and promises on the digits: variances and
# margins that must stay away from zero, the accuracy of the estimated means, the sample sizes
# that the two theorems ask for here.

X, y = data["digits (64 features)"][0]
print(models["digits (64 features)"].theory_report(X, y))

# %%
# Left alone, ``select="auto"`` makes the choice by cross-validation at the size that it is
# given.

rng = np.random.default_rng(0)
for size in (40, 1000):
    rows = rng.permutation(len(y))[:size]
    picked = NaiveBayesVsLogistic().fit(X[rows], y[rows]).selected_
    print(f"{size:>5} labels: {picked}")
