# SPDX-License-Identifier: BSD-3-Clause
"""Logs as other packages keep them: episodes, Minari datasets, d3rlpy's arrays."""

import warnings

import numpy as np

from ..utils._optional import import_optional

_END_FLAGS = ("terminations", "truncations")


def columns_of_episodes(episodes):
    """Stack episodes into columns.

    Parameters
    ----------
    episodes : iterable
        Dicts, or objects with the same names as attributes.

    Returns
    -------
    columns : dict of str to ndarray
        The arguments of ``TrajectoryDataset``.
    """
    parts = [_columns_of_episode(place, ep) for place, ep in enumerate(episodes)]
    if not parts:
        raise ValueError("episodes must hold at least one episode, got none.")
    columns = {
        name: np.concatenate([part[name] for part in parts])
        for name in ("observations", "actions", "rewards")
    }
    columns["groups"] = np.repeat(
        np.arange(len(parts)), [len(part["rewards"]) for part in parts]
    )
    for name in ("next_observations", *_END_FLAGS):
        columns[name] = _stack_if_given(name, [part[name] for part in parts])
    return columns


def _columns_of_episode(place, episode):
    observations = _plain(_field(episode, "observations"), place, "observations")
    actions = _plain(_field(episode, "actions"), place, "actions")
    rewards = np.asarray(_field(episode, "rewards"), dtype=float)
    columns = {"actions": actions, "rewards": rewards}
    columns |= {name: _field(episode, name, required=False) for name in _END_FLAGS}
    n_steps = len(rewards)
    if not n_steps:
        raise ValueError(f"Episode {place} has no decisions.")
    if len(observations) not in (n_steps, n_steps + 1) or len(actions) != n_steps:
        raise ValueError(
            f"Episode {place} has {n_steps} rewards, {len(actions)} actions and "
            f"{len(observations)} observations; it needs as many actions as rewards, "
            "and as many observations or one more."
        )
    has_final = len(observations) == n_steps + 1
    return columns | {
        "observations": observations[:n_steps],
        "next_observations": observations[1:] if has_final else None,
    }


def _field(episode, name, required=True):
    if isinstance(episode, dict):
        value = episode.get(name)
    else:
        value = getattr(episode, name, None)
    if value is None and required:
        raise ValueError(f"An episode has no {name}: {type(episode).__name__}.")
    return value


def _plain(values, place, name):
    """Make one array; what has named parts must be flattened by its owner."""
    if isinstance(values, dict | tuple):
        raise ValueError(
            f"Episode {place} has {name} in named or numbered parts "
            f"({type(values).__name__}); flatten them into one array first, for "
            "instance with gymnasium.spaces.flatten."
        )
    return np.asarray(values)


def _stack_if_given(name, values):
    given = [value is not None for value in values]
    if not any(given):
        return None
    if not all(given):
        lacking = given.index(False)
        raise ValueError(
            f"Episode {lacking} has no {name}, but others have: give them for all "
            "episodes or for none."
        )
    return np.concatenate([np.asarray(value) for value in values])


def columns_of_d3rlpy(observations, actions, rewards, terminals, timeouts):
    """Number the episodes that d3rlpy's flags separate.

    Parameters
    ----------
    observations, actions, rewards, terminals, timeouts : array-like of length n_steps
        As for d3rlpy's ``MDPDataset``; `timeouts` may be None.

    Returns
    -------
    columns : dict of str to ndarray
        The arguments of ``TrajectoryDataset``.
    """
    terminals = np.asarray(terminals, dtype=bool).reshape(-1)
    if timeouts is None:
        timeouts = np.zeros_like(terminals)
    timeouts = np.asarray(timeouts, dtype=bool).reshape(-1)
    if len(timeouts) != len(terminals):
        raise ValueError(
            f"timeouts has {len(timeouts)} values, but terminals has {len(terminals)}."
        )
    ends = terminals | timeouts
    return {
        "observations": observations,
        "actions": actions,
        "rewards": rewards,
        "groups": np.concatenate([[0], np.cumsum(ends)[:-1]]),
        "terminations": terminals,
        "truncations": timeouts,
    }


def _end_flags(log):
    """How each episode ended; where nothing tells, it counts as cut off."""
    zeros = np.zeros(log.n_steps, dtype=bool)
    terminations = zeros if log.terminations is None else log.terminations
    truncations = zeros if log.truncations is None else log.truncations
    unmarked = (log.successor < 0) & ~terminations & ~truncations
    return terminations, truncations | unmarked


def _episode_order(log):
    """The rows, those of each episode together and in time order."""
    return np.argsort(log.episode_codes, kind="stable")


def d3rlpy_arguments(log):
    """Lay a log out as d3rlpy takes it.

    Parameters
    ----------
    log : TrajectoryDataset
        The log.

    Returns
    -------
    arguments : dict of str to ndarray
        The arguments of d3rlpy's ``MDPDataset``.
    """
    order = _episode_order(log)
    terminations, truncations = _end_flags(log)
    return {
        "observations": log.observations[order],
        "actions": log.actions[order],
        "rewards": log.rewards[order],
        "terminals": terminations[order],
        "timeouts": truncations[order],
    }


def episodes_of(log):
    """Cut a log into its episodes.

    Parameters
    ----------
    log : TrajectoryDataset
        The log.

    Returns
    -------
    episodes : list of dict
        The episodes, in the order of ``episode_ids``.
    """
    terminations, truncations = _end_flags(log)
    bounds = np.cumsum(log.lengths)[:-1]
    return [
        {
            "observations": _observations_of(log, rows),
            "actions": log.actions[rows],
            "rewards": log.rewards[rows],
            "terminations": terminations[rows],
            "truncations": truncations[rows],
        }
        for rows in np.split(_episode_order(log), bounds)
    ]


def _observations_of(log, rows):
    observations = log.observations[rows]
    if log.next_observations is None:
        return observations
    return np.vstack([observations, log.next_observations[rows[-1:]]])


def load_minari(dataset):
    """Load a Minari dataset by its name; a dataset is handed through.

    Parameters
    ----------
    dataset : minari.MinariDataset or str
        The dataset or its name.

    Returns
    -------
    dataset : minari.MinariDataset
        The dataset.
    """
    if not isinstance(dataset, str):
        return dataset
    minari = import_optional(
        "minari", needed_by="TrajectoryDataset.from_minari", extra="rl"
    )
    return minari.load_dataset(dataset)


def store_minari(log, dataset_id, options):
    """Store a log as a Minari dataset.

    Parameters
    ----------
    log : TrajectoryDataset
        The log; Minari needs the observation after the last decision.

    dataset_id : str
        The name.

    options : dict
        Further arguments of ``minari.create_dataset_from_buffers``.

    Returns
    -------
    dataset : minari.MinariDataset
        The stored dataset.
    """
    minari = import_optional(
        "minari", needed_by="TrajectoryDataset.to_minari", extra="rl"
    )
    from minari.data_collector import EpisodeBuffer

    if log.next_observations is None:
        raise ValueError(
            "Minari keeps what was seen after the last decision of each episode, "
            "which is not known here: give next_observations."
        )
    buffers = [
        EpisodeBuffer(id=place, infos={}, **episode)
        for place, episode in enumerate(episodes_of(log))
    ]
    with warnings.catch_warnings():
        if not options.get("env"):
            options = _spaces_of(log) | options
            # A log has no environment, and need not be told to name one.
            warnings.filterwarnings("ignore", "(`eval_env` is set to|env_spec is) None")
        return minari.create_dataset_from_buffers(dataset_id, buffers, **options)


def _spaces_of(log):
    return {
        "observation_space": _box(np.vstack([log.observations, log.next_observations])),
        "action_space": _space_of_actions(log.actions),
    }


def _box(values):
    spaces = import_optional("gymnasium", needed_by="to_minari", extra="rl").spaces
    return spaces.Box(
        values.min(axis=0), values.max(axis=0), values.shape[1:], dtype=values.dtype
    )


def _space_of_actions(actions):
    spaces = import_optional("gymnasium", needed_by="to_minari", extra="rl").spaces
    if actions.dtype.kind == "f":
        return _box(actions)
    if actions.dtype.kind not in "iu" or actions.ndim > 1:
        raise ValueError(
            "Minari needs actions that are whole numbers or rows of numbers, got "
            f"dtype {actions.dtype}."
        )
    lowest = int(actions.min())
    return spaces.Discrete(int(actions.max()) - lowest + 1, start=lowest)
