# SPDX-License-Identifier: BSD-3-Clause
"""Episodes that a behaviour and a model of the dynamics imagine together.

All episodes of a batch take each step at once, into arrays made beforehand. An episode
that has ended stays in its row, masked.
"""

from dataclasses import dataclass, fields

import numpy as np

from ..datasets import TrajectoryDataset
from ._policy_heads import draw_codes


@dataclass
class ImaginedEpisodes:
    """Episodes of a batch, side by side.

    Parameters
    ----------
    observations, next_observations : ndarray of shape (n_episodes, horizon, n_features)
        What was imagined to be seen before and after each step.

    actions : ndarray of shape (n_episodes, horizon, ...)
        What was done.

    rewards : ndarray of shape (n_episodes, horizon)
        What was imagined to be earned; zero where the episode is over.

    goes_on : ndarray of shape (n_episodes, horizon)
        Whether each step was taken.

    terminated : ndarray of shape (n_episodes,)
        Whether the task ended the episode.

    returns : ndarray of shape (n_episodes,)
        Sums of rewards; minus infinity where the model left all bounds.
    """

    observations: np.ndarray
    next_observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    goes_on: np.ndarray
    terminated: np.ndarray
    returns: np.ndarray

    def __len__(self):
        return len(self.returns)

    def take(self, episodes):
        """Keep some episodes."""
        return ImaginedEpisodes(*(column[episodes] for column in self._columns()))

    @classmethod
    def concatenate(cls, parts):
        """Put batches together."""
        columns = zip(*(part._columns() for part in parts))
        return cls(*(np.concatenate(column) for column in columns))

    def to_log(self):
        """Lay the steps that were taken out as a log."""
        taken = self.goes_on
        lengths = taken.sum(axis=1)
        is_last = np.zeros_like(taken)
        is_last[np.arange(len(self)), lengths - 1] = True
        terminated = is_last & self.terminated[:, np.newaxis]
        return TrajectoryDataset(
            self.observations[taken],
            self.actions[taken],
            self.rewards[taken],
            np.repeat(np.arange(len(self)), lengths),
            self.next_observations[taken],
            terminated[taken],
            (is_last & ~terminated)[taken],
        )

    def _columns(self):
        return [getattr(self, field.name) for field in fields(self)]


class Imagination:
    """A behaviour and a model of the dynamics, which take steps together.

    Parameters
    ----------
    behavior, dynamics : estimator instance
        Fitted; draws are taken from ``sample``, else from ``predict_proba``, else
        ``predict`` is the only outcome.

    actions : ContinuousActions or DiscreteActions
        How actions become columns, and the range of the logged ones, to which draws are
        cut: beyond it the dynamics are not known.

    horizon : int
        The most steps.

    termination_fn : callable or None
        ``termination_fn(observations, actions, next_observations)`` tells where the task
        ends.

    reward_range : tuple of float or None
        To which rewards are cut.
    """

    def __init__(
        self, behavior, dynamics, actions, horizon, termination_fn, reward_range
    ):
        self.behavior, self.dynamics, self.actions = behavior, dynamics, actions
        self.horizon, self.termination_fn = horizon, termination_fn
        self.reward_range = reward_range

    def imagine(self, starts, random):
        """Imagine an episode from each start.

        Parameters
        ----------
        starts : ndarray of shape (n_episodes, n_features)
            First observations.

        random : RandomState
            What to draw from.

        Returns
        -------
        episodes : ImaginedEpisodes
            The episodes.
        """
        n, (now, running) = len(starts), (starts, np.ones(len(starts), dtype=bool))
        shape = (n, self.horizon)
        episodes = ImaginedEpisodes(
            observations=np.empty((*shape, starts.shape[1]), dtype=starts.dtype),
            next_observations=np.empty((*shape, starts.shape[1]), dtype=starts.dtype),
            actions=None,
            rewards=np.zeros(shape),
            goes_on=np.zeros(shape, dtype=bool),
            terminated=np.zeros(n, dtype=bool),
            returns=np.zeros(n),
        )
        for t in range(self.horizon):
            actions = self.actions.within_range(draw(self.behavior, now, random))
            then, rewards, is_finite = self._advance(now, actions, random)
            if episodes.actions is None:
                episodes.actions = np.empty((*shape, *actions.shape[1:]), actions.dtype)
            episodes.observations[:, t], episodes.actions[:, t] = now, actions
            episodes.next_observations[:, t] = then
            episodes.rewards[:, t] = np.where(running, rewards, 0.0)
            episodes.goes_on[:, t] = running
            episodes.returns[running & ~is_finite] = -np.inf
            ended = self._ended(now, actions, then) & running & is_finite
            episodes.terminated |= ended
            running = running & is_finite & ~ended
            now = np.where(running[:, np.newaxis], then, now)
            if not running.any():
                break
        episodes.returns += episodes.rewards.sum(axis=1)
        return episodes

    def advance(self, now, actions, random):
        """Draw what follows from observations and actions.

        Parameters
        ----------
        now : ndarray of shape (n_samples, n_features)
            Observations.

        actions : ndarray of shape (n_samples, ...)
            Actions.

        random : RandomState or None
            What to draw from; None takes means.

        Returns
        -------
        then : ndarray of shape (n_samples, n_features)
            Next observations.

        rewards : ndarray of shape (n_samples,)
            Rewards.
        """
        rows = np.column_stack([now, self.actions.as_features(actions)])
        rows = rows.astype(now.dtype, copy=False)
        if random is None:
            following = self.dynamics.predict(rows)
        else:
            following = draw(self.dynamics, rows, random)
        rewards = following[:, -1].astype(np.float64)
        if self.reward_range is not None:
            rewards = np.clip(rewards, *self.reward_range)
        return now + following[:, :-1].astype(now.dtype, copy=False), rewards

    def _advance(self, now, actions, random):
        """Draw what follows, and stay where a model leaves all bounds."""
        then, rewards = self.advance(now, actions, random)
        is_finite = np.isfinite(then).all(axis=1) & np.isfinite(rewards)
        then = np.where(is_finite[:, np.newaxis], then, now)
        return then, np.where(is_finite, rewards, 0.0), is_finite

    def _ended(self, now, actions, then):
        if self.termination_fn is None:
            return np.zeros(len(now), dtype=bool)
        ended = np.asarray(self.termination_fn(now, actions, then))
        if ended.shape != (len(now),):
            raise ValueError(
                f"termination_fn must return an array of shape ({len(now)},), got "
                f"{ended.shape}."
            )
        return ended.astype(bool)


def transition_table(log, rows, following, actions):
    """Lay transitions out for a model of the dynamics.

    Parameters
    ----------
    log : TrajectoryDataset
        The log.

    rows : ndarray of shape (n_transitions,)
        The rows after which it is known what was seen.

    following : ndarray of shape (n_transitions, n_features)
        What was seen.

    actions : ContinuousActions or DiscreteActions
        How actions become columns.

    Returns
    -------
    inputs : ndarray of shape (n_transitions, n_features + n_action_columns)
        Observations and actions.

    targets : ndarray of shape (n_transitions, n_features + 1)
        Changes of the observation, and rewards.
    """
    now = log.observations[rows]
    inputs = np.column_stack([now, actions.as_features(log.actions[rows])])
    targets = np.column_stack([following - now, log.rewards[rows]])
    return inputs.astype(now.dtype, copy=False), targets.astype(now.dtype, copy=False)


def draw(model, X, random):
    """Draw from a fitted model's law, in whatever way it tells the law.

    Parameters
    ----------
    model : estimator instance
        Has ``sample``, ``predict_proba`` or ``predict``.

    X : ndarray of shape (n_samples, n_features)
        Rows.

    random : RandomState
        What to draw from.

    Returns
    -------
    drawn : ndarray of shape (n_samples, ...)
        The draws; predictions, if the model tells no law.
    """
    if hasattr(model, "sample"):
        return model.sample(X, random_state=random)
    if hasattr(model, "predict_proba"):
        return model.classes_[draw_codes(model.predict_proba(X), random)]
    return model.predict(X)


class RolloutPool:
    """The episodes above a threshold, and the best of all as far as they may be needed.

    Parameters
    ----------
    threshold : float
        What an episode must exceed.

    most_rollouts : int
        How many episodes there may be in all.

    keep_best : {"never", "if_none", "always"}
        Whether the best tenth of all episodes may be needed.
    """

    SHARE = 0.1

    def __init__(self, threshold, most_rollouts, keep_best):
        self.threshold = threshold
        self.n_best = max(1, int(self.SHARE * most_rollouts))
        self.keep_best = keep_best
        self.accepted, self.best, self.returns = [], [], []

    def add(self, episodes):
        """Sort a batch."""
        is_accepted = episodes.returns > self.threshold
        self.returns.append(episodes.returns)
        if is_accepted.any():
            self.accepted.append(episodes.take(is_accepted))
        if self.keep_best == "never" or (self.accepted and self.keep_best == "if_none"):
            self.best = []
            return
        self.best.append(episodes)
        if sum(len(part) for part in self.best) > 2 * self.n_best:
            self.best = [_best(self.best, self.n_best)]

    @property
    def n_accepted(self):
        return sum(len(part) for part in self.accepted)

    @property
    def n_rollouts(self):
        return sum(len(part) for part in self.returns)

    def above_threshold(self):
        """Return the episodes above the threshold."""
        return ImaginedEpisodes.concatenate(self.accepted)

    def best_tenth(self):
        """Return the best tenth of all, or those above the threshold if they are more."""
        n = max(1, int(self.SHARE * self.n_rollouts))
        if self.n_accepted > n:
            return self.above_threshold()
        best = _best(self.best, n)
        return best.take(np.isfinite(best.returns))


def _best(parts, n):
    episodes = ImaginedEpisodes.concatenate(parts)
    order = np.argsort(-episodes.returns, kind="stable")
    return episodes.take(order[:n])
