# SPDX-License-Identifier: BSD-3-Clause
"""The adapter between estimators and skorch: seeds, batches, epochs, persistence."""

import copy
import pickle
import threading

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EarlyStopping
from torch import nn

from sklearn_theory.utils import TheoryEstimator
from sklearn_theory.utils._callbacks import fit_task
from sklearn_theory.utils._compat import _fit_context
from sklearn_theory.utils._torch_modules import MLP, ConvEncoder
from sklearn_theory.utils._torch_net import (
    Batches,
    Net,
    Rows,
    forward_in_batches,
    make_net,
)
from sklearn_theory.utils._torch_optimizers import LARS
from sklearn_theory.utils._torch_training import train

SIZES = {"n_features": 4, "hidden_layer_sizes": (16,), "n_outputs": 3}


class Dropping(nn.Sequential):
    """A network that draws from torch's global generator."""

    def __init__(self):
        super().__init__(nn.Linear(4, 16), nn.Dropout(0.5), nn.ReLU(), nn.Linear(16, 3))


class Trainer(TheoryEstimator):
    """The smallest estimator that trains a net."""

    _parameter_constraints: dict = {}

    def __init__(self, max_iter=5, options=None):
        self.max_iter = max_iter
        self.options = options

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, net):
        with fit_task(self, max_subtasks=self.max_iter, X=X, y=y) as context:
            self.training_ = train(
                net,
                X,
                y,
                estimator=self,
                context=context,
                max_iter=self.max_iter,
                **(self.options or {}),
            )
        return self


def iris_net(module=MLP, net_class=Net, **options):
    options = {"criterion": nn.CrossEntropyLoss, "random_state": 0, **options}
    params = SIZES if module is MLP else {}
    return make_net(net_class, module, module_params=params, **options)


def fit(net, X, y, max_iter=5, **options):
    return Trainer(max_iter, options).fit(X, y, net).training_


@pytest.fixture(scope="module")
def data():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


class TestRandomness:
    @pytest.mark.parametrize("module", [MLP, Dropping])
    def test_global_generators_are_untouched(self, data, module):
        before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        fit(iris_net(module), *data)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002

    @pytest.mark.parametrize("module", [MLP, Dropping])
    def test_global_generators_do_not_matter(self, data, module):
        outputs = []
        for seed in range(2):
            torch.manual_seed(seed)
            net = iris_net(module)
            fit(net, *data)
            outputs.append(forward_in_batches(net, data[0]))
        np.testing.assert_array_equal(*outputs)

    def test_seeds_differ(self, data):
        first, second = (iris_net(random_state=seed) for seed in range(2))
        assert not np.allclose(
            forward_in_batches(first, data[0]), forward_in_batches(second, data[0])
        )

    def test_nets_in_threads_are_as_they_are_alone(self, data):
        alone = [
            fit(iris_net(Dropping, random_state=s), *data).loss_curve for s in (0, 1)
        ]
        before, together = torch.get_rng_state(), {}

        def run(seed):
            net = iris_net(Dropping, random_state=seed)
            together[seed] = fit(net, *data).loss_curve

        threads = [threading.Thread(target=run, args=(seed,)) for seed in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [together[0], together[1]] == alone
        assert torch.equal(torch.get_rng_state(), before)


class TestBatches:
    @pytest.mark.parametrize("n", [2, 3, 10, 11, 19, 20, 21])
    @pytest.mark.parametrize("size", [2, 5, 10, 100])
    def test_every_row_once_and_none_alone(self, n, size):
        rows = Rows(np.arange(n, dtype=float)[:, None])
        generator = torch.Generator().manual_seed(0)
        batches = Batches(rows, size, generator)
        drawn = [index for _, index in batches]
        assert torch.equal(torch.cat(drawn).sort().values, torch.arange(n))
        assert min(map(len, drawn)) >= 2
        assert max(map(len, drawn)) <= size + 1
        assert len(batches) == len(drawn)

    def test_order_is_kept_without_a_generator(self):
        rows = Rows(np.arange(10.0)[:, None])
        assert torch.cat([x for x, _ in Batches(rows, 3)])[:, 0].tolist() == list(
            range(10)
        )

    def test_types(self):
        rows = Rows(np.arange(6).reshape(3, 2), np.array([[0.5, 1]] * 3))
        assert rows.X.dtype == torch.int64
        assert rows.y.dtype == torch.float32
        assert Rows([[1.0], [2.0]]).X.dtype == torch.float32


class Pinball(Net):
    """A net whose loss is its own."""

    def __init__(self, module, *, level, **options):
        self.level = level
        super().__init__(module, **options)

    def get_loss(self, y_pred, y_true, X=None, training=False):
        error = y_true - y_pred[:, 0]
        return torch.maximum(self.level * error, (self.level - 1) * error).mean()


class TestHooks:
    def test_a_net_may_override_the_loss(self, data):
        X, _ = data
        net = make_net(
            Pinball,
            MLP,
            module_params={**SIZES, "n_outputs": 1},
            level=0.9,
            random_state=0,
            learning_rate_init=0.01,
        )
        target = np.random.default_rng(0).normal(size=150)
        fit(net, X[:, :4], target, 100)
        below = np.mean(target <= forward_in_batches(net, X)[:, 0])
        assert 0.75 < below < 1

    def test_callbacks_of_skorch_are_called(self, data):
        class Count(Callback):
            begun = ended = epochs = 0

            def on_train_begin(self, net, **kwargs):
                self.begun += 1

            def on_epoch_end(self, net, **kwargs):
                self.epochs += 1

            def on_train_end(self, net, **kwargs):
                self.ended += 1

        net = iris_net(skorch_callbacks=[("count", Count())])
        fit(net, *data)
        count = dict(net.callbacks_)["count"]
        assert (count.begun, count.epochs, count.ended) == (1, 5, 1)

    def test_callbacks_of_skorch_may_stop(self, data):
        stop = EarlyStopping("train_loss", patience=1, threshold=10.0, sink=str)
        training = fit(iris_net(skorch_callbacks=[("stop", stop)]), *data, 50)
        assert training.stop_reason == "callback"
        assert training.n_iter == 2

    def test_an_interruption_is_no_callback(self, data):
        class Interrupted(Net):
            def get_loss(self, *args, **kwargs):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(iris_net(net_class=Interrupted), *data)


class TestCallbacksOfScikitLearn:
    class Log:
        def __init__(self, stop_after=None):
            self.names, self.stop_after = [], stop_after

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            self.names.append(context.task_name)

        def on_fit_task_end(self, estimator, context):
            return self.stop_after == len(self.names) - 1

    def test_one_task_an_epoch(self, data):
        log = self.Log()
        Trainer(3).set_callbacks(log).fit(*data, iris_net())
        assert log.names[1:] == ["epoch"] * 3

    def test_they_may_stop(self, data):
        trainer = Trainer(30).set_callbacks(self.Log(2)).fit(*data, iris_net())
        assert trainer.training_.stop_reason == "callback"
        assert trainer.training_.n_iter == 2


class TestEnd:
    def test_all_epochs_without_a_tolerance(self, data):
        training = fit(iris_net(), *data, 7)
        assert (training.n_iter, training.stop_reason) == (7, "max_iter")

    def test_a_tolerance_ends_the_training(self, data):
        training = fit(iris_net(), *data, 500, tol=1e-2, n_iter_no_change=5)
        assert training.stop_reason == "converged"
        assert 5 < training.n_iter < 500
        assert min(training.loss_curve[-5:]) > min(training.loss_curve[:-5]) - 1e-2

    def test_too_few_epochs_for_a_tolerance_warn(self, data):
        with pytest.warns(ConvergenceWarning, match="still improved after 3 epochs"):
            fit(iris_net(), *data, 3, tol=1e-4)

    def test_early_stopping_goes_back_to_the_best_weights(self, data):
        X, y = data
        noisy = np.random.default_rng(0).permutation(y)
        net = iris_net(learning_rate_init=0.05)
        training = fit(
            net, X, noisy, 300, early_stopping=True, stratify=noisy, n_iter_no_change=20
        )
        assert training.stop_reason == "converged"
        curve = training.validation_curve
        assert len(curve) == training.n_iter
        assert np.argmin(curve) < len(curve) - 1
        # Rebuild the rows that were set aside.
        _, validation = train_test_split(
            np.arange(150), test_size=0.1, random_state=net.seed, stratify=noisy
        )
        rows = np.sort(validation)
        scores = torch.as_tensor(forward_in_batches(net, X[rows]))
        loss = nn.functional.cross_entropy(scores, torch.as_tensor(noisy[rows]))
        assert loss.item() == pytest.approx(min(curve), rel=1e-5)

    def test_whole_groups_are_set_aside(self, data):
        """Labels are noise, and equal within a group: who knows a part knows the rest."""
        X, groups = data[0], np.arange(150) % 50
        labels = np.random.default_rng(0).integers(3, size=50)[groups]
        net = iris_net(learning_rate_init=0.05)
        options = {"early_stopping": True, "n_iter_no_change": 5}
        curve = fit(net, X, labels, 100, groups=groups, **options).validation_curve
        _, validation = next(
            GroupShuffleSplit(1, test_size=0.1, random_state=net.seed).split(
                X, groups=groups
            )
        )
        rows = np.sort(validation)
        assert set(groups[rows]).isdisjoint(np.delete(groups, rows))
        scores = torch.as_tensor(forward_in_batches(net, X[rows]))
        loss = nn.functional.cross_entropy(scores, torch.as_tensor(labels[rows]))
        assert loss.item() == pytest.approx(min(curve), rel=1e-5)

    def test_one_group_cannot_be_set_aside(self, data):
        with pytest.raises(ValueError, match="there is 1 group only"):
            fit(iris_net(), *data, 3, early_stopping=True, groups=np.zeros(150))

    def test_a_loss_that_is_not_finite_keeps_the_last_good_weights(self, data):
        net = iris_net(optimizer="sgd", learning_rate_init=1e30)
        with pytest.warns(ConvergenceWarning, match="not finite in epoch"):
            training = fit(net, *data, 50)
        assert training.stop_reason == "diverged"
        assert all(torch.isfinite(w).all() for w in net.module_.parameters())

    def test_step_sizes_follow_the_schedule(self, data):
        seen = []

        class Watch(Callback):
            def on_epoch_end(self, net, **kwargs):
                seen.append(net.optimizer_.param_groups[0]["lr"])

        net = iris_net(skorch_callbacks=[("watch", Watch())], learning_rate_init=0.1)
        fit(net, *data, 4, learning_rate="cosine", warmup=1)
        expected = 0.05 * (1 + np.cos(np.pi * np.arange(4) / 4))
        expected[0] /= 2
        np.testing.assert_allclose(seen, expected)


class TestPersistence:
    @pytest.mark.parametrize("module", [MLP, Dropping])
    @pytest.mark.parametrize("optimizer", ["adam", "adamw", "lars", "sgd"])
    def test_training_goes_on_exactly(self, data, module, optimizer):
        whole, half = (iris_net(module, optimizer=optimizer) for _ in range(2))
        fit(whole, *data, 6)
        fit(half, *data, 3)
        half = pickle.loads(pickle.dumps(half))
        fit(half, *data, 3)
        np.testing.assert_array_equal(
            forward_in_batches(whole, data[0]), forward_in_batches(half, data[0])
        )
        assert len(half.history) == 6

    def test_copies_are_independent(self, data):
        net = iris_net()
        twin = copy.deepcopy(net)
        fit(net, *data)
        assert not np.allclose(
            forward_in_batches(net, data[0]), forward_in_batches(twin, data[0])
        )

    def test_validation_rows_are_not_kept(self, data):
        net = iris_net()
        fit(net, *data, 200, early_stopping=True, tol=0.1, n_iter_no_change=3)
        assert len(pickle.dumps(net)) < 30_000


class TestLARS:
    def test_a_step_by_hand(self):
        weights = nn.Parameter(torch.tensor([[3.0, 4.0]]))
        bias = nn.Parameter(torch.tensor([1.0]))
        optimizer = LARS([weights, bias], lr=0.5, weight_decay=0.1, trust=0.01)
        (weights * torch.tensor([[0.0, 2.0]])).sum().add(3 * bias.sum()).backward()
        optimizer.step()
        direction = torch.tensor([[0.3, 2.4]])
        step = 0.5 * 0.01 * 5 / direction.norm() * direction
        torch.testing.assert_close(weights.data, torch.tensor([[3.0, 4.0]]) - step)
        torch.testing.assert_close(bias.data, torch.tensor([1.0 - 1.5]))
        optimizer.step()
        assert bias.item() == pytest.approx(-0.5 - 0.5 * (0.9 * 3 + 3))

    def test_weights_of_zero_can_move(self):
        weights = nn.Parameter(torch.zeros(2, 2))
        weights.sum().backward()
        LARS([weights], lr=0.1).step()
        torch.testing.assert_close(weights.data, torch.full((2, 2), -0.1))


class TestModules:
    def test_mlp(self):
        module = MLP(5, (7, 6), 3, layer_norm=True)
        assert module(torch.zeros(2, 5)).shape == (2, 3)
        assert MLP(5, (), 3)(torch.zeros(1, 5)).shape == (1, 3)

    @pytest.mark.parametrize("image_shape", [(8, 8), (5, 9, 3), (1, 1)])
    def test_convolutions(self, image_shape):
        module = ConvEncoder(image_shape, (4, 6), 3)
        assert module(torch.zeros(2, int(np.prod(image_shape)))).shape == (2, 3)

    def test_channels_of_a_row_vary_fastest(self):
        module = ConvEncoder((2, 2, 3), (), 3)
        nn.init.eye_(module.linear.weight), nn.init.zeros_(module.linear.bias)
        rows = torch.tensor([[1.0, 2.0, 3.0] * 4])
        torch.testing.assert_close(module(rows), torch.tensor([[1.0, 2.0, 3.0]]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
class TestGPU:
    @pytest.mark.parametrize("module", [MLP, Dropping])
    def test_global_generators_are_untouched(self, data, module):
        before = torch.get_rng_state(), torch.cuda.get_rng_state()
        fit(iris_net(module, device="cuda"), *data)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert torch.equal(torch.cuda.get_rng_state(), before[1])

    def test_loads_on_the_cpu(self, data, monkeypatch):
        net = iris_net(device="auto")
        fit(net, *data)
        expected, dumped = forward_in_batches(net, data[0]), pickle.dumps(net)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        loaded = pickle.loads(dumped)
        assert next(loaded.module_.parameters()).device.type == "cpu"
        np.testing.assert_allclose(
            forward_in_batches(loaded, data[0]), expected, atol=1e-4
        )
        fit(loaded, *data)
