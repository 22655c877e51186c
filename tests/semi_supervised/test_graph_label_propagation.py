# SPDX-License-Identifier: BSD-3-Clause
"""Label propagation over a graph by message passing on forests."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_digits, make_blobs, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.semi_supervised import LabelPropagation

from sklearn_theory.semi_supervised import GraphLabelPropagation
from sklearn_theory.solvers._forest_descent import BLOCK_RULES

EXACT = {"tol": 1e-11, "max_iter": 50_000}
every_rule = pytest.mark.parametrize("rule", list(BLOCK_RULES))


def moons(n_samples=300, n_labelled=20, seed=0):
    X, truth = make_moons(n_samples, noise=0.08, random_state=seed)
    hidden = np.random.RandomState(seed).permutation(n_samples)[n_labelled:]
    y = truth.copy()
    y[hidden] = -1
    return X, y, truth


def either_neighbours(X, n_neighbors=5):
    nearest = NearestNeighbors(n_neighbors=n_neighbors).fit(X).kneighbors_graph()
    return nearest.maximum(nearest.T)


def direct_solution(weights, y, classes):
    """Solve the Laplacian system of the unlabelled rows directly."""
    weights = sparse.csr_array(weights)
    laplacian = sparse.csr_array(sparse.diags_array(weights.sum(axis=1)) - weights)
    free, known = np.flatnonzero(y == -1), np.flatnonzero(y != -1)
    values = (y[:, np.newaxis] == classes).astype(float)
    rhs = weights[free][:, known] @ values[known]
    values[free] = spsolve(laplacian[free][:, free].tocsc(), rhs)
    return values


class TestExactness:
    @every_rule
    @pytest.mark.parametrize("conjugate", [True, False])
    def test_equals_the_direct_solution(self, rule, conjugate):
        X, y, _ = moons(150)
        model = GraphLabelPropagation(block_rule=rule, conjugate=conjugate, **EXACT)
        model.fit(X, y)
        expected = direct_solution(either_neighbours(X), y, [0, 1])
        np.testing.assert_allclose(model.label_distributions_, expected, atol=1e-8)
        np.testing.assert_array_equal(model.transduction_, expected.argmax(axis=1))
        assert model.stop_reason_ == "converged"
        assert model.residual_ <= 1e-11

    def test_many_classes_at_once(self):
        X, truth = load_digits(return_X_y=True)
        X, truth = X[:800], truth[:800]
        y = np.where(np.arange(800) < 80, truth, -1)
        weights = either_neighbours(X, 10)
        model = GraphLabelPropagation(n_neighbors=10, **EXACT).fit(X, y)
        expected = direct_solution(weights, y, np.arange(10))
        np.testing.assert_allclose(model.label_distributions_, expected, atol=1e-8)

    def test_equals_the_limit_of_scikit_learn(self):
        X, y, _ = moons(120)
        kernel = rbf_kernel(X, gamma=20)
        peer = LabelPropagation(kernel="rbf", gamma=20, tol=1e-12, max_iter=100_000)
        peer.fit(X, y)
        model = GraphLabelPropagation(affinity="precomputed", **EXACT).fit(kernel, y)
        np.testing.assert_allclose(
            model.label_distributions_, peer.label_distributions_, atol=1e-7
        )
        called = GraphLabelPropagation(
            affinity=lambda X, Y: rbf_kernel(X, Y, gamma=20), **EXACT
        ).fit(X, y)
        np.testing.assert_allclose(
            called.label_distributions_, model.label_distributions_, atol=1e-9
        )
        new = moons(30, seed=5)[0]
        np.testing.assert_allclose(
            called.predict_proba(new), peer.predict_proba(new), atol=1e-6
        )

    def test_affinities_agree(self):
        X, y, _ = moons()
        weights = either_neighbours(X)
        by_neighbours = GraphLabelPropagation().fit(X, y)
        for given in (weights, sparse.csr_array(weights), weights.toarray()):
            given_weights = GraphLabelPropagation(affinity="precomputed").fit(given, y)
            np.testing.assert_allclose(
                given_weights.label_distributions_, by_neighbours.label_distributions_
            )
        scaled = GraphLabelPropagation(affinity="precomputed").fit(3 * weights, y)
        np.testing.assert_allclose(
            scaled.label_distributions_, by_neighbours.label_distributions_, atol=1e-5
        )

    def test_sparse_rows(self):
        X, y, _ = moons()
        dense = GraphLabelPropagation().fit(X, y)
        rows = sparse.csc_array(X)
        model = GraphLabelPropagation().fit(rows, y)
        np.testing.assert_array_equal(model.transduction_, dense.transduction_)
        np.testing.assert_allclose(model.predict_proba(rows), dense.predict_proba(X))

    def test_larger_weight_of_a_pair_counts_and_loops_do_not(self):
        weights = np.array([[9.0, 2, 0], [1, 9, 0], [0, 3, 0]])
        model = GraphLabelPropagation(affinity="precomputed", **EXACT)
        model.fit(weights, [0, -1, 1])
        np.testing.assert_allclose(model.label_distributions_[1], [0.4, 0.6])

    def test_objective_is_the_energy(self):
        X, y, _ = moons()
        model = GraphLabelPropagation(**EXACT).fit(X, y)
        weights = sparse.coo_array(either_neighbours(X))
        i, j = weights.coords
        values = model.label_distributions_
        squares = ((values[i] - values[j]) ** 2).sum(axis=1)
        energy = 0.5 * (weights.data * squares).sum() / 2
        assert model.history_["objective"][-1] == pytest.approx(energy, rel=1e-8)

    def test_prediction_is_the_mean_over_neighbours(self):
        X, y, _ = moons()
        model = GraphLabelPropagation(n_neighbors=7).fit(X, y)
        new = moons(20, seed=3)[0]
        nearest = NearestNeighbors(n_neighbors=7).fit(X)
        neighbours = nearest.kneighbors(new, return_distance=False)
        expected = model.label_distributions_[neighbours].mean(axis=1)
        np.testing.assert_allclose(model.predict_proba(new), expected)
        np.testing.assert_array_equal(model.predict(new), expected.argmax(axis=1))

    def test_all_labelled_is_nearest_neighbours(self):
        X, _, truth = moons()
        model = GraphLabelPropagation().fit(X, truth)
        np.testing.assert_array_equal(model.transduction_, truth)
        assert (model.n_iter_, model.stop_reason_) == (1, "no unknowns")
        new = moons(50, seed=9)[0]
        peer = KNeighborsClassifier().fit(X, truth)
        np.testing.assert_allclose(model.predict_proba(new), peer.predict_proba(new))

    def test_random_trees_follow_the_seed(self):
        X, y, _ = moons()
        model = GraphLabelPropagation(
            block_rule="random_tree", conjugate=False, max_iter=5000, random_state=0
        )
        first, second = (clone(model).fit(X, y) for _ in range(2))
        other = clone(model).set_params(random_state=1).fit(X, y)
        curve = first.history_["residual"]
        np.testing.assert_array_equal(curve, second.history_["residual"])
        assert not np.array_equal(curve[:5], other.history_["residual"][:5])

    def test_prediction_in_chunks(self):
        import sklearn

        X, y, _ = moons()
        model = GraphLabelPropagation(affinity=rbf_kernel).fit(X, y)
        whole = model.predict_proba(X)
        with sklearn.config_context(working_memory=0.01):
            np.testing.assert_allclose(model.predict_proba(X), whole, rtol=1e-12)


class TestLabels:
    def test_objects(self):
        X, y, _ = moons()
        names = np.array(["left", "right"], dtype=object)[y]
        names[y == -1] = -1
        model = GraphLabelPropagation().fit(X, names)
        numbers = GraphLabelPropagation().fit(X, y)
        np.testing.assert_array_equal(model.classes_, ["left", "right"])
        np.testing.assert_array_equal(
            model.transduction_ == "right", numbers.transduction_ == 1
        )

    def test_strings_need_an_object_array(self):
        X, y, _ = moons()
        with pytest.raises(ValueError, match="use an array of dtype object"):
            GraphLabelPropagation().fit(X, y.astype(str))

    def test_all_unlabelled(self):
        X, y, _ = moons()
        with pytest.raises(ValueError, match="y must hold the label of at least one"):
            GraphLabelPropagation().fit(X, np.full_like(y, -1))

    def test_one_class(self):
        X, y, _ = moons()
        model = GraphLabelPropagation().fit(X, np.where(y == -1, -1, 7))
        np.testing.assert_array_equal(model.transduction_, 7)

    def test_minus_one_and_one_are_two_classes(self):
        X, _, truth = moons()
        with pytest.warns(UserWarning, match="read as two classes"):
            model = GraphLabelPropagation().fit(X, 2 * truth - 1)
        np.testing.assert_array_equal(model.classes_, [-1, 1])

    def test_components_without_a_label_get_the_prior(self):
        X, truth = make_blobs(90, centers=[[0, 0], [99, 0], [0, 99]], random_state=0)
        y = np.full(90, -1)
        for label, count in ((0, 3), (1, 1)):
            y[np.flatnonzero(truth == label)[:count]] = label
        with pytest.warns(UserWarning, match="1 components of the graph, with 30 rows"):
            model = GraphLabelPropagation().fit(X, y)
        np.testing.assert_allclose(model.class_prior_, [0.75, 0.25])
        np.testing.assert_allclose(
            model.label_distributions_[truth == 2], [[0.75, 0.25]] * 30
        )
        for label in (0, 1):
            np.testing.assert_array_equal(model.transduction_[truth == label], label)
        report = model.theory_report(X, y)
        assert report["components without a label"].holds is False

    def test_fewer_rows_than_neighbours(self):
        model = GraphLabelPropagation(n_neighbors=50).fit(
            [[0.0], [1.0], [5.0]], [0, -1, 1]
        )
        np.testing.assert_allclose(model.label_distributions_[1], [0.5, 0.5], atol=1e-6)
        assert GraphLabelPropagation().fit([[0.0]], [3]).predict([[1.0]]) == 3


class TestRefusals:
    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            (np.ones((4, 3)), "needs a square matrix X"),
            (-np.ones((4, 4)), "affinity must be non-negative"),
        ],
    )
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_precomputed(self, weights, message, container):
        model = GraphLabelPropagation(affinity="precomputed")
        with pytest.raises(ValueError, match=message):
            model.fit(container(weights), [0, 1, -1, -1])

    def test_callable(self):
        X, y, _ = moons(20, 5)
        for function, message in (
            (lambda X, Y: X @ Y.T - 5, "affinity must be non-negative"),
            (lambda X, Y: np.full((20, 20), np.nan), "affinity must be non-negative"),
            (lambda X, Y: np.ones((2, 2)), "affinity must return an array of shape"),
        ):
            with pytest.raises(ValueError, match=message):
                GraphLabelPropagation(affinity=function).fit(X, y)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("n_neighbors", 0), ("affinity", "rbf"), ("block_rule", "gs"), ("tol", -1)],
    )
    def test_parameters(self, name, value):
        X, y, _ = moons(20, 5)
        with pytest.raises(ValueError, match=f"The '{name}' parameter"):
            GraphLabelPropagation(**{name: value}).fit(X, y)


class TestConvergence:
    @pytest.mark.parametrize("conjugate", [True, False])
    def test_one_warning_names_the_residual(self, conjugate):
        X, y, _ = moons()
        model = GraphLabelPropagation(max_iter=3, conjugate=conjugate)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y)
        (warning,) = caught
        assert warning.category is ConvergenceWarning
        assert f"The residual is {model.residual_:.2g} after 3" in str(warning.message)
        assert "raise max_iter or tol" in str(warning.message)
        assert warning.filename == __file__
        assert np.isfinite(model.label_distributions_).all()
        np.testing.assert_allclose(model.label_distributions_.sum(axis=1), 1)

    def test_unreachable_tolerance_says_so(self):
        X, y, _ = moons()
        with pytest.warns(ConvergenceWarning, match="rounding keeps it there"):
            model = GraphLabelPropagation(tol=0, max_iter=100_000).fit(X, y)
        assert model.stop_reason_ == "stalled"
        assert model.residual_ < 1e-13

    def test_curves(self):
        X, y, _ = moons()
        model = GraphLabelPropagation(conjugate=False, max_iter=5000).fit(X, y)
        curves = model.history_
        assert {len(curve) for curve in curves.values()} == {model.n_iter_}
        assert np.all(np.diff(curves["objective"]) <= 1e-12)
        assert curves["residual"][-1] == pytest.approx(model.residual_, rel=1e-3)

    def test_callbacks_are_told_every_few_iterations(self):
        X, y, _ = moons(600, 10)
        counts = []

        class Counter:
            def setup(self, estimator, context):
                pass

            teardown = on_fit_task_begin = setup

            def on_fit_task_end(self, estimator, context, **details):
                if context.parent is not None:
                    counts.append(context.task_name)

        model = GraphLabelPropagation(conjugate=False, max_iter=100_000)
        model.set_callbacks(Counter()).fit(X, y)
        assert len(counts) == -(-model.n_iter_ // 25)
        assert set(counts) == {"block solves"}

    def test_labelled_rows_are_scored(self):
        X, y, _ = moons(200, 30)
        monitor = ScoringMonitor(scoring="accuracy")
        model = GraphLabelPropagation(conjugate=False, max_iter=5000)
        model.set_callbacks(monitor).fit(X, y)
        tasks = [
            task for task in monitor.get_logs().data if "solves" in task["task_name"]
        ]
        labelled = y != -1
        accuracy = np.mean(model.predict(X[labelled]) == y[labelled])
        assert tasks[-1]["accuracy"] == pytest.approx(accuracy)


class TestTheory:
    @pytest.mark.parametrize("conjugate", [True, False])
    @pytest.mark.parametrize("tol", [1e-2, 1e-6])
    def test_report_holds(self, conjugate, tol):
        X, y, _ = moons()
        model = GraphLabelPropagation(tol=tol, conjugate=conjugate, max_iter=50_000)
        report = model.fit(X, y).theory_report(X, y)
        judged = [row for row in report if row.relation is not None]
        assert len(judged) >= 8
        assert all(row.holds for row in judged), str(report)

    def test_certificate_bounds_the_inverse_and_the_eigenvalue(self):
        from sklearn_theory.semi_supervised._harmonic import harmonic_system
        from sklearn_theory.semi_supervised._propagation_report import (
            positivity_certificate,
        )

        X, y, _ = moons()
        weights = sparse.csr_array(either_neighbours(X))
        Q = harmonic_system(weights, y, 2).Q
        norm, smallest = positivity_certificate(Q)
        inverse = np.linalg.inv(Q.toarray())
        assert inverse.min() >= -1e-12
        true_norm = inverse.sum(axis=1).max()
        assert true_norm <= norm * (1 + 1e-9)
        assert norm <= 1.5 * true_norm
        assert 0 < smallest <= np.linalg.eigvalsh(Q.toarray())[0] * (1 + 1e-9)

    def test_distance_stays_within_its_bound(self):
        X, y, _ = moons()
        exact = direct_solution(either_neighbours(X), y, [0, 1])
        for tol in (1e-1, 1e-2, 1e-4):
            model = GraphLabelPropagation(tol=tol).fit(X, y)
            bound = model.theory_report(X, y)["distance to the exact values"].bound
            # What is stored is clipped and scaled, which at most doubles the distance.
            assert np.abs(model.label_distributions_ - exact).max() <= 2 * bound


class TestEffect:
    def test_few_labels_on_two_moons(self):
        errors = []
        for seed in range(5):
            X, y, truth = moons(1000, 8, seed)
            known = y != -1
            supervised = KNeighborsClassifier(n_neighbors=1).fit(X[known], y[known])
            model = GraphLabelPropagation().fit(X, y)
            found = model.transduction_, supervised.predict(X)
            errors.append([np.mean(labels != truth) for labels in found])
        propagated, nearest = np.mean(errors, axis=0)
        assert propagated < 0.5 * nearest

    def test_few_labels_on_digits(self):
        X, truth = load_digits(return_X_y=True)
        known = np.random.RandomState(0).choice(len(X), 100, replace=False)
        y = np.full(len(X), -1)
        y[known] = truth[known]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model = GraphLabelPropagation().fit(X, y)
        supervised = KNeighborsClassifier(n_neighbors=1).fit(X[known], truth[known])
        error = np.mean(model.transduction_ != truth)
        assert error < 0.6 * (1 - supervised.score(X, truth))

    def test_float32_is_kept(self):
        X, y, _ = moons()
        model = GraphLabelPropagation().fit(X.astype(np.float32), y)
        assert model.label_distributions_.dtype == np.float32
        assert model.predict_proba(X.astype(np.float32)).dtype == np.float32
