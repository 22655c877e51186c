# SPDX-License-Identifier: BSD-3-Clause
"""SharedVarianceNB: exactness, streams, weights and refusals."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import softmax
from scipy.stats import norm
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.naive_bayes import GaussianNB

from sklearn_theory.linear_model import SharedVarianceNB

SETS = {"iris": load_iris, "digits": load_digits, "breast_cancer": load_breast_cancer}


@pytest.fixture(params=SETS)
def data(request):
    return SETS[request.param](return_X_y=True)


@pytest.fixture
def blobs(rng):
    y = rng.integers(3, size=120)
    return rng.normal(size=(120, 5)) + rng.normal(size=(3, 5))[y], y


def two_lines(X, y, smoothing=1e-9):
    """Class means and the shared variance, as the definition says."""
    classes = np.unique(y)
    means = np.array([X[y == k].mean(axis=0) for k in classes])
    variance = sum(np.mean(y == k) * X[y == k].var(axis=0) for k in classes)
    return means, variance + smoothing


def assert_same_head(first, second, rtol=1e-10, atol=1e-12):
    for name in ("theta_", "var_", "class_count_", "class_prior_"):
        np.testing.assert_allclose(
            getattr(first, name), getattr(second, name), rtol=rtol, atol=atol
        )


class TestDefinition:
    def test_parameters(self, data):
        X, y = data
        model = SharedVarianceNB().fit(X, y)
        means, variance = two_lines(X, y)
        np.testing.assert_allclose(model.theta_, means, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(model.var_, variance, rtol=1e-10)
        np.testing.assert_array_equal(model.class_count_, np.bincount(y))
        np.testing.assert_allclose(model.class_prior_, np.bincount(y) / len(y))

    def test_posterior_is_that_of_the_quadratic_form(self, blobs):
        X, y = blobs
        means, variance = two_lines(X, y)
        distances = ((X[:, np.newaxis] - means) ** 2 / variance).sum(axis=2)
        expected = softmax(np.log(np.bincount(y) / len(y)) - distances / 2, axis=1)
        actual = SharedVarianceNB().fit(X, y).predict_proba(X)
        np.testing.assert_allclose(actual, expected, rtol=1e-10)

    def test_rule_of_diagonal_discriminant_analysis(self, rng):
        """With balanced classes the nearest mean in scaled distance is predicted."""
        y = np.repeat(np.arange(4), 25)
        X = rng.normal(size=(100, 6)) * rng.uniform(0.1, 5, 6) + y[:, np.newaxis]
        means = np.array([X[y == k].mean(axis=0) for k in range(4)])
        pooled = (X - means[y]).var(axis=0)
        distances = ((X[:, np.newaxis] - means) ** 2 / pooled).sum(axis=2)
        model = SharedVarianceNB().fit(X, y)
        np.testing.assert_array_equal(model.predict(X), distances.argmin(axis=1))

    def test_gaussian_nb_with_variances_made_equal(self, data):
        X, y = data
        model = SharedVarianceNB().fit(X, y)
        peer = GaussianNB().fit(X, y)
        peer.var_ = np.tile(model.var_, (len(peer.classes_), 1))
        np.testing.assert_array_equal(model.predict(X), peer.predict(X))
        np.testing.assert_allclose(
            model.predict_proba(X), peer.predict_proba(X), rtol=1e-10, atol=1e-10
        )

    def test_scores_give_the_posterior(self, data):
        X, y = data
        model = SharedVarianceNB().fit(X, y)
        scores = X @ model.coef_.T + model.intercept_
        if len(model.classes_) == 2:
            assert model.coef_.shape == (1, X.shape[1])
            np.testing.assert_allclose(model.decision_function(X), scores[:, 0])
            scores = np.hstack([np.zeros_like(scores), scores])
        else:
            np.testing.assert_allclose(model.decision_function(X), scores)
        np.testing.assert_allclose(
            model.predict_proba(X), softmax(scores, axis=1), rtol=1e-9, atol=1e-300
        )
        np.testing.assert_allclose(
            np.exp(model.predict_log_proba(X)), model.predict_proba(X), rtol=1e-9
        )

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
    def test_joint_log_likelihood_is_the_density(self, blobs, container):
        X, y = blobs
        model = SharedVarianceNB().fit(X, y)
        density = norm(model.theta_, np.sqrt(model.var_)).logpdf(X[:, np.newaxis])
        expected = np.log(model.class_prior_) + density.sum(axis=2)
        actual = model.joint_log_likelihood(container(X))
        np.testing.assert_allclose(actual, expected, rtol=1e-9)

    def test_relative_smoothing_is_that_of_gaussian_nb(self, blobs):
        X, y = blobs
        relative = SharedVarianceNB(var_smoothing=0.1, smoothing="relative").fit(X, y)
        epsilon = GaussianNB(var_smoothing=0.1).fit(X, y).epsilon_
        absolute = SharedVarianceNB(var_smoothing=epsilon).fit(X, y)
        np.testing.assert_allclose(relative.var_, absolute.var_)

    def test_priors(self, blobs):
        X, y = blobs
        priors = [0.2, 0.3, 0.5]
        model = SharedVarianceNB(priors=priors).fit(X, y)
        peer = GaussianNB(priors=priors).fit(X, y)
        peer.var_ = np.tile(model.var_, (3, 1))
        np.testing.assert_allclose(model.predict_proba(X), peer.predict_proba(X))
        np.testing.assert_array_equal(model.class_prior_, priors)


class TestAccuracy:
    @pytest.mark.parametrize("far", [1e3, 1e6])
    def test_translation(self, data, far):
        X, y = data
        near = SharedVarianceNB(var_smoothing=1e-3).fit(X, y)
        shifted = SharedVarianceNB(var_smoothing=1e-3).fit(X + far, y)
        np.testing.assert_allclose(
            shifted.predict_proba(X + far), near.predict_proba(X), atol=1e-6
        )

    def test_constant_features_do_nothing(self, blobs):
        X, y = blobs
        constant = np.full((len(y), 2), [1e7, np.pi])
        with_constants = SharedVarianceNB().fit(np.hstack([X, constant]), y)
        np.testing.assert_array_equal(with_constants.var_[-2:], 1e-9)
        np.testing.assert_array_equal(with_constants.coef_[:, -2:], 0)
        np.testing.assert_allclose(
            with_constants.predict_proba(np.hstack([X, constant])),
            SharedVarianceNB().fit(X, y).predict_proba(X),
        )

    def test_classes_far_apart_keep_their_variance(self, rng):
        y = np.repeat([0, 1], 500)
        X = rng.normal(size=(1000, 3))
        apart = SharedVarianceNB().fit(X + 1e8 * y[:, np.newaxis], y)
        np.testing.assert_allclose(apart.var_, two_lines(X, y)[1], rtol=1e-6)

    def test_single_precision_is_summed_in_double(self, rng):
        y = rng.integers(2, size=50_000)
        X = (rng.normal(size=(50_000, 2)) + 100).astype(np.float32)
        model = SharedVarianceNB().fit(X, y)
        assert model.theta_.dtype == model.var_.dtype == np.float64
        means, variance = two_lines(X.astype(float), y)
        np.testing.assert_allclose(model.theta_, means, rtol=1e-11)
        np.testing.assert_allclose(model.var_, variance, rtol=1e-10)
        assert model.decision_function(X).dtype == np.float32

    @pytest.mark.parametrize("container", [np.asfortranarray, sparse.csr_matrix])
    def test_layouts_agree(self, data, container):
        X, y = data
        model, peer = SharedVarianceNB().fit(container(X), y), SharedVarianceNB()
        assert_same_head(model, peer.fit(X, y), rtol=1e-9)
        np.testing.assert_allclose(
            model.predict_proba(container(X)), peer.predict_proba(X), atol=1e-6
        )

    def test_sparse_entries_that_are_stored_twice_are_summed(self):
        rows, columns = [0, 0, 0, 1, 2, 3], [0, 0, 1, 0, 1, 0]
        values = np.array([1.0, 2, 5, 1, 4, 7])
        X = sparse.csr_matrix((values, (rows, columns)), shape=(4, 2))
        doubled = sparse.csr_matrix((4, 2))
        doubled.data, doubled.indices = values, np.array(columns)
        doubled.indptr = np.array([0, 3, 4, 5, 6])
        y = [0, 0, 1, 1]
        assert_same_head(
            SharedVarianceNB().fit(doubled, y), SharedVarianceNB().fit(X.toarray(), y)
        )

    def test_sparse_rows_are_not_densified(self, rng):
        X = sparse.random(2000, 100_000, density=1e-4, format="csr", random_state=rng)
        y = rng.integers(2, size=2000)
        model = SharedVarianceNB().fit(X, y)  # 1.6 GB if it were dense
        assert model.predict(X).shape == (2000,)


class TestStream:
    @pytest.mark.parametrize("cuts", [[1, 2, 3], [60], [5, 50, 55], range(1, 120)])
    def test_any_split_into_batches(self, blobs, cuts):
        X, y = blobs
        order = np.argsort(y)  # batches lack classes
        streamed = SharedVarianceNB(smoothing="relative")
        for rows in np.split(order, list(cuts)):
            streamed.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        assert_same_head(streamed, SharedVarianceNB(smoothing="relative").fit(X, y))

    def test_far_from_zero(self, blobs):
        X, y = blobs
        X = X + 1e6
        streamed = SharedVarianceNB()
        for rows in np.split(np.arange(120), 12):
            streamed.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        whole = SharedVarianceNB().fit(X, y)
        np.testing.assert_allclose(streamed.var_, whole.var_, rtol=1e-8)
        np.testing.assert_allclose(
            streamed.predict_proba(X), whole.predict_proba(X), atol=1e-6
        )

    def test_fit_forgets_and_partial_fit_continues(self, blobs):
        X, y = blobs
        model = SharedVarianceNB().fit(X[:40] + 7, y[:40]).fit(X[:60], y[:60])
        model.partial_fit(X[60:], y[60:])
        assert_same_head(model, SharedVarianceNB().fit(X, y))

    @pytest.mark.parametrize("priors", [None, [0.1, 0.2, 0.7]])
    def test_a_class_without_rows_is_never_predicted(self, blobs, priors):
        X, y = blobs
        X, y = X[y < 2], y[y < 2]
        model = SharedVarianceNB(priors=priors).partial_fit(X, y, classes=[0, 1, 2])
        np.testing.assert_array_equal(model.predict_proba(X)[:, 2], 0)
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
        assert np.all(np.isneginf(model.joint_log_likelihood(X)[:, 2]))

    def test_a_binary_stream_that_has_seen_one_class(self, blobs):
        X, y = blobs
        X = X[y == 0]
        model = SharedVarianceNB().partial_fit(X, y[y == 0], classes=[0, 1])
        np.testing.assert_array_equal(model.predict(X), 0)
        np.testing.assert_array_equal(model.predict_proba(X)[:, 0], 1)

    def test_refused_batch_changes_nothing(self, blobs):
        X, y = blobs
        model = SharedVarianceNB().fit(X, y)
        before = model.predict_proba(X)
        with pytest.raises(ValueError, match="not among the classes"):
            model.partial_fit(X, y + 1)
        np.testing.assert_array_equal(model.predict_proba(X), before)


class TestWeights:
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
    def test_weight_is_repetition(self, blobs, rng, container):
        X, y = blobs
        weight = rng.integers(0, 4, len(y))
        weighted = SharedVarianceNB().fit(container(X), y, sample_weight=weight)
        repeated = SharedVarianceNB().fit(X.repeat(weight, axis=0), y.repeat(weight))
        assert_same_head(weighted, repeated)

    def test_weight_zero_is_absence(self, blobs):
        X, y = blobs
        y = np.where(np.arange(120) < 5, 9, y)
        X = np.where(y[:, np.newaxis] == 9, 1e9, X)
        weighted = SharedVarianceNB().fit(X, y, sample_weight=(y != 9).astype(float))
        np.testing.assert_array_equal(weighted.classes_, [0, 1, 2])
        assert_same_head(weighted, SharedVarianceNB().fit(X[y != 9], y[y != 9]))

    def test_labels_without_weight_may_be_unknown_in_a_stream(self, blobs):
        X, y = blobs
        model = SharedVarianceNB().fit(X, y)
        unknown = np.where(np.arange(120) < 5, 9, y)
        weight = (unknown != 9).astype(float)
        model.partial_fit(X, unknown, sample_weight=weight)
        assert model.class_count_.sum() == 120 + 115


class TestTheoryReport:
    def test_rows(self, data):
        X, y = data
        report = SharedVarianceNB().fit(X, y).theory_report(X, y)
        error = report["error of naive Bayes"]
        assert error.measured == pytest.approx(
            1 - SharedVarianceNB().fit(X, y).score(X, y)
        )
        assert error.holds
        assert report["deviation of class means"].holds
        assert report["decisions that half of the rows turn"].holds
        assert report["rows, for logistic regression"].bound == X.shape[1]

    def test_of_sparse_rows_is_that_of_dense_rows(self, data):
        X, y = data
        model = SharedVarianceNB().fit(X, y)
        dense = model.theory_report(X, y)
        for row in model.theory_report(sparse.csr_matrix(X), y):
            if isinstance(row.measured, float):
                assert row.measured == pytest.approx(dense[row.name].measured, rel=1e-6)

    def test_of_rows_that_lack_a_class(self, data):
        X, y = data
        model = SharedVarianceNB().fit(X, y)
        few = np.concatenate([np.flatnonzero(y == 0)[:5], np.flatnonzero(y == 1)[:1]])
        report = model.theory_report(X[few], y[few])
        assert report["rows of the smallest class, for naive Bayes"].measured == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("priors", "message"),
        [
            ([0.5, 0.5], "priors must hold one probability for each of the 3 classes"),
            ([0.5, 0.7, -0.2], "priors must be non-negative"),
            ([0.5, 0.2, 0.2], "priors must sum to 1, got a sum of 0.9"),
            ([0.5, 0.5, np.nan], "priors must be non-negative"),
        ],
    )
    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_priors(self, blobs, priors, message, method):
        model = SharedVarianceNB(priors=priors)
        arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(*blobs, **arguments)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"var_smoothing": 0}, "'var_smoothing' parameter"),
            ({"var_smoothing": -1.0}, "'var_smoothing' parameter"),
            ({"smoothing": "none"}, "'smoothing' parameter"),
        ],
    )
    def test_parameters(self, blobs, parameters, message):
        with pytest.raises(ValueError, match=message):
            SharedVarianceNB(**parameters).fit(*blobs)

    def test_one_class(self, blobs):
        X, y = blobs
        with pytest.raises(ValueError, match="only one class is present"):
            SharedVarianceNB().fit(X, np.zeros(120))
        with pytest.raises(ValueError, match="only one class is present"):
            SharedVarianceNB().fit(X, y, sample_weight=(y == 0).astype(float))
        with pytest.raises(ValueError, match="only one class is present"):
            SharedVarianceNB().partial_fit(X, y, classes=[0])

    def test_classes_of_a_stream(self, blobs):
        X, y = blobs
        with pytest.raises(ValueError, match="classes must be passed on the first"):
            SharedVarianceNB().partial_fit(X, y)
        model = SharedVarianceNB().fit(X, y)
        with pytest.raises(ValueError, match="is not the same as on the first call"):
            model.partial_fit(X, y, classes=[0, 1])
        with pytest.raises(ValueError, match=r"not among the classes .*: \[7\]"):
            model.partial_fit(X, np.where(y == 2, 7, y))

    def test_negative_weight(self, blobs):
        with pytest.raises(ValueError, match="Negative values in data passed to"):
            SharedVarianceNB().fit(*blobs, sample_weight=-np.ones(120))

    def test_report_on_unknown_labels(self, blobs):
        X, y = blobs
        with pytest.raises(ValueError, match="not among the classes"):
            SharedVarianceNB().fit(X, y).theory_report(X, y + 1)


def test_labels_of_any_kind(blobs):
    X, y = blobs
    expected = SharedVarianceNB().fit(X, y).predict(X)
    for names in (np.array(["a", "bb", "c"]), np.array(["x", "y", "z"], dtype=object)):
        model = clone(SharedVarianceNB()).fit(X, names[y])
        np.testing.assert_array_equal(model.predict(X), names[expected])
