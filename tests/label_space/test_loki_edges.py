# SPDX-License-Identifier: BSD-3-Clause
"""LokiClassifier where bases, metadata and inputs are unusual."""

import warnings

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from sklearn_theory.label_space import (
    GridMetric,
    LokiClassifier,
    PrecomputedMetric,
    TreeMetric,
    make_metric_scorer,
)


@pytest.fixture
def iris():
    return load_iris(return_X_y=True)


# --- scikit-learn's checks in every mode ---------------------------------------------------

# Under a metric that means something, predict is not the argmax of predict_proba: that is
# the method. This one check asserts that it is.
ARGMAX = {"check_classifiers_train": "predict is a Fréchet mean, not the argmax"}


@pytest.mark.parametrize(
    ("model", "expected_failures"),
    [
        (LokiClassifier(GaussianNB(), temperature="distance"), {}),
        (LokiClassifier(DecisionTreeClassifier(random_state=0)), {}),
        (LokiClassifier(top_k=2, backend="torch"), {}),
        (LokiClassifier(metric="path"), ARGMAX),
        (LokiClassifier(metric="path", temperature="nll", top_k=2), ARGMAX),
        (LokiClassifier(DecisionTreeClassifier(random_state=0), metric="path"), {}),
    ],
    ids=repr,
)
def test_check_estimator(model, expected_failures):
    with warnings.catch_warnings():
        # The logistic regressions that the checks fit stop at their default max_iter.
        warnings.simplefilter("ignore", ConvergenceWarning)
        results = check_estimator(
            model, expected_failed_checks=expected_failures, on_skip=None, on_fail=None
        )
    failed = [r["check_name"] for r in results if r["status"] == "failed"]
    assert failed == []
    assert len(results) > 60


# --- bases ----------------------------------------------------------------------------------


def test_tags_are_those_of_the_base():
    precomputed = KNeighborsClassifier(metric="precomputed")
    assert get_tags(LokiClassifier(precomputed)).input_tags.pairwise
    assert get_tags(LokiClassifier(MultinomialNB())).input_tags.positive_only
    assert get_tags(
        LokiClassifier(HistGradientBoostingClassifier())
    ).input_tags.allow_nan
    assert get_tags(LokiClassifier()).input_tags.sparse
    assert not get_tags(LokiClassifier(GaussianNB())).input_tags.sparse


@pytest.mark.parametrize("temperature", ["nll", "distance"])
def test_distances_between_rows_are_cut_on_both_sides(iris, temperature, monkeypatch):
    X, y = iris
    # Folds depend on what rows hold, which is not the same here; deal them by position.
    monkeypatch.setattr(
        "sklearn_theory.label_space._out_of_fold.folds_by_content",
        lambda X, y, n_folds: np.arange(len(y)) % n_folds,
    )
    vectors = LokiClassifier(
        KNeighborsClassifier(), metric="path", temperature=temperature
    )
    pairs = clone(vectors).set_params(estimator__metric="precomputed")
    vectors.fit(X, y)
    pairs.fit(euclidean_distances(X), y)
    assert pairs.n_features_in_ == len(X)
    assert pairs.temperature_ == vectors.temperature_


def test_a_frozen_base_needs_no_y(iris):
    X, y = iris
    base = FrozenEstimator(LogisticRegression(max_iter=500).fit(X, y))
    model = LokiClassifier(base, metric="path").fit(X, None)
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    np.testing.assert_array_equal(
        model.fit(X, y, sample_weight=np.ones(len(y))).predict(X), model.predict(X)
    )


def test_an_unfitted_frozen_base_is_refused(iris):
    with pytest.raises(NotFittedError):
        LokiClassifier(FrozenEstimator(LogisticRegression())).fit(*iris)


def test_temperature_of_a_frozen_base_weighs_rows(iris):
    X, y = iris
    X = np.random.default_rng(0).normal(X, 1.5)
    base = FrozenEstimator(GaussianNB().fit(X[::3], y[::3]))
    weight = np.random.default_rng(1).integers(0, 3, len(y))
    model = LokiClassifier(base, metric="path", temperature="nll")
    weighted = clone(model).fit(X, y, sample_weight=weight).temperature_
    repeated = clone(model).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert weighted == repeated.temperature_ > 1.0


def test_likelihood_of_unseen_classes_is_refused_and_their_distance_is_not(iris):
    X, y = iris
    seen = y != 1
    base = FrozenEstimator(LogisticRegression().fit(X[seen], y[seen]))
    model = LokiClassifier(base, metric="path", labels=[0, 1, 2], temperature="nll")
    message = "With temperature='nll', y holds 1, which is not among the 2 labels"
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    tuned = model.set_params(temperature="distance").fit(X, y)
    plain = clone(tuned).set_params(temperature=1.0).fit(X, y)
    assert np.mean((tuned.predict(X) - y) ** 2) <= np.mean((plain.predict(X) - y) ** 2)


class BadProbabilities(ClassifierMixin, BaseEstimator):
    """A base whose every row of probabilities is `row`."""

    def __init__(self, row):
        self.row = row

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile(np.asarray(self.row, dtype=float), (len(X), 1))


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0.5, np.nan, 0.5], "P holds NaN or infinite probabilities"),
        ([0.0, 0.0, 0.0], "Row 0 of P is all zero"),
        ([1.2, -0.2, 0.0], "P holds the negative probability -0.2"),
    ],
)
def test_bad_probabilities_of_the_base_are_refused(iris, row, message, temperature):
    X, y = iris
    model = LokiClassifier(BadProbabilities(row), temperature=temperature).fit(X, y)
    for method in (model.predict, model.decision_function):
        with pytest.raises(ValueError, match=message):
            method(X)


# --- decoding -------------------------------------------------------------------------------


@pytest.mark.parametrize("top_k", [1, 2])
def test_scores_and_predictions_agree_under_top_k(iris, top_k):
    X, y = iris
    model = LokiClassifier(GaussianNB(), metric="path", top_k=top_k).fit(X + 0.0, y)
    X = np.random.default_rng(0).normal(X, 1.0)
    best = model.decision_function(X).argmax(axis=1)
    np.testing.assert_array_equal(model.predict(X), model.classes_[best])


def test_repeated_entries_of_sparse_probabilities_add_up(iris):
    X, y = iris
    model = LokiClassifier(GaussianNB(), metric="path", temperature=0.5).fit(X, y)
    twice = sparse.csr_array(([0.3, 0.3, 0.5], [0, 0, 2], [0, 3]), shape=(1, 3))
    np.testing.assert_array_equal(
        model.predict_from_proba(twice), model.predict_from_proba(twice.toarray())
    )


def test_rows_in_blocks_and_threads_predict_the_same(iris):
    X, y = iris
    tree = TreeMetric([-1, 0, 0])
    whole = LokiClassifier(GaussianNB(), metric=tree).fit(X, y).predict(X)
    blocks = LokiClassifier(GaussianNB(), metric=tree, working_memory=1e-3, n_jobs=2)
    np.testing.assert_array_equal(blocks.fit(X, y).predict(X), whole)


# --- metadata and callbacks -----------------------------------------------------------------


def test_weights_reach_a_step_of_a_pipeline_by_routing(iris):
    X, y = iris
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    for temperature in (1.0, "nll"):
        expected = LokiClassifier(
            GaussianNB(), metric="path", temperature=temperature
        ).fit(X, y, sample_weight=weight)
        with sklearn.config_context(enable_metadata_routing=True):
            base = make_pipeline(GaussianNB().set_fit_request(sample_weight=True))
            model = LokiClassifier(base, metric="path", temperature=temperature)
            model.fit(X, y, sample_weight=weight)
            assert model.temperature_ == expected.temperature_
            np.testing.assert_allclose(
                model.decision_function(X), expected.decision_function(X)
            )


def test_weights_are_routed_through_a_search(iris):
    X, y = iris
    weight = np.where(y == 2, 1e-300, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = LokiClassifier(GaussianNB().set_fit_request(sample_weight=True))
        search = GridSearchCV(
            model.set_fit_request(sample_weight=True).set_params(labels=[0, 1, 2]),
            {"temperature": [0.5, 1.0]},
            scoring=make_metric_scorer("path", labels=[0, 1, 2]).set_score_request(
                sample_weight=True
            ),
            cv=3,
            error_score="raise",
        ).fit(X, y, sample_weight=weight)
    assert 2 not in search.predict(X)


def test_parameters_that_nobody_asked_for_are_refused(iris):
    with pytest.raises(ValueError, match="groups"):
        LokiClassifier().fit(*iris, groups=iris[1])


class Watcher:
    """A callback that records the estimators whose tasks it saw."""

    max_propagation_depth = None

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.seen.append(type(estimator).__name__)


def test_callbacks_reach_a_base_that_supports_them(iris):
    watcher = Watcher()
    inner = LokiClassifier(GaussianNB(), temperature="nll")
    with pytest.warns(UserWarning, match="GaussianNB"):
        LokiClassifier(inner, metric="path").set_callbacks(watcher).fit(*iris)
    # The inner one ends its base, five folds and the whole, the outer one the whole: the
    # task of its base is that of the inner one's whole.
    assert watcher.seen.count("LokiClassifier") == 8


# --- the report -----------------------------------------------------------------------------


def test_report_of_text_leaves_out_what_it_cannot_know():
    texts = ["good film", "bad film", "fine film", "awful film"] * 10
    y = ["good", "bad", "good", "bad"] * 10
    tree = TreeMetric.from_nested_dict({"film": {"good": None, "bad": None}})
    base = make_pipeline(TfidfVectorizer(), LogisticRegression())
    model = LokiClassifier(base, metric=tree, labels=tree.label_names).fit(texts, y)
    report = model.theory_report(texts, y)
    assert "rows that the base was fitted on" not in {row.name for row in report}
    assert report["diameter of the metric"].measured == 2.0
    assert report["share of labels in the locus"].measured == 1.0


def test_report_measures_what_it_says(iris):
    X, y = iris
    seen = y != 1
    model = LokiClassifier(GaussianNB(), metric="path", labels=[0, 1, 2])
    report = model.fit(X[seen], y[seen]).theory_report(X, y)
    P = model.predict_observed_proba(X)
    V = P @ np.array([[0, 1, 4], [4, 1, 0]])
    losses = (model.predict(X) - y) ** 2
    by_argmax = (np.array([0, 2])[P.argmax(axis=1)] - y) ** 2
    assert report["mean squared distance"].measured == pytest.approx(losses.mean())
    slack = 2 * losses.std() / np.sqrt(len(y))
    assert report["mean squared distance"].bound == pytest.approx(
        V.min(axis=1).mean() + slack
    )
    row = report["mean squared distance less that of argmax"]
    assert row.measured == pytest.approx(np.mean(losses - by_argmax))
    assert report["share of rows of observed classes"].measured == pytest.approx(2 / 3)
    rows = report["rows that the base was fitted on"]
    assert (rows.measured, rows.bound) == (100, 4 * 2.0**2)


def test_report_sees_hubs(iris):
    X, y = iris
    model = LokiClassifier(GaussianNB(), metric="path", temperature=1e6).fit(X, y)
    row = model.theory_report(X, y)["entropy of predicted labels"]
    assert row.measured == 0.0
    assert row.bound == pytest.approx(np.log(3) / 2)
    assert row.holds is False


def test_report_sees_what_is_no_metric(iris):
    jump = PrecomputedMetric([[0, 1, 9], [1, 0, 1], [9, 1, 0]])
    report = LokiClassifier(GaussianNB(), metric=jump).fit(*iris).theory_report(*iris)
    assert report["triangle inequality violated by"].measured == pytest.approx(7 / 9)
    assert report["triangle inequality violated by"].holds is False


@pytest.mark.parametrize(
    "metric",
    [TreeMetric(np.arange(-1, 99_999) // 2), GridMetric((400, 250))],
    ids=["tree", "grid"],
)
def test_report_of_a_hundred_thousand_labels_forms_no_table(metric, monkeypatch):
    n_labels = metric.n_labels
    rng = np.random.default_rng(0)
    y = rng.permutation(n_labels)[:30].repeat(4)
    X = rng.normal(size=(len(y), 3)) + y[:, None] / n_labels
    model = LokiClassifier(GaussianNB(), metric=metric, labels=np.arange(n_labels))
    model.fit(X, y)
    rows = type(metric).sq_rows

    def few_rows(self, i):
        assert len(i) <= 1, "more than one row of distances at once"
        return rows(self, i)

    monkeypatch.setattr(type(metric), "sq_rows", few_rows)
    report = model.theory_report(X, y)
    assert report["share of labels in the locus"].measured < 1.0
    assert report["diameter of the metric"].measured > 30
