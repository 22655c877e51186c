# SPDX-License-Identifier: BSD-3-Clause
"""The theory of self-training, measured on data."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from ..utils._unlabelled import find_unlabelled
from ._c_bound import c_bound, c_bound_imperfect, reliabilities, vote_margins
from ._mislabelling import mislabelling_matrix
from ._transductive_bound import ThresholdSearch, selection_bound
from ._votes import class_votes, take_rows

PAPER = "arXiv:2202.12040"
_N_NEIGHBORS = 5
_MOST_ROWS = 2000
_BOUNDARY_SHARE = 0.1


@dataclass(frozen=True)
class Measured:
    """Votes on the rows, what they imply, and what is known of the labels."""

    votes: np.ndarray
    initial: np.ndarray
    theta: np.ndarray
    codes: np.ndarray
    noise_matrix: np.ndarray

    @property
    def known(self):
        """The rows whose label is known."""
        return np.flatnonzero(self.codes >= 0)

    @property
    def predicted(self):
        """The class with the largest vote."""
        return self.votes.argmax(axis=1)


def known_codes(y, unlabeled_value, classes):
    """Number the labels as in training; -1 where there is none."""
    codes = np.full(len(y), -1)
    known = ~find_unlabelled(y, unlabeled_value)
    unseen = known & ~np.isin(y, classes)
    if unseen.any():
        raise ValueError(
            f"y holds labels that were not seen in fit: {list(np.unique(y[unseen]))}."
        )
    if not known.any():
        raise ValueError(
            "y must hold the label of at least one row, against which the bounds are "
            f"measured, but all are {unlabeled_value!r}."
        )
    codes[known] = np.searchsorted(classes, y[known])
    return codes


def measure(model, X, codes):
    """Vote on the rows, by the final and by the supervised model."""
    votes = class_votes(model.estimator_, X, model.classes_).astype(float)
    initial = class_votes(model.initial_estimator_, X, model.classes_).astype(float)
    known = np.flatnonzero(codes >= 0)
    noise_matrix = mislabelling_matrix(
        codes[known], initial[known].argmax(axis=1), len(model.classes_)
    )
    theta = ThresholdSearch(exact=True).thresholds(votes, initial)
    return Measured(votes, initial, theta, codes, noise_matrix)


def add_posterior(report, measured):
    """Report whether the posterior of the supervised model is right on average."""
    known = measured.known
    truth = measured.codes[known]
    expected = 1 - measured.initial[known].max(axis=1).mean()
    error = np.mean(measured.initial[known].argmax(axis=1) != truth)
    report.add_assumption(
        "error of the supervised model",
        measured=error,
        relation="<=",
        bound=expected + 2 * np.sqrt(expected * (1 - expected) / len(known)),
        estimate=True,
        reference=f"{PAPER}, the class posterior of unlabelled rows",
        meaning=(
            "The bound in training takes the supervised model's votes for the class "
            "posterior; more errors than these imply, with two standard errors to "
            "spare, say that the bound is too optimistic."
        ),
    )


def add_noise(report, measured):
    """Report whether every class is labelled right more often than as any other."""
    alpha, delta = reliabilities(measured.noise_matrix)
    reference = f"{PAPER}, mislabelling model"
    report.add_assumption(
        "smallest delta",
        measured=delta.min(),
        relation=">",
        bound=0,
        estimate=True,
        reference=reference,
        meaning=(
            "By how much each pseudo-label is more probable for its own class than for "
            "the class most often taken for it; from the supervised model's mistakes on "
            "the labelled rows given."
        ),
    )
    report.add_assumption(
        "pseudo-labels right, by class at least",
        measured=alpha.min(),
        estimate=True,
        reference=reference,
        meaning=(
            "The smallest diagonal entry of the estimated mislabelling matrix, whose "
            f"diagonal is {np.round(alpha, 3).tolist()}."
        ),
    )


def add_cluster_assumption(report, X, measured):
    """Report how sparse the rows are where the votes are undecided."""
    ratio = boundary_density(X, measured.votes)
    if ratio is None:
        return
    report.add_assumption(
        "density at the decision boundary",
        measured=ratio,
        relation="<",
        bound=1,
        estimate=True,
        reference=f"{PAPER}, cluster assumption",
        meaning=(
            "Median distance to the fifth neighbour of all rows, over that of the tenth "
            "of the rows whose two largest votes are closest; below one, classes are "
            "apart where rows are rare."
        ),
    )


def boundary_density(X, votes):
    """Compare the rows at the boundary with all rows; None for what has no distances.

    Parameters
    ----------
    X : object of length n_samples
        Rows.

    votes : ndarray of shape (n_samples, n_classes)
        Votes.

    Returns
    -------
    ratio : float or None
        Median distance of all rows to their fifth neighbour, over that of the rows at
        the boundary; infinite if the latter is zero.
    """
    rows = np.linspace(0, len(votes) - 1, min(len(votes), _MOST_ROWS)).astype(int)
    X, n_others = _as_numbers(take_rows(X, rows)), min(_N_NEIGHBORS, len(rows) - 1)
    if X is None or n_others < 1 or votes.shape[1] < 2:
        return None
    distances = NearestNeighbors(n_neighbors=n_others).fit(X).kneighbors()[0][:, -1]
    largest = np.sort(votes[rows], axis=1)
    margins = largest[:, -1] - largest[:, -2]
    n_boundary = max(1, int(_BOUNDARY_SHARE * len(rows)))
    boundary = np.argsort(margins, kind="stable")[:n_boundary]
    radius = np.median(distances[boundary])
    return float(np.median(distances) / radius) if radius > 0 else np.inf


def _as_numbers(X):
    """Return rows of finite numbers, or None."""
    if not sparse.issparse(X):
        try:
            X = np.asarray(X, dtype=float)
        except (TypeError, ValueError):
            return None
    values = X.data if sparse.issparse(X) else X
    return X if X.ndim == 2 and np.isfinite(values).all() else None


def add_transductive_bound(report, measured):
    """Report the bound, given the true labels and given the supervised model."""
    theta, known = measured.theta, measured.known
    votes, truth = measured.votes[known], measured.codes[known]
    confident = votes.max(axis=1) >= theta[measured.predicted[known]]
    reference = f"{PAPER}, multi-class transductive bound"
    error = np.nan
    if confident.any():
        error = np.mean(measured.predicted[known][confident] != truth[confident])
        labels = np.eye(len(theta))[truth]
        report.add_promise(
            "error of confident predictions",
            measured=error,
            relation="<=",
            bound=selection_bound(votes, labels, theta, exact=True) + 1e-12,
            reference=reference,
            meaning=(
                f"Of the {confident.sum()} labelled rows whose vote reaches the thresholds "
                "of least bound, against the bound whose posterior is the true label."
            ),
        )
    promised = selection_bound(measured.votes, measured.initial, theta, exact=True)
    report.add_promise(
        "error promised without labels",
        measured=error,
        relation="<=",
        bound=promised,
        estimate=True,
        reference=reference,
        meaning=(
            "The same with the supervised model's votes as the posterior: what is known "
            "before any label is."
        ),
    )


def add_c_bounds(report, measured):
    """Report the C-bound from true and from imperfect labels."""
    known = measured.known
    votes, truth = measured.votes[known], measured.codes[known]
    error = np.mean(measured.predicted[known] != truth)
    report.add_assumption(
        "mean margin",
        measured=vote_margins(votes, truth).mean(),
        relation=">",
        bound=0,
        reference=f"{PAPER}, C-bound",
        meaning="The C-bound needs votes that are right on average.",
    )
    report.add_promise(
        "error of all predictions",
        measured=error,
        relation="<=",
        bound=c_bound(votes, truth) + 1e-12,
        reference=f"{PAPER}, C-bound",
        meaning="From the mean and the variance of the margins against true labels.",
    )
    imperfect = measured.initial.argmax(axis=1)
    report.add_promise(
        "error from imperfect labels",
        measured=error,
        relation="<=",
        bound=c_bound_imperfect(measured.votes, imperfect, measured.noise_matrix),
        estimate=True,
        reference=f"{PAPER}, C-bound with imperfect labels",
        meaning=(
            "From margins against the supervised model's predictions, corrected by the "
            "mislabelling matrix; 1 where its conditions fail."
        ),
    )
