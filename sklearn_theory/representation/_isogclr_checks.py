# SPDX-License-Identifier: BSD-3-Clause
"""What ISogCLR refuses, or warns of, before any work is done."""

import warnings

import numpy as np

from ._rgc_loss import check_temperatures


def check_choices(estimator, n_samples, n_features):
    """Check parameters that depend on each other or on the data.

    Parameters
    ----------
    estimator : ISogCLR
        Holds the parameters.

    n_samples, n_features : int
        The shape of the rows.

    Returns
    -------
    split : int or None
        How many columns are view 1; None if views are not columns.
    """
    check_temperatures(
        estimator.temperature_init, estimator.temperature_min, estimator.temperature_max
    )
    _check_widths(estimator)
    _check_image_shape(estimator.image_shape, n_features)
    _warn_of_void_constraint(estimator, n_samples)
    if estimator.mode == "unimodal":
        if estimator.augmentation is None:
            raise ValueError(
                'augmentation must not be None where mode="unimodal": the two views of a '
                "row would be equal."
            )
        return None
    return _check_view_split(estimator.view_split, n_features)


def _check_widths(estimator):
    for name in ("hidden_layer_sizes", "projection_sizes"):
        sizes = getattr(estimator, name)
        if any(not isinstance(size, (int, np.integer)) or size < 1 for size in sizes):
            raise ValueError(f"{name}={sizes} must hold whole numbers of at least 1.")
    if estimator.module == "conv" and estimator.image_shape is None:
        raise ValueError(
            'module="conv" needs image_shape, the height and width of the images that '
            "rows hold."
        )


def _check_image_shape(image_shape, n_features):
    if image_shape is None:
        return
    if len(image_shape) not in (2, 3) or np.prod(image_shape) != n_features:
        raise ValueError(
            f"image_shape={tuple(image_shape)} must be (height, width) or (height, width, "
            f"channels) with a product of {n_features}, the number of features."
        )


def _check_view_split(view_split, n_features):
    split = n_features // 2 if view_split is None else view_split
    if not 1 <= split <= n_features - 1:
        raise ValueError(
            f"view_split={split} must leave columns for both views: it must lie in "
            f"1..{n_features - 1} for {n_features} features."
        )
    return split


def _warn_of_void_constraint(estimator, n_samples):
    size = min(estimator.batch_size, n_samples)
    if estimator.loss != "rgcl" or size < 3:
        return
    bound = np.log(size - 1)
    if estimator.rho > bound:
        warnings.warn(
            f"rho={estimator.rho} is above log(batch size - 1) = {bound:.2f}: a batch of "
            f"{size} rows can hardly weigh its negatives that unevenly, and temperatures "
            "will fall to temperature_min. Lower rho, or use larger batches.",
            UserWarning,
            stacklevel=6,
        )
