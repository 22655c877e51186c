# SPDX-License-Identifier: BSD-3-Clause
"""The paper's claims on digits: temperatures by frequency, probes, and retrieval."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_theory.representation import ISogCLR

SEEDS = (0, 1, 2)
RADII = (0.1, 0.3, 0.6)
OF_IMAGES = {
    "n_components": 128,
    "hidden_layer_sizes": (256,),
    "projection_sizes": (64,),
    "image_shape": (8, 8),
    "max_iter": 80,
    "temperature_init": 0.3,
    "gamma": 0.9,
    "beta": 0.9,
}
OF_HALVES = {
    "mode": "bimodal",
    "n_components": 32,
    "hidden_layer_sizes": (128,),
    "projection_sizes": (),
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "max_iter": 60,
}


def long_tailed_digits(seed):
    """Classes that shrink to a twentieth, in random order, and a balanced test set."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        X / 16, y, test_size=0.4, stratify=y, random_state=seed
    )
    rng = np.random.default_rng(seed)
    largest = np.bincount(y).min()
    rows = []
    for place, label in enumerate(rng.permutation(10)):
        size = round(largest * 20 ** (-place / 9))
        rows.append(rng.permutation(np.flatnonzero(y == label))[:size])
    rows = np.sort(np.concatenate(rows))
    return X[rows], y[rows], X_test, y_test


def probe(model, X, y, X_test, y_test):
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return head.fit(model.transform(X), y).score(model.transform(X_test), y_test)


@pytest.fixture(scope="module")
def fits():
    """For each seed: data, models by radius, and models by fixed temperature."""
    fits = []
    for seed in SEEDS:
        data = long_tailed_digits(seed)
        robust = {
            rho: ISogCLR(rho=rho, random_state=seed, **OF_IMAGES).fit(data[0])
            for rho in RADII
        }
        fixed = [
            ISogCLR(
                loss="infonce",
                random_state=seed,
                **OF_IMAGES | {"temperature_init": temperature},
            ).fit(data[0])
            for temperature in (0.1, 0.3)
        ]
        fits.append((data, robust, fixed))
    return fits


class TestFrequentSemantics:
    @pytest.mark.parametrize("rho", RADII)
    def test_get_higher_temperatures(self, fits, rho):
        heads_above_tails = []
        for (_, y, _, _), robust, _ in fits:
            sizes = np.bincount(y)
            mean = [robust[rho].temperatures_[y == label].mean() for label in range(10)]
            order = np.argsort(sizes)
            heads_above_tails.append(
                np.mean(np.array(mean)[order[-3:]]) - np.mean(np.array(mean)[order[:3]])
            )
            assert spearmanr(sizes, mean)[0] > 0.4
        assert min(heads_above_tails) > 0

    def test_temperatures_fall_with_the_radius(self, fits):
        for _, robust, _ in fits:
            means = [robust[rho].temperatures_.mean() for rho in RADII]
            assert means[0] > means[1] > means[2]

    def test_learnt_temperatures_follow_the_exact_ones(self, fits):
        for (X, _, _, _), robust, _ in fits:
            exact = robust[0.3].solve_temperatures(X)
            assert np.corrcoef(robust[0.3].temperatures_, exact)[0, 1] > 0.75


class TestLinearProbe:
    def test_is_on_par_with_the_best_fixed_temperature(self, fits):
        ours, best, spread = [], [], []
        for data, robust, fixed in fits:
            accuracies = [probe(model, *data) for model in robust.values()]
            ours.append(accuracies[1])
            best.append(max(probe(model, *data) for model in fixed))
            spread.append(max(accuracies) - min(accuracies))
        assert np.mean(ours) >= np.mean(best) - 0.02
        assert np.mean(spread) <= 0.015

    def test_is_better_than_pixels(self, fits):
        for data, robust, _ in fits:
            X, y, X_test, y_test = data
            pixels = LogisticRegression(max_iter=2000).fit(X, y).score(X_test, y_test)
            assert probe(robust[0.3], *data) > pixels


def test_retrieval_recovers_from_a_bad_temperature():
    """Top halves of digits find their bottom halves."""
    X = load_digits().data / 16

    def recall(seed, **parameters):
        order = np.random.default_rng(seed).permutation(len(X))
        model = ISogCLR(
            temperature_init=0.05, random_state=seed, **OF_HALVES, **parameters
        )
        return model.fit(X[order[500:]]).retrieval_score(X[order[:500]], k=10)

    individual, fixed, clip = (
        np.mean([recall(seed, **parameters) for seed in SEEDS])
        for parameters in ({"rho": 1.0}, {"loss": "gcl"}, {"loss": "infonce"})
    )
    assert individual >= fixed + 0.03
    assert individual >= clip + 0.01
