# SPDX-License-Identifier: BSD-3-Clause
"""How the costs of RCAL and of the outlier factors within classes grow with the rows.

CPU seconds of one thread, the best of some repeats, and megabytes at the peak. The peer of
the factors is scikit-learn's LocalOutlierFactor in a loop over the classes. The noise
mixture alone has a target at 100,000 rows, 64 features and 100 classes.
"""

import argparse
import time
import tracemalloc

import numpy as np
from sklearn.neighbors import LocalOutlierFactor

from sklearn_theory.datasets import make_long_tail_noisy, make_super_classes
from sklearn_theory.noisy_labels import RCAL, ClassConditionalLOF
from sklearn_theory.noisy_labels._noise_mixture import fit_noise_model

IMBALANCE, NOISE = 10, 0.2
SLACK = 1.5
MIXTURE_SECONDS = 10


def main(quick=False):
    sizes = (200, 400, 800) if quick else (500, 2_000, 8_000)
    data = [draw(n_max) for n_max in sizes]
    rows = []
    for name, (ours, peer) in METHODS.items():
        measured = [measure(name, ours, peer, *rows_of) for rows_of in data]
        rows += [*measured, growth(name, measured)]
    rows.append(large_mixture(300 if quick else 2_565))
    for row in rows:
        print_row(row)
    return rows


def draw(n_max, **options):
    X, y = make_super_classes(n_max, random_state=0, **options)
    X, _, y, _ = make_long_tail_noisy(
        X, y, imbalance=IMBALANCE, noise=NOISE, random_state=0
    )
    return X, y


def fit_rcal(X, y):
    RCAL(random_state=0).fit(X, y)


def fit_rcal_with_factors(X, y):
    RCAL(contamination=NOISE, random_state=0).fit(X, y)


def fit_factors(X, y):
    ClassConditionalLOF(10, contamination=NOISE).fit(X, y)


def loop_over_classes(X, y):
    for k in np.unique(y):
        LocalOutlierFactor(n_neighbors=10, contamination=NOISE).fit_predict(X[y == k])


METHODS = {
    "RCAL": (fit_rcal, None),
    "RCAL, outlier factors": (fit_rcal_with_factors, None),
    "ClassConditionalLOF": (fit_factors, loop_over_classes),
}


def measure(name, ours, peer, X, y):
    seconds = best_time(ours, X, y)
    peer_seconds = None if peer is None else best_time(peer, X, y)
    ratio = None if peer is None else peer_seconds / seconds
    return {
        "method": name,
        "rows": len(y),
        "ms": 1e3 * seconds,
        "class by class, ms": None if peer is None else 1e3 * peer_seconds,
        "times as fast": ratio,
        "peak MB": peak_memory(ours, X, y),
        "target": "" if peer is None else "at least 0.9 times as fast",
        "met": None if peer is None else bool(ratio >= 0.9),
    }


def best_time(function, X, y, repeats=5):
    times = []
    for _ in range(repeats):
        started = time.process_time()
        function(X, y)
        times.append(time.process_time() - started)
    return min(times)


def peak_memory(function, X, y):
    tracemalloc.start()
    function(X, y)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return peak


def large_mixture(n_max):
    """The noise mixture on many rows, features and classes."""
    X, y = draw(n_max, n_classes=100, n_features=64, n_super_classes=10, class_sep=6.0)
    seconds = best_time(fit_mixture_of_hundred, X, y, repeats=1)
    return {
        "method": "noise mixture, 64 features, 100 classes",
        "rows": len(y),
        "ms": 1e3 * seconds,
        "class by class, ms": None,
        "times as fast": None,
        "peak MB": peak_memory(fit_mixture_of_hundred, X, y),
        "target": f"at most {MIXTURE_SECONDS} s",
        "met": bool(seconds <= MIXTURE_SECONDS),
    }


def fit_mixture_of_hundred(X, y):
    fit_noise_model(X, y, 100)


def growth(name, measured):
    """How many times dearer the most rows are than the fewest."""
    first, last = measured[0], measured[-1]
    factor = last["rows"] / first["rows"]
    ratios = {column: last[column] / first[column] for column in ("ms", "peak MB")}
    power = POWERS[name]
    return (
        dict.fromkeys(first)
        | ratios
        | {
            "method": f"growth of {name}",
            "rows": f"{first['rows']:,} to {last['rows']:,}",
            "target": (
                f"time grows by {factor**power:.0f} times at most, with a slack of "
                f"{SLACK}"
            ),
            "met": bool(ratios["ms"] <= SLACK * factor**power),
        }
    )


# The mixture makes passes over the rows; factors compare all rows of a class.
POWERS = {"RCAL": 1, "RCAL, outlier factors": 2, "ClassConditionalLOF": 2}


def print_row(row):
    print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    main(parser.parse_args().quick)
