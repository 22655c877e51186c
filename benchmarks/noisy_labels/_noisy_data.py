# SPDX-License-Identifier: BSD-3-Clause
"""The data of the noisy-label benchmarks: long-tailed, noisy training rows, clean tests.

Real data beyond the bundled sets are read from the folder that `_problems.py` names, and
left out where they are absent.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_theory.datasets import make_long_tail_noisy, make_super_classes

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import _problems


class Split(NamedTuple):
    """Training rows with their true and their noisy labels, and clean test rows."""

    X: np.ndarray
    y_true: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def noisy_split(X, y, X_test, y_test, imbalance, noise, seed, **options):
    X, y_true, y_noisy, _ = make_long_tail_noisy(
        X, y, imbalance=imbalance, noise=noise, random_state=seed, **options
    )
    return Split(X, y_true, y_noisy, X_test, y_test)


def synthetic(imbalance, noise, seed):
    """Ten Gaussian classes in three groups, of 500 rows at most."""
    X, y = make_super_classes(800, random_state=seed)
    held_out = np.arange(len(y)) % 800 >= 500
    return noisy_split(
        X[~held_out], y[~held_out], X[held_out], y[held_out], imbalance, noise, seed
    )


def represented(X, y, seed, test_size, map_rows, imbalance, noise, n_max=None):
    """Split, and fit what maps rows to the training half without labels."""
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=test_size, random_state=seed, stratify=y
    )
    X, X_test = map_rows.fit_transform(X), map_rows.transform(X_test)
    return noisy_split(X, y, X_test, y_test, imbalance, noise, seed, n_max=n_max)


def digits(imbalance, noise, seed):
    """Digits in 20 principal components, of 95 rows at most."""
    X, y = load_digits(return_X_y=True)
    components = PCA(20, random_state=0)
    return represented(X / 16, y, seed, 800, components, imbalance, noise, n_max=95)


def mnist(imbalance, noise, seed):
    """MNIST's test images in 32 principal components, of 300 rows at most."""
    with np.load(_problems.data_file("mnist_10k.npz")) as archive:
        X, y = archive["X"] / 255.0, archive["y"].astype(int)
    components = PCA(32, random_state=0)
    return represented(X, y, seed, 0.5, components, imbalance, noise, n_max=300)


def wine(imbalance, noise, seed):
    """Wine, scaled, half of it to test on."""
    data = load_wine(return_X_y=True)
    return represented(*data, seed, 0.5, StandardScaler(), imbalance, noise)


def breast_cancer(imbalance, noise, seed):
    """Breast cancer, scaled, half of it to test on."""
    data = load_breast_cancer(return_X_y=True)
    return represented(*data, seed, 0.5, StandardScaler(), imbalance, noise)


def adult(imbalance, noise, seed, n_components=8):
    """Adult's scaled columns in a few components, of 1,000 rows at most.

    With eight components all methods do better than with 32 once labels are wrong.
    """
    X, y = _problems.adult()
    y = (y > 0).astype(int)
    X, _, y, _ = train_test_split(X, y, train_size=12_000, random_state=0, stratify=y)
    map_rows = make_pipeline(StandardScaler(), PCA(n_components, random_state=0))
    return represented(
        X.toarray(), y, seed, 0.5, map_rows, imbalance, noise, n_max=1_000
    )


def adult_32(imbalance, noise, seed):
    """The same in 32 components, mostly of rare categories: far from Gaussian."""
    return adult(imbalance, noise, seed, n_components=32)


def is_present(name):
    try:
        _problems.data_file(FILES[name])
    except (FileNotFoundError, KeyError):
        return name not in FILES
    return True


FILES = {
    "mnist": "mnist_10k.npz",
    "adult": "adult.csv.gz",
    "adult_32": "adult.csv.gz",
}
DATA = {
    "synthetic": synthetic,
    "digits": digits,
    "mnist": mnist,
    "adult": adult,
    "adult_32": adult_32,
    "breast_cancer": breast_cancer,
    "wine": wine,
}
