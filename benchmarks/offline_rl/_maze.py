# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks in the maze share: methods of the same size, one evaluation."""

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_theory.datasets import make_environment, make_stitch_maze
from sklearn_theory.offline_rl import (
    MBRCSL,
    BehaviorPolicy,
    DynamicsEnsemble,
    RCSLPolicy,
    rollout,
)

NETWORK = {"hidden_layer_sizes": (64, 64)}
N_TIMED = 1000


def mbrcsl(seed, **options):
    """MBRCSL with networks of two layers of 64 units."""
    parts = {
        "dynamics": DynamicsEnsemble(5, **NETWORK),
        "behavior": BehaviorPolicy(**NETWORK),
        "policy": RCSLPolicy(**NETWORK),
        "rollout_batch_size": 500,
        "random_state": seed,
    }
    return MBRCSL(**(parts | options))


def rcsl(seed, **options):
    return RCSLPolicy(random_state=seed, **(NETWORK | options))


def fit(model, log, **columns):
    """Fit and return the seconds; shortfalls and limits of iterations are no surprise."""
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*imagined episodes exceed")
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(**(columns or log.to_dict()))
    return time.perf_counter() - started


def evaluate(policy, seed, n_episodes, target_return=None):
    """The mean return of some episodes, the same ones for all policies of a seed."""
    env = make_environment("stitch_maze")
    log = rollout(env, policy, n_episodes, target_return, random_state=1000 + seed)
    return float(log.returns().mean())


def time_of_decisions(policy, log):
    """Milliseconds of a thousand decisions, one by one."""
    observations = np.resize(log.observations, (N_TIMED, log.observations.shape[1]))
    started = time.perf_counter()
    if hasattr(policy, "act"):
        state = reward = None
        for observation in observations:
            _, state = policy.act(observation, state, reward)
            reward = 0.0
    else:
        for observation in observations:
            policy(observation[np.newaxis])
    return 1e3 * (time.perf_counter() - started)


def best_tenth(log):
    """The tenth of the walks with the highest returns."""
    returns = log.returns()
    return log.select(returns >= np.quantile(returns, 0.9))


def maze_log(seed, n_episodes=200, **options):
    return make_stitch_maze(n_episodes, random_state=seed, **options)
