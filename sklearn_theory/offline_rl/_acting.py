# SPDX-License-Identifier: BSD-3-Clause
"""Policies of every kind, asked the same way: what to do now, in each of some episodes.

A policy is one of three things. Its method ``act(observation, state=None, reward=None)``
returns an action and a state, to be handed back with the reward at the next decision of
the same episode; ``state=None`` begins an episode. Where ``act`` has parameters
`target_return` or `random_state`, it is given them. A policy without ``act`` has
``predict(X)``, or is itself a function of `X`.
"""

import inspect

import numpy as np
from sklearn.utils import check_random_state


class StatefulActor:
    """Ask ``act`` in each episode, and keep the states."""

    def __init__(self, policy, target_return, random):
        accepted = inspect.signature(policy.act).parameters
        if target_return is not None and "target_return" not in accepted:
            raise ValueError(_refusal(policy))
        self.policy = policy
        self.target = {} if target_return is None else {"target_return": target_return}
        self.options = {"random_state": random} if "random_state" in accepted else {}

    def begin(self, n_episodes):
        self.states = [None] * n_episodes
        self.rewards = [None] * n_episodes

    def actions(self, observations):
        return [self._act(i, row) for i, row in enumerate(observations)]

    def observe(self, rewards, ended):
        for i, (reward, over) in enumerate(zip(rewards, ended)):
            self.rewards[i] = None if over else reward
            self.states[i] = None if over else self.states[i]

    def _act(self, episode, observation):
        state = self.states[episode]
        options = self.options if state is not None else self.options | self.target
        action, self.states[episode] = self.policy.act(
            observation, state=state, reward=self.rewards[episode], **options
        )
        return action


class MemorylessActor:
    """Predict the actions of all episodes from what is seen now."""

    def __init__(self, policy, target_return, random):
        if target_return is not None:
            raise ValueError(_refusal(policy))
        self.predict = getattr(policy, "predict", policy)

    def begin(self, n_episodes):
        pass

    def actions(self, observations):
        actions = list(np.asarray(self.predict(observations)))
        if len(actions) != len(observations):
            raise ValueError(
                f"policy returned {len(actions)} actions for {len(observations)} "
                "observations."
            )
        return actions

    def observe(self, rewards, ended):
        pass


def _refusal(policy):
    return (
        "target_return is given, but the policy cannot be asked for a return: its "
        f"method act has no parameter target_return ({type(policy).__name__})."
    )


def stream_of_draws(policy, random_state):
    """Say what an action is drawn from.

    A seed given to each call would give the same draw in every step of an episode.
    So a policy that has a seed goes on, from call to call, where it ended; a new fit
    sets its ``_stream`` to None.

    Parameters
    ----------
    policy : estimator instance
        The policy, with a parameter `random_state`.

    random_state : int, RandomState instance or None
        What the call was given.

    Returns
    -------
    random : RandomState
        What to draw from.
    """
    if random_state is not None:
        return check_random_state(random_state)
    if policy.random_state is None:
        return check_random_state(None)
    if getattr(policy, "_stream", None) is None:
        policy._stream = check_random_state(policy.random_state)
    return policy._stream


def make_actor(policy, target_return, random):
    """Wrap a policy.

    Parameters
    ----------
    policy : object
        What has ``act``, has ``predict``, or can be called.

    target_return : float or None
        The return to ask for.

    random : RandomState
        What stochastic policies draw from.

    Returns
    -------
    actor : StatefulActor or MemorylessActor
        The wrapped policy.
    """
    if hasattr(policy, "act"):
        return StatefulActor(policy, target_return, random)
    if hasattr(policy, "predict") or callable(policy):
        return MemorylessActor(policy, target_return, random)
    raise ValueError(
        f"policy must have a method act or predict, or be callable, got {policy!r}."
    )
