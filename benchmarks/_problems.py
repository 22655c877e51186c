# SPDX-License-Identifier: BSD-3-Clause
"""The problems on which the linear models are compared: generators and a table.

Three kinds of design: dense Gaussian with first-order autoregressive columns, uniformly
scattered Gaussian entries, and counts of words that follow Zipf's law. Responses come from
a sparse linear model with noise. ``PROBLEMS`` maps names to problems, ``FULL`` lists those
of a whole run and ``SMALL`` those of a short one; ``problem.load()`` draws the data and
turns the divisor of the largest useful penalty into scikit-learn's ``alpha`` or ``C``.

The generators need numpy and scipy alone. The real data are read from files, ``adult``
with pandas; where a file is absent, FileNotFoundError says where it was looked for.
"""

import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from scipy import signal, sparse

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


# --------------------------------------------------------------------- designs
def autoregressive(n_samples, n_features, correlation, rng):
    """Dense Fortran-ordered Gaussian rows; neighbouring columns are correlated."""
    X = rng.standard_normal((n_samples, n_features))
    X[:, 1:] *= np.sqrt(1 - correlation**2)
    return np.asfortranarray(signal.lfilter([1.0], [1.0, -correlation], X, axis=1))


def factors(n_samples, n_features, n_factors, rng):
    """Dense rows of a few common factors plus noise: all columns are correlated."""
    loadings = rng.standard_normal((n_factors, n_features)) / np.sqrt(n_factors)
    scores = rng.standard_normal((n_samples, n_factors))
    return np.asfortranarray(
        scores @ loadings + rng.standard_normal((n_samples, n_features))
    )


def scattered(n_samples, n_features, per_row, rng):
    """Sparse Gaussian entries at uniformly drawn places, about `per_row` in a row."""
    size = n_samples * per_row
    rows = np.repeat(np.arange(n_samples), per_row)
    columns = rng.integers(n_features, size=size)
    return csc(rows, columns, rng.standard_normal(size), (n_samples, n_features))


def text(n_samples, n_features, rng, mean_length=80, exponent=1.1):
    """Counts of words in documents; frequencies of words follow Zipf's law."""
    lengths = 1 + rng.poisson(rng.gamma(2.0, mean_length / 2.0, size=n_samples))
    frequencies = (2.0 + np.arange(n_features)) ** -exponent
    cumulative = np.cumsum(frequencies / frequencies.sum())
    words = np.searchsorted(cumulative[:-1], rng.random(lengths.sum()))
    rows = np.repeat(np.arange(n_samples), lengths)
    return csc(rows, words, np.ones(len(words)), (n_samples, n_features))


def csc(rows, columns, values, shape):
    """Sorted compressed columns; entries at one place are added."""
    X = sparse.csc_matrix((values, (rows, columns)), shape=shape)
    X.sum_duplicates()
    return X


# ------------------------------------------------------------------- responses
def linear_response(X, rng, n_relevant, signal_to_noise=5.0, positive=False):
    """Scores of a sparse linear model, centred and scaled, plus noise.

    Columns are drawn in proportion to the root of their norm, so that words of all
    frequencies take part, and all relevant ones contribute alike.
    """
    norms = np.sqrt(column_sums(X, squared=True))
    used = np.flatnonzero(norms > 0)
    chances = np.sqrt(norms[used])
    relevant = rng.choice(used, n_relevant, replace=False, p=chances / chances.sum())
    weights = np.zeros(X.shape[1])
    weights[relevant] = rng.standard_normal(n_relevant) / norms[relevant]
    scores = X @ (np.abs(weights) if positive else weights)
    scores = (scores - scores.mean()) / scores.std()
    return scores + rng.standard_normal(X.shape[0]) / signal_to_noise


def column_sums(X, squared=False):
    if sparse.issparse(X):
        X = X.multiply(X) if squared else X
        return np.asarray(X.sum(axis=0)).ravel()
    return np.einsum("ij,ij->j", X, X) if squared else X.sum(axis=0)


def signs(response):
    """Two classes, -1 and 1, of about equal size."""
    return np.where(response > np.median(response), 1, -1)


def classes(X, rng, n_classes, n_relevant):
    """The class with the largest of several noisy sparse linear scores."""
    scores = [linear_response(X, rng, n_relevant) for _ in range(n_classes)]
    return np.argmax(scores, axis=0)


# --------------------------------------------------------------------- drawing
def regression(design, n_relevant, seed=0, shift=0.0, **response):
    rng = np.random.default_rng(seed)
    X = design(rng=rng)
    return X, linear_response(X, rng, n_relevant, **response) + shift


def classification(design, n_relevant, seed=0, **response):
    X, y = regression(design, n_relevant, seed, **response)
    return X, signs(y)


def multiclass(design, n_classes, n_relevant, seed=0):
    rng = np.random.default_rng(seed)
    X = design(rng=rng)
    return X, classes(X, rng, n_classes, n_relevant)


def paper_least_squares(n_samples=1000, n_features=10_000, seed=1):
    """Data A of the paper on block coordinate descent: scattered, scaled and shifted."""
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n_samples, n_features)) + 1) * (
        10 * rng.standard_normal(n_features)
    )
    X *= rng.random(X.shape) < 10 * np.log(n_samples) / n_samples
    w = rng.standard_normal(n_features) * (rng.random(n_features) < 0.1)
    return sparse.csc_matrix(X), X @ w + rng.standard_normal(n_samples)


# ------------------------------------------------------------------- real data
def data_folder():
    """Folder of the real data: SKLEARN_THEORY_DATA, else beside the repository."""
    return Path(os.environ.get("SKLEARN_THEORY_DATA", DATA))


def data_file(name):
    path = data_folder() / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; --data DIR says where to look")
    return path


def adult():
    """Income above 50K from one-hot coded attributes: sparse, 48,842 rows."""
    import pandas as pd

    table = pd.read_csv(data_file("adult.csv.gz")).drop(columns="split")
    y = np.where(table.pop("income").str.startswith(">"), 1, -1)
    numeric = table.select_dtypes("number")
    scaled = sparse.csc_matrix(numeric / numeric.abs().max())
    coded = pd.get_dummies(table.drop(columns=numeric.columns), dtype=float)
    X = sparse.hstack([scaled, sparse.csc_matrix(coded)], format="csc")
    return X, y


def mnist():
    """Images of ten digits: dense, 10,000 rows, pixels between 0 and 1."""
    with np.load(data_file("mnist_10k.npz")) as archive:
        X, y = archive["X"] / 255.0, archive["y"].astype(int)
    return np.asfortranarray(X[:, X.any(axis=0)]), y


def mnist_parity():
    X, y = mnist()
    return X, np.where(y % 2 == 0, 1, -1)


def mnist_regression():
    """The digit itself as a number: least squares on real, strongly correlated columns."""
    X, y = mnist()
    return X, y.astype(float)


# ----------------------------------------------------------------------- table
@dataclass(frozen=True)
class Problem:
    """One row of the comparison; `divisor` 0 means no penalty (non-negative only).

    `model` is "lasso", "enet", "nnls", "logistic" or "softmax"; the penalty is
    `l1_ratio` times L1 and the rest half the squared L2 norm, as in scikit-learn.
    """

    name: str
    model: str
    draw: object = field(repr=False)
    divisor: float
    fit_intercept: bool = False
    l1_ratio: float = 1.0
    target: float = 0.7
    group: str = "table"

    @property
    def positive(self):
        return self.model == "nnls"

    @property
    def is_classification(self):
        return self.model in ("logistic", "softmax")

    @property
    def gap(self):
        """The relative gap at which the target holds."""
        return 1e-7 if self.is_classification else 1e-8

    def load(self):
        """Data and penalty: X, y, and `alpha` (regression) or `C` (classification)."""
        X, y = self.draw()
        strength = self.strength(X, y)
        instance = SimpleNamespace(X=X, y=y, problem=self, strength=strength)
        if self.is_classification:
            instance.C = 1.0 / strength
        else:
            instance.alpha = strength / len(y)
        return instance

    def strength(self, X, y):
        """The whole penalty's factor where losses are plain sums."""
        if self.divisor == 0:
            return 0.0
        ratio = self.l1_ratio if self.l1_ratio > 0 else 1.0
        return largest_strength(X, y, self) / ratio / self.divisor


def largest_strength(X, y, problem):
    """The smallest L1 penalty at which every coefficient is zero."""
    gradient = X.T @ null_residual(y, problem)
    return float(np.max(gradient if problem.positive else np.abs(gradient)))


def null_residual(y, problem):
    """The negative gradient of the loss at coefficients of zero, intercept fitted."""
    if problem.model == "softmax":
        target = np.eye(len(np.unique(y)))[np.unique(y, return_inverse=True)[1]]
        flat = target.mean(axis=0) if problem.fit_intercept else 1 / target.shape[1]
        return target - flat
    if problem.model == "logistic":
        share = np.mean(y == 1) if problem.fit_intercept else 0.5
        return (y == 1) - share
    return y - y.mean() if problem.fit_intercept else y


# Makers of designs that wait only for their random generator.
def dense(n_samples, n_features, correlation):
    return partial(autoregressive, n_samples, n_features, correlation)


def sparse_uniform(n_samples, n_features, per_row):
    return partial(scattered, n_samples, n_features, per_row)


def words(n_samples, n_features, mean_length=80):
    return partial(text, n_samples, n_features, mean_length=mean_length)


# Makers of problems: name, design, number of relevant columns, divisor, seed.
def lasso(name, design, n_relevant, divisor, seed=0, model="lasso", **options):
    response = {"positive": model == "nnls"}
    if options.get("fit_intercept"):
        response["shift"] = 5.0
    draw = partial(regression, design, n_relevant, seed, **response)
    return Problem(name, model, draw, divisor, **options)


def enet(name, design, n_relevant, divisor, l1_ratio, **options):
    options = {"target": 1.0, "group": "enet", "model": "enet"} | options
    return lasso(name, design, n_relevant, divisor, l1_ratio=l1_ratio, **options)


def nnls(name, design, n_relevant, divisor, **options):
    options = {"target": 1.0, "group": "nnls", "model": "nnls"} | options
    return lasso(name, design, n_relevant, divisor, **options)


def logistic(name, design, n_relevant, divisor, seed=0, **options):
    draw = partial(classification, design, n_relevant, seed)
    return Problem(name, "logistic", draw, divisor, **options)


def softmax(name, design, n_relevant, divisor, n_classes, l1_ratio, seed=0):
    draw = partial(multiclass, design, n_classes, n_relevant, seed)
    options = {"l1_ratio": l1_ratio, "target": 1.0, "group": "softmax"}
    return Problem(name, "softmax", draw, divisor, fit_intercept=True, **options)


TABLE = [
    lasso("scattered_10000x40000", sparse_uniform(10_000, 40_000, 30), 200, 30, 1),
    lasso("scattered_4000x30000", sparse_uniform(4_000, 30_000, 80), 200, 80, 2),
    lasso("scattered_8000x30000", sparse_uniform(8_000, 30_000, 40), 200, 60, 3),
    lasso("scattered_5000x20000", sparse_uniform(5_000, 20_000, 60), 300, 400, 4),
    lasso("text_20000x35000", words(20_000, 35_000), 3_000, 50, 3),
    lasso("text_8000x40000", words(8_000, 40_000), 200, 500, 3),
    lasso("text_9000x30000", words(9_000, 30_000, 30), 100, 3_000, 3),
    lasso(
        "text_9000x30000_intercept",
        words(9_000, 30_000),
        1_000,
        80,
        8,
        fit_intercept=True,
    ),
    lasso("dense_1200x8000", dense(1_200, 8_000, 0.8), 200, 40, 9),
    lasso(
        "dense_4000x1500_intercept",
        *(dense(4_000, 1_500, 0.4), 300, 60, 10),
        fit_intercept=True,
    ),
    lasso("dense_600x8000", dense(600, 8_000, 0.7), 200, 400, 11),
    logistic("logistic_dense_900x7000", dense(900, 7_000, 0.5), 100, 15, 12),
    logistic("logistic_dense_500x6000", dense(500, 6_000, 0.5), 100, 150, 13),
    logistic("logistic_text_12000x25000", words(12_000, 25_000), 1_000, 30, 14),
    logistic("logistic_text_6000x30000", words(6_000, 30_000), 1_000, 150, 3),
    logistic("logistic_text_8000x25000", words(8_000, 25_000), 1_000, 400, 2),
    logistic("logistic_text_20000x60000", words(20_000, 60_000), 200, 40, 17),
    logistic(
        "logistic_scattered_6000x20000", sparse_uniform(6_000, 20_000, 40), 500, 25, 18
    ),
]

BAR = [
    lasso("dense_correlated", dense(1_000, 5_000, 0.9), 100, 30, 21, group="bar"),
    lasso("dense_wide_correlated", dense(400, 10_000, 0.9), 80, 100, 22, group="bar"),
    lasso(
        "sparse_scattered", sparse_uniform(10_000, 50_000, 20), 800, 50, 23, group="bar"
    ),
    lasso("wide_factors", partial(factors, 500, 5_000, 20), 60, 50, 24, group="bar"),
    lasso(
        "tall_with_intercept",
        *(dense(20_000, 500, 0.5), 200, 100, 25),
        fit_intercept=True,
        group="bar",
    ),
    lasso("text_small_support", words(15_000, 30_000), 200, 20, 26, group="bar"),
    lasso("text_large_support", words(10_000, 30_000), 400, 1_000, 27, group="bar"),
    logistic("logistic_dense", dense(1_000, 5_000, 0.6), 100, 20, 28, group="bar"),
    logistic("logistic_text", words(10_000, 30_000), 1_000, 50, 29, group="bar"),
]

# The same targets as the table's, where an intercept makes a difference.
INTERCEPT = [
    logistic(
        "logistic_dense_intercept",
        *(dense(1_000, 5_000, 0.6), 100, 30, 31),
        fit_intercept=True,
        group="intercept",
    ),
    logistic(
        "logistic_text_intercept",
        *(words(8_000, 25_000), 1_000, 100, 32),
        fit_intercept=True,
        group="intercept",
    ),
]

ELASTIC_NET = [
    enet("enet_dense", dense(1_000, 5_000, 0.6), 200, 50, 0.5, seed=41),
    enet("enet_scattered", sparse_uniform(6_000, 20_000, 40), 500, 60, 0.8, seed=42),
    enet(
        "enet_text_intercept",
        *(words(6_000, 20_000), 200, 50, 0.9),
        seed=43,
        fit_intercept=True,
    ),
    enet(
        "enet_tall_intercept",
        *(dense(10_000, 400, 0.5), 200, 200, 0.2),
        seed=44,
        fit_intercept=True,
    ),
]

NON_NEGATIVE = [
    Problem(
        *("nnls_paper", "nnls", paper_least_squares, 1 / 0.12),
        **{"target": 1.0, "group": "nnls"},
    ),
    nnls("nnls_dense", dense(1_000, 4_000, 0.5), 200, 50, seed=51),
    nnls("nnls_text", words(9_000, 20_000), 500, 200, seed=52),
    nnls("nnls_tall_no_penalty", dense(3_000, 400, 0.5), 100, 0, seed=53),
]

LOGISTIC_ELASTIC_NET = [
    logistic(
        "logistic_enet_dense",
        *(dense(900, 4_000, 0.5), 100, 20, 61),
        l1_ratio=0.5,
        target=1.0,
        group="logistic_enet",
    ),
    logistic(
        "logistic_l2_dense_intercept",
        *(dense(5_000, 300, 0.5), 100, 50, 62),
        l1_ratio=0.0,
        target=1.0,
        fit_intercept=True,
        group="logistic_enet",
    ),
]

SOFTMAX = [
    softmax("softmax_l1_dense", dense(1_500, 500, 0.5), 40, 20, 5, 1.0, 71),
    softmax("softmax_l1_text", words(6_000, 10_000), 100, 30, 5, 1.0, 72),
    softmax("softmax_l2_dense", dense(3_000, 200, 0.5), 40, 50, 8, 0.0, 73),
]

_REAL = {"target": 1.0, "group": "real"}
REAL = [
    Problem("adult_l1", "logistic", adult, 100, **_REAL),
    Problem("adult_l1_intercept", "logistic", adult, 1_000, True, **_REAL),
    Problem("mnist_parity_l1", "logistic", mnist_parity, 100, **_REAL),
    Problem("mnist_lasso", "lasso", mnist_regression, 200, True, **_REAL),
    Problem("mnist_enet", "enet", mnist_regression, 100, True, 0.5, **_REAL),
    Problem("mnist_softmax_l1", "softmax", mnist, 50, True, **_REAL),
    Problem("mnist_softmax_l2", "softmax", mnist, 100, True, 0.0, **_REAL),
]

_SMALL = {"group": "small"}
SMALL = [
    lasso("small_scattered", sparse_uniform(1_000, 4_000, 20), 100, 50, 81, **_SMALL),
    lasso("small_text", words(1_500, 5_000), 80, 300, 82, **_SMALL),
    lasso(
        "small_text_intercept",
        *(words(1_500, 5_000), 30, 60, 83),
        fit_intercept=True,
        **_SMALL,
    ),
    lasso("small_dense", dense(300, 2_000, 0.7), 50, 40, 84, **_SMALL),
    enet("small_enet", dense(300, 1_000, 0.5), 50, 40, 0.5, seed=85, **_SMALL),
    nnls("small_nnls", dense(300, 1_000, 0.5), 50, 40, seed=86, **_SMALL),
    nnls("small_nnls_no_penalty", dense(600, 100, 0.5), 40, 0, seed=87, **_SMALL),
    logistic("small_logistic_dense", dense(300, 1_500, 0.5), 50, 15, 88, **_SMALL),
    logistic("small_logistic_text", words(1_500, 4_000), 60, 100, 89, **_SMALL),
    softmax("small_softmax_l1", dense(400, 100, 0.5), 20, 20, 4, 1.0, 90),
    softmax("small_softmax_l2", dense(600, 50, 0.5), 20, 50, 5, 0.0, 91),
]

FULL = [
    *TABLE,
    *BAR,
    *INTERCEPT,
    *ELASTIC_NET,
    *NON_NEGATIVE,
    *LOGISTIC_ELASTIC_NET,
    *SOFTMAX,
    *REAL,
]
PROBLEMS = {problem.name: problem for problem in [*FULL, *SMALL]}
