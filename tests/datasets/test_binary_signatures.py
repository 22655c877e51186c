# SPDX-License-Identifier: BSD-3-Clause
"""Classes with signatures among binary features."""

import numpy as np
import pytest

from sklearn_theory.datasets import make_binary_signature_classification


def test_sequence_of_random_numbers():
    """The labels are drawn first, then a uniform number for each entry."""
    X, y = make_binary_signature_classification(random_state=12)
    generator = np.random.default_rng(12)
    np.testing.assert_array_equal(y, generator.choice(3, 3000, p=(0.24, 0.24, 0.52)))
    uniform = generator.random((3000, 180))
    columns = np.arange(180) // 10
    rates = np.where(columns == y[:, np.newaxis], 0.8, 0.25)
    np.testing.assert_array_equal(X, uniform < rates)


def test_rates():
    X, y = make_binary_signature_classification(20_000, random_state=0)
    assert set(np.unique(X)) == {0.0, 1.0}
    np.testing.assert_allclose(np.bincount(y) / len(y), [0.24, 0.24, 0.52], atol=0.02)
    for c in range(3):
        means = X[y == c].mean(axis=0)
        signature = np.arange(180) // 10 == c
        np.testing.assert_allclose(means[signature], 0.8, atol=0.03)
        np.testing.assert_allclose(means[~signature], 0.25, atol=0.04)


def test_other_shapes():
    X, y = make_binary_signature_classification(
        50, 8, n_signature=4, class_prior=[0.5, 0.5], signature_rate=1.0,
        background_rate=0.0, random_state=1,
    )  # fmt: skip
    np.testing.assert_array_equal(X, np.repeat(np.eye(2), 4, axis=1)[y])


def test_bad_input():
    with pytest.raises(ValueError, match="class_prior must hold probabilities"):
        make_binary_signature_classification(class_prior=[0.5, 0.6])
    with pytest.raises(ValueError, match="n_features=20 is too small for 3"):
        make_binary_signature_classification(n_features=20)
    with pytest.raises(ValueError, match="signature_rate"):
        make_binary_signature_classification(signature_rate=1.5)
