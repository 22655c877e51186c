# SPDX-License-Identifier: BSD-3-Clause
"""Learning curves of naive Bayes and of logistic regression, against doing it by hand.

By hand means scikit-learn's ``learning_curve`` on two pipelines, min-max scaling before
naive Bayes and before logistic regression, on the same nested subsets and the same held-out
rows. Both stop at the same tolerance, so the curves agree up to a few held-out rows; the
table gives the largest difference of the mean curves.
"""

import argparse
import time
import tracemalloc

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import learning_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_theory.linear_model import NaiveBayesVsLogistic, SharedVarianceNB
from sklearn_theory.linear_model._learning_curves import draw_shuffle
from sklearn_theory.linear_model._weighted_rows import draw_salts, weighted_rows

TARGET = 3
LARGEST_DIFFERENCE = 0.01
CV = 5


def main(quick=False):
    n_repeats = 3 if quick else 10
    rows = [compare(name, *data, n_repeats) for name, data in data_sets(quick).items()]
    rows.append(growth(rows[-3:]))
    for row in rows:
        print_row(row)
    return rows


def data_sets(quick):
    """Real data, and Gaussian classes of three sizes."""
    sizes = (500, 1_000, 2_000) if quick else (1_000, 4_000, 16_000)
    return {
        "breast_cancer": load_breast_cancer(return_X_y=True),
        "digits": load_digits(return_X_y=True),
    } | {f"correlated Gaussians, {size:,} rows": correlated(size) for size in sizes}


def correlated(n_samples, n_features=50, n_classes=4):
    """Gaussian classes with correlations of 0.5 between neighbouring features."""
    rng = np.random.default_rng(0)
    steps = np.abs(np.subtract.outer(np.arange(n_features), np.arange(n_features)))
    root = np.linalg.cholesky(0.5**steps)
    y = rng.integers(n_classes, size=n_samples)
    centres = 0.35 * rng.normal(size=(n_classes, n_features))
    return centres[y] + rng.normal(size=(n_samples, n_features)) @ root.T, y


def compare(name, X, y, n_repeats):
    X, y, splits = same_subsets(X, y, n_repeats)
    classifier = NaiveBayesVsLogistic(
        select="naive_bayes", learning_curve=True, n_repeats=n_repeats, cv=CV
    )
    sizes = classifier.fit(X, y).learning_curves_["sizes"]
    seconds, ours = best_time(lambda: classifier.fit(X, y).learning_curves_)
    by_hand_seconds, by_hand = best_time(lambda: curves_by_hand(X, y, sizes, splits), 1)
    difference = max(
        np.abs(ours["nb_mean"] - by_hand[0]).max(),
        np.abs(ours["lr_mean"] - by_hand[1]).max(),
    )
    ratio = by_hand_seconds / seconds
    return {
        "data": name,
        "rows": X.shape[0],
        "features": X.shape[1],
        "classes": len(np.unique(y)),
        "sizes x repeats": f"{len(sizes)} x {n_repeats}",
        "NaiveBayesVsLogistic, s": seconds,
        "by hand, s": by_hand_seconds,
        "times faster": ratio,
        "largest difference of curves": float(difference),
        "crossover": classifier.crossover_n_,
        "NaiveBayesVsLogistic, peak MB": peak_memory(lambda: classifier.fit(X, y)),
        "target": f"at least {TARGET} times as fast at equal curves",
        "met": bool(ratio >= TARGET and difference <= LARGEST_DIFFERENCE),
    }


def same_subsets(X, y, n_repeats):
    """Rows, labels, and the shuffles of the classifier as splits for scikit-learn."""
    _, labels = np.unique(y, return_inverse=True)
    rows = weighted_rows(np.asarray(X, dtype=float), labels)
    assert np.all(rows.weight == 1), "some rows are equal"
    salts = draw_salts(None, 1 + n_repeats)[1:]
    shuffles = [draw_shuffle(rows, salt, 1 / CV) for salt in salts]
    splits = [(first_seen(shuffle.rows), shuffle.held_out) for shuffle in shuffles]
    shortest = min(len(train) for train, _ in splits)
    return rows.X, rows.y, [(train[:shortest], test) for train, test in splits]


def first_seen(rows):
    """Distinct rows in the order in which they first occur."""
    return rows[np.sort(np.unique(rows, return_index=True)[1])]


def curves_by_hand(X, y, sizes, splits):
    """Mean errors of both heads with scikit-learn's learning_curve."""
    heads = SharedVarianceNB(), LogisticRegression(max_iter=1000)
    errors = []
    for head in heads:
        pipeline = make_pipeline(MinMaxScaler(), head)
        _, _, scores = learning_curve(pipeline, X, y, train_sizes=sizes, cv=splits)
        errors.append(1 - scores.mean(axis=1))
    return errors


def best_time(function, repeats=3):
    """Best seconds of some repeats, and the result."""
    best = np.inf
    for _ in range(repeats):
        started = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - started)
    return best, result


def peak_memory(function):
    """Megabytes allocated at the peak, beyond what was there."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return peak


def growth(rows):
    """How many times dearer the curve is on the most rows than on the fewest."""
    first, last = rows[0], rows[-1]
    factor = last["rows"] / first["rows"]
    columns = [name for name in first if name.endswith((", s", "MB"))]
    ratios = {name: last[name] / first[name] for name in columns}
    return (
        dict.fromkeys(first)
        | ratios
        | {
            "data": f"growth, {first['rows']:,} to {last['rows']:,} rows",
            "target": f"time and memory grow at most linearly ({factor:.0f} times)",
            "met": bool(
                ratios["NaiveBayesVsLogistic, s"] <= factor
                and ratios["NaiveBayesVsLogistic, peak MB"] <= 1.1 * factor
            ),
        }
    )


def print_row(row):
    print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    main(parser.parse_args().quick)
