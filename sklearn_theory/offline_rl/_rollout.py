# SPDX-License-Identifier: BSD-3-Clause
"""Let a policy act in an environment, and keep every step, come what may."""

from numbers import Integral

import numpy as np
from sklearn.utils import Bunch, check_random_state

from ..datasets import TrajectoryDataset
from ._acting import make_actor
from ._stepping import make_stepper

_MAX_SEED = 2**31 - 1


class RolloutError(RuntimeError):
    """An environment or a policy failed while episodes were collected.

    Parameters
    ----------
    message : str
        What happened.

    collected : TrajectoryDataset or None
        What was collected before. Episodes that had not ended are included, marked as
        truncated; None if there was not a single step.

    n_complete : int
        How many of these episodes are complete; they come first.

    See Also
    --------
    rollout : Raises it.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_environment
    >>> from sklearn_theory.offline_rl import RolloutError, rollout
    >>> chain = make_environment("stitch_chain", horizon=2)
    >>> def fails_at_stage_one(X):
    ...     if X[0, 0] == 1:
    ...         raise ZeroDivisionError("no idea")
    ...     return [1]
    >>> try:
    ...     rollout(chain, fails_at_stage_one, n_episodes=5)
    ... except RolloutError as error:
    ...     print(error.collected)
    TrajectoryDataset(1 episode, 1 step, 1 observation feature, 1 action, returns 1 to 1)
    """

    def __init__(self, message, collected=None, n_complete=0):
        super().__init__(message)
        self.collected = collected
        self.n_complete = n_complete

    def __reduce__(self):
        return type(self), (self.args[0], self.collected, self.n_complete)


def rollout(
    env, policy, n_episodes, target_return=None, random_state=None, *, max_steps=None
):
    """Let a policy act for some episodes, and log them.

    Parameters
    ----------
    env : gymnasium.Env or gymnasium.vector.VectorEnv
        The environment, or anything with the same ``reset`` and ``step``. Of a vector
        environment each part contributes its share of the episodes, so that short
        episodes are not preferred.

    policy : object
        It has ``act(observation, state=None, reward=None)``, which returns an action and
        a state, as the policies of this room do; or ``predict(X)``; or it is a function
        of `X` that returns an action for each row.

    n_episodes : int
        Number of episodes.

    target_return : float or None, default=None
        The return to ask the policy for; its ``act`` must have the parameter of this
        name.

    random_state : int, RandomState instance or None, default=None
        Determines the environment's seed, and what stochastic policies draw, if their
        ``act`` has the parameter of this name.

    max_steps : int or None, default=None
        Where to cut episodes off, for environments that may never end.

    Returns
    -------
    log : TrajectoryDataset
        The episodes.

    Raises
    ------
    RolloutError
        If the environment or the policy fails; what was collected is in its attribute
        `collected`. A keyboard interrupt passes through, with the same attribute.

    See Also
    --------
    return_curve : Compares the returns that were asked for with those achieved.
    off_policy_estimate : Evaluates a policy on a log, without an environment.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_environment
    >>> from sklearn_theory.offline_rl import rollout
    >>> chain = make_environment("stitch_chain", horizon=3)
    >>> rollout(chain, lambda X: [1], n_episodes=2).returns()
    array([3., 3.])
    """
    _check_count("n_episodes", n_episodes)
    if max_steps is not None:
        _check_count("max_steps", max_steps)
    random = check_random_state(random_state)
    stepper = make_stepper(env)
    actor = make_actor(policy, target_return, random)
    recorder = _Recorder(n_episodes, stepper.n_episodes, max_steps)
    try:
        _collect(stepper, actor, recorder, random.randint(_MAX_SEED))
    except KeyboardInterrupt as interrupt:
        interrupt.collected = recorder.everything()
        raise
    except Exception as error:
        raise RolloutError(
            recorder.describe(error), recorder.everything(), len(recorder.complete)
        ) from error
    return TrajectoryDataset.from_episodes(recorder.complete)


def return_curve(env, policy, target_returns, n_episodes=100, random_state=None):
    """Compare the returns that a policy is asked for with those that it achieves.

    Parameters
    ----------
    env : gymnasium.Env or gymnasium.vector.VectorEnv
        The environment.

    policy : object
        Its ``act`` must have a parameter `target_return`.

    target_returns : array-like of shape (n_targets,)
        What to ask for.

    n_episodes : int, default=100
        Number of episodes for each return.

    random_state : int, RandomState instance or None, default=None
        Determines the episodes.

    Returns
    -------
    curve : Bunch
        `requested` and `achieved` (means), `standard_error`, each of shape
        (n_targets,), and `returns` of shape (n_targets, n_episodes).

    See Also
    --------
    rollout : Collects the episodes.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_environment
    >>> from sklearn_theory.offline_rl import return_curve
    >>> class Obedient:
    ...     def act(self, observation, state=None, reward=None, target_return=None):
    ...         left = target_return if state is None else state - reward
    ...         return int(left > 0), left
    >>> chain = make_environment("stitch_chain", horizon=4)
    >>> return_curve(chain, Obedient(), [1, 3, 5], n_episodes=1).achieved
    array([1., 3., 4.])
    """
    random = check_random_state(random_state)
    requested = np.asarray(target_returns, dtype=float)
    if requested.ndim != 1:
        raise ValueError(
            f"target_returns must be one-dimensional, got shape {requested.shape}."
        )
    returns = np.array(
        [rollout(env, policy, n_episodes, g, random).returns() for g in requested]
    ).reshape(len(requested), n_episodes)
    return Bunch(
        requested=requested,
        achieved=returns.mean(axis=1),
        standard_error=returns.std(axis=1) / np.sqrt(n_episodes),
        returns=returns,
    )


def _check_count(name, value):
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}.")


def _collect(stepper, actor, recorder, seed):
    stepper.begin(seed)
    actor.begin(stepper.n_episodes)
    while True:
        before = stepper.observations
        actions = actor.actions(before)
        step = stepper.step(actions)
        ended = recorder.record(before, actions, step)
        actor.observe(step.rewards, ended | ~step.acted)
        if recorder.is_done():
            return
        if ended.any():
            stepper.renew(ended)


class _Recorder:
    """Keep the steps of each part of the environment until its share is collected."""

    _COLUMNS = ("observations", "actions", "rewards", "terminations", "truncations")

    def __init__(self, n_episodes, n_parts, max_steps):
        self.shares = np.full(n_parts, n_episodes // n_parts)
        self.shares[: n_episodes % n_parts] += 1
        self.max_steps = max_steps
        self.complete = []
        self.running = [self._new() for _ in range(n_parts)]

    def _new(self):
        return {name: [] for name in self._COLUMNS} | {"final": None}

    def record(self, before, actions, step):
        """Keep one step of all parts, and tell which episodes ended."""
        ended = (step.terminated | step.truncated).astype(bool)
        for part in np.flatnonzero(step.acted):
            episode = self.running[part]
            is_cut = len(episode["rewards"]) + 1 == self.max_steps and not ended[part]
            row = (
                before[part],
                actions[part],
                step.rewards[part],
                step.terminated[part],
                step.truncated[part] or is_cut,
            )
            for name, value in zip(self._COLUMNS, row):
                episode[name].append(value)
            episode["final"] = step.after[part]
            ended[part] |= is_cut
            if ended[part]:
                self._finish(part)
        return ended

    def _finish(self, part):
        if self.shares[part] > 0:
            self.complete.append(_as_episode(self.running[part]))
            self.shares[part] -= 1
        self.running[part] = self._new()

    def is_done(self):
        return not self.shares.any()

    def everything(self):
        """All that was collected, unfinished episodes last."""
        unfinished = [
            _as_episode(episode | {"truncations": _cut(episode["truncations"])})
            for episode, share in zip(self.running, self.shares)
            if share > 0 and episode["rewards"]
        ]
        episodes = self.complete + unfinished
        return TrajectoryDataset.from_episodes(episodes) if episodes else None

    def describe(self, error):
        steps = sum(len(episode["rewards"]) for episode in self.running)
        return (
            f"Collecting episodes failed with {type(error).__name__}: {error}. "
            f"{len(self.complete)} complete episodes and {steps} steps of unfinished "
            "ones are kept in the attribute 'collected' of this error."
        )


def _cut(truncations):
    return [*truncations[:-1], True]


def _as_episode(record):
    columns = {name: np.array(record[name]) for name in _Recorder._COLUMNS}
    columns["observations"] = np.vstack([columns["observations"], record["final"]])
    return columns
