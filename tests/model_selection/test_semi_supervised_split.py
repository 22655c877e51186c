# SPDX-License-Identifier: BSD-3-Clause
"""Only labelled rows are held out, and all unlabelled rows are trained on."""

import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_theory.model_selection import SemiSupervisedSplit
from sklearn_theory.semi_supervised import SelfTrainer

SPLITTERS = [
    None,
    3,
    KFold(4),
    StratifiedKFold(3, shuffle=True, random_state=0),
    RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=1),
    ShuffleSplit(3, random_state=2),
    LeaveOneOut(),
]


@pytest.fixture
def data(rng):
    y = np.repeat([0, 1, 2], 20)
    X = rng.normal(size=(60, 2)) + 3 * y[:, None]
    unlabelled = rng.permutation(60)[:33]
    return X, np.where(np.isin(np.arange(60), unlabelled), -1, y)


class TestExactness:
    @pytest.mark.parametrize("cv", SPLITTERS, ids=repr)
    def test_is_the_wrapped_splitter_on_labelled_rows(self, data, cv):
        X, y = data
        labelled = np.flatnonzero(y != -1)
        wrapped = StratifiedKFold(cv or 5) if isinstance(cv, int | None) else cv
        expected = list(wrapped.split(X[labelled], y[labelled]))
        splits = list(SemiSupervisedSplit(cv).split(X, y))
        assert len(splits) == len(expected)
        for (train, test), (train_, test_) in zip(splits, expected):
            np.testing.assert_array_equal(test, labelled[test_])
            np.testing.assert_array_equal(train[: len(train_)], labelled[train_])
            np.testing.assert_array_equal(train[len(train_) :], np.flatnonzero(y == -1))

    @pytest.mark.parametrize("cv", SPLITTERS, ids=repr)
    def test_without_unlabelled_rows_it_is_the_wrapped_splitter(self, data, cv):
        X, y = data
        X, y = X[y != -1], y[y != -1]
        wrapped = StratifiedKFold(cv or 5) if isinstance(cv, int | None) else cv
        pairs = zip(wrapped.split(X, y), SemiSupervisedSplit(cv).split(X, y))
        for expected, actual in pairs:
            np.testing.assert_array_equal(actual[0], expected[0])
            np.testing.assert_array_equal(actual[1], expected[1])

    def test_continuous_labels_get_plain_folds(self, rng):
        y = rng.normal(size=20)
        y[::4] = np.nan
        splitter = SemiSupervisedSplit(3, unlabeled_value=np.nan)
        tests = [test for _, test in splitter.split(np.zeros((20, 1)), y)]
        expected = [test for _, test in KFold(3).split(np.zeros(15))]
        labelled = np.flatnonzero(~np.isnan(y))
        for test, positions in zip(tests, expected):
            np.testing.assert_array_equal(test, labelled[positions])

    @pytest.mark.parametrize("as_iterator", [False, True])
    def test_given_splits_are_of_all_rows(self, data, as_iterator):
        X, y = data
        given = list(KFold(3).split(X))
        cv = SemiSupervisedSplit(iter(given) if as_iterator else given)
        for _ in range(2):
            for (train, test), (train_, test_) in zip(cv.split(X, y), given):
                np.testing.assert_array_equal(test, test_[y[test_] != -1])
                known = train_[y[train_] != -1]
                np.testing.assert_array_equal(train[: len(known)], known)
                assert set(train[len(known) :]) == set(np.flatnonzero(y == -1))

    def test_given_splits_may_be_masks(self):
        y = np.array([0, 1, -1, 1])
        cv = [
            (np.array([True, False, True, False]), np.array([0, 1, 0, 1], dtype=bool))
        ]
        ((train, test),) = SemiSupervisedSplit(cv).split(np.zeros((4, 1)), y)
        np.testing.assert_array_equal(train, [0, 2])
        np.testing.assert_array_equal(test, [1, 3])

    @pytest.mark.parametrize("cv", [*SPLITTERS, [([0], [1]), ([1], [0])]], ids=repr)
    def test_number_of_splits(self, data, cv):
        X, y = data
        if isinstance(cv, list):
            X, y = X[y != -1], y[y != -1]
        splitter = SemiSupervisedSplit(cv)
        n_splits = len(list(splitter.split(X, y)))
        assert splitter.get_n_splits(X, y) == n_splits
        assert splitter.get_n_splits(y=y) == n_splits
        if not isinstance(cv, LeaveOneOut):
            assert splitter.get_n_splits() == n_splits

    def test_groups(self, data, rng):
        X, y = data
        groups = rng.integers(5, size=60)
        splitter = SemiSupervisedSplit(LeaveOneGroupOut())
        for train, test in splitter.split(X, y, groups):
            assert len(set(groups[test])) == 1
            known = train[y[train] != -1]
            assert not set(groups[known]) & set(groups[test])
        n_groups = len(set(groups[y != -1]))
        assert splitter.get_n_splits(X, y, groups) == n_groups


class TestLabels:
    @pytest.mark.parametrize(
        "names, unlabeled_value",
        [
            (np.array(["a", "b", "c", -1], dtype=object), -1),
            (np.array(["a", "b", "c", ""]), ""),
            (np.array(["a", "b", "c", "?"], dtype=object), "?"),
            (np.array(["a", "b", "c", None], dtype=object), None),
            (np.array(["a", "b", "c", None], dtype=object), np.nan),
            (np.array([7, 8, 9, 0]), 0),
            (np.array([0.0, 1.0, 2.0, np.nan]), np.nan),
        ],
        ids=str,
    )
    def test_markers(self, data, names, unlabeled_value):
        X, y = data
        expected = SemiSupervisedSplit(3).split(X, y)
        splitter = SemiSupervisedSplit(3, unlabeled_value=unlabeled_value)
        for (train, test), (train_, test_) in zip(
            splitter.split(X, names[y]), expected, strict=True
        ):
            np.testing.assert_array_equal(train, train_)
            np.testing.assert_array_equal(test, test_)

    @pytest.mark.parametrize("container", [list, pd.Series, np.atleast_2d])
    def test_containers(self, data, container):
        X, y = data
        y_given = container(y).T if container is np.atleast_2d else container(y)
        pairs = zip(
            SemiSupervisedSplit(3).split(X, y),
            SemiSupervisedSplit(3).split(pd.DataFrame(X), y_given),
        )
        for expected, actual in pairs:
            np.testing.assert_array_equal(actual[1], expected[1])

    def test_missing_values_of_pandas(self):
        y = pd.Series(["a", "b", None, "a", "b", pd.NA])
        ((_, test), _) = SemiSupervisedSplit(2, unlabeled_value=None).split(y, y)
        assert set(test) <= {0, 1, 3, 4}


class TestBadInput:
    def test_y_is_needed(self):
        with pytest.raises(ValueError, match="SemiSupervisedSplit needs y"):
            next(SemiSupervisedSplit().split(np.zeros((3, 1))))

    def test_no_label(self):
        with pytest.raises(ValueError, match=r"y must hold .* all 3 are -1"):
            next(SemiSupervisedSplit().split(np.zeros((3, 1)), [-1, -1, -1]))

    def test_strings_that_look_like_the_number(self):
        with pytest.raises(
            ValueError, match=r"y has dtype string, where -1 has become"
        ):
            next(SemiSupervisedSplit().split(np.zeros((2, 1)), ["a", "-1"]))

    def test_a_string_among_numbers(self):
        splitter = SemiSupervisedSplit(unlabeled_value="none")
        with pytest.raises(ValueError, match="y has dtype int64, and cannot hold"):
            next(splitter.split(np.zeros((2, 1)), [0, 1]))

    def test_missing_values_that_nobody_announced(self):
        with pytest.raises(
            ValueError, match="y holds NaN or None; give unlabeled_value"
        ):
            next(SemiSupervisedSplit().split(np.zeros((3, 1)), [0, np.nan, -1]))

    def test_fewer_labels_than_folds(self):
        with pytest.raises(
            ValueError, match=r"cv cannot split the 3 labelled rows of y"
        ):
            next(
                SemiSupervisedSplit(KFold(4)).split(np.zeros((5, 1)), [0, 1, 1, -1, -1])
            )

    def test_a_splitter_that_knows_all_rows(self, data):
        cv = PredefinedSplit(np.arange(60) % 3)
        with pytest.raises(ValueError, match=r"give its splits instead: cv=list"):
            list(SemiSupervisedSplit(cv).split(*data))
        taught = SemiSupervisedSplit(list(cv.split()))
        assert sum(len(test) for _, test in taught.split(*data)) == 27

    def test_a_test_set_without_labels(self):
        cv = SemiSupervisedSplit([([0], [1])])
        with pytest.raises(
            ValueError, match="cv has a test set without a labelled row"
        ):
            next(cv.split(np.zeros((2, 1)), [0, -1]))

    @pytest.mark.parametrize("cv", ["five", 1, 2.5])
    def test_cv(self, cv):
        with pytest.raises(ValueError, match=r"cv|n_splits"):
            SemiSupervisedSplit(cv)

    def test_lengths(self):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            next(SemiSupervisedSplit().split(np.zeros((3, 1)), [0, 1]))


class Memory(ClassifierMixin, BaseEstimator):
    """Remembers what it was given."""

    def __init__(self, wrong=False):
        self.wrong = wrong

    def fit(self, X, y):
        self.y_ = np.array(y)
        self.classes_ = np.unique(self.y_[self.y_ != -1])
        return self

    def predict(self, X):
        assert self.wrong or np.asarray(X)[:, 0].min() >= 0, "an unlabelled row"
        return np.asarray(X)[:, 0] + self.wrong


@pytest.fixture
def telling(data):
    """Rows that hold their own labels, and -1 where they have none."""
    y = data[1]
    return np.column_stack([y, y]).astype(float), y


class TestInScikitLearn:
    def test_grid_search(self, telling):
        X, y = telling
        search = GridSearchCV(
            Memory(), {"wrong": [True, False]}, cv=SemiSupervisedSplit(3)
        ).fit(X, y)
        assert search.best_params_ == {"wrong": False}
        assert search.best_score_ == 1
        np.testing.assert_array_equal(search.best_estimator_.y_, y)
        assert search.n_splits_ == 3

    def test_search_over_policies(self, data):
        X, y = data
        grid = {"policy": ["bound", "fixed"], "estimator__var_smoothing": [1e-9, 0.1]}
        search = GridSearchCV(
            SelfTrainer(GaussianNB()),
            grid,
            cv=SemiSupervisedSplit(3),
            error_score="raise",
        ).fit(X, y)
        np.testing.assert_array_equal(search.best_estimator_.labeled_iter_ == 0, y >= 0)
        assert search.best_score_ > 0.7

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, pd.DataFrame])
    def test_cross_validate_scores_labelled_rows_only(self, data, container):
        X, y = data
        cv = SemiSupervisedSplit(3)
        model = SelfTrainingClassifier(LogisticRegression())
        scores = cross_validate(
            model, container(X), y, cv=cv, return_estimator=True, error_score="raise"
        )
        for score, fitted, (train, test) in zip(
            scores["test_score"], scores["estimator"], cv.split(X, y)
        ):
            assert len(fitted.transduction_) == len(train)
            assert np.sum(fitted.labeled_iter_ != 0) == np.sum(y == -1)
            predicted = fitted.predict(container(X[test]))
            assert score == accuracy_score(y[test], predicted)

    def test_strings(self, data):
        X, y = data
        names = np.array(["a", "b", "c", -1], dtype=object)[y]
        model = SelfTrainingClassifier(LogisticRegression())
        scores = [
            cross_validate(model, X, labels, cv=SemiSupervisedSplit(3))["test_score"]
            for labels in (y, names)
        ]
        np.testing.assert_array_equal(*scores)

    def test_cross_val_predict_is_refused(self, telling):
        with pytest.raises(ValueError, match="only works for partitions"):
            cross_val_predict(Memory(), *telling, cv=SemiSupervisedSplit(3))

    def test_learning_curve_adds_labelled_rows_first(self, telling):
        X, y = telling
        sizes, _, scores = learning_curve(
            Memory(),
            X,
            y,
            cv=SemiSupervisedSplit(StratifiedShuffleSplit(2, train_size=12)),
            train_sizes=[6, 12, 20, 45],
            error_score="raise",
            scoring=lambda model, X, y: np.sum(model.y_ == -1),
        )
        np.testing.assert_array_equal(sizes, [6, 12, 20, 45])
        np.testing.assert_array_equal(scores, [[0, 0], [0, 0], [8, 8], [33, 33]])

    @pytest.mark.parametrize("routing", [False, True])
    def test_groups_are_routed(self, telling, rng, routing):
        X, y = telling
        groups = rng.integers(4, size=60)
        cv = SemiSupervisedSplit(GroupKFold(3))
        with sklearn.config_context(enable_metadata_routing=routing):
            search = GridSearchCV(Memory(), {"wrong": [False]}, cv=cv)
            search.fit(X, y, groups=groups)
        assert search.n_splits_ == 3
        assert search.best_score_ == 1

    def test_groups_under_another_name(self, telling, rng):
        X, y = telling
        groups = rng.integers(4, size=60)
        with sklearn.config_context(enable_metadata_routing=True):
            cv = SemiSupervisedSplit(GroupKFold(3).set_split_request(groups="sites"))
            scores = cross_validate(Memory(), X, y, cv=cv, params={"sites": groups})
        assert len(scores["test_score"]) == 3

    def test_groups_nobody_asked_for_are_refused(self, telling, rng):
        X, y = telling
        params = {"groups": rng.integers(4, size=60)}
        with (
            sklearn.config_context(enable_metadata_routing=True),
            pytest.raises(TypeError, match="unexpected argument"),
        ):
            cross_validate(Memory(), X, y, cv=SemiSupervisedSplit(3), params=params)

    def test_repr_copy_and_pickle(self, data):
        splitter = SemiSupervisedSplit(StratifiedKFold(3, shuffle=True, random_state=0))
        assert repr(splitter) == (
            "SemiSupervisedSplit(cv=StratifiedKFold(n_splits=3, random_state=0, "
            "shuffle=True),\n          unlabeled_value=-1)"
        )
        assert repr(SemiSupervisedSplit()) == (
            "SemiSupervisedSplit(cv=None, unlabeled_value=-1)"
        )
        for copy in (deepcopy(splitter), pickle.loads(pickle.dumps(splitter))):
            for actual, expected in zip(copy.split(*data), splitter.split(*data)):
                np.testing.assert_array_equal(actual[0], expected[0])
                np.testing.assert_array_equal(actual[1], expected[1])


def test_counting_unlabelled_rows_as_a_class_misleads():
    """Plain folds score a model on rows whose truth, -1, it cannot predict."""
    X, truth = load_digits(return_X_y=True)
    y = np.where(np.random.default_rng(0).random(len(truth)) < 0.1, truth, -1)
    model = SelfTrainingClassifier(GaussianNB(var_smoothing=0.1), max_iter=2)
    ours = cross_validate(model, X, y, cv=SemiSupervisedSplit(3))["test_score"]
    plain = cross_validate(model, X, y, cv=3)["test_score"]
    assert ours.mean() > 0.85
    assert plain.mean() < 0.15
