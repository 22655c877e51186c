# SPDX-License-Identifier: BSD-3-Clause
"""The base classifier of a decoder: what it must have, and what its fit is given."""

from sklearn.frozen import FrozenEstimator
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ..utils._compat import _raise_for_params, _routing_enabled


def is_frozen(base):
    """Tell whether fitting the base changes nothing."""
    return isinstance(base, FrozenEstimator)


def check_base(base):
    """Refuse a base without probabilities, or a frozen one that was never fitted."""
    if not hasattr(base, "predict_proba"):
        raise ValueError(
            f"estimator={base!r} has no predict_proba; LokiClassifier needs a classifier "
            "with probabilities. Wrap it in CalibratedClassifierCV, or use "
            "predict_from_proba for scores from elsewhere."
        )
    if is_frozen(base):
        check_is_fitted(base)


def base_metadata(model, base, sample_weight, fit_params):
    """Select the metadata that the base's fit is given.

    Parameters
    ----------
    model : estimator
        The router.

    base : estimator
        The base classifier.

    sample_weight : array-like of shape (n_samples,) or None
        Weights of the rows.

    fit_params : dict
        Further metadata; only with metadata routing enabled.

    Returns
    -------
    metadata : dict
        What the base's fit is given. A frozen base is given nothing.
    """
    if _routing_enabled():
        if sample_weight is not None:
            fit_params = {**fit_params, "sample_weight": sample_weight}
        return process_routing(model, "fit", **fit_params).estimator.fit
    _raise_for_params(fit_params, model, "fit")
    if sample_weight is None or is_frozen(base):
        return {}
    if not has_fit_parameter(base, "sample_weight"):
        raise ValueError(
            f"sample_weight was given, but the fit of estimator={base!r} does not take "
            "it. Enable metadata routing to say which step of a pipeline does."
        )
    return {"sample_weight": sample_weight}
