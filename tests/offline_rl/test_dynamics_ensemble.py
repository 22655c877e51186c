# SPDX-License-Identifier: BSD-3-Clause
"""DynamicsEnsemble: one batched network is so many single ones; its uncertainty."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch.nn import functional as F

from sklearn_theory.offline_rl import DynamicsEnsemble
from sklearn_theory.offline_rl._ensemble_torch import (
    EnsembleModule,
    Snapshots,
    _law_of_rows,
    ensemble_loss,
)
from sklearn_theory.offline_rl._gaussian_torch import gaussian_losses, soft_clamp

SMALL = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.01, "random_state": 0}


@pytest.fixture
def module():
    torch.manual_seed(0)
    return EnsembleModule(3, 2, (5, 4), 2).double()


def run_member(module, member, rows):
    """Run one member as a plain network."""
    for bias, weight in zip(module.biases[:-1], module.weights[:-1]):
        rows = F.silu(rows @ weight[member] + bias[member])
    mean, raw = (rows @ module.weights[-1][member] + module.biases[-1][member]).chunk(
        2, dim=1
    )
    return mean, soft_clamp(raw, module.lowest, module.highest)


class TestModule:
    def test_a_batched_product_is_each_member_alone(self, module, rng):
        rows = torch.tensor(rng.normal(size=(3, 7, 2)))
        mean, log_variance = module(rows)
        for member in range(3):
            expected = run_member(module, member, rows[member])
            torch.testing.assert_close(mean[member], expected[0])
            torch.testing.assert_close(log_variance[member], expected[1])

    def test_loss_adds_up_members(self, module, rng):
        rows = torch.tensor(rng.normal(size=(3, 7, 2)))
        targets = torch.tensor(rng.normal(size=(3, 7, 2)))
        expected = sum(
            gaussian_losses(*run_member(module, e, rows[e]), targets[e]).mean()
            for e in range(3)
        )
        bounds = 0.01 * (module.highest.sum() - module.lowest.sum())
        loss = ensemble_loss(module, rows, targets)
        torch.testing.assert_close(loss, expected + bounds)

    def test_decay(self, module):
        expected = sum(
            c / 2 * (w**2).sum() for c, w in zip((0.1, 0.2, 0.3), module.weights)
        )
        torch.testing.assert_close(module.decay((0.1, 0.2, 0.3)), expected)

    def test_rows_of_an_elite_are_laid_out_together(self, module, rng):
        rows = torch.tensor(rng.normal(size=(20, 2)))
        elites, elite = np.array([2, 0]), torch.tensor(rng.integers(2, size=20))
        mean, log_variance = _law_of_rows(module, rows, elites, elite)
        for i in range(20):
            expected = run_member(module, elites[elite[i]], rows[i : i + 1])
            torch.testing.assert_close(mean[i], expected[0][0])
            torch.testing.assert_close(log_variance[i], expected[1][0])

    def test_snapshots_keep_what_improved(self, module):
        snapshots = Snapshots(module, 3, tol=0.01)
        snapshots.offer(torch.tensor([1.0, 1.0, 1.0]))
        first = [w.detach().clone() for w in module.weights]
        with torch.no_grad():
            for weight in module.weights:
                weight += 1
        snapshots.offer(torch.tensor([0.5, 0.995, float("nan")]))
        snapshots.restore()
        for weight, before in zip(module.weights, first):
            torch.testing.assert_close(weight[0], before[0] + 1)
            torch.testing.assert_close(weight[1:], before[1:])
        np.testing.assert_allclose(snapshots.errors, [0.5, 1.0, 1.0])
        assert snapshots.n_stalled == 0
        snapshots.offer(torch.tensor([0.6, 1.1, 1.2]))
        assert snapshots.n_stalled == 1


class TestFit:
    def test_one_member_without_resamples_is_a_single_network(self, rng):
        """The same batches through a plain loop of torch give the same weights."""
        X, y = rng.normal(size=(60, 2)), rng.normal(size=(60, 1))
        model = DynamicsEnsemble(
            1, n_elites=1, bootstrap=False, max_iter=3, tol=0.0, **SMALL
        )
        model.set_params(n_iter_no_change=50, batch_size=16)
        with pytest.warns(UserWarning, match="still improved"):
            model.fit(X, y)
        expected = SingleNetwork(X, y, model)
        np.testing.assert_allclose(model.loss_curve_, expected.losses, rtol=1e-5)
        np.testing.assert_allclose(model.predict(X), expected.predicted, rtol=1e-3)

    def test_members_differ_and_the_best_predict(self, rng):
        X = rng.normal(size=(300, 2))
        y = np.column_stack([np.sin(X[:, 0]), X[:, 1] ** 2])
        model = DynamicsEnsemble(4, n_elites=2, random_state=0).fit(X, y)
        errors = model.member_errors_
        assert len(np.unique(errors)) == 4
        np.testing.assert_array_equal(model.elites_, np.argsort(errors)[:2])
        assert model.score(X, y) > 0.9
        assert model.stop_reason_ == "converged"
        assert (np.diff(model.validation_scores_) >= 0).all()

    def test_total_deviation(self, rng):
        """The law of total variance, from the members' own moments."""
        X, y = rng.normal(size=(80, 2)), rng.normal(size=80)
        model = DynamicsEnsemble(3, n_elites=3, **SMALL).fit(X, y)
        mean, deviation = model.predict(X, return_std=True)
        rows = torch.tensor(model._row_scaling.apply(X))
        module = model._net.module_.double()
        with torch.no_grad():
            moments = [run_member(module, e, rows) for e in range(3)]
        means = torch.stack([m[:, 0] for m, _ in moments]).numpy()
        variances = torch.stack([v[:, 0].exp() for _, v in moments]).numpy()
        width, centre = y.std(), y.mean()
        np.testing.assert_allclose(mean, means.mean(axis=0) * width + centre)
        total = variances.mean(axis=0) + means.var(axis=0)
        np.testing.assert_allclose(deviation, np.sqrt(total) * width)

    def test_knows_noise_from_ignorance(self, rng):
        X = rng.uniform(-1, 1, size=(1500, 1))
        y = np.sin(3 * X[:, 0]) + 0.3 * (X[:, 0] > 0) * rng.normal(size=1500)
        model = DynamicsEnsemble(
            5, n_elites=5, learning_rate_init=0.01, random_state=0
        ).fit(X, y)
        deviation = model.predict([[-0.5], [0.5], [4.0]], return_std=True)[1]
        assert deviation[0] < 0.15
        assert deviation[1] == pytest.approx(0.3, rel=0.25)
        rows = model._row_scaling.apply(np.array([[0.5], [4.0]]))
        means = model._parts.elite_moments(model._net, rows, model.elites_)[0]
        near, far = means[:, :, 0].std(axis=0)
        assert far > 5 * near

    def test_draws_have_the_predicted_moments(self, rng):
        X, y = rng.normal(size=(200, 2)), rng.normal(size=(200, 2))
        model = DynamicsEnsemble(3, n_elites=2, **SMALL).fit(X, y)
        row = np.tile(X[:1], (20_000, 1))
        mean, deviation = model.predict(X[:1], return_std=True)
        drawn = model.sample(row, random_state=0)
        np.testing.assert_allclose(drawn.mean(axis=0), mean[0], atol=0.05)
        np.testing.assert_allclose(drawn.std(axis=0), deviation[0], rtol=0.03)
        np.testing.assert_array_equal(model.sample(row, random_state=0), drawn)

    def test_scale_of_the_targets_does_not_matter(self, rng):
        X, y = rng.normal(size=(100, 2)), rng.normal(size=(100, 2))
        model = DynamicsEnsemble(2, n_elites=1, **SMALL)
        plain = clone(model).fit(X, y).predict(X)
        scaled = clone(model).fit(X, 1024 * y).predict(X)
        np.testing.assert_allclose(scaled, 1024 * plain, rtol=1e-4)

    def test_pickle(self, rng):
        X, y = rng.normal(size=(50, 2)), rng.normal(size=50)
        model = DynamicsEnsemble(2, n_elites=1, **SMALL).fit(X, y)
        loaded = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))

    @pytest.mark.parametrize(
        "options, message",
        [
            ({"n_members": 2, "n_elites": 3}, "n_elites=3 must not exceed n_members=2"),
            ({"weight_decay": (0.1,)}, "one for each of the 2 layers"),
            ({"weight_decay": (0.1, -0.1)}, "none below zero"),
        ],
    )
    def test_bad_parameters(self, options, message):
        with pytest.raises(ValueError, match=message):
            DynamicsEnsemble(**SMALL, **options).fit(np.zeros((4, 1)), np.zeros(4))

    def test_paper_decay(self, rng):
        decay = (2.5e-5, 5e-5, 1e-4)
        model = DynamicsEnsemble(2, n_elites=1, weight_decay=decay, random_state=0)
        model.fit(rng.normal(size=(40, 2)), rng.normal(size=40))
        assert model._net.decay == decay


class SingleNetwork:
    """A plain loop over the same batches, for comparison."""

    def __init__(self, X, y, model):
        random = np.random.RandomState(0)
        y = model._target_scaling.apply(y)
        X = model._row_scaling.apply(X)
        rows, aside = model._split(X, y, random)
        everything, X_aside = (
            torch.tensor(v, dtype=torch.float32) for v in (X, aside[0])
        )
        lowest = np.inf
        twin = model._parts.make_ensemble(model, 2, 1, (5e-5, 5e-5), 16, random)
        parameters = [*twin.module_.parameters()]
        optimizer = torch.optim.Adam(parameters, lr=model.learning_rate_init)
        X_train, y_train = (torch.tensor(v, dtype=torch.float32) for v in rows[:2])
        order = torch.Generator().manual_seed(twin.seed)
        self.losses = []
        for _ in range(model.n_iter_):
            chosen = torch.randperm(len(X_train), generator=order)
            losses, sizes = [], []
            for places in chosen.split(model.batch_size):
                law = run_member(twin.module_, 0, X_train[places])
                loss = gaussian_losses(*law, y_train[places]).mean()
                bounds = twin.module_.highest.sum() - twin.module_.lowest.sum()
                loss = loss + 0.01 * bounds
                decay = sum((w**2).sum() for w in twin.module_.weights) * 5e-5 / 2
                optimizer.zero_grad()
                (loss + decay).backward()
                optimizer.step()
                losses.append(loss.item())
                sizes.append(len(places))
            self.losses.append(np.average(losses, weights=sizes))
            guess = run_member(twin.module_, 0, X_aside)[0].detach().numpy()
            error = np.mean((guess - aside[1]) ** 2)
            if error < lowest:
                lowest = error
                mean = run_member(twin.module_, 0, everything)[0].detach().numpy()
        self.predicted = model._target_scaling.undo(mean)
