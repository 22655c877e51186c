# SPDX-License-Identifier: BSD-3-Clause
"""The simulation of naive Bayes against logistic regression."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from sklearn_theory.datasets import make_gaussian_regimes


@pytest.mark.parametrize("n_features", [2, 7, 50])
@pytest.mark.parametrize("covariance", ["diagonal", "correlated"])
def test_moments(n_features, covariance):
    X, y = make_gaussian_regimes(
        60_000,
        n_features,
        n_classes=3,
        covariance=covariance,
        recentre=False,
        random_state=0,
    )
    assert X.shape == (60_000, n_features)
    np.testing.assert_array_equal(np.bincount(y), 20_000)
    half = n_features // 2
    variance = np.array([n_features] * half + [1] * (n_features - half))
    centred = X - np.array([-1, 1, 2])[y, np.newaxis]
    error = np.abs(centred.mean(axis=0)) / np.sqrt(variance / 60_000)
    assert error.max() < 5
    np.testing.assert_allclose(centred.var(axis=0), variance, rtol=0.05)
    correlations = np.corrcoef(centred.T) - np.eye(n_features)
    assert (np.abs(correlations).max() > 0.05) == (covariance == "correlated")


@pytest.mark.parametrize(
    ("n_features", "expected"), [(2, 0.1103), (4, 0.0569), (10, 0.0095), (20, 0.0006)]
)
def test_bayes_error_of_two_classes(n_features, expected):
    *_, error = make_gaussian_regimes(10, n_features, return_bayes_error=True)
    assert error == pytest.approx(expected, abs=5e-5)
    half = n_features // 2
    exact = norm.cdf(-np.sqrt(half / n_features + n_features - half))
    assert error == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("covariance", ["diagonal", "correlated"])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("recentre", [True, False])
def test_bayes_error_is_reached(covariance, n_classes, recentre):
    X, y, error = make_gaussian_regimes(
        100_000,
        3,
        n_classes=n_classes,
        covariance=covariance,
        recentre=recentre,
        return_bayes_error=True,
        random_state=1,
    )
    best = LinearDiscriminantAnalysis().fit(X, y)
    assert 1 - best.score(X, y) == pytest.approx(error, abs=0.004)


def test_recentring_is_affine():
    arguments = {"n_samples": 50, "n_features": 4, "random_state": 0}
    for n_classes in (2, 3, 7):
        X, _ = make_gaussian_regimes(n_classes=n_classes, recentre=False, **arguments)
        Z, _ = make_gaussian_regimes(n_classes=n_classes, **arguments)
        centre = 2.0 ** (n_classes - 3)
        np.testing.assert_allclose(Z, (X - centre) / centre if n_classes > 2 else X)


def test_seeds():
    first, second = (make_gaussian_regimes(random_state=s)[0] for s in (0, 0))
    np.testing.assert_array_equal(first, second)
    assert np.any(make_gaussian_regimes(random_state=1)[0] != first)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_samples": 0}, "The 'n_samples' parameter"),
        ({"n_features": 0}, "The 'n_features' parameter"),
        ({"n_classes": 1}, "The 'n_classes' parameter"),
        ({"covariance": "full"}, "The 'covariance' parameter"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_gaussian_regimes(**arguments)
