# SPDX-License-Identifier: BSD-3-Clause
"""What the parameters of self-training, its base and its metadata must satisfy."""

import numpy as np
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import has_fit_parameter

from ..utils._compat import _routing_enabled
from ._votes import accepts_weights


def base_metadata(model, sample_weight, params):
    """Select the metadata for the base's fit; refuse weights that it cannot take.

    Parameters
    ----------
    model : estimator
        The router.

    sample_weight : array-like of shape (n_samples,) or None
        Weights of the rows.

    params : dict
        Further metadata; only with metadata routing enabled.

    Returns
    -------
    metadata : dict
        What the base has requested.
    """
    given = {} if sample_weight is None else {"sample_weight": sample_weight}
    if _routing_enabled():
        return dict(process_routing(model, "fit", **params, **given).estimator.fit)
    base = model._base()
    if given and not has_fit_parameter(base, "sample_weight"):
        raise ValueError(
            f"sample_weight was given, but the fit of estimator={base!r} does not take "
            "it. Enable metadata routing to say which step of a pipeline does."
        )
    return given


def balances(base, balance_weights, noise):
    """Tell whether to balance weights; refuse weights that the base cannot take."""
    accepts = accepts_weights(base)
    for name, wanted in (
        ("balance_weights=True", balance_weights is True),
        ("noise='weight'", noise == "weight"),
    ):
        if wanted and not accepts:
            raise ValueError(
                f"{name} needs a base whose fit takes sample_weight, which that of "
                f"estimator={base!r} does not."
            )
    return accepts and balance_weights is not False


def check_combination(model, policy, learner):
    """Refuse parameters that contradict each other."""
    if model.restart and model.max_iter is None and not policy.ends:
        raise ValueError(
            "max_iter=None with restart=True may never end, since rounds may undo each "
            "other; give a number."
        )
    if model.oob_votes and model.calibrate is not None:
        raise ValueError(
            "oob_votes=True and calibrate cannot be combined: a calibrated base has no "
            "out-of-bag votes."
        )
    if learner.learns_once and (
        model.restart or model.balance_weights is True or model.noise == "weight"
    ):
        raise ValueError(
            "warm_start_estimator=True with a base that only has partial_fit cannot be "
            "combined with restart=True, balance_weights=True or noise='weight': rows "
            "that were learnt once can be neither weighted anew nor unlearnt."
        )


def check_threshold(threshold, n_classes):
    """Check one threshold or one for each class."""
    threshold = np.asarray(threshold, dtype=float)
    if threshold.shape not in {(), (n_classes,)}:
        raise ValueError(
            f"threshold must be a number or hold one for each of the {n_classes} "
            f"classes, got shape {threshold.shape}."
        )
    if not ((threshold >= 0) & (threshold <= 1)).all():
        raise ValueError(f"threshold must lie in [0, 1], got {threshold}.")
    return threshold
