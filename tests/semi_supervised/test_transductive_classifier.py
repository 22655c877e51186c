# SPDX-License-Identifier: BSD-3-Clause
"""TransductiveClassifier: exact values, limits, what the theory says, refusals."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import rel_entr, softmax
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from sklearn_theory.cluster import TransductiveClustering
from sklearn_theory.datasets import make_few_shot_episodes
from sklearn_theory.model_selection import SemiSupervisedSplit
from sklearn_theory.semi_supervised import TransductiveClassifier

AS_THEY_ARE = {"center": None, "normalize": None, "shift": False}
DISTORTIONS = ("means", "modes", "bo", "medoid", "cosine", "kernel")


@pytest.fixture(scope="module")
def episode():
    """Five digits, two labelled rows of each, 75 without label."""
    X, y = load_digits(return_X_y=True)
    [episode] = make_few_shot_episodes(X, y, 1, n_shots=2, random_state=3)
    return episode


@pytest.fixture
def blobs():
    return make_blobs(90, centers=3, n_features=4, cluster_std=2.0, random_state=1)


class TestExactness:
    def test_fixed_point(self, episode):
        X, y, _ = episode
        model = TransductiveClassifier(
            laplacian=0.8, entropy=0.3, tol_inner=1e-14, psd="degree", **AS_THEY_ARE
        )
        rows = normalize(X)
        model.fit(rows, y)
        cost = ((rows[:, np.newaxis] - model.cluster_centers_) ** 2).sum(axis=2)
        S = model.label_distributions_
        field = model.affinity_ @ S + model.shift_[:, np.newaxis] * S
        expected = softmax((0.8 * field - cost) / 0.3, axis=1)
        np.testing.assert_allclose(S[y < 0], expected[y < 0], atol=1e-6)

    @pytest.mark.parametrize("distortion", DISTORTIONS)
    @pytest.mark.parametrize("laplacian", [0.0, 0.7])
    def test_labelled_rows_never_change(self, episode, distortion, laplacian):
        X, y, _ = episode
        # Two labels are wrong on purpose: they must stand all the same.
        y = y.copy()
        y[0], y[1] = y[1], y[0]
        model = TransductiveClassifier(distortion, laplacian=laplacian).fit(X, y)
        known = y >= 0
        np.testing.assert_array_equal(model.transduction_[known], y[known])
        corners = (model.classes_ == y[known][:, np.newaxis]).astype(float)
        np.testing.assert_array_equal(model.label_distributions_[known], corners)

    def test_fixed_prototypes_are_the_means_of_the_labelled_rows(self, episode):
        X, y, _ = episode
        rows = normalize(X)
        model = TransductiveClassifier(prototype="fixed", **AS_THEY_ARE).fit(rows, y)
        means = [rows[y == label].mean(axis=0) for label in model.classes_]
        np.testing.assert_allclose(model.cluster_centers_, means, atol=1e-12)
        assert model.stop_reason_ == "converged"
        assert model.n_iter_ == 2

    @pytest.mark.parametrize("distortion", DISTORTIONS)
    def test_is_the_clustering_with_seeds(self, episode, distortion):
        X, y, _ = episode
        X, classes = normalize(X), np.unique(y[y >= 0])
        seeds = np.where(y >= 0, np.searchsorted(classes, y), -1)
        classifier = TransductiveClassifier(distortion, **AS_THEY_ARE).fit(X, y)
        clustering = TransductiveClustering(5, distortion=distortion, init="seeds")
        clustering.fit(X, seeds=seeds)
        np.testing.assert_array_equal(
            classifier.transduction_, classes[clustering.labels_]
        )
        for name in ("assignments_", "cluster_centers_", "objective_history_"):
            np.testing.assert_array_equal(
                getattr(classifier, name), getattr(clustering, name)
            )
        new = X[::-3]
        np.testing.assert_array_equal(
            classifier.predict(new), classes[clustering.predict(new)]
        )

    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_all_labelled_and_no_graph_is_nearest_centroid(self, blobs, n_classes):
        X, y = blobs
        X, y = X[y < n_classes], y[y < n_classes]
        model = TransductiveClassifier(laplacian=0, **AS_THEY_ARE).fit(X, y)
        centroids = NearestCentroid().fit(X, y)
        np.testing.assert_allclose(model.cluster_centers_, centroids.centroids_)
        new = np.random.default_rng(0).normal(scale=8, size=(500, 4))
        np.testing.assert_array_equal(model.predict(new), centroids.predict(new))

    def test_kl_of_rows_that_are_distributions(self, episode):
        """Prototypes are means, and free rows go to the least divergence."""
        X, y, _ = episode
        X = (X + 1) / (X + 1).sum(axis=1, keepdims=True)
        model = TransductiveClassifier("kl", laplacian=0, tol=0, **AS_THEY_ARE)
        model.fit(X, y)
        labels = model.transduction_
        for k, label in enumerate(model.classes_):
            mean = X[labels == label].mean(axis=0)
            np.testing.assert_allclose(model.cluster_centers_[k], mean, atol=1e-12)
        divergence = rel_entr(X[:, np.newaxis], model.cluster_centers_).sum(axis=2)
        best = model.classes_[divergence.argmin(axis=1)]
        np.testing.assert_array_equal(labels[y < 0], best[y < 0])

    def test_function_as_distortion(self, episode):
        X, y, truth = episode

        def city_blocks(X, prototypes):
            return np.abs(X[:, np.newaxis] - prototypes).sum(axis=2)

        model = TransductiveClassifier(city_blocks).fit(X, y)
        assert len(model.mode_indices_) == 5
        assert np.mean(model.transduction_ == truth) > 0.7

    def test_new_rows_by_the_formula(self, episode):
        X, y, _ = episode
        model = TransductiveClassifier(entropy=0.2, n_neighbors=3).fit(X[:70], y[:70])
        new = X[70:]
        rows = normalize(new - X[:70].mean(axis=0)) + model.offset_
        known = y[:70] >= 0
        trained = normalize(X[:70] - X[:70].mean(axis=0))
        trained[~known] += model.offset_
        distance = ((rows[:, np.newaxis] - trained) ** 2).sum(axis=2)
        nearest = distance.argsort(axis=1)[:, :3]
        field = model.label_distributions_[nearest].sum(axis=1)
        cost = ((rows[:, np.newaxis] - model.cluster_centers_) ** 2).sum(axis=2)
        expected = softmax((0.5 * field - cost) / 0.2, axis=1)
        np.testing.assert_allclose(model.predict_proba(new), expected, atol=1e-9)
        best = model.classes_[expected.argmax(axis=1)]
        np.testing.assert_array_equal(model.predict(new), best)

    def test_offset_makes_the_means_equal(self, episode):
        X, y, _ = episode
        base = load_digits().data.mean(axis=0)
        model = TransductiveClassifier(base_mean=base).fit(X, y)
        rows, known = normalize(X - base), y >= 0
        np.testing.assert_allclose(
            rows[known].mean(axis=0), (rows[~known] + model.offset_).mean(axis=0)
        )
        np.testing.assert_array_equal(model.center_, base)

    def test_one_label_for_each_component(self, rng):
        """Rows that are equal have nothing but the graph: it carries the labels."""
        size, n_components = 12, 4
        ring = np.roll(np.eye(size), 1, axis=1)
        W = np.kron(np.eye(n_components), ring + ring.T)
        y = np.full(size * n_components, -1)
        y[::size] = [3, 1, 2, 0]
        model = TransductiveClassifier(
            affinity="precomputed",
            laplacian=50,
            entropy=0.5,
            max_inner=2000,
            tol_inner=1e-12,
            psd="none",
            **AS_THEY_ARE,
        )
        model.fit(np.ones((len(y), 2)), y, W=W)
        np.testing.assert_array_equal(
            model.transduction_, np.repeat([3, 1, 2, 0], size)
        )

    def test_order_of_rows_does_not_matter(self, episode, rng):
        X, y, _ = episode
        order = rng.permutation(len(y))
        model = TransductiveClassifier("modes")
        first = clone(model).fit(X, y).label_distributions_[order]
        second = clone(model).fit(X[order], y[order]).label_distributions_
        np.testing.assert_allclose(second, first, atol=1e-9)


class TestInput:
    @pytest.mark.parametrize(
        ("as_labels", "unlabeled_value"),
        [
            (lambda y: np.where(y >= 0, 2.0 * y, -1), -1),
            (lambda y: np.array([f"c{k}" if k >= 0 else -1 for k in y], object), -1),
            (lambda y: np.array([f"c{k}" if k >= 0 else "?" for k in y]), "?"),
            (
                lambda y: np.array([f"c{k}" if k >= 0 else None for k in y], object),
                None,
            ),
            (lambda y: np.where(y >= 0, y, 99), 99),
            (lambda y: y.tolist(), -1),
        ],
    )
    def test_kinds_of_labels(self, episode, as_labels, unlabeled_value):
        X, y, _ = episode
        expected = TransductiveClassifier().fit(X, y)
        labels = as_labels(y)
        model = TransductiveClassifier(unlabeled_value=unlabeled_value).fit(X, labels)
        assert unlabeled_value not in list(model.classes_)
        np.testing.assert_array_equal(
            model.label_distributions_, expected.label_distributions_
        )
        known = y >= 0
        assert list(model.transduction_[known]) == [
            labels[i] for i in np.flatnonzero(known)
        ]

    def test_signs_are_two_classes(self, blobs):
        X, y = blobs
        X, y = X[y < 2], 2 * y[y < 2] - 1
        with pytest.warns(UserWarning, match="y holds only -1 and 1"):
            model = TransductiveClassifier().fit(X, y)
        np.testing.assert_array_equal(model.classes_, [-1, 1])

    def test_one_class(self, blobs):
        X, y = blobs
        model = TransductiveClassifier().fit(X, np.where(y == 0, 7, -1))
        assert set(model.transduction_) == set(model.predict(X)) == {7}

    @pytest.mark.parametrize("distortion", ["means", "modes", "medoid"])
    def test_sparse_rows(self, episode, distortion):
        X, y, _ = episode
        settings = {"distortion": distortion, "shift": False, "center": None}
        dense = TransductiveClassifier(**settings).fit(X, y)
        settings["center"] = "auto"  # which leaves sparse rows where they are
        for kind in (sparse.csr_array, sparse.csc_matrix):
            model = TransductiveClassifier(**settings).fit(kind(X), y)
            np.testing.assert_allclose(
                model.label_distributions_, dense.label_distributions_, atol=1e-9
            )
            np.testing.assert_allclose(
                model.predict_proba(kind(X)), dense.predict_proba(X), atol=1e-9
            )

    def test_single_precision(self, episode):
        X, y, _ = episode
        single = TransductiveClassifier().fit(X.astype(np.float32), y)
        double = TransductiveClassifier().fit(X, y)
        for name in ("label_distributions_", "cluster_centers_", "center_", "offset_"):
            assert getattr(single, name).dtype == np.float32
        assert single.predict_proba(X.astype(np.float32)).dtype == np.float32
        np.testing.assert_array_equal(single.transduction_, double.transduction_)

    def test_rows_given_many_times(self, blobs):
        X, y = blobs
        partial = np.tile(np.where(np.arange(90) < 12, y, -1), 6)
        partial[90:] = -1
        model = TransductiveClassifier(entropy=0.05).fit(np.tile(X, (6, 1)), partial)
        assert np.isfinite(model.label_distributions_).all()
        copies = model.transduction_.reshape(6, 90)[1:, 12:]
        assert (copies == copies[0]).mean() > 0.95

    def test_more_neighbours_than_rows(self, blobs):
        X, y = blobs
        few = TransductiveClassifier(n_neighbors=500).fit(X[:10], y[:10])
        others = TransductiveClassifier(n_neighbors=9).fit(X[:10], y[:10])
        np.testing.assert_array_equal(
            few.affinity_.toarray(), others.affinity_.toarray()
        )
        assert few.predict_proba(X).shape == (90, len(np.unique(y[:10])))

    def test_pipeline_and_search(self, blobs, rng):
        X, y = blobs
        partial = np.where(rng.random(90) < 0.5, y, -1)
        pipeline = make_pipeline(StandardScaler(), TransductiveClassifier())
        scores = cross_val_score(pipeline, X, partial, cv=SemiSupervisedSplit(3))
        assert scores.mean() > 0.6
        grid = {"transductiveclassifier__laplacian": [0.0, 0.5]}
        search = GridSearchCV(pipeline, grid, cv=SemiSupervisedSplit(3))
        assert set(search.fit(X, partial).predict(X)) <= {0, 1, 2}


class TestTheory:
    @pytest.mark.parametrize("distortion", DISTORTIONS)
    @pytest.mark.parametrize("laplacian", [0.1, 1.0, 5.0, 20.0])
    def test_objective_never_rises(self, episode, distortion, laplacian):
        X, y, _ = episode
        model = TransductiveClassifier(distortion, laplacian=laplacian, psd="degree")
        model.fit(X, y)
        history = model.objective_history_
        assert np.all(np.diff(history) <= 1e-9 * np.abs(history[:-1]))

    def test_report(self, episode):
        X, y, _ = episode
        report = TransductiveClassifier().fit(X, y).theory_report(X, y)
        assert all(row.holds is not False for row in report)
        strings = np.array([f"c{k}" if k >= 0 else "" for k in y])
        model = TransductiveClassifier(unlabeled_value="").fit(X, strings)
        assert len(model.theory_report(X, strings)) == len(report)
        with pytest.raises(ValueError, match=r"y holds \['z'\], which are not among"):
            model.theory_report(X, np.where(strings == strings[0], "z", strings))


class TestRefusals:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"laplacian": -1}, "The 'laplacian' parameter"),
            ({"entropy": -0.1}, "The 'entropy' parameter"),
            ({"distortion": "median"}, "The 'distortion' parameter"),
            ({"normalize": "cl2n"}, "The 'normalize' parameter"),
            ({"center": "mean"}, "The 'center' parameter"),
            ({"base_mean": np.zeros(3)}, r"base_mean must have shape \(64,\)"),
            ({"base_mean": np.zeros(64), "center": None}, "base_mean is given, but"),
            ({"affinity": "precomputed"}, "needs W in fit"),
            ({"unlabeled_value": "?"}, "cannot hold unlabeled_value='\\?'"),
            ({"distortion": "kl"}, "distortion='kl' needs rows of X"),
        ],
    )
    def test_parameters(self, episode, parameters, message):
        X, y, _ = episode
        with pytest.raises(ValueError, match=message):
            TransductiveClassifier(**parameters).fit(X, y)

    def test_labels(self, episode):
        X, y, _ = episode
        with pytest.raises(ValueError, match="label of at least one row"):
            TransductiveClassifier().fit(X, np.full(len(y), -1))
        with pytest.raises(ValueError, match="where -1 has become '-1'"):
            TransductiveClassifier().fit(X, y.astype(str))

    def test_weights(self, episode):
        X, y, _ = episode
        n_rows = len(y)
        model = TransductiveClassifier(affinity="precomputed")
        for W, message in (
            (np.ones((n_rows, 3)), "W must have shape"),
            (-np.ones((n_rows, n_rows)), "must be non-negative"),
            (np.full((n_rows, n_rows), np.inf), "infinity"),
        ):
            with pytest.raises(ValueError, match=message):
                model.fit(X, y, W=W)
        with pytest.raises(ValueError, match="W is given, but affinity='knn'"):
            TransductiveClassifier().fit(X, y, W=np.eye(n_rows))

    def test_sparse_rows_are_not_shifted(self, episode):
        X, y, _ = episode
        with pytest.raises(ValueError, match="set shift=False"):
            TransductiveClassifier().fit(sparse.csr_array(X), y)

    def test_too_few_iterations(self, episode):
        X, y, _ = episode
        with pytest.warns(ConvergenceWarning, match="after 1 iterations"):
            model = TransductiveClassifier("modes", max_iter=1).fit(X, y)
        assert model.stop_reason_ == "max_iter"


def test_dask_arrays(episode):
    """The same labels from blocks of rows."""
    da = pytest.importorskip("dask.array")
    import dask

    X, y, _ = episode
    blocks = da.from_array(X, chunks=((30, 0, 55), (40, 24)))
    with dask.config.set(scheduler="synchronous"):
        for parameters in (
            {},
            {"distortion": "modes"},
            {"laplacian": 0.0},
            AS_THEY_ARE,
        ):
            model = TransductiveClassifier(**parameters)
            local, distributed = clone(model).fit(X, y), model.fit(blocks, y)
            np.testing.assert_allclose(
                distributed.label_distributions_,
                local.label_distributions_,
                atol=1e-12,
            )
            np.testing.assert_array_equal(
                distributed.transduction_, local.transduction_
            )
            np.testing.assert_array_equal(distributed.predict(X), local.predict(X))
        with pytest.raises(ValueError, match="y has 3 entries, but X has 85 rows"):
            TransductiveClassifier().fit(blocks, y[:3])
