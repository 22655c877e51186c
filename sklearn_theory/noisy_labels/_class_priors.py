# SPDX-License-Identifier: BSD-3-Clause
"""For which class shares to predict: those trained on, or those observed.

Rows that are drawn make the classes equal, and a classifier that is fitted to them
predicts for equal classes. Bayes' rule moves its probabilities to other shares.
"""

import numpy as np


def as_trained(classifier, ratio):
    """Predict for the shares that the classifier was trained on: as it does itself."""
    return classifier


class ObservedPrior:
    """Predict for other shares, which are `ratio` times those trained on."""

    def __init__(self, classifier, ratio):
        self.classifier = classifier
        self.ratio = ratio

    def predict(self, Z):
        """Predict the most probable labels."""
        return self.classifier.classes_[self.predict_proba(Z).argmax(axis=1)]

    def predict_proba(self, Z):
        """Weigh probabilities by the ratio."""
        weighed = self.classifier.predict_proba(Z) * self.ratio
        return weighed / weighed.sum(axis=1, keepdims=True)

    def decision_function(self, Z):
        """Compute logarithms of probabilities; for two classes their difference."""
        with np.errstate(divide="ignore"):
            logarithms = np.log(self.predict_proba(Z))
        if logarithms.shape[1] == 2:
            return logarithms[:, 1] - logarithms[:, 0]
        return logarithms


PRIORS = {"sampled": as_trained, "observed": ObservedPrior}


def share_ratio(observed, trained):
    """Divide the class shares that were observed by those trained on.

    Parameters
    ----------
    observed : ndarray of shape (n_classes,)
        Sizes of the classes as they are.

    trained : ndarray of shape (n_classes,)
        Sizes of the classes as the classifier saw them.

    Returns
    -------
    ratio : ndarray of shape (n_classes,)
        What probabilities are to be weighed by.
    """
    return (observed / observed.sum()) / (trained / trained.sum())
