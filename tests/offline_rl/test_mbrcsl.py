# SPDX-License-Identifier: BSD-3-Clause
"""MBRCSL: exact in the chain; rollouts, thresholds and shortfalls; its manners."""

import os
import pickle
import subprocess
import sys
from math import comb
from pathlib import Path

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

import sklearn_theory
from sklearn_theory.datasets import (
    TrajectoryDataset,
    make_environment,
    make_stitch_chain,
    make_stitch_maze,
)
from sklearn_theory.offline_rl import (
    MBRCSL,
    BehaviorPolicy,
    DynamicsEnsemble,
    RCSLPolicy,
    make_rollout_scorer,
    rollout,
)
from sklearn_theory.offline_rl._action_spaces import ContinuousActions, DiscreteActions
from sklearn_theory.offline_rl._imagined_rollouts import Imagination, RolloutPool
from sklearn_theory.offline_rl._policy_report import certainty
from sklearn_theory.offline_rl._stitching_report import replay, support

TINY = {"hidden_layer_sizes": (8,), "max_iter": 3}


def chain_model(**options):
    """Exact dynamics (they are linear), exact counts as behaviour and as policy."""
    parts = {
        "dynamics": LinearRegression(),
        "behavior": BehaviorPolicy("discrete", kind="tabular"),
        "policy": RCSLPolicy("discrete", head="tabular"),
        "random_state": 0,
    }
    return MBRCSL("discrete", **(parts | options))


def maze_model(**options):
    parts = {
        "dynamics": LinearRegression(),
        "behavior": BehaviorPolicy(kind="knn"),
        "policy": RCSLPolicy(**TINY),
        "threshold": -np.inf,
        "rollout_batch_size": 10,
        "n_trajectories": 10,
        "random_state": 0,
    }
    return MBRCSL(**(parts | options))


@pytest.fixture(scope="module")
def maze_log():
    return make_stitch_maze(20, random_state=0)


class Constant(RegressorMixin, BaseEstimator):
    """Dynamics with a fixed answer."""

    def __init__(self, answer=(0.0,)):
        self.answer = answer

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.tile(self.answer, (len(X), 1))


class TestChain:
    @pytest.mark.parametrize("horizon, n_ones", [(2, 1), (4, 2), (6, 3), (8, 4)])
    def test_stitches_to_the_optimum(self, horizon, n_ones):
        log = make_stitch_chain(horizon=horizon, n_ones=n_ones)
        model = chain_model(
            n_trajectories=10_000, rollout_batch_size=500, max_rollout_batches=20
        )
        with pytest.warns(UserWarning, match="exceed the threshold"):
            model.fit(**log.to_dict())
        share = n_ones / horizon
        exact = sum(
            comb(horizon, j) * share**j * (1 - share) ** (horizon - j)
            for j in range(n_ones + 1, horizon + 1)
        )
        assert model.n_rollouts_ == 10_000
        deviation = np.sqrt(exact * (1 - exact) / 10_000)
        assert abs(model.acceptance_rate_ - exact) < 4 * deviation
        assert model.threshold_ == n_ones
        assert model.max_return_ == pytest.approx(horizon)
        env = make_environment("stitch_chain", horizon=horizon)
        np.testing.assert_array_equal(rollout(env, model, 3).returns(), horizon)

    def test_figures_of_the_keep_rate(self):
        figures = {(2, 1): 0.25, (4, 2): 0.3125, (6, 3): 0.3438, (8, 4): 0.3633}
        for (horizon, k), figure in figures.items():
            rate = sum(comb(horizon, j) for j in range(k + 1, horizon + 1))
            assert rate / 2**horizon == pytest.approx(figure, abs=5e-5)

    def test_rollouts_are_a_log(self):
        log = make_stitch_chain(horizon=4, n_ones=2)
        model = chain_model().fit(**log.to_dict())
        kept = model.rollouts_
        assert kept.n_episodes >= model.n_trajectories
        assert (kept.lengths == 4).all()
        assert (kept.returns() > 2).all()
        np.testing.assert_allclose(kept.observations[:, 0], kept.time, atol=1e-9)
        np.testing.assert_allclose(kept.rewards, kept.actions, atol=1e-9)
        np.testing.assert_allclose(kept.next_observations[:, 0], kept.time + 1)
        assert kept.truncations.sum() == kept.n_episodes
        assert kept.n_episodes == np.sum(model.imagined_returns_ > 2)
        assert len(model.imagined_returns_) == model.n_rollouts_


class TestImagination:
    def test_sums_predictions_over_the_horizon(self, rng):
        """With dynamics that are known, episodes are what they must be."""
        log = make_stitch_chain(horizon=3, n_ones=1)
        actions = DiscreteActions(log.actions)
        behavior = BehaviorPolicy("discrete", kind="tabular")
        behavior.fit(log.observations, log.actions)
        imagination = Imagination(
            behavior, Constant((2.0, 0.5)), actions, 4, None, None
        )
        episodes = imagination.imagine(np.zeros((6, 1)), np.random.RandomState(0))
        np.testing.assert_array_equal(
            episodes.observations[:, :, 0], np.tile([0, 2, 4, 6], (6, 1))
        )
        np.testing.assert_array_equal(episodes.returns, 2.0)
        assert episodes.goes_on.all()
        assert not episodes.terminated.any()

    def test_ended_episodes_are_masked(self):
        actions = ContinuousActions(np.zeros(1))

        def ends(now, actions, then):
            return then[:, 0] >= 3

        imagination = Imagination(
            KNeighborsRegressor(1).fit([[0.0]], [0.0]),
            Constant((1.0, 1.0)),
            actions,
            5,
            ends,
            None,
        )
        starts = np.array([[0.0], [2.0], [-9.0]])
        episodes = imagination.imagine(starts, np.random.RandomState(0))
        np.testing.assert_array_equal(episodes.goes_on.sum(axis=1), [3, 1, 5])
        np.testing.assert_array_equal(episodes.returns, [3, 1, 5])
        np.testing.assert_array_equal(episodes.terminated, [True, True, False])
        log = episodes.to_log()
        np.testing.assert_array_equal(log.lengths, [3, 1, 5])
        np.testing.assert_array_equal(log.terminations.nonzero()[0], [2, 3])
        np.testing.assert_array_equal(log.truncations.nonzero()[0], [8])

    def test_rewards_are_cut_on_request(self):
        actions = ContinuousActions(np.zeros(1))
        behavior = KNeighborsRegressor(1).fit([[0.0]], [0.0])
        imagination = Imagination(
            behavior, Constant((0.0, 7.0)), actions, 2, None, (0.0, 1.5)
        )
        episodes = imagination.imagine(np.zeros((1, 1)), np.random.RandomState(0))
        assert episodes.returns[0] == 3.0

    def test_what_leaves_all_bounds_is_never_kept(self):
        actions = ContinuousActions(np.zeros(1))
        behavior = KNeighborsRegressor(1).fit([[0.0]], [0.0])
        imagination = Imagination(
            behavior, Constant((np.inf, 1.0)), actions, 3, None, None
        )
        episodes = imagination.imagine(np.zeros((4, 1)), np.random.RandomState(0))
        np.testing.assert_array_equal(episodes.returns, -np.inf)
        pool = RolloutPool(-np.inf, 4, "always")
        pool.add(episodes)
        assert pool.n_accepted == 0
        assert len(pool.best_tenth()) == 0

    def test_batches_do_not_matter_to_the_law(self, maze_log):
        """Small and large batches imagine returns of the same law."""
        small = maze_model(rollout_batch_size=20, n_trajectories=200)
        large = maze_model(rollout_batch_size=200, n_trajectories=200)
        first, second = (
            clone(m).fit(**maze_log.to_dict()).imagined_returns_ for m in (small, large)
        )
        assert len(first) == len(second) == 200
        spread = np.sqrt((first.var() + second.var()) / 200)
        assert abs(first.mean() - second.mean()) < 4 * spread

    @pytest.mark.parametrize("keep_best", ["always", "if_none"])
    def test_best_tenth_equals_a_sort(self, keep_best, rng):
        actions = ContinuousActions(np.zeros(1))
        behavior = KNeighborsRegressor(1).fit([[0.0]], [0.0])
        pool, returns = RolloutPool(np.inf, 400, keep_best), []
        for _ in range(20):
            reward = float(rng.normal())
            dynamics = Constant((0.0, reward))
            imagination = Imagination(behavior, dynamics, actions, 1, None, None)
            starts = np.zeros((20, 1))
            pool.add(imagination.imagine(starts, np.random.RandomState(0)))
            returns += [reward] * 20
        best = np.sort(returns)[::-1][:40]
        np.testing.assert_array_equal(pool.best_tenth().returns, best)
        assert sum(len(part) for part in pool.best) <= 2 * pool.n_best


class TestThreshold:
    def test_choices(self, maze_log):
        returns = maze_log.returns()
        for threshold, value in [
            (("quantile", 0.5), np.median(returns)),
            (3.5, 3.5),
        ]:
            model = maze_model(threshold=threshold).fit(**maze_log.to_dict())
            assert model.threshold_ == pytest.approx(value)
            assert (model.rollouts_.returns() > value).all()
        assert chain_model().fit(**make_stitch_chain().to_dict()).threshold_ == 4

    @pytest.mark.parametrize("name", ["threshold", "target_return"])
    @pytest.mark.parametrize("q", [-0.1, 1.5])
    def test_bad_quantile(self, name, q, maze_log):
        with pytest.raises(ValueError, match=name):
            maze_model(**{name: ("quantile", q)}).fit(**maze_log.to_dict())

    def test_target(self, maze_log):
        model = maze_model(target_return=("quantile", 0.5)).fit(**maze_log.to_dict())
        median = np.median(model.rollouts_.returns())
        assert model.policy_.target_return == pytest.approx(median)
        assert model.act(np.zeros(2))[1] == pytest.approx(median)
        model = maze_model().fit(**maze_log.to_dict())
        assert model.act(np.zeros(2))[1] == pytest.approx(model.max_return_)
        assert model.max_return_ == pytest.approx(model.rollouts_.returns().max())


class TestShortfall:
    unreachable = {"threshold": 1e6, "max_rollout_batches": 5}

    @pytest.mark.parametrize("on_shortfall", ["warn", "top"])
    def test_best_tenth_if_none_is_kept(self, on_shortfall, maze_log):
        model = maze_model(on_shortfall=on_shortfall, **self.unreachable)
        with pytest.warns(UserWarning, match=r"0 of 50 .* best tenth of all: 5 "):
            model.fit(**maze_log.to_dict())
        assert model.acceptance_rate_ == 0
        best = np.sort(model.imagined_returns_)[-5:]
        np.testing.assert_allclose(np.sort(model.rollouts_.returns()), best)

    def test_raise(self, maze_log):
        model = maze_model(on_shortfall="raise", **self.unreachable)
        with pytest.raises(RuntimeError, match=r"0 of 50 imagined .* highest"):
            model.fit(**maze_log.to_dict())

    def test_warn_keeps_what_there_is(self, maze_log):
        threshold = ("quantile", 0.9)
        with pytest.warns(UserWarning, match="learnt from those"):
            model = maze_model(
                threshold=threshold, n_trajectories=10**6, max_rollout_batches=10
            ).fit(**maze_log.to_dict())
        kept = np.sum(model.imagined_returns_ > model.threshold_)
        assert 0 < model.rollouts_.n_episodes == kept
        assert model.acceptance_rate_ == kept / 100

    def test_top_keeps_all_above_the_threshold_if_they_are_more(self, maze_log):
        with pytest.warns(UserWarning, match="best tenth"):
            model = maze_model(
                on_shortfall="top", n_trajectories=1000, max_rollout_batches=5
            ).fit(**maze_log.to_dict())
        assert model.rollouts_.n_episodes == 50


class TestRows:
    def test_without_rewards_the_policy_imitates_the_log(self, maze_log):
        X, y = maze_log.observations, maze_log.actions
        model = maze_model(policy=RCSLPolicy(random_state=3, **TINY)).fit(X, y)
        twin = RCSLPolicy(random_state=3, **TINY).fit(X, y)
        np.testing.assert_array_equal(model.predict(X), twin.predict(X))
        assert model.rollouts_ is model.dynamics_ is model.behavior_ is None

    def test_one_step_episodes_need_next_observations(self, rng):
        X, y, rewards = (
            rng.normal(size=(30, 2)),
            rng.normal(size=30),
            rng.normal(size=30),
        )
        model = maze_model()
        with pytest.raises(ValueError, match="next_observations"):
            model.fit(X, y, rewards)
        model.fit(X, y, rewards, next_observations=X + 1)
        assert (model.rollouts_.lengths == 1).all()

    def test_some_one_step_episodes_are_no_matter(self, maze_log):
        log = maze_log.to_arrays()
        extra = (np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(1), np.array([999]))
        mixed = TrajectoryDataset(*(np.concatenate(pair) for pair in zip(log, extra)))
        assert maze_model().fit(*mixed.to_arrays()).rollouts_ is not None

    def test_order_of_episodes_does_not_change_the_model(self, maze_log):
        """What is imagined from is the set of first observations."""
        order = np.argsort(-maze_log.groups, kind="stable")
        arrays = [column[order] for column in maze_log.to_arrays()]
        model = maze_model().fit(*arrays)
        assert model.threshold_ == -np.inf
        assert model.rollouts_.n_episodes == 10

    def test_horizon(self, maze_log):
        assert (
            maze_model(horizon=7).fit(**maze_log.to_dict()).rollouts_.lengths == 7
        ).all()
        assert (maze_model().fit(**maze_log.to_dict()).rollouts_.lengths == 40).all()
        with pytest.raises(ValueError, match="horizon"):
            maze_model(horizon=0).fit(**maze_log.to_dict())

    def test_bad_termination(self, maze_log):
        model = maze_model(termination_fn=lambda now, actions, then: True)
        with pytest.raises(ValueError, match="termination_fn must return"):
            model.fit(**maze_log.to_dict())

    def test_bad_metadata(self, maze_log):
        X, y, rewards, groups = maze_log.to_arrays()
        with pytest.raises(ValueError, match="rewards has 799"):
            maze_model().fit(X, y, rewards[1:], groups)
        with pytest.raises(ValueError, match="groups has 799"):
            maze_model().fit(X, y, rewards, groups[1:])


class TestParts:
    def test_nested_parameters(self):
        model = chain_model().set_params(policy__gamma=0.5, behavior__max_iter=7)
        assert model.policy.gamma == 0.5
        assert clone(model).behavior.max_iter == 7

    def test_parts_are_cloned_and_seeded(self, maze_log):
        model = maze_model().fit(**maze_log.to_dict())
        assert model.policy.random_state is None
        assert isinstance(model.policy_.random_state, int)
        assert model.policy_.random_state != model.behavior_.random_state
        first, second = (clone(model).fit(**maze_log.to_dict()) for _ in range(2))
        X = maze_log.observations
        np.testing.assert_array_equal(first.predict(X), second.predict(X))

    def test_action_spaces_must_agree(self, maze_log):
        with pytest.raises(ValueError, match="policy has action_space='discrete'"):
            maze_model(policy=RCSLPolicy("discrete")).fit(**maze_log.to_dict())

    def test_cloning_of_behaviour_as_policy(self, maze_log):
        """A policy without rewards imitates the episodes kept."""
        model = maze_model(policy=KNeighborsRegressor(3)).fit(**maze_log.to_dict())
        kept = model.rollouts_
        twin = KNeighborsRegressor(3).fit(kept.observations, kept.actions)
        X = maze_log.observations
        np.testing.assert_array_equal(model.predict(X), twin.predict(X))
        action, _ = model.act(X[0])
        np.testing.assert_array_equal(action, twin.predict(X[:1])[0])
        assert model.score(**maze_log.to_dict()) == twin.score(X, maze_log.actions)
        with pytest.raises(ValueError, match="cannot be asked for a return"):
            model.set_params(target_return=1.0).fit(**maze_log.to_dict())

    def test_a_classifier_as_behaviour(self):
        log = make_stitch_chain(horizon=4, n_ones=2)
        model = chain_model(behavior=DecisionTreeClassifier()).fit(**log.to_dict())
        env = make_environment("stitch_chain", horizon=4)
        assert rollout(env, model, 1).returns() == 4

    def test_search_with_an_environment_as_judge(self):
        log = make_stitch_chain(40, horizon=4, n_ones=2, random_state=0)
        scorer = make_rollout_scorer(
            lambda: make_environment("stitch_chain", horizon=4), n_episodes=2
        )
        with config_context(enable_metadata_routing=True):
            model = chain_model()
            model.set_fit_request(rewards=True, groups=True)
            search = GridSearchCV(
                make_pipeline(FunctionTransformer(), model),
                {"mbrcsl__threshold": [-np.inf, "max"]},
                scoring=scorer,
                cv=GroupKFold(2),
                error_score="raise",
            )
            search.fit(*log.to_arrays()[:2], rewards=log.rewards, groups=log.groups)
        assert search.best_score_ == 4

    def test_predict_proba_follows_the_policy(self, maze_log):
        assert hasattr(chain_model(), "predict_proba")
        assert hasattr(MBRCSL("discrete"), "predict_proba")
        assert not hasattr(MBRCSL(), "predict_proba")
        log = make_stitch_chain(horizon=4, n_ones=2)
        model = chain_model().fit(**log.to_dict())
        proba = model.predict_proba([[0.0]], return_to_go=4)
        np.testing.assert_allclose(proba, [[0, 1]])
        np.testing.assert_array_equal(model.sample([[0.0]], 4), [1])
        assert model.logged_proba(*log.to_arrays()).shape == (log.n_steps,)


class Recorder:
    """A callback that records tasks, and asks to stop after `stop_after` of them."""

    max_propagation_depth = None

    def __init__(self, stop_after=None):
        self.begun, self.ended, self.stop_after = [], [], stop_after

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        self.ended.append(context.task_name)
        return self.stop_after is not None and len(self.ended) >= self.stop_after


class TestCallbacks:
    parts = {
        "dynamics": DynamicsEnsemble(
            2, n_elites=1, max_iter=2, tol=0.9, n_iter_no_change=1
        ),
        "behavior": BehaviorPolicy(**TINY),
    }

    def test_reach_every_part(self, maze_log):
        recorder = Recorder()
        model = maze_model(**self.parts).set_callbacks(recorder)
        model.fit(**maze_log.to_dict())
        assert sorted(recorder.begun) == sorted(recorder.ended)
        assert recorder.begun.count("fit") == 4  # This one's, and those of its parts.
        assert recorder.begun.count("imagined episodes") == 1
        assert recorder.begun.count("batch") == 1
        assert recorder.begun.count("epoch") >= 2 * TINY["max_iter"]

    def test_a_stop_ends_the_batches(self, maze_log):
        model = maze_model(threshold=1e6, max_rollout_batches=50, **self.parts)
        with pytest.warns(UserWarning, match="0 of 10 imagined"):
            model.set_callbacks(Recorder(stop_after=1)).fit(**maze_log.to_dict())
        assert model.n_rollouts_ == 10
        assert model.policy_.stop_reason_ == "callback"

    def test_change_nothing(self, maze_log):
        plain = maze_model(**self.parts).fit(**maze_log.to_dict())
        watched = maze_model(**self.parts).set_callbacks(Recorder())
        watched.fit(**maze_log.to_dict())
        X = maze_log.observations
        np.testing.assert_array_equal(plain.predict(X), watched.predict(X))

    def test_pickle(self, maze_log):
        model = maze_model(**self.parts).fit(**maze_log.to_dict())
        loaded = pickle.loads(pickle.dumps(model))
        X = maze_log.observations
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        assert loaded.rollouts_.n_episodes == model.rollouts_.n_episodes
        again = loaded.theory_report(**maze_log.to_dict())
        assert str(again) == str(model.theory_report(**maze_log.to_dict()))


WITHOUT_TORCH = """
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "skorch"):
            raise ImportError(name)


sys.meta_path.insert(0, Absent())
from sklearn.linear_model import LinearRegression
from sklearn_theory.datasets import make_stitch_chain
from sklearn_theory.offline_rl import MBRCSL, BehaviorPolicy, RCSLPolicy
log = make_stitch_chain(horizon=4, n_ones=2)
MBRCSL(
    "discrete",
    dynamics=LinearRegression(),
    behavior=BehaviorPolicy("discrete", kind="tabular"),
    policy=RCSLPolicy("discrete", head="tabular"),
    random_state=0,
).fit(**log.to_dict())
try:
    RCSLPolicy("discrete").fit(**log.to_dict())
except ImportError as error:
    print(error)
"""


def test_tables_need_no_torch():
    """And what needs it says which class does, and which extra brings it."""
    finished = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(sklearn_theory.__file__).parents[1])},
        check=True,
    )
    assert "RCSLPolicy needs torch" in finished.stdout
    assert "sklearn_theory[torch]" in finished.stdout


class TestReport:
    def test_certainty(self, rng):
        X, y = rng.uniform(size=(800, 1)), rng.uniform(size=800)
        groups = np.zeros(800, dtype=int)
        actions = ContinuousActions(y)
        certain = TrajectoryDataset(X, y, X[:, 0] + y, groups, X + y[:, np.newaxis])
        luck = TrajectoryDataset(
            X, y, rng.normal(size=800), groups, rng.normal(size=(800, 1))
        )
        assert certainty(certain, actions) > 0.99
        assert abs(certainty(luck, actions)) < 0.15

    def test_support(self, maze_log):
        actions = ContinuousActions(maze_log.actions)
        assert support(maze_log, maze_log, actions) == 1
        arrays = maze_log.to_arrays()
        moved = TrajectoryDataset(arrays[0] + 9, *arrays[1:])
        assert support(maze_log, moved, actions) == 0

    def test_replay_with_exact_dynamics_has_no_error(self):
        log = make_stitch_chain(horizon=4, n_ones=2)
        model = chain_model().fit(**log.to_dict())
        misses = replay(model, log)
        np.testing.assert_allclose(misses.squares, 0, atol=1e-18)
        np.testing.assert_allclose(misses.returns, 0, atol=1e-9)
        report = model.theory_report(**log.to_dict())
        assert report["error of imagined returns"].holds
        assert report["imagined improvement"].measured == pytest.approx(2)
        assert report["imagined improvement"].holds

    def test_poor_dynamics_are_told(self):
        log = make_stitch_chain(horizon=4, n_ones=2)
        model = chain_model(dynamics=Constant((1.0, 1.0))).fit(**log.to_dict())
        report = model.theory_report(**log.to_dict())
        assert not report["error of imagined returns"].holds
        assert not report["imagined improvement"].holds
