# SPDX-License-Identifier: BSD-3-Clause
"""What Fréchet-mean decoding assumes and promises, measured on data."""

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from ..utils._theory_report import TheoryReport
from ._base_metric import MAX_TABLE
from ._locus import locus
from ._locus_closed import closed_form_of
from ._locus_pairs import has_boxes

PAPER = "arXiv:2307.12226"

# Beyond this many (pair of observed classes, label) a pairwise locus takes too long.
MAX_PAIR_WORK = 10**8

# Rows whose distances are gathered at once hold this many probabilities.
MAX_GATHERED = 10**6


def loki_report(metric, P, observed, decode, y, n_fit_rows, n_features):
    """Evaluate assumptions and promises.

    Parameters
    ----------
    metric : LabelMetric
        The metric.

    P : {ndarray, csr_array} of shape (n_samples, n_observed)
        Probabilities of the observed classes.

    observed : ndarray of shape (n_observed,)
        Their positions.

    decode : callable
        ``decode(P, observed)`` returns positions of predicted labels.

    y : ndarray of shape (n_samples,)
        Positions of the true labels.

    n_fit_rows : int or None
        Number of rows that the base was fitted on, if known.

    n_features : int or None
        Number of features, if known.

    Returns
    -------
    report : TheoryReport
        The report.
    """
    P = P.toarray() if sparse.issparse(P) else P
    P = P / P.sum(axis=1, keepdims=True)
    predicted = decode(P, observed)
    report = TheoryReport(
        f"Fréchet-mean decoding from {len(observed)} observed classes to "
        f"{metric.n_labels} labels, {type(metric).__name__}"
    )
    add_metric_rows(report, metric, observed)
    add_locus_rows(report, metric, observed, y)
    add_sample_size(report, metric, n_fit_rows, n_features)
    add_probability_rows(report, P, observed, y, predicted, metric.n_labels)
    add_distance_rows(report, metric, P, observed, y, predicted)
    return report


def add_metric_rows(report, metric, observed):
    """Is the metric one, and how wide is it?"""
    report.add_assumption(
        "triangle inequality violated by",
        measured=triangle_violation(metric),
        relation="<=",
        bound=1e-8,
        estimate=metric.n_labels > N_PROBED,
        reference=PAPER,
        meaning=(
            "Largest excess of a distance over a detour, relative to the largest "
            f"distance, among up to {N_PROBED} labels."
        ),
    )
    report.add_assumption(
        "diameter of the metric",
        measured=largest_distance(metric),
        estimate=True,
        reference=PAPER,
        meaning=(
            "Found by repeated steps to the farthest label: exact on orders, grids and "
            "trees, a lower bound elsewhere. Squared, it bounds every loss below."
        ),
    )


def add_locus_rows(report, metric, observed, y):
    """Which labels can be reached from the observed ones?"""
    if not locus_is_affordable(metric, len(observed)):
        return
    n_labels = metric.n_labels
    reached = locus(metric, observed)
    closed = closed_form_of(metric) is not None
    how = "" if closed else " Pairs of observed classes were tried: a lower bound."
    report.add_assumption(
        "share of labels in the locus",
        measured=len(reached) / n_labels,
        relation=">=",
        bound=1.0,
        estimate=not closed,
        reference=f"{PAPER}, locus cover",
        meaning=(
            f"{len(observed)} observed classes reach {len(reached)} of {n_labels} labels; "
            f"at 1 they are a locus cover.{how}"
        ),
    )
    report.add_assumption(
        "share of rows with labels in the locus",
        measured=float(np.isin(y, reached).mean()),
        relation=">=",
        bound=1.0,
        estimate=not closed,
        reference=f"{PAPER}, locus",
        meaning="The other rows cannot be predicted right, whatever the probabilities.",
    )


def locus_is_affordable(metric, n_observed):
    """Tell whether the locus takes seconds at most."""
    if closed_form_of(metric) is not None or has_boxes(metric):
        return True
    work = n_observed**2 * metric.n_labels
    return metric.n_labels <= MAX_TABLE and work <= MAX_PAIR_WORK


def add_sample_size(report, metric, n_fit_rows, n_features):
    """How many rows would one-vs-rest logistic models on a locus cover need?"""
    if n_features is None or n_fit_rows is None:
        return
    report.add_assumption(
        "rows that the base was fitted on",
        measured=n_fit_rows,
        relation=">=",
        bound=n_features * largest_distance(metric) ** 2,
        estimate=True,
        reference=f"{PAPER}, sample complexity, informal",
        meaning=(
            "On a locus cover, O(features x diameter^2) rows let logistic models find "
            "the right label. The constant is unknown and taken as one: read the order "
            "of magnitude."
        ),
    )


def add_probability_rows(report, P, observed, y, predicted, n_labels):
    """How good are the probabilities, and how diverse are the answers?"""
    seen = np.isin(y, observed)
    report.add_assumption(
        "share of rows of observed classes",
        measured=float(seen.mean()),
        reference=PAPER,
        meaning="The other rows have labels that the base classifier never saw.",
    )
    if seen.any():
        report.add_assumption(
            "expected calibration error",
            measured=calibration_error(P[seen], observed, y[seen]),
            relation="<=",
            bound=0.1,
            estimate=True,
            reference=PAPER,
            meaning=(
                "The rule is Bayes-optimal for true posteriors. On rows of observed "
                "classes; a temperature may lower it. The bound is a rule of thumb."
            ),
        )
    report.add_assumption(
        "entropy of predicted labels",
        measured=entropy(predicted, n_labels),
        relation=">=",
        bound=0.5 * entropy(y, n_labels),
        estimate=True,
        reference=PAPER,
        meaning=(
            "In nats, against half of the true labels' (a rule of thumb). Far below it, "
            "answers crowd in the centre of the metric: lower the temperature."
        ),
    )


def add_distance_rows(report, metric, P, observed, y, predicted):
    """What the rule promises: its own expectation, and no worse than argmax."""
    losses = squared_distances(metric, y, predicted)
    achieved, error = float(losses.mean()), standard_error(losses)
    expected = expected_squared_distance(metric, P, observed, predicted)
    report.add_promise(
        "mean squared distance",
        measured=achieved,
        relation="<=",
        bound=expected + 2 * error,
        estimate=True,
        reference=f"{PAPER}, Fréchet variance",
        meaning=(
            f"The mean of the minimal Fréchet variances is {expected:.4g}; it is the "
            "expectation if the probabilities are right and no label is unseen. The "
            "bound adds two standard errors."
        ),
    )
    by_argmax = squared_distances(metric, y, observed[np.argmax(P, axis=1)])
    report.add_promise(
        "mean squared distance less that of argmax",
        measured=float(np.mean(losses - by_argmax)),
        relation="<=",
        bound=2 * standard_error(losses - by_argmax),
        estimate=True,
        reference=PAPER,
        meaning=(
            f"The same probabilities decoded by argmax give {by_argmax.mean():.4g}; "
            "negative is a gain. The bound is two standard errors."
        ),
    )


def squared_distances(metric, y, predicted):
    """Squared distance between the true and the predicted label of each row."""
    return metric.pairwise(y, predicted) ** 2


def standard_error(losses):
    """Standard error of the mean of the losses."""
    return float(losses.std() / np.sqrt(len(losses)))


def expected_squared_distance(metric, P, observed, predicted):
    """Mean Fréchet variance at the predicted labels, without the others'."""
    total = 0.0
    for batch in gen_batches(len(P), max(1, MAX_GATHERED // P.shape[1])):
        rows, columns = np.nonzero(P[batch])
        squares = metric.pairwise(predicted[batch][rows], observed[columns]) ** 2
        total += P[batch][rows, columns] @ squares
    return float(total / len(P))


def calibration_error(P, observed, y, n_bins=10):
    """Expected calibration error of the most probable class, in bins of equal width."""
    confidence = P.max(axis=1)
    correct = observed[P.argmax(axis=1)] == y
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gap = np.bincount(bins, correct - confidence, minlength=n_bins)
    return float(np.abs(gap).sum() / len(P))


def entropy(labels, n_labels):
    """Entropy of the empirical distribution of labels, in nats."""
    share = np.bincount(labels, minlength=n_labels) / len(labels)
    share = share[share > 0]
    return float(-(share * np.log(share)).sum()) + 0.0


N_PROBED = 40


def triangle_violation(metric):
    """Largest violation of the triangle inequality among evenly spaced labels."""
    some = np.linspace(0, metric.n_labels - 1, N_PROBED).astype(np.intp)
    some = np.unique(some)
    D = metric.pairwise(some[:, None], some)
    excess = D[:, None, :] - (D[:, :, None] + D[None, :, :])
    scale = D.max()
    return float(max(0.0, excess.max()) / scale) if scale > 0 else 0.0


def largest_distance(metric, n_sweeps=4):
    """The diameter by sweeps to the farthest label: exact on trees, paths and grids."""
    label, diameter = 0, 0.0
    for _ in range(n_sweeps):
        distances = metric.sq_rows(np.array([label]))[0]
        label = int(np.argmax(distances))
        diameter = max(diameter, float(np.sqrt(distances[label])))
    return diameter
