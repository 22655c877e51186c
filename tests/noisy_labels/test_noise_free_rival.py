# SPDX-License-Identifier: BSD-3-Clause
"""Noise is not believed where a classifier that knows none foresees the labels better."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_theory.datasets import make_long_tail_noisy, make_super_classes
from sklearn_theory.noisy_labels import RCAL
from sklearn_theory.noisy_labels._noise_free_rival import (
    INVERSE_STRENGTHS,
    is_believed,
    lead,
    ranks_in_class,
    splits,
)
from sklearn_theory.noisy_labels._noise_mixture import (
    fit_noise_model,
    flag_labels,
    likelier_mixture,
)
from sklearn_theory.noisy_labels._noise_rate import RATES


def overlapping(seed, n=1000):
    """Two classes that overlap on skewed and on rare features; every label is right."""
    rng = np.random.default_rng(seed)
    skewed = np.exp(rng.normal(size=(n, 3)))
    skewed = (skewed - skewed.mean(axis=0)) / skewed.std(axis=0)
    rare = (rng.random((n, 12)) < 0.03) / 0.17
    scores = skewed.sum(axis=1)
    labels = rng.random(n) < 1 / (1 + np.exp(np.median(scores) - scores))
    return np.c_[skewed, rare], labels.astype(int)


def noisy_tail(imbalance=5, noise=0.2, seed=0):
    X, y = make_super_classes(60, n_classes=4, n_features=3, random_state=seed)
    X, _, y, _ = make_long_tail_noisy(
        X, y, imbalance=imbalance, noise=noise, random_state=seed
    )
    return X, y


class TestSplits:
    @pytest.mark.parametrize("n", [7, 100, 19_999])
    def test_few_rows_are_foreseen_once_each(self, rng, n):
        codes = rng.integers(3, size=n)
        times = np.zeros(n, dtype=int)
        for train, test in splits(codes):
            np.testing.assert_array_equal(train, ~test)
            times += test
        np.testing.assert_array_equal(times, 1)

    def test_many_rows_are_split_once(self, rng):
        codes = np.r_[rng.choice(3, size=59_999, p=[0.9, 0.09, 0.01]), 3]
        ((train, test),) = splits(codes)
        assert not np.any(train & test)
        assert train.sum() == pytest.approx(4_000, abs=4)
        assert test.sum() == pytest.approx(16_000, abs=16)
        assert set(codes[train]) == {0, 1, 2, 3}

    def test_every_class_of_two_rows_or_more_is_always_trained_on(self):
        codes = np.repeat([0, 1, 2], [20, 2, 3])
        for train, _ in splits(codes):
            assert set(codes[train]) == {0, 1, 2}

    def test_ranks(self):
        codes = np.array([2, 0, 2, 1, 0, 0])
        np.testing.assert_array_equal(ranks_in_class(codes), [0, 0, 1, 0, 1, 2])


class TestForesight:
    def test_lead_is_the_difference_of_likelihoods(self, rng):
        Z, codes = rng.normal(size=(60, 2)), rng.integers(3, size=60)
        likelihoods = np.log(rng.random(60))
        train = np.arange(60) % 2 == 0
        model = LogisticRegression(C=0.1, tol=1e-2).fit(Z[train], codes[train])
        rows = np.arange(np.sum(~train))
        own = model.predict_proba(Z[~train])[rows, codes[~train]]
        expected = likelihoods[~train].sum() - np.log(own).sum()
        found = lead(Z, codes, likelihoods, train, ~train, 0.1)
        assert found == pytest.approx(expected)

    def test_classes_without_a_row_to_train_on_are_not_compared(self, rng):
        Z, codes = rng.normal(size=(40, 2)), np.r_[np.arange(38) % 2, 2, 2]
        train = np.arange(40) < 20
        leads = [
            lead(Z[:n], codes[:n], np.zeros(n), train[:n], ~train[:n], 1.0)
            for n in (38, 40)
        ]
        assert leads[0] == leads[1] > 0

    def test_where_nothing_can_be_held_out_nothing_is_believed(self, rng):
        assert not is_believed(rng.normal(size=(12, 2)), np.arange(12), np.zeros(12))

    def test_the_bar_is_the_best_classifier_and_a_parameter(self, rng):
        Z, codes = rng.normal(size=(90, 2)), rng.integers(3, size=90)
        Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
        best = max(
            -sum(
                lead(Z, codes, np.zeros(90), *split, strength)
                for split in splits(codes)
            )
            for strength in INVERSE_STRENGTHS
        )
        bar = best + 0.5 * np.log(90)
        assert is_believed(Z, codes, np.full(90, (bar + 1e-6) / 90))
        assert not is_believed(Z, codes, np.full(90, (bar - 1e-6) / 90))

    @pytest.mark.parametrize("unit", [1e-8, 1e8])
    def test_units_do_not_matter(self, unit):
        Z, y = overlapping(1)
        model = fit_noise_model(unit * Z + unit, y, 2)
        assert model.rate == 0


class TestEffect:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_overlap_of_classes_that_are_no_gaussians_is_not_taken_for_noise(
        self, seed
    ):
        X, y = overlapping(seed)
        mixture = likelier_mixture(X - X.mean(axis=0), y, 2, RATES)
        assert mixture.rate >= 0.3
        assert flag_labels(mixture.label_posterior, y).mean() < 0.85
        model = RCAL(random_state=0).fit(X, y)
        assert model.noise_rate_ == 0
        assert model.inlier_mask_.all()

    @pytest.mark.parametrize("noise", [0.1, 0.4])
    def test_noise_between_gaussian_classes_is_believed(self, noise):
        Z, y = noisy_tail(noise=noise)
        mixture = likelier_mixture(Z - Z.mean(axis=0), y, 4, RATES)
        model = fit_noise_model(Z, y, 4)
        assert model.rate == mixture.rate == pytest.approx(noise, abs=0.1)
        np.testing.assert_array_equal(model.posterior, mixture.posterior)

    def test_labels_that_are_refuted_keep_their_order_of_suspicion(self):
        X, y = overlapping(2)
        model = RCAL(random_state=0).fit(X, y)
        assert len(np.unique(model.outlier_scores_)) > 900
        assert np.all(model.outlier_scores_ < 0.5)
