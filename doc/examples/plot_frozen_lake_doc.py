# SPDX-License-Identifier: BSD-3-Clause
"""
A frozen lake, more and less slippery
=====================================

On a frozen lake of four by four fields one moves where one means to with some probability,
and else to a side. The log holds a hundred walks of someone who knows the best way but acts
at random now and then. What does Dichotomy of Control
(`arXiv 2210.13435 <https://arxiv.org/abs/2210.13435>`_) make of them, what does conditioning
on success, and is the promise kept?
"""

# %%
# Policies and their exact values
# -------------------------------
#
# The policies are tables of the probability of each action in each field, so that the
# probability of reaching the goal within a hundred steps is a matter of matrix products.
# ``history="markov"`` says that rewards and slips depend on the field and the action only.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from sklearn_theory.datasets import make_frozen_lake
from sklearn_theory.offline_rl import TabularDoC

BETAS, COLOURS = (0.0, 1.0, 3.0), ("#CC79A7", "#0072B2", "#56B4E9")
INTENDED = [1 / 3, 0.5, 0.65, 0.8, 1.0]
SEEDS = range(5)
FIELDS = np.arange(16.0)[:, np.newaxis]
HOLES, GOAL = [5, 7, 11, 12], 15
MOVES = [(0, -1), (1, 0), (0, 1), (-1, 0)]  # left, down, right, up


def transitions(intended):
    """Return the probability of each field after each field and action."""
    chance = np.zeros((16, 4, 16))
    turns = [(0, intended), (1, (1 - intended) / 2), (3, (1 - intended) / 2)]
    for field in range(16):
        for action in range(4):
            for turn, probability in turns:
                move = np.add(divmod(field, 4), MOVES[(action + turn) % 4])
                row, column = np.clip(move, 0, 3)
                chance[field, action, 4 * row + column] += probability
    return chance


def success(policy, intended, n_steps=100):
    """Return how probable a policy is to reach the goal."""
    moves = np.einsum("sa,sat->st", policy, transitions(intended))
    values = np.zeros(16)
    for _ in range(n_steps):
        values[HOLES], values[GOAL] = 0.0, 1.0
        values = moves @ values
    return values[0]


def conditioned_on_success(log):
    """Act as often as the walks did that went on to the goal."""
    field, reached = log.observations[:, 0].astype(int), log.returns_to_go() > 0.5
    policy = np.full((16, 4), 0.25)
    for s in np.unique(field):
        rows = (field == s) & reached if ((field == s) & reached).any() else field == s
        policy[s] = np.bincount(log.actions[rows], minlength=4) / rows.sum()
    return policy


def doc(log, beta, seed):
    """Return DoC's policy and what it promises."""
    model = TabularDoC(32, beta=beta, history="markov", n_init=1, random_state=seed)
    with warnings.catch_warnings():
        # Where beta is 0 it says itself that the promise may be luck.
        warnings.filterwarnings("ignore", "The policy promises")
        warnings.filterwarnings("ignore", "The best of 1 starts")
        model.fit(**log.to_dict())
    policy = np.zeros((16, 4))
    policy[:, model.classes_] = model.predict_proba(
        FIELDS, z=model.select_latent([[0.0]])[0]
    )
    return policy, model.expected_return_


# %%
# A hundred walks, twenty-five times
# ----------------------------------


def compare(intended, epsilon, seed):
    """Return the log's success, that of conditioning on it, and DoC's with promises."""
    log = make_frozen_lake(100, intended=intended, epsilon=epsilon, random_state=seed)
    row = [log.returns().mean(), success(conditioned_on_success(log), intended)]
    for beta in BETAS:
        policy, promise = doc(log, beta, seed)
        row += [success(policy, intended), promise]
    return row


results = {
    epsilon: np.mean(
        [[compare(p, epsilon, seed) for seed in SEEDS] for p in INTENDED], axis=1
    )
    for epsilon in (0.1, 0.5)
}

# %%
# Success and promise
# -------------------

figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
LINES = [
    (0, "the log", "#6e7781", ":"),
    (1, "conditioned on success", "#D55E00", "-"),
    (4, "DoC, beta = 1", "#0072B2", "-"),
    (6, "DoC, beta = 3", "#56B4E9", "-"),
]
for ax, (epsilon, values) in zip(axes, results.items()):
    for column, label, colour, style in LINES:
        ax.plot(
            INTENDED, values[:, column], style, marker="o", color=colour, label=label
        )
    ax.set(
        title=f"walks with {epsilon:.0%} random actions",
        xlabel="probability of the intended move",
        ylim=(0, 1.03),
    )
axes[0].set_ylabel("probability of reaching the goal")
axes[0].legend()

for epsilon, marker in ((0.1, "o"), (0.5, "s")):
    values = results[epsilon]
    for beta, achieved, colour in zip(BETAS, (2, 4, 6), COLOURS):
        axes[2].plot(
            INTENDED,
            values[:, achieved + 1] - values[:, achieved],
            marker=marker,
            color=colour,
            label=f"beta = {beta:g}, {epsilon:.0%} random",
        )
axes[2].axhline(0, color="black", linewidth=0.8)
axes[2].set(
    title="what DoC promises beyond what it earns",
    xlabel="probability of the intended move",
    ylim=(-0.03, 0.95),
)
axes[2].legend(fontsize=8, ncols=2, loc="upper right")
plt.show()

# %%
# With ``beta=1`` DoC earns more than conditioning on success, or as much. But it promises more
# than that: part of what its latents know is luck. With ``beta=3`` promises are kept to a few
# hundredths, and where half of the actions were random that costs success: in a hundred such
# walks hardly any plan was followed often enough to be told from luck. Who wants to know what
# to expect takes the larger ``beta``; who only wants to arrive takes the smaller one. Without
# slips (at 1) nothing is luck.
