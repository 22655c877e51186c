# SPDX-License-Identifier: BSD-3-Clause
"""
Samples needed against dimension: O(log n) and O(n)
===================================================

How many samples does each head need before its error is within one percent of the best
possible? The paper's simulation (`arXiv 2302.02334 <https://arxiv.org/abs/2302.02334>`_)
draws Gaussian classes with a common diagonal covariance, so that naive Bayes' assumption
holds, and lets the number of features grow.
"""

# %%
# The simulation
# --------------
#
# For each number of features, samples are added until the mean test error over a few draws
# falls below 0.01 (the Bayes error is practically zero at these dimensions). Sizes grow by
# fifteen percent.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from sklearn_theory.datasets import make_gaussian_regimes
from sklearn_theory.linear_model import SharedVarianceNB

DIMENSIONS = [50, 100, 200, 400]
N_DRAWS = 3


def samples_needed(head, n_features, n_classes):
    """Return the first size at which the mean test error is at most 0.01."""
    draws = [
        make_gaussian_regimes(
            n_samples=100 * n_features + 2000,
            n_features=n_features,
            n_classes=n_classes,
            random_state=seed,
        )
        for seed in range(N_DRAWS)
    ]
    size = 2 * n_classes
    while size < 20 * n_features:
        if np.mean([test_error(head, X, y, size, n_classes) for X, y in draws]) <= 0.01:
            return size
        size = max(size + 1, int(1.15 * size))
    return np.nan


def test_error(head, X, y, size, n_classes):
    """Error on the last 2000 rows after training on `size` rows with every class."""
    first = np.concatenate([np.flatnonzero(y == k)[:1] for k in range(n_classes)])
    rows = np.union1d(first, np.arange(size - n_classes))
    return 1 - head.fit(X[rows], y[rows]).score(X[-2000:], y[-2000:])


heads = {
    "shared-variance naive Bayes": (SharedVarianceNB(), "#0072B2"),
    "logistic regression": (LogisticRegression(max_iter=1000), "#D55E00"),
}
needed = {
    name: [samples_needed(head, n, n_classes=2) for n in DIMENSIONS]
    for name, (head, _) in heads.items()
}
for name, sizes in needed.items():
    print(f"{name:<28}", dict(zip(DIMENSIONS, sizes)))

# %%
# The picture
# -----------
#
# Logistic regression's need doubles when the number of features doubles; naive Bayes' stays
# where it is.

figure, axes = plt.subplots(figsize=(6.5, 4.4), layout="constrained")
for name, (_, colour) in heads.items():
    axes.plot(DIMENSIONS, needed[name], "o-", color=colour, label=name)
slope = needed["logistic regression"][-1] / DIMENSIONS[-1]
axes.plot(
    DIMENSIONS,
    slope * np.array(DIMENSIONS),
    color="0.6",
    linestyle="--",
    zorder=0,
    label="proportional to n",
)
axes.set(
    xscale="log",
    yscale="log",
    xlabel="number of features n",
    ylabel="samples until the error is below 0.01",
    title="Two classes with a common diagonal covariance",
)
axes.set_xticks(DIMENSIONS, DIMENSIONS)
axes.minorticks_off()
axes.legend()
plt.show()
