# SPDX-License-Identifier: BSD-3-Clause
"""The policies of SelfTrainer: accuracy on unlabelled rows, and the cost of thresholds.

The first rows are transductive accuracies, over draws of the labelled rows: of the base
alone, of every policy, of scikit-learn's SelfTrainingClassifier and LabelSpreading. The
last ones are times: of the threshold step against the fit and the votes of the same round,
and against the formulas written as loops.
"""

import argparse
import importlib.util
import os
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from sklearn_theory.datasets import make_binary_signature_classification
from sklearn_theory.semi_supervised import SelfTrainer, bound_thresholds

PROBLEMS = Path(__file__).resolve().parents[1] / "_problems.py"
THRESHOLD = 0.7
POLICIES = {
    "fixed": {"threshold": THRESHOLD},
    "mean": {},
    "curriculum": {"step": 1 / 3},
    "top_k": {},
    "random": {},
    "flexmatch": {},
    "freematch": {},
    "bound, votes": {"posterior": "votes", "max_iter": None},
    "bound": {"max_iter": None},
}
# The least gains over the base alone, and over the fixed threshold, that are expected.
TARGETS = {
    "digits": {"supervised": 0.025},
    "signatures": {"supervised": 0.01, "fixed": 0.2},
    "mnist_10k": {"supervised": 0.0},
}
MOST_SHARE = 0.05
LEAST_TIMES_FASTER = 20


def main(quick=False):
    rows = [row for task in tasks(quick) for row in compare(*task)]
    rows += against_rounds(20_000 if quick else 100_000)
    rows.append(against_loops(400 if quick else 1737))
    for row in rows:
        print_row(row)
    return rows


# ------------------------------------------------------------------- accuracy
def tasks(quick):
    """Yield name, rows, truth, number of trees, and draws of labelled rows."""
    X, truth = load_digits(return_X_y=True)
    draws = [stratified(truth, 60, seed) for seed in range(2 if quick else 6)]
    yield "digits", X, truth, 30 if quick else 100, draws
    X, truth = make_binary_signature_classification(random_state=12)
    orders = [np.random.default_rng(seed).permutation(len(truth)) for seed in range(3)]
    n_draws = 1 if quick else 3
    yield "signatures", X, truth, 60, [order[:60] for order in orders[:n_draws]]
    mnist = mnist_10k()
    if mnist is not None and not quick:
        X, truth = mnist
        rows = np.random.default_rng(0).permutation(len(truth))[:4000]
        draws = [stratified(truth[rows], 80, seed) for seed in range(3)]
        yield "mnist_10k", X[rows], truth[rows], 60, draws


def mnist_10k():
    """Load the images if they are there; --data of run.py says where to look."""
    spec = importlib.util.spec_from_file_location("_problems", PROBLEMS)
    problems = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(problems)
    path = problems.data_folder() / "mnist_10k.npz"
    if not path.exists():
        print(f"{path} is not there, and is left out")
        return None
    with np.load(path) as archive:
        return archive["X"] / 255.0, archive["y"].astype(int)


def stratified(truth, n_labels, seed):
    rows = np.arange(len(truth))
    return train_test_split(
        rows, train_size=n_labels, stratify=truth, random_state=seed
    )[0]


def methods(n_trees, seed):
    """Return the methods; all but the last one wrap the same forest."""
    forest = RandomForestClassifier(n_trees, random_state=seed)
    own = {
        name: SelfTrainer(
            forest, policy=name.partition(",")[0], random_state=seed, **parameters
        )
        for name, parameters in POLICIES.items()
    }
    return {
        "supervised": SelfTrainer(forest, max_iter=0),
        **own,
        "scikit-learn, SelfTrainingClassifier": SelfTrainingClassifier(
            forest, threshold=THRESHOLD
        ),
        "scikit-learn, LabelSpreading": LabelSpreading(kernel="knn", n_neighbors=7),
    }


def compare(name, X, truth, n_trees, draws):
    """Fit every method on every draw."""
    scores, seconds = {}, {}
    for seed, labelled in enumerate(draws):
        y = np.full(len(truth), -1)
        y[labelled] = truth[labelled]
        others = y < 0
        for method, model in methods(n_trees, seed).items():
            started = time.perf_counter()
            # LabelSpreading divides by zero where no label has come.
            with np.errstate(invalid="ignore"):
                predicted = model.fit(X, y).predict(X[others])
            seconds.setdefault(method, []).append(time.perf_counter() - started)
            accuracy = np.mean(predicted == truth[others])
            scores.setdefault(method, []).append(accuracy)
    means = {method: float(np.mean(values)) for method, values in scores.items()}
    return [
        row(
            data=name,
            method=method,
            accuracy=means[method],
            spread=float(np.std(scores[method])),
            gain=means[method] - means["supervised"],
            seconds=float(np.mean(seconds[method])),
            **judge(name, method, means),
        )
        for method in scores
    ]


def judge(name, method, means):
    """Compare the default policy with what is expected of it."""
    if method != "bound":
        return {}
    targets = TARGETS[name]
    words = [f"{rival} + {gain:g}" for rival, gain in targets.items()]
    met = all(means[method] >= means[rival] + gain for rival, gain in targets.items())
    return {"target": f"at least {' and '.join(words)}", "met": bool(met)}


# ----------------------------------------------------------------------- time
def against_rounds(n_unlabelled, n_labels=1000, n_classes=10):
    """Compare the threshold step with the fit and the votes of the first two rounds.

    The first fit sees the labelled rows only, and is the cheapest.
    """
    X, truth = make_classification(
        n_unlabelled + n_labels,
        n_features=20,
        n_informative=12,
        n_classes=n_classes,
        random_state=0,
    )
    known, labels = np.arange(len(truth)) < n_labels, truth.copy()
    rows = []
    for name in ("first", "second"):
        timed, votes = time_round(X, labels, known)
        seconds, thresholds = best_time(
            lambda votes=votes: bound_thresholds(votes, votes)
        )
        rows.append(share_of_round(name, n_unlabelled, n_classes, timed, seconds))
        chosen = votes.max(axis=1) >= thresholds[votes.argmax(axis=1)]
        added = np.flatnonzero(~known)[chosen]
        labels[added] = votes.argmax(axis=1)[chosen]
        known[added] = True
    return rows


def time_round(X, labels, known):
    """Time the fit of a forest and its votes on the rows without a label."""
    forest = RandomForestClassifier(100, random_state=0)
    fit_seconds, _ = best_time(lambda: forest.fit(X[known], labels[known]), 1)
    vote_seconds, votes = best_time(lambda: forest.predict_proba(X[~known]), 1)
    return (int(known.sum()), fit_seconds + vote_seconds), votes


def share_of_round(name, n_unlabelled, n_classes, timed, seconds):
    n_known, round_seconds = timed
    share = seconds / (round_seconds + seconds)
    return row(
        data=f"{n_unlabelled:,} unlabelled rows, {n_classes} classes, {name} round",
        method="bound_thresholds",
        seconds=seconds,
        rival=f"fit of 100 trees on {n_known:,} rows, and votes",
        rival_seconds=round_seconds,
        ratio=share,
        target=f"below {MOST_SHARE:.0%} of the round",
        met=bool(share < MOST_SHARE),
    )


def against_loops(n_unlabelled, n_classes=10):
    """Compare the threshold step with loops over thresholds, gammas and classes."""
    rng = np.random.default_rng(0)
    votes = rng.dirichlet(np.full(n_classes, 0.3), size=n_unlabelled)
    bound_thresholds(votes, votes)
    seconds, thresholds = best_time(lambda: bound_thresholds(votes, votes))
    loop_seconds, expected = best_time(lambda: thresholds_by_loops(votes, votes), 1)
    difference = np.abs(thresholds - expected).max()
    ratio = loop_seconds / seconds
    return row(
        data=f"{n_unlabelled:,} unlabelled rows, {n_classes} classes",
        method="bound_thresholds",
        seconds=seconds,
        rival=f"loops; largest difference of thresholds {difference:.1g}",
        rival_seconds=loop_seconds,
        ratio=ratio,
        target=f"at least {LEAST_TIMES_FASTER} times as fast, same thresholds",
        met=bool(ratio >= LEAST_TIMES_FASTER and difference < 1e-12),
    )


def thresholds_by_loops(votes, posterior, n=50):
    """Minimise the bound of every class by the formulas, one sum after another."""
    predicted = votes.argmax(axis=1)
    mass = posterior.sum(axis=0)
    thresholds = []
    for k in range(votes.shape[1]):
        v = votes[:, k]
        others = [i for i in range(votes.shape[1]) if i != k]
        gibbs = [
            np.sum(posterior[predicted == k, i] * v[predicted == k]) for i in others
        ]
        best = np.inf, 1.0
        for theta in v.min() + np.arange(n) * (v.max() - v.min()) / n:
            share = max(np.mean((predicted == k) & (v >= theta)), 1e-8)
            bounds = [
                least_bound(v, posterior[:, i], gibbs[place], theta, n)
                for place, i in enumerate(others)
            ]
            value = sum(bounds) / len(v) / share
            best = min(best, (value, theta))
        thresholds.append(best[1] if mass[k] > 0 else 1.0)
    return np.array(thresholds)


def least_bound(v, weights, gibbs, theta, n):
    """Minimise the bound of one pair of classes over gamma, times the class's mass."""
    below_theta = np.sum(weights * v * (v < theta))
    values = []
    for gamma in theta + (1 - theta) * np.arange(1, n + 1) / n:
        between = np.sum(weights * ((v >= theta) & (v < gamma)))
        below = np.sum(weights * v * (v < gamma))
        values.append(between + max(0, gibbs - below + below_theta) / gamma)
    return min(values)


def best_time(function, repeats=3):
    """Best seconds of some repeats, and the result."""
    best = np.inf
    for _ in range(repeats):
        started = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - started)
    return best, result


# ---------------------------------------------------------------------- table
COLUMNS = {
    "data": "data",
    "method": "method",
    "accuracy": "accuracy",
    "spread": "standard deviation",
    "gain": "gain over supervised",
    "seconds": "seconds",
    "rival": "compared with",
    "rival_seconds": "its seconds",
    "ratio": "ratio",
    "target": "target",
    "met": "met",
}


def row(**values):
    return {title: values.get(name) for name, title in COLUMNS.items()}


def print_row(values):
    shown = {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
    print({k: v for k, v in shown.items() if v is not None})


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    main(parser.parse_args().quick)
