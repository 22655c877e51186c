# SPDX-License-Identifier: BSD-3-Clause
"""The robust global contrastive loss: gradients, running means, and temperatures."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sklearn_theory.representation import RGCLoss
from sklearn_theory.representation._isogclr_torch import (
    FixedTemperatureLoss,
    InfoNCELoss,
)
from sklearn_theory.representation._rgc_loss_torch import log_running_mean
from sklearn_theory.representation._temperatures import minimise_temperatures

MODES = ["unimodal", "bimodal"]
WIDE = {"temperature_min": 0.005, "temperature_max": 5.0, "temperature_init": 0.3}


def draw_views(seed=0, batch_size=12, n_components=6, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    shape = (2, batch_size, n_components)
    views = torch.randn(shape, generator=generator, dtype=dtype)
    return F.normalize(views, dim=2).requires_grad_()


def explicit_rows(z1, z2, mode, include_positive=False):
    """List, anchor by anchor, differences of similarities to the positive's."""
    n = len(z1)
    for anchor, other in ((z1, z2), (z2, z1)):
        rows = []
        for i in range(n):
            keep = [j for j in range(n) if j != i]
            negatives = (
                [other[keep], anchor[keep]] if mode == "unimodal" else [other[keep]]
            )
            negatives += [other[i : i + 1]] if include_positive else []
            rows.append(torch.cat(negatives) @ anchor[i] - anchor[i] @ other[i])
        yield rows


def explicit_objective(z1, z2, mode, temperatures, include_positive=False):
    total = 0.0
    for view, rows in enumerate(explicit_rows(z1, z2, mode, include_positive)):
        for i, h in enumerate(rows):
            tau = temperatures[i] if mode == "unimodal" else temperatures[i, view]
            total = total + tau * (torch.logsumexp(h / tau, 0) - math.log(len(h)))
    return total / len(z1)


def gradients(loss, views):
    return torch.autograd.grad(loss, views)[0]


class TestGradient:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("exponent", ["raw", "difference"])
    @pytest.mark.parametrize("include_positive", [False, True])
    def test_equals_that_of_the_explicit_objective(
        self, mode, exponent, include_positive
    ):
        views = draw_views()
        loss = RGCLoss(
            12,
            mode,
            gamma=1.0,
            eta=0.0,
            exponent=exponent,
            include_positive=include_positive,
        )
        generator = torch.Generator().manual_seed(1)
        drawn = torch.rand(loss.temperatures_.shape, generator=generator)
        loss.temperatures_ = 0.05 + drawn.double()
        objective = explicit_objective(
            *views, mode, loss.temperatures_.clone(), include_positive
        )
        actual = loss(*views, torch.arange(12))
        expected = gradients(objective, views)
        torch.testing.assert_close(
            gradients(actual, views), expected, rtol=1e-5, atol=1e-12
        )
        objective = objective + loss.rho * loss.temperatures_.sum() * (
            (2 if mode == "unimodal" else 1) / 12
        )
        assert loss.objective_.item() == pytest.approx(objective.item(), rel=1e-10)

    @pytest.mark.parametrize("mode", MODES)
    def test_embeddings_that_are_not_normalised(self, mode):
        views = (2 * draw_views(3)).detach().requires_grad_()
        loss = RGCLoss(12, mode, gamma=1.0, eta=0.0, temperature_init=0.5)
        temperatures = loss.temperatures_.double()
        expected = gradients(explicit_objective(*views, mode, temperatures), views)
        actual = gradients(loss(*views, torch.arange(12)), views)
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-10)

    @pytest.mark.parametrize("mode", MODES)
    def test_normalize_goes_through_the_norm(self, mode):
        raw = (3 * draw_views(2)).detach().requires_grad_()
        inside = RGCLoss(12, mode, normalize=True)(*raw, torch.arange(12))
        outside = RGCLoss(12, mode)(*F.normalize(raw, dim=2), torch.arange(12))
        torch.testing.assert_close(gradients(inside, raw), gradients(outside, raw))

    def test_weights_are_held_fixed(self):
        """On a second visit the gradient is that of fixed weights times similarities."""
        views, later = draw_views(0), draw_views(1)
        loss = RGCLoss(12, gamma=0.3, eta=0.0, exponent="raw")
        loss(*views, torch.arange(12))
        stored = loss.log_s_.clone()
        loss(*later, torch.arange(12))
        z, tau = torch.cat(list(later)), loss.temperatures_[0]
        sim = z @ z.T
        keep = ~torch.eye(24, dtype=torch.bool) & ~torch.eye(12).repeat(2, 2).bool()
        g = (torch.exp(sim / tau) * keep).sum(1) / 22
        s = 0.7 * stored.exp().repeat(2) + 0.3 * g
        p = (torch.exp(sim / tau) * keep / 22 / s[:, None]).detach()
        explicit = ((p * sim).sum(1) - torch.roll(z, 12, 0).mul(z).sum(1)).sum() / 12
        again = copy.deepcopy(loss)
        again.log_s_ = stored
        actual = again(*later, torch.arange(12))
        assert actual.item() == pytest.approx(explicit.item(), rel=1e-9)
        torch.testing.assert_close(gradients(actual, later), gradients(explicit, later))

    def test_a_factor_passes_through(self):
        views = draw_views()
        one = gradients(RGCLoss(12)(*views, torch.arange(12)), views)
        three = gradients(3 * RGCLoss(12)(*views, torch.arange(12)), views)
        torch.testing.assert_close(three, 3 * one)

    def test_one_view_may_need_no_gradient(self):
        z1, z2 = draw_views().unbind()
        loss = RGCLoss(12, "bimodal")(z1, z2.detach(), torch.arange(12))
        assert gradients(loss, z1).shape == z1.shape


class TestRelatives:
    @pytest.mark.parametrize("mode", MODES)
    def test_info_nce_is_the_cross_entropy_of_finding_the_positive(self, mode):
        views = draw_views()
        loss = InfoNCELoss(12, mode, temperature_init=0.2)
        actual = loss(*views, torch.arange(12))
        z1, z2 = views
        if mode == "unimodal":
            z = torch.cat([z1, z2])
            logits = (z @ z.T / 0.2).masked_fill(torch.eye(24).bool(), -torch.inf)
            expected = F.cross_entropy(logits, torch.arange(24).roll(12))
        else:
            logits, target = z1 @ z2.T / 0.2, torch.arange(12)
            expected = 0.5 * (
                F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)
            )
        assert loss.objective_.item() == pytest.approx(expected.item(), rel=1e-6)
        torch.testing.assert_close(
            gradients(actual, views), gradients(expected, views), rtol=1e-6, atol=1e-12
        )

    def test_with_gamma_one_and_the_positive_it_is_info_nce_times_the_temperature(self):
        views = draw_views()
        loss = RGCLoss(
            12, gamma=1.0, eta=0.0, include_positive=True, temperature_init=0.2
        )
        info_nce = InfoNCELoss(12, "unimodal", temperature_init=0.2)
        ours = gradients(loss(*views, torch.arange(12)), views)
        theirs = gradients(info_nce(*views, torch.arange(12)), views)
        torch.testing.assert_close(ours, 2 * 0.2 * theirs, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize("mode", MODES)
    def test_eta_zero_is_sogclr_bit_for_bit(self, mode):
        ours, sogclr = (
            RGCLoss(12, mode, eta=0.0),
            FixedTemperatureLoss(12, mode, temperature_init=0.1),
        )
        for seed in range(4):
            views = draw_views(seed, dtype=torch.float32)
            a = gradients(ours(*views, torch.arange(12)), views)
            b = gradients(sogclr(*views, torch.arange(12)), views)
            assert torch.equal(a, b)
        assert torch.equal(ours.log_s_, sogclr.log_s_)
        assert (ours.temperatures_ == 0.1).all()

    @pytest.mark.parametrize("mode", MODES)
    def test_raw_and_difference_agree_on_the_first_visit_only(self, mode):
        raw = RGCLoss(12, mode, exponent="raw")
        difference = RGCLoss(12, mode, exponent="difference")
        for visit in range(3):
            views = draw_views(visit)
            a = gradients(raw(*views, torch.arange(12)), views)
            b = gradients(difference(*views, torch.arange(12)), views)
            if visit == 0:
                torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
                torch.testing.assert_close(raw.temperatures_, difference.temperatures_)
            else:
                assert not torch.allclose(a, b, rtol=1e-3)


class TestState:
    @pytest.mark.parametrize("gamma", [0.1, 0.8, 1.0])
    def test_logarithms_follow_the_linear_recursion(self, rng, gamma):
        g = torch.as_tensor(rng.uniform(0.01, 100, (50, 7)))
        linear, logarithm = g[0], g[0].log()
        never = torch.zeros(7, dtype=torch.bool)
        for value in g[1:]:
            linear = (1 - gamma) * linear + gamma * value
            logarithm = log_running_mean(logarithm, value.log(), gamma, never)
        torch.testing.assert_close(logarithm, linear.log(), rtol=1e-10, atol=1e-10)

    @pytest.mark.parametrize("mode", MODES)
    def test_steps_follow_a_plain_implementation(self, mode):
        """Ten visits, every formula written out in linear numbers."""
        settings = {
            "rho": 0.4,
            "gamma": 0.7,
            "beta": 0.6,
            "eta": 0.05,
            "grad_clip": 0.5,
        }
        loss = RGCLoss(12, mode, exponent="difference", **settings, **WIDE)
        shape = tuple(loss.temperatures_.shape)
        tau, s, u = np.full(shape, 0.3), np.full(shape, np.nan), np.zeros(shape)
        for visit in range(10):
            views = draw_views(visit).detach()
            loss(*views, torch.arange(12))
            columns = [0, 0] if mode == "unimodal" else [0, 1]
            new_s, slope = np.empty((12, 2)), np.empty((12, 2))
            for view, rows in enumerate(explicit_rows(*views, mode)):
                for i, h in enumerate(rows):
                    at = (i,) if mode == "unimodal" else (i, columns[view])
                    h = h.numpy()
                    g = np.mean(np.exp(h / tau[at]))
                    old = s[at]
                    new = g if np.isnan(old) else 0.3 * old + 0.7 * g
                    p = np.exp(h / tau[at]) / new / len(h)
                    new_s[i, view] = new
                    slope[i, view] = np.log(new) + 0.4 - p @ h / tau[at]
            if mode == "unimodal":
                new_s, slope = new_s.mean(axis=1), slope.mean(axis=1)
            s = new_s
            u = 0.4 * u + 0.6 * np.clip(slope, -0.5, 0.5)
            tau = np.clip(tau - 0.05 * u, 0.005, 5.0)
        np.testing.assert_allclose(loss.log_s_.numpy(), np.log(s), atol=1e-6)
        np.testing.assert_allclose(loss.temperatures_.numpy(), tau, rtol=1e-6)
        np.testing.assert_allclose(loss.temperature_momentum_.numpy(), u, atol=1e-6)

    def test_a_start_from_zero(self):
        first, zero = RGCLoss(12, gamma=0.8), RGCLoss(12, gamma=0.8, init_s="zero")
        views = draw_views()
        first(*views, torch.arange(12)), zero(*views, torch.arange(12))
        torch.testing.assert_close(zero.log_s_, first.log_s_ + math.log(0.8))

    def test_first_epoch_overrules_what_is_known(self):
        forced, fresh = RGCLoss(12, eta=0.0), RGCLoss(12, eta=0.0)
        for seed in range(3):
            forced(*draw_views(seed), torch.arange(12), first_epoch=True)
        fresh(*draw_views(2), torch.arange(12))
        torch.testing.assert_close(forced.log_s_, fresh.log_s_)
        late = RGCLoss(12, gamma=0.8)
        late(*draw_views(2), torch.arange(12), first_epoch=False)
        torch.testing.assert_close(late.log_s_, fresh.log_s_ + math.log(0.8))

    def test_first_visits_are_known_sample_by_sample(self):
        """A batch that overlaps with earlier ones starts its new samples afresh."""
        loss, fresh = RGCLoss(30), RGCLoss(30)
        loss(*draw_views(0), torch.arange(12))
        views = draw_views(1)
        index = torch.arange(6, 18)
        loss(*views, index), fresh(*views, index)
        torch.testing.assert_close(loss.log_s_[12:18], fresh.log_s_[12:18])
        assert not torch.allclose(loss.log_s_[6:12], fresh.log_s_[6:12])

    @pytest.mark.parametrize("mode", MODES)
    def test_samples_outside_the_batch_keep_their_state(self, mode):
        loss = RGCLoss(40, mode)
        loss(*draw_views(0), torch.arange(12))
        before = copy.deepcopy(loss.state_dict())
        loss(*draw_views(1), torch.arange(6, 18))
        untouched = torch.cat([torch.arange(6), torch.arange(18, 40)])
        for name, value in loss.state_dict().items():
            assert torch.equal(value[untouched], before[name].double()[untouched])

    @pytest.mark.parametrize("mode", MODES)
    def test_the_order_of_rows_does_not_matter(self, mode):
        order = torch.randperm(12, generator=torch.Generator().manual_seed(5))
        number = torch.randperm(12, generator=torch.Generator().manual_seed(6))
        plain, permuted = RGCLoss(12, mode), RGCLoss(12, mode)
        for seed in range(5):
            z1, z2 = draw_views(seed).detach()
            plain(z1, z2, torch.arange(12))
            permuted(z1[order], z2[order], number[order])
        torch.testing.assert_close(permuted.temperatures_[number], plain.temperatures_)
        torch.testing.assert_close(permuted.log_s_[number], plain.log_s_)

    def test_a_state_dict_goes_on_exactly(self):
        loss = RGCLoss(12)
        loss(*draw_views(0), torch.arange(12))
        other = RGCLoss(12)
        other.load_state_dict(copy.deepcopy(loss.state_dict()))
        for each in (loss, other):
            each(*draw_views(1), torch.arange(12))
        assert torch.equal(loss.temperatures_, other.temperatures_)
        assert torch.equal(loss.log_s_, other.log_s_)


class TestNumbers:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("exponent", ["raw", "difference"])
    def test_nothing_overflows_at_the_lowest_temperature(self, mode, exponent):
        loss = RGCLoss(
            12,
            mode,
            exponent=exponent,
            temperature_init=0.005,
            temperature_min=0.005,
            rho=6.0,
        )
        for seed in range(20):
            views = draw_views(seed, dtype=torch.float32)
            value = loss(*views, torch.arange(12))
            assert torch.isfinite(gradients(value, views)).all()
            assert torch.isfinite(value)
            for state in loss.state_dict().values():
                assert torch.isfinite(state).all()
        assert loss.temperatures_.dtype == torch.float32

    def test_a_temperature_that_grows_again_does_not_underflow(self):
        loss = RGCLoss(12, exponent="raw", **WIDE)
        loss.temperatures_[:] = 0.005
        loss(*draw_views(0, dtype=torch.float32), torch.arange(12))
        loss.temperatures_[:] = 5.0
        views = draw_views(1, dtype=torch.float32)
        assert torch.isfinite(gradients(loss(*views, torch.arange(12)), views)).all()

    def test_half_precision_embeddings(self):
        views = draw_views().detach().to(torch.bfloat16).requires_grad_()
        loss = RGCLoss(12)
        value = loss(*views, torch.arange(12))
        assert gradients(value, views).dtype == torch.bfloat16
        assert loss.log_s_.dtype == torch.float32


class TestStochasticToExact:
    def learn(self, z, rho, exponent, rng):
        """Visit fixed embeddings for 60 epochs in batches of 97."""
        loss = RGCLoss(
            len(z),
            rho=rho,
            temperature_init=0.3,
            temperature_min=0.02,
            temperature_max=5.0,
            exponent=exponent,
        )
        Z = torch.as_tensor(z)
        for _ in range(60):
            order = rng.permutation(len(z))
            for start in range(0, len(z) - 1, 97):
                batch = order[start : start + 97]
                loss(Z[batch], Z[batch], torch.as_tensor(batch))
        return loss.temperatures_.numpy()

    @pytest.fixture
    def clusters(self, rng):
        """Five clusters of falling size on orthogonal directions."""
        directions = np.linalg.qr(rng.normal(size=(16, 5)))[0].T
        z = np.repeat(directions, [400, 200, 100, 50, 25], axis=0)
        z = z + 0.15 * rng.normal(size=z.shape)
        return z / np.linalg.norm(z, axis=1, keepdims=True)

    def exact(self, z, rho):
        everyone = np.arange(len(z))
        return minimise_temperatures(z @ z.T, rho, 0.02, 5, [(everyone, everyone)])

    def error(self, learnt, exact):
        return np.mean(np.abs(learnt - exact) / exact)

    @pytest.mark.parametrize("rho", [0.3, 1.0])
    def test_temperatures_settle_at_the_exact_ones(self, clusters, rng, rho):
        learnt = self.learn(clusters, rho, "difference", rng)
        exact = self.exact(clusters, rho)
        assert np.corrcoef(learnt, exact)[0, 1] > 0.97
        assert self.error(learnt, exact) < 0.08

    def test_raw_exponents_lag_at_low_temperatures(self, clusters, rng):
        """Why differences are the default: three times the error at rho=1."""
        exact = self.exact(clusters, 1.0)
        raw, difference = (
            self.error(self.learn(clusters, 1.0, exponent, rng), exact)
            for exponent in ("raw", "difference")
        )
        assert raw > 2 * difference

    def test_the_order_by_cluster_reverses_as_the_radius_grows(self, clusters):
        """Small radii give frequent semantics high temperatures, large ones low."""
        cluster = np.repeat(np.arange(5), [400, 200, 100, 50, 25])
        small, large = (
            np.array([exact[cluster == k].mean() for k in range(5)])
            for exact in (self.exact(clusters, 0.1), self.exact(clusters, 2.0))
        )
        np.testing.assert_allclose(small, [0.80, 0.83, 0.75, 0.61, 0.55], atol=0.01)
        np.testing.assert_allclose(large, [0.034, 0.056, 0.13, 0.15, 0.17], atol=0.01)


class TestBadInput:
    @pytest.mark.parametrize(
        "parameters, message",
        [
            ({"temperature_min": 0.5, "temperature_max": 0.1}, "temperature_min=0.5"),
            ({"temperature_init": 3.0}, "temperature_init=3.0"),
            ({"temperature_min": 0.0}, "temperature_min"),
            ({"gamma": 0.0}, "gamma"),
            ({"beta": 1.5}, "beta"),
            ({"rho": -1.0}, "rho"),
            ({"mode": "trimodal"}, "mode"),
        ],
    )
    def test_parameters(self, parameters, message):
        with pytest.raises(ValueError, match=message):
            RGCLoss(10, **parameters)

    @pytest.mark.parametrize(
        "index, message",
        [
            (torch.arange(11), "one number for each of the 12 rows"),
            (torch.arange(12) + 5, r"must lie in 0\.\.11, got 5 to 16"),
            (torch.arange(12) - 1, r"must lie in 0\.\.11, got -1 to 10"),
            (torch.zeros(12, dtype=torch.int64), "names a sample twice"),
        ],
    )
    def test_index(self, index, message):
        with pytest.raises(ValueError, match=message):
            RGCLoss(12)(*draw_views(), index)

    def test_views(self):
        z1, z2 = draw_views()
        with pytest.raises(ValueError, match="two matrices of the same shape"):
            RGCLoss(12)(z1, z2[:, :3], torch.arange(12))
        with pytest.raises(ValueError, match="at least 2 rows"):
            RGCLoss(12)(z1[:1], z2[:1], torch.arange(1))
        with pytest.raises(ValueError, match="temperatures_ has shape"):
            RGCLoss(12).load_state_dict(RGCLoss(13).state_dict())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_agrees_with_the_cpu():
    on_cpu, on_gpu = RGCLoss(12), RGCLoss(12)
    for seed in range(5):
        views = draw_views(seed)
        a = gradients(on_cpu(*views, torch.arange(12)), views)
        views = views.detach().cuda().requires_grad_()
        b = gradients(on_gpu(*views, torch.arange(12)), views)
        torch.testing.assert_close(a, b.cpu())
    torch.testing.assert_close(on_cpu.temperatures_, on_gpu.temperatures_.cpu())
