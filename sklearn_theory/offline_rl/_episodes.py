# SPDX-License-Identifier: BSD-3-Clause
"""What the estimators of this room are given: rows, and metadata that make episodes.

``fit(X, y, rewards=..., groups=...)`` has one row for each decision. Without `groups`
each row is an episode of its own; without `rewards` every decision earns nothing.
"""

import numpy as np

from ..datasets import TrajectoryDataset


def check_episodes(
    X,
    y,
    rewards=None,
    groups=None,
    *,
    next_observations=None,
    terminations=None,
    truncations=None,
):
    """Check the metadata of a fit against its rows.

    Parameters
    ----------
    X : ndarray of shape (n_steps, n_features)
        Observations that ``validate_data`` has checked.

    y : ndarray of shape (n_steps,) or (n_steps, n_action_features)
        Actions that ``validate_data`` has checked.

    rewards, groups : array-like of shape (n_steps,) or None, default=None
        Rewards, and the episode of each row.

    next_observations : array-like of shape (n_steps, n_features) or None, default=None
        What was seen after each decision.

    terminations, truncations : array-like of shape (n_steps,) or None, default=None
        How episodes ended.

    Returns
    -------
    episodes : TrajectoryDataset
        The log: ``returns_to_go(gamma)``, ``first_rows``, ``transitions()`` and so on.

    Raises
    ------
    ValueError
        If a column has the wrong length, holds NaN, or contradicts another one; the
        message names it.
    """
    return TrajectoryDataset(
        X, y, rewards, groups, next_observations, terminations, truncations
    )


def episode_values(name, values, episodes):
    """Reduce a column that is constant within episodes to a value for each episode.

    Parameters
    ----------
    name : str
        The column's name, for the error message.

    values : ndarray of shape (n_steps,)
        The column.

    episodes : TrajectoryDataset
        The log.

    Returns
    -------
    values : ndarray of shape (n_episodes,)
        The values, in the order of ``episode_ids``.
    """
    reduced = values[episodes.first_rows]
    differs = np.flatnonzero(values != reduced[episodes.episode_codes])
    if len(differs):
        raise ValueError(
            f"{name} must be the same in all rows of an episode; row {differs[0]} "
            f"has {values[differs[0]]}, the first row of its episode "
            f"{reduced[episodes.episode_codes[differs[0]]]}."
        )
    return reduced
