# SPDX-License-Identifier: BSD-3-Clause
"""Individual calibration: the adapter, its anchor, mixed and drawn rows."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_theory.datasets import make_long_tail_noisy, make_super_classes
from sklearn_theory.noisy_labels import RCAL

torch = pytest.importorskip("torch")

from sklearn_theory.noisy_labels._rcal_torch import (  # noqa: E402
    AnchoredModule,
    AnchoredNet,
)
from sklearn_theory.utils._torch_net import Net, make_net  # noqa: E402
from sklearn_theory.utils._torch_training import train  # noqa: E402

PLAIN = {"outlier": "none", "n_sampled": 0, "mixup": 0, "anchor": 0}


def noisy_tail(imbalance=10, noise=0.2, seed=0):
    X, y = make_super_classes(120, n_classes=5, n_features=6, random_state=seed)
    X, _, y, _ = make_long_tail_noisy(
        X, y, imbalance=imbalance, noise=noise, random_state=seed
    )
    return X, y


def anchored(**parameters):
    options = {"individual": "anchor", "max_iter": 15, "random_state": 0}
    return RCAL(**{**options, **parameters})


def small_net(anchor=0.5, mixup=0.0, shares=(0.0, 1.5, 3.0)):
    means = np.array([[0.0, 0], [5, 0], [0, 5]])
    roots = np.stack([np.eye(2), 2 * np.eye(2), np.array([[1.0, 0], [1, 1]])])
    parameters = {
        "n_features": 2,
        "hidden_layer_sizes": (8,),
        "n_classes": 3,
        "anchor": anchor,
    }
    return make_net(
        AnchoredNet,
        AnchoredModule,
        module_params=parameters,
        anchor=anchor,
        mixup=mixup,
        means=means,
        roots=roots,
        draw_shares=np.array(shares),
        random_state=0,
    )


class TestExactness:
    def test_an_anchor_beyond_measure_keeps_the_representation(self):
        X, y = noisy_tail()
        model = anchored(anchor=1e6, max_iter=100).fit(X, y)
        np.testing.assert_allclose(model.classifier_.adapt(X), X, atol=1e-3)
        assert model.score(X, y) > 0.5  # The head learns all the same.

    def test_without_training_the_adapter_is_the_identity(self):
        rows = torch.randn((7, 4), generator=torch.Generator().manual_seed(0))
        module = AnchoredModule(4, (8, 8), 3, anchor=1.0)
        torch.testing.assert_close(module.adapt(rows), rows)

    def test_without_anchor_draws_and_mixing_it_is_a_plain_network(self):
        X, y = noisy_tail()
        model = anchored(**PLAIN).fit(X, y)
        fitted = model.classifier_
        net = make_net(
            Net,
            AnchoredModule,
            module_params={
                "n_features": 6,
                "hidden_layer_sizes": (128,),
                "n_classes": 5,
                "anchor": 0,
            },
            learning_rate_init=0.05,
            batch_size=256,
            optimizer="sgd",
            random_state=fitted._seed,
            criterion=torch.nn.CrossEntropyLoss,
        )
        rows = fitted._standardise(X)
        curve = train(
            net,
            rows,
            y,
            estimator=model,
            context=None,
            max_iter=15,
            learning_rate="cosine",
        ).loss_curve
        np.testing.assert_allclose(model.loss_curve_, curve, rtol=1e-5)
        for name, weights in fitted._net.module_.state_dict().items():
            torch.testing.assert_close(weights, net.module_.state_dict()[name])

    def test_losses_written_out(self):
        net = small_net(anchor=0.7, mixup=0.0, shares=(0.0, 0.0, 0.0))
        rows, labels = torch.randn((9, 2)), torch.arange(9) % 3
        torch.nn.init.normal_(net.module_.adapter[-1].weight)
        moves = net.module_.adapter(rows)
        logits = net.module_.head(rows + moves)
        expected = torch.nn.functional.cross_entropy(logits, labels)
        expected = expected + 0.7 * (moves**2).sum(dim=1).mean()
        torch.testing.assert_close(net.mixed_loss(rows, labels), expected)
        assert net.drawn_loss(rows) == 0

    @pytest.mark.parametrize("anchor", [0.0, 1.0, 99.0])
    def test_gradients_of_the_adapter_are_scaled_and_no_others(self, anchor):
        module = AnchoredModule(3, (5,), 2, anchor=anchor)
        torch.nn.init.normal_(module.adapter[-1].weight)
        rows = torch.randn((6, 3))
        module(rows).square().sum().backward()
        scaled = {n: p.grad.clone() for n, p in module.named_parameters()}
        module.zero_grad()
        module.gradient_scale = 1.0
        module(rows).square().sum().backward()
        for name, parameter in module.named_parameters():
            factor = 1 / (1 + anchor) if name.startswith("adapter") else 1.0
            torch.testing.assert_close(scaled[name], factor * parameter.grad)

    def test_draws_have_the_shares_and_moments(self):
        net = small_net()
        like = torch.zeros((40_000, 2))
        labels = torch.tensor([1] * 40_000 + [2] * 40_000)
        drawn = net.draw(labels, like).numpy()
        np.testing.assert_allclose(drawn[:40_000].mean(axis=0), [5, 0], atol=0.05)
        np.testing.assert_allclose(np.cov(drawn[:40_000].T), 4 * np.eye(2), atol=0.15)
        np.testing.assert_allclose(
            np.cov(drawn[40_000:].T), [[1, 1], [1, 2]], atol=0.07
        )

    def test_an_epoch_draws_the_right_number_on_average(self, monkeypatch):
        net = small_net(shares=(0.0, 0.31, 0.05))
        counts = np.zeros(3)

        def record(labels, like):
            counts[:] += np.bincount(labels, minlength=3)
            return torch.zeros((len(labels), 2))

        monkeypatch.setattr(net, "draw", record)
        for _ in range(2_000):
            net.drawn_loss(torch.zeros((10, 2)))
        np.testing.assert_allclose(counts / 20_000, [0, 0.31, 0.05], atol=0.005)

    @pytest.mark.parametrize("mixup", [0.3, 1.0, 5.0])
    def test_mixing_weights_are_beta(self, mixup):
        net = small_net(mixup=mixup)
        shares = [net.mixing_share() for _ in range(4_000)]
        assert np.mean(shares) == pytest.approx(0.5, abs=0.03)
        variance = 1 / (4 * (2 * mixup + 1))
        assert np.var(shares) == pytest.approx(variance, rel=0.1)

    @pytest.mark.parametrize("n_classes", [2, 5])
    def test_methods_agree(self, n_classes):
        X, y = noisy_tail(noise=0.1)
        X, y = X[y < n_classes], y[y < n_classes]
        model = anchored().fit(X, y)
        probabilities = model.predict_proba(X)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        np.testing.assert_array_equal(model.predict(X), probabilities.argmax(axis=1))
        scores = model.decision_function(X)
        assert scores.shape == ((len(X),) if n_classes == 2 else (len(X), 5))


class TestBehaviour:
    def test_the_anchor_holds_by_degrees(self):
        X, y = noisy_tail()
        moved = [
            np.abs(anchored(anchor=a).fit(X, y).classifier_.adapt(X) - X).mean()
            for a in (0.0, 0.1, 1.0, 10.0)
        ]
        assert np.all(np.diff(moved) < 0)

    def test_units_of_the_representation_do_not_matter(self):
        X, y = noisy_tail()
        model = anchored().fit(X, y)
        for unit in (2.0**-20, 2.0**20):
            other = anchored().fit(unit * X, y)
            np.testing.assert_allclose(
                other.predict_proba(unit * X), model.predict_proba(X), atol=1e-4
            )

    def test_same_seed_same_network_and_global_generators_stay(self):
        X, y = noisy_tail()
        before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        first = anchored().fit(X, y).predict_proba(X)
        second = anchored().fit(X, y).predict_proba(X)
        np.testing.assert_array_equal(first, second)
        other = anchored(random_state=1).fit(X, y).predict_proba(X)
        assert np.abs(first - other).max() > 1e-6
        torch.testing.assert_close(torch.get_rng_state(), before[0])
        np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002

    def test_pickle(self):
        X, y = noisy_tail()
        model = anchored().fit(X, y)
        loaded = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
        np.testing.assert_array_equal(
            loaded.classifier_.adapt(X), model.classifier_.adapt(X)
        )

    def test_strings_and_more_layers(self):
        X, y = noisy_tail()
        names = np.array(list("vwxyz"))[y]
        model = anchored(hidden_layer_sizes=(16, 16), mixup=0.4).fit(X, names)
        assert set(model.predict(X)) <= set(names)
        assert model.n_iter_ == len(model.loss_curve_) == 15

    def test_a_batch_larger_than_the_data(self):
        X, y = noisy_tail()
        assert anchored(batch_size=10_000).fit(X, y).n_iter_ == 15

    def test_callbacks_hear_of_every_epoch(self):
        X, y = noisy_tail()

        class Counter:
            n_epochs = 0

            def setup(self, estimator, context):
                pass

            def teardown(self, estimator, context):
                pass

            def on_fit_task_begin(self, estimator, context):
                self.n_epochs += context.task_name == "epoch"

            def on_fit_task_end(self, estimator, context):
                pass

        counter = Counter()
        clone(anchored()).set_callbacks(counter).fit(X, y)
        assert counter.n_epochs == 15

    def test_it_learns(self):
        X, y = make_super_classes(200, n_classes=5, random_state=0)
        Xn, _, yn, _ = make_long_tail_noisy(
            X, y, imbalance=10, noise=0.2, random_state=0
        )
        adapted = anchored(max_iter=50).fit(Xn, yn).score(X, y)
        assert adapted >= RCAL(random_state=0).fit(Xn, yn).score(X, y) - 0.02

    def test_a_contrastive_representation(self):
        from sklearn_theory.representation import ISogCLR

        X, y = noisy_tail()
        model = RCAL(ISogCLR(n_components=5, max_iter=2), random_state=0).fit(X, y)
        assert model.means_.shape == (5, 5)
        again = clone(model).fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
