# SPDX-License-Identifier: BSD-3-Clause
"""ISogCLR as an estimator: what it refuses, keeps, continues and reports."""

import builtins
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EarlyStopping
from torch import nn

from sklearn_theory.representation import ISogCLR
from sklearn_theory.representation._contrasts import Contrasts
from sklearn_theory.representation._temperatures import (
    minimise_temperatures,
    robust_objective,
)

QUICK = {"n_components": 4, "hidden_layer_sizes": (16,), "projection_sizes": (8,)}


def quick(**parameters):
    return ISogCLR(**{**QUICK, "max_iter": 4, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def X():
    return StandardScaler().fit_transform(load_iris().data)


class Doubling(nn.Module):
    """An encoder of the user's, with units that are dropped at random."""

    def __init__(self, width=6, dropout=0.5):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, width), nn.Dropout(dropout), nn.ReLU(), nn.Linear(width, 5)
        )

    def forward(self, rows):
        return self.layers(rows)


class InPlace(nn.Linear):
    """An encoder that overwrites what it is given."""

    def __init__(self):
        super().__init__(4, 4)

    def forward(self, rows):
        outputs = super().forward(rows.clone())
        rows.detach().zero_()
        return outputs


def linear_encoder(width):
    return nn.Linear(4, width)


def noise(rows, rng):
    return rows + 0.1 * rng.normal(size=rows.shape)


def assert_same_state(first, second, X):
    np.testing.assert_array_equal(first.transform(X), second.transform(X))
    for name in ("temperatures_", "log_s_", "temperature_momentum_"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.loss_curve_ == second.loss_curve_
    assert first.n_iter_ == second.n_iter_


class TestShapes:
    @pytest.mark.parametrize(
        "mode, shape", [("unimodal", (150,)), ("bimodal", (150, 2))]
    )
    def test_state_is_aligned_with_the_rows(self, X, mode, shape):
        model = quick(mode=mode).fit(X)
        assert model.temperatures_.shape == shape
        assert model.log_s_.shape == model.temperature_momentum_.shape == shape
        assert model.solve_temperatures(X[:7]).shape == (7, *shape[1:])
        assert model.kl_radius(X).shape == shape
        assert len(model.loss_curve_) == model.n_iter_ == 4

    def test_outputs(self, X):
        model = quick().fit(X)
        assert model.transform(X).shape == (150, 4)
        model.set_params(output="projection")
        assert model.transform(X).shape == (150, 8)
        np.testing.assert_allclose(
            np.linalg.norm(model.transform(X), axis=1), 1, rtol=1e-5
        )
        assert len(model.get_feature_names_out()) == 8
        assert quick(projection_sizes=()).fit(X).transform(X).shape == (150, 4)

    def test_bimodal_transform_is_the_mean_of_the_normalised_views(self, X):
        model = quick(mode="bimodal", view_split=1).fit(X)
        views = model.transform_view(X[:, :1], 1), model.transform_view(X[:, 1:], 2)
        views = [z / np.linalg.norm(z, axis=1, keepdims=True) for z in views]
        np.testing.assert_allclose(
            model.transform(X), np.mean(views, axis=0), atol=1e-6
        )
        assert len(model.encoder_) == len(model.projector_) == 2

    def test_two_rows_are_enough(self):
        model = quick(mode="bimodal").fit(np.eye(2))
        assert np.isfinite(model.transform(np.eye(2))).all()

    @pytest.mark.parametrize("batch_size", [2, 7, 149, 150, 1000])
    def test_batches_of_any_size(self, X, batch_size):
        model = quick(batch_size=batch_size, max_iter=1).fit(X)
        assert np.isfinite(model.log_s_).all(), "every row was visited"

    def test_constant_features(self):
        X = np.ones((20, 3))
        assert np.isfinite(quick().fit(X).transform(X)).all()

    @pytest.mark.parametrize("loss", ["gcl", "infonce"])
    def test_fixed_temperatures_stay(self, X, loss):
        model = quick(loss=loss, temperature_init=0.2).fit(X)
        np.testing.assert_array_equal(model.temperatures_, np.float32(0.2))
        assert np.isfinite(model.score(X))

    @pytest.mark.parametrize("augmentation", ["auto", None, noise])
    def test_augmentations_of_two_kinds_of_views(self, X, augmentation):
        model = quick(mode="bimodal", augmentation=augmentation).fit(X)
        assert np.isfinite(model.transform(X)).all()

    def test_a_function_of_images_gets_images(self, rng):
        shapes = set()

        def record(images, rng):
            shapes.add(images.shape[1:])
            return images + rng.normal(size=images.shape)

        quick(image_shape=(2, 3), augmentation=record).fit(rng.normal(size=(20, 6)))
        assert shapes == {(2, 3)}

    def test_images_and_convolutions(self, rng):
        images = rng.normal(size=(30, 6 * 5 * 3))
        for augmentation in ("auto", lambda batch, rng: batch + rng.normal()):
            model = quick(
                module="conv",
                image_shape=(6, 5, 3),
                hidden_layer_sizes=(4, 8),
                augmentation=augmentation,
            ).fit(images)
            assert model.transform(images).shape == (30, 4)


class TestContinuing:
    def test_warm_start_goes_on_exactly(self, X):
        whole = quick(max_iter=6).fit(X)
        parts = quick(max_iter=2, warm_start=True)
        for _ in range(3):
            parts.fit(X)
        assert_same_state(whole, parts, X)

    @pytest.mark.parametrize("warmup_iter", [0, 2])
    def test_partial_fit_goes_on_exactly(self, X, warmup_iter):
        whole = quick(max_iter=3, warmup_iter=warmup_iter).fit(X)
        parts = quick(warmup_iter=warmup_iter)
        for _ in range(3):
            parts.partial_fit(X)
        assert_same_state(whole, parts, X)

    @pytest.mark.parametrize("mode", ["unimodal", "bimodal"])
    def test_a_pickle_goes_on_exactly(self, X, mode):
        whole = quick(max_iter=6, mode=mode).fit(X)
        half = quick(max_iter=3, mode=mode, warm_start=True).fit(X)
        pickle.loads(pickle.dumps(half)).fit(X)
        assert_same_state(whole, pickle.loads(pickle.dumps(half)).fit(X), X)
        assert_same_state(whole, half.fit(X), X)

    def test_a_module_with_dropout_goes_on_exactly(self, X):
        whole = quick(module=Doubling, max_iter=4).fit(X)
        half = quick(module=Doubling, max_iter=2, warm_start=True).fit(X)
        half.transform(X)
        assert_same_state(whole, pickle.loads(pickle.dumps(half)).fit(X), X)

    def test_parameters_may_change_in_between(self, X):
        model = quick(warm_start=True, max_iter=2).fit(X)
        before = model.temperatures_.copy()
        model.set_params(eta=0.0, learning_rate_init=1e-5).fit(X)
        np.testing.assert_array_equal(model.temperatures_, before)

    @pytest.mark.parametrize(
        "change", [{"n_components": 5}, {"mode": "bimodal"}, {"optimizer": "sgd"}]
    )
    def test_the_network_may_not_change(self, X, change):
        model = quick(warm_start=True).fit(X)
        before = model.transform(X)
        model.set_params(**change)
        with pytest.raises(ValueError, match="no longer the one that was trained"):
            model.fit(X)
        np.testing.assert_array_equal(model.transform(X), before)

    def test_without_warm_start_fit_begins_anew(self, X):
        model = quick().fit(X)
        assert_same_state(quick().fit(X), model.fit(X), X)

    @pytest.mark.parametrize("change", ["fewer", "other order", "other values"])
    def test_other_rows_are_refused(self, X, change):
        other = {"fewer": X[:-1], "other order": X[::-1], "other values": X + 1}[change]
        model = quick(warm_start=True).fit(X)
        for method in (model.fit, model.partial_fit, model.kl_radius):
            with pytest.raises(ValueError, match="the same order"):
                method(other)


class TestReproducibility:
    def test_global_generators_are_untouched(self, X):
        before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        quick(module=Doubling, augmentation=noise).fit(X).transform(X)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002

    def test_global_generators_do_not_matter(self, X):
        torch.manual_seed(1)
        first = quick(module=Doubling).fit(X)
        torch.manual_seed(2)
        assert_same_state(first, quick(module=Doubling).fit(X), X)

    def test_two_processes_agree(self, X):
        code = (
            "from sklearn.datasets import load_iris\n"
            "from sklearn.preprocessing import StandardScaler\n"
            "from sklearn_theory.representation import ISogCLR\n"
            "X = StandardScaler().fit_transform(load_iris().data)\n"
            f"model = ISogCLR(**{QUICK}, max_iter=4, random_state=0).fit(X)\n"
            "print(model.transform(X).tobytes().hex())\n"
            "print(model.temperatures_.tobytes().hex())"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        model = quick(max_iter=4).fit(X)
        here = [model.transform(X), model.temperatures_]
        assert done.stdout.split() == [values.tobytes().hex() for values in here]

    def test_the_users_array_is_not_changed(self, X):
        rows = X.astype(np.float32)
        quick(module=InPlace, max_iter=1).fit(rows).transform(rows)
        np.testing.assert_array_equal(rows, X.astype(np.float32))


class TestModule:
    def test_a_class_with_parameters(self, X):
        model = quick(module=Doubling, module_params={"width": 9}).fit(X)
        assert model.transform(X).shape == (150, 5)
        assert model.encoder_.layers[0].out_features == 9
        assert len(model.get_feature_names_out()) == 5

    def test_a_function(self, X):
        model = quick(module=linear_encoder, module_params={"width": 7}).fit(X)
        assert model.transform(X).shape == (150, 7)

    def test_searches_reach_its_parameters(self, X):
        model = quick(module=Doubling, module_params={"dropout": 0.1})
        assert model.get_params()["module__dropout"] == 0.1
        search = GridSearchCV(model, {"module__width": [3, 8]}, cv=2).fit(X)
        best = search.best_estimator_
        assert (
            best.encoder_.layers[0].out_features == search.best_params_["module__width"]
        )
        assert best.module_params["dropout"] == 0.1
        assert model.module_params == {"dropout": 0.1}
        assert clone(best).module_params == best.module_params

    def test_an_instance_is_refused(self, X):
        with pytest.raises(ValueError, match="module is an instance of Doubling"):
            quick(module=Doubling()).fit(X)

    def test_outputs_of_the_wrong_shape_are_refused(self, X):
        with pytest.raises(ValueError, match=r"module must map rows .* \(2, 2, 2\)"):
            quick(
                module=nn.Unflatten,
                module_params={"dim": 1, "unflattened_size": (2, 2)},
            ).fit(X)

    def test_callbacks_of_skorch(self, X):
        stop = EarlyStopping(monitor="train_loss", patience=1, threshold=10.0, sink=str)
        model = quick(max_iter=50, skorch_callbacks=[("stop", stop)]).fit(X)
        assert model.n_iter_ < 50
        assert model.stop_reason_ == "callback"


class TestBadInput:
    @pytest.mark.parametrize(
        "parameters, message",
        [
            ({"mode": "bimodal", "view_split": 0}, r"view_split=0 .* 1\.\.3"),
            ({"mode": "bimodal", "view_split": 4}, r"view_split=4 .* 1\.\.3"),
            ({"temperature_min": 0.0}, "temperature_min"),
            ({"temperature_min": 2.0}, "temperature_min=2.0 must not be above"),
            ({"temperature_init": 0.01}, "temperature_init=0.01 must lie between"),
            ({"gamma": 0.0}, "gamma"),
            ({"gamma": 1.1}, "gamma"),
            ({"beta": 0.0}, "beta"),
            ({"rho": -0.1}, "rho"),
            ({"image_shape": (3, 3)}, r"image_shape=\(3, 3\) .* 4"),
            ({"image_shape": (4,)}, "image_shape"),
            ({"batch_size": 1}, "batch_size"),
            ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
            ({"projection_sizes": (8, 2.5)}, "projection_sizes"),
            ({"module": "conv"}, "image_shape"),
            ({"augmentation": None}, "augmentation must not be None"),
            (
                {"augmentation": lambda rows, rng: rows[:, :2]},
                "augmentation must return",
            ),
        ],
    )
    def test_parameters(self, X, parameters, message):
        with pytest.raises(ValueError, match=message):
            quick(**parameters).fit(X)

    def test_data(self, X):
        with pytest.raises(ValueError, match="minimum of 2"):
            quick().fit(X[:1])
        with pytest.raises(ValueError, match="NaN"):
            quick().fit(np.where(X > 2, np.nan, X))

    def test_views_of_the_wrong_width(self, X):
        model = quick(mode="bimodal", view_split=1).fit(X)
        with pytest.raises(ValueError, match="X_view has 2 features, but view 1 has 1"):
            model.transform_view(X[:, :2], 1)
        with pytest.raises(ValueError, match="view must be 1 or 2"):
            model.transform_view(X[:, :1], 0)

    def test_bimodal_methods_of_a_unimodal_model(self, X):
        model = quick().fit(X)
        with pytest.raises(ValueError, match='mode="bimodal"'):
            model.retrieval_score(X)
        with pytest.raises(ValueError, match='mode="bimodal"'):
            model.transform_view(X, 1)

    def test_a_radius_that_constrains_nothing(self, X):
        with pytest.warns(UserWarning, match="rho=6 is above") as caught:
            quick(rho=6).fit(X)
        assert caught[0].filename == __file__

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_a_device_that_is_not_there(self, X):
        with pytest.raises(ValueError, match='device="cuda" needs a GPU'):
            quick(device="cuda").fit(X)
        assert quick(device="auto").fit(X)._net.device == "cpu"


@pytest.mark.parametrize("package", ["torch", "skorch"])
def test_a_missing_package_is_named(X, monkeypatch, package):
    def absent(name, *args, **kwargs):
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    imported = builtins.__import__
    for name in [n for n in sys.modules if n.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(builtins, "__import__", absent)
    message = rf'ISogCLR needs {package}, .* pip install "sklearn_theory\[torch\]"'
    with pytest.raises(ImportError, match=message):
        quick().fit(X)


def test_without_torch_the_room_is_imported():
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'skorch'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "from sklearn_theory.representation import ISogCLR, RGCLoss\n"
        "print(ISogCLR())\n"
        "try:\n"
        "    RGCLoss(10)\n"
        "except ImportError as error:\n"
        "    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "ISogCLR()" in done.stdout
    assert "RGCLoss needs torch" in done.stdout


class TestTemperatures:
    @pytest.mark.parametrize("mode", ["unimodal", "bimodal"])
    def test_solved_ones_are_the_exact_minimisers(self, X, mode):
        model = quick(mode=mode, output="projection").fit(X)
        rows = np.vstack([X[:5], X[:3] + 0.01])
        # Rows 101 and 142 of iris are equal, so that only the first five are safe.
        if mode == "unimodal":
            pairs = [(model.transform(rows), model.transform(X))]
        else:
            columns = [slice(0, 2), slice(2, 4)]
            z = [model.transform_view(rows[:, c], i + 1) for i, c in enumerate(columns)]
            w = [model.transform_view(X[:, c], i + 1) for i, c in enumerate(columns)]
            pairs = [(z[0], w[1]), (z[1], w[0])]
        own = (np.arange(5), np.arange(5))
        expected = [
            minimise_temperatures(
                z.astype(float) @ w.T.astype(float), 0.3, 0.05, 1.0, [own]
            )
            for z, w in pairs
        ]
        expected = expected[0] if mode == "unimodal" else np.stack(expected, axis=1)
        np.testing.assert_allclose(model.solve_temperatures(rows), expected, rtol=1e-4)

    def test_blocks_of_any_size_agree(self, X):
        from sklearn import config_context

        model = quick(mode="bimodal").fit(X)
        whole = model.solve_temperatures(X), model.score(X), model.kl_radius(X)
        with config_context(working_memory=0.05):
            parts = model.solve_temperatures(X), model.score(X), model.kl_radius(X)
        for a, b in zip(whole, parts):
            np.testing.assert_allclose(a, b, rtol=1e-6)

    @pytest.mark.parametrize("mode", ["unimodal", "bimodal"])
    def test_score_is_minus_the_objective(self, X, mode):
        """Against plain loops over all anchors."""
        rows = X[:12]
        model = quick(mode=mode).fit(X)
        contrasts = model._contrasts(rows)
        z1, z2 = contrasts.z1.astype(float), contrasts.z2.astype(float)
        total = 0
        for anchor, other in ((z1, z2), (z2, z1)):
            for i in range(12):
                keep = np.arange(12) != i
                rest = (
                    [other[keep], anchor[keep]] if mode == "unimodal" else [other[keep]]
                )
                h = (np.concatenate(rest) @ anchor[i] - anchor[i] @ other[i])[None]
                tau = minimise_temperatures(h, 0.3, 0.05, 1.0)
                total += robust_objective(h, tau, 0.3)[0]
        assert model.score(rows) == pytest.approx(-total / 12, rel=1e-6)
        assert model.score(rows) == model.score(rows)

    def test_retrieval_against_a_brute_search(self, X):
        model = quick(mode="bimodal", output="projection").fit(X)
        z1, z2 = model.transform_view(X[:, :2], 1), model.transform_view(X[:, 2:], 2)
        similarity = z1.astype(float) @ z2.T.astype(float)
        similarity = np.round(similarity, 5)
        order = np.random.default_rng(0)
        for k in (1, 10, 150):
            found = []
            for _ in range(20):  # Ties, as between equal rows, are broken at random.
                shuffled = order.permutation(150)
                nearest = np.argsort(-similarity[:, shuffled], axis=1, kind="stable")
                found.append(np.any(shuffled[nearest[:, :k]] == np.c_[:150], axis=1))
            assert model.retrieval_score(X, k=k) == pytest.approx(
                np.mean(found), abs=0.02
            )
        assert model.retrieval_score(X, k=150) == 1

    def test_a_collapsed_representation_finds_nothing(self):
        z = np.ones((50, 3)) / np.sqrt(3)
        assert Contrasts(z, z, "bimodal").recall(5) == pytest.approx(0.1)


class TestReport:
    @pytest.mark.parametrize("mode", ["unimodal", "bimodal"])
    def test_duality_and_optimality(self, X, mode):
        report = quick(mode=mode, max_iter=30).fit(X).theory_report(X)
        assert report["duality gap, largest"].holds
        assert report["duality gap, largest"].measured < 1e-8
        assert report["divergence at the best temperatures, off rho"].holds
        assert report["objective above its minimum over temperatures"].holds
        assert report["rho"].holds

    def test_rows_of_others_have_no_temperatures_learnt(self, X):
        report = quick().fit(X).theory_report(X[:40])
        names = [row.name for row in report]
        assert "duality gap, largest" in names
        assert "objective above its minimum over temperatures" not in names

    def test_other_losses_have_no_radius(self, X):
        report = quick(loss="infonce").fit(X).theory_report(X)
        assert report["rho"].holds is None
        assert len(report) == 5


def test_in_a_pipeline(X):
    y = load_iris().target
    model = make_pipeline(
        StandardScaler(), ISogCLR(random_state=0), LogisticRegression(max_iter=1000)
    )
    assert model.fit(X, y).score(X, y) > 0.85


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
class TestGPU:
    def test_agrees_in_effect(self, X):
        on_cpu, on_gpu = (
            quick(max_iter=60).fit(X),
            quick(max_iter=60, device="cuda").fit(X),
        )
        assert on_gpu._net.device == "cuda"
        assert on_gpu.temperatures_.mean() == pytest.approx(
            on_cpu.temperatures_.mean(), rel=0.2
        )
        assert on_gpu.score(X) == pytest.approx(on_cpu.score(X), abs=0.1)

    def test_same_seed_same_result(self, X):
        first, second = (quick(device="cuda", module=Doubling).fit(X) for _ in range(2))
        np.testing.assert_allclose(first.transform(X), second.transform(X), rtol=1e-4)

    def test_a_pickle_is_loaded_without_a_gpu(self, X, monkeypatch):
        model = quick(device="cuda").fit(X)
        dumped = pickle.dumps(model)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        loaded = pickle.loads(dumped)
        assert loaded._net.device == "cpu"
        np.testing.assert_allclose(loaded.transform(X), model.transform(X), atol=1e-4)
