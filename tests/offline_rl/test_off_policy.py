# SPDX-License-Identifier: BSD-3-Clause
"""Off-policy estimates: by hand, by enumeration, and against the environment."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from sklearn_theory.datasets import (
    TrajectoryDataset,
    make_bernoulli_bandit,
    make_contextual_bandit,
    make_environment,
    make_frozen_lake,
    make_gamble_tree,
)
from sklearn_theory.offline_rl import (
    RCSLPolicy,
    TabularDoC,
    off_policy_estimate,
    rollout,
)
from sklearn_theory.offline_rl._off_policy_weights import running_products

METHODS = ["ordinary", "weighted", "per_decision"]


class Table:
    """A policy that looks only at the present observation."""

    def __init__(self, proba):
        self.proba = np.asarray(proba, dtype=float)
        self.classes_ = np.arange(self.proba.shape[1])

    def predict_proba(self, X):
        return self.proba[X[:, 0].astype(int)]


def estimate(policy, log, **options):
    return off_policy_estimate(policy, *log.to_arrays(), random_state=0, **options)


def test_by_hand():
    log = TrajectoryDataset(
        [[0.0], [1.0], [0.0], [1.0]], [0, 0, 1, 0], [1.0, 2.0, 4.0, 8.0], [0, 0, 1, 1]
    )
    target, acted = [0.2, 0.5, 0.6, 0.5], [0.4, 0.5, 0.4, 0.25]
    found = {m: estimate(target, log, behavior=acted, method=m).value for m in METHODS}
    assert found["ordinary"] == pytest.approx((0.5 * 3 + 3 * 12) / 2)
    assert found["weighted"] == pytest.approx((0.5 * 3 + 3 * 12) / 3.5)
    assert found["per_decision"] == pytest.approx(
        (0.5 * 1 + 0.5 * 2 + 1.5 * 4 + 3 * 8) / 2
    )
    discounted = estimate(target, log, behavior=acted, method="ordinary", gamma=0.5)
    assert discounted.value == pytest.approx((0.5 * 2 + 3 * 8) / 2)
    assert discounted.effective_size == pytest.approx(3.5**2 / 9.25)


def test_products_run_within_episodes(rng):
    groups, ratios = rng.integers(5, size=40), rng.random(40)
    log = TrajectoryDataset(np.zeros((40, 1)), np.zeros(40, int), None, groups)
    found = running_products(log, ratios)
    for row in range(40):
        same = (groups == groups[row]) & (np.arange(40) <= row)
        assert found[row] == pytest.approx(ratios[same].prod())


@pytest.mark.parametrize("method", [*METHODS, "model"])
def test_the_behaviour_itself_earns_the_mean(method):
    log = make_gamble_tree(400, random_state=0)
    share = np.zeros((2, 3))
    np.add.at(share, (log.observations[:, 0].astype(int), log.actions), 1)
    policy = Table(share / share.sum(axis=1, keepdims=True))
    found = estimate(policy, log, method=method)
    if method in ("ordinary", "weighted"):
        assert found.value == pytest.approx(log.returns().mean(), abs=1e-10)
    assert found.interval[0] < log.returns().mean() < found.interval[1]
    assert found.n_undefined == 0


@pytest.mark.parametrize("method", [*METHODS, "model"])
@pytest.mark.parametrize("seed", range(5))
def test_interval_holds_the_truth_of_another_policy(method, seed):
    log = make_gamble_tree(3000, random_state=seed)
    policy = Table([[0.8, 0.1, 0.1], [0.1, 0.9, 0.0]])
    found = estimate(policy, log, method=method, confidence=0.999, n_bootstrap=400)
    truth = 0.8 * 1 + 0.1 * -5 + 0.1 * -2.5 + 0.9
    assert found.interval[0] < truth < found.interval[1]
    assert abs(found.value - truth) < 0.6


def test_model_equals_enumeration(rng):
    """The model's exact value is the one that a simulation in it has."""
    log = make_frozen_lake(300, intended=0.8, epsilon=0.3, random_state=0)
    proba = rng.dirichlet(np.ones(4), size=16)

    class Acting(Table):
        def act(self, observation, state=None, reward=None, random_state=None):
            return random_state.choice(4, p=self.proba[int(observation[0])]), 0

    exact = estimate(Table(proba), log, method="model", n_bootstrap=1)
    drawn = estimate(
        Acting(proba), log, method="model", n_bootstrap=1, n_simulations=3000
    )
    assert drawn.value == pytest.approx(exact.value, abs=0.02)
    assert drawn.effective_size == pytest.approx(exact.effective_size, abs=10)


def test_policy_with_a_memory_is_estimated_as_it_acts():
    log = make_gamble_tree(2000, random_state=0)
    model = TabularDoC(random_state=0).fit(*log.to_arrays())
    earned = rollout(make_environment("gamble_tree"), model, 200, random_state=0)
    for method in METHODS:
        found = estimate(model, log, method=method)
        assert found.value == pytest.approx(earned.returns().mean(), abs=0.25)
    found = estimate(model, log, method="model", n_bootstrap=5)
    assert found.value == pytest.approx(2, abs=0.05)


def test_classifiers_of_continuous_observations():
    log = make_contextual_bandit(3000, random_state=0)
    X, y = log.observations, log.actions
    behavior = LogisticRegression().fit(X, y)
    better = LogisticRegression().fit(X, X[:, 0] > 0)
    better.classes_ = np.array([0, 1])
    found = estimate(better, log, behavior=behavior)
    assert found.value == pytest.approx(0.78, abs=0.06)
    with pytest.raises(ValueError, match="Give a classifier that was fitted"):
        estimate(better, log)


def test_names_of_columns_reach_policy_and_behaviour():
    pandas = pytest.importorskip("pandas")
    log = make_contextual_bandit(400, random_state=0)
    X, *rest = log.to_arrays()
    frame = pandas.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    values = []
    for rows in (X, frame):
        fitted = [
            RCSLPolicy("discrete", head="tabular", deterministic=False),
            LogisticRegression(),
        ]
        policy, behavior = (model.fit(rows, rest[0]) for model in fitted)
        found = off_policy_estimate(
            policy, rows, *rest, behavior=behavior, random_state=0
        )
        values.append(found.value)
    assert values[0] == values[1]


def test_weights_that_are_all_zero_give_no_estimate():
    log = make_bernoulli_bandit(20, probability=0.1, random_state=0)
    rare = (np.arange(20) == 3).astype(float)
    found = estimate(rare, log, behavior=np.full(20, 0.5))
    assert found.n_undefined > 0
    assert np.isnan(estimate(np.zeros(20), log, behavior=np.full(20, 0.5)).value)


class TestRefusals:
    log = make_bernoulli_bandit(20, random_state=0)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"method": "magic"}, "method must be one of"),
            ({"gamma": 2}, "gamma must be a number in"),
            ({"confidence": -1}, "confidence must be a number in"),
            ({"n_bootstrap": 0}, "n_bootstrap must be a positive whole number"),
            (
                {"behavior": np.zeros(20)},
                "behavior gives the logged action of row 0 no",
            ),
            ({"behavior": np.ones(3)}, "behavior must hold a probability for each"),
            ({"policy": np.full(20, 1.5)}, "policy must hold probabilities"),
            ({"policy": lambda X: X}, "policy must tell probabilities of actions"),
        ],
    )
    def test_arguments(self, options, message):
        given = {"policy": np.full(20, 0.5)} | options
        with pytest.raises(ValueError, match=message):
            estimate(given.pop("policy"), self.log, **given)

    def test_action_that_the_policy_does_not_know(self):
        policy = DummyClassifier(strategy="prior").fit([[0]], [0])
        found = estimate(policy, self.log, method="ordinary")
        assert found.value <= self.log.rewards[self.log.actions == 0].sum()
