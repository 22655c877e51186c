# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian noise, and losses whose variances stay within learnt bounds."""

import torch
from torch.nn import functional as F


def soft_clamp(values, low, high):
    """Bring values smoothly between two bounds.

    Parameters
    ----------
    values : Tensor
        Any numbers.

    low, high : Tensor
        The bounds, which broadcast.

    Returns
    -------
    clamped : Tensor
        Numbers above `low`, and below `high` up to the smoothing.
    """
    values = high - F.softplus(high - values)
    return low + F.softplus(values - low)


def gaussian_losses(mean, log_variance, targets):
    """Compute squared errors over variances, plus log-variances.

    Parameters
    ----------
    mean, log_variance, targets : Tensor
        Of one shape.

    Returns
    -------
    losses : Tensor
        Of the same shape: twice the negative log-likelihood, up to a constant.
    """
    return (targets - mean) ** 2 * torch.exp(-log_variance) + log_variance


def noise_like(like, generator):
    """Draw standard Gaussian noise.

    Parameters
    ----------
    like : Tensor
        Gives shape, precision and device.

    generator : torch.Generator
        What to draw from.

    Returns
    -------
    noise : Tensor
        The noise.
    """
    return torch.randn(
        like.shape, generator=generator, dtype=like.dtype, device=like.device
    )
