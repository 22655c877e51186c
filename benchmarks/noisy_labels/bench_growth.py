# SPDX-License-Identifier: BSD-3-Clause
"""How the costs of RCAL and of the outlier factors within classes grow with the rows.

CPU seconds of one thread, the best of some repeats, and megabytes at the peak. The peer of
the factors is scikit-learn's LocalOutlierFactor in a loop over the classes.
"""

import argparse
import time
import tracemalloc

import numpy as np
from sklearn.neighbors import LocalOutlierFactor

from sklearn_theory.datasets import make_long_tail_noisy, make_super_classes
from sklearn_theory.noisy_labels import RCAL, ClassConditionalLOF

IMBALANCE, NOISE = 10, 0.2
SLACK = 1.5


def main(quick=False):
    sizes = (200, 400, 800) if quick else (500, 2_000, 8_000)
    data = [draw(n_max) for n_max in sizes]
    rows = []
    for name, (ours, peer) in METHODS.items():
        measured = [measure(name, ours, peer, *rows_of) for rows_of in data]
        rows += [*measured, growth(name, measured)]
    for row in rows:
        print_row(row)
    return rows


def draw(n_max):
    X, y = make_super_classes(n_max, random_state=0)
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
