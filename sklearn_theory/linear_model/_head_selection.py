# SPDX-License-Identifier: BSD-3-Clause
"""Fit both heads, judge them on rows that they have not seen, and choose."""

from typing import NamedTuple

import numpy as np

from ._feature_scaling import scaling_of, summarise
from ._linear_head import LinearHead, as_log_odds, log_posterior, naive_bayes_head
from ._naive_bayes_statistics import overall_mean, overall_variance
from ._softmax_regression import LogisticProblem, fit_logistic, tempered_start

_BISECTIONS = 60


class HeadSettings(NamedTuple):
    """What the two heads and their features are made with.

    Attributes
    ----------
    n_classes : int
        Number of classes.

    scaling : {"minmax", "standard", None}
        How features are scaled.

    var_smoothing : float
        What is added to the variances of scaled features.

    priors : ndarray of shape (n_classes,) or None
        Class probabilities of naive Bayes.

    C : float
        Inverse strength of the logistic head's penalty.

    solver : str
        The logistic head's solver.

    max_iter : int
        Its largest number of iterations.

    tol : float
        Its tolerance.
    """

    n_classes: int
    scaling: str | None
    var_smoothing: float
    priors: np.ndarray | None
    C: float
    solver: str
    max_iter: int
    tol: float


def smoothing_of(summary, settings):
    """Express the smoothing of scaled features in the units of the rows."""
    _, scale = scaling_of(summary, settings.scaling)
    return settings.var_smoothing / scale**2


def fit_naive_bayes_head(summary, settings):
    """Write the naive Bayes head of summarised rows, in the units of the rows."""
    smoothing = smoothing_of(summary, settings)
    return naive_bayes_head(summary.classes, smoothing, settings.priors)


def fit_logistic_head(X, y, weight, summary, settings, start=None):
    """Fit the logistic head, from tempered naive Bayes unless a start is given."""
    offset, scale = scaling_of(summary, settings.scaling)
    problem = LogisticProblem(
        X=X,
        y=y,
        weight=weight,
        n_classes=settings.n_classes,
        offset=offset,
        scale=scale,
        centre=overall_mean(summary.classes),
        spread=overall_variance(summary.classes),
        C=settings.C,
    )
    if start is None:
        start = _naive_bayes_start(problem, summary, settings)
    return fit_logistic(
        problem,
        start,
        solver=settings.solver,
        max_iter=settings.max_iter,
        tol=settings.tol,
    )


def _naive_bayes_start(problem, summary, settings):
    smoothing = smoothing_of(summary, settings)
    return tempered_start(
        problem, as_log_odds(naive_bayes_head(summary.classes, smoothing))
    )


class FoldResult(NamedTuple):
    """How both heads did on the held-out rows of one fold.

    Attributes
    ----------
    errors : ndarray of shape (2,)
        Weighted error rates of naive Bayes and of the logistic head.

    log_losses : ndarray of shape (2,)
        Weighted log-losses.

    own_log_probability : ndarray of shape (2, n_test_rows)
        Log-probabilities that the heads gave to the true labels.

    weight : ndarray of shape (n_test_rows,)
        The weights of the held-out rows.

    logistic : LogisticFit
        The fold's logistic head.
    """

    errors: np.ndarray
    log_losses: np.ndarray
    own_log_probability: np.ndarray
    weight: np.ndarray
    logistic: object


def evaluate_fold(X, y, fold, settings):
    """Fit both heads on the rows of a fold, and judge them on the others."""
    train, test = np.flatnonzero(fold.train), np.flatnonzero(fold.test)
    X_train, y_train, weight = X[train], y[train], fold.train[train]
    summary = summarise(X_train, y_train, settings.n_classes, weight)
    naive_bayes = fit_naive_bayes_head(summary, settings)
    logistic = fit_logistic_head(X_train, y_train, weight, summary, settings)
    heads = naive_bayes, logistic.head
    X_test, y_test, test_weight = X[test], y[test], fold.test[test]
    posteriors = [log_posterior(X_test, head) for head in heads]
    wrong = np.stack([posterior.argmax(axis=1) != y_test for posterior in posteriors])
    own = np.stack(
        [posterior[np.arange(len(test)), y_test] for posterior in posteriors]
    )
    return FoldResult(
        errors=np.average(wrong, axis=1, weights=test_weight),
        log_losses=-np.average(own, axis=1, weights=test_weight),
        own_log_probability=own,
        weight=test_weight,
        logistic=logistic,
    )


class Choice(NamedTuple):
    """Which head to trust.

    Attributes
    ----------
    selected : {"naive_bayes", "logistic", "blend"}
        The choice.

    blend_weight : float
        The weight of naive Bayes' probabilities.
    """

    selected: str
    blend_weight: float


NAIVE_BAYES = Choice("naive_bayes", 1.0)
LOGISTIC = Choice("logistic", 0.0)


def _choose_naive_bayes(results):
    return NAIVE_BAYES


def _choose_logistic(results):
    return LOGISTIC


def _choose_by_error(results):
    """Choose the lower error, and naive Bayes where rows are too few to tell.

    With fewer rows than features, logistic regression has not seen the O(n) samples
    that it needs: it is chosen only if it is ahead by more than a standard error. The
    log-loss decides between equal errors alone, since naive Bayes is over-confident.
    """
    if not results:
        return NAIVE_BAYES
    errors = np.array([result.errors for result in results])
    difference = errors[:, 0] - errors[:, 1]
    if _has_fewer_rows_than_features(results):
        lead = difference.mean() - _standard_error(difference)
        return LOGISTIC if lead > 0 else NAIVE_BAYES
    if difference.mean() == 0:
        difference = -np.diff([result.log_losses for result in results])
    return NAIVE_BAYES if difference.mean() <= 0 else LOGISTIC


def _has_fewer_rows_than_features(results):
    n_rows = sum(result.weight.sum() for result in results)
    return n_rows < results[0].logistic.head.coef.shape[1]


def _standard_error(values):
    return values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0


def _blend(results):
    """Mix the two probabilities with the weight that minimises the log-loss."""
    if not results:
        return Choice("blend", 1.0)
    own = np.hstack([result.own_log_probability for result in results])
    weight = np.concatenate([result.weight for result in results])
    return Choice("blend", best_blend_weight(*own, weight))


class Selection(NamedTuple):
    """A way to choose a head.

    Attributes
    ----------
    choose : callable
        Maps the list of fold results to a `Choice`.

    compares : bool
        Whether it needs fold results.
    """

    choose: object
    compares: bool


SELECTIONS = {
    "auto": Selection(_choose_by_error, True),
    "naive_bayes": Selection(_choose_naive_bayes, False),
    "logistic": Selection(_choose_logistic, False),
    "blend": Selection(_blend, True),
}


def best_blend_weight(first, second, weight):
    """Minimise the log-loss of ``a exp(first) + (1 - a) exp(second)`` over `a`.

    The log-loss is convex in `a`, so its slope is bisected. Everything stays in
    log-space: no probability is clipped.
    """
    low, high = 0.0, 1.0
    if _blend_slope(low, first, second, weight) >= 0:
        return low
    if _blend_slope(high, first, second, weight) <= 0:
        return high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _blend_slope(middle, first, second, weight) > 0:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _blend_slope(a, first, second, weight):
    """Differentiate the log-loss; the larger of two probabilities is factored out."""
    gap = first - second
    small = np.exp(-np.abs(gap))
    numerator = np.sign(gap) * (1 - small)
    share_of_larger = np.where(gap > 0, a, 1 - a)
    denominator = share_of_larger + (1 - share_of_larger) * small
    with np.errstate(divide="ignore"):
        ratio = np.divide(
            numerator, denominator, out=np.zeros_like(gap), where=numerator != 0
        )
    return -np.average(ratio, weights=weight)


def blend_log_probabilities(first, second, a):
    """Compute ``log(a exp(first) + (1 - a) exp(second))``."""
    with np.errstate(divide="ignore"):
        return np.logaddexp(np.log(a) + first, np.log1p(-a) + second)


def average_head(heads):
    """Average heads, as a start for the fit on all rows; None if there are none."""
    if not heads:
        return None
    return LinearHead(*(np.mean(part, axis=0) for part in zip(*heads)))


def by_head(results, measure):
    """Gather a measure of all folds under the names of the heads; None if there is none."""
    if not results:
        return None
    values = np.array([getattr(result, measure) for result in results])
    return dict(zip(("naive_bayes", "logistic"), values.T))
