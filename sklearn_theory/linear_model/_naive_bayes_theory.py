# SPDX-License-Identifier: BSD-3-Clause
"""The quantities of the paper's theorems, measured on given rows.

Features are measured on the scale on which they fill [0, 1]. Logarithmic odds are
differences of linear scores, so sparse rows stay sparse.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import xlog1py

from ._feature_scaling import scaling_of, summarise
from ._linear_head import log_posterior, naive_bayes_head, scores
from ._naive_bayes_statistics import affine_statistics, class_statistics

FAILURE_PROBABILITY = 0.05
MEAN_PRECISION = 0.1
PAPER = "Zheng et al., arXiv 2302.02334"


def regret_transform(regret):
    """Bound from below the conditional log-regret of a classifier by its 0-1 regret.

    For a distribution `p`, scores with softmax `q`, and ``regret = max(p) - p[argmax
    q]``, this transform of the regret is at most ``KL(p || q)``.
    """
    regret = np.asarray(regret, dtype=float)
    return (xlog1py(1 + regret, regret) + xlog1py(1 - regret, -regret)) / 2


def error_bound(log_regret):
    """Bound the excess error by the excess log-loss."""
    return np.minimum(1, np.sqrt(2 * np.maximum(log_regret, 0)))


def mean_radius(counts, n_features, n_classes, delta=FAILURE_PROBABILITY):
    """Bound the deviations of all class means of features in [0, 1] (Hoeffding)."""
    return np.sqrt(
        np.log(2 * n_features * n_classes / delta) / (2 * np.asarray(counts))
    )


def rows_for_means(precision, n_features, n_classes, delta=FAILURE_PROBABILITY):
    """Count the rows of a class from which all means are within `precision`."""
    return int(np.ceil(np.log(2 * n_features * n_classes / delta) / (2 * precision**2)))


class Measured(NamedTuple):
    """Given rows with their encoded labels, summarised on the unit scale.

    Attributes
    ----------
    X : {ndarray, csr_matrix} of shape (n_rows, n_features)
        The rows.

    y : ndarray of shape (n_rows,)
        The labels, 0 to ``n_classes - 1``.

    summary : FeatureSummary
        The summary of the rows as they are.

    unit : ClassStatistics
        The statistics of the rows with features in [0, 1].

    smoothing : float or ndarray of shape (n_features,)
        What naive Bayes adds to the variances of the rows as they are.
    """

    X: object
    y: np.ndarray
    summary: object
    unit: object
    smoothing: object

    @property
    def n_classes(self):
        """Number of classes."""
        return len(self.unit.counts)

    @property
    def n_features(self):
        """Number of features."""
        return len(self.summary.lower)


def measure(X, y, n_classes, smoothing):
    """Summarise rows on the unit scale."""
    summary = summarise(X, y, n_classes)
    unit = affine_statistics(summary.classes, *scaling_of(summary, "minmax"))
    return Measured(X, y, summary, unit, smoothing)


def log_odds_moments(measured):
    """Compute the drift and the variance of the pairwise log-odds, over features.

    Returns
    -------
    beta : float
        The smallest absolute mean of a log-odds, over pairs of classes and over the
        class that the rows are from, divided by the number of features.

    alpha : float
        The largest variance, divided by the number of features.
    """
    uniform = np.full(measured.n_classes, 1 / measured.n_classes)
    head = naive_bayes_head(measured.summary.classes, measured.smoothing, uniform)
    present = np.flatnonzero(measured.unit.counts)
    raw = scores(measured.X, head).astype(float)[:, present]
    pairs = np.triu_indices(len(present), 1)
    beta, alpha = np.inf, 0.0
    for own in present:
        rows = raw[measured.y == own]
        drift = rows.mean(axis=0)
        spread = np.atleast_2d(np.cov(rows.T, bias=True))
        variance = np.diag(spread)[:, np.newaxis] + np.diag(spread) - 2 * spread
        beta = min(
            beta, np.abs(drift[:, np.newaxis] - drift)[pairs].min(initial=np.inf)
        )
        alpha = max(alpha, variance[pairs].max(initial=0))
    return beta / measured.n_features, alpha / measured.n_features


def class_variance_ratio(measured):
    """Take the median, over features, of the largest to the smallest class variance."""
    present = np.flatnonzero(measured.unit.counts > 1)
    variances = np.array([_own_variance(measured, own) for own in present])
    varies = np.all(variances > 0, axis=0)
    if not varies.any():
        return np.nan
    return np.median(
        variances[:, varies].max(axis=0) / variances[:, varies].min(axis=0)
    )


def _own_variance(measured, own):
    rows = measured.X[measured.y == own]
    alone = np.zeros(rows.shape[0], dtype=int)
    return class_statistics(rows, alone, 1).squares / rows.shape[0]


def split_in_half(y):
    """Split rows at random into halves that share every class evenly."""
    order = np.random.default_rng(0).permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    return order[::2], order[1::2]


def half_sample_statistics(measured):
    """Summarise both halves of the rows, on the scale of the rows."""
    return [
        class_statistics(measured.X[half], measured.y[half], measured.n_classes)
        for half in split_in_half(measured.y)
    ]


def half_sample_deviation(measured, halves):
    """Estimate the largest deviation of a class mean of features in [0, 1].

    Half the difference between the means of two halves is distributed about as the
    deviation of the mean of all rows from the truth.
    """
    first, second = halves
    both = (first.counts > 0) & (second.counts > 0)
    _, scale = scaling_of(measured.summary, "minmax")
    return np.abs((first.means - second.means)[both] * scale).max(initial=0) / 2


def half_sample_disagreement(measured, halves, priors):
    """Measure how often naive Bayes of half of the rows decides unlike that of all."""
    sides = [measured.summary.classes, *halves]
    heads = [naive_bayes_head(side, measured.smoothing, priors) for side in sides]
    decisions = [scores(measured.X, head).argmax(axis=1) for head in heads]
    return np.mean([decision != decisions[0] for decision in decisions[1:]])


def rows_near_a_tie(measured, halves, priors):
    """Bound the share of decisions that the deviation of half-sample means can turn.

    A log-odds moves by at most the sum over features of ``2 (tau + tau^2 / 2) / v``,
    with `tau` the radius of the means and `v` the variance on the unit scale.
    """
    counts = np.minimum(*(half.counts for half in halves))
    if np.any(counts[measured.unit.counts > 0] == 0):
        return 1.0
    tau = mean_radius(counts[counts > 0].min(), measured.n_features, measured.n_classes)
    _, scale = scaling_of(measured.summary, "minmax")
    varies = measured.summary.upper > measured.summary.lower
    variance = measured.unit.squares / measured.unit.counts.sum()
    variance += measured.smoothing * scale**2
    reach = np.sum(2 * (tau + tau**2 / 2) / variance[varies])
    head = naive_bayes_head(measured.summary.classes, measured.smoothing, priors)
    best = np.partition(scores(measured.X, head).astype(float), -2, axis=1)[:, -2:]
    return np.mean(best[:, 1] - best[:, 0] <= reach)


def error_and_log_loss(measured, head):
    """Measure the error and the log-loss of a head on the rows."""
    posterior = log_posterior(measured.X, head)
    own = posterior[np.arange(len(measured.y)), measured.y]
    return np.mean(posterior.argmax(axis=1) != measured.y), -own.mean()


def regret_under(measured, truth, head):
    """Measure the 0-1 and log regrets of a head, were another head the truth."""
    log_truth, log_head = (log_posterior(measured.X, part) for part in (truth, head))
    probability = np.exp(log_truth)
    chosen = probability[np.arange(len(measured.y)), log_head.argmax(axis=1)]
    divergence = np.sum(probability * (log_truth - log_head), axis=1)
    return np.mean(probability.max(axis=1) - chosen), divergence.mean()
