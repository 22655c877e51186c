# SPDX-License-Identifier: BSD-3-Clause
"""How often each class is taken for each other: the noise of pseudo-labels.

It is estimated on labelled rows, from predictions by models that had not seen them.
"""

import numpy as np
from sklearn.base import clone

from ..utils._content_folds import folds_by_content
from ..utils._fit_metadata import take_metadata
from ._votes import class_votes, take_rows

N_FOLDS = 5
_SMOOTHING = 0.5


def mislabelling_matrix(codes, predicted, n_classes, sample_weight=None):
    """Estimate the probability of each prediction given each true class.

    Parameters
    ----------
    codes : ndarray of int of shape (n_samples,)
        True classes.

    predicted : ndarray of int of shape (n_samples,)
        Predictions of models that had not seen the rows.

    n_classes : int
        Number of classes.

    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights of the rows.

    Returns
    -------
    noise_matrix : ndarray of shape (n_classes, n_classes)
        Predictions in rows, true classes in columns, which sum to one; half a row of
        each class is spread over its column, so that nothing is impossible.
    """
    counts = np.full((n_classes, n_classes), _SMOOTHING / n_classes)
    np.add.at(
        counts, (predicted, codes), 1.0 if sample_weight is None else sample_weight
    )
    return counts / counts.sum(axis=0)


def trust(noise_matrix, class_prior):
    """Compute, by Bayes' rule, how probably each prediction is right.

    Parameters
    ----------
    noise_matrix : ndarray of shape (n_classes, n_classes)
        The probability of each prediction, in rows, given each true class.

    class_prior : ndarray of shape (n_classes,)
        Shares of the classes.

    Returns
    -------
    trust : ndarray of shape (n_classes,)
        The probability that a row which is predicted `c` is of class `c`.
    """
    joint = noise_matrix * class_prior
    total = joint.sum(axis=1)
    return np.divide(np.diag(joint), total, out=np.zeros_like(total), where=total > 0)


def estimate_noise(task, learner, model=None):
    """Estimate the noise matrix on the labelled rows, and how far to trust each class.

    Parameters
    ----------
    task : PseudoLabels
        The training set, as yet without pseudo-labels.

    learner : FreshLearner
        Makes the base for cross-validation.

    model : estimator or None, default=None
        The fitted base, whose out-of-bag votes are used instead.

    Returns
    -------
    noise_matrix : ndarray of shape (n_classes, n_classes)
        The probability of each prediction, in rows, given each true class.

    trust : ndarray of shape (n_classes,)
        The probability that a prediction of each class is right.
    """
    rows, n_classes = task.rows, len(task.classes)
    codes, weights = task.codes[rows], task.weights_of(rows)
    if model is None:
        X, _, metadata = task.training_set(rows)
        votes, voted = held_out_votes(
            learner.make_base, X, codes, task.classes, metadata
        )
    else:
        votes = out_of_bag_votes(model)
        voted = np.flatnonzero(~np.isnan(votes).any(axis=1))
        votes = votes[voted]
    noise_matrix = mislabelling_matrix(
        codes[voted], votes.argmax(axis=1), n_classes, weights[voted]
    )
    prior = np.bincount(codes, weights=weights, minlength=n_classes)
    return noise_matrix, trust(noise_matrix, prior)


def held_out_votes(make_base, X, codes, classes, metadata):
    """Vote on labelled rows by models that were fitted to the others.

    Rows that stand twice are in one fold. A fold whose other rows hold a single class,
    where there are several, is left out.

    Parameters
    ----------
    make_base : callable
        Returns a new base classifier for given codes of the rows to fit.

    X : object of length n_samples
        Labelled rows.

    codes : ndarray of int of shape (n_samples,)
        Their classes.

    classes : ndarray of shape (n_classes,)
        The class labels.

    metadata : dict
        What the base's fit is given.

    Returns
    -------
    votes : ndarray of shape (n_rows, n_classes)
        Votes.

    rows : ndarray of int of shape (n_rows,)
        The rows that they are for.
    """
    folds = folds_by_content(X, codes, N_FOLDS)
    votes, rows = [np.empty((0, len(classes)))], [np.empty(0, dtype=np.intp)]
    for fold in range(N_FOLDS):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(test) or len(np.unique(codes[train])) < min(2, len(classes)):
            continue
        base = clone(make_base(codes[train]))
        base.fit(
            take_rows(X, train),
            classes[codes[train]],
            **take_metadata(metadata, train, len(codes)),
        )
        votes.append(class_votes(base, take_rows(X, test), classes))
        rows.append(test)
    return np.vstack(votes), np.concatenate(rows)


def out_of_bag_votes(model):
    """Return the votes of the trees that had not seen a row, NaN where all had."""
    if not hasattr(model, "oob_decision_function_"):
        raise ValueError(
            f"oob_votes=True needs a base with out-of-bag votes, but estimator={model!r} "
            "has no oob_decision_function_ after fitting. Use a forest or a bagging "
            "classifier with bootstrap=True and oob_score=True."
        )
    votes = np.array(model.oob_decision_function_, dtype=float)
    votes[votes.sum(axis=1) == 0] = np.nan
    return votes
