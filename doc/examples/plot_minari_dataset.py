# SPDX-License-Identifier: BSD-3-Clause
"""
Using a Minari dataset
======================

`Minari <https://minari.farama.org>`_ is where logs of Gymnasium's environments are published,
as scikit-learn's ``fetch_openml`` is for tables. This page makes a small dataset, so that it
needs no network, loads it by its name as any other, learns from it, and tries the result in the
environment that the dataset remembers. It needs ``pip install "sklearn_theory[rl]"``.
"""

# %%
# Two lakes
# ---------
#
# ``FrozenLake-v1`` is a lake of four by four fields, some of which are holes. Each step
# moves one field to the left, down, to the right or up. Who reaches the goal earns 1, who
# falls into a hole or is late earns nothing. There is a version without slips, and one in
# which two of three steps go to a side instead.
#
# The log comes from a beginner who knows only that the goal is somewhere down on the right, and
# does not see the holes.

import os
import tempfile

import gymnasium
import matplotlib.pyplot as plt
import minari
import numpy as np

from sklearn_theory.datasets import TrajectoryDataset
from sklearn_theory.offline_rl import RCSLPolicy, rollout

folder = tempfile.TemporaryDirectory()
os.environ["MINARI_DATASETS_PATH"] = folder.name

moves = np.random.default_rng(0)


def beginner(X):
    """Go down or right most of the time: 0 is left, 1 down, 2 right, 3 up."""
    return moves.choice(4, p=[0.1, 0.4, 0.4, 0.1], size=len(X))


def publish(name, is_slippery):
    """Log walks of the beginner, and store them as a Minari dataset."""
    lake = gymnasium.make("FrozenLake-v1", is_slippery=is_slippery)
    rollout(lake, beginner, 500, random_state=0).to_minari(
        name,
        env=lake,
        eval_env=lake,
        algorithm_name="a beginner",
        author="the documentation",
        author_email="documentation@example.org",
        code_permalink="https://example.org/plot_minari_dataset.py",
        description="500 walks on a frozen lake.",
    )


NAMES = {"no slips": "lake/firm-v0", "slippery": "lake/slippery-v0"}
for world, name in NAMES.items():
    publish(name, is_slippery=world == "slippery")

# %%
# (Minari's own ``DataCollector``, wrapped around an environment, does the same while it is
# played; it needs ``pip install "minari[create]"``. Datasets of others come with
# ``minari.download_dataset``.)

# %%
# From the name to a policy
# -------------------------
#
# This is all that it takes with a dataset of others.
# :class:`~sklearn_theory.offline_rl.RCSLPolicy` learns what was done when a return
# followed, and is then asked for the highest logged one: to reach the goal. Since there are
# only 16 observations, it can count (``head="tabular"``).

print(sorted(minari.list_local_datasets()))
logs, lakes, policies, walks = {}, {}, {}, {}
for world, name in NAMES.items():
    logs[world] = TrajectoryDataset.from_minari(name)
    lakes[world] = minari.load_dataset(name).recover_environment()
    policy = RCSLPolicy("discrete", head="tabular", deterministic=False, random_state=0)
    policies[world] = policy.fit(**logs[world].to_dict())
    walks[world] = rollout(lakes[world], policy, 500, random_state=1)
    print(f"\n{world}: {logs[world]}")
    print(f"the beginner reaches the goal in {logs[world].returns().mean():.1%}")
    print(f"the policy reaches the goal in   {walks[world].returns().mean():.1%}")

# %%
# The walks
# ---------
#
# The star is the goal, dots are holes. The darker a field, the more of the walks came by;
# the longer an arrow, the more probable the step. The beginner's arrows are alike
# everywhere. What is left of them if only those walks count that reached the goal is what
# the policy does.

FIELDS = np.arange(16)
ROWS, COLUMNS = np.divmod(FIELDS, 4)
ARROWS = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])
HOLES, GOAL = (5, 7, 11, 12), 15


def share_of_walks(log):
    """In how many walks each field was seen, with what was seen at the end."""
    shares = np.zeros(16)
    for episode in log.to_episodes():
        shares[np.unique(episode["observations"].astype(int))] += 1
    return shares / log.n_episodes


def draw_lake(axis, shares, probabilities, title):
    """Draw the fields, and an arrow for each step that is not rare."""
    axis.imshow(shares.reshape(4, 4), cmap="Blues", vmin=0, vmax=1.5)
    axis.plot(COLUMNS[list(HOLES)], ROWS[list(HOLES)], "o", color="black", ms=17)
    axis.plot(3, 3, "*", color="#D55E00", ms=24)
    for field in np.setdiff1d(FIELDS, [*HOLES, GOAL]):
        for step, probability in zip(ARROWS, probabilities[field]):
            if probability > 0.05:
                axis.annotate(
                    "",
                    (COLUMNS[field], ROWS[field]) + 0.48 * probability**0.5 * step,
                    (COLUMNS[field], ROWS[field]),
                    arrowprops={
                        "arrowstyle": "-|>",
                        "color": "#D55E00",
                        "shrinkA": 0,
                        "shrinkB": 0,
                    },
                )
    axis.set(title=title, xticks=[], yticks=[])


frequencies = np.tile([0.1, 0.4, 0.4, 0.1], (16, 1))
figure, axes = plt.subplots(2, 2, figsize=(7.6, 8), layout="constrained")
for (left, right), world in zip(axes, NAMES):
    goal = logs[world].returns().mean(), walks[world].returns().mean()
    known = np.isin(FIELDS, logs[world].observations)
    learnt = policies[world].predict_proba(FIELDS[:, np.newaxis])
    learnt[~known] = 0
    draw_lake(
        left,
        share_of_walks(logs[world]),
        frequencies,
        f"{world}, the beginner: {goal[0]:.0%} reach the goal",
    )
    draw_lake(
        right,
        share_of_walks(walks[world]),
        learnt,
        f"{world}, asked for the goal: {goal[1]:.0%}",
    )
plt.show()

# %%
# Without slips the policy avoids all holes, though it was never told of any, and reaches the
# goal by the ways on which the beginner came there. On slippery ice nothing is gained.

# %%
# Could one have known?
# ---------------------

for world in NAMES:
    report = policies[world].theory_report(**logs[world].to_dict())
    print(f"{world}\n{report.to_string(meanings=False)}\n")

# %%
# Yes: to ask for a return is right where the same step in the same place has the same
# outcome. The report measures that (*certainty of rewards and transitions*), with the log
# alone: it holds without slips, and fails with them. (That the policy does not agree with
# the best walk everywhere does no harm: many walks reached the goal by different ways, and
# it knows all of them.)
#
# On slippery ice the walks that reached the goal were lucky ones, and to repeat their steps
# does not repeat the luck. What helps there is a log of someone who knows the way, and a
# method that tells luck from control, as in :ref:`the frozen lake
# <sphx_glr_gallery_plot_frozen_lake_doc.py>`.

for lake in lakes.values():
    lake.close()
folder.cleanup()
