# SPDX-License-Identifier: BSD-3-Clause
"""The ways into a log of episodes and out of it again."""

from . import _trajectory_formats as formats

SHARED = ("observations", "actions", "rewards", "groups")
OPTIONAL = ("next_observations", "terminations", "truncations")


class TrajectoryConversions:
    """Make a log from columns, episodes and other packages' data, and back."""

    @classmethod
    def from_arrays(
        cls,
        X,
        y,
        rewards=None,
        groups=None,
        *,
        next_observations=None,
        terminations=None,
        truncations=None,
    ):
        """Make a log from columns, named as the estimators of this library name them.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features)
            Observations.

        y : array-like of shape (n_steps,) or (n_steps, n_action_features)
            Actions.

        rewards, groups : array-like of shape (n_steps,) or None, default=None
            Rewards, and the episode of each row.

        next_observations : array-like of shape (n_steps, n_features) or None, default=None
            What was seen after each decision.

        terminations, truncations : array-like of shape (n_steps,) or None, default=None
            How episodes ended.

        Returns
        -------
        log : TrajectoryDataset
            The log.
        """
        return cls(X, y, rewards, groups, next_observations, terminations, truncations)

    @classmethod
    def from_episodes(cls, episodes):
        """Make a log from episodes, each a dict or an object such as Minari's.

        Parameters
        ----------
        episodes : iterable
            Each episode has `observations`, `actions` and `rewards`, and may have
            `terminations` and `truncations`. Observations have one row a decision, or
            one more: what was seen after the last one.

        Returns
        -------
        log : TrajectoryDataset
            The log; its episodes are numbered from 0.
        """
        return cls(**formats.columns_of_episodes(episodes))

    @classmethod
    def from_minari(cls, dataset):
        """Make a log from a Minari dataset.

        Parameters
        ----------
        dataset : minari.MinariDataset or str
            The dataset, or the name of one that is stored on this machine.

        Returns
        -------
        log : TrajectoryDataset
            The log.
        """
        return cls.from_episodes(formats.load_minari(dataset).iterate_episodes())

    @classmethod
    def from_d3rlpy(cls, observations, actions, rewards, terminals, timeouts=None):
        """Make a log from the arrays that d3rlpy's ``MDPDataset`` is made of.

        Parameters
        ----------
        observations : array-like of shape (n_steps, ...)
            Observations.

        actions : array-like of shape (n_steps,) or (n_steps, n_action_features)
            Actions.

        rewards : array-like of shape (n_steps,)
            Rewards.

        terminals, timeouts : array-like of shape (n_steps,)
            Flags; an episode ends where either is set. `timeouts` may be None.

        Returns
        -------
        log : TrajectoryDataset
            The log; its episodes are numbered from 0.
        """
        return cls(
            **formats.columns_of_d3rlpy(
                observations, actions, rewards, terminals, timeouts
            )
        )

    def to_arrays(self):
        """Return the columns in the order in which ``fit`` takes them.

        Returns
        -------
        X : ndarray of shape (n_steps, n_features)
            Observations.

        y : ndarray of shape (n_steps,) or (n_steps, n_action_features)
            Actions.

        rewards : ndarray of shape (n_steps,)
            Rewards.

        groups : ndarray of shape (n_steps,)
            The episode of each row.
        """
        return tuple(getattr(self, name) for name in SHARED)

    def to_dict(self):
        """Return the arguments of ``fit``, those that are known.

        Returns
        -------
        arguments : dict of str to ndarray
            `X`, `y`, `rewards`, `groups`, and of `next_observations`, `terminations`
            and `truncations` those that are not None.
        """
        arguments = dict(zip(("X", "y", "rewards", "groups"), self.to_arrays()))
        known = {name: getattr(self, name) for name in OPTIONAL}
        return arguments | {k: v for k, v in known.items() if v is not None}

    def to_episodes(self):
        """Return the episodes one by one.

        Returns
        -------
        episodes : list of dict
            Each with `observations` (one row more than there are decisions if
            ``next_observations`` are known), `actions`, `rewards`, `terminations` and
            `truncations`; an episode without any mark of its end counts as truncated.
        """
        return formats.episodes_of(self)

    def to_d3rlpy(self):
        """Return the arguments of d3rlpy's ``MDPDataset``.

        Returns
        -------
        arguments : dict of str to ndarray
            `observations`, `actions`, `rewards`, `terminals` and `timeouts`, with the
            rows of each episode together. An episode without any mark of its end has a
            timeout there.
        """
        return formats.d3rlpy_arguments(self)

    def to_minari(self, dataset_id, **options):
        """Store the log as a Minari dataset on this machine.

        Parameters
        ----------
        dataset_id : str
            The name of the new dataset, such as ``"shop/prices-v0"``.

        **options : dict
            Further arguments of ``minari.create_dataset_from_buffers``: `env`, or
            `observation_space` and `action_space`, which are otherwise derived from the
            values; and what describes the dataset.

        Returns
        -------
        dataset : minari.MinariDataset
            The stored dataset.
        """
        return formats.store_minari(self, dataset_id, options)
