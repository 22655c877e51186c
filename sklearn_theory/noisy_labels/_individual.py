# SPDX-License-Identifier: BSD-3-Clause
"""How the classifier is trained on real and drawn rows: small objects behind one table.

Distributional calibration ends with any classifier, fitted to the kept rows and to rows
drawn from the calibrated classes. Individual calibration trains the representation
along with a linear head, anchored to where it was.
"""

from numbers import Integral

import numpy as np
from sklearn.linear_model import LogisticRegression

from ..utils._callbacks import propagated_callbacks, subtask
from ..utils._optional import import_networks
from ._representations import seeded_clone

_TORCH_PARTS = "sklearn_theory.noisy_labels._rcal_torch"


def count_draws(n_sampled, used):
    """Decide how many rows of each class to draw.

    Parameters
    ----------
    n_sampled : {"balance"}, int or float
        Up to the size of the largest class, so many for each class, or up to this
        multiple of the largest class.

    used : ndarray of shape (n_classes,)
        Number of real rows of each class that are trained on.

    Returns
    -------
    n_draws : ndarray of shape (n_classes,)
        How many to draw.
    """
    if isinstance(n_sampled, Integral):
        return np.full(len(used), int(n_sampled))
    factor = 1.0 if isinstance(n_sampled, str) else n_sampled
    return np.maximum(round(factor * used.max()) - used, 0)


def draw_rows(calibrator, n_draws, random, dtype):
    """Draw rows of each class.

    Parameters
    ----------
    calibrator : GaussianCalibrator
        The classes.

    n_draws : ndarray of shape (n_classes,)
        How many of each.

    random : RandomState
        Determines the rows.

    dtype : dtype
        Their precision.

    Returns
    -------
    Z : ndarray of shape (n_draws.sum(), n_features)
        The rows.

    y : ndarray of shape (n_draws.sum(),)
        Their labels.
    """
    drawn = [
        calibrator.sample(label, n, random)
        for label, n in zip(calibrator.classes_, n_draws)
    ]
    return np.vstack(drawn).astype(dtype), np.repeat(calibrator.classes_, n_draws)


class SeparateClassifier:
    """Fit a classifier to the rows as they are represented."""

    def check(self, rcal):
        """Refuse a prior that the classifier cannot follow."""
        can = rcal.classifier is None or hasattr(rcal.classifier, "predict_proba")
        if rcal.prior == "observed" and not can:
            raise ValueError(
                'prior="observed" needs a classifier with predict_proba, got '
                f"{rcal.classifier!r}."
            )

    def train(self, rcal, context, Z, y, calibrator, n_draws, random):
        """Fit the classifier to real rows and to rows drawn once."""
        classifier = rcal.classifier
        if classifier is None:
            classifier = LogisticRegression(max_iter=1000)
        classifier = seeded_clone(classifier, random)
        drawn, labels = draw_rows(calibrator, n_draws, random, Z.dtype)
        Z, y = np.vstack([Z, drawn]), np.concatenate([y, labels])
        with propagated_callbacks(rcal, context, classifier, "classifier", X=Z, y=y):
            classifier.fit(Z, y)
        return classifier


class AnchoredNetwork:
    """Train an adapter of the representation and a linear head, with torch."""

    def check(self, rcal):
        """Refuse a classifier, which would not be used."""
        if rcal.classifier is not None:
            raise ValueError(
                'individual="anchor" trains its own linear head: leave classifier=None, '
                f"got {rcal.classifier!r}."
            )

    def train(self, rcal, context, Z, y, calibrator, n_draws, random):
        """Train the network on real rows and on rows drawn anew for each batch."""
        parts = import_networks(_TORCH_PARTS, needed_by='RCAL(individual="anchor")')
        classifier = parts.AnchoredClassifier(rcal, calibrator, n_draws, random)
        with subtask(rcal, context, "network", max_subtasks=rcal.max_iter) as child:
            return classifier.fit(rcal, child, Z, y)


INDIVIDUAL = {"none": SeparateClassifier, "anchor": AnchoredNetwork}
