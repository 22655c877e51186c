# SPDX-License-Identifier: BSD-3-Clause
"""
Luck against control
====================

A log holds episodes that went well. Some went well because of what was done, others by
luck, and a policy that imitates all of them imitates the lucky ones, too. Dichotomy of
Control (`arXiv 2210.13435 <https://arxiv.org/abs/2210.13435>`_) sums episodes up in latents
that predict actions but may know nothing about luck, so that what a latent promises is what
its policy earns.
"""

# %%
# A bandit whose worse arm was pulled most
# ----------------------------------------
#
# Arm 0 earns 1 with probability :math:`p`, arm 1 with :math:`1 - p`, but arm 1 was pulled
# in a share :math:`p` of the cases only. Among the pulls that earned 1 both arms are equally
# frequent, so whoever asks a policy that is conditioned on returns for a 1 gets either arm.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from sklearn_theory.datasets import (
    make_bernoulli_bandit,
    make_environment,
    make_lucky_tree,
)
from sklearn_theory.offline_rl import TabularDoC, rollout

SEEDS = range(5)
PROBABILITIES = np.linspace(0.05, 0.5, 10)
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6e7781"


def earned_by_the_bandits_policies(probability, seed):
    """Return what DoC and conditioning on the return earn, and what DoC promises."""
    log = make_bernoulli_bandit(1000, probability=probability, random_state=seed)
    model = TabularDoC(n_latents=4, random_state=seed).fit(*log.to_arrays())
    second_arm = np.array(
        [model.predict_proba([[0.0]])[0, 1], log.actions[log.rewards == 1].mean()]
    )
    earned = second_arm * (1 - probability) + (1 - second_arm) * probability
    return *earned, model.expected_return_


bandit = np.array(
    [[earned_by_the_bandits_policies(p, seed) for seed in SEEDS] for p in PROBABILITIES]
)

# %%
# Actions that give luck away
# ---------------------------
#
# In the second problem the first action is safe (0.6) or risky (1 or 0, evenly), and the
# second action earns nothing, but tells how the risk went: after good luck it was mostly 1,
# after bad luck mostly 0. Latents that only predict actions (``beta=0``) soon know the luck,
# and one of them promises nearly 1. With ``beta`` they may not.

BETAS = [0.0, 0.0001, 0.001, 0.01, 0.1, 1.0, 10.0]


def promise_and_achievement(beta, seed):
    """Return what DoC promises on the lucky tree, and what it earns there."""
    log = make_lucky_tree(4000, random_state=seed)
    with warnings.catch_warnings():
        # It says itself that the promise may be luck.
        warnings.filterwarnings("ignore", "The policy promises")
        model = TabularDoC(n_latents=16, beta=beta, n_init=2, random_state=seed)
        model.fit(*log.to_arrays())
    tree = make_environment("lucky_tree")
    earned = rollout(tree, model, 200, random_state=seed).returns().mean()
    return model.expected_return_, earned


lucky = np.array(
    [[promise_and_achievement(beta, seed) for seed in SEEDS] for beta in BETAS]
)

# %%
# Both in one picture
# -------------------
#
# Bars and bands reach from the least to the largest of five seeds.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")


def draw_band(ax, x, values, label, **style):
    ax.plot(x, values.mean(axis=1), label=label, **style)
    ax.fill_between(
        x, values.min(axis=1), values.max(axis=1), color=style["color"], alpha=0.15
    )


draw_band(left, PROBABILITIES, bandit[..., 0], "DoC earns", color=BLUE, marker="o")
draw_band(
    left, PROBABILITIES, bandit[..., 2], "DoC promises", color=GREY, linestyle="--"
)
draw_band(
    left,
    PROBABILITIES,
    bandit[..., 1],
    "conditioned on the return",
    color=ORANGE,
    marker="s",
)
left.set(
    title="Bandit: the better arm is seldom pulled",
    xlabel="share of pulls of the better arm, p",
    ylabel="mean reward",
    ylim=(0.4, 1.02),
)
left.legend()

places = np.arange(len(BETAS))
for shift, column, label, colour in (
    (-0.12, 0, "promised", GREY),
    (0.12, 1, "earned", BLUE),
):
    values = lucky[..., column]
    mean = values.mean(axis=1)
    spread = [mean - values.min(axis=1), values.max(axis=1) - mean]
    right.errorbar(
        places + shift, mean, spread, fmt="o", color=colour, label=label, capsize=3
    )
right.axhline(0.6, color="black", linewidth=0.8, linestyle=":")
right.annotate("the best that can be expected", (2.4, 0.62))
right.set(
    title="Lucky tree: promises with and without beta",
    xlabel="beta",
    ylabel="mean return",
    ylim=(0.4, 1.02),
)
right.set_xticks(places, [f"{beta:g}" for beta in BETAS])
right.legend()
plt.show()

# %%
# On the left DoC earns what the better arm earns, whatever :math:`p` is, and conditioning
# on the return earns a half. On the right latents that may know luck promise much and earn
# a half; from a small ``beta`` on promises are kept.
