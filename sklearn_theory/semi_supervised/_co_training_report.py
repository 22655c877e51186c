# SPDX-License-Identifier: BSD-3-Clause
"""The theory of co-training, measured on labelled and unlabelled rows.

If, within each class, the predictions of two learners are independent, and each
predicts the class itself more often than any other one, then neither errs more often
than the two disagree: with the chances a and b of their predictions within a class c,
they agree with probability sum(a * b) <= max(a) = a[c].
"""

from typing import NamedTuple

import numpy as np

from ..utils._content_folds import folds_by_content
from ._learners import fit_on_rows
from ._votes import class_votes, take_rows

PAPER = "Blum and Mitchell 1998; survey arXiv:2202.12040, co-training"
BOUND = "Dasgupta, Littman and McAllester 2001"
_N_FOLDS = 5
_N_PERMUTATIONS = 500
_LEVEL = 0.95
_ROUNDING = 1e-12


class HeldOut(NamedTuple):
    """What two learners predict of labelled rows that they were not fitted on."""

    first: np.ndarray
    second: np.ndarray
    truth: np.ndarray

    @property
    def errors(self):
        """The error rates of both."""
        return [float(np.mean(labels != self.truth)) for labels in self[:2]]


def held_out_predictions(learners, views, codes, classes):
    """Predict each labelled row by learners that were fitted on others.

    Parameters
    ----------
    learners : list of 2 estimators
        The learners; clones of them are fitted.

    views : list of 2 {ndarray, sparse matrix, data frame}
        The rows of each view.

    codes : ndarray of int of shape (n_samples,)
        Classes, -1 where there is no label.

    classes : ndarray of shape (n_classes,)
        The classes.

    Returns
    -------
    held_out : HeldOut or None
        None if there are too few labelled rows to fit on some of them.
    """
    rows = np.flatnonzero(codes >= 0)
    truth = codes[rows]
    folds = folds_by_content(take_rows(views[0], rows), truth, _N_FOLDS)
    parts = [(rows[folds != fold], folds == fold) for fold in np.unique(folds)]
    if any(len(np.unique(codes[train])) < 2 for train, _ in parts):
        return None
    predicted = np.empty((2, len(rows)), dtype=int)
    for train, test in parts:
        for labels, learner, view in zip(predicted, learners, views):
            fitted = fit_on_rows(learner, view, classes[codes], train, {})
            votes = class_votes(fitted, take_rows(view, rows[test]), classes)
            labels[test] = votes.argmax(axis=1)
    return HeldOut(*predicted, truth)


def add_sufficiency(report, held_out, classes):
    """Report how well each view alone predicts the class of labelled rows."""
    report.add_assumption(
        "labelled classes",
        measured=len(classes),
        relation=">=",
        bound=2,
        reference=PAPER,
        meaning="With a single class there is nothing to tell apart.",
    )
    if held_out is None:
        return
    chance = np.bincount(held_out.truth).max() / len(held_out.truth)
    for name, error in zip(("first", "second"), held_out.errors):
        report.add_assumption(
            f"accuracy of the {name} view",
            measured=1 - error,
            relation=">",
            bound=chance,
            estimate=True,
            reference=PAPER,
            meaning=(
                "Each view must suffice to learn the class: cross-validated on the "
                "labelled rows, against the share of the largest class."
            ),
        )


def add_independence(report, held_out, classes):
    """Report whether predictions of the views are independent within classes."""
    if held_out is None:
        return
    measured = conditional_information(*held_out)
    report.add_assumption(
        "information between views, given the class",
        measured=measured,
        relation="<=",
        bound=information_if_independent(*held_out),
        estimate=True,
        reference=PAPER,
        meaning=(
            "In nats, between the cross-validated predictions of the two learners; "
            "independent ones exceed the bound in 5 of 100 samples of this size."
        ),
    )
    n_weak = sum(
        not _is_most_common(labels, held_out.truth, code)
        for labels in held_out[:2]
        for code in np.unique(held_out.truth)
    )
    report.add_assumption(
        "classes that a learner usually misses",
        measured=n_weak,
        relation="==",
        bound=0,
        estimate=True,
        reference=BOUND,
        meaning=(
            f"Of {len(classes)} classes and two learners: rows of the class for which "
            "another prediction is more common than the right one."
        ),
    )


def _is_most_common(labels, truth, code):
    counts = np.bincount(labels[truth == code])
    return code < len(counts) and counts[code] == counts.max()


def add_bound(report, held_out):
    """Report the errors of both learners beside their disagreement."""
    if held_out is None:
        return
    disagreement = np.mean(held_out.first != held_out.second)
    for name, error in zip(("first", "second"), held_out.errors):
        report.add_promise(
            f"error of the {name} view",
            measured=error,
            relation="<=",
            bound=disagreement,
            estimate=True,
            reference=BOUND,
            meaning=(
                "If views are independent within classes, neither learner errs more "
                "often than the two disagree; both cross-validated on labelled rows."
            ),
        )


def add_disagreement(report, predictions, codes):
    """Report the disagreement of the fitted learners, which needs no labels."""
    rows = codes < 0 if np.any(codes < 0) else np.ones(len(codes), dtype=bool)
    which = "unlabelled" if np.any(codes < 0) else "all"
    report.add_promise(
        f"disagreement of the fitted learners on {which} rows",
        measured=np.mean(predictions[0][rows] != predictions[1][rows]),
        reference=BOUND,
        meaning=(
            f"On {rows.sum()} rows. Under the assumptions above it bounds the error of "
            "each learner on them, without a label."
        ),
    )


def conditional_information(first, second, truth):
    """Estimate the mutual information of two predictions within classes, in nats.

    Parameters
    ----------
    first, second : ndarray of int of shape (n_samples,)
        Predictions.

    truth : ndarray of int of shape (n_samples,)
        Classes.

    Returns
    -------
    information : float
        Zero if and only if the predictions are independent in every class, as counted.
    """
    n_labels = int(max(first.max(), second.max(), truth.max())) + 1
    counts = np.zeros((n_labels, n_labels, n_labels))
    np.add.at(counts, (truth, first, second), 1)
    rows = counts.sum(axis=2, keepdims=True)
    columns = counts.sum(axis=1, keepdims=True)
    total = counts.sum(axis=(1, 2), keepdims=True)
    seen = counts > 0
    ratio = (counts * total)[seen] / (rows * columns)[seen]
    return float(np.sum(counts[seen] * np.log(ratio)) / len(truth))


def information_if_independent(first, second, truth):
    """Find the value that the information of independent predictions rarely exceeds.

    Parameters
    ----------
    first, second : ndarray of int of shape (n_samples,)
        Predictions.

    truth : ndarray of int of shape (n_samples,)
        Classes.

    Returns
    -------
    bound : float
        The 95 % quantile over permutations of one learner's predictions in each class.
    """
    rng = np.random.default_rng(0)
    order = np.argsort(truth, kind="stable")
    first, second, truth = first[order], second[order], truth[order]
    starts = np.unique(truth, return_index=True)[1]
    values = []
    for _ in range(_N_PERMUTATIONS):
        parts = [rng.permutation(part) for part in np.split(second, starts[1:])]
        values.append(conditional_information(first, np.concatenate(parts), truth))
    return float(np.quantile(values, _LEVEL)) + _ROUNDING
