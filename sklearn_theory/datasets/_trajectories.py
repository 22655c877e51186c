# SPDX-License-Identifier: BSD-3-Clause
"""A log of episodes as a table: one row for each decision."""

from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from ._episode_arrays import (
    check_actions,
    check_column,
    check_ends,
    check_observations,
    code_episodes,
)
from ._returns_to_go_fast import returns_to_go, rows_in_time
from ._trajectory_conversions import OPTIONAL, SHARED, TrajectoryConversions


@dataclass(eq=False, repr=False)
class TrajectoryDataset(TrajectoryConversions):
    """Episodes of decisions and rewards, one row for each decision.

    The rows of an episode are in time order; episodes need not be contiguous.

    Parameters
    ----------
    observations : array-like of shape (n_steps, n_features)
        What was seen before each decision. The axes of one observation are laid out in
        a row.

    actions : array-like of shape (n_steps,) or (n_steps, n_action_features)
        What was done: labels, or numbers.

    rewards : array-like of shape (n_steps,) or None, default=None
        What each decision earned; None stands for zeros.

    groups : array-like of shape (n_steps,) or None, default=None
        The episode of each row; None makes each row an episode.

    next_observations : array-like of shape (n_steps, n_features) or None, default=None
        What was seen after each decision. Without them it is the observation of the
        next row, and what was seen after the last decision of an episode is not known.

    terminations : array-like of shape (n_steps,) or None, default=None
        True where the task ended the episode.

    truncations : array-like of shape (n_steps,) or None, default=None
        True where something else, such as a time limit, cut the episode off.

    Attributes
    ----------
    episode_ids : ndarray of shape (n_episodes,)
        The distinct values of `groups`, sorted; results for each episode are in this
        order.

    episode_codes : ndarray of shape (n_steps,)
        The position of each row's episode in ``episode_ids``.

    time : ndarray of shape (n_steps,)
        The number of earlier rows in the same episode.

    successor : ndarray of shape (n_steps,)
        The next row of the same episode; -1 for its last row.

    first_rows : ndarray of shape (n_episodes,)
        The first row of each episode.

    last_rows : ndarray of shape (n_episodes,)
        The last row of each episode.

    lengths : ndarray of shape (n_episodes,)
        The number of rows of each episode.

    n_steps : int
        Number of rows.

    n_episodes : int
        Number of episodes.

    See Also
    --------
    sklearn_theory.offline_rl.rollout : Collects episodes of a policy in an environment.

    Examples
    --------
    >>> from sklearn_theory.datasets import TrajectoryDataset
    >>> log = TrajectoryDataset(
    ...     observations=[[0.0], [1.0], [0.0]],
    ...     actions=["left", "right", "left"],
    ...     rewards=[1.0, 2.0, 5.0],
    ...     groups=["a", "a", "b"],
    ... )
    >>> log
    TrajectoryDataset(2 episodes, 3 steps, 1 observation feature, 2 actions, returns 3 to 5)
    >>> log.returns_to_go()
    array([3., 2., 5.])
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray | None = None
    groups: np.ndarray | None = None
    next_observations: np.ndarray | None = None
    terminations: np.ndarray | None = None
    truncations: np.ndarray | None = None

    def __post_init__(self):
        self.observations = check_observations("observations", self.observations)
        n_steps = len(self.observations)
        if not n_steps:
            raise ValueError("observations must hold at least one row, got none.")
        self.actions = check_actions(self.actions, n_steps)
        if self.rewards is None:
            self.rewards = np.zeros(n_steps)
        if self.groups is None:
            self.groups = np.arange(n_steps)
        self.rewards = check_column("rewards", self.rewards, n_steps, dtype=float)
        self.groups = check_column("groups", self.groups, n_steps)
        self._check_next_observations()
        self._check_ends()

    @property
    def n_steps(self):
        return len(self.observations)

    @property
    def n_episodes(self):
        return len(self.episode_ids)

    @property
    def episode_ids(self):
        return self._episodes[0]

    @property
    def episode_codes(self):
        return self._episodes[1]

    @property
    def time(self):
        return self._places[0]

    @property
    def successor(self):
        return self._places[1]

    @cached_property
    def lengths(self):
        return np.bincount(self.episode_codes)

    @property
    def first_rows(self):
        return self._episode_ends(self.time == 0)

    @property
    def last_rows(self):
        return self._episode_ends(self.successor < 0)

    def returns(self):
        """Add up the rewards of each episode.

        Returns
        -------
        returns : ndarray of shape (n_episodes,)
            In the order of ``episode_ids``.
        """
        return np.bincount(self.episode_codes, weights=self.rewards)

    def returns_to_go(self, gamma=1.0):
        """Add up what each decision and the later ones of its episode earn.

        Parameters
        ----------
        gamma : float, default=1.0
            The discount of each further step, in [0, 1].

        Returns
        -------
        returns_to_go : ndarray of shape (n_steps,)
            In the order of the rows.
        """
        if not isinstance(gamma, Real) or not 0 <= gamma <= 1:
            raise ValueError(f"gamma must be a number in [0, 1], got {gamma!r}.")
        return returns_to_go(
            self.rewards, self.episode_codes, self.n_episodes, float(gamma)
        )

    def initial_observations(self):
        """Return what was seen before the first decision of each episode.

        Returns
        -------
        observations : ndarray of shape (n_episodes, n_features)
            In the order of ``episode_ids``.
        """
        return self.observations[self.first_rows]

    def transitions(self):
        """Return the rows after which it is known what was seen, and what that was.

        Returns
        -------
        rows : ndarray of shape (n_transitions,)
            All rows if ``next_observations`` are given, else all but the last rows of
            the episodes.

        next_observations : ndarray of shape (n_transitions, n_features)
            What was seen after these rows.
        """
        if self.next_observations is not None:
            return np.arange(self.n_steps), self.next_observations
        rows = np.flatnonzero(self.successor >= 0)
        return rows, self.observations[self.successor[rows]]

    def select(self, episodes):
        """Keep some episodes.

        Parameters
        ----------
        episodes : array-like
            Their values in ``episode_ids``, or a mask of shape (n_episodes,).

        Returns
        -------
        log : TrajectoryDataset
            The rows of these episodes, in the order in which they stand here.
        """
        episodes = np.asarray(episodes)
        if episodes.dtype == bool:
            episodes = self._ids_under(episodes)
        unknown = np.setdiff1d(episodes, self.episode_ids)
        if len(unknown):
            raise ValueError(f"episodes holds {unknown[0]!r}, which is not in groups.")
        return self._take(np.isin(self.groups, episodes))

    def split(self, test_size=0.25, random_state=None):
        """Split at random into two logs with different episodes.

        Parameters
        ----------
        test_size : float or int, default=0.25
            The share, or the number, of the episodes in the second part.

        random_state : int, RandomState instance or None, default=None
            Determines the split.

        Returns
        -------
        train, test : TrajectoryDataset
            The two parts.
        """
        n_test = self._count_test(test_size)
        order = check_random_state(random_state).permutation(self.n_episodes)
        in_test = np.isin(np.arange(self.n_episodes), order[:n_test])
        return self.select(~in_test), self.select(in_test)

    def plot_returns(self, *, ax=None, bins=30):
        """Draw a histogram of the returns.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a new figure.

        bins : int, default=30
            Number of bins.

        Returns
        -------
        ax : matplotlib.axes.Axes
            Where it was drawn.
        """
        from ..utils import import_optional

        plt = import_optional(
            "matplotlib.pyplot",
            needed_by="TrajectoryDataset.plot_returns",
            extra="demo",
        )
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        returns = self.returns()
        ax.hist(returns, bins=bins, color="#0072B2")
        ax.axvline(returns.mean(), color="#D55E00", label=f"mean {returns.mean():.3g}")
        ax.set(xlabel="return of an episode", ylabel="episodes")
        ax.legend()
        return ax

    def __len__(self):
        return self.n_steps

    def __repr__(self):
        returns = self.returns()
        features = _count(self.observations.shape[1], "observation feature")
        return (
            f"TrajectoryDataset({_count(self.n_episodes, 'episode')}, "
            f"{_count(self.n_steps, 'step')}, {features}, {self._describe_actions()}, "
            f"returns {returns.min():.4g} to {returns.max():.4g})"
        )

    @cached_property
    def _episodes(self):
        return code_episodes(self.groups)

    @cached_property
    def _places(self):
        return rows_in_time(self.episode_codes, self.n_episodes)

    def _episode_ends(self, is_end):
        rows = np.empty(self.n_episodes, dtype=np.int64)
        ends = np.flatnonzero(is_end)
        rows[self.episode_codes[ends]] = ends
        return rows

    def _describe_actions(self):
        if self.actions.dtype.kind == "f":
            width = 1 if self.actions.ndim == 1 else self.actions.shape[1]
            return _count(width, "action feature")
        return _count(len(np.unique(self.actions, axis=0)), "action")

    def _check_next_observations(self):
        if self.next_observations is None:
            return
        following = check_observations(
            "next_observations", self.next_observations, self.n_steps
        )
        if following.shape != self.observations.shape:
            raise ValueError(
                f"next_observations has {following.shape[1]} columns, but observations "
                f"has {self.observations.shape[1]}."
            )
        self.next_observations = following

    def _check_ends(self):
        for name in ("terminations", "truncations"):
            flags = getattr(self, name)
            if flags is not None:
                flags = check_column(name, flags, self.n_steps, dtype=bool)
                check_ends(name, flags, self.successor)
                setattr(self, name, flags)

    def _ids_under(self, mask):
        if mask.shape != (self.n_episodes,):
            raise ValueError(
                f"episodes is a mask of shape {mask.shape}, but there are "
                f"{self.n_episodes} episodes."
            )
        return self.episode_ids[mask]

    def _take(self, rows):
        """Keep rows, and leave absent columns absent."""
        columns = {name: getattr(self, name) for name in SHARED + OPTIONAL}
        return type(self)(
            **{
                name: None if values is None else values[rows]
                for name, values in columns.items()
            }
        )

    def _count_test(self, test_size):
        whole = isinstance(test_size, Integral)
        n_test = test_size if whole else round(test_size * self.n_episodes)
        if not 0 < n_test < self.n_episodes:
            raise ValueError(
                f"test_size={test_size!r} puts {n_test} of {self.n_episodes} episodes "
                "into the second part; each part needs at least one."
            )
        return n_test


def _count(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
