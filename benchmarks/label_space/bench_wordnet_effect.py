# SPDX-License-Identifier: BSD-3-Clause
"""Unseen classes among the 82,115 nouns of WordNet: argmax against the Fréchet mean.

The mean of a noun diffuses from that of its hypernym; a nearest-neighbour classifier is
given five rows of each of K nouns, and must place rows of nouns drawn from all of them.
Neighbours are weighted by distance, so that argmax has few ties to break blindly. It
runs where the database of WordNet is installed (Debian: wordnet-base).
"""

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from sklearn_theory.label_space import LokiClassifier, TreeMetric

WORDNET = Path("/usr/share/wordnet/data.noun")
N_FEATURES, NOISE = 32, 2.0
N_ROWS_PER_CLASS, N_TEST, N_NEIGHBORS = 5, 1000, 10
N_SEEDS = 5


def main(quick=False):
    if not WORDNET.exists():
        print(f"skipped: {WORDNET} is not there (Debian package wordnet-base)")
        return []
    metric = TreeMetric.from_wordnet(WORDNET)
    levels = nodes_by_level(np.asarray(metric.parents))
    rows = []
    for n_observed in (100, 1000, 5000):
        seeds = range(1 if quick else N_SEEDS)
        runs = [run(metric, levels, n_observed, seed) for seed in seeds]
        rows.append(row_of(n_observed, np.array(runs)))
        print_row(rows[-1])
    return rows


def nodes_by_level(parents):
    """The nodes of each depth, from the root down."""
    levels = [np.flatnonzero(parents < 0)]
    while len(levels[-1]):
        levels.append(np.flatnonzero(np.isin(parents, levels[-1])))
    return levels[:-1]


def draw_means(parents, levels, rng):
    """Means of all nouns: that of the hypernym, plus noise."""
    means = rng.normal(size=(len(parents), N_FEATURES))
    for nodes in levels[1:]:
        means[nodes] += means[parents[nodes]]
    return means


def run(metric, levels, n_observed, seed):
    """Mean squared distances of argmax and Loki, the share of unseen answers, the time."""
    rng = np.random.default_rng(seed)
    n_labels = metric.n_labels
    means = draw_means(np.asarray(metric.parents), levels, rng)
    observed = rng.permutation(n_labels)[:n_observed]
    y_train = np.repeat(observed, N_ROWS_PER_CLASS)
    y_test = rng.permutation(n_labels)[:N_TEST]
    X_train, X_test = (
        means[y] + NOISE * rng.normal(size=(len(y), N_FEATURES))
        for y in (y_train, y_test)
    )
    model = LokiClassifier(
        KNeighborsClassifier(N_NEIGHBORS, weights="distance"),
        metric=metric,
        labels=np.arange(n_labels),
    ).fit(X_train, y_train)
    P = model.predict_observed_proba(X_test)
    argmax = model.observed_classes_[P.argmax(axis=1)]
    started = time.perf_counter()
    loki = model.predict_from_proba(P)
    seconds = time.perf_counter() - started
    return [
        np.mean(metric.pairwise(y_test, argmax) ** 2),
        np.mean(metric.pairwise(y_test, loki) ** 2),
        np.mean(~np.isin(loki, observed)),
        1e3 * seconds / N_TEST,
    ]


def row_of(n_observed, runs):
    argmax, loki, unseen, milliseconds = runs.mean(axis=0).tolist()
    return {
        "observed nouns of 82,115": n_observed,
        "seeds": len(runs),
        "mean squared distance, argmax": argmax,
        "mean squared distance, Loki": loki,
        "Loki / argmax": loki / argmax,
        "share of unseen answers": unseen,
        "ms a sample": milliseconds,
        "target": "at most 0.65 of argmax's, 95 % of the answers unseen",
        "met": bool(loki <= 0.65 * argmax and unseen >= 0.95),
    }


def print_row(row):
    print(
        f"{row['observed nouns of 82,115']:>5} observed: argmax "
        f"{row['mean squared distance, argmax']:5.1f}, Loki "
        f"{row['mean squared distance, Loki']:5.1f} ({row['Loki / argmax']:.2f}), "
        f"unseen answers {row['share of unseen answers']:.0%}, "
        f"{row['ms a sample']:.3f} ms a sample",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed")
    main(**vars(parser.parse_args()))
