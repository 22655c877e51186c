# SPDX-License-Identifier: BSD-3-Clause
"""The laws of actions behind policies: losses, likelihoods, counts, merged rows."""

from itertools import product

import numpy as np
import pytest
import torch
from offline_rl.random_logs import random_log
from scipy.stats import norm

from sklearn_theory.datasets import make_stitch_chain
from sklearn_theory.offline_rl import BehaviorPolicy, RCSLPolicy
from sklearn_theory.offline_rl._behavior_kinds_torch import (
    DenoisingModule,
    MixtureModule,
    cosine_schedule,
)
from sklearn_theory.offline_rl._gaussian_torch import gaussian_losses, soft_clamp
from sklearn_theory.offline_rl._merged_rows import (
    merge_rows,
    passes_in_an_epoch,
    weighted_moments,
)
from sklearn_theory.offline_rl._policy_heads import draw_codes
from sklearn_theory.offline_rl._policy_heads_torch import (
    AutoregressiveModule,
    GaussianModule,
)
from sklearn_theory.offline_rl._scaling import standardise, to_unit_cube


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


class TestSoftClamp:
    def test_limits(self):
        values = torch.tensor([-1e4, -3.0, 0.0, 3.0, 1e4], dtype=torch.float64)
        low, high = torch.tensor(-10.0), torch.tensor(0.5)
        clamped = soft_clamp(values, low, high)
        np.testing.assert_allclose(clamped[0], -10, atol=1e-12)
        np.testing.assert_allclose(clamped[-1], 0.5, atol=1e-4)
        assert (clamped.diff() >= 0).all()
        assert (clamped >= low).all()

    def test_is_the_identity_far_from_both_bounds(self):
        values = torch.linspace(-5, 5, 11, dtype=torch.float64)
        low, high = torch.tensor(-50.0), torch.tensor(50.0)
        torch.testing.assert_close(soft_clamp(values, low, high), values)


class TestGaussian:
    def test_loss_is_twice_the_negative_log_likelihood(self, rng):
        mean, log_variance, target = rng.normal(size=(3, 20))
        losses = gaussian_losses(*map(torch.tensor, (mean, log_variance, target)))
        expected = norm.logpdf(target, mean, np.exp(0.5 * log_variance))
        np.testing.assert_allclose(losses, -2 * expected - np.log(2 * np.pi))

    def test_gradient_of_the_loss_against_finite_differences(self, rng):
        torch.manual_seed(0)
        module = GaussianModule(3, (4,), 2).double()
        rows, targets = torch.tensor(rng.normal(size=(6, 3))), rng.normal(size=(6, 2))
        targets = torch.tensor(targets)

        def loss():
            return module.losses(module(rows), targets).mean()

        module.zero_grad()
        loss().backward()
        for parameter in module.parameters():
            flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
            for i in range(len(flat)):
                before, step = flat[i].item(), 1e-6
                flat[i] = before + step
                above = loss().item()
                flat[i] = before - step
                below = loss().item()
                flat[i] = before
                difference = (above - below) / (2 * step)
                assert gradient[i].item() == pytest.approx(difference, abs=1e-7)

    def test_recovers_a_law_with_changing_variance(self, rng):
        X = rng.uniform(-1, 1, size=(3000, 1))
        y = 2 * X[:, 0] + (0.1 + 0.4 * (X[:, 0] > 0)) * rng.normal(size=3000)
        policy = RCSLPolicy(head="gaussian", max_iter=50, random_state=0).fit(X, y)
        mean, deviation = policy.predict_dist([[-0.5], [0.5]])
        np.testing.assert_allclose(mean, [-1, 1], atol=0.1)
        np.testing.assert_allclose(deviation, [0.1, 0.5], rtol=0.2)
        drawn = policy.sample(np.full((4000, 1), 0.5), random_state=0)
        assert np.std(drawn) == pytest.approx(deviation[1], rel=0.1)


class TestAutoregressive:
    def test_likelihood_is_the_sum_of_conditional_ones(self, rng):
        torch.manual_seed(0)
        module = AutoregressiveModule(2, (8, 8), 3).double()
        rows = torch.tensor(rng.normal(size=(5, 2)))
        actions = torch.tensor(rng.normal(size=(5, 3)))
        one_by_one = torch.zeros(5, dtype=torch.float64)
        for i in range(3):
            seen, place = torch.zeros_like(actions), torch.zeros_like(actions)
            seen[:, :i], place[:, i] = actions[:, :i], 1
            mean, log_deviation = module._law(rows, seen, place)
            law = torch.distributions.Normal(mean, log_deviation.exp())
            one_by_one += law.log_prob(actions[:, i])
        torch.testing.assert_close(module.log_likelihoods(rows, actions), one_by_one)

    def test_draws_depend_on_the_coordinates_before(self, rng):
        X = np.zeros((2000, 1))
        first = rng.choice([-1.0, 1.0], size=2000)
        y = np.column_stack([first, first + 0.1 * rng.normal(size=2000)])
        policy = RCSLPolicy(head="autoregressive", max_iter=30, random_state=0)
        drawn = policy.fit(X, y).sample(X, random_state=1)
        assert np.corrcoef(drawn.T)[0, 1] > 0.95
        independent = RCSLPolicy(head="gaussian", max_iter=30, random_state=0)
        drawn = independent.fit(X, y).sample(X, random_state=1)
        assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.1


class TestMixture:
    def test_loss_is_the_negative_log_likelihood(self, rng):
        torch.manual_seed(0)
        module = MixtureModule(2, (8,), 2, n_components=3).double()
        rows, targets = torch.tensor(rng.normal(size=(4, 2))), rng.normal(size=(4, 2))
        log_share, mean, log_deviation = (x.detach().numpy() for x in module(rows))
        density = norm.pdf(targets[:, None], mean, np.exp(log_deviation)).prod(axis=2)
        expected = -np.log((np.exp(log_share) * density).sum(axis=1))
        losses = module.losses(module(rows), torch.tensor(targets))
        np.testing.assert_allclose(losses.detach(), expected)


class TestDiffusion:
    def test_schedule(self):
        kept = cosine_schedule(10)
        level = np.cos((np.arange(11) / 10 + 0.008) / 1.008 * np.pi / 2) ** 2
        taken = np.minimum(1 - level[1:] / level[:-1], 0.999)
        np.testing.assert_allclose(kept, np.cumprod(1 - taken), rtol=1e-5)

    def test_true_noise_leads_back_to_the_action(self, generator):
        """With a perfect network every draw is the one action that was logged."""
        module = DenoisingModule(1, (4,), 2, n_steps=10)
        action = torch.tensor([0.3, -0.7])

        def true_noise(rows, noisy, step):
            kept = module.kept[step]
            return (noisy - torch.sqrt(kept) * action) / torch.sqrt(1 - kept)

        module.noise = true_noise
        drawn = module.draw(torch.zeros(50, 1), generator)
        torch.testing.assert_close(drawn, action.expand(50, 2), atol=1e-5, rtol=0)

    def test_a_gaussian_law_stays_what_it_is(self, generator):
        """With the best guess of noise, and many steps, draws have the true law.

        With few steps the variance comes out too small, by a share of order 1/steps.
        """
        module = DenoisingModule(1, (4,), 1, n_steps=2000)
        mean, variance = 0.1, 0.04

        def best_guess(rows, noisy, step):
            kept = module.kept[step]
            spread = kept * variance + 1 - kept
            return torch.sqrt(1 - kept) * (noisy - torch.sqrt(kept) * mean) / spread

        module.noise = best_guess
        drawn = module.draw(torch.zeros(20_000, 1), generator)
        assert drawn.mean() == pytest.approx(mean, abs=0.01)
        assert drawn.var() == pytest.approx(variance, rel=0.04)


class TestMergedRows:
    def test_a_weight_is_a_row_given_that_often(self, rng):
        X, y = rng.integers(3, size=(30, 2)).astype(float), rng.integers(2, size=30)
        weight = rng.integers(4, size=30)
        merged = merge_rows(X, y, weight=weight)
        order = rng.permutation(weight.sum())
        repeated = X.repeat(weight, axis=0)[order], y.repeat(weight)[order]
        again = merge_rows(*repeated, weight=np.ones(weight.sum()))
        for a, b in zip((*merged[0], merged[1]), (*again[0], again[1])):
            np.testing.assert_array_equal(a, b)
        assert len(np.unique(np.column_stack([*merged[0]]), axis=0)) == len(merged[1])

    def test_precision_does_not_change_the_order(self, rng):
        X = rng.normal(size=(50, 3)).astype(np.float32).astype(np.float64)
        double = merge_rows(X, weight=np.ones(50))[0][0]
        single = merge_rows(X.astype(np.float32), weight=np.ones(50))[0][0]
        np.testing.assert_array_equal(single, double)

    @pytest.mark.parametrize(
        "n_rows, n_distinct, most, expected",
        [(1000, 1000, 9, 1), (1000, 50, 9, 9), (1000, 50, 99, 10), (90, 8, 9, 1)],
    )
    def test_an_epoch_has_the_steps_of_all_rows(
        self, n_rows, n_distinct, most, expected
    ):
        assert passes_in_an_epoch(n_rows, n_distinct, 100, most) == expected

    def test_no_weight_at_all(self):
        with pytest.raises(ValueError, match="sample_weight"):
            merge_rows(np.ones((3, 1)), weight=np.zeros(3))

    def test_weighted_moments(self, rng):
        table, weight = rng.normal(size=(20, 2)), rng.integers(1, 4, size=20)
        mean, deviation = weighted_moments(table, weight)
        repeated = table.repeat(weight, axis=0)
        np.testing.assert_allclose(mean, repeated.mean(axis=0))
        np.testing.assert_allclose(deviation, repeated.std(axis=0))

    @pytest.mark.parametrize("scale", [1.0, 1e8, 1e-8])
    def test_a_constant_column_has_no_deviation(self, scale):
        table = np.full((7, 1), 0.1 * scale)
        scaling = standardise(table, np.ones(7))
        assert scaling.width == 0
        np.testing.assert_array_equal(scaling.apply(np.array([[5.0]])), [[0.0]])

    def test_scaling_and_back(self, rng):
        table = rng.normal(size=(20, 3))
        for scaling in (standardise(table, np.ones(20)), to_unit_cube(table)):
            np.testing.assert_allclose(scaling.undo(scaling.apply(table)), table)
        assert np.abs(to_unit_cube(table).apply(table)).max() == pytest.approx(1)


class TestTable:
    def test_equals_counts_by_brute_force(self, rng):
        log = random_log(rng, n_episodes=200, horizon=3)
        policy = RCSLPolicy("discrete", head="tabular").fit(*log.to_arrays())
        g = log.returns_to_go().round(9)
        for state, asked in set(zip(log.observations[:, 0], g)):
            here = (log.observations[:, 0] == state) & (g == asked)
            counts = [np.sum(log.actions[here] == a) for a in policy.classes_]
            share = policy.predict_proba([[state]], asked)
            np.testing.assert_allclose(share[0], np.array(counts) / here.sum())

    def test_weights_count(self, rng):
        log = random_log(rng)
        weight = rng.integers(4, size=log.n_steps)
        X, y, g = log.observations, log.actions, log.returns_to_go()
        weighted = RCSLPolicy("discrete", head="tabular")
        weighted.fit(X, y, return_to_go=g, sample_weight=weight)
        repeated = RCSLPolicy("discrete", head="tabular").fit(
            X.repeat(weight, axis=0), y.repeat(weight), return_to_go=g.repeat(weight)
        )
        np.testing.assert_allclose(
            weighted.predict_proba(X, g), repeated.predict_proba(X, g)
        )

    def test_what_was_not_seen(self):
        X, y = np.array([[0.0], [0.0], [0.0], [1.0]]), np.array([0, 1, 2, 0])
        policy = RCSLPolicy("discrete", head="tabular")
        policy.fit(X, y, return_to_go=[1.0, 3.0, 7.0, 0.0])
        asked = np.array([-9.0, 1.9, 2.0, 2.1, 4.9, 5.0, 99.0])
        nearest = [0, 0, 1, 1, 1, 2, 2]  # The larger of two that are equally near.
        np.testing.assert_array_equal(
            policy.predict(np.zeros((len(asked), 1)), asked), nearest
        )
        np.testing.assert_allclose(policy.predict_proba([[5.0]]), [[0.5, 0.25, 0.25]])

    def test_rounding(self):
        X, y = np.array([[0.1 + 0.2], [0.3]]), np.array([0, 1])
        policy = RCSLPolicy("discrete", head="tabular").fit(
            X, y, return_to_go=[0.1 + 0.2, 0.3]
        )
        np.testing.assert_allclose(policy.predict_proba(X, 0.3), 0.5)

    @pytest.mark.parametrize("horizon, n_ones", [(2, 1), (4, 2), (6, 3), (5, 1)])
    def test_probabilities_in_the_chain(self, horizon, n_ones):
        """P(a = 1 | h, g) = g / (H - h), and without g it is k / H."""
        log = make_stitch_chain(horizon=horizon, n_ones=n_ones)
        policy = RCSLPolicy("discrete", head="tabular").fit(*log.to_arrays())
        for h, g in product(range(horizon), range(n_ones + 1)):
            if n_ones - h <= g <= horizon - h:  # What can be left at stage h.
                share = policy.predict_proba([[float(h)]], g)[0]
                np.testing.assert_allclose(share[-1], g / (horizon - h))
        behavior = BehaviorPolicy("discrete", kind="tabular")
        behavior.fit(log.observations, log.actions)
        share = behavior.predict_proba(np.arange(horizon)[:, np.newaxis])
        np.testing.assert_allclose(share[:, 1], n_ones / horizon)


def test_draw_codes(rng):
    probabilities = rng.dirichlet(np.ones(4))
    drawn = draw_codes(np.tile(probabilities, (40_000, 1)), np.random.RandomState(0))
    np.testing.assert_allclose(np.bincount(drawn) / 40_000, probabilities, atol=0.01)
    certain = draw_codes(np.eye(3)[[2, 0, 1]], np.random.RandomState(0))
    np.testing.assert_array_equal(certain, [2, 0, 1])
