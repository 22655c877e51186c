# SPDX-License-Identifier: BSD-3-Clause
"""Rules that say which labels not to trust: small objects behind one table."""

from typing import NamedTuple

import numpy as np

from ._class_conditional_lof import (
    ClassConditionalLOF,
    class_contamination,
    within,
)
from ._noise_mixture import NoiseModel, fit_noise_model, flag_labels


class Distrust(NamedTuple):
    """Which rows stay, how much each is suspected, and the mixture if it was fitted."""

    inlier_mask: np.ndarray
    scores: np.ndarray
    noise_model: NoiseModel | None = None


class MixtureRule:
    """Distrust labels that the noise mixture finds improbable; needs no rate."""

    takes_contamination = False

    def __init__(self, rcal, random):
        pass

    def judge(self, Z, codes, n_classes):
        """Judge labels by their posterior probabilities."""
        model = fit_noise_model(Z, codes, n_classes)
        inlier_mask = flag_labels(model.label_posterior, codes)
        return Distrust(inlier_mask, 1 - model.label_posterior, model)


class NoRule:
    """Trust every label."""

    takes_contamination = False

    def __init__(self, rcal, random):
        pass

    def judge(self, Z, codes, n_classes):
        """Keep all rows."""
        return Distrust(np.ones(len(Z), dtype=bool), np.zeros(len(Z)))


class _ShareRule:
    """What the rules share that flag a given part of each class."""

    takes_contamination = True

    def __init__(self, rcal, random):
        self.contamination = rcal.contamination
        self.n_neighbors = rcal.n_neighbors
        self.min_class_size = rcal.min_class_size
        self.n_jobs = rcal.n_jobs
        self.random_state = random

    def judge(self, Z, codes, n_classes):
        """Flag the rows with the largest scores of each class."""
        model = None
        if isinstance(self.contamination, str):
            model = fit_noise_model(Z, codes, n_classes)
            flagged = ~flag_labels(model.label_posterior, codes)
            sizes = np.bincount(codes, minlength=n_classes)
            shares = np.bincount(codes, weights=flagged, minlength=n_classes) / sizes
        else:
            shares = class_contamination(self.contamination, n_classes)
        scores = self.score(Z, codes, n_classes)
        inlier_mask = np.ones(len(Z), dtype=bool)
        for k in range(n_classes):
            members = np.flatnonzero(codes == k)
            if len(members) >= self.min_class_size:
                inlier_mask[members] = within(scores[members], shares[k])
        return Distrust(inlier_mask, scores, model)


class LOFRule(_ShareRule):
    """Distrust rows with large outlier factors within their class."""

    def score(self, Z, codes, n_classes):
        """Compute the factors."""
        lof = ClassConditionalLOF(
            n_neighbors=self.n_neighbors,
            min_class_size=self.min_class_size,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        return lof.fit(Z, codes).outlier_factors_


class TrimRule(_ShareRule):
    """Distrust rows that are far from the median of their class."""

    def score(self, Z, codes, n_classes):
        """Compute distances in units of the median deviation of each feature."""
        offsets = np.empty(Z.shape)
        for k in range(n_classes):
            offsets[codes == k] = Z[codes == k] - np.median(Z[codes == k], axis=0)
        unit = np.median(np.abs(offsets), axis=0)
        return np.linalg.norm(offsets / np.where(unit > 0, unit, 1), axis=1)


OUTLIER_RULES = {
    "mixture": MixtureRule,
    "lof": LOFRule,
    "trim": TrimRule,
    "none": NoRule,
}


def make_outlier_rule(rcal, n_classes, random):
    """Build the rule that an RCAL names; "auto" is the mixture unless a share is given.

    Parameters
    ----------
    rcal : RCAL
        The estimator.

    n_classes : int
        Number of classes, for which `contamination` must hold.

    random : RandomState
        Determines which rows large classes are compared with.

    Returns
    -------
    rule : object
        The rule.
    """
    class_contamination(rcal.contamination, n_classes)
    name, is_given = rcal.outlier, not isinstance(rcal.contamination, str)
    if name == "auto":
        name = "lof" if is_given else "mixture"
    rule = OUTLIER_RULES[name]
    if is_given and not rule.takes_contamination:
        raise ValueError(
            f"outlier={name!r} has no use for contamination={rcal.contamination!r}; "
            'take "lof" or "trim", or leave contamination="auto".'
        )
    return rule(rcal, random)
