# SPDX-License-Identifier: BSD-3-Clause
"""Every public estimator goes through every common check; discovery finds them."""

import ast
import inspect
import pickle
import re
import warnings

import numpy as np
import pytest
import skops.io
from common_modes import EXPECTED_FAILURES, MODES
from numpydoc.docscrape import ClassDoc
from sklearn.base import clone, is_classifier
from sklearn.callback import ProgressBar
from sklearn.datasets import load_iris
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_theory.utils import TheoryEstimator, TheoryReport
from sklearn_theory.utils.discovery import all_estimators

ESTIMATORS = dict(all_estimators())
OUTPUTS = ("predict", "predict_proba", "decision_function", "transform")

# The data here are few rows of three classes, and a clustering looks for eight.
pytestmark = pytest.mark.filterwarnings("ignore:A cluster lost all its rows")


def modes_of(name, cls):
    yield cls()
    for parameters in MODES.get(name, []):
        yield cls(**parameters)


every_mode = [mode for name, cls in ESTIMATORS.items() for mode in modes_of(name, cls)]
in_every_mode = pytest.mark.parametrize("estimator", every_mode, ids=repr)
every_estimator = pytest.mark.parametrize(
    "estimator", [cls() for cls in ESTIMATORS.values()], ids=lambda e: type(e).__name__
)


@pytest.fixture
def data():
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    order = np.random.default_rng(0).permutation(len(y))[:90]
    return X[order], y[order]


def global_random_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002


def seeded(estimator):
    """Clone an estimator, with a seed if it draws anything."""
    estimator = clone(estimator)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=3)
    return estimator


def outputs(estimator, X):
    return {
        name: getattr(estimator, name)(X)
        for name in OUTPUTS
        if hasattr(estimator, name)
    }


def assert_same_outputs(first, second, X, **tolerance):
    expected, actual = outputs(first, X), outputs(second, X)
    assert expected.keys() == actual.keys()
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], **tolerance)


def test_tables_name_only_estimators():
    assert set(MODES) | set(EXPECTED_FAILURES) <= set(ESTIMATORS)


# Some of scikit-learn's checks fit a dozen rows, of which a class may have three.
@pytest.mark.filterwarnings("ignore:The smallest class has:UserWarning")
@parametrize_with_checks(
    every_mode,
    expected_failed_checks=lambda e: EXPECTED_FAILURES.get(type(e).__name__, {}),
)
def test_scikit_learn(estimator, check):
    check(estimator)


class TestContract:
    @every_estimator
    def test_is_built_on_the_base_class(self, estimator):
        assert isinstance(estimator, TheoryEstimator)

    @every_estimator
    def test_html_links_to_the_api_page(self, estimator):
        name = type(estimator).__name__
        assert re.search(
            rf"/api/generated/sklearn_theory\.\w+\.{name}\.html",
            estimator._repr_html_(),
        )

    @every_estimator
    def test_docstring_cites_the_paper_and_shows_an_example(self, estimator):
        documentation = ClassDoc(type(estimator))
        assert re.search(
            r"arXiv:?\s?\d{4}\.\d{4,5}", "".join(documentation["References"])
        )
        assert ">>>" in "".join(documentation["Examples"])

    @every_estimator
    def test_docstring_gives_every_default(self, estimator):
        documented = {
            entry.name: entry.type for entry in ClassDoc(type(estimator))["Parameters"]
        }
        for name, parameter in inspect.signature(type(estimator)).parameters.items():
            default = documented[name].partition("default=")[2]
            assert ast.literal_eval(default) == parameter.default, name

    @in_every_mode
    def test_every_fitted_attribute_is_documented(self, estimator, data):
        estimator = clone(estimator).fit(*data)
        documented = {entry.name for entry in ClassDoc(type(estimator))["Attributes"]}
        fitted = {
            name
            for name in vars(estimator)
            if name.endswith("_") and not name.startswith("_")
        }
        assert fitted <= documented


class TestReproducibility:
    @in_every_mode
    def test_same_seed_same_result(self, estimator, data):
        estimator = seeded(estimator)
        assert_same_outputs(clone(estimator).fit(*data), estimator.fit(*data), data[0])

    @in_every_mode
    def test_fit_leaves_the_global_random_state_alone(self, estimator, data):
        estimator = seeded(estimator)
        before = global_random_state()
        estimator.fit(*data)
        np.testing.assert_array_equal(global_random_state(), before)

    @in_every_mode
    def test_float32_agrees_with_float64(self, estimator, data):
        X, y = data
        single = seeded(estimator).fit(X.astype(np.float32), y)
        double = seeded(estimator).fit(X, y)
        for name, value in outputs(single, X.astype(np.float32)).items():
            expected = outputs(double, X)[name]
            if name == "predict" and is_classifier(estimator):
                assert np.mean(value == expected) >= 0.98
            else:
                np.testing.assert_allclose(value, expected, rtol=1e-2, atol=1e-2)
            if name == "transform":
                assert value.dtype == np.float32


class TestPersistence:
    @in_every_mode
    def test_pickle_round_trip(self, estimator, data):
        estimator = clone(estimator).fit(*data)
        loaded = pickle.loads(pickle.dumps(estimator))
        assert_same_outputs(estimator, loaded, data[0])

    @every_estimator
    def test_skops_round_trip(self, estimator, data):
        estimator = clone(estimator).fit(*data)
        dumped = skops.io.dumps(estimator)
        trusted = skops.io.get_untrusted_types(data=dumped)
        loaded = skops.io.loads(dumped, trusted=trusted)
        assert_same_outputs(estimator, loaded, data[0])

    @every_estimator
    def test_pickle_of_another_version_warns(self, estimator, data, monkeypatch):
        estimator = clone(estimator).fit(*data)
        monkeypatch.setattr("sklearn_theory.utils._base.__version__", "0.0.1")
        dumped = pickle.dumps(estimator)
        monkeypatch.undo()
        with pytest.warns(InconsistentVersionWarning, match=r"sklearn_theory 0\.0\.1"):
            pickle.loads(dumped)


class Recorder:
    """A callback that counts tasks, and asks to stop after `stop_after` of them."""

    def __init__(self, stop_after=None):
        self.begun, self.ended = [], []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.is_set_up = True

    def teardown(self, estimator, context):
        self.is_set_up = False

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(context)

    def on_fit_task_end(self, estimator, context):
        self.ended.append(context)
        return self.stop_after is not None and len(self.ended) >= self.stop_after


class Witness(Recorder):
    """A callback that keeps the data of each task, and the outputs it could predict."""

    def __init__(self):
        super().__init__()
        self.seen, self.outputs = [], []

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        if fitted_estimator is not None:
            self.seen.append((X, y))
            self.outputs.append((len(X), outputs(fitted_estimator, X)))


class TestCallbacks:
    @in_every_mode
    def test_callbacks_see_the_data_of_the_user(self, estimator, data):
        """They may score on all rows, or on those that have a label."""
        X, y = data
        witness = Witness()
        clone(estimator).set_callbacks(witness).fit(X, y)
        label_of = dict(zip(map(tuple, X.tolist()), y))
        for X_seen, y_seen in witness.seen:
            expected = [label_of[tuple(row)] for row in X_seen.tolist()]
            assert y_seen is None or expected == list(y_seen)

    @in_every_mode
    def test_callbacks_can_predict(self, estimator, data):
        witness = Witness()
        clone(estimator).set_callbacks(witness).fit(*data)
        assert witness.outputs
        for n_rows, produced in witness.outputs:
            assert all(len(values) == n_rows for values in produced.values())

    @in_every_mode
    def test_every_task_that_begins_ends(self, estimator, data):
        recorder = Recorder()
        estimator = clone(estimator).set_callbacks(recorder).fit(*data)
        assert recorder.begun
        assert {id(c) for c in recorder.begun} == {id(c) for c in recorder.ended}
        assert len(recorder.begun) == len(recorder.ended)
        assert not recorder.is_set_up

    @in_every_mode
    def test_callbacks_change_nothing(self, estimator, data):
        watched = seeded(estimator).set_callbacks(Recorder()).fit(*data)
        assert_same_outputs(seeded(estimator).fit(*data), watched, data[0])

    @in_every_mode
    def test_early_stop_leaves_a_usable_estimator(self, estimator, data):
        stopped = clone(estimator).set_callbacks(Recorder(stop_after=1)).fit(*data)
        for values in outputs(stopped, data[0]).values():
            assert len(values) == len(data[0])

    @every_estimator
    def test_progress_bar(self, estimator, data, capsys):
        clone(estimator).set_callbacks(ProgressBar()).fit(*data)
        assert type(estimator).__name__ in capsys.readouterr().out

    @every_estimator
    def test_progress_bar_on_a_pipeline(self, estimator, data, capsys):
        pipeline = make_pipeline(MinMaxScaler(), clone(estimator))
        with warnings.catch_warnings():
            # The scaler is scikit-learn's, and most of these know no callbacks yet.
            warnings.filterwarnings("ignore", message=".*MinMaxScaler does not support")
            pipeline.set_callbacks(ProgressBar()).fit(*data)
        assert "Pipeline" in capsys.readouterr().out


class TestTheoryReport:
    @every_estimator
    def test_before_fit(self, estimator, data):
        with pytest.raises(NotFittedError):
            clone(estimator).theory_report(*data)

    @in_every_mode
    def test_is_well_formed(self, estimator, data):
        report = clone(estimator).fit(*data).theory_report(*data)
        assert isinstance(report, TheoryReport)
        assert {row.kind for row in report} == {"assumption", "promise"}
        for row in report:
            assert row.meaning, f"{row.name} does not say what it means"
            assert row.reference, f"{row.name} does not say where it stands"
            assert row.name in str(report)
        assert len(report.to_pandas()) == len(report)
        assert report._repr_html_().count("<tr>") == len(report) + 1

    @in_every_mode
    def test_of_named_columns(self, estimator, data):
        pandas = pytest.importorskip("pandas")
        X, y = data
        frame = pandas.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
        seeded(estimator).fit(frame, y).theory_report(frame, y)


class TestSearch:
    @every_estimator
    def test_grid_search_in_a_pipeline_on_dask(self, estimator, data, dask_client):
        import joblib

        pipeline = make_pipeline(MinMaxScaler(), seeded(estimator))
        grid = {"minmaxscaler__feature_range": [(0, 1), (0, 2)]}
        search = GridSearchCV(pipeline, grid, cv=2, error_score="raise")
        with joblib.parallel_config(backend="dask"):
            distributed = clone(search).fit(*data)
        local = search.fit(*data)
        np.testing.assert_allclose(
            distributed.cv_results_["mean_test_score"],
            local.cv_results_["mean_test_score"],
        )
