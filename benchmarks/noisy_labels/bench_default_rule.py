# SPDX-License-Identifier: BSD-3-Clause
"""Which labels not to trust when the noise rate is unknown: candidates for the default.

Every candidate flags rows, the same calibration and logistic regression follow, and
balanced accuracy is measured on clean rows; means over noise 0.1 to 0.4 and imbalance
above 1. ``LOF, true rate`` is told the rate, ``true labels`` the labels.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from _noisy_data import DATA, is_present
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from sklearn_theory.noisy_labels import RCAL, ClassConditionalLOF
from sklearn_theory.noisy_labels._noise_mixture import fit_mixture, flag_labels
from sklearn_theory.noisy_labels._robust_gaussians import PooledScatter, ShrunkScatter

GAIN = 0.8
CLEAN_LOSS = 0.01
NAMES = ("synthetic", "digits", "mnist", "breast_cancer", "wine", "adult", "adult_32")


def main(quick=False):
    rows = []
    for name in filter(is_present, NAMES):
        rows.append(compare(name, quick))
        print_row(rows[-1])
    return rows


def compare(name, quick):
    """One row of the table: means over the cells, and over seeds."""
    imbalances = (1, 10) if quick else (1, 10, 100 if name in LARGE else 50)
    noises = (0, 0.2, 0.4) if quick else (0, 0.1, 0.2, 0.3, 0.4)
    seeds = range(1 if quick and name in LARGE else 3)
    scores, rates, seconds, clean = {}, [], [], []
    for imbalance, noise, seed in product(imbalances, noises, seeds):
        split = DATA[name](imbalance, noise, seed)
        if imbalance == 1 and noise == 0:
            clean.append(accuracy(split, plain, 0) - accuracy(split, mixture, 0))
        if imbalance > 1 and noise > 0:
            for candidate, method in CANDIDATES.items():
                scores.setdefault(candidate, []).append(accuracy(split, method, noise))
        if noise > 0:
            started = time.perf_counter()
            model = RCAL(random_state=0).fit(split.X, split.y)
            seconds.append(time.perf_counter() - started)
            rates.append(abs(model.noise_rate_ - noise))
    return summary(name, scores, rates, seconds, clean)


LARGE = ("synthetic", "mnist", "adult", "adult_32")


def product(imbalances, noises, seeds):
    return [(r, noise, seed) for r in imbalances for noise in noises for seed in seeds]


def summary(name, scores, rates, seconds, clean):
    means = {candidate: float(np.mean(values)) for candidate, values in scores.items()}
    gain = means["noise mixture (default)"] - means["plain"]
    wanted = GAIN * (means["LOF, true rate"] - means["plain"])
    loss = float(np.mean(clean))
    return {
        "data": name,
        **means,
        "error of the rate, mean": float(np.mean(rates)),
        "loss on clean, balanced data": loss,
        "RCAL, s": float(np.mean(seconds)),
        "target": (
            f"{GAIN:.0%} of the gain with the true rate, clean loss at most {CLEAN_LOSS}"
        ),
        "met": bool(gain >= wanted and loss <= CLEAN_LOSS),
    }


def accuracy(split, method, noise):
    model = method(split, noise)
    return balanced_accuracy_score(split.y_test, model.predict(split.X_test))


def plain(split, noise):
    return LogisticRegression(max_iter=1000).fit(split.X, split.y)


def balanced(split, noise):
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    return model.fit(split.X, split.y)


def fit_rcal(split, y=None, kept=slice(None), **parameters):
    """Fit RCAL to the rows that a candidate keeps, with the heads of all rows."""
    classes, counts = np.unique(split.y, return_counts=True)
    heads = classes[np.argsort(-counts, kind="stable")[: -(-len(classes) // 2)]]
    model = RCAL(n_head=heads, random_state=0, **parameters)
    return model.fit(split.X[kept], (split.y if y is None else y)[kept])


def mixture(split, noise):
    return fit_rcal(split)


def uncleaned(split, noise):
    return fit_rcal(split, outlier="none")


def true_labels(split, noise):
    return fit_rcal(split, y=split.y_true, outlier="none")


def true_rate(split, noise):
    return fit_rcal(split, contamination=noise)


def fixed_rate(split, noise):
    return fit_rcal(split, contamination=0.2)


def usual_threshold(split, noise):
    kept = ClassConditionalLOF().fit(split.X, split.y).inlier_mask_
    return fit_rcal(split, kept=kept, outlier="none")


def mixtures_rate(split, noise):
    return fit_rcal(split, outlier="lof")


def trimmed(split, noise):
    return fit_rcal(split, outlier="trim")


def one_scatter(scatters):
    """The mixture with one kind of covariance only."""

    def fit(split, noise):
        _, codes = np.unique(split.y, return_inverse=True)
        Z = split.X - split.X.mean(axis=0)
        model = fit_mixture(Z, codes, codes.max() + 1, scatters)
        kept = flag_labels(model.label_posterior, codes)
        return fit_rcal(split, kept=kept, outlier="none")

    return fit


CANDIDATES = {
    "plain": plain,
    "class weights": balanced,
    "no cleaning": uncleaned,
    "LOF, true rate": true_rate,
    "LOF, rate 0.2": fixed_rate,
    "LOF above 1.5": usual_threshold,
    "LOF, the mixture's rates": mixtures_rate,
    "trimmed, the mixture's rates": trimmed,
    "mixture, pooled": one_scatter(PooledScatter()),
    "mixture, shrunk": one_scatter(ShrunkScatter()),
    "noise mixture (default)": mixture,
    "true labels": true_labels,
}


def print_row(row):
    print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    main(parser.parse_args().quick)
