# SPDX-License-Identifier: BSD-3-Clause
"""One Gymnasium environment for every decision problem; imports Gymnasium."""

import gymnasium
import numpy as np


class ProblemEnvironment(gymnasium.Env):
    """Act in a problem, one episode at a time.

    Parameters
    ----------
    problem : DecisionProblem
        The problem.
    """

    metadata = {"render_modes": []}

    def __init__(self, problem):
        self.problem = problem
        self.action_space = _action_space(problem)
        self.observation_space = _observation_space(problem)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._observations = self.problem.begin(1, self._random())
        self._n_steps = 0
        return self._seen(), {}

    def step(self, action):
        if not self.action_space.contains(action):
            raise ValueError(f"action must be in {self.action_space}, got {action!r}.")
        self._observations, rewards, terminated = self.problem.advance(
            self._observations, np.asarray(action)[np.newaxis], self._random()
        )
        self._n_steps += 1
        is_last = self.problem.horizon == self._n_steps
        truncated = is_last and not terminated[0]
        return self._seen(), float(rewards[0]), bool(terminated[0]), truncated, {}

    def _seen(self):
        if self.problem.n_observations is not None:
            return int(self._observations[0, 0])
        return self._observations[0].copy()

    def _random(self):
        """The problems draw from numpy's older generator; share the stream's state."""
        return np.random.RandomState(self.np_random.bit_generator)


def _action_space(problem):
    if problem.n_actions is not None:
        return gymnasium.spaces.Discrete(problem.n_actions)
    return gymnasium.spaces.Box(*problem.action_range, dtype=np.float64)


def _observation_space(problem):
    if problem.n_observations is not None:
        return gymnasium.spaces.Discrete(problem.n_observations)
    return gymnasium.spaces.Box(*problem.observation_range, dtype=np.float64)
