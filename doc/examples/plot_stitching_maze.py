# SPDX-License-Identifier: BSD-3-Clause
"""
Stitching in a maze
===================

No logged walk is short and ends well, but the first half of one and the second half of
another are. A policy that is conditioned on returns cannot put them together: it asks for
the best return that was ever earned, and that was a detour. MBRCSL
(`arXiv 2310.19308 <https://arxiv.org/abs/2310.19308>`_) imagines episodes first, keeps those
that beat the whole log, and learns from them.
"""

# %%
# The log
# -------
#
# The corridor has the shape of a C that lies on its back. Walks start at its upper right end,
# the goal is at the lower right one, and near it much is earned in each step. Some walks step
# down right away, but then turn from the goal; the others reach it by the long way round.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_theory.datasets import make_environment, make_stitch_maze
from sklearn_theory.offline_rl import (
    MBRCSL,
    BehaviorPolicy,
    DynamicsEnsemble,
    RCSLPolicy,
    return_curve,
    rollout,
)

log = make_stitch_maze(200, random_state=1)
print(log)

# %%
# Learning from imagined walks
# ----------------------------
#
# An ensemble of small networks learns where a step leads and what it earns, a diffusion model
# what was done where. Together they imagine walks. Those above the best logged return are kept.

networks = {"hidden_layer_sizes": (64, 64)}
model = MBRCSL(
    dynamics=DynamicsEnsemble(5, **networks),
    behavior=BehaviorPolicy(**networks),
    policy=RCSLPolicy(**networks),
    rollout_batch_size=500,
    random_state=0,
).fit(**log.to_dict())
print(f"{model.acceptance_rate_:.0%} of {model.n_rollouts_} imagined walks are kept")

# %%
# The same policy without imagination asks the log for its highest return.

conditioned = RCSLPolicy(random_state=0, **networks).fit(**log.to_dict())
maze = make_environment("stitch_maze")
walks = {
    "conditioned on the return": rollout(maze, conditioned, 20, random_state=0),
    "MBRCSL": rollout(maze, model, 20, random_state=0),
}
print(f"best logged walk            {log.returns().max():.1f}")
for name, walk in walks.items():
    print(f"{name:<27} {walk.returns().mean():.1f}")

# %%
# The picture
# -----------
#
# Blue walks step down and turn away, orange ones go round. The imagined walks that were
# kept take the first way as far as the crossing, and then the second.

BLUE, ORANGE, GREEN, GREY, WALL = "#0072B2", "#E69F00", "#009E73", "#6e7781", "#d0d7de"
CELLS = [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (2, 4)]


def draw_maze(axes, title):
    """Draw the walls, the start and the goal."""
    axes.set_facecolor(WALL)
    for row, column in CELLS:
        corner = (column - 3, 1 - row)
        axes.add_patch(plt.Rectangle(corner, 1, 1, color="white", zorder=0))
    axes.plot(-0.5, 0.5, "s", color="black", markersize=7, zorder=4)
    axes.plot(1.5, -0.5, "*", color="black", markersize=14, zorder=4)
    axes.annotate("start", (-0.5, 0.5), (0.1, 0.62), va="center")
    axes.annotate("goal", (1.5, -0.5), (1.5, -1.22), ha="center")
    axes.set(
        xlim=(-2.15, 2.15), ylim=(-1.4, 1.15), aspect="equal", xticks=[], yticks=[]
    )
    axes.set_title(title, fontsize=11)


def draw_walks(axes, walks, episodes, color, **style):
    """Draw some walks, each as a line."""
    for episode in walks.to_episodes():
        if episodes == 0:
            break
        path = episode["observations"]
        axes.plot(path[:, 0], path[:, 1], color=color, **style)
        episodes -= 1


turns_away = log.select(log.episode_ids < 100)
detours = log.select(log.episode_ids >= 100)
figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), layout="constrained")
draw_maze(axes[0, 0], f"logged walks: at best {log.returns().max():.1f}")
draw_walks(axes[0, 0], turns_away, 25, BLUE, alpha=0.5, linewidth=1)
draw_walks(axes[0, 0], detours, 25, ORANGE, alpha=0.5, linewidth=1)
draw_maze(axes[0, 1], f"imagined walks that were kept: {model.threshold_:.1f} and more")
draw_walks(axes[0, 1], model.rollouts_, 40, GREEN, alpha=0.4, linewidth=1)
for panel, (name, walk) in zip(axes[1], walks.items()):
    draw_maze(panel, f"{name}: {walk.returns().mean():.1f} on average")
    color = GREEN if name == "MBRCSL" else GREY
    draw_walks(panel, walk, 20, color, alpha=0.7, linewidth=1.2)
plt.show()

# %%
# How far to trust it
# -------------------
#
# Imagined returns are predictions. The report replays logged actions in the model, and compares
# its error with the improvement that is promised.

print(model.theory_report(**log.to_dict()).to_string(meanings=False))

# %%
# Requested and achieved
# ----------------------
#
# Each policy roughly keeps its word where it has seen such returns: without imagination
# nearly up to the best logged walk, with it nearly up to the best imagined one. Beyond that
# a request is an extrapolation; who asks the log alone for more earns less. Bands hold
# eight walks of ten.

requested = np.arange(2.0, 37.0, 3.0)
figure, axis = plt.subplots(figsize=(6.5, 4.4), layout="constrained")
axis.plot(requested, requested, color="black", linewidth=0.8, label="as requested")
for name, policy, color, highest in (
    ("conditioned on the return", conditioned, GREY, log.returns().max()),
    ("MBRCSL", model, GREEN, model.rollouts_.returns().max()),
):
    curve = return_curve(maze, policy, requested, n_episodes=10, random_state=0)
    axis.plot(requested, curve.achieved, "o-", color=color, label=name)
    low, high = np.quantile(curve.returns, [0.1, 0.9], axis=1)
    axis.fill_between(requested, low, high, color=color, alpha=0.2)
    axis.axvline(highest, color=color, linestyle=":")
axis.annotate("best logged", (log.returns().max() - 0.3, 34), ha="right", color=GREY)
axis.annotate(
    "best imagined", (model.rollouts_.returns().max() - 0.3, 1), ha="right", color=GREEN
)
axis.set(xlabel="return requested", ylabel="return achieved")
axis.legend(loc="upper left")
plt.show()
