# SPDX-License-Identifier: BSD-3-Clause
"""The theory of naive Bayes against logistic regression as a report on given rows."""

import numpy as np

from . import _naive_bayes_theory as theory
from ._naive_bayes_theory import FAILURE_PROBABILITY, MEAN_PRECISION, PAPER

_CONFIDENCE = f"{1 - FAILURE_PROBABILITY:.0%}"


def add_assumptions(report, measured):
    """Report the diagnostics of the paper: variances, drift and variance of log-odds."""
    _add_range(report, measured.summary)
    _add_variances(report, measured)
    beta, alpha = theory.log_odds_moments(measured)
    report.add_assumption(
        "drift of log-odds (beta)",
        measured=beta,
        relation=">",
        bound=0,
        estimate=True,
        reference=f"{PAPER}, assumptions of naive Bayes' sample complexity",
        meaning=(
            "Smallest mean log-odds of a pair of classes over the rows of a class, per "
            "feature; the further from 0, the fewer rows naive Bayes needs."
        ),
    )
    report.add_assumption(
        "variance of log-odds (alpha)",
        measured=alpha,
        estimate=True,
        reference=f"{PAPER}, assumptions of naive Bayes' sample complexity",
        meaning=(
            "Largest variance of a pairwise log-odds over the rows of a class, per "
            "feature; it must stay bounded as features are added, and grows with "
            "their correlation."
        ),
    )


def _add_range(report, summary):
    lower, upper = summary.lower.min(), summary.upper.max()
    report.add_assumption(
        "feature values",
        measured=f"[{lower:.4g}, {upper:.4g}]",
        relation=None,
        bound="[0, 1]",
        holds=bool(lower >= 0 and upper <= 1),
        reference=PAPER,
        meaning=(
            "The bound on the means is stated for features in [0, 1]; all rows below "
            "are computed on features mapped there by their ranges in these data."
        ),
    )


def _add_variances(report, measured):
    varies = measured.summary.upper > measured.summary.lower
    variance = measured.unit.squares / measured.unit.counts.sum()
    low, median = np.percentile(variance[varies], [5, 50]) if varies.any() else (0, 0)
    report.add_assumption(
        "shared variances, 5th percentile",
        measured=low,
        relation=">",
        bound=0,
        estimate=True,
        reference=f"{PAPER}, assumptions of naive Bayes' sample complexity",
        meaning=(
            "Variances of features that vary must stay away from 0; the median here is "
            f"{median:.4g}."
        ),
    )
    report.add_assumption(
        "ratio of class variances",
        measured=theory.class_variance_ratio(measured),
        estimate=True,
        reference=f"{PAPER}, model of naive Bayes",
        meaning=(
            "Median over features of the largest to the smallest class variance; the "
            "classes share their variances where it is near 1."
        ),
    )


def add_naive_bayes_promises(report, measured, head, priors):
    """Report the bounds on the means, on the decisions and on the error."""
    halves = theory.half_sample_statistics(measured)
    counts = measured.unit.counts[measured.unit.counts > 0]
    n_features, n_classes = measured.n_features, measured.n_classes
    report.add_promise(
        "deviation of class means",
        measured=theory.half_sample_deviation(measured, halves),
        relation="<=",
        bound=theory.mean_radius(counts.min(), n_features, n_classes),
        estimate=True,
        reference=f"{PAPER}; Hoeffding's inequality and a union bound",
        meaning=(
            f"With probability {_CONFIDENCE} all class means of features in [0, 1] are "
            "this close to the truth; measured as half the largest difference between "
            "two halves of the rows."
        ),
    )
    report.add_promise(
        "decisions that half of the rows turn",
        measured=theory.half_sample_disagreement(measured, halves, priors),
        relation="<=",
        bound=theory.rows_near_a_tie(measured, halves, priors),
        estimate=True,
        reference=f"{PAPER}; after Ng and Jordan (2001)",
        meaning=(
            "Rows whose two best classes are closer in log-odds than the deviation of "
            "the means can reach bound how often naive Bayes decides unlike its limit; "
            "measured against naive Bayes of half of the rows."
        ),
    )
    add_consistency(report, measured, "naive Bayes", head)


def add_consistency(report, measured, name, head):
    """Report the H-consistency bound of the logistic loss for the empirical labels."""
    error, log_loss = theory.error_and_log_loss(measured, head)
    report.add_promise(
        f"error of {name}",
        measured=error,
        relation="<=",
        bound=theory.error_bound(log_loss),
        reference=f"{PAPER}, H-consistency bound of the logistic loss",
        meaning=(
            "The error is at most the root of twice the log-loss, here for the labels "
            f"as they are, where the log-loss is {log_loss:.4g}."
        ),
    )


def add_regret_under_logistic(report, measured, truth, head):
    """Report the H-consistency bound, were the logistic posterior the truth."""
    regret, divergence = theory.regret_under(measured, truth, head)
    report.add_promise(
        "regret of naive Bayes, were the logistic head true",
        measured=regret,
        relation="<=",
        bound=theory.error_bound(divergence),
        estimate=True,
        reference=f"{PAPER}, H-consistency bound of the logistic loss",
        meaning=(
            "If the logistic posterior were the truth, naive Bayes' excess error would "
            "be at most the root of twice its excess log-loss."
        ),
    )


def add_sample_complexities(report, measured):
    """Report what O(log n) and O(n) come to at this n and this m."""
    n_rows, n_features = len(measured.y), measured.n_features
    counts = measured.unit.counts[measured.unit.counts > 0]
    report.add_promise(
        "rows of the smallest class, for naive Bayes",
        measured=int(counts.min()),
        relation=">=",
        bound=theory.rows_for_means(MEAN_PRECISION, n_features, measured.n_classes),
        reference=f"{PAPER}, sample complexity O(log n) of naive Bayes",
        meaning=(
            f"So many rows of each class put all means of features in [0, 1] within "
            f"{MEAN_PRECISION} of the truth with probability {_CONFIDENCE}; it grows "
            "with the logarithm of the number of features."
        ),
    )
    report.add_promise(
        "rows, for logistic regression",
        measured=n_rows,
        relation=">=",
        bound=n_features,
        holds=None,
        reference=f"{PAPER}, sample complexity O(n) of logistic regression",
        meaning=(
            "It grows with the number of features itself; an order of magnitude, whose "
            "constant the theorem does not give, so it is not judged."
        ),
    )
    report.add_promise(
        "rate of naive Bayes, sqrt(log n / m)",
        measured=np.sqrt(np.log(max(n_features, 2)) / n_rows),
        reference=f"{PAPER}, sample complexity O(log n) of naive Bayes",
        meaning="What naive Bayes' estimates are off by, up to a constant.",
    )
    report.add_promise(
        "rate of logistic regression, sqrt(n / m)",
        measured=np.sqrt(n_features / n_rows),
        reference=f"{PAPER}, sample complexity O(n) of logistic regression",
        meaning="What the logistic head's log-loss is off by, up to a constant.",
    )


def add_crossover(report, crossover, n_rows):
    """Report the measured number of rows from which logistic regression is ahead."""
    report.add_promise(
        "two regimes: crossover",
        measured=crossover,
        bound=n_rows,
        estimate=True,
        reference=f"{PAPER}, two regimes of performance",
        meaning=(
            "Naive Bayes is ahead below this number of rows, logistic regression from "
            f"it on, by the learning curves of fit; these data have {n_rows} rows."
        ),
    )
