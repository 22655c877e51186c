# SPDX-License-Identifier: BSD-3-Clause
"""How the base classifier is fitted in each round: afresh, or on from where it was."""

from copy import deepcopy

import numpy as np
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import has_fit_parameter

from ..utils._compat import _routing_enabled

_MOST_FOLDS = 5


class MissingVotesError(ValueError, AttributeError):
    """The base has no probabilities after it was fitted."""


class FreshLearner:
    """Fit a clone of the base to all labelled rows, calibrated if asked for."""

    continues = False
    learns_once = False

    def __init__(self, base, calibrate=None):
        self.base, self.calibrate = base, calibrate

    def learn(self, task):
        """Fit a new model."""
        rows = task.rows
        X, y, metadata = task.training_set(rows)
        model = clone(self.make_base(task.codes[rows]))
        return check_votes_exist(model.fit(X, y, **metadata))

    def make_base(self, codes):
        """Return the unfitted model for rows of these classes."""
        if self.calibrate is None:
            return self.base
        folds = StratifiedKFold(calibration_folds(codes, self.calibrate))
        base = clone(self.base)
        if _routing_enabled() and has_fit_parameter(base, "sample_weight"):
            base.set_fit_request(sample_weight=True)
        return CalibratedClassifierCV(base, method=self.calibrate, cv=folds)


class WarmLearner(FreshLearner):
    """Fit one model again and again, each time from where the last fit ended."""

    continues = True

    def __init__(self, base):
        super().__init__(clone(base).set_params(warm_start=True))

    def learn(self, task):
        """Go on with the model."""
        X, y, metadata = task.training_set(task.rows)
        return check_votes_exist(self.base.fit(X, y, **metadata))


class StreamLearner(FreshLearner):
    """Hand the rows that are new to the ``partial_fit`` of one model."""

    continues = True
    learns_once = True

    def __init__(self, base):
        super().__init__(clone(base))
        self.n_seen = -1

    def learn(self, task):
        """Add the rows of the rounds since the last call."""
        rows = np.flatnonzero((task.n_round > self.n_seen) & (task.codes >= 0))
        self.n_seen = task.n_round.max()
        X, y, metadata = task.training_set(rows)
        self.base.partial_fit(X, y, classes=task.classes, **metadata)
        return check_votes_exist(self.base)


def make_learner(base, warm_start, calibrate):
    """Choose how to fit; refuse what cannot go on from an earlier fit."""
    if not warm_start:
        return FreshLearner(base, calibrate)
    if calibrate is not None:
        raise ValueError(
            "warm_start_estimator=True and calibrate cannot be combined: calibration "
            "fits new models."
        )
    parameters = base.get_params(deep=False)
    if "warm_start" in parameters and "n_estimators" not in parameters:
        return WarmLearner(base)
    if hasattr(base, "partial_fit"):
        return StreamLearner(base)
    raise ValueError(
        f"warm_start_estimator=True needs a base that can go on from an earlier fit, but "
        f"estimator={base!r} has neither the parameter warm_start (other than to add "
        "trees or other members) nor partial_fit."
    )


def calibration_folds(codes, calibrate):
    """Choose how many folds the smallest class allows."""
    smallest = int(np.unique(codes, return_counts=True)[1].min())
    if smallest < 2:
        raise ValueError(
            f"calibrate={calibrate!r} needs two labelled rows of every class for its "
            "cross-validation, but the smallest class has one."
        )
    return min(smallest, _MOST_FOLDS)


def check_votes_exist(model):
    """Refuse a fitted model without probabilities, and return others."""
    if not hasattr(model, "predict_proba"):
        raise MissingVotesError(
            f"estimator={model!r} has no attribute 'predict_proba' after fitting, so it "
            "has no votes. Wrap it in CalibratedClassifierCV."
        )
    return model


def frozen_copy(model, learner):
    """Return the model, or a copy if it will be fitted further."""
    return deepcopy(model) if learner.continues else model
