# SPDX-License-Identifier: BSD-3-Clause
"""Transductive clustering: limits, metadata, new rows, theory, and digits."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import confusion_matrix, normalized_mutual_info_score
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.neighbors import NearestCentroid, NearestNeighbors, kneighbors_graph
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from sklearn_theory.cluster import TransductiveClustering


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return normalize(X), y


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(200, centers=4, n_features=3, cluster_std=2, random_state=0)


@pytest.fixture(scope="module")
def starts(digits):
    return [KMeans(10, n_init=1, random_state=i).fit(digits[0]) for i in range(10)]


def accuracy(y, labels):
    """Share of rows whose cluster is matched to their class."""
    counts = confusion_matrix(y, labels)
    return counts[linear_sum_assignment(-counts)].sum() / len(y)


class TestExactness:
    def test_fixed_point(self, digits):
        model = TransductiveClustering(
            10, laplacian=0.5, tol_inner=1e-14, max_inner=5000, random_state=0
        )
        model.fit(digits[0])
        S = model.assignments_
        pull = model.affinity_ @ S + model.shift_[:, np.newaxis] * S
        cost = euclidean_distances(digits[0], model.cluster_centers_, squared=True)
        assert np.abs(S - softmax(0.5 * pull - cost, axis=1)).max() < 1e-6
        np.testing.assert_array_equal(model.labels_, S.argmax(axis=1))

    @pytest.mark.parametrize("prototype", ["hard", "soft"])
    def test_without_graph_and_entropy_it_is_k_means(self, digits, prototype):
        X = digits[0]
        centres = X[np.random.default_rng(0).choice(len(X), 10, replace=False)]
        model = TransductiveClustering(
            10, laplacian=0, entropy=1e-6, prototype=prototype, init=centres, tol=0
        ).fit(X)
        peer = KMeans(10, init=centres, n_init=1, algorithm="lloyd", tol=0).fit(X)
        np.testing.assert_array_equal(model.labels_, peer.labels_)
        np.testing.assert_array_equal(model.predict(X), peer.predict(X))
        np.testing.assert_allclose(model.transform(X), peer.transform(X), atol=1e-7)
        assert model.score(X) == pytest.approx(peer.score(X) / len(X))
        assert model.objective_ == pytest.approx(peer.inertia_)

    def test_two_clusters_without_graph_decide_by_the_nearest_centroid(self, blobs):
        X = blobs[0]
        model = TransductiveClustering(2, laplacian=0, random_state=0).fit(X)
        peer = NearestCentroid().fit(X, model.labels_)
        np.testing.assert_array_equal(model.predict(X), peer.predict(X))

    def test_a_heavy_graph_spreads_seeds_over_components(self):
        component = np.repeat([0, 1, 2], 10)
        W = (component[:, np.newaxis] == component).astype(float)
        seeds = np.full(30, -1)
        seeds[[3, 14, 25]] = [1, 2, 0]
        model = TransductiveClustering(
            3, laplacian=1e4, affinity="precomputed", init="seeds", max_inner=5000
        )
        labels = model.fit_predict(np.ones((30, 2)), seeds=seeds, W=W)
        np.testing.assert_array_equal(labels, np.array([1, 2, 0])[component])

    def test_permuting_the_rows_permutes_the_result(self, blobs, rng):
        X, order = blobs[0], rng.permutation(200)
        model = TransductiveClustering(4, init=X[:4])
        expected = clone(model).fit(X).assignments_[order]
        actual = model.fit(X[order]).assignments_
        np.testing.assert_allclose(actual, expected, atol=1e-8)

    @pytest.mark.parametrize("distortion", ["means", "modes", "medoid", "kernel"])
    @pytest.mark.parametrize("laplacian", [0.0, 0.3])
    def test_seeds_never_change(self, blobs, rng, distortion, laplacian):
        X = blobs[0]
        seeds = np.where(rng.random(200) < 0.2, rng.integers(4, size=200), -1)
        model = TransductiveClustering(
            4, distortion=distortion, laplacian=laplacian, random_state=0
        )
        labels = model.fit_predict(X, seeds=seeds)
        np.testing.assert_array_equal(labels[seeds >= 0], seeds[seeds >= 0])
        held = model.assignments_[seeds >= 0]
        np.testing.assert_array_equal(held, np.eye(4)[seeds[seeds >= 0]])

    def test_prediction_is_the_formula(self, blobs, rng):
        X, new = blobs[0], rng.standard_normal((40, 3)) * 5
        model = TransductiveClustering(4, laplacian=0.4, entropy=2.0, random_state=0)
        model.fit(X)
        _, nearest = NearestNeighbors(n_neighbors=4).fit(X).kneighbors(new)
        cost = euclidean_distances(new, model.cluster_centers_, squared=True)
        pull = 0.4 * model.assignments_[nearest].sum(axis=1)
        S = softmax((pull - cost) / 2, axis=1)
        np.testing.assert_array_equal(model.predict(new), S.argmax(axis=1))
        terms = S * (cost - pull / 2) + 2 * S * np.log(np.maximum(S, 1e-300))
        assert model.score(new) == pytest.approx(-terms.sum() / 40)

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"distortion": "modes"},
            {"distortion": "cosine", "entropy": 0.1},
            {"laplacian": 0},
            {"affinity": "heat"},
        ],
    )
    def test_sparse_rows_equal_dense_ones(self, digits, options):
        X = digits[0][:300]
        model = TransductiveClustering(5, init=X[:5], **options)
        dense = clone(model).fit(X)
        compressed = model.fit(sparse.csr_matrix(X))
        np.testing.assert_array_equal(compressed.labels_, dense.labels_)
        np.testing.assert_allclose(
            compressed.transform(sparse.csr_array(X)), dense.transform(X), atol=1e-6
        )

    def test_given_weights_equal_computed_ones(self, blobs):
        X = blobs[0]
        W = kneighbors_graph(X, 4)
        computed = TransductiveClustering(4, random_state=0).fit(X)
        given = TransductiveClustering(4, affinity="precomputed", random_state=0)
        for weights in (W, W.toarray()):
            given.fit(X, W=weights)
            np.testing.assert_array_equal(given.labels_, computed.labels_)
        new = NearestNeighbors(n_neighbors=4).fit(X).kneighbors_graph(X[:9] + 1)
        np.testing.assert_array_equal(
            given.predict(X[:9] + 1, W=new), computed.predict(X[:9] + 1)
        )
        assert given.score(X[:9] + 1, W=new) == computed.score(X[:9] + 1)


class TestBehaviour:
    def test_distributions_with_kl(self, rng):
        centres = rng.dirichlet(np.full(8, 0.3), 3)
        y = rng.integers(3, size=150)
        X = np.array([rng.dirichlet(30 * c + 0.1) for c in centres[y]])
        model = TransductiveClustering(
            3, distortion="kl", entropy=0.05, laplacian=0.02, n_init=5, random_state=0
        ).fit(X)
        assert accuracy(y, model.labels_) > 0.95
        np.testing.assert_allclose(model.cluster_centers_.sum(axis=1), 1)

    def test_picked_rows_are_rows(self, digits):
        X = digits[0][:300]
        for distortion in ("bo", "medoid", lambda X, M: euclidean_distances(X, M)):
            model = TransductiveClustering(
                5, distortion=distortion, laplacian=0.2, entropy=0.1, random_state=0
            ).fit(X)
            np.testing.assert_array_equal(
                X[model.mode_indices_], model.cluster_centers_
            )
        assert not hasattr(TransductiveClustering(5).fit(X), "mode_indices_")

    def test_width_of_the_kernel(self, blobs):
        X = blobs[0]
        distances, _ = NearestNeighbors(n_neighbors=4).fit(X).kneighbors()
        model = TransductiveClustering(4, distortion="modes", random_state=0).fit(X)
        assert model.sigma_ == pytest.approx(np.sqrt((distances**2).mean()))
        model.set_params(sigma=2).fit(X)
        assert model.sigma_ == 2.0
        assert TransductiveClustering(4, random_state=0).fit(X).sigma_ is None

    def test_more_starts_do_not_end_higher(self, blobs):
        X = blobs[0]
        one = TransductiveClustering(4, laplacian=0.1, random_state=0).fit(X)
        many = clone(one).set_params(n_init=8).fit(X)
        assert many.objective_ <= one.objective_

    def test_fewer_rows_than_neighbours(self):
        X = np.array([[0.0], [1.0], [5.0]])
        model = TransductiveClustering(2, n_neighbors=10, laplacian=0.1, init=X[[0, 2]])
        np.testing.assert_array_equal(model.fit_predict(X), [0, 0, 1])
        assert model.affinity_.nnz == 6
        lone = TransductiveClustering(1).fit(np.ones((1, 2)))
        np.testing.assert_array_equal(lone.labels_, [0])

    def test_single_precision(self, digits):
        X = digits[0].astype(np.float32)
        for options in ({}, {"distortion": "modes"}, {"laplacian": 0}):
            model = TransductiveClustering(10, random_state=0, **options).fit(X)
            for value in ("assignments_", "cluster_centers_"):
                assert getattr(model, value).dtype == np.float32
            assert model.affinity_.dtype == np.float32
            assert model.transform(X).dtype == np.float32

    def test_threads_change_nothing(self, digits):
        one = TransductiveClustering(10, n_jobs=1, random_state=0).fit(digits[0])
        two = TransductiveClustering(10, n_jobs=2, random_state=0).fit(digits[0])
        np.testing.assert_array_equal(one.assignments_, two.assignments_)

    def test_metadata_is_routed(self, blobs):
        X, y = blobs
        seeds = np.where(np.arange(200) < 20, y, -1)
        W = kneighbors_graph(X, 4)
        with config_context(enable_metadata_routing=True):
            model = TransductiveClustering(4, affinity="precomputed", init="seeds")
            model.set_fit_request(seeds=True, W=True).set_predict_request(W=True)
            pipeline = make_pipeline(StandardScaler(), model)
            pipeline.fit(X, seeds=seeds, W=W)
            labels = pipeline[-1].labels_
            new = NearestNeighbors(n_neighbors=4).fit(X).kneighbors_graph(X)
            assert len(pipeline.predict(X, W=new)) == 200
        np.testing.assert_array_equal(labels[:20], y[:20])

    def test_too_few_iterations_warn(self, digits):
        model = TransductiveClustering(10, max_iter=1, random_state=0)
        with pytest.warns(ConvergenceWarning, match="after 1 iterations"):
            model.fit(digits[0])
        assert model.stop_reason_ == "max_iter"
        assert model.n_iter_ == len(model.objective_history_) == 1

    def test_an_emptied_cluster_warns(self, rng):
        model = TransductiveClustering(6, laplacian=20, random_state=0)
        with pytest.warns(ConvergenceWarning, match="lost all its rows"):
            model.fit(rng.standard_normal((12, 2)))
        assert model.stop_reason_ == "empty cluster"
        assert len(np.unique(model.labels_)) == 6


class TestBadInput:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"laplacian": -1.0}, "'laplacian' parameter"),
            ({"entropy": -0.1}, "'entropy' parameter"),
            ({"n_clusters": 201}, "n_samples=200 should be >= n_clusters=201"),
            ({"init": np.ones((3, 3))}, r"init must have shape \(4, 3\)"),
            ({"init": "seeds"}, r"seed for every cluster, .* none for \[0, 1, 2, 3\]"),
            ({"distortion": "kl"}, "distortion='kl' needs rows of X"),
            ({"affinity": "precomputed"}, "'precomputed' needs W in fit"),
        ],
    )
    def test_parameters(self, blobs, parameters, message):
        model = TransductiveClustering(**({"n_clusters": 4} | parameters))
        with pytest.raises(ValueError, match=message):
            model.fit(blobs[0])

    @pytest.mark.parametrize(
        ("seeds", "message"),
        [
            (np.zeros(3, dtype=int), r"seeds must have shape \(200,\)"),
            (np.full(200, 4), "seeds must be integers from 0 to n_clusters - 1 = 3"),
            (np.full(200, -2), "seeds must be integers .* got -2"),
            (np.full(200, 0.5), "seeds must be integers .* got 0.5"),
            (np.full(200, np.nan), "seeds contains NaN"),
        ],
    )
    def test_seeds(self, blobs, seeds, message):
        with pytest.raises(ValueError, match=message):
            TransductiveClustering(4).fit(blobs[0], seeds=seeds)

    @pytest.mark.parametrize(
        ("W", "message"),
        [
            (np.ones((200, 3)), r"W must have shape \(200, 200\)"),
            (np.full((200, 200), -1.0), "non-negative and finite"),
            (np.full((200, 200), np.inf), "W contains infinity"),
        ],
    )
    def test_weights(self, blobs, W, message):
        with pytest.raises(ValueError, match=message):
            TransductiveClustering(4, affinity="precomputed").fit(blobs[0], W=W)

    def test_weights_that_nothing_uses(self, blobs):
        X = blobs[0]
        with pytest.raises(ValueError, match="W is given, but affinity='knn'"):
            TransductiveClustering(4).fit(X, W=np.ones((200, 200)))
        model = TransductiveClustering(4, random_state=0).fit(X)
        with pytest.raises(ValueError, match="W is given to predict"):
            model.predict(X, W=np.ones((200, 200)))
        model = TransductiveClustering(4, affinity="precomputed", random_state=0)
        model.fit(X, W=kneighbors_graph(X, 4))
        with pytest.raises(ValueError, match="needs W in predict"):
            model.predict(X)


class TestTheory:
    @pytest.mark.parametrize("prototype", ["hard", "soft"])
    @pytest.mark.parametrize("psd", ["auto", "degree", "none"])
    def test_history_never_rises(self, digits, psd, prototype):
        model = TransductiveClustering(
            10, laplacian=2, entropy=0.2, psd=psd, prototype=prototype, random_state=0
        ).fit(digits[0])
        assert (np.diff(model.objective_history_) <= 0).all()

    def test_report_of_a_graph_with_its_diagonal(self, digits):
        model = TransductiveClustering(10, laplacian=0.5, random_state=0)
        report = model.fit(digits[0]).theory_report(digits[0])
        assert report["smallest eigenvalue of the weights"].measured < -3
        for name in (
            "asymmetry of the weights",
            "smallest eigenvalue with the diagonal",
            "share of the weight between clusters",
            "length of edges inside clusters over those between",
            "largest rise in a sweep",
            "largest rise between iterations",
            "distance to a fixed point",
        ):
            assert report[name].holds, name

    def test_report_without_a_diagonal(self, digits):
        model = TransductiveClustering(
            10, laplacian=20, psd="none", symmetrize=False, random_state=0
        )
        report = model.fit(digits[0]).theory_report(digits[0])
        assert report["asymmetry of the weights"].holds is False
        assert report["smallest eigenvalue with the diagonal"].holds is False

    @pytest.mark.parametrize("distortion", ["means", "kernel", "bo"])
    def test_report_changes_nothing(self, blobs, distortion):
        X = blobs[0]
        model = TransductiveClustering(
            4, distortion=distortion, laplacian=0.1, random_state=0
        ).fit(X)
        before = model.predict(X[:50]), model.affinity_
        model.theory_report(X[:120], seeds=np.full(120, -1))
        np.testing.assert_array_equal(model.predict(X[:50]), before[0])
        assert model.affinity_ is before[1]


class TestEffect:
    def gain(self, digits, starts, **parameters):
        """Mean accuracy and mutual information over those of the starts."""
        X, y = digits
        gains = []
        for peer in starts:
            model = TransductiveClustering(
                10, init=peer.cluster_centers_, **parameters
            ).fit(X)
            information = [
                normalized_mutual_info_score(y, labels)
                for labels in (model.labels_, peer.labels_)
            ]
            gains.append(
                [
                    accuracy(y, model.labels_) - accuracy(y, peer.labels_),
                    information[0] - information[1],
                ]
            )
        return np.mean(gains, axis=0)

    def test_k_means_is_where_the_figures_start(self, digits, starts):
        scores = [accuracy(digits[1], peer.labels_) for peer in starts]
        assert np.mean(scores) == pytest.approx(0.734, abs=0.01)

    @pytest.mark.parametrize(
        ("parameters", "accuracy_gain", "information_gain"),
        [
            ({"distortion": "bo", "psd": "none"}, 0.07, 0.12),
            ({"distortion": "modes", "psd": "none"}, 0.06, 0.10),
            ({"distortion": "modes", "psd": "auto"}, 0.045, 0.09),
            ({"distortion": "medoid", "psd": "auto", "laplacian": 0.7}, 0.06, 0.11),
        ],
    )
    def test_the_graph_improves_on_k_means(
        self, digits, starts, parameters, accuracy_gain, information_gain
    ):
        parameters = {"laplacian": 1.3} | parameters
        gain = self.gain(digits, starts, **parameters)
        assert gain[0] >= accuracy_gain
        assert gain[1] >= information_gain

    def test_a_diagonal_prevents_the_collapse_of_soft_means(self, digits, starts):
        X = digits[0]
        model = TransductiveClustering(
            10, laplacian=1, prototype="soft", init=starts[0].cluster_centers_
        )
        raw = clone(model).set_params(psd="none")
        with pytest.warns(ConvergenceWarning, match="lost all its rows"):
            raw.fit(X)
        assert raw.stop_reason_ == "empty cluster"
        model.fit(X)
        assert model.stop_reason_ == "converged"
        assert len(np.unique(model.labels_)) == 10
        gain = self.gain(digits, starts[:3], laplacian=1, prototype="soft")
        assert gain[0] > 0.04

    def test_two_moons(self):
        X, y = make_moons(300, noise=0.06, random_state=0)
        scores = {}
        for laplacian in (0, 0.2):
            model = TransductiveClustering(
                2, distortion="modes", laplacian=laplacian, n_neighbors=8
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                fits = [
                    accuracy(y, model.set_params(random_state=i).fit(X).labels_)
                    for i in range(4)
                ]
            scores[laplacian] = np.mean(fits)
        assert scores[0.2] > scores[0] + 0.07
