# SPDX-License-Identifier: BSD-3-Clause
"""Decision problems whose state is what is seen, and logs of many episodes at once."""

import numpy as np

from ._trajectories import TrajectoryDataset


class DecisionProblem:
    """A problem in which the observation is all that the future depends on.

    Subclasses set `n_actions` (or `action_range`, the lowest and the highest value of each
    action), `observation_range`, `n_observations` (if observations are numbered from 0)
    and `horizon` (None if only the task ends episodes), and define how many episodes at
    once begin and go on.
    """

    n_actions = None
    action_range = None
    n_observations = None
    horizon = None

    def begin(self, n_episodes, random):
        """Draw first observations.

        Parameters
        ----------
        n_episodes : int
            How many.

        random : RandomState
            What to draw from.

        Returns
        -------
        observations : ndarray of shape (n_episodes, n_features)
            The first observations.
        """
        raise NotImplementedError

    def advance(self, observations, actions, random):
        """Act once in each of some episodes.

        Parameters
        ----------
        observations : ndarray of shape (n_episodes, n_features)
            What is seen.

        actions : ndarray of shape (n_episodes,) or (n_episodes, n_action_features)
            What is done.

        random : RandomState
            What to draw from.

        Returns
        -------
        next_observations : ndarray of shape (n_episodes, n_features)
            What is seen then.

        rewards : ndarray of shape (n_episodes,)
            What is earned.

        terminated : ndarray of shape (n_episodes,)
            Whether the task is over.
        """
        raise NotImplementedError


def simulate(problem, behaviour, n_episodes, random, first=None):
    """Log episodes of a behaviour, all of them in step.

    Parameters
    ----------
    problem : DecisionProblem
        The problem.

    behaviour : callable
        ``behaviour(observations, episodes, random)`` returns actions for the episodes
        with these numbers.

    n_episodes : int
        How many.

    random : RandomState
        What to draw from.

    first : ndarray of shape (n_episodes, n_features) or None, default=None
        First observations; None draws them.

    Returns
    -------
    log : TrajectoryDataset
        The log, the rows of each episode together.
    """
    now = problem.begin(n_episodes, random) if first is None else first
    episodes = np.arange(n_episodes)
    columns = []
    while len(episodes):
        actions = behaviour(now, episodes, random)
        then, rewards, terminated = problem.advance(now, actions, random)
        is_last = problem.horizon is not None and len(columns) + 1 >= problem.horizon
        truncated = ~terminated & is_last
        columns.append((now, actions, rewards, episodes, then, terminated, truncated))
        goes_on = ~(terminated | truncated)
        now, episodes = then[goes_on], episodes[goes_on]
    stacked = [np.concatenate(column) for column in zip(*columns)]
    order = np.argsort(stacked[3], kind="stable")
    return TrajectoryDataset(*(column[order] for column in stacked))
