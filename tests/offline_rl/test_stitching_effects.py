# SPDX-License-Identifier: BSD-3-Clause
"""The paper's claim in the maze: MBRCSL beats every logged walk, RCSL none of the best."""

import numpy as np
import pytest

from sklearn_theory.datasets import make_environment, make_stitch_maze
from sklearn_theory.offline_rl import (
    MBRCSL,
    BehaviorPolicy,
    DynamicsEnsemble,
    RCSLPolicy,
    rollout,
)

NETWORK = {"hidden_layer_sizes": (64, 64)}


def mean_return(policy, target_return=None, n_episodes=100):
    env = make_environment("stitch_maze")
    log = rollout(env, policy, n_episodes, target_return, random_state=123)
    return log.returns().mean()


@pytest.fixture(scope="module", params=range(5))
def seed(request):
    return request.param


@pytest.fixture(scope="module")
def log(seed):
    return make_stitch_maze(random_state=seed)


@pytest.fixture(scope="module")
def stitched(log, seed):
    return MBRCSL(
        dynamics=DynamicsEnsemble(5, **NETWORK),
        behavior=BehaviorPolicy(**NETWORK),
        policy=RCSLPolicy(**NETWORK),
        rollout_batch_size=500,
        random_state=seed,
    ).fit(**log.to_dict())


def test_stitching(log, stitched, seed):
    best = log.returns().max()
    conditioned = RCSLPolicy(random_state=seed, **NETWORK).fit(**log.to_dict())
    rcsl, mbrcsl = mean_return(conditioned), mean_return(stitched)
    assert rcsl < best
    assert mbrcsl > best
    assert mbrcsl >= 1.2 * best
    assert mbrcsl >= rcsl + 6
    assert 0.1 < stitched.acceptance_rate_ < 0.6
    # Asking for more than was ever seen does not help.
    assert mean_return(conditioned, 1.1 * conditioned.max_return_, 30) < best


def test_report_of_a_good_fit(log, stitched):
    report = stitched.theory_report(**log.to_dict())
    assert report["error of the model at the horizon"].holds
    assert report["error of imagined returns"].holds
    assert report["certainty of rewards and transitions"].holds
    assert report["imagined improvement"].holds


def test_imagined_returns_are_what_is_achieved(stitched):
    """The highest is optimistic by little, and asking for the median earns less."""
    highest = mean_return(stitched, n_episodes=30)
    median = float(np.median(stitched.rollouts_.returns()))
    assert highest == pytest.approx(stitched.max_return_, rel=0.1)
    assert mean_return(stitched, median, 30) < highest


def test_a_wide_gaussian_stitches_in_this_maze_too(log, stitched, seed):
    """Cut to the logged range, it is wide enough at the crossing to go both ways.

    Where ways part for good, as in ``test_behavior_policy.py``, it does what nobody does.
    """
    gaussian = BehaviorPolicy(
        kind="gaussian", max_iter=40, random_state=seed, **NETWORK
    )
    imagination = stitched._imagination()
    imagination.behavior = gaussian.fit(log.observations, log.actions)
    starts = np.resize(log.initial_observations(), (500, 2))
    episodes = imagination.imagine(starts, np.random.RandomState(seed))
    assert 0.1 < np.mean(episodes.returns > stitched.threshold_) < 0.6
    assert np.abs(episodes.actions).max() <= np.abs(log.actions).max()
