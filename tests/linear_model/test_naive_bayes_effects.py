# SPDX-License-Identifier: BSD-3-Clause
"""The paper's claims: O(log n) against O(n) samples, and two regimes on real data."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits

from sklearn_theory.datasets import make_gaussian_regimes
from sklearn_theory.linear_model import NaiveBayesVsLogistic, SharedVarianceNB

N_POOL, N_TEST, N_DRAWS = 3000, 10_000, 3
TARGET_ERROR = 0.01


def samples_needed(head, draws, n_classes):
    """The first size, growing by 15 %, at which the mean test error is small."""
    size = 2 * n_classes
    while size <= N_POOL:
        if np.mean([error_at(head, size, *draw) for draw in draws]) <= TARGET_ERROR:
            return size
        size = int(np.ceil(1.15 * size))
    raise AssertionError(f"no size up to {N_POOL} is enough")


def error_at(head, size, X, y):
    if len(np.unique(y[:size])) < len(np.unique(y)):
        return 1.0
    return 1 - head.fit(X[:size], y[:size]).score(X[N_POOL:], y[N_POOL:])


@pytest.fixture(scope="module")
def needed():
    """Samples that both heads need, by classes and features."""
    shapes = [(2, 50), (2, 100), (2, 200), (2, 400), (3, 50), (3, 100), (3, 200)]
    shapes += [(3, 400), (5, 50), (5, 100), (5, 200)]
    heads = {
        "NB": SharedVarianceNB(),
        "LR": NaiveBayesVsLogistic(select="logistic", scaling=None),
    }
    table = {}
    for n_classes, n_features in shapes:
        draws = [
            make_gaussian_regimes(
                N_POOL + N_TEST, n_features, n_classes=n_classes, random_state=seed
            )
            for seed in range(N_DRAWS)
        ]
        for name, head in heads.items():
            table[name, n_classes, n_features] = samples_needed(head, draws, n_classes)
    return table


class TestSamplesNeeded:
    """Effect 1, the reference simulation."""

    def test_logistic_regression_needs_a_number_in_proportion_to_the_features(
        self, needed
    ):
        assert 2.5 <= needed["LR", 2, 400] / needed["LR", 2, 100] <= 6
        sizes = [needed["LR", 2, n] for n in (50, 100, 200, 400)]
        assert np.all(np.diff(sizes) > 0)

    def test_naive_bayes_does_not(self, needed):
        assert max(needed["NB", 2, n] for n in (50, 100, 200, 400)) <= 30
        assert needed["NB", 3, 400] <= needed["NB", 3, 50]

    def test_the_ratio_is_large_everywhere(self, needed):
        shapes = [shape for name, *shape in needed if name == "NB"]
        ratios = [needed["LR", *shape] / needed["NB", *shape] for shape in shapes]
        assert len(ratios) == 11
        assert min(ratios) >= 6


SETS = {"digits": load_digits, "breast_cancer": load_breast_cancer}


class TestTwoRegimes:
    """Effect 2, on data that come with scikit-learn."""

    @pytest.mark.parametrize(
        ("name", "sizes", "low", "high"),
        [
            ("digits", [30, 40, 60, 100, 200, 400, 1300], 35, 110),
            ("breast_cancer", [6, 10, 20, 40, 80, 160, 320], 20, 120),
        ],
    )
    def test_crossover(self, name, sizes, low, high):
        model = NaiveBayesVsLogistic(
            select="naive_bayes",
            learning_curve=True,
            train_sizes=sizes,
            n_repeats=40,
            random_state=0,
        ).fit(*SETS[name](return_X_y=True))
        assert low <= model.crossover_n_ <= high

    @pytest.mark.parametrize(
        ("name", "sizes", "naive_bayes", "logistic"),
        [
            (
                "digits",
                [40, 60, 100, 400, 1300],
                [0.241, 0.189, 0.148, 0.113, 0.106],
                [0.258, 0.189, 0.117, 0.055, 0.037],
            ),
            (
                "breast_cancer",
                [6, 10, 20, 40, 80, 320],
                [0.119, 0.079, 0.074, 0.067, 0.065, 0.057],
                [0.171, 0.117, 0.087, 0.067, 0.059, 0.035],
            ),
        ],
    )
    def test_curves(self, name, sizes, naive_bayes, logistic):
        model = NaiveBayesVsLogistic(
            select="naive_bayes",
            learning_curve=True,
            train_sizes=sizes,
            n_repeats=100,
            random_state=0,
        ).fit(*SETS[name](return_X_y=True))
        curves = model.learning_curves_
        np.testing.assert_allclose(curves["nb_mean"], naive_bayes, atol=0.025)
        np.testing.assert_allclose(curves["lr_mean"], logistic, atol=0.025)

    @pytest.mark.parametrize(
        ("name", "sizes"),
        [
            ("digits", [40, 60, 100, 400, 800]),
            ("breast_cancer", [6, 10, 20, 40, 80, 320]),
        ],
    )
    def test_auto_keeps_up_with_the_better_head(self, name, sizes):
        X, y = SETS[name](return_X_y=True)
        for size in sizes:
            errors, chosen = zip(
                *(self.compare(X, y, size, seed) for seed in range(10))
            )
            auto, naive_bayes, logistic = np.mean(errors, axis=0)
            assert auto <= min(naive_bayes, logistic) + 0.01
            if name == "digits" and size >= 800:
                assert set(chosen) == {"logistic"}

    def compare(self, X, y, size, seed):
        """Errors of auto and of both heads on a random subset with every class."""
        rng = np.random.default_rng(seed)
        train = rng.permutation(len(y))
        while len(np.unique(y[train[:size]])) < len(np.unique(y)):
            train = rng.permutation(len(y))
        train, test = train[:size], train[size:]
        models = [
            NaiveBayesVsLogistic(select=select)
            for select in ("auto", "naive_bayes", "logistic")
        ]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The smallest class has")
            errors = [
                1 - m.fit(X[train], y[train]).score(X[test], y[test]) for m in models
            ]
        return errors, models[0].selected_


class TestCorrelatedFeatures:
    """Where naive Bayes' assumption fails, logistic regression is ahead at once."""

    @pytest.fixture
    def gaussians(self, rng):
        steps = np.abs(np.subtract.outer(np.arange(50), np.arange(50)))
        y = rng.integers(4, size=12_000)
        centres = 0.35 * rng.normal(size=(4, 50))
        return centres[y] + rng.normal(size=(12_000, 50)) @ np.linalg.cholesky(
            0.5**steps
        ).T, y

    def curves(self, gaussians, **parameters):
        model = NaiveBayesVsLogistic(
            select="naive_bayes",
            learning_curve=True,
            train_sizes=[16, 32, 64, 128, 512, 8000],
            n_repeats=20,
            cv=3,
            **parameters,
        )
        return model.fit(*gaussians)

    def test_crossover_is_at_the_first_size(self, gaussians):
        model = self.curves(gaussians, scaling="standard")
        assert model.crossover_n_ == 16

    def test_limits(self, gaussians):
        curves = self.curves(gaussians).learning_curves_
        assert curves["lr_mean"][-1] < 0.6 * curves["nb_mean"][-1]
        assert curves["lr_mean"][4] < 0.75 * curves["nb_mean"][4]

    def test_gaussian_regimes_with_correlations(self):
        """The simulation's hard mode: naive Bayes' limit is above the best error."""
        X, y, best = make_gaussian_regimes(
            20_000,
            20,
            n_classes=4,
            covariance="correlated",
            return_bayes_error=True,
            random_state=0,
        )
        train, test = slice(0, 10_000), slice(10_000, None)
        error = {}
        for select in ("naive_bayes", "logistic"):
            model = NaiveBayesVsLogistic(select=select).fit(X[train], y[train])
            error[select] = 1 - model.score(X[test], y[test])
        assert error["logistic"] < error["naive_bayes"]
        assert error["naive_bayes"] > best
