# SPDX-License-Identifier: BSD-3-Clause
"""
Thresholds and their bound, round by round
==========================================

By default :class:`~sklearn_theory.semi_supervised.SelfTrainer` chooses a threshold for each
class in each round, such that a bound on the error among the rows to be pseudo-labelled is
least (`arXiv 2202.12040 <https://arxiv.org/abs/2202.12040>`_). What does that choice look
like, and how does it go on?
"""

# %%
# One class in the first round
# ----------------------------
#
# A forest is fitted to 60 digits and votes on all others. For each threshold of one class,
# the bound on the wrong pseudo-labels is divided by the rows that would get one. A low
# threshold takes in many wrong rows; for a high one few rows are left to divide by. Where the
# curve is lowest is the threshold. The error that nobody knows yet is drawn below it. With
# ``exact=True`` the bound is the largest error that any classifier with these votes could
# have: it never exceeds what the posterior says of the rows, keeps falling, and chooses fewer
# and surer rows in each round.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from sklearn_theory.semi_supervised import SelfTrainer, transductive_bound

X, truth = load_digits(return_X_y=True)
labelled, hidden = train_test_split(
    np.arange(len(truth)), train_size=60, stratify=truth, random_state=0
)
y = np.full(len(truth), -1)
y[labelled] = truth[labelled]
model = SelfTrainer(RandomForestClassifier(100, random_state=0)).fit(X, y)

DIGIT = 9
votes = model.initial_estimator_.predict_proba(X[hidden])
predicted = votes.argmax(axis=1) == DIGIT
thetas = np.linspace(votes[predicted, DIGIT].min(), votes[:, DIGIT].max(), 60)[:-1]
others = np.arange(10) != DIGIT


def bound_and_error(theta, exact):
    """The bound on the error among the rows above a threshold, and that error."""
    chosen = predicted & (votes[:, DIGIT] >= theta)
    bound = transductive_bound(votes, votes, theta, exact=exact)[others, DIGIT]
    wrong = (votes.sum(axis=0)[others] * bound).sum()
    return wrong / chosen.sum(), np.mean(truth[hidden][chosen] != DIGIT)


grid, error = np.transpose([bound_and_error(theta, exact=False) for theta in thetas])
exact, _ = np.transpose([bound_and_error(theta, exact=True) for theta in thetas])

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.plot(thetas, grid, color="#0072B2", label="bound, grid of gamma")
axis.plot(thetas, exact, color="#56B4E9", label="bound, exact")
axis.plot(thetas, error, color="#D55E00", label="error")
axis.axvline(model.thresholds_[0, DIGIT], color="0.4", linestyle="--")
axis.text(model.thresholds_[0, DIGIT], 1.9, " chosen", va="top")
axis.set(
    xlabel="threshold of the votes",
    ylabel=f"among the rows labelled {DIGIT}",
    ylim=(0, 2),
    title=f"Digit {DIGIT} in the first round",
)
axis.legend()

# %%
# All classes, all rounds
# -----------------------
#
# ``plot_history`` draws the thresholds of the classes, the bound on the error among all rows
# of a round, and how many there were. Sure rows come first; the bound says that those of the
# later rounds can be trusted less and less.

display = model.plot_history()
display.figure_.set_size_inches(8, 6)
print(model.history_)

# %%
# Were they?
# ----------

for n_round in range(1, model.n_iter_ + 1):
    rows = model.labeled_iter_ == n_round
    if rows.any():
        wrong = np.mean(model.transduction_[rows] != truth[rows])
        bound = model.bound_history_[n_round - 1]
        print(
            f"round {n_round}: {rows.sum():4d} rows, {wrong:.3f} wrong, bound {bound:.3f}"
        )
print(f"supervised: {model.initial_estimator_.score(X[hidden], truth[hidden]):.3f}")
print(f"self-trained: {model.score(X[hidden], truth[hidden]):.3f}")
plt.show()
