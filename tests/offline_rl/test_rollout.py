# SPDX-License-Identifier: BSD-3-Clause
"""Rollouts in single and vector environments, and what is kept when they fail."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_theory.datasets import (
    TrajectoryDataset,
    make_environment,
    make_frozen_lake,
    make_stitch_chain,
)
from sklearn_theory.offline_rl import (
    BehaviorPolicy,
    DichotomyOfControl,
    RCSLPolicy,
    RolloutError,
    TabularDoC,
    return_curve,
    rollout,
)

gymnasium = pytest.importorskip("gymnasium")


class Corridor:
    """A plain environment, without Gymnasium: five steps to the right end it."""

    def __init__(self, fails_after=None, error=ValueError):
        self.n_calls, self.fails_after, self.error = 0, fails_after, error

    def reset(self, *, seed=None, options=None):
        self.place = 0
        return np.array([0.0, 1.0]), {}

    def step(self, action):
        self.n_calls += 1
        if self.fails_after is not None and self.n_calls > self.fails_after:
            raise self.error("the motor is hot")
        self.place += action
        return np.array([self.place, 1.0]), float(action), self.place >= 5, False, {}


class Counter:
    """Earn as much as is asked for, one a step."""

    def act(self, observation, state=None, reward=None, target_return=None):
        left = target_return if state is None else state - reward
        return int(left > 0), left


def assert_log_is_coherent(log, n_episodes):
    assert log.n_episodes == n_episodes
    inner = log.successor >= 0
    assert_array_equal(
        log.next_observations[inner], log.observations[log.successor[inner]]
    )
    ends = log.terminations | log.truncations
    assert_array_equal(np.flatnonzero(ends), np.sort(log.last_rows))


class TestPolicies:
    def test_function(self):
        log = rollout(Corridor(), lambda X: np.ones(len(X), int), 3)
        assert_log_is_coherent(log, 3)
        assert_array_equal(log.returns(), 5)
        assert_array_equal(log.observations[:5, 0], [0, 1, 2, 3, 4])

    def test_estimator_with_predict(self):
        class Right:
            def predict(self, X):
                return np.ones(len(X), int)

        assert_array_equal(rollout(Corridor(), Right(), 2).lengths, 5)

    def test_policy_that_is_asked_for_a_return(self):
        chain = make_environment("stitch_chain", horizon=6)
        for target in (0, 2, 6):
            assert_array_equal(rollout(chain, Counter(), 2, target).returns(), target)
        curve = return_curve(chain, Counter(), [1, 4, 9], n_episodes=3)
        assert_array_equal(curve.requested, [1, 4, 9])
        assert_array_equal(curve.achieved, [1, 4, 6])
        assert_array_equal(curve.standard_error, 0)
        assert curve.returns.shape == (3, 3)

    def test_seed(self):
        log = make_stitch_chain(horizon=4, n_ones=2)
        model = TabularDoC(n_latents=2, random_state=0).fit(*log.to_arrays())
        lake = make_environment("frozen_lake")
        chain = make_environment("stitch_chain", horizon=4)
        for environment, policy in ((chain, model), (lake, lambda X: [1])):
            first, second, third = (
                rollout(environment, policy, 20, random_state=seed)
                for seed in (0, 0, 1)
            )
            assert_array_equal(first.actions, second.actions)
            assert_array_equal(first.observations, second.observations)
            assert first.observations.shape != third.observations.shape or (
                (first.observations != third.observations).any()
                or (first.actions != third.actions).any()
            )

    def test_cut(self):
        log = rollout(Corridor(), lambda X: [0], 2, max_steps=7)
        assert_array_equal(log.lengths, 7)
        assert log.truncations.sum() == 2


@pytest.mark.parametrize(
    "policy",
    [
        RCSLPolicy("discrete", head="tabular", deterministic=False, random_state=0),
        BehaviorPolicy("discrete", kind="tabular", random_state=0),
        TabularDoC(n_latents=1, random_state=0),
        DichotomyOfControl(
            n_latents=1,
            n_init=1,
            max_iter=2,
            hidden_layer_sizes=(4,),
            random_state=0,
        ),
    ],
    ids=lambda policy: type(policy).__name__,
)
def test_a_seed_is_no_reason_to_draw_the_same_in_every_step(policy):
    X, y = np.zeros((40, 1)), np.arange(40) % 2

    def draw(policy):
        return [policy.act([0.0])[0] for _ in range(40)]

    drawn = draw(policy.fit(X, y))
    assert 8 <= sum(drawn) <= 32
    assert draw(policy) != drawn
    assert draw(policy.fit(X, y)) == drawn


class TestVectorEnvironments:
    @pytest.mark.parametrize("mode", list(gymnasium.vector.AutoresetMode))
    @pytest.mark.parametrize("max_steps", [None, 5])
    def test_every_mode_of_autoreset(self, mode, max_steps):
        lakes = gymnasium.vector.SyncVectorEnv(
            [lambda: make_environment("frozen_lake", intended=0.8)] * 3,
            autoreset_mode=mode,
        )
        moves = np.random.default_rng(0)
        log = rollout(
            lakes, lambda X: moves.integers(4, size=len(X)), 7, random_state=0,
            max_steps=max_steps,
        )  # fmt: skip
        assert_log_is_coherent(log, 7)
        assert_array_equal(log.initial_observations(), 0)
        if max_steps:
            assert log.lengths.max() <= 5

    def test_same_policy_earns_the_same(self):
        log = make_frozen_lake(200, intended=0.8, epsilon=0.1, random_state=0)
        model = TabularDoC(1, history="markov", random_state=0).fit(**log.to_dict())
        single = make_environment("frozen_lake", intended=0.8)
        vector = gymnasium.vector.SyncVectorEnv(
            [lambda: make_environment("frozen_lake", intended=0.8)] * 4
        )
        earned = [
            rollout(env, model, 400, random_state=0).returns().mean()
            for env in (single, vector)
        ]
        assert earned[0] == pytest.approx(earned[1], abs=0.1)

    def test_short_episodes_are_not_preferred(self):
        """Half of the parts end at once; each contributes its share all the same."""
        chains = gymnasium.vector.SyncVectorEnv([lambda: Uneven(1), lambda: Uneven(9)])
        log = rollout(chains, lambda X: np.zeros(len(X), int), 10)
        assert_array_equal(np.sort(log.lengths), [1] * 5 + [9] * 5)

    def test_vector_environment_that_does_not_tell_its_mode(self):
        class Silent:
            num_envs, metadata = 2, {}
            reset = step = None

        with pytest.raises(ValueError, match="autoreset_mode"):
            rollout(Silent(), lambda X: [0, 0], 1)


class Uneven(gymnasium.Env):
    """Episodes of a given length."""

    observation_space = gymnasium.spaces.Box(0, 100, (1,))
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, length):
        self.length = length

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.n_steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.n_steps += 1
        seen = np.full(1, self.n_steps, np.float32)
        return seen, 0.0, self.n_steps >= self.length, False, {}


class TestFailures:
    def test_what_was_collected_is_kept(self):
        with pytest.raises(RolloutError, match="the motor is hot") as caught:
            rollout(Corridor(fails_after=12), lambda X: [1], 10)
        error = caught.value
        assert isinstance(error.__cause__, ValueError)
        assert error.n_complete == 2
        assert_array_equal(error.collected.lengths, [5, 5, 2])
        assert_array_equal(error.collected.truncations[error.collected.last_rows],
                           [False, False, True])  # fmt: skip
        loaded = pickle.loads(pickle.dumps(error))
        assert loaded.collected.n_steps == 12

    def test_failing_policy(self):
        with pytest.raises(RolloutError, match="ZeroDivisionError") as caught:
            rollout(Corridor(), lambda X: [1 if X[0, 0] < 3 else 1 // 0], 1)
        assert caught.value.collected.n_steps == 3

    def test_nothing_was_collected(self):
        with pytest.raises(RolloutError) as caught:
            rollout(Corridor(fails_after=0), lambda X: [1], 1)
        assert caught.value.collected is None

    def test_interrupt_passes_through_and_carries_the_data(self):
        with pytest.raises(KeyboardInterrupt) as caught:
            rollout(Corridor(fails_after=7, error=KeyboardInterrupt), lambda X: [1], 9)
        assert_array_equal(caught.value.collected.lengths, [5, 2])

    def test_wrong_number_of_actions(self):
        with pytest.raises(RolloutError, match="2 actions for 1 observations"):
            rollout(Corridor(), lambda X: [1, 1], 1)

    def test_observations_in_parts(self):
        class Parts(Corridor):
            def reset(self, *, seed=None, options=None):
                return {"eye": 0}, {}

        with pytest.raises(RolloutError, match="FlattenObservation"):
            rollout(Parts(), lambda X: [1], 1)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"n_episodes": 0}, "n_episodes must be a whole number"),
            ({"n_episodes": 1, "max_steps": 0}, "max_steps must be a whole number"),
            ({"n_episodes": 1, "target_return": 1.0}, "cannot be asked for a return"),
            (
                {"n_episodes": 1, "policy": 3},
                "policy must have a method act or predict",
            ),
            ({"n_episodes": 1, "env": 3}, "env must have a method reset"),
        ],
    )
    def test_bad_arguments(self, arguments, message):
        given = {"env": Corridor(), "policy": lambda X: [1]} | arguments
        with pytest.raises(ValueError, match=message):
            rollout(**given)

    def test_bad_targets(self):
        with pytest.raises(ValueError, match="target_returns must be one-dimensional"):
            return_curve(Corridor(), Counter(), [[1.0]])


class TestEndToEnd:
    """Packages as users have them."""

    def collect(self, n_episodes=200, seed=0):
        lake = gymnasium.make("FrozenLake-v1", is_slippery=False)
        moves = np.random.default_rng(seed)
        return rollout(
            lake, lambda X: moves.choice([1, 2, 2, 1, 0], size=len(X)), n_episodes,
            random_state=seed,
        )  # fmt: skip

    def test_frozen_lake_of_gymnasium(self):
        log = self.collect()
        assert 0 < log.returns().mean() < 0.6
        model = TabularDoC(16, history="markov", max_iter=2000, random_state=0)
        model.fit(**log.to_dict())
        lake = gymnasium.make("FrozenLake-v1", is_slippery=False)
        achieved = rollout(lake, model, 100, random_state=1).returns().mean()
        assert achieved > log.returns().mean() + 0.3
        assert achieved == pytest.approx(model.expected_return_, abs=0.25)

    def test_minari_data_set(self, tmp_path, monkeypatch):
        pytest.importorskip("minari")
        monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
        log = self.collect(50)
        log.to_minari(
            "lake/random-v0", algorithm_name="random", author="the tests",
            author_email="tests@example.org", code_permalink="https://example.org",
            description="A walk on the lake.",
        )  # fmt: skip
        loaded = TrajectoryDataset.from_minari("lake/random-v0")
        models = [
            TabularDoC(8, history="markov", max_iter=2000, random_state=0).fit(
                **one.to_dict()
            )
            for one in (log, loaded)
        ]
        assert_allclose(models[0].latent_values_, models[1].latent_values_, rtol=1e-6)
        report = models[1].theory_report(**loaded.to_dict())
        assert report["steps with the usual outcome"].measured == 1.0
