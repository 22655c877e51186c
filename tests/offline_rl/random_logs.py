# SPDX-License-Identifier: BSD-3-Clause
"""Random decision processes and random latents, for the tests of this room."""

import numpy as np
from scipy.special import softmax

from sklearn_theory.datasets import TrajectoryDataset


def random_log(rng, n_episodes=60, horizon=3, n_states=3, n_actions=2):
    """Episodes of a random decision process, with rewards of one decimal."""
    chance = rng.dirichlet(np.ones(n_states), size=(horizon, n_states, n_actions))
    habit = rng.dirichlet(np.ones(n_actions), size=(horizon, n_states))
    reward = rng.integers(-5, 6, size=(n_states, n_actions)) / 10
    rows, state = [], np.zeros(n_episodes, dtype=int)
    for t in range(horizon):
        action = np.array([rng.choice(n_actions, p=habit[t, s]) for s in state])
        gain = reward[state, action] + rng.integers(2, size=n_episodes) / 10
        rows.append((state, action, gain.round(9), np.arange(n_episodes)))
        state = np.array(
            [rng.choice(n_states, p=chance[t, s, a]) for s, a in zip(state, action)]
        )
    state, action, gain, episode = (np.concatenate(x) for x in zip(*rows))
    return TrajectoryDataset(state[:, np.newaxis].astype(float), action, gain, episode)


def random_latents(rng, n_episodes, n_latents=3, sharpness=2.0):
    return softmax(sharpness * rng.normal(size=(n_episodes, n_latents)), axis=1)
