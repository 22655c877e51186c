# SPDX-License-Identifier: BSD-3-Clause
"""LassoCV and ElasticNetCV: scikit-learn's results, in any order and on any backend."""

import inspect
import pickle

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.linear_model as theirs
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold

from sklearn_theory.linear_model import ElasticNet, ElasticNetCV, Lasso, LassoCV
from sklearn_theory.linear_model._penalised_folds import choose, select_rows

# A gap of tol leaves errors of the order of its root in what is predicted.
EXACT = {"tol": 1e-13, "max_iter": 100_000}
# A kernel just compiled and one read from the disk cache do not round alike.
ROUNDING = 1e-8
CLASSES = [LassoCV, ElasticNetCV]
both_classes = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def counterpart(model):
    """scikit-learn's estimator with the same parameters."""
    parameters = model.get_params()
    parameters.pop("weights")
    return getattr(theirs, type(model).__name__)(**parameters)


def assert_same_fit(first, second, rtol=1e-6, atol=0.0):
    np.testing.assert_allclose(first.alphas_, second.alphas_, rtol=1e-9)
    assert first.alpha_ == pytest.approx(second.alpha_, rel=1e-9)
    assert first.mse_path_.shape == second.mse_path_.shape
    np.testing.assert_allclose(first.mse_path_, second.mse_path_, rtol=rtol, atol=atol)
    size = np.abs(second.coef_).max()
    np.testing.assert_allclose(first.coef_, second.coef_, atol=100 * rtol * size)
    assert first.intercept_ == pytest.approx(second.intercept_, rel=1e-5, abs=1e-6)


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.fixture(scope="module")
def wide():
    """More features than rows, shifted columns, as a sparse matrix and a target."""
    rng = np.random.default_rng(0)
    X = sp.random(80, 120, density=0.3, format="csc", rng=rng)
    coef = np.where(np.arange(120) < 6, 3.0, 0.0)
    return X, X @ coef + 0.3 * rng.normal(size=80) + 2.0


class TestDropIn:
    def test_same_parameters_in_the_same_order(self):
        for cls in CLASSES:
            expected = getattr(theirs, cls.__name__)()
            *names, last = inspect.signature(cls).parameters
            assert names == list(inspect.signature(type(expected)).parameters)
            assert last == "weights"
            assert cls().get_params() == {**expected.get_params(), "weights": None}

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"alphas": 20, "eps": 1e-2, "cv": 3},
            {"alphas": [0.01, 1.0, 0.1], "fit_intercept": False},
            {"positive": True, "alphas": 30},
            {"selection": "random", "random_state": 0, "alphas": 30},
            {"cv": KFold(4, shuffle=True, random_state=1), "alphas": 30},
        ],
        ids=repr,
    )
    @both_classes
    def test_same_result_as_scikit_learn(self, cls, diabetes, parameters):
        model = cls(**EXACT, **parameters)
        assert_same_fit(model.fit(*diabetes), counterpart(model).fit(*diabetes))

    @both_classes
    def test_lasso_finds_its_support_at_a_looser_gap(self, cls, diabetes):
        """At 1e-10 the Lasso is exact already; squares leave the root of the gap."""
        model = cls(tol=1e-10).fit(*diabetes)
        exact = counterpart(cls(**EXACT)).fit(*diabetes)
        rtol = 1e-6 if cls is LassoCV else np.sqrt(1e-10)
        np.testing.assert_allclose(model.mse_path_, exact.mse_path_, rtol=rtol)
        assert model.alpha_ == pytest.approx(exact.alpha_, rel=1e-12)

    def test_several_l1_ratios(self, diabetes):
        model = ElasticNetCV(l1_ratio=[0.3, 0.9, 1.0], alphas=25, cv=4, **EXACT)
        other = counterpart(model).fit(*diabetes)
        assert_same_fit(model.fit(*diabetes), other)
        assert model.mse_path_.shape == (3, 25, 4)
        assert model.dual_gap_path_.shape == (3, 25, 4)
        assert model.l1_ratio_ == other.l1_ratio_
        model.set_params(alphas=[1.0, 0.1]).fit(*diabetes)
        assert model.alphas_.tolist() == [1.0, 0.1]

    def test_lasso_keeps_no_l1_ratio(self, diabetes):
        assert not hasattr(LassoCV(alphas=3).fit(*diabetes), "l1_ratio_")

    @both_classes
    def test_sparse(self, cls, wide):
        X, y = wide
        model = cls(alphas=20, eps=1e-2, **EXACT)
        dense = cls(alphas=20, eps=1e-2, **EXACT).fit(X.toarray(), y)
        assert_same_fit(model.fit(X, y), counterpart(model).fit(X, y))
        assert_same_fit(model, dense)
        assert_same_fit(model.fit(sp.csr_array(X), y), dense)

    @both_classes
    def test_sample_weights(self, cls, diabetes, rng):
        X, y = diabetes
        weight = rng.uniform(0, 3, len(y))
        weight[::7] = 0
        model = cls(alphas=30, **EXACT).fit(X, y, sample_weight=weight)
        other = counterpart(model).fit(X, y, sample_weight=weight)
        assert_same_fit(model, other)

    @both_classes
    def test_refuses_what_scikit_learn_refuses(self, cls, diabetes):
        X, y = diabetes
        for alphas in ([1.0, -1.0], [1.0, "a"], [1.0, None]):
            with pytest.raises((ValueError, TypeError)) as expected:
                getattr(theirs, cls.__name__)(alphas=alphas).fit(X, y)
            with pytest.raises(expected.type, match=r"alphas\[1\]"):
                cls(alphas=alphas).fit(X, y)
        with pytest.raises(ValueError, match="use MultiTask"):
            cls().fit(X, np.column_stack([y, y]))
        with pytest.raises(ValueError, match="contains NaN"):
            cls().fit(np.where(X > 0.1, np.nan, X), y)
        with pytest.raises(ValueError, match="must be non-negative and finite"):
            cls(alphas=[1.0, np.inf]).fit(X, y)

    def test_refuses_shares_out_of_range(self, diabetes):
        with pytest.raises(ValueError, match="not supported for l1_ratio=0"):
            ElasticNetCV(l1_ratio=0).fit(*diabetes)
        with pytest.raises(ValueError, match="between 0 and 1, or a list"):
            ElasticNetCV(l1_ratio=[0.5, 1.5]).fit(*diabetes)


class TestExactness:
    @both_classes
    def test_errors_are_those_of_single_fits(self, cls, wide):
        X, y = wide
        model = cls(alphas=[0.1, 0.02], cv=4, **EXACT).fit(X, y)
        single = Lasso if cls is LassoCV else ElasticNet
        for k, (train, test) in enumerate(KFold(4).split(y)):
            for i, alpha in enumerate(model.alphas_):
                fit = single(alpha, **EXACT).fit(X[train], y[train])
                mse = np.mean((fit.predict(X[test]) - y[test]) ** 2)
                assert model.mse_path_[i, k] == pytest.approx(mse, rel=1e-6)

    @both_classes
    def test_refit_is_the_model_at_the_choice(self, cls, diabetes):
        model = cls(alphas=20, **EXACT).fit(*diabetes)
        single = Lasso if cls is LassoCV else ElasticNet
        fit = single(model.alpha_, **EXACT).fit(*diabetes)
        np.testing.assert_allclose(model.coef_, fit.coef_, atol=1e-4)
        assert model.score(*diabetes) == pytest.approx(fit.score(*diabetes))
        assert model.dual_gap_ <= 1e-13 * diabetes[1].var()
        assert model.history_["dual_gap"][-1] == model.dual_gap_
        assert model.history_["n_passes"][-1] == model.n_iter_

    @both_classes
    def test_weight_two_is_the_row_twice(self, cls, diabetes, rng):
        X, y = (part[:90] for part in diabetes)
        count = rng.integers(0, 3, len(y))
        origin = np.repeat(np.arange(len(y)), count)
        half = np.arange(len(y)) % 2 == 0
        folds = [(half, ~half), (~half, half)]
        repeated = [(train[origin], test[origin]) for train, test in folds]
        weighted = cls(alphas=20, cv=folds, **EXACT).fit(X, y, sample_weight=count)
        plain = cls(alphas=20, cv=repeated, **EXACT).fit(X[origin], y[origin])
        assert_same_fit(weighted, plain)

    @both_classes
    def test_scale_of_sample_weights_does_not_matter(self, cls, diabetes):
        X, y = diabetes
        weight = np.full(len(y), 7.0)
        weighted = cls(alphas=10, **EXACT).fit(X, y, sample_weight=weight)
        assert_same_fit(weighted, cls(alphas=10, **EXACT).fit(X, y))
        number = cls(alphas=10).fit(X, y, sample_weight=7.0)
        np.testing.assert_array_equal(number.coef_, cls(alphas=10).fit(X, y).coef_)

    @both_classes
    def test_weights_of_features(self, cls, diabetes):
        """A weight scales the penalty as its inverse scales the column."""
        X, y = diabetes
        weights = np.linspace(0.5, 2, X.shape[1])
        model = cls(alphas=15, weights=weights, **EXACT).fit(X, y)
        if cls is LassoCV:
            scaled = cls(alphas=15, **EXACT).fit(X / weights, y)
            np.testing.assert_allclose(model.alphas_, scaled.alphas_)
            np.testing.assert_allclose(model.mse_path_, scaled.mse_path_, rtol=1e-6)
        excluded = np.where(np.arange(X.shape[1]) == 2, np.inf, 1.0)
        model = cls(alphas=15, weights=excluded, **EXACT).fit(X, y)
        without = cls(alphas=15, **EXACT).fit(np.delete(X, 2, axis=1), y)
        assert model.coef_[2] == 0
        np.testing.assert_allclose(model.mse_path_, without.mse_path_, rtol=1e-6)

    @pytest.mark.parametrize("selection", ["cyclic", "random"])
    def test_jobs_change_nothing(self, diabetes, selection):
        parameters = {"alphas": 20, "l1_ratio": [0.5, 1.0], "selection": selection}
        one, two = (
            ElasticNetCV(n_jobs=n_jobs, random_state=0, **parameters).fit(*diabetes)
            for n_jobs in (1, 2)
        )
        for name in ("mse_path_", "dual_gap_path_", "alphas_", "coef_"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))

    @pytest.mark.parametrize("backend", ["multiprocessing", "loky"])
    def test_processes_change_nothing(self, wide, backend):
        X, y = wide
        with joblib.parallel_config(backend=backend, n_jobs=2):
            distributed = LassoCV(alphas=5, **EXACT).fit(X, y)
        local = LassoCV(alphas=5, **EXACT).fit(X, y)
        assert_same_fit(distributed, local, rtol=ROUNDING)

    def test_dask_changes_nothing(self, diabetes, wide, dask_client):
        for X, y in (diabetes, wide):
            with joblib.parallel_config(backend="dask"):
                distributed = LassoCV(alphas=5, **EXACT).fit(X, y)
                watched = LassoCV(alphas=5).set_callbacks(Stop(2)).fit(X, y)
            local = LassoCV(alphas=5, **EXACT).fit(X, y)
            assert_same_fit(distributed, local, rtol=ROUNDING)
            assert np.isnan(watched.mse_path_[0]).sum() == 3

    @pytest.mark.parametrize("order", ["C", "F"])
    def test_rows_are_copied_once_and_stay_in_columns(self, order):
        X = np.asarray(np.arange(12.0).reshape(4, 3), order=order)
        rows = select_rows(X, np.array([2, 0]))
        np.testing.assert_array_equal(rows, X[[2, 0]])
        assert order == "C" or rows.flags.f_contiguous

    def test_input_is_not_written_to(self, diabetes, wide):
        for X, y in (diabetes, wide):
            before = X.copy()
            LassoCV(alphas=5, copy_X=False).fit(X, y, sample_weight=np.ones(len(y)))
            assert abs(X - before).max() == 0


class TestFolds:
    def test_groups_are_routed_to_the_splitter(self, diabetes):
        X, y = diabetes
        groups = np.arange(len(y)) % 6
        with sklearn.config_context(enable_metadata_routing=True):
            splitter = GroupKFold(3).set_split_request(groups=True)
            model = LassoCV(alphas=10, cv=splitter, **EXACT)
            other = counterpart(model).fit(X, y, groups=groups)
            model.fit(X, y, groups=groups)
        assert_same_fit(model, other)
        explicit = list(GroupKFold(3).split(X, y, groups))
        assert_same_fit(LassoCV(alphas=10, cv=explicit, **EXACT).fit(X, y), model)

    def test_metadata_without_routing_is_refused(self, diabetes):
        with pytest.raises(ValueError, match="groups"):
            LassoCV().fit(*diabetes, groups=np.zeros(len(diabetes[1])))

    def test_folds_without_rows_that_count(self, diabetes):
        X, y = diabetes
        weight = (np.arange(len(y)) > 100).astype(float)
        with pytest.raises(ValueError, match="Fold 0 of cv has no test rows"):
            LassoCV().fit(X, y, sample_weight=weight)
        with pytest.raises(ValueError, match="no training rows"):
            LassoCV(cv=[([], [0, 1])]).fit(X, y)
        with pytest.raises(ValueError, match="one fold at least"):
            LassoCV(cv=[]).fit(X, y)

    def test_one_fold(self, diabetes):
        model = LassoCV(alphas=8, cv=[(np.arange(300), np.arange(300, 442))])
        report = model.fit(*diabetes).theory_report(*diabetes)
        assert model.mse_path_.shape == (8,)
        row = report["standard error of the chosen mean squared error"]
        assert row.holds is None

    def test_choice_takes_the_first_of_equal_errors(self):
        mse = np.ones((2, 3, 2))
        assert choose(mse, 4)[:2] == (0, 0)
        mse[1, 2] = mse[1, 1] = 0.5
        assert choose(mse, 4)[:2] == (1, 1)


class Stop:
    """A callback that asks to stop after so many paths."""

    def __init__(self, n_paths):
        self.n_paths, self.names = n_paths, []

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        self.names.append(context.task_name)
        return self.names.count("path") >= self.n_paths


class TestCallbacks:
    def test_one_task_for_each_path(self, diabetes):
        listener = Stop(np.inf)
        model = ElasticNetCV(alphas=4, l1_ratio=[0.5, 1.0], cv=3)
        model.set_callbacks(listener).fit(*diabetes)
        assert listener.names == ["path"] * 6 + ["cross-validation", "refit", "fit"]

    @pytest.mark.parametrize("n_jobs", [1, 2])
    @pytest.mark.parametrize("n_paths", [1, 2, 5])
    def test_stopped_early_the_folds_done_choose(self, diabetes, n_paths, n_jobs):
        model = ElasticNetCV(alphas=6, l1_ratio=[0.5, 1.0], cv=4, n_jobs=n_jobs)
        whole = model.fit(*diabetes).mse_path_
        stopped = model.set_callbacks(Stop(n_paths)).fit(*diabetes)
        walked = ~np.isnan(stopped.mse_path_).any(axis=1)
        assert walked.sum() == n_paths
        assert walked.T.ravel()[:n_paths].all()
        rows = np.moveaxis(stopped.mse_path_, 1, 2)[walked]
        np.testing.assert_array_equal(rows, np.moveaxis(whole, 1, 2)[walked])
        assert stopped.dual_gap_ <= 1e-4 * diabetes[1].var()
        n_whole = n_paths // 2
        if n_whole:
            best = whole[:, :, :n_whole].mean(axis=2)
            assert stopped.alpha_ == stopped.alphas_.flat[best.argmin()]
        assert np.isfinite(stopped.score(*diabetes))
        assert stopped.theory_report(*diabetes)


class TestTheory:
    @both_classes
    def test_report(self, cls, diabetes):
        model = cls(tol=1e-8).fit(*diabetes)
        report = model.theory_report(*diabetes)
        for name in ("duality gap", "largest relative duality gap on the folds"):
            assert report[name].holds
        row = report["standard error of the chosen mean squared error"]
        place = np.flatnonzero(model.alphas_ == model.alpha_)[0]
        # With half the penalty squared, diabetes wants the weakest of the grid.
        assert (place < 99) == (cls is LassoCV)
        assert report["chosen alpha lies inside its grid"].holds == (0 < place < 99)
        errors = model.mse_path_[place]
        assert row.measured == pytest.approx(errors.std(ddof=1) / np.sqrt(5))
        assert row.bound == pytest.approx(np.mean(model.mse_path_[0] - errors))
        assert row.holds and row.estimate

    def test_a_grid_that_ends_too_early_is_told(self, diabetes):
        model = LassoCV(alphas=[10.0, 1.0]).fit(*diabetes)
        report = model.theory_report(*diabetes)
        assert report["chosen alpha lies inside its grid"].holds is False
        model = LassoCV(alphas=[0.01]).fit(*diabetes)
        report = model.theory_report(*diabetes)
        assert report["chosen alpha lies inside its grid"].holds is None

    @both_classes
    def test_gaps_bound_the_errors_of_the_fits(self, cls, wide):
        """By strong convexity in the predictions, a gap bounds how far they are off."""
        X, y = wide
        folds = list(KFold(3).split(y))
        # Judged on the rows that were fitted, the errors are those of the residuals.
        cv = [(train, train) for train, _ in folds]
        loose = cls(alphas=10, cv=cv, tol=1e-3).fit(X, y)
        exact = cls(alphas=10, cv=cv, **EXACT).fit(X, y)
        scale = np.array([y[train].var() for train, _ in folds])
        off = np.abs(np.sqrt(loose.mse_path_) - np.sqrt(exact.mse_path_))
        assert np.all(off <= np.sqrt(2 * loose.dual_gap_path_ * scale) + 1e-6)

    def test_warns_once_for_all_folds(self, wide):
        X, y = wide
        with pytest.warns(ConvergenceWarning) as record:
            LassoCV(max_iter=1, tol=1e-12, alphas=10).fit(X, y)
        messages = [str(warning.message) for warning in record]
        assert "fits of the folds" in messages[0]
        assert [message for message in messages[1:] if "all rows" not in message] == []

    def test_pickle_keeps_the_report(self, diabetes):
        model = LassoCV(alphas=5).fit(*diabetes)
        loaded = pickle.loads(pickle.dumps(model))
        assert str(loaded.theory_report(*diabetes)) == str(
            model.theory_report(*diabetes)
        )


class TestEffect:
    def test_finds_the_features_that_count(self, wide):
        X, y = wide
        model = LassoCV(cv=5).fit(X, y)
        assert np.all(model.coef_[:6] > 1)
        assert np.abs(model.coef_[6:]).max() < 1
        assert np.min(model.mse_path_.mean(axis=1)) < 0.3 * y.var()
