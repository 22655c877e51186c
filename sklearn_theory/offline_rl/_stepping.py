# SPDX-License-Identifier: BSD-3-Clause
"""Single and vector environments, stepped the same way.

``step`` returns what was seen after the actions, also where an episode ended, and
``observations`` what is seen now: in a new episode if the old one ended. Vector
environments differ in when they begin anew (Gymnasium's three modes of autoreset).
"""

from dataclasses import dataclass

import numpy as np


@dataclass
class Step:
    """What one step of all episodes brought; rows where `acted` is False do not count."""

    after: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    acted: np.ndarray


def as_rows(observations, n_rows):
    """Lay out each observation as a row of numbers."""
    if isinstance(observations, dict | tuple):
        raise ValueError(
            "The environment's observations have named or numbered parts; wrap it in "
            "gymnasium.wrappers.FlattenObservation."
        )
    return np.array(observations).reshape(n_rows, -1)


class SingleEnvironment:
    """An environment with one episode at a time."""

    n_episodes = 1

    def __init__(self, env):
        self.env = env

    def begin(self, seed):
        self.observations = as_rows(self.env.reset(seed=seed)[0], 1)

    def step(self, actions):
        after, *outcome, _ = self.env.step(_unwrap(actions[0]))
        self.observations = as_rows(after, 1)
        return Step(
            self.observations, *(np.array([x]) for x in outcome), np.ones(1, bool)
        )

    def renew(self, ended):
        self.observations = as_rows(self.env.reset()[0], 1)


def _unwrap(action):
    """Hand scalars over as numbers: some environments use them as keys."""
    return action.item() if np.ndim(action) == 0 and hasattr(action, "item") else action


class VectorEnvironment:
    """An environment of several episodes, which begin anew in one of three ways."""

    def __init__(self, env):
        self.env = env
        self.n_episodes = env.num_envs
        mode = env.metadata.get("autoreset_mode")
        name = str(getattr(mode, "value", mode)).replace("-", "").replace("_", "")
        if name.lower() not in _RENEWALS:
            raise ValueError(
                "A vector environment must say in metadata['autoreset_mode'] how it "
                f"begins anew, as Gymnasium's own do; got {mode!r}."
            )
        self.renewal = _RENEWALS[name.lower()]()

    def begin(self, seed):
        self.observations = as_rows(self.env.reset(seed=seed)[0], self.n_episodes)

    def step(self, actions):
        seen, *outcome, infos = self.env.step(np.array(actions))
        self.observations = as_rows(seen, self.n_episodes)
        outcome = [np.array(values) for values in outcome]
        ended = outcome[1].astype(bool) | outcome[2].astype(bool)
        after = self.renewal.after(self.observations, ended, infos)
        return Step(after, *outcome, self.renewal.acted(ended))

    def renew(self, ended):
        if self.renewal.by_itself(ended):
            return
        seen = self.env.reset(options={"reset_mask": ended})[0]
        self.renewal.forget(ended)
        self.observations = as_rows(seen, self.n_episodes)


class _OnRequest:
    """Ended episodes begin anew when they are told to."""

    def after(self, observations, ended, infos):
        return observations

    def acted(self, ended):
        return np.ones(len(ended), dtype=bool)

    def by_itself(self, ended):
        return False

    def forget(self, ended):
        pass


class _SameStep(_OnRequest):
    """The step that ends an episode shows the next one; the end is in the infos."""

    def after(self, observations, ended, infos):
        self.begun = ended
        after = observations.copy()
        for i in np.flatnonzero(ended):
            after[i] = np.ravel(infos["final_obs"][i])
        return after

    def by_itself(self, ended):
        return bool((self.begun | ~ended).all())


class _NextStep(_OnRequest):
    """The step after the end begins anew, and its action is not used."""

    over = None

    def acted(self, ended):
        over = np.zeros(len(ended), dtype=bool) if self.over is None else self.over
        self.over = ended.copy()
        return ~over

    def by_itself(self, ended):
        return bool((self.over | ~ended).all())

    def forget(self, ended):
        self.over = self.over & ~ended


_RENEWALS = {"disabled": _OnRequest, "samestep": _SameStep, "nextstep": _NextStep}


def make_stepper(env):
    """Wrap an environment.

    Parameters
    ----------
    env : object
        With the methods ``reset`` and ``step`` of Gymnasium's environments, or of its
        vector environments.

    Returns
    -------
    stepper : SingleEnvironment or VectorEnvironment
        The wrapped environment.
    """
    lacking = [name for name in ("reset", "step") if not hasattr(env, name)]
    if lacking:
        raise ValueError(f"env must have a method {lacking[0]}, got {env!r}.")
    return (
        VectorEnvironment(env) if hasattr(env, "num_envs") else SingleEnvironment(env)
    )
