# SPDX-License-Identifier: BSD-3-Clause
"""NaiveBayesVsLogistic: its heads, its choice, weights, streams and refusals."""

import warnings

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
)

from sklearn_theory.linear_model import NaiveBayesVsLogistic, SharedVarianceNB
from sklearn_theory.linear_model._head_selection import best_blend_weight

SCALERS = {"minmax": MinMaxScaler, "standard": StandardScaler}
SELECTS = ["auto", "naive_bayes", "logistic", "blend"]


@pytest.fixture
def wine():
    return load_wine(return_X_y=True)


@pytest.fixture(params=["two classes", "three classes"])
def data(request):
    if request.param == "two classes":
        return load_breast_cancer(return_X_y=True)
    return load_wine(return_X_y=True)


class TestHeads:
    @pytest.mark.parametrize("scaling", ["minmax", "standard"])
    @pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky"])
    def test_logistic_head_is_scikit_learns(self, data, scaling, solver):
        X, y = data
        parameters = {"C": 0.7, "tol": 1e-8, "max_iter": 10_000}
        peer = make_pipeline(SCALERS[scaling](), LogisticRegression(**parameters))
        peer.fit(X, y)
        model = NaiveBayesVsLogistic(
            select="logistic", scaling=scaling, solver=solver, **parameters
        ).fit(X, y)
        scale = 1 / (X.max(axis=0) - X.min(axis=0))
        if scaling == "standard":
            scale = 1 / X.std(axis=0)
        np.testing.assert_allclose(model.coef_ / scale, peer[-1].coef_, atol=1e-3)
        np.testing.assert_allclose(
            model.decision_function(X), peer.decision_function(X), atol=1e-2
        )

    def test_logistic_head_without_scaling(self, rng):
        y = rng.integers(3, size=200)
        X = rng.normal(size=(200, 4)) * [0.1, 1, 3, 1] + rng.normal(size=(3, 4))[y] + 5
        parameters = {"tol": 1e-9, "max_iter": 10_000}
        peer = LogisticRegression(**parameters).fit(X, y)
        model = NaiveBayesVsLogistic(select="logistic", scaling=None, **parameters)
        np.testing.assert_allclose(model.fit(X, y).coef_, peer.coef_, atol=1e-3)
        np.testing.assert_allclose(
            model.predict_proba(X), peer.predict_proba(X), atol=1e-3
        )

    @pytest.mark.parametrize("scaling", ["minmax", "standard", None])
    def test_naive_bayes_head_is_that_of_scaled_features(self, data, scaling):
        X, y = data
        X = np.hstack([X, np.ones((len(y), 1))])
        scaler = SCALERS[scaling]() if scaling else "passthrough"
        peer = make_pipeline(scaler, SharedVarianceNB(var_smoothing=0.01)).fit(X, y)
        model = NaiveBayesVsLogistic(
            select="naive_bayes", scaling=scaling, var_smoothing=0.01
        ).fit(X, y)
        np.testing.assert_allclose(
            model.predict_proba(X), peer.predict_proba(X), rtol=1e-8, atol=1e-200
        )
        np.testing.assert_allclose(
            model.naive_bayes_.joint_log_likelihood(X),
            model.naive_bayes_.joint_log_likelihood(sparse.csr_matrix(X)),
        )

    @pytest.mark.parametrize("select", ["naive_bayes", "logistic"])
    def test_coefficients_are_in_the_units_of_the_input(self, data, select):
        X, y = data
        model = NaiveBayesVsLogistic(select=select).fit(X, y)
        scores = X @ model.coef_.T + model.intercept_
        decision = model.decision_function(X)
        np.testing.assert_allclose(
            scores[:, 0] if decision.ndim == 1 else scores, decision
        )
        head = model.naive_bayes_ if select == "naive_bayes" else model.logistic_
        np.testing.assert_array_equal(head.predict(X), model.predict(X))
        np.testing.assert_allclose(head.predict_proba(X), model.predict_proba(X))

    @pytest.mark.parametrize("scaling", ["minmax", "standard"])
    def test_scaler_is_scikit_learns(self, data, scaling):
        X, y = data
        model = NaiveBayesVsLogistic(select="naive_bayes", scaling=scaling).fit(X, y)
        assert isinstance(model.scaler_, SCALERS[scaling])
        np.testing.assert_allclose(
            model.scaler_.transform(X), SCALERS[scaling]().fit_transform(X), atol=1e-9
        )

    def test_far_from_zero(self, wine):
        X, y = wine
        near = NaiveBayesVsLogistic(select="logistic", tol=1e-7).fit(X, y)
        far = NaiveBayesVsLogistic(select="logistic", tol=1e-7).fit(X + 1e6, y)
        np.testing.assert_allclose(
            far.predict_proba(X + 1e6), near.predict_proba(X), atol=1e-4
        )

    def test_warns_if_not_converged(self, wine):
        with pytest.warns(ConvergenceWarning, match="did not converge in max_iter=2"):
            NaiveBayesVsLogistic(max_iter=2).fit(*wine)

    def test_single_precision(self, wine):
        X, y = wine
        single = NaiveBayesVsLogistic(select="logistic", tol=1e-5).fit(
            X.astype(np.float32), y
        )
        double = NaiveBayesVsLogistic(select="logistic", tol=1e-5).fit(X, y)
        np.testing.assert_allclose(
            single.predict_proba(X), double.predict_proba(X), atol=1e-2
        )


class TestSelection:
    def test_out_of_fold_figures_are_those_of_pipelines(self, data):
        X, y = data
        splitter = StratifiedKFold(4, shuffle=True, random_state=0)
        parameters = {"tol": 1e-7, "max_iter": 10_000}
        model = NaiveBayesVsLogistic(cv=splitter, **parameters).fit(X, y)
        heads = {
            "naive_bayes": SharedVarianceNB(),
            "logistic": LogisticRegression(**parameters),
        }
        for fold, (train, test) in enumerate(splitter.split(X, y)):
            for name, head in heads.items():
                peer = make_pipeline(MinMaxScaler(), head).fit(X[train], y[train])
                error = 1 - peer.score(X[test], y[test])
                assert model.cv_errors_[name][fold] == pytest.approx(error)
                probabilities = peer.predict_proba(X[test])
                loss = -np.log(probabilities[np.arange(len(test)), y[test]]).mean()
                assert model.cv_log_losses_[name][fold] == pytest.approx(loss, rel=1e-3)

    def test_auto_takes_the_lower_error(self):
        model = NaiveBayesVsLogistic().fit(*load_digits(return_X_y=True))
        errors = model.cv_errors_
        assert errors["logistic"].mean() < errors["naive_bayes"].mean() - 0.03
        assert model.selected_ == "logistic"
        assert model.blend_weight_ == 0

    def test_auto_takes_naive_bayes_where_it_is_right(self, rng):
        y = rng.integers(4, size=100)
        X = 0.2 * rng.normal(size=(4, 300))[y] + rng.normal(size=(100, 300))
        model = NaiveBayesVsLogistic(C=100.0, random_state=0).fit(X, y)
        assert (
            model.cv_errors_["naive_bayes"].mean() < model.cv_errors_["logistic"].mean()
        )
        assert model.selected_ == "naive_bayes"
        assert model.logistic_ is None
        assert model.blend_weight_ == 1
        assert model.n_iter_ == 1

    def test_ties_go_to_the_lower_log_loss(self, rng):
        """Both heads are perfect; naive Bayes is the surer of the two."""
        y = np.repeat([0, 1], 50)
        X = rng.normal(size=(100, 3)) + 20 * y[:, np.newaxis]
        model = NaiveBayesVsLogistic().fit(X, y)
        assert model.cv_errors_["naive_bayes"].max() == 0
        assert model.cv_errors_["logistic"].max() == 0
        losses = model.cv_log_losses_
        assert losses["naive_bayes"].mean() < losses["logistic"].mean()
        assert model.selected_ == "naive_bayes"

    @pytest.mark.parametrize("select", ["naive_bayes", "logistic"])
    def test_forced_heads_are_not_compared(self, wine, select):
        model = NaiveBayesVsLogistic(select=select).fit(*wine)
        assert model.selected_ == select
        assert model.cv_errors_ is model.cv_log_losses_ is None
        assert model.learning_curves_ is model.crossover_n_ is None

    def test_folds_hold_equal_rows_together(self, rng):
        """With every row given twice, no fold may see its test rows in training."""
        X, y = rng.normal(size=(60, 40)), rng.integers(2, size=60)
        model = NaiveBayesVsLogistic(C=1e4).fit(np.tile(X, (2, 1)), np.tile(y, 2))
        assert model.cv_errors_["logistic"].mean() > 0.25

    def test_splits_must_train_every_class(self, wine):
        X, y = wine
        splits = [(np.flatnonzero(y != 2), np.flatnonzero(y == 2))]
        with pytest.raises(ValueError, match="split 0 trains without any row of class"):
            NaiveBayesVsLogistic(cv=splits).fit(X, y)

    def test_random_state_picks_the_folds(self, wine):
        def errors(random_state):
            model = NaiveBayesVsLogistic(random_state=random_state)
            return model.fit(*wine).cv_log_losses_["logistic"]

        np.testing.assert_array_equal(errors(None), errors(None))
        np.testing.assert_array_equal(errors(3), errors(np.random.RandomState(3)))
        assert np.abs(errors(3) - errors(4)).max() > 1e-4

    def test_threads_change_nothing(self, wine):
        alone = NaiveBayesVsLogistic(learning_curve=True).fit(*wine)
        together = NaiveBayesVsLogistic(learning_curve=True, n_jobs=2).fit(*wine)
        np.testing.assert_array_equal(alone.coef_, together.coef_)
        np.testing.assert_array_equal(
            alone.learning_curves_["lr_errors"], together.learning_curves_["lr_errors"]
        )

    def test_priors_belong_to_naive_bayes(self, wine):
        X, y = wine
        priors = [0.01, 0.01, 0.98]
        model = NaiveBayesVsLogistic(priors=priors, select="naive_bayes").fit(X, y)
        plain = NaiveBayesVsLogistic(select="naive_bayes").fit(X, y)
        shift = np.log(priors) - np.log(np.bincount(y) / len(y))
        difference = model.decision_function(X) - plain.decision_function(X) - shift
        np.testing.assert_allclose(np.ptp(difference, axis=1), 0, atol=1e-9)

    def test_grid_search(self, wine):
        grid = {
            "naivebayesvslogistic__C": [0.1, 1],
            "naivebayesvslogistic__select": SELECTS,
        }
        search = GridSearchCV(
            make_pipeline(StandardScaler(), NaiveBayesVsLogistic(cv=3)), grid, cv=3
        )
        assert search.fit(*wine).best_score_ > 0.95


class TestBlend:
    def test_log_loss_is_at_most_that_of_either(self, data):
        X, y = data
        folds = list(StratifiedKFold(5).split(X, y))
        model = NaiveBayesVsLogistic(select="blend", cv=folds).fit(X, y)
        pooled = np.zeros((3, len(y), len(np.unique(y))))
        for train, test in folds:
            for place, select in enumerate(["naive_bayes", "logistic"]):
                head = NaiveBayesVsLogistic(select=select).fit(X[train], y[train])
                pooled[place, test] = head.predict_proba(X[test])
        weight = model.blend_weight_
        pooled[2] = weight * pooled[0] + (1 - weight) * pooled[1]
        losses = [log_loss(y, part) for part in pooled]
        assert 0 < weight < 1
        assert losses[2] <= min(losses[:2]) + 1e-6

    def test_posterior_is_the_mixture(self, data):
        X, y = data
        model = NaiveBayesVsLogistic(select="blend").fit(X, y)
        weight = model.blend_weight_
        expected = weight * model.naive_bayes_.predict_proba(X)
        expected += (1 - weight) * model.logistic_.predict_proba(X)
        np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-6)
        assert model.selected_ == "blend"

    @pytest.mark.parametrize("seed", range(20))
    def test_weight_minimises_the_log_loss(self, seed):
        rng = np.random.default_rng(seed)
        first, second = -rng.exponential(rng.exponential(20, (2, 1)), (2, 30))
        weight = rng.integers(1, 4, 30)
        a = best_blend_weight(first, second, weight)
        grid = np.linspace(0, 1, 1001)[:, np.newaxis]

        def loss(a):
            with np.errstate(divide="ignore"):
                mixed = np.logaddexp(np.log(a) + first, np.log1p(-a) + second)
            return -np.average(mixed, weights=weight, axis=-1)

        assert loss(a) <= loss(grid).min() + 1e-12

    def test_extreme_probabilities_are_not_clipped(self):
        first, second = np.array([[-1e4, -1.0], [-2.0, -1e4]])
        assert best_blend_weight(first, second, np.ones(2)) == pytest.approx(0.5)
        assert best_blend_weight(first, first, np.ones(2)) in (0, 1)
        assert best_blend_weight(first + 1, first, np.ones(2)) == 1

    def test_has_no_coefficients(self, wine):
        model = NaiveBayesVsLogistic(select="blend").fit(*wine)
        with pytest.raises(
            AttributeError, match="has no 'coef_': the classifier is blend"
        ):
            _ = model.coef_
        assert not hasattr(NaiveBayesVsLogistic(), "intercept_")


class TestWeights:
    @pytest.mark.parametrize("select", SELECTS)
    @pytest.mark.parametrize("learning_curve", [False, True])
    def test_scikit_learns_check(self, select, learning_curve):
        model = NaiveBayesVsLogistic(select=select, learning_curve=learning_curve)
        check_sample_weight_equivalence_on_dense_data("NaiveBayesVsLogistic", model)
        check_sample_weight_equivalence_on_sparse_data("NaiveBayesVsLogistic", model)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
    @pytest.mark.parametrize("select", SELECTS)
    def test_weight_is_repetition_also_in_what_is_chosen(self, rng, select, container):
        """Dealt folds, the choice and the curves are the same to the last bit."""
        X, y = load_iris(return_X_y=True)
        weight = rng.integers(0, 4, len(y))
        order = rng.permutation(weight.sum())
        model = NaiveBayesVsLogistic(
            select=select, learning_curve=True, n_repeats=3, random_state=0
        )
        weighted = clone(model).fit(container(X), y, sample_weight=weight)
        repeated = clone(model).fit(
            container(X.repeat(weight, axis=0)[order]), y.repeat(weight)[order]
        )
        assert weighted.selected_ == repeated.selected_
        assert weighted.blend_weight_ == repeated.blend_weight_
        assert weighted.crossover_n_ == repeated.crossover_n_
        for name, curve in weighted.learning_curves_.items():
            np.testing.assert_array_equal(curve, repeated.learning_curves_[name])
        np.testing.assert_array_equal(
            weighted.predict_proba(X), repeated.predict_proba(X)
        )

    def test_weight_zero_is_absence(self, wine):
        X, y = wine
        weight = (np.arange(len(y)) % 3 > 0).astype(float)
        weighted = NaiveBayesVsLogistic().fit(X, y, sample_weight=weight)
        absent = NaiveBayesVsLogistic().fit(X[weight > 0], y[weight > 0])
        np.testing.assert_array_equal(weighted.coef_, absent.coef_)

    def test_a_class_without_weight_is_absent(self, wine):
        X, y = wine
        model = NaiveBayesVsLogistic().fit(X, y, sample_weight=(y < 2).astype(float))
        np.testing.assert_array_equal(model.classes_, [0, 1])

    @pytest.mark.parametrize("select", SELECTS)
    def test_order_of_rows_has_no_influence(self, wine, rng, select):
        X, y = wine
        order = rng.permutation(len(y))
        first = NaiveBayesVsLogistic(select=select).fit(X, y)
        second = NaiveBayesVsLogistic(select=select).fit(X[order], y[order])
        np.testing.assert_allclose(
            first.decision_function(X),
            second.decision_function(X),
            rtol=1e-10,
            atol=1e-10,
        )

    def test_fractional_weights(self, wine, rng):
        X, y = wine
        weight = rng.uniform(0.1, 3, len(y))
        model = NaiveBayesVsLogistic(select="logistic", tol=1e-8, max_iter=10_000)
        model.fit(X, y, sample_weight=weight)
        peer = LogisticRegression(tol=1e-8, max_iter=10_000)
        peer.fit(MinMaxScaler().fit_transform(X), y, sample_weight=weight)
        width = X.max(axis=0) - X.min(axis=0)
        np.testing.assert_allclose(model.coef_ * width, peer.coef_, atol=1e-3)

    def test_routing(self, wine):
        X, y = wine
        weight = np.arange(len(y)) % 3
        with sklearn.config_context(enable_metadata_routing=True):
            model = NaiveBayesVsLogistic().set_fit_request(sample_weight=True)
            pipeline = make_pipeline(StandardScaler(), model)
            pipeline[0].set_fit_request(sample_weight=False)
            pipeline.fit(X, y, sample_weight=weight)
        Z = StandardScaler().fit_transform(X)
        direct = NaiveBayesVsLogistic().fit(Z, y, sample_weight=weight)
        np.testing.assert_array_equal(pipeline[-1].coef_, direct.coef_)


class TestSparse:
    @pytest.mark.parametrize("scaling", ["minmax", "standard", None])
    @pytest.mark.parametrize("select", SELECTS)
    @pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
    def test_is_dense_whatever_the_signs(self, rng, scaling, select, container):
        y = rng.integers(3, size=150)
        X = (
            rng.normal(size=(150, 6)) * (rng.uniform(size=(150, 6)) < 0.4)
            + (y == 1)[:, None]
        )
        model = NaiveBayesVsLogistic(
            select=select, scaling=scaling, tol=1e-7, random_state=0
        )
        dense = clone(model).fit(X, y)
        light = clone(model).fit(container(X), y)
        assert light.selected_ == dense.selected_
        assert light.blend_weight_ == pytest.approx(dense.blend_weight_, abs=1e-4)
        np.testing.assert_allclose(
            light.predict_proba(container(X)), dense.predict_proba(X), atol=1e-4
        )
        if select == "auto":
            np.testing.assert_array_equal(
                light.cv_errors_["logistic"], dense.cv_errors_["logistic"]
            )

    @pytest.mark.parametrize("solver", ["lbfgs", "newton-cg"])
    def test_is_not_densified(self, rng, solver):
        X = sparse.random(1500, 50_000, density=2e-4, format="csr", random_state=rng)
        y = rng.integers(2, size=1500)
        model = NaiveBayesVsLogistic(cv=2, solver=solver)  # 600 MB if it were dense
        assert model.fit(X, y).predict(X).shape == (1500,)


class TestStream:
    def test_goes_on_with_naive_bayes_after_fit(self, data):
        X, y = data
        order = np.random.default_rng(0).permutation(len(y))
        X, y = X[order], y[order]
        model = NaiveBayesVsLogistic(select="blend").fit(X[:100], y[:100])
        model.partial_fit(X[100:], y[100:])
        whole = NaiveBayesVsLogistic(select="naive_bayes").fit(X, y)
        assert model.selected_ == "naive_bayes"
        assert model.logistic_ is model.cv_errors_ is None
        np.testing.assert_allclose(
            model.predict_proba(X), whole.predict_proba(X), rtol=1e-8, atol=1e-200
        )
        np.testing.assert_allclose(
            model.scaler_.transform(X), whole.scaler_.transform(X), atol=1e-12
        )
        assert model.fit(X, y).selected_ == "blend"

    def test_from_nothing_in_batches_of_one(self, wine):
        X, y = wine
        model = NaiveBayesVsLogistic(scaling="standard")
        for row in range(len(y)):
            model.partial_fit(X[[row]], y[[row]], classes=[0, 1, 2])
        whole = NaiveBayesVsLogistic(scaling="standard", select="naive_bayes").fit(X, y)
        np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-9)

    def test_labels_outside_the_classes(self, wine):
        X, y = wine
        model = NaiveBayesVsLogistic(select="naive_bayes").fit(X, y)
        with pytest.raises(ValueError, match="not among the classes"):
            model.partial_fit(X, y + 1)
        with pytest.raises(ValueError, match="classes must be passed on the first"):
            NaiveBayesVsLogistic().partial_fit(X, y)


class TestFewRows:
    def test_cv_is_reduced_to_the_smallest_class(self, wine):
        X, y = wine
        rows = np.concatenate(
            [np.flatnonzero(y == k)[:size] for k, size in enumerate((9, 3, 9))]
        )
        with pytest.warns(
            UserWarning, match="smallest class has 3 distinct .* 3 folds"
        ):
            model = NaiveBayesVsLogistic(cv=5).fit(X[rows], y[rows])
        assert len(model.cv_errors_["logistic"]) == 3

    @pytest.mark.parametrize(
        ("select", "selected"), [("auto", "naive_bayes"), ("blend", "blend")]
    )
    def test_a_class_of_one_row(self, wine, select, selected):
        X, y = wine
        rows = np.flatnonzero(y < 2)
        rows = np.append(rows, np.flatnonzero(y == 2)[:1])
        with pytest.warns(UserWarning, match="no cross-validation is possible"):
            model = NaiveBayesVsLogistic(select=select).fit(X[rows], y[rows])
        assert model.selected_ == selected
        assert model.blend_weight_ == 1
        assert model.cv_errors_ is None

    def test_one_row_given_many_times_is_one_row(self, wine):
        X, y = wine
        first = [np.flatnonzero(y == k)[0] for k in range(3)]
        with pytest.warns(UserWarning, match="smallest class has 1 distinct"):
            model = NaiveBayesVsLogistic().fit(
                np.tile(X[first], (9, 1)), np.tile(y[first], 9)
            )
        assert model.score(X[first], y[first]) == 1

    def test_no_curve_without_rows_to_hold_out(self, wine):
        X, y = wine
        first = [np.flatnonzero(y == k)[0] for k in range(3)]
        model = NaiveBayesVsLogistic(select="logistic", learning_curve=True)
        with pytest.warns(UserWarning, match="No learning curve can be measured"):
            model.fit(X[first], y[first])
        assert model.learning_curves_ is None
        assert model.crossover_n_ is None


class Stopper:
    """A callback that records the names of tasks and may ask to stop one kind."""

    def __init__(self, stop=None):
        self.stop, self.names = stop, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.names.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        return context.task_name == self.stop


class TestCallbacks:
    def test_tasks(self, wine):
        callback = Stopper()
        model = NaiveBayesVsLogistic(cv=3, learning_curve=True, n_repeats=2)
        model.set_callbacks(callback).fit(*wine)
        assert callback.names == [
            "fit",
            "cross-validation",
            *["fold"] * 3,
            "learning curve",
            *["repeat"] * 2,
            "refit",
        ]

    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_a_stop_keeps_what_was_measured(self, wine, n_jobs):
        model = NaiveBayesVsLogistic(learning_curve=True, random_state=0, n_jobs=n_jobs)
        whole = clone(model).fit(*wine)
        folds = clone(model).set_callbacks(Stopper("fold")).fit(*wine)
        np.testing.assert_array_equal(
            folds.cv_log_losses_["logistic"], whole.cv_log_losses_["logistic"][:1]
        )
        assert folds.learning_curves_["lr_errors"].shape[0] == 5
        repeats = clone(model).set_callbacks(Stopper("repeat")).fit(*wine)
        np.testing.assert_array_equal(
            repeats.learning_curves_["lr_errors"],
            whole.learning_curves_["lr_errors"][:1],
        )
        assert len(repeats.cv_errors_["logistic"]) == 5
        assert repeats.score(*wine) > 0.9

    def test_progress_bar(self, wine, capsys):
        NaiveBayesVsLogistic().set_callbacks(ProgressBar()).fit(*wine)
        assert "cross-validation" in capsys.readouterr().out


class TestTheoryReport:
    @pytest.mark.parametrize("select", SELECTS)
    def test_bounds_hold(self, data, select):
        X, y = data
        model = NaiveBayesVsLogistic(select=select, learning_curve=True).fit(X, y)
        report = model.theory_report(X, y)
        judged = [row for row in report if row.relation == "<="]
        assert all(row.holds for row in judged)
        assert report["two regimes: crossover"].measured == model.crossover_n_
        names = [row.name for row in report]
        assert ("error of the logistic head" in names) == (model.logistic_ is not None)

    def test_errors_are_those_of_the_heads(self, wine):
        X, y = wine
        model = NaiveBayesVsLogistic(select="blend").fit(X, y)
        report = model.theory_report(sparse.csr_matrix(X), y)
        for name, head in {
            "naive Bayes": model.naive_bayes_,
            "the logistic head": model.logistic_,
        }.items():
            row = report[f"error of {name}"]
            assert row.measured == pytest.approx(1 - head.score(X, y))
            loss = log_loss(y, head.predict_proba(X))
            assert row.bound == pytest.approx(min(1, np.sqrt(2 * loss)), rel=1e-6)


class TestRefusals:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"C": 0}, "The 'C' parameter"),
            ({"C": -1.0}, "The 'C' parameter"),
            ({"select": "best"}, "The 'select' parameter"),
            ({"scaling": "robust"}, "The 'scaling' parameter"),
            ({"var_smoothing": 0.0}, "The 'var_smoothing' parameter"),
            ({"cv": 1}, "The 'cv' parameter"),
            ({"n_repeats": 0}, "The 'n_repeats' parameter"),
            ({"solver": "saga"}, "The 'solver' parameter"),
            ({"max_iter": 0}, "The 'max_iter' parameter"),
            ({"tol": 0.0}, "The 'tol' parameter"),
            ({"priors": [0.5, 0.5]}, "priors must hold one probability for each"),
            ({"priors": [0.5, 0.7, -0.2]}, "priors must be non-negative"),
            ({"priors": [0.5, 0.2, 0.2]}, "priors must sum to 1"),
        ],
    )
    def test_parameters(self, wine, parameters, message):
        with pytest.raises(ValueError, match=message):
            NaiveBayesVsLogistic(**parameters).fit(*wine)

    @pytest.mark.parametrize(
        ("train_sizes", "message"),
        [
            ([2, 50], "train_sizes must lie between the number of classes, 3, and"),
            ([10, 10_000], "train_sizes must lie between"),
            ([0.5, 1.5], r"fractions in \(0, 1\]"),
            ([], "non-empty one-dimensional"),
            ([[10, 20]], "non-empty one-dimensional"),
        ],
    )
    def test_train_sizes(self, wine, train_sizes, message):
        model = NaiveBayesVsLogistic(learning_curve=True, train_sizes=train_sizes)
        with pytest.raises(ValueError, match=message):
            model.fit(*wine)

    @pytest.mark.parametrize("select", SELECTS)
    def test_one_class(self, wine, select):
        X, y = wine
        with pytest.raises(ValueError, match="only one class is present"):
            NaiveBayesVsLogistic(select=select).fit(X, np.zeros(len(y)))

    def test_splitters_that_need_groups(self, wine):
        with pytest.raises(ValueError, match="groups"):
            NaiveBayesVsLogistic(cv=GroupKFold(2)).fit(*wine)


def test_no_warning_on_plain_data(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NaiveBayesVsLogistic(learning_curve=True).fit(*data)
