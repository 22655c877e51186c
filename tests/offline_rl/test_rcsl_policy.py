# SPDX-License-Identifier: BSD-3-Clause
"""RCSLPolicy: exactness in known problems, and its manners as an estimator."""

import numpy as np
import pytest
from offline_rl.random_logs import random_log
from scipy.optimize import linprog
from scipy.special import expit
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_theory.datasets import (
    TrajectoryDataset,
    make_environment,
    make_frozen_lake,
    make_linear_q,
    make_stitch_chain,
)
from sklearn_theory.offline_rl import (
    RCSLPolicy,
    off_policy_estimate,
    return_curve,
    rollout,
)

SMALL = {"hidden_layer_sizes": (16,), "max_iter": 5, "random_state": 0}
CONTINUOUS = ("mse", "gaussian", "autoregressive")


def walk_log(rng, n_episodes=20, horizon=6):
    """Random walks whose action is a step of two coordinates."""
    n = n_episodes * horizon
    groups = np.repeat(np.arange(n_episodes), horizon)
    return TrajectoryDataset(
        rng.normal(size=(n, 3)), rng.normal(size=(n, 2)), rng.normal(size=n), groups
    )


def smallest_error(n, kinks):
    """The least largest error of functions with these kinks for LinearQ's rewards."""
    states = np.arange(n)
    reward = np.where(states % 2 == 0, 1.0, 2.0)
    reward[-1] = 1
    units = np.maximum(0, states[:, np.newaxis] - kinks)
    basis = np.column_stack([np.ones(n), states, units])
    slack = np.ones((n, 1))
    solution = linprog(
        np.append(np.zeros(basis.shape[1]), 1.0),
        A_ub=np.block([[basis, -slack], [-basis, -slack]]),
        b_ub=np.concatenate([reward, -reward]),
        bounds=(None, None),
    )
    return solution.fun


class TestChain:
    @pytest.mark.parametrize("horizon, n_ones", [(2, 1), (4, 2), (6, 3), (8, 4)])
    @pytest.mark.parametrize("deterministic", [True, False])
    def test_cannot_stitch(self, horizon, n_ones, deterministic):
        """Every run that asks for k returns exactly k; more was never seen."""
        log = make_stitch_chain(horizon=horizon, n_ones=n_ones)
        policy = RCSLPolicy("discrete", head="tabular", deterministic=deterministic)
        policy.fit(*log.to_arrays())
        assert policy.max_return_ == policy.mean_return_ == n_ones
        env = make_environment("stitch_chain", horizon=horizon)
        returns = rollout(env, policy, 20, random_state=0).returns()
        np.testing.assert_array_equal(returns, n_ones)

    def test_reproduces_an_episode_where_outcomes_are_certain(self, rng):
        """Asked for the return of a logged episode, it earns that return."""
        plans = rng.integers(2, size=(6, 5))
        rows = [
            (h, a, a * (h + 1), e) for e, p in enumerate(plans) for h, a in enumerate(p)
        ]
        stage, action, reward, episode = map(np.array, zip(*rows))
        log = TrajectoryDataset(stage[:, np.newaxis] * 1.0, action, reward, episode)
        policy = RCSLPolicy("discrete", head="tabular").fit(*log.to_arrays())
        best = log.returns().argmax()
        state, earned, plan = None, None, []
        for stage in range(5):
            action, state = policy.act([float(stage)], state, earned)
            earned = action * (stage + 1)
            plan.append(action)
        assert np.dot(plan, np.arange(1, 6)) == log.returns()[best]


class TestLinearQ:
    @pytest.mark.parametrize("n, changes", [(4, 2), (8, 6), (16, 14), (32, 30)])
    def test_values_are_linear_and_one_step_rewards_zigzag(self, n, changes):
        env = make_environment("linear_q", n_states=n)
        value = np.zeros(n + 1)
        reward, following = np.zeros((n, 2)), np.zeros((n, 2), dtype=int)
        for s, a in np.ndindex(n, 2):
            env.reset(seed=0)
            for _ in range(s):
                env.step(0)
            then, reward[s, a], *_ = env.step(a)
            following[s, a] = then
        for s in reversed(range(n)):
            value[s] = (reward[s] + value[following[s]]).max()
        np.testing.assert_array_equal(value, n - np.arange(n + 1))
        quality = reward + value[following]
        np.testing.assert_array_equal(
            quality, n - np.arange(n)[:, np.newaxis] - 1 + np.array([0, 1])
        )
        slopes = np.diff(reward[:, 1])
        assert np.count_nonzero(np.diff(slopes)) == changes == n - 2
        # The last of these changes is from falling to level: no change of sign.
        assert np.sum(slopes[1:] * slopes[:-1] < 0) == n - 3

    @pytest.mark.parametrize("n", [4, 8, 16])
    def test_too_few_kinks_miss_by_a_half(self, n, rng):
        """To err by less than 1/2 slopes must change sign n - 3 times.

        A network of m units has m kinks at most, and each change needs one. With n - 3
        kinks the error can be 1/4, and only n - 2 represent the rewards.
        """
        assert smallest_error(n, np.arange(1, n - 2)) == pytest.approx(0.25)
        assert smallest_error(n, np.arange(1, n - 1)) == pytest.approx(0, abs=1e-9)
        for _ in range(40):
            kinks = rng.uniform(-1, n, size=rng.integers(0, n - 3))
            assert smallest_error(n, kinks) >= 0.5 - 1e-9

    @pytest.mark.parametrize(
        "n, n_episodes, lowest",
        [(4, 20_000, 0.92), (8, 20_000, 0.74), (16, 20_000, 0.61), (32, 5_000, 0.55)],
    )
    def test_one_linear_unit_is_optimal(self, n, n_episodes, lowest):
        """A softmax without hidden layers: logistic regression, as scikit-learn fits it."""
        log = make_linear_q(n_episodes, n_states=n, random_state=0)
        policy = RCSLPolicy(
            "discrete",
            hidden_layer_sizes=(),
            learning_rate_init=0.1,
            max_iter=300,
            batch_size=4096,
            random_state=0,
        ).fit(*log.to_arrays())
        states = np.arange(n)
        proba = policy.predict_proba(states[:, np.newaxis] * 1.0, n - states)[:, 1]
        assert (proba > 0.5).all()
        assert proba.min() == pytest.approx(lowest, abs=0.012)
        rows = np.column_stack([log.observations, log.returns_to_go()]) / n
        peer = LogisticRegression(C=1e4, max_iter=1000).fit(rows, log.actions)
        expected = peer.predict_proba(np.column_stack([states, n - states]) / n)[:, 1]
        np.testing.assert_allclose(proba, expected, atol=5e-3)
        env = make_environment("linear_q", n_states=n)
        assert rollout(env, policy, 1, target_return=n).returns() == n

    def test_the_limit_of_logistic_regression(self):
        """P(a = 1 | s, g) rises with g, and is a logistic function of s and g."""
        log = make_linear_q(2000, n_states=8, random_state=0)
        policy = RCSLPolicy(
            "discrete", hidden_layer_sizes=(), learning_rate_init=0.1, random_state=0
        ).fit(*log.to_arrays())
        grid = np.array([(s, g) for s in range(8) for g in range(9)], dtype=float)
        proba = policy.predict_proba(grid[:, :1], grid[:, 1])[:, 1]
        basis = np.column_stack([np.ones(len(grid)), grid])
        logit = np.log(proba / (1 - proba))
        coefficients = np.linalg.lstsq(basis, logit, rcond=None)[0]
        np.testing.assert_allclose(proba, expit(basis @ coefficients), atol=1e-6)
        assert (np.diff(proba.reshape(8, 9), axis=1) > 0).all()


class TestReturns:
    @pytest.mark.parametrize("head", CONTINUOUS)
    def test_without_rewards_the_return_does_not_matter(self, head, rng):
        X, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
        policy = RCSLPolicy(head=head, **SMALL).fit(X, y)
        np.testing.assert_array_equal(policy.predict(X, 0.0), policy.predict(X, 99.0))
        for normalize in (True, False):
            policy.set_params(normalize=normalize).fit(X, y)
            np.testing.assert_array_equal(policy.predict(X, 0), policy.predict(X, 9))

    def test_rewards_and_groups_are_returns_to_go(self, rng):
        log = walk_log(rng)
        from_rewards = RCSLPolicy(gamma=0.9, **SMALL).fit(*log.to_arrays())
        given = RCSLPolicy(**SMALL).fit(
            log.observations, log.actions, return_to_go=log.returns_to_go(0.9)
        )
        np.testing.assert_array_equal(
            from_rewards.predict(log.observations, 1.0),
            given.predict(log.observations, 1.0),
        )

    def test_order_of_episodes_changes_nothing(self, rng):
        log = walk_log(rng)
        order = np.argsort(rng.random(log.n_episodes)[log.episode_codes], kind="stable")
        shuffled = TrajectoryDataset(*(column[order] for column in log.to_arrays()))
        np.testing.assert_array_equal(
            shuffled.returns_to_go(), log.returns_to_go()[order]
        )
        first = RCSLPolicy(**SMALL).fit(*log.to_arrays())
        second = RCSLPolicy(**SMALL).fit(*shuffled.to_arrays())
        X = log.observations
        np.testing.assert_array_equal(first.predict(X), second.predict(X))

    @pytest.mark.parametrize("gamma", [1.0, 0.9])
    def test_acting_lowers_what_is_asked_for(self, gamma, rng):
        log = walk_log(rng)
        policy = RCSLPolicy(gamma=gamma, **SMALL).fit(*log.to_arrays())
        row = log.observations[0]
        action, state = policy.act(row, target_return=5.0)
        assert state == 5.0
        expected = policy.predict(row[np.newaxis], 5.0)[0]
        low, high = log.actions.min(axis=0), log.actions.max(axis=0)
        np.testing.assert_allclose(action, np.clip(expected, low, high), rtol=1e-5)
        _, state = policy.act(row, state, 2.0)
        assert state == pytest.approx(3.0 / gamma)
        _, unchanged = policy.act(row, state)
        assert unchanged == state

    def test_gamma_of_zero_keeps_asking_for_the_same_reward(self, rng):
        policy = RCSLPolicy(gamma=0.0, **SMALL).fit(*walk_log(rng).to_arrays())
        assert policy.act(np.zeros(3), 0.7, 0.5)[1] == 0.7

    def test_target(self, rng):
        log = walk_log(rng)
        policy = RCSLPolicy(target_scale=1.1, **SMALL).fit(*log.to_arrays())
        assert policy.max_return_ == log.returns().max()
        assert policy.mean_return_ == pytest.approx(log.returns().mean())
        assert policy.act(np.zeros(3))[1] == pytest.approx(1.1 * log.returns().max())
        assert policy.set_params(target_return=2.0).act(np.zeros(3))[1] == 2.0

    def test_requested_against_achieved(self):
        """Where every return was logged, what is asked for is what is earned."""
        log = make_linear_q(4000, n_states=8, start="zero", random_state=0)
        policy = RCSLPolicy("discrete", head="tabular").fit(*log.to_arrays())
        env = make_environment("linear_q", n_states=8)
        returns = np.unique(log.returns())
        curve = return_curve(env, policy, returns, n_episodes=3)
        np.testing.assert_array_equal(curve.achieved, returns)


class TestScore:
    def test_asks_for_the_true_return_of_each_row(self, rng):
        log = random_log(rng)
        policy = RCSLPolicy("discrete", head="tabular").fit(*log.to_arrays())
        truth = accuracy_score(
            log.actions, policy.predict(log.observations, log.returns_to_go())
        )
        assert policy.score(**log.to_dict()) == truth
        assert truth > policy.score(log.observations, log.actions)

    def test_regression(self, rng):
        log = walk_log(rng)
        policy = RCSLPolicy(**SMALL).fit(**log.to_dict())
        predicted = policy.predict(log.observations, log.returns_to_go())
        assert policy.score(**log.to_dict()) == r2_score(log.actions, predicted)

    def test_logged_proba(self, rng):
        """An off-policy estimate of the chain's policy: it earns what it is asked for."""
        log = make_stitch_chain(horizon=4, n_ones=2)
        policy = RCSLPolicy("discrete", head="tabular", deterministic=False)
        policy.fit(*log.to_arrays())
        proba = policy.logged_proba(*log.to_arrays())
        joint = np.exp(np.bincount(log.episode_codes, weights=np.log(proba)))
        np.testing.assert_allclose(joint, 1 / 6)  # Each of the six with equal chances.
        estimate = off_policy_estimate(policy, *log.to_arrays(), random_state=0)
        assert estimate.value == pytest.approx(2)

    @pytest.mark.parametrize("gamma", [1.0, 0.9, 0.0])
    def test_logged_proba_follows_act(self, gamma, rng):
        log = random_log(rng, n_episodes=10)
        policy = RCSLPolicy("discrete", head="tabular", gamma=gamma, target_return=0.7)
        policy.fit(*log.to_arrays())
        proba = policy.logged_proba(*log.to_arrays())
        for episode in log.to_episodes():
            state = reward = None
            rows = zip(episode["observations"], episode["actions"], episode["rewards"])
            for observation, action, earned in rows:
                choice, state = policy.act(observation, state, reward)
                reward = earned
                matches = (log.observations == observation).all(axis=1)
                assert (proba[matches & (log.actions == action)] >= 0).all()
                assert choice in policy.classes_


class TestManners:
    def test_same_seed_same_result(self, rng):
        log = walk_log(rng)
        first, second = (RCSLPolicy(**SMALL).fit(*log.to_arrays()) for _ in range(2))
        X = log.observations
        np.testing.assert_array_equal(first.predict(X), second.predict(X))

    def test_weight_two_is_the_row_twice(self, rng):
        X, y, g = (
            rng.normal(size=(40, 2)),
            rng.integers(3, size=40),
            rng.normal(size=40),
        )
        weight = rng.integers(3, size=40)
        options = {"learning_rate_init": 0.01, **SMALL, "batch_size": 16}
        weighted = RCSLPolicy("discrete", **options)
        weighted.fit(X, y, return_to_go=g, sample_weight=weight)
        repeated = RCSLPolicy("discrete", **options).fit(
            X.repeat(weight, axis=0), y.repeat(weight), return_to_go=g.repeat(weight)
        )
        np.testing.assert_array_equal(
            weighted.predict_proba(X, g), repeated.predict_proba(X, g)
        )

    def test_rows_that_repeat_are_learnt_as_well_as_counted(self):
        """Merged into a few, they make few batches, and need more than one pass."""
        log = make_frozen_lake(100, epsilon=0.1, random_state=0)
        X, y, *outcomes = log.to_arrays()
        fields = np.eye(16)[X[:, 0].astype(int)]
        g = log.returns_to_go()
        options = {"hidden_layer_sizes": (64, 64), "random_state": 0}
        network = RCSLPolicy("discrete", **options).fit(fields, y, *outcomes)
        counted = RCSLPolicy("discrete", head="tabular").fit(X, y, *outcomes)
        losses = [
            -np.log(model.predict_proba(rows, g)[np.arange(len(y)), y]).mean()
            for model, rows in ((network, fields), (counted, X))
        ]
        assert losses[0] <= losses[1] + 0.02

    @pytest.mark.parametrize("early_stopping", [True, False])
    def test_search_over_episodes_in_a_pipeline(self, early_stopping, rng):
        log = random_log(rng, n_episodes=40)
        with config_context(enable_metadata_routing=True):
            policy = RCSLPolicy("discrete", early_stopping=early_stopping, **SMALL)
            policy.set_params(tol=1.0 if early_stopping else None, n_iter_no_change=1)
            policy.set_fit_request(rewards=True, groups=True)
            policy.set_score_request(rewards=True, groups=True)
            search = GridSearchCV(
                make_pipeline(StandardScaler(), policy),
                {"rcslpolicy__gamma": [1.0, 0.9]},
                cv=GroupKFold(3),
                error_score="raise",
            )
            search.fit(
                log.observations, log.actions, rewards=log.rewards, groups=log.groups
            )
        assert (search.cv_results_["mean_test_score"] > 0).all()
        assert bool(search.best_estimator_[-1].validation_scores_) == early_stopping

    def test_early_stopping_sets_episodes_aside(self, rng):
        log = random_log(rng, n_episodes=40)
        policy = RCSLPolicy("discrete", early_stopping=True, **SMALL)
        policy.set_params(tol=1.0, n_iter_no_change=1)
        columns = (log.observations, log.actions, log.rewards)
        policy.fit(*columns, log.groups)
        assert len(policy.validation_scores_) == policy.n_iter_
        with pytest.raises(ValueError, match="there is 1 group only"):
            policy.fit(*columns, np.zeros(log.n_steps))

    def test_head_must_fit_the_actions(self):
        X, y = np.zeros((4, 1)), np.array([0, 1, 0, 1])
        with pytest.raises(ValueError, match=r"head='gaussian'.*'categorical'"):
            RCSLPolicy("discrete", head="gaussian").fit(X, y)
        with pytest.raises(ValueError, match=r"head='tabular'.*'mse'"):
            RCSLPolicy(head="tabular").fit(X, y)

    def test_methods_follow_the_head(self, rng):
        assert hasattr(RCSLPolicy("discrete"), "predict_proba")
        assert not hasattr(RCSLPolicy(), "predict_proba")
        assert hasattr(RCSLPolicy(head="gaussian"), "predict_dist")
        assert not hasattr(RCSLPolicy("discrete", head="tabular"), "predict_dist")

    def test_one_label(self):
        policy = RCSLPolicy("discrete", **SMALL).fit(np.zeros((5, 1)), ["left"] * 5)
        np.testing.assert_array_equal(policy.predict([[1.0]]), ["left"])
        np.testing.assert_allclose(policy.predict_proba([[1.0]]), [[1.0]])

    @pytest.mark.parametrize(
        "metadata, message",
        [
            ({"rewards": [1.0, 2.0]}, "rewards has 2 values"),
            ({"rewards": [1.0, np.nan, 0.0, 0.0]}, "rewards holds NaN"),
            ({"groups": [0, 1]}, "groups has 2 values"),
            ({"return_to_go": [1.0, 2.0]}, "return_to_go"),
            ({"return_to_go": [1.0, np.inf, 0.0, 0.0]}, "return_to_go holds NaN"),
            ({"rewards": np.ones(4), "return_to_go": np.ones(4)}, "both given"),
        ],
    )
    def test_bad_metadata(self, metadata, message):
        with pytest.raises(ValueError, match=message):
            RCSLPolicy(**SMALL).fit(np.zeros((4, 1)), np.zeros(4), **metadata)

    def test_bad_rows(self, rng):
        policy = RCSLPolicy(**SMALL).fit(rng.normal(size=(9, 2)), np.arange(9.0))
        for observation in ([1.0], [1.0, np.nan]):
            with pytest.raises(ValueError, match="observation must hold 2 finite"):
                policy.act(observation)
        with pytest.raises(ValueError, match="return_to_go"):
            policy.predict(np.zeros((3, 2)), [1.0, 2.0])
        with pytest.raises(ValueError, match=r"1D|Expected 2D"):
            policy.fit(np.arange(4.0), np.arange(4.0))

    def test_report(self, rng):
        log = make_stitch_chain(horizon=4, n_ones=2)
        policy = RCSLPolicy("discrete", head="tabular", target_return=3.0)
        report = policy.fit(*log.to_arrays()).theory_report(**log.to_dict())
        assert not report["episodes that earn the return"].holds
        assert report["certainty of rewards and transitions"].measured == 1
        policy.set_params(target_return=2.0)
        report = policy.theory_report(**log.to_dict())
        assert report["episodes that earn the return"].measured == 1
