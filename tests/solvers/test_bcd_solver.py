# SPDX-License-Identifier: BSD-3-Clause
"""BCDSolver and minimize: exact results, certificates, history, refusals."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import nnls
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV

from sklearn_theory.solvers import (
    BCDSolver,
    BoxPenalty,
    ElasticNetPenalty,
    L1Penalty,
    L2Penalty,
    SquaredDatafit,
    minimize,
)
from sklearn_theory.solvers._datafits._base import Datafit

PROXIMAL = {"selection": "gs_q", "update": "prox_newton", "tol": 1e-13}


@pytest.fixture
def data(rng):
    X = rng.normal(size=(60, 12)) * rng.uniform(0.5, 3, 12) + 1
    X[rng.random(X.shape) < 0.4] = 0
    y = X @ (rng.normal(size=12) * (rng.random(12) < 0.5)) + rng.normal(size=60) + 2
    return X, y


@pytest.fixture
def labels(data):
    return np.where(data[1] > np.median(data[1]), 1, -1)


def storages(X):
    return X, sparse.csc_array(X), sparse.coo_matrix(X)


class TestTextbook:
    """Item 1 of what proves it right."""

    @pytest.mark.parametrize("fit_intercept", [False, True])
    def test_the_whole_matrix_is_least_squares_in_one_iteration(
        self, data, fit_intercept
    ):
        X, y = data
        A = np.column_stack([X, np.ones(60)]) if fit_intercept else X
        expected = np.linalg.lstsq(A, y, rcond=None)[0]
        for stored in storages(X):
            model = BCDSolver(block_size=12, fit_intercept=fit_intercept).fit(stored, y)
            assert model.n_iter_ == 1
            np.testing.assert_allclose(model.coef_, expected[:12], rtol=1e-9)
            if fit_intercept:
                assert model.intercept_ == pytest.approx(expected[12], rel=1e-9)

    def test_more_columns_than_rows_give_the_least_norm(self, rng):
        X, y = rng.normal(size=(5, 9)), rng.normal(size=5)
        model = BCDSolver(block_size=9, fit_intercept=False).fit(X, y)
        expected = np.linalg.lstsq(X, y, rcond=None)[0]
        np.testing.assert_allclose(model.coef_, expected, rtol=1e-8)

    def test_gauss_southwell_on_a_quadratic(self, rng):
        A = rng.normal(size=(9, 6))
        Q, b = A.T @ A, rng.normal(size=6)
        x, path = np.zeros(6), []
        for _ in range(40):
            gradient = Q @ x - b
            i = int(np.argmax(np.abs(gradient)))
            x[i] -= gradient[i] / Q[i, i]
            path.append(i)
        for stored in (Q, sparse.csr_array(Q)):
            model = BCDSolver(
                loss="quadratic",
                selection="gs",
                update="gradient",
                block_size=1,
                max_iter=40,
                tol=0,
                record=True,
            ).fit(stored, b)
            np.testing.assert_array_equal(
                np.concatenate(list(model.history_["block"])), path
            )
            np.testing.assert_allclose(model.coef_, x, rtol=1e-10)
            assert model.intercept_ == 0


class TestAgainstScikitLearn:
    @pytest.mark.parametrize("fit_intercept", [False, True])
    def test_lasso_and_elastic_net(self, data, fit_intercept):
        X, y = data
        lasso = Lasso(0.2, fit_intercept=fit_intercept, tol=1e-14, max_iter=10**5)
        net = ElasticNet(
            0.2, l1_ratio=0.4, fit_intercept=fit_intercept, tol=1e-14, max_iter=10**5
        )
        peers = {"l1": lasso.fit(X, y), "elasticnet": net.fit(X, y)}
        for penalty, peer in peers.items():
            for stored in storages(X):
                model = BCDSolver(
                    penalty=penalty,
                    alpha=0.2 * len(y),
                    l1_ratio=0.4,
                    fit_intercept=fit_intercept,
                    block_size=12,
                    **PROXIMAL,
                ).fit(stored, y)
                np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-8)
                assert model.intercept_ == pytest.approx(peer.intercept_, abs=1e-8)
                assert 0 <= model.dual_gap_ <= 1e-9 * (y @ y)

    def test_ridge(self, data):
        X, y = data
        peer = Ridge(3.0).fit(X, y)
        for update in ("gradient", "matrix", "newton", "exact", "lipschitz_ls"):
            model = BCDSolver(
                penalty="l2", alpha=3.0, update=update, tol=1e-10, max_iter=20_000
            ).fit(X, y)
            np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-4)
            assert model.dual_gap_ <= 1e-9 * (y @ y)

    def test_non_negative(self, data):
        X, y = data
        expected, _ = nnls(X, y)
        for update in ("prox_newton", "two_metric", "prox_gradient"):
            for stored in storages(X):
                model = BCDSolver(
                    bounds=(0, np.inf),
                    fit_intercept=False,
                    selection="gs_q",
                    update=update,
                    tol=1e-12,
                    max_iter=20_000,
                ).fit(stored, y)
                np.testing.assert_allclose(model.coef_, expected, atol=1e-8)

    def test_logistic(self, data, labels):
        X, _ = data
        peers = {
            "l1": LogisticRegression(
                l1_ratio=1.0, C=0.5, solver="saga", tol=1e-11, max_iter=10**5
            ),
            "l2": LogisticRegression(C=0.5, tol=1e-10, max_iter=10**4),
        }
        for penalty, peer in peers.items():
            peer.fit(X, labels)
            for stored in storages(X):
                model = BCDSolver(
                    loss="logistic",
                    penalty=penalty,
                    alpha=2.0,
                    block_size=6,
                    max_iter=20_000,
                    selection="gs_q",
                    update="prox_newton",
                    tol=1e-11,
                ).fit(stored, labels)
                np.testing.assert_allclose(model.coef_, peer.coef_[0], atol=1e-5)
                assert model.intercept_ == pytest.approx(peer.intercept_[0], abs=1e-5)
                np.testing.assert_array_equal(model.predict(X), peer.predict(X))

    def test_softmax(self, data):
        X, y = data
        classes = np.array(["a", "b", "c"])[np.digitize(y, np.quantile(y, [0.3, 0.7]))]
        peer = LogisticRegression(C=1.0, tol=1e-11, max_iter=10**4).fit(X, classes)
        for stored in storages(X):
            model = BCDSolver(
                loss="softmax",
                penalty="l2",
                alpha=1.0,
                update="newton",
                block_size=13,
                max_iter=5000,
                tol=1e-11,
            ).fit(stored, classes)
            np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-4)
            assert model.intercept_.shape == (3,)
            np.testing.assert_array_equal(model.predict(X), peer.predict(X))
            assert 0 <= model.dual_gap_ <= 1e-7

    def test_softmax_with_l1_has_the_peers_objective(self, data):
        """The minimiser is not unique, its value and the certificate are."""
        X, y = data
        classes = np.digitize(y, np.quantile(y, [0.3, 0.7]))
        peer = LogisticRegression(
            l1_ratio=1.0, C=0.5, solver="saga", tol=1e-9, max_iter=10**5
        ).fit(X, classes)
        model = BCDSolver(
            loss="softmax",
            penalty="l1",
            alpha=2.0,
            block_size=13,
            max_iter=10_000,
            **{**PROXIMAL, "tol": 1e-9},
        ).fit(X, classes)

        def objective(fitted):
            scores = X @ fitted.coef_.T + fitted.intercept_
            own = scores[np.arange(60), classes]
            loss = (np.logaddexp.reduce(scores, axis=1) - own).sum()
            return loss + 2 * np.abs(fitted.coef_).sum()

        assert objective(model) <= objective(peer) + 1e-6
        assert objective(model) - objective(peer) >= -1e-5
        assert 0 <= model.dual_gap_ <= 1e-5


class TestCertificates:
    def test_unpenalised_gap_is_the_distance_to_least_squares(self, data):
        X, y = data
        for stored in storages(X):
            model = BCDSolver(max_iter=3, tol=0).fit(stored, y)
            A = np.column_stack([X, np.ones(60)])
            best = np.linalg.lstsq(A, y, rcond=None)[1][0] / 2
            reached = ((y - X @ model.coef_ - model.intercept_) ** 2).sum() / 2
            assert model.dual_gap_ == pytest.approx(reached - best, rel=1e-8)

    def test_quadratic_gap_is_exact(self, rng):
        A = rng.normal(size=(30, 20))
        Q, b = A.T @ A, rng.normal(size=20)
        model = BCDSolver(loss="quadratic", max_iter=3, tol=0).fit(Q, b)
        x, best = model.coef_, np.linalg.solve(Q, b)
        expected = (x - best) @ Q @ (x - best) / 2
        assert model.dual_gap_ == pytest.approx(expected, rel=1e-6)

    @pytest.mark.parametrize("loss", ["squared", "logistic", "softmax"])
    @pytest.mark.parametrize(
        "penalty",
        [L1Penalty(2.0), L2Penalty(2.0), ElasticNetPenalty(2.0), BoxPenalty(-0.1, 0.2)],
        ids=lambda penalty: penalty.name,
    )
    def test_gap_is_above_the_true_distance_all_along(
        self, data, labels, loss, penalty
    ):
        X, y = data
        targets = {"squared": y, "logistic": labels, "softmax": labels}
        options = {
            "loss": loss,
            "penalty": penalty,
            "selection": "gs_q",
            "update": "prox_newton",
            "tol": 0,
            "record": True,
        }
        best = BCDSolver(max_iter=500, block_size=13, **options)
        minimum = best.fit(X, targets[loss]).history_["objective"][-1]
        for max_iter in (1, 5, 20, 80):
            model = BCDSolver(max_iter=max_iter, **options).fit(X, targets[loss])
            distance = model.history_["objective"][-1] - minimum
            assert model.dual_gap_ >= distance - 1e-9 * abs(minimum)
        assert best.dual_gap_ <= 1e-4 * abs(minimum)

    def test_no_gap_without_a_dual_point(self, data, labels):
        model = BCDSolver(loss="logistic", update="newton", tol=1e-8, max_iter=3000)
        assert np.isnan(model.fit(data[0], labels).dual_gap_)
        assert model.stop_reason_ == "optimality"


class TestWeights:
    def test_zero_leaves_free_and_infinity_excludes(self, data):
        X, y = data
        weights = np.ones(12)
        weights[3], weights[5] = 0, np.inf
        model = BCDSolver(penalty=L1Penalty(1e4, weights), **PROXIMAL).fit(X, y)
        slope, offset = np.polyfit(X[:, 3], y, 1)
        np.testing.assert_allclose(model.coef_[3], slope, rtol=1e-8)
        assert model.intercept_ == pytest.approx(offset, rel=1e-8)
        assert np.count_nonzero(model.coef_) == 1
        assert 0 <= model.dual_gap_ <= 1e-8 * (y @ y)

    def test_scaled_weights_are_scaled_columns(self, data, rng):
        X, y = data
        weights = rng.uniform(0.5, 2, 12)
        first = BCDSolver(penalty=L1Penalty(5.0, weights), **PROXIMAL).fit(X, y)
        second = BCDSolver(penalty=L1Penalty(5.0), **PROXIMAL).fit(X / weights, y)
        np.testing.assert_allclose(first.coef_, second.coef_ / weights, atol=1e-9)


class TestDegenerateData:
    """Duplicate and zero columns, constant targets, one sample: never NaN."""

    CASES = {
        "duplicates": lambda X, y: (np.hstack([X, X]), y),
        "zero columns": lambda X, y: (X * (np.arange(12) % 2), y),
        "all zero": lambda X, y: (0 * X, y),
        "constant target": lambda X, y: (X, np.full(60, 0.1)),
        "one sample": lambda X, y: (X[:1], y[:1]),
        "one feature": lambda X, y: (X[:, :1], y),
        "wide": lambda X, y: (X[:5], y[:5]),
        "scales": lambda X, y: (X * 10.0 ** np.linspace(-4, 4, 12), y),
    }

    @pytest.mark.parametrize("case", CASES)
    @pytest.mark.parametrize("penalty", ["none", "l1", "box"])
    def test_right_answers(self, data, case, penalty):
        X, y = self.CASES[case](*data)
        options = {} if penalty == "none" else {**PROXIMAL, "tol": 1e-8}
        for stored in storages(X):
            model = BCDSolver(penalty=penalty, alpha=1.0, max_iter=5000, **options).fit(
                stored, y
            )
            assert np.isfinite(model.coef_).all() and np.isfinite(model.intercept_)
            assert model.stop_reason_ != "max_iter"
            assert model.optimality_violation_ <= 1e-6 or model.dual_gap_ <= 1e-6 * (
                y @ y
            )
            assert model.theory_report(X, y)["violation of optimality"].measured <= 1e-3
        if case in ("constant target", "all zero"):
            np.testing.assert_array_equal(model.coef_, 0)

    def test_alpha_from_the_largest_on_gives_zero(self, data):
        X, y = data
        largest = np.abs((X - X.mean(axis=0)).T @ (y - y.mean())).max()
        model = BCDSolver(penalty="l1", alpha=largest * 1.0001, **PROXIMAL).fit(X, y)
        assert model.n_iter_ == 0
        np.testing.assert_array_equal(model.coef_, 0)

    def test_float32_is_kept(self, data):
        X, y = data
        model = BCDSolver().fit(X.astype(np.float32), y.astype(np.float32))
        assert model.coef_.dtype == np.float32


class TestHistory:
    def test_what_is_recorded(self, data):
        X, y = data
        model = BCDSolver(
            penalty="l1", alpha=20.0, block_size=2, record=True, **PROXIMAL
        ).fit(X, y)
        history, n = model.history_, model.n_iter_
        for name in ("objective", "time", "nnz", "active_set_size"):
            assert len(history[name]) == n + 1
        for name in ("block", "progress", "bound", "active_set_changes"):
            assert len(history[name]) == n
        assert history["nnz"][-1] == np.count_nonzero(model.coef_)
        np.testing.assert_array_equal(history["nnz"], history["active_set_size"])
        assert (np.diff(history["time"]) >= 0).all()
        np.testing.assert_allclose(history["progress"], -np.diff(history["objective"]))
        assert (history["progress"] >= history["bound"] - 1e-9 * (y @ y)).all()
        assert (history["active_set_changes"] >= np.abs(np.diff(history["nnz"]))).all()

    def test_without_recording_there_is_none(self, data):
        assert not hasattr(BCDSolver().fit(*data), "history_")

    @pytest.mark.parametrize("selection", ["random", "cyclic", "lipschitz", "gsd"])
    def test_one_step_at_a_time_retraces_the_path(self, data, selection):
        X, y = data
        options = {"selection": selection, "tol": 0, "record": True, "random_state": 4}
        whole = BCDSolver(max_iter=12, **options).fit(X, y)
        for k in range(1, 13):
            part = BCDSolver(max_iter=k, **options).fit(X, y)
            assert part.history_["objective"][-1] == whole.history_["objective"][k]
            assert part.n_iter_ == k
        np.testing.assert_array_equal(part.coef_, whole.coef_)


class TestStopping:
    def test_one_warning_that_names_the_gap(self, data):
        with pytest.warns(ConvergenceWarning) as caught:
            model = BCDSolver(max_iter=2).fit(*data)
        assert len(caught) == 1
        message = str(caught[0].message)
        assert f"dual gap of {model.dual_gap_:.3g}" in message
        assert "Raise max_iter" in message
        assert caught[0].filename == __file__
        assert model.stop_reason_ == "max_iter"

    def test_zero_tolerance_runs_all_iterations_in_silence(self, data):
        model = BCDSolver(max_iter=30, tol=0, selection="random").fit(*data)
        assert model.n_iter_ == 30

    def test_a_tolerance_beyond_rounding_ends(self, data):
        model = BCDSolver(tol=1e-30, max_iter=100_000).fit(*data)
        assert model.n_iter_ < 100_000
        assert model.stop_reason_ in ("stalled", "optimality")

    def test_steps_that_are_not_finite(self):
        class Broken:
            L = np.ones(2)

            def value(self, x):
                return 0.0

            def grad(self, x):
                return np.full(2, np.nan) if x.any() else np.ones(2)

        with pytest.warns(ConvergenceWarning, match="not finite"):
            result = minimize(Broken(), update="gradient", block_size=1)
        assert result.stop_reason == "not finite"
        assert np.isfinite(result.x).all()


class TestMinimize:
    class Rosy:
        """A strictly convex function of three coordinates."""

        L = np.array([4.0, 14.0, 2.5])

        def value(self, x):
            return float(np.logaddexp(0, x).sum() + 0.5 * x @ self.matrix() @ x - x[1])

        def grad(self, x):
            return 1 / (1 + np.exp(-x)) + self.matrix() @ x - np.array([0, 1, 0])

        def block_hessian(self, x, block):
            p = 1 / (1 + np.exp(-x))
            return (np.diag(p * (1 - p)) + self.matrix())[np.ix_(block, block)]

        @staticmethod
        def matrix():
            return np.array([[3.0, 1.0, 0.0], [1.0, 13.0, 1.0], [0.0, 1.0, 2.0]])

    @pytest.mark.parametrize(
        "update", ["gradient", "matrix", "newton", "exact", "lipschitz_ls"]
    )
    def test_any_smooth_function(self, update):
        problem = self.Rosy()
        result = minimize(
            problem, update=update, block_size=2, tol=1e-9, max_iter=2000, record=True
        )
        assert result.converged
        np.testing.assert_allclose(problem.grad(result.x), 0, atol=1e-7)
        assert result.value == pytest.approx(problem.value(result.x))
        assert len(result.history["objective"]) == result.n_iter + 1

    def test_penalty_and_start(self):
        problem = self.Rosy()
        options = {"selection": "gs_q", "update": "prox_newton", "tol": 1e-10}
        results = [
            minimize(problem, x0, penalty=L1Penalty(0.3), max_iter=3000, **options)
            for x0 in (None, np.ones(3))
        ]
        np.testing.assert_allclose(results[0].x, results[1].x, atol=1e-8)
        x, g = results[0].x, problem.grad(results[0].x)
        assert (np.abs(g[x == 0]) <= 0.3 + 1e-8).all()
        np.testing.assert_allclose(g[x != 0], -0.3 * np.sign(x[x != 0]), atol=1e-7)

    def test_a_bad_start(self):
        with pytest.raises(ValueError, match=r"x0 must have shape \(3,\)"):
            minimize(self.Rosy(), np.zeros(2))

    def test_newton_needs_a_hessian(self):
        class Plain:
            L = np.ones(1)
            value = grad = None

        for update in ("newton", "exact"):
            with pytest.raises(ValueError, match=f"update='{update}' needs a problem"):
                minimize(Plain(), update=update)
        with pytest.raises(ValueError, match="selection='gsc' needs"):
            minimize(Plain(), selection="gsc")

    @pytest.mark.parametrize("selection", ["gsd_h", "gsq_iht", "gsq_omp"])
    def test_no_bound_of_the_whole_hessian(self, selection):
        with pytest.raises(ValueError, match=f"{selection}.*bound of the whole"):
            minimize(self.Rosy(), selection=selection, block_size=2)


ILLEGAL = [
    ({"selection": "gsq"}, "'gsq'", "partition='variable'"),
    ({"selection": "gsl"}, "'gsl'", "partition='variable'"),
    ({"selection": "mi"}, "'mi'", "partition='variable'"),
    ({"selection": "gsq_iht", "partition": "sort"}, "'gsq_iht'", "'sort'"),
    ({"selection": "gsq_omp", "partition": "sort"}, "'gsq_omp'", "'sort'"),
    ({"selection": "gsd_h", "partition": "avg"}, "'gsd_h'", "'avg'"),
    ({"selection": "gsd_h", "partition": [0, 0, 1]}, "'gsd_h'", "an array"),
    ({"selection": "gs_q", "penalty": "l1"}, "update='matrix'", "penalty='l1'"),
    (
        {"selection": "gs", "penalty": "l1", "update": "prox_newton"},
        "selection='gs'",
        "penalty='l1'",
    ),
    (
        {"selection": "gs_q", "penalty": "l1", "update": "two_metric"},
        "two_metric",
        "bounds",
    ),
    (
        {
            "selection": "gs_q",
            "penalty": "l1",
            "alpha": 1.0,
            "bounds": (-1, 1),
            "update": "two_metric",
        },
        "two_metric",
        "fix the signs",
    ),
    ({"penalty": "box", "bounds": (0, 1)}, "penalty='box'", "bounds"),
    ({"bounds": (1, 0)}, "bounds", "low <= high"),
    ({"bounds": (0, 1, 2)}, "bounds", "pair"),
    ({"gradient_tracking": "rows"}, "'rows'", "sparse"),
    ({"gradient_tracking": "none"}, "'none'", "greedy"),
    (
        {"gradient_tracking": "gram", "loss": "softmax"},
        "'gram'",
        "loss='softmax'",
    ),
    ({"update": "message_passing"}, "message_passing", "loss='squared'"),
]


class TestRefusals:
    @pytest.mark.parametrize(("parameters", "first", "second"), ILLEGAL)
    def test_illegal_combinations_name_both(self, parameters, first, second):
        with pytest.raises(ValueError) as caught:
            BCDSolver(**parameters).fit(np.eye(3), np.arange(3.0))
        assert first in str(caught.value)
        assert second in str(caught.value)

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("alpha", -1.0),
            ("l1_ratio", 2.0),
            ("block_size", 0),
            ("block_size", -3),
            ("max_iter", 0),
            ("tol", -1.0),
            ("gradient_tracking", "x"),
        ],
    )
    def test_bad_parameters(self, parameter, value):
        with pytest.raises(ValueError, match=parameter):
            BCDSolver(**{parameter: value}).fit(np.eye(3), np.arange(3.0))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_bad_data(self, data, bad):
        X, y = data
        X = X.copy()
        X[0, 0] = bad
        for stored in (X, sparse.csc_array(X)):
            with pytest.raises(ValueError, match=r"NaN|infinity"):
                BCDSolver().fit(stored, y)

    def test_a_loss_that_is_no_datafit(self, data):
        with pytest.raises((ValueError, TypeError)):
            BCDSolver(loss=dict).fit(*data)


class TestParts:
    def test_a_datafit_of_the_users_own(self, data):
        class Scaled(SquaredDatafit):
            name = "scaled"

            def __init__(self, X, y, *, fit_intercept=True):
                super().__init__(3 * X, 3 * y, fit_intercept=fit_intercept)

            def finish(self, x):
                coef, intercept = super().finish(x)
                return coef, intercept / 3

        assert issubclass(Scaled, Datafit)
        own = BCDSolver(loss=Scaled, block_size=12).fit(*data)
        plain = BCDSolver(block_size=12).fit(*data)
        np.testing.assert_allclose(own.coef_, plain.coef_, rtol=1e-8)
        np.testing.assert_allclose(own.predict(data[0]), plain.predict(data[0]))

    def test_parts_stay_unchanged(self, data):
        penalty = L1Penalty(1.0)
        BCDSolver(penalty=penalty, **PROXIMAL).fit(*data)
        assert vars(penalty) == {"alpha": 1.0, "weights": None}

    def test_grid_search(self):
        X, y = load_diabetes(return_X_y=True)
        grid = {
            "alpha": [10.0, 300.0],
            "block_size": [2, 10],
            "selection": ["gs_q", "gs_r"],
        }
        search = GridSearchCV(
            BCDSolver(penalty="l1", update="prox_newton", max_iter=5000),
            grid,
            cv=3,
            error_score="raise",
        ).fit(X, y)
        assert search.best_score_ > 0.3

    def test_memory(self):
        """Sparse rows stay sparse and nothing is as large as p x p."""
        import tracemalloc

        X = sparse.random_array((200, 5000), density=1e-3, rng=0, format="csc")
        y = np.asarray(X.sum(axis=1)).ravel()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for selection in ("gsd", "gsd_h"):
                BCDSolver(selection=selection, max_iter=2).fit(X, y)
                tracemalloc.start()
                BCDSolver(selection=selection, max_iter=50).fit(X, y)
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                assert peak < 200 * 5000 * 8


SMOOTH_RULES = {
    "fixed": ("gs", "gsl", "gsd", "gsq", "gsc", "cyclic", "random", "lipschitz"),
    "variable": ("gs", "gsd", "gsd_h", "gsc", "gsq_iht", "gsq_omp", "cyclic", "gs_q"),
}
SMOOTH_UPDATES = ("gradient", "lipschitz_ls", "matrix", "newton", "prox_newton")


class TestAnyCombination:
    """Random legal rules on random, often degenerate data."""

    def draw_data(self, rng, loss):
        n, p = rng.integers(2, 40), rng.integers(1, 25)
        rank = rng.choice([2, 40])
        X = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, p))
        X *= 10.0 ** rng.uniform(-2, 2, p) * (rng.random((n, p)) < rng.choice([0.2, 1]))
        X[:, -1] = X[:, 0]
        targets = {
            "squared": rng.normal(size=n) + 3,
            "logistic": np.resize([-1, 1], n),
            "softmax": np.arange(n) % min(3, n),
        }
        return X if rng.random() < 0.5 else sparse.csc_array(X), targets[loss]

    def draw_rules(self, rng, penalty):
        kind = str(rng.choice(["fixed", "variable"]))
        if penalty in ("none", "l2"):
            selection, update = (
                rng.choice(SMOOTH_RULES[kind]),
                rng.choice(SMOOTH_UPDATES),
            )
        else:
            selection = rng.choice(["gs_s", "gs_r", "gs_q", "cyclic", "random"])
            update = rng.choice(["prox_gradient", "prox_newton"])
        return {
            "partition": {"fixed": "sort", "variable": "variable"}[kind],
            "selection": str(selection),
            "update": str(update),
            "block_size": int(rng.integers(1, 12)),
        }

    @pytest.mark.parametrize("seed", range(60))
    def test_never_up_never_nan_and_at_least_the_bound(self, seed):
        rng = np.random.default_rng(seed)
        loss = str(rng.choice(["squared", "logistic", "softmax"]))
        penalty = str(rng.choice(["none", "l1", "l2", "elasticnet", "box"]))
        X, y = self.draw_data(rng, loss)
        model = BCDSolver(
            loss=loss,
            penalty=penalty,
            alpha=float(10 ** rng.uniform(-2, 2)),
            l1_ratio=0.5,
            max_iter=60,
            tol=0,
            record=True,
            random_state=0,
            fit_intercept=bool(rng.random() < 0.5),
            **self.draw_rules(rng, penalty),
        ).fit(X, y)
        rounding = 1e-9 * abs(model.history_["objective"][0])
        assert np.isfinite(model.coef_).all()
        assert (model.history_["progress"] >= -rounding).all()
        assert (model.history_["progress"] >= model.history_["bound"] - rounding).all()
        assert not model.dual_gap_ < 0
