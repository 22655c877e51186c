# SPDX-License-Identifier: BSD-3-Clause
"""What Fréchet-mean decoding assumes and promises, measured on data."""

import numpy as np
from scipy import sparse

from ..utils._theory_report import TheoryReport
from ._base_metric import MAX_TABLE
from ._locus import closed_form_of, locus

PAPER = "arXiv:2307.12226"

# Beyond this many observed classes the pairs that build a locus take too long.
MAX_PAIRED = 100


def loki_report(title, metric, P, observed, decoded, y, n_features):
    """Evaluate assumptions and promises.

    Parameters
    ----------
    title : str
        Title of the report.

    metric : LabelMetric
        The metric.

    P : {ndarray, csr_array} of shape (n_samples, n_observed)
        Probabilities of the observed classes.

    observed : ndarray of shape (n_observed,)
        Their positions.

    decoded : callable
        ``decoded(P, observed)`` returns positions of predicted labels.

    y : ndarray of shape (n_samples,)
        Positions of the true labels.

    n_features : int or None
        Number of features, if known.

    Returns
    -------
    report : TheoryReport
        The report.
    """
    P = P.toarray() if sparse.issparse(P) else P
    P = P / P.sum(axis=1, keepdims=True)
    report = TheoryReport(title)
    predicted = decoded(P, observed)
    add_metric_rows(report, metric, observed)
    add_probability_rows(report, P, observed, y, predicted, metric.n_labels)
    add_sample_size(report, metric, len(y), n_features)
    add_distance_rows(report, metric, P, observed, y, predicted)
    return report


def add_metric_rows(report, metric, observed):
    """Is the metric one, and which labels can be reached from the observed ones?"""
    report.add_assumption(
        "triangle inequality violated by",
        measured=triangle_violation(metric),
        relation="<=",
        bound=1e-8,
        estimate=metric.n_labels > 40,
        reference=PAPER,
        meaning="Largest excess of a distance over a detour, relative to it.",
    )
    if closed_form_of(metric) is None and (
        metric.n_labels > MAX_TABLE or len(observed) > MAX_PAIRED
    ):
        return
    reached = locus(metric, observed)
    report.add_assumption(
        "share of labels in the locus",
        measured=len(reached) / metric.n_labels,
        relation=">=",
        bound=1.0,
        estimate=closed_form_of(metric) is None,
        reference=f"{PAPER}, locus cover",
        meaning=(
            f"{len(observed)} observed classes reach {len(reached)} of "
            f"{metric.n_labels} labels; the others are never predicted."
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


def add_sample_size(report, metric, n_samples, n_features):
    """How many rows would one-vs-rest logistic models on a locus cover need?"""
    if n_features is None:
        return
    diameter = largest_distance(metric)
    report.add_assumption(
        "rows for the right vertex",
        measured=n_samples,
        relation=">=",
        bound=n_features * diameter**2,
        estimate=True,
        reference=f"{PAPER}, sample complexity",
        meaning=(
            f"O(features x diameter^2) rows suffice; the diameter is {diameter:.4g}, the "
            "constant is unknown and taken as one. Measured: the rows of this report."
        ),
    )


def add_distance_rows(report, metric, P, observed, y, predicted):
    """What the rule promises: its own expectation, and no worse than argmax."""
    achieved = mean_squared_distance(metric, y, predicted)
    report.add_promise(
        "mean squared distance",
        measured=achieved,
        relation="<=",
        bound=expected_squared_distance(metric, P, observed, predicted),
        estimate=True,
        reference=f"{PAPER}, Fréchet variance",
        meaning=(
            "Against the mean of the minimal Fréchet variances, which it equals in "
            "expectation if the probabilities are right."
        ),
    )
    report.add_promise(
        "mean squared distance against argmax",
        measured=achieved,
        relation="<=",
        bound=mean_squared_distance(metric, y, observed[np.argmax(P, axis=1)]),
        estimate=True,
        reference=PAPER,
        meaning="Against the same probabilities decoded by argmax.",
    )


def mean_squared_distance(metric, y, predicted):
    """Mean squared distance between positions of labels."""
    return float(np.mean(metric.pairwise(y, predicted) ** 2))


def expected_squared_distance(metric, P, observed, predicted):
    """Mean Fréchet variance at the predicted labels, without the others'."""
    rows, columns = np.nonzero(P)
    squares = metric.pairwise(predicted[rows], observed[columns]) ** 2
    return float(P[rows, columns] @ squares / len(P))


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


def triangle_violation(metric, n_sampled=40):
    """Largest violation of the triangle inequality among evenly spaced labels."""
    some = np.unique(np.linspace(0, metric.n_labels - 1, n_sampled).astype(np.intp))
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
