# SPDX-License-Identifier: BSD-3-Clause
"""TabularDoC: identities, limits, histories, metadata, and what is refused."""

import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from offline_rl.random_logs import random_log
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_theory.datasets import (
    TrajectoryDataset,
    make_bernoulli_bandit,
    make_environment,
    make_frozen_lake,
    make_gamble_tree,
    make_lucky_tree,
    make_stitch_chain,
)
from sklearn_theory.offline_rl import (
    TabularDoC,
    latent_consistency,
    make_off_policy_scorer,
    make_promise_scorer,
    make_rollout_scorer,
    rollout,
)


def fit(log, **parameters):
    return TabularDoC(random_state=0, **parameters).fit(*log.to_arrays())


class TestIdentities:
    @pytest.mark.parametrize("history", ["full", "markov", "markov_time"])
    def test_prior_and_values(self, history, rng):
        log = random_log(rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = fit(log, n_latents=3, max_iter=100, history=history)
        start = [[0.0]]
        prior, values = model.latent_prior(start), model.latent_values(start)
        assert prior.sum() == pytest.approx(1, abs=1e-12)
        assert prior[0] @ values[0] == pytest.approx(log.returns().mean(), abs=1e-12)
        z = model.select_latent(start)
        assert model.expected_return_ == pytest.approx(values[0, z[0]])
        assert values[0, z[0]] == values[0, prior[0] >= 0.01].max()
        for k in range(3):
            assert model.predict_proba(start, z=k).sum() == pytest.approx(1)

    def test_information_is_that_of_its_own_latents(self, rng):
        log = make_lucky_tree(500, random_state=0)
        model = fit(log, n_latents=4)
        arguments = log.to_arrays()
        q = model.encode(*arguments)
        found = latent_consistency(*arguments, q=q)
        assert found.mi == pytest.approx(model.mutual_information_, abs=1e-12)
        assert found.nll == pytest.approx(model.nll_, abs=1e-12)
        assert found.bound == pytest.approx(model.gap_bound_, abs=1e-9)
        assert_allclose(found.p_z, model.latent_prior([[0.0, 0.0]])[0], atol=1e-12)

    def test_one_latent_without_beta_is_counting(self, rng):
        log = random_log(rng)
        model = fit(log, n_latents=1, beta=0.0)
        first = log.actions[log.time == 0]
        expected = [np.mean(first == a) for a in model.classes_]
        assert_allclose(model.predict_proba([[0.0]])[0], expected, atol=1e-12)
        assert model.stop_reason_ == "converged"

    def test_deterministic_outcomes_replay_the_best_episode(self):
        log = make_stitch_chain(horizon=4, n_ones=2)
        rewards = log.rewards * (1 + log.time)
        log = TrajectoryDataset(log.observations, log.actions, rewards, log.groups)
        model = fit(log, n_latents=12)
        assert model.mutual_information_ < 1e-12
        assert model.nll_ < 1e-3
        assert model.expected_return_ == pytest.approx(log.returns().max(), abs=0.01)
        actions, state, reward = [], None, None
        for stage in range(4):
            action, state = model.act([stage], state, reward, random_state=0)
            reward = action * (1 + stage)
            actions.append(action)
        assert actions == [0, 0, 1, 1]

    def test_order_of_episodes_does_not_matter(self, rng):
        log = make_lucky_tree(400, random_state=0)
        order = rng.permutation(log.n_episodes)
        moved = TrajectoryDataset(
            log.observations, log.actions, log.rewards, order[log.episode_codes]
        )
        first, second = fit(log, n_latents=4), fit(moved, n_latents=4)
        assert_allclose(first.latent_values_, second.latent_values_, rtol=1e-9)
        assert_allclose(first.policy_table_, second.policy_table_, rtol=1e-9)

    def test_weight_two_is_the_episode_twice(self, rng):
        log = make_lucky_tree(100, random_state=0)
        weight = rng.integers(0, 3, size=100)
        episodes = np.repeat(np.arange(100), weight)
        rows = np.concatenate(
            [np.flatnonzero(log.episode_codes == e) for e in episodes]
        )
        groups = np.repeat(np.arange(len(episodes)), 2)
        twice = TabularDoC(random_state=0).fit(
            log.observations[rows], log.actions[rows], log.rewards[rows], groups
        )
        once = TabularDoC(random_state=0).fit(
            *log.to_arrays(), sample_weight=weight[log.episode_codes]
        )
        assert_allclose(once.latent_values_, twice.latent_values_, rtol=1e-8)
        assert_allclose(once.latent_counts_, twice.latent_counts_, atol=1e-6)


class TestActing:
    def test_history_is_followed(self):
        """The action at the second stage depends on what the first one earned."""
        log = make_lucky_tree(2000, random_state=0)
        stages = TrajectoryDataset(log.observations[:, :1], *log.to_arrays()[1:])
        model = TabularDoC(n_latents=1, random_state=0).fit(*stages.to_arrays())
        for luck, share in ((1.0, 0.9), (0.0, 0.1)):
            random = np.random.RandomState(0)
            actions = []
            while len(actions) < 400:
                first, state = model.act([0.0], random_state=random)
                if first == 1:
                    action, _ = model.act([1.0], state, luck, random_state=random)
                    actions.append(action)
            assert np.mean(actions) == pytest.approx(share, abs=0.06)

    @pytest.mark.parametrize("history", ["full", "markov", "markov_time"])
    def test_unknown_histories_fall_back_to_the_state(self, history):
        log = make_gamble_tree(500, random_state=0)
        model = fit(log, history=history, n_latents=2, max_iter=2000)
        _, state = model.act([0.0], random_state=0)
        for reward in (None, 123.0):
            action, after = model.act([1.0], state, reward, random_state=0)
            assert action in model.classes_
            assert after.time == 1
        assert model.act([7.0], after, 0.0, random_state=0)[0] in model.classes_

    def test_a_missing_reward_is_taken_for_the_usual_one(self):
        log = TrajectoryDataset(
            [[0.0], [1.0]] * 3, [0, 0, 0, 1, 0, 1], [1.0, 0, 5.0, 0, 5.0, 0],
            [0, 0, 1, 1, 2, 2],
        )  # fmt: skip
        model = fit(log, n_latents=1)
        _, state = model.act([0.0], random_state=0)
        assert model.act([1.0], state, None, random_state=0)[0] == 1
        assert model.act([1.0], state, 1.0, random_state=0)[0] == 0

    def test_logged_probabilities_multiply_to_those_of_episodes(self, rng):
        """Acting among the log's outcomes, episodes appear as often as they say."""
        log = make_gamble_tree(300, random_state=0)
        model = fit(log, n_latents=6)
        proba = model.logged_proba(*log.to_arrays())
        own = rollout(make_environment("gamble_tree"), model, 4000, random_state=0)
        plans = log.actions.reshape(-1, 2)
        for plan in np.unique(plans, axis=0):
            same = (own.actions.reshape(-1, 2) == plan).all(axis=1).mean()
            rows = (plans == plan).all(axis=1)
            products = proba.reshape(-1, 2).prod(axis=1)[rows]
            # Outcomes are independent of the plan, so each has the same probability.
            assert same == pytest.approx(products.mean(), abs=0.05)

    def test_observation_of_the_wrong_width(self):
        model = fit(make_bernoulli_bandit(50, random_state=0), n_latents=2)
        with pytest.raises(ValueError, match="observation must hold 1 finite numbers"):
            model.act([0.0, 1.0])

    def test_without_rewards_it_acts_as_the_log(self):
        log = make_bernoulli_bandit(500, probability=0.3, random_state=0)
        model = TabularDoC(random_state=0).fit(log.observations, log.actions)
        assert_allclose(model.predict_proba([[0.0]])[0, 1], log.actions.mean())
        random = np.random.RandomState(0)
        drawn = [model.act([0.0], random_state=random)[0] for _ in range(2000)]
        assert np.mean(drawn) == pytest.approx(log.actions.mean(), abs=0.03)
        assert model.sample_latent([[0.0]] * 5, random_state=0).shape == (5,)


class TestEncoding:
    def test_a_beginning_has_the_latents_of_what_shares_it(self):
        log = make_gamble_tree(600, random_state=0)
        model = fit(log, n_latents=8)
        q = model.encode(*log.to_arrays())
        assert_allclose(q.sum(axis=1), 1)
        same = (log.actions.reshape(-1, 2) == [0, 1]).all(axis=1)
        mean = q[log.actions.reshape(-1, 2)[:, 0] == 0].mean(axis=0)
        start = model.encode([[0.0], [1.0]], [0, 0], [1.0, 99.0], [0, 0])
        assert_allclose(model.encode([[0.0], [1.0]], [0, 1], [1.0, 1.0], [0, 0])[0],
                        q[same][0], atol=1e-12)  # fmt: skip
        assert not np.allclose(start[0], mean)
        unknown = model.encode([[0.0]], [0], [77.0])
        assert_allclose(unknown[0], mean, atol=1e-12)

    def test_score_with_metadata_uses_the_whole_episode(self):
        log = make_gamble_tree(600, random_state=0)
        model = fit(log, n_latents=8)
        assert model.score(*log.to_arrays()) == pytest.approx(1, abs=0.01)
        first = log.time == 0
        assert model.score(log.observations[first], log.actions[first]) < 0.5


class TestData:
    def test_bins(self, rng):
        """A step function of a continuous observation."""
        X = rng.uniform(size=(2000, 1))
        y = rng.integers(2, size=2000)
        r = ((X[:, 0] > 0.5) == y).astype(float)
        model = TabularDoC(n_bins=4, random_state=0).fit(X, y, r)
        assert len(model.states_) == 4
        assert_array_equal(model.predict([[0.1], [0.3], [0.7], [0.99]]), [0, 0, 1, 1])

    def test_unseen_observation_is_its_nearest_neighbour(self):
        X, y = [[0.0], [10.0]], ["a", "b"]
        model = TabularDoC().fit(X, y)
        assert_array_equal(model.predict([[4.0], [6.0]]), ["a", "b"])

    def test_one_action(self):
        model = TabularDoC().fit([[0.0], [1.0]], ["only", "only"], [1.0, 2.0])
        assert_array_equal(model.predict([[0.0], [5.0]]), ["only", "only"])

    def test_rewards_that_differ_in_the_last_decimals(self):
        log = make_bernoulli_bandit(200, random_state=0)
        noise = np.random.default_rng(0).uniform(0, 1e-7, size=200)
        arguments = log.observations, log.actions, log.rewards + noise
        assert TabularDoC(reward_decimals=5, random_state=0).fit(*arguments).nll_ < 0.01
        distinct = TabularDoC(random_state=0).fit(*arguments)
        report = distinct.theory_report(*arguments)
        assert report["steps with the usual outcome"].measured < 0.1

    def test_metadata_of_a_data_set(self):
        log = make_frozen_lake(40, intended=1.0, epsilon=0.3, random_state=0)
        model = TabularDoC(
            history="markov", n_latents=16, max_iter=2000, random_state=0
        )
        model.fit(**log.to_dict())
        assert model.mutual_information_ < 1e-12
        lake = make_environment("frozen_lake", intended=1.0)
        assert rollout(lake, model, 20, random_state=0).returns().mean() > 0.5


class TestSearch:
    @pytest.fixture(autouse=True)
    def routing(self):
        with sklearn.config_context(enable_metadata_routing=True):
            yield

    def search(self, scoring, estimator=None):
        log = make_bernoulli_bandit(600, probability=0.2, random_state=0)
        model = TabularDoC(n_latents=4, random_state=0)
        model.set_fit_request(rewards=True, groups=True)
        model.set_score_request(rewards=True, groups=True)
        search = GridSearchCV(
            make_pipeline(MinMaxScaler(), model),
            {"tabulardoc__beta": [0.5, 1.0]},
            cv=GroupKFold(3),
            scoring=scoring,
            error_score="raise",
        )
        X, y, rewards, groups = log.to_arrays()
        return search.fit(X, y, rewards=rewards, groups=groups)

    def test_own_score(self):
        assert self.search(None).best_score_ == pytest.approx(1, abs=0.01)

    @pytest.mark.parametrize(
        ("scorer", "tolerance"),
        [
            (make_off_policy_scorer("weighted"), 0.06),
            (make_off_policy_scorer("model"), 0.1),
            (make_rollout_scorer(
                lambda: make_environment("bernoulli_bandit", probability=0.2)), 0.1),
            (make_promise_scorer(), 0.06),
            (make_promise_scorer(penalty=1.0), 0.06),
        ],
    )  # fmt: skip
    def test_scorers_find_what_the_better_arm_earns(self, scorer, tolerance):
        assert self.search(scorer).best_score_ == pytest.approx(0.8, abs=tolerance)
        assert "Scorer(" in repr(scorer)


class TestWarnings:
    def test_a_promise_that_may_be_luck(self):
        log = make_lucky_tree(4000, random_state=0)
        with pytest.warns(UserWarning, match=r"promises a return of .* may be luck"):
            fit(log, beta=0.0, n_latents=16)

    def test_too_few_iterations(self):
        log = make_lucky_tree(400, random_state=0)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The policy promises")
            with pytest.warns(ConvergenceWarning, match="reached max_iter=30"):
                fit(log, max_iter=30)


class TestReport:
    def test_honest_promises(self):
        log = make_lucky_tree(4000, random_state=0)
        report = fit(log).theory_report(*log.to_arrays())
        assert report["information of latents about outcomes"].holds
        assert report["mean gap between promise and achievement"].holds
        assert report["episodes that earn the promise"].measured > 0.7
        usual = report["steps with the usual outcome"].measured
        assert usual == pytest.approx((0.75 + 1) / 2, abs=0.02)
        assert report["steps with a repeated history and action"].measured == 1
        assert report["episodes behind the promise"].holds

    def test_lucky_promises(self):
        log = make_lucky_tree(4000, random_state=0)
        with pytest.warns(UserWarning, match="luck"):
            model = fit(log, beta=0.0, n_latents=16)
        report = model.theory_report(*log.to_arrays())
        assert report["information of latents about outcomes"].holds is False
        gap = report["mean gap between promise and achievement"]
        assert gap.holds
        assert gap.measured > 0.05
        assert "earns 0.49" in report["promise of the chosen latents"].meaning

    def test_histories_that_never_repeat(self, rng):
        X = rng.normal(size=(40, 1))
        model = TabularDoC().fit(X, rng.integers(2, size=40), rng.normal(size=40))
        report = model.theory_report(X, rng.integers(2, size=40))
        assert report["steps with a repeated history and action"].holds is False


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"rewards": [1.0]}, "rewards has 1 values, but X has 4 rows"),
            ({"groups": [0, 0]}, "groups has 2 values"),
            ({"rewards": [1, np.nan, 0, 0]}, "rewards holds NaN"),
            ({"sample_weight": [1, 2, 1, 1]}, "sample_weight must be the same in all"),
            ({"sample_weight": [0, 0, 0, 0]}, "at least one non-zero number"),
            ({"terminations": [1, 0, 0, 1]}, "terminations is True in row 0"),
            ({"y": [0.1, 0.2, 0.3, 0.4]}, "Unknown label type"),
        ],
    )
    def test_metadata(self, change, message):
        columns = {
            "X": [[0.0], [1.0], [0.0], [1.0]],
            "y": [0, 1, 1, 0],
            "groups": [0, 0, 1, 1],
        }
        with pytest.raises(ValueError, match=message):
            TabularDoC().fit(**(columns | change))

    @pytest.mark.parametrize(
        "parameters",
        [{"beta": -1}, {"n_latents": 0}, {"history": "none"}, {"min_prior": 2}],
    )
    def test_parameters(self, parameters):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            TabularDoC(**parameters).fit([[0.0]], [0])

    @pytest.mark.parametrize("z", [8, -1, 0.5, [0, 1, 9]])
    def test_latents(self, z):
        model = TabularDoC().fit([[0.0], [1.0], [2.0]], [0, 1, 0])
        with pytest.raises(ValueError, match="z must hold latents from 0 to 7"):
            model.predict([[0.0], [1.0], [2.0]], z=z)

    def test_too_many_energies(self, rng):
        X = rng.normal(size=(5000, 1))
        with pytest.raises(ValueError, match=r'Use\s+estimator="exact"'):
            TabularDoC(estimator="energy").fit(X, X[:, 0] > 0, X[:, 0])
