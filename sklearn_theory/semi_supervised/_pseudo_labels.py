# SPDX-License-Identifier: BSD-3-Clause
"""Rows, given labels, and the pseudo-labels that were added so far."""

import numpy as np

from ..utils._fit_metadata import take_metadata
from ._votes import take_rows


class PseudoLabels:
    """The training set of self-training, which grows from round to round.

    Parameters
    ----------
    X : object of length n_samples
        Rows.

    codes : ndarray of int of shape (n_samples,)
        The class of each row, -1 where it has no label.

    classes : ndarray of shape (n_classes,)
        The class labels.

    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows.

    metadata : dict
        What else the base's fit is given.

    balance : bool
        Whether given labels and pseudo-labels weigh the same in total.
    """

    def __init__(self, X, codes, classes, sample_weight, metadata, balance):
        self.X, self.classes = X, classes
        self.codes = codes.copy()
        self.is_given = codes >= 0
        self.unlabelled = np.flatnonzero(~self.is_given)
        self.sample_weight, self.metadata = sample_weight, metadata
        self.balance, self.trust = balance, None
        self.has_changed = True
        self.n_round = np.where(self.is_given, 0, -1)
        self.proba = np.full(len(codes), np.nan)

    @property
    def rows(self):
        """The rows that have a label, given or added, in the order of `X`."""
        return np.flatnonzero(self.codes >= 0)

    @property
    def is_complete(self):
        """Whether every row has a label."""
        return bool((self.codes >= 0).all())

    def candidates(self, restart):
        """List the rows that may get a pseudo-label."""
        return self.unlabelled if restart else np.flatnonzero(self.codes < 0)

    def weights_of(self, rows):
        """Return the weights of rows, one where none were given."""
        if self.sample_weight is None:
            return np.ones(len(rows))
        return self.sample_weight[rows]

    def add(self, rows, labels, proba, n_round):
        """Give pseudo-labels to rows."""
        self.codes[rows], self.proba[rows], self.n_round[rows] = labels, proba, n_round

    def drop(self):
        """Forget all pseudo-labels."""
        self.add(self.unlabelled, -1, np.nan, -1)

    def has(self, rows, labels):
        """Tell whether exactly these pseudo-labels are in use."""
        added = self.codes[self.unlabelled] >= 0
        return np.count_nonzero(added) == len(rows) and np.array_equal(
            self.codes[rows], labels
        )

    def training_set(self, rows):
        """Return what the base is fitted with: rows, labels and metadata."""
        metadata = take_metadata(self.metadata, rows, len(self.codes))
        weights = self.training_weights(rows)
        if weights is not None:
            metadata["sample_weight"] = weights
        return take_rows(self.X, rows), self.classes[self.codes[rows]], metadata

    def training_weights(self, rows):
        """Combine the weights of rows; None if all are one."""
        is_given = self.is_given[rows]
        reweighed = (self.balance or self.trust is not None) and not is_given.all()
        if not reweighed:
            return None if self.sample_weight is None else self.sample_weight[rows]
        weights = self.weights_of(rows)
        if self.balance:
            weights = balanced_weights(weights, is_given)
        if self.trust is not None:
            weights = np.where(
                is_given, weights, weights * self.trust[self.codes[rows]]
            )
        return weights


def balanced_weights(weights, is_given):
    """Rescale the weights of two groups of rows to equal totals; the sum stays.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,)
        Weights.

    is_given : ndarray of bool of shape (n_samples,)
        Which rows are in the first group.

    Returns
    -------
    balanced : ndarray of shape (n_samples,)
        With weights of one their mean is one. A group without weight has no share.
    """
    given, added = weights[is_given].sum(), weights[~is_given].sum()
    if given == 0 or added == 0:
        return weights
    total = given + added
    return weights * np.where(is_given, total / (2 * given), total / (2 * added))
