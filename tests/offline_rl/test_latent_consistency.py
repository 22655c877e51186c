# SPDX-License-Identifier: BSD-3-Clause
"""Promises and achievements of latents: exact identities, the bound, and refusals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from offline_rl.random_logs import random_latents, random_log

from sklearn_theory.datasets import TrajectoryDataset, make_frozen_lake
from sklearn_theory.offline_rl import latent_consistency
from sklearn_theory.offline_rl._doc_tables import latent_information
from sklearn_theory.offline_rl._log_codes import LogCoder
from sklearn_theory.offline_rl._prefix_tree import build_tree


def simulated_value(log, q, z, rng, n_episodes=20000):
    """Let a latent's policy act among the log's outcomes."""
    tree = {}
    for e, episode in enumerate(log.to_episodes()):
        past = ()
        for s, a, r in zip(
            episode["observations"][:, 0], episode["actions"], episode["rewards"]
        ):
            weights, outcomes = tree.setdefault((past, s), {}).setdefault(a, ([], []))
            weights.append(q[e, z])
            past = (*past, s, a, r)
            outcomes.append(past)
    earned = 0.0
    for _ in range(n_episodes):
        past, state = (), log.observations[0, 0]
        while (past, state) in tree:
            options = tree[past, state]
            mass = np.array([sum(weights) for weights, _ in options.values()])
            action = list(options)[rng.choice(len(mass), p=mass / mass.sum())]
            following = options[action][1]
            past = following[rng.integers(len(following))]
            earned += past[-1]
            state = choose_state(tree, past, rng)
    return earned / n_episodes


def choose_state(tree, past, rng):
    """Draw the next state as often as the log went on in it."""
    states = [s for known, s in tree if known == past]
    if not states:
        return None
    counts = np.array(
        [sum(len(w) for w, _ in tree[past, s].values()) for s in states], dtype=float
    )
    return states[rng.choice(len(states), p=counts / counts.sum())]


@pytest.mark.parametrize("seed", range(5))
class TestConsistentLatents:
    @pytest.mark.parametrize("history", ["full", "markov_time"])
    def test_a_constant_latent_promises_the_mean(self, seed, history):
        log = random_log(np.random.default_rng(seed))
        q = np.ones((log.n_episodes, 1))
        found = latent_consistency(*log.to_arrays(), q=q, history=history)
        assert found.mi == pytest.approx(0, abs=1e-13)
        assert found.gap < 1e-12
        assert found.V[0] == pytest.approx(log.returns().mean())

    def test_the_first_action_is_controlled(self, seed):
        log = random_log(np.random.default_rng(seed))
        q = np.eye(2)[log.actions[log.first_rows]]
        found = latent_consistency(*log.to_arrays(), q=q)
        assert found.mi == pytest.approx(0, abs=1e-13)
        assert found.gap < 1e-12
        assert_allclose(found.V, found.V_pi, atol=1e-12)

    def test_promises_add_up_to_the_mean_return(self, seed):
        rng = np.random.default_rng(seed)
        log = random_log(rng)
        found = latent_consistency(
            *log.to_arrays(), q=random_latents(rng, log.n_episodes)
        )
        assert found.p_z.sum() == pytest.approx(1, abs=1e-12)
        assert found.p_z @ found.V == pytest.approx(log.returns().mean(), abs=1e-12)


class TestBound:
    @pytest.mark.parametrize("history", ["full", "markov_time"])
    @pytest.mark.parametrize("seed", range(25))
    def test_holds_for_random_latents(self, seed, history):
        rng = np.random.default_rng(seed)
        log = random_log(rng, n_episodes=int(rng.integers(20, 200)))
        q = random_latents(rng, log.n_episodes, sharpness=rng.choice([0.3, 2.0, 20.0]))
        found = latent_consistency(*log.to_arrays(), q=q, history=history)
        assert found.mi >= 0
        assert found.gap <= found.bound

    @pytest.mark.parametrize("seed", range(5))
    def test_holds_for_latents_that_are_luck(self, seed):
        log = random_log(np.random.default_rng(seed), n_episodes=400)
        second = log.observations[log.time == 1, 0].astype(int)
        tercile = np.digitize(log.returns(), np.quantile(log.returns(), [1 / 3, 2 / 3]))
        for latent in (second, tercile):
            found = latent_consistency(*log.to_arrays(), q=np.eye(3)[latent])
            assert found.mi > 0.1
            assert 0.02 < found.gap <= found.bound

    def test_is_not_claimed_where_it_is_not_proved(self, rng):
        log = random_log(rng)
        q = random_latents(rng, log.n_episodes)
        found = latent_consistency(*log.to_arrays(), q=q, history="markov")
        assert np.isnan(found.bound)
        assert found.gap > 0

    def test_deterministic_outcomes_have_no_information(self, rng):
        """Each action sequence has one outcome, whatever the latents are."""
        actions = rng.integers(2, size=(100, 3))
        log = TrajectoryDataset(
            np.tile([[0.0], [1.0], [2.0]], (100, 1)),
            actions.ravel(),
            actions.ravel() * np.tile([1, 2, 4], 100),
            np.repeat(np.arange(100), 3),
        )
        found = latent_consistency(*log.to_arrays(), q=random_latents(rng, 100))
        assert found.mi == pytest.approx(0, abs=1e-13)
        assert found.gap < 1e-12


def test_achievement_equals_a_simulation(rng):
    log = random_log(rng, n_episodes=30, horizon=2)
    q = random_latents(rng, 30, n_latents=2)
    found = latent_consistency(*log.to_arrays(), q=q)
    for z in (0, 1):
        assert simulated_value(log, q, z, rng) == pytest.approx(found.V_pi[z], abs=0.01)


def test_weight_two_is_the_episode_twice(rng):
    log = random_log(rng, n_episodes=20)
    q = random_latents(rng, 20)
    weight = rng.integers(0, 3, size=20)
    episodes = np.repeat(np.arange(20), weight)
    rows = np.concatenate([np.flatnonzero(log.episode_codes == e) for e in episodes])
    groups = np.repeat(np.arange(weight.sum()), 3)
    twice = latent_consistency(
        log.observations[rows], log.actions[rows], log.rewards[rows], groups,
        q=np.repeat(q, weight, axis=0),
    )  # fmt: skip
    once = latent_consistency(*log.to_arrays(), q=q, sample_weight=weight)
    for name in ("mi", "nll", "p_z", "V", "V_pi", "gap", "bound"):
        assert_allclose(once[name], twice[name], atol=1e-12, err_msg=name)


def test_loops_are_followed_up_to_the_longest_episode():
    log = make_frozen_lake(300, intended=0.8, epsilon=0.1, random_state=0)
    found = latent_consistency(
        log.observations, log.actions, log.rewards, log.groups, np.ones((300, 1)),
        history="markov", next_observations=log.next_observations,
        terminations=log.terminations,
    )  # fmt: skip
    assert found.mi == pytest.approx(0, abs=1e-12)
    assert found.gap < 0.02


@pytest.mark.parametrize("seed", range(20))
def test_each_latent_has_a_bound_of_its_own(seed):
    """Pinsker's inequality, latent by latent; their information adds up to the whole."""
    rng = np.random.default_rng(seed)
    log = random_log(rng, n_episodes=80)
    q = random_latents(rng, 80, sharpness=5.0)
    found = latent_consistency(*log.to_arrays(), q=q)
    coder = LogCoder(None, 9).fit(log)
    tree = build_tree(coder.encode(log), coder, "full", np.ones(80))
    told = latent_information(tree, q)[0]
    assert found.p_z @ told == pytest.approx(found.mi, abs=1e-12)
    span = np.ptp(log.returns())
    assert (np.abs(found.V - found.V_pi) <= span * np.sqrt(told / 2) + 1e-12).all()


class TestRefusals:
    @pytest.mark.parametrize(
        ("q", "message"),
        [
            ([[1.0, 0.0]], "q has 1 rows, but there are 2 episodes"),
            ([[0.5, 0.4], [1.0, 0.0]], r"must be probabilities that sum to 1; row 0"),
            ([[1.0, 0.0], [1.5, -0.5]], "row 1 sums to 1 and has the least entry -0.5"),
            ([[np.nan, 0.0], [1.0, 0.0]], "NaN"),
        ],
    )
    def test_latents(self, q, message):
        with pytest.raises(ValueError, match=message):
            latent_consistency([[0], [0], [1]], [0, 1, 0], [1, 0, 1], [0, 0, 1], q)

    @pytest.mark.parametrize("weight", [[1.0], [-1.0, 1.0], [0.0, 0.0], [np.inf, 1.0]])
    def test_weights(self, weight):
        with pytest.raises(ValueError, match="sample_weight"):
            latent_consistency([[0], [1]], [0, 1], None, None, np.eye(2), weight)

    def test_history(self):
        with pytest.raises(ValueError, match="history must be one of"):
            latent_consistency([[0]], [0], None, None, [[1.0]], history="none")
