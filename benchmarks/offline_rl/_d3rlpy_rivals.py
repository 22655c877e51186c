# SPDX-License-Identifier: BSD-3-Clause
"""d3rlpy's CQL, IQL and Decision Transformer on the same log; none if it is missing.

d3rlpy pins an old version of Gymnasium: it gets an environment of its own, in which this
library is installed, too.
"""

import importlib.util
import logging
import time

import numpy as np

GAMMA = 0.99
UNITS = [64, 64]


def _dataset(log):
    import d3rlpy

    return d3rlpy.dataset.MDPDataset(**log.to_d3rlpy())


class Greedy:
    """A fitted value learner as a policy."""

    def __init__(self, learner):
        self.learner = learner

    def __call__(self, X):
        return np.clip(self.learner.predict(X.astype(np.float32)), -1, 1)


class Asked:
    """A Decision Transformer, asked for a return and told the rewards."""

    def __init__(self, learner, target_return, horizon, to_action):
        self.learner, self.target_return = learner, target_return
        self.horizon, self.to_action = horizon, to_action
        self.actor = None

    def act(self, observation, state=None, reward=None, *, random_state=None):
        """Act, and keep the history in the actor; nothing is drawn."""
        if state is None or state >= self.horizon:
            self.actor = self.learner.as_stateful_wrapper(self.target_return)
            state, reward = 0, None
        row = np.asarray(observation, dtype=np.float32)
        action = self.actor.predict(row, 0.0 if reward is None else reward)
        return self.to_action(action), state + 1


def _train(config, log, seed, n_steps):
    import d3rlpy

    d3rlpy.seed(seed)
    learner = config.create(device="cpu:0")
    started = time.perf_counter()
    learner.fit(
        _dataset(log),
        n_steps=n_steps,
        n_steps_per_epoch=n_steps,
        show_progress=False,
        logger_adapter=d3rlpy.logging.NoopAdapterFactory(),
    )
    return learner, time.perf_counter() - started


def _encoder():
    import d3rlpy

    return d3rlpy.models.VectorEncoderFactory(UNITS)


def cql(log, seed, quick):
    """Conservative Q-learning."""
    import d3rlpy

    config = d3rlpy.algos.CQLConfig(
        actor_encoder_factory=_encoder(),
        critic_encoder_factory=_encoder(),
        gamma=GAMMA,
        n_action_samples=4,
    )
    learner, seconds = _train(config, log, seed, 500 if quick else 5_000)
    return Greedy(learner), seconds


def iql(log, seed, quick):
    """Implicit Q-learning."""
    import d3rlpy

    config = d3rlpy.algos.IQLConfig(
        actor_encoder_factory=_encoder(),
        critic_encoder_factory=_encoder(),
        value_encoder_factory=_encoder(),
        gamma=GAMMA,
    )
    learner, seconds = _train(config, log, seed, 500 if quick else 10_000)
    return Greedy(learner), seconds


def decision_transformer(log, seed, quick):
    """Decision Transformer for numbers within [-1, 1]."""
    import d3rlpy

    kind = d3rlpy.algos.DecisionTransformerConfig
    return _asked_for_the_highest(kind, lambda a: np.clip(a, -1, 1), log, seed, quick)


def discrete_decision_transformer(log, seed, quick):
    """Decision Transformer for labels 0, 1, ..."""
    import d3rlpy

    kind = d3rlpy.algos.DiscreteDecisionTransformerConfig
    return _asked_for_the_highest(kind, int, log, seed, quick)


def _asked_for_the_highest(kind, to_action, log, seed, quick):
    """Train a Decision Transformer, and ask for the highest logged return."""
    horizon = int(log.lengths.max())
    config = kind(
        encoder_factory=_encoder(),
        context_size=10,
        num_heads=1,
        num_layers=2,
        max_timestep=horizon + 1,
        batch_size=64,
        learning_rate=1e-3,
    )
    learner, seconds = _train(config, log, seed, 200 if quick else 1_500)
    return Asked(learner, float(log.returns().max()), horizon, to_action), seconds


RIVALS = {}
DISCRETE_RIVALS = {}
if importlib.util.find_spec("d3rlpy") is not None:
    import structlog

    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    RIVALS = {"CQL": cql, "IQL": iql, "Decision Transformer": decision_transformer}
    DISCRETE_RIVALS = {"Decision Transformer": discrete_decision_transformer}
