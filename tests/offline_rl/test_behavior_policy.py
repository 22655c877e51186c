# SPDX-License-Identifier: BSD-3-Clause
"""BehaviorPolicy: all ways of acting, and its manners as an estimator."""

import pickle

import numpy as np
import pytest
from scipy.stats import ks_2samp

from sklearn_theory.datasets import make_environment, make_stitch_maze
from sklearn_theory.offline_rl import BehaviorPolicy, rollout

KINDS = ("diffusion", "mdn", "gaussian", "autoregressive", "knn")
LABEL_KINDS = ("categorical", "knn", "tabular")


@pytest.fixture(scope="module")
def crossing():
    """Left of zero one way, right of zero two ways."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(3000, 1))
    sign = np.where(X[:, 0] < 0, 1.0, rng.choice([-1.0, 1.0], size=3000))
    y = np.column_stack([sign, -sign]) * 3 + 0.1 * rng.normal(size=(3000, 2))
    return X, y


def distance_to_modes(actions):
    """How far actions lie from the nearer of the two ways."""
    modes = np.array([[3.0, -3.0], [-3.0, 3.0]])
    gaps = np.linalg.norm(actions[:, np.newaxis] - modes, axis=2)
    return gaps.min(axis=1)


class TestModes:
    @pytest.mark.parametrize("kind", ["diffusion", "mdn", "knn"])
    def test_draws_have_both_ways(self, kind, crossing):
        behavior = BehaviorPolicy(kind=kind, max_iter=60, random_state=0)
        behavior.fit(*crossing)
        drawn = behavior.sample(np.full((2000, 1), 0.5), random_state=0)
        assert np.mean(distance_to_modes(drawn) < 1) > 0.9
        assert np.mean(drawn[:, 0] > 0) == pytest.approx(0.5, abs=0.12)
        elsewhere = behavior.sample(np.full((2000, 1), -0.5), random_state=0)
        assert np.mean(elsewhere[:, 0] > 0) > 0.95

    def test_one_gaussian_does_what_nobody_does(self, crossing):
        behavior = BehaviorPolicy(kind="gaussian", max_iter=60, random_state=0)
        drawn = behavior.fit(*crossing).sample(np.full((2000, 1), 0.5), random_state=0)
        assert np.mean(distance_to_modes(drawn) < 1) < 0.3

    def test_diffusion_stays_within_the_range_of_the_log(self, crossing):
        behavior = BehaviorPolicy(max_iter=5, random_state=0).fit(*crossing)
        drawn = behavior.sample(crossing[0], random_state=0)
        low, high = crossing[1].min(axis=0), crossing[1].max(axis=0)
        assert (drawn >= low - 1e-5).all()
        assert (drawn <= high + 1e-5).all()

    def test_diffusion_has_the_law_of_a_smooth_one(self, rng):
        """With ten steps draws are less spread than the log; with more they are not."""
        y = rng.gamma(2.0, size=3000)
        misses = []
        for n_steps in (10, 50):
            behavior = BehaviorPolicy(
                n_diffusion_steps=n_steps,
                max_iter=40,
                learning_rate_init=3e-3,
                random_state=0,
            ).fit(np.zeros((3000, 1)), y)
            drawn = behavior.sample(np.zeros((3000, 1)), random_state=0)
            misses.append(ks_2samp(drawn, y).statistic)
        assert misses[1] < 0.07 < misses[0] < 0.2
        assert 0.85 * y.std() < drawn.std() < y.std()
        assert behavior.predict([[0.0]])[0] == pytest.approx(y.mean(), rel=0.25)

    def test_labels(self, rng):
        X = rng.integers(3, size=(3000, 1)).astype(float)
        y = np.where(rng.random(3000) < X[:, 0] / 2, "stay", "go")
        for kind in LABEL_KINDS:
            behavior = BehaviorPolicy(
                "discrete", kind=kind, n_neighbors=500, max_iter=60, random_state=0
            ).fit(X, y)
            proba = behavior.predict_proba([[0.0], [1.0], [2.0]])[:, 1]
            np.testing.assert_allclose(proba, [0, 0.5, 1], atol=0.06)
            drawn = behavior.sample(np.ones((4000, 1)), random_state=0)
            assert np.mean(drawn == "stay") == pytest.approx(proba[1], abs=0.03)


class TestManners:
    @pytest.mark.parametrize("kind", KINDS)
    def test_draws_follow_the_seed(self, kind, rng):
        X, y = rng.normal(size=(50, 2)), rng.normal(size=50)
        behavior = BehaviorPolicy(
            kind=kind, hidden_layer_sizes=(8,), max_iter=3, random_state=0
        ).fit(X, y)
        first, second = (behavior.sample(X, random_state=5) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert first.shape == y.shape
        assert (first != behavior.sample(X, random_state=6)).any()
        loaded = pickle.loads(pickle.dumps(behavior))
        np.testing.assert_array_equal(loaded.sample(X, random_state=5), first)
        np.testing.assert_array_equal(loaded.predict(X), behavior.predict(X))

    def test_acts_in_an_environment(self):
        log = make_stitch_maze(20, random_state=0)
        behavior = BehaviorPolicy(kind="knn").fit(log.observations, log.actions)
        env = make_environment("stitch_maze")
        first, second = (
            rollout(env, behavior, 5, random_state=seed).returns() for seed in (0, 0)
        )
        np.testing.assert_array_equal(first, second)

    def test_the_step_size_changes_with_each_batch(self, rng):
        """It rises over the first tenth of all batches, and then falls to zero."""
        X, y = rng.normal(size=(64, 1)), rng.normal(size=64)
        behavior = BehaviorPolicy(
            hidden_layer_sizes=(4,), batch_size=8, max_iter=5, random_state=0
        ).fit(X, y)
        net = behavior._head.net
        factors = []
        for n_seen in range(net.n_batches):
            net._n_seen = n_seen
            factors.append(net._step_factor())
        assert net.n_batches == 40
        np.testing.assert_allclose(factors[:4], [0.25, 0.5, 0.75, 1.0])
        assert (np.diff(factors[4:]) < 0).all()
        assert factors[-1] < 0.01

    def test_kind_must_fit_the_actions(self):
        with pytest.raises(ValueError, match=r"kind='diffusion'.*'categorical'"):
            BehaviorPolicy("discrete", kind="diffusion").fit([[0.0]], [0])
        with pytest.raises(ValueError, match=r"kind='tabular'.*'diffusion'"):
            BehaviorPolicy(kind="tabular").fit([[0.0]], [0])

    def test_report_tells_missing_ways(self, crossing):
        reports = {
            kind: BehaviorPolicy(kind=kind, max_iter=60, random_state=0)
            .fit(*crossing)
            .theory_report(*crossing)["distance of draws from the log"]
            for kind in ("mdn", "gaussian")
        }
        assert reports["mdn"].holds
        assert reports["gaussian"].measured > reports["mdn"].measured
