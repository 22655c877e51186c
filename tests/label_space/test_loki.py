# SPDX-License-Identifier: BSD-3-Clause
"""Exactness, drop-in behaviour and refusals of LokiClassifier."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_theory.label_space import (
    LokiClassifier,
    PathMetric,
    TreeMetric,
    make_metric_scorer,
)
from sklearn_theory.label_space._temperature import sharpen


@pytest.fixture
def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture
def ordered(rng):
    """Seven ordered classes along a line, of which 0, 3 and 6 are in the training data."""
    X = rng.uniform(0, 7, (400, 1)) + rng.normal(0, 0.1, (400, 1))
    y = np.clip(X[:, 0].astype(int), 0, 6)
    return X, y, np.isin(y, [0, 3, 6])


def fit_ordered(ordered, **parameters):
    X, y, seen = ordered
    parameters = {"metric": "path", "labels": np.arange(7)} | parameters
    return LokiClassifier(**parameters).fit(X[seen], y[seen])


# --- exactness ------------------------------------------------------------------------


@pytest.mark.parametrize("load", [load_iris, load_digits])
@pytest.mark.parametrize(
    "base",
    [
        LogisticRegression(max_iter=2000),
        KNeighborsClassifier(5),
        RandomForestClassifier(20, random_state=0),
    ],
    ids=lambda base: type(base).__name__,
)
def test_complete_metric_equals_the_base(load, base):
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    half = np.arange(len(y)) % 2 == 0
    expected = clone(base).fit(X[half], y[half])
    model = LokiClassifier(base).fit(X[half], y[half])
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_prediction_is_the_argmin_of_the_variance(ordered):
    X, y, _ = ordered
    model = fit_ordered(ordered)
    P = model.predict_observed_proba(X)
    V = P @ np.subtract.outer(model.observed_classes_, np.arange(7)) ** 2
    np.testing.assert_allclose(model.decision_function(X), -V, atol=1e-12)
    np.testing.assert_array_equal(model.predict(X), V.argmin(axis=1))
    assert set(model.predict(X)) > {0, 3, 6}
    assert model.score(X, y) == np.mean(model.predict(X) == y)


def test_two_labels_have_one_score(iris):
    X, y = iris
    model = LokiClassifier(metric="path").fit(X[y < 2], y[y < 2])
    scores = model.decision_function(X)
    assert scores.shape == (len(X),)
    np.testing.assert_array_equal(model.predict(X), (scores > 0).astype(int))


def test_probabilities_of_unseen_labels_are_zero(ordered):
    X, *_ = ordered
    model = fit_ordered(ordered)
    P = model.predict_proba(X)
    assert P.shape == (len(X), 7)
    np.testing.assert_array_equal(P[:, [1, 2, 4, 5]], 0)
    np.testing.assert_array_equal(
        P[:, model.observed_idx_], model.predict_observed_proba(X)
    )


def test_labels_in_any_order_are_the_same_labels(ordered):
    X, y, seen = ordered
    names = np.array(["c", "a", "g", "b", "f", "d", "e"])
    table = np.abs(np.subtract.outer(np.arange(7), np.arange(7)))
    expected = names[fit_ordered(ordered).predict(X)]
    shuffled = np.array([5, 2, 0, 6, 4, 1, 3])
    model = LokiClassifier(
        metric=table[np.ix_(shuffled, shuffled)], labels=names[shuffled]
    ).fit(X[seen], names[y[seen]])
    clear = np.abs(np.diff(np.sort(-model.decision_function(X), axis=1)[:, :2])) > 1e-9
    np.testing.assert_array_equal(model.predict(X)[clear[:, 0]], expected[clear[:, 0]])
    np.testing.assert_array_equal(model.classes_, names[shuffled])


def test_predict_from_proba(ordered, rng):
    X, *_ = ordered
    model = fit_ordered(ordered)
    P = model.predict_observed_proba(X)
    expected = model.predict(X)
    np.testing.assert_array_equal(model.predict_from_proba(P), expected)
    np.testing.assert_array_equal(
        model.predict_from_proba(P[:, [2, 0, 1]], classes=[6, 0, 3]), expected
    )
    scale = rng.uniform(0.1, 10, (len(P), 1))
    np.testing.assert_array_equal(model.predict_from_proba(scale * P), expected)
    P[P < 0.01] = 0
    np.testing.assert_array_equal(
        model.predict_from_proba(sparse.csr_array(P)), model.predict_from_proba(P)
    )


@pytest.mark.parametrize("parameters", [{"backend": "torch"}, {"device": "auto"}])
def test_torch_predicts_the_same(ordered, parameters):
    X, *_ = ordered
    np.testing.assert_array_equal(
        fit_ordered(ordered, **parameters).predict(X), fit_ordered(ordered).predict(X)
    )


def test_top_k_of_all_is_all_and_of_one_is_argmax(ordered):
    X, *_ = ordered
    model = fit_ordered(ordered)
    np.testing.assert_array_equal(
        fit_ordered(ordered, top_k=3).predict(X), model.predict(X)
    )
    np.testing.assert_array_equal(
        fit_ordered(ordered, top_k=1).predict(X),
        model.observed_classes_[model.predict_observed_proba(X).argmax(axis=1)],
    )


def test_sharpen_is_the_softmax_of_scaled_logarithms(rng):
    P = rng.dirichlet(np.ones(4), 50)
    for temperature in (0.3, 1.0, 2.5):
        logits = np.log(P) / temperature
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(sharpen(P, temperature), expected)
        np.testing.assert_allclose(
            sharpen(sparse.csr_array(P), temperature).toarray(), expected
        )
    certain = np.array([[1.0, 0.0], [1e-300, 1e-310]])
    assert np.isfinite(sharpen(certain, 0.05)).all()


def test_high_and_low_temperatures_are_the_centre_and_argmax(ordered):
    X, *_ = ordered
    hot = fit_ordered(ordered, temperature=1e6)
    assert set(hot.predict(X)) == {3}
    cold = fit_ordered(ordered, temperature=1e-3)
    assert set(cold.predict(X)) <= {0, 3, 6}


# --- the base reaches its data untouched ----------------------------------------------


def test_text_through_a_pipeline():
    texts = ["good film", "bad film", "fine film", "awful film"] * 10
    y = ["good", "bad", "good", "bad"] * 10
    tree = TreeMetric.from_nested_dict({"film": {"good": None, "bad": None}})
    base = make_pipeline(TfidfVectorizer(), LogisticRegression())
    for temperature in (1.0, "nll"):
        model = LokiClassifier(
            base, metric=tree, labels=tree.label_names, temperature=temperature
        ).fit(texts, y)
        assert set(model.predict(["good film", "awful"])) <= set(tree.label_names)
        assert model.predict(["film"]) == ["film"]


def test_frames_keep_their_names(iris):
    X, y = iris
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    for temperature in (1.0, "nll"):
        model = LokiClassifier(metric="path", temperature=temperature).fit(frame, y)
        assert list(model.feature_names_in_) == ["a", "b", "c", "d"]
        assert model.n_features_in_ == 4
        model.predict(frame)
    assert not hasattr(LokiClassifier().fit(X, y), "feature_names_in_")


def test_sparse_rows_equal_dense_ones(iris):
    X, y = iris
    for temperature in (1.0, "nll"):
        model = LokiClassifier(metric="path", temperature=temperature)
        dense = clone(model).fit(X, y).decision_function(X)
        for form in (sparse.csr_array, sparse.csc_matrix):
            fitted = clone(model).fit(form(X), y)
            np.testing.assert_allclose(
                fitted.decision_function(form(X)), dense, atol=1e-3
            )


def test_frozen_base_is_kept_and_y_may_hold_anything(ordered):
    X, y, seen = ordered
    base = LogisticRegression().fit(X[seen], y[seen])
    coefficients = base.coef_.copy()
    model = LokiClassifier(FrozenEstimator(base), metric="path", labels=np.arange(7))
    model.fit(X, np.full(len(X), "anything"))
    np.testing.assert_array_equal(model.predict(X), fit_ordered(ordered).predict(X))
    np.testing.assert_array_equal(base.coef_, coefficients)
    tuned = clone(model).set_params(temperature="distance").fit(X, y)
    assert tuned.temperature_ != 1.0
    own_labels = LokiClassifier(FrozenEstimator(base)).fit(X, y)
    np.testing.assert_array_equal(own_labels.classes_, [0, 3, 6])


# --- drop-in behaviour ------------------------------------------------------------------------


def test_grid_search_over_everything(ordered):
    X, y, seen = ordered
    search = GridSearchCV(
        LokiClassifier(LogisticRegression(), labels=np.arange(7)),
        {
            "metric": ["complete", "path"],
            "temperature": [1.0, 2.0, "nll"],
            "estimator__C": [0.1, 1.0],
        },
        scoring=make_metric_scorer("path", labels=np.arange(7)),
        cv=3,
        error_score="raise",
    ).fit(X[seen], y[seen])
    assert len(search.cv_results_["params"]) == 12


def test_folds_that_miss_a_class_are_fine(ordered):
    X, y, seen = ordered
    order = np.argsort(y[seen])
    scores = cross_val_score(
        LokiClassifier(metric="path", labels=np.arange(7)),
        X[seen][order],
        y[seen][order],
        cv=KFold(3),
        scoring=make_metric_scorer("path", labels=np.arange(7)),
        error_score="raise",
    )
    assert np.isfinite(scores).all()


def test_pickle_and_pipeline(ordered):
    X, y, seen = ordered
    tree = TreeMetric(np.arange(-1, 6))
    model = make_pipeline(
        StandardScaler(), LokiClassifier(metric=tree, labels=np.arange(7))
    ).fit(X[seen], y[seen])
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    scaled = StandardScaler().fit(X[seen]).transform(X)
    inside = fit_ordered((scaled, y, seen)).predict(scaled)
    np.testing.assert_array_equal(model.predict(X), inside)


def test_sample_weight_reaches_the_base(ordered):
    X, y, seen = ordered
    weight = np.random.default_rng(0).integers(0, 3, seen.sum())
    for temperature in (1.0, "nll", "distance"):
        model = LokiClassifier(
            GaussianNB(), metric="path", labels=np.arange(7), temperature=temperature
        )
        weighted = clone(model).fit(X[seen], y[seen], sample_weight=weight)
        repeated = clone(model).fit(
            np.repeat(X[seen], weight, axis=0), np.repeat(y[seen], weight)
        )
        assert weighted.temperature_ == repeated.temperature_
        np.testing.assert_allclose(
            weighted.decision_function(X), repeated.decision_function(X), rtol=1e-6
        )


def test_metadata_routing(ordered):
    X, y, seen = ordered
    weight = np.random.default_rng(0).integers(0, 3, seen.sum())
    expected = LokiClassifier(GaussianNB(), metric="path", labels=np.arange(7)).fit(
        X[seen], y[seen], sample_weight=weight
    )
    with sklearn.config_context(enable_metadata_routing=True):
        base = GaussianNB().set_fit_request(sample_weight=True)
        routed = LokiClassifier(base, metric="path", labels=np.arange(7))
        routed.fit(X[seen], y[seen], sample_weight=weight)
        np.testing.assert_array_equal(routed.predict(X), expected.predict(X))
        ignored = LokiClassifier(
            GaussianNB().set_fit_request(sample_weight=False),
            metric="path",
            labels=np.arange(7),
        ).fit(X[seen], y[seen], sample_weight=weight)
        assert not np.allclose(
            ignored.decision_function(X), expected.decision_function(X)
        )


def test_locus_and_next_class_speak_in_labels(ordered):
    X, y, _ = ordered
    names = np.array(list("abcdefg"))
    middle = np.isin(y, [2, 4])
    model = LokiClassifier(metric="path", labels=names).fit(X[middle], names[y[middle]])
    np.testing.assert_array_equal(model.locus(), list("cde"))
    np.testing.assert_array_equal(model.locus(exact=True), list("cde"))
    np.testing.assert_array_equal(model.next_class(), ["a"])
    np.testing.assert_array_equal(model.next_class(n=5), ["a", "g"])


# --- refusals -------------------------------------------------------------------------


class FitCounter(GaussianNB):
    """Counts its fits, to show that refusals come before any work."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"labels": [0, 1, 1, 2]}, "labels holds 1 twice"),
        ({"labels": [0, 1]}, "y holds 2, which is not among the 2 labels"),
        (
            {"labels": range(5), "metric": np.zeros((3, 3))},
            "metric has 3 labels, but .* 5",
        ),
        ({"metric": PathMetric(4)}, "metric has 4 labels, but there are 3 labels"),
        ({"metric": [[0, 1], [2, 0]]}, r"distances\[0, 1\] = 1 is not symmetric"),
        ({"metric": np.full((3, 3), np.nan)}, r"distances\[0, 0\] = nan is not finite"),
        ({"metric": TreeMetric([1, 2, 0])}, "parents has a cycle"),
        ({"metric": "tree"}, "The 'metric' parameter of LokiClassifier must be"),
        ({"temperature": 0.0}, "The 'temperature' parameter of LokiClassifier must be"),
        ({"temperature": "auto"}, "The 'temperature' parameter of LokiClassifier must"),
        ({"top_k": 0}, "The 'top_k' parameter of LokiClassifier must be"),
        ({"backend": "jax"}, "The 'backend' parameter of LokiClassifier must be"),
    ],
)
def test_refuses_before_any_work(iris, parameters, message):
    FitCounter.n_fits = 0
    with pytest.raises(ValueError, match=message):
        LokiClassifier(FitCounter(), **parameters).fit(*iris)
    assert FitCounter.n_fits == 0


def test_a_base_without_probabilities_is_refused(iris):
    message = r"estimator=SVC\(\) has no predict_proba; .*CalibratedClassifierCV"
    with pytest.raises(ValueError, match=message):
        LokiClassifier(SVC()).fit(*iris)
    assert not hasattr(LokiClassifier(SVC()), "predict_proba")
    assert hasattr(LokiClassifier(CalibratedClassifierCV(SVC())), "predict_proba")


def test_frozen_classes_must_be_labels(iris):
    base = FrozenEstimator(GaussianNB().fit(*iris))
    message = "The base classifier's classes_ holds 2, which is not among the 2 labels"
    with pytest.raises(ValueError, match=message):
        LokiClassifier(base, labels=[0, 1]).fit(*iris)


def test_weights_for_a_base_that_takes_none_are_refused(iris):
    X, y = iris
    with pytest.raises(
        ValueError, match=r"fit of estimator=KNeighbors.* does not take it"
    ):
        LokiClassifier(KNeighborsClassifier()).fit(X, y, sample_weight=np.ones(len(y)))


def test_a_temperature_needs_rows_to_spare():
    X, y = np.array([[0.0], [1.0]]), [0, 1]
    with pytest.raises(ValueError, match="temperature='nll' needs out-of-fold probabi"):
        LokiClassifier(temperature="nll").fit(X, y)


def test_bad_probabilities_are_refused(ordered):
    model = fit_ordered(ordered)
    for P, message in [
        ([[0.5, np.nan, 0.5]], "P holds NaN or infinite"),
        ([[0.5, -0.1, 0.6]], "P holds the negative probability -0.1"),
        ([[0.0, 0.0, 0.0]], "Row 0 of P is all zero"),
        ([[0.5, 0.5]], r"P has the shape \(1, 2\); expected \(n_samples, 3\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.predict_from_proba(np.array(P))
    with pytest.raises(ValueError, match="classes holds 9, which is not among the 7"):
        model.predict_from_proba([[0.5, 0.5]], classes=[0, 9])
    with pytest.raises(ValueError, match="classes holds 0 twice"):
        model.predict_from_proba([[0.5, 0.5]], classes=[0, 0])


def test_dense_probabilities_of_a_huge_label_space_are_refused(iris):
    X, y = iris
    model = LokiClassifier(metric="path", labels=np.arange(20_001)).fit(X, y)
    with pytest.raises(
        ValueError, match=r"20001 columns; .* Use predict_observed_proba"
    ):
        model.predict_proba(X)
    assert model.predict_observed_proba(X).shape == (len(X), 3)
