# SPDX-License-Identifier: BSD-3-Clause
"""One step of the robust contrastive loss: weights, running means and gradients.

An anchor is a row of a matrix of exponents, which is made once and overwritten by its
exponentials. All that the step needs are sums over rows and two matrix products, which are
the gradients as well: nothing is recorded for automatic differentiation, and nothing
larger than the matrix is made.
"""

import math
from dataclasses import dataclass

import torch
from torch.autograd.function import once_differentiable


class Unimodal:
    """Two views of the same kind: negatives are both views of all other rows."""

    @staticmethod
    def exponents(z, scaled):
        """Compare all views, scaled by their temperatures, with all views."""
        return scaled @ z.T

    @staticmethod
    def exclusions(exponents, include_positive):
        """Name the entries that are no candidates, as views of the matrix."""
        half = len(exponents) // 2
        positives = [exponents.diagonal(half), exponents.diagonal(-half)]
        return [exponents.diagonal(), *([] if include_positive else positives)]

    @staticmethod
    def n_candidates(batch_size, include_positive):
        """Count the candidates of an anchor."""
        return 2 * batch_size - 2 + include_positive

    @staticmethod
    def products(powers, factors, z):
        """Sum weighted candidates over rows, and weighted anchors over columns.

        Weights are the powers, each row times its factor.
        """
        own = (powers @ z).mul_(factors)
        return own, powers.T @ (factors * z)


class Bimodal:
    """Two kinds of views: negatives are the other kind's views of all other rows."""

    @staticmethod
    def exponents(z, scaled):
        """Compare views, scaled by their temperatures, with views of the other kind."""
        half = len(z) // 2
        return torch.cat([scaled[:half] @ z[half:].T, scaled[half:] @ z[:half].T])

    @staticmethod
    def exclusions(exponents, include_positive):
        """Name the entries that are no candidates, as views of the matrix."""
        half = len(exponents) // 2
        positives = [exponents[:half].diagonal(), exponents[half:].diagonal()]
        return [] if include_positive else positives

    @staticmethod
    def n_candidates(batch_size, include_positive):
        """Count the candidates of an anchor."""
        return batch_size - 1 + include_positive

    @staticmethod
    def products(powers, factors, z):
        """Sum weighted candidates over rows, and weighted anchors over columns.

        Weights are the powers, each row times its factor.
        """
        half = len(z) // 2
        scaled = factors * z
        own = torch.cat([powers[:half] @ z[half:], powers[half:] @ z[:half]])
        received = [powers[half:].T @ scaled[half:], powers[:half].T @ scaled[:half]]
        return own.mul_(factors), torch.cat(received)


MODES = {"unimodal": Unimodal, "bimodal": Bimodal}


def log_running_mean(log_s, log_g, gamma, first):
    """Move running means towards new values, in logarithms.

    Parameters
    ----------
    log_s : Tensor
        The logarithms of the running means; minus infinity before the first visit.

    log_g : Tensor
        The logarithms of the new values.

    gamma : float
        The weight of the new value.

    first : Tensor of bool
        Where the new value is taken as it is.

    Returns
    -------
    log_s : Tensor
        ``log((1 - gamma) * exp(log_s) + gamma * exp(log_g))``, which cannot overflow.
    """
    log_kept = math.log1p(-gamma) if gamma < 1 else -math.inf
    moved = torch.logaddexp(log_s + log_kept, log_g + math.log(gamma))
    return torch.where(first, log_g, moved)


@dataclass
class Step:
    """What one batch gives.

    Parameters
    ----------
    log_s : Tensor of shape (2 * batch_size,)
        The logarithms of the running means, of the anchors of view 1, then of view 2.

    loss : Tensor of shape (2 * batch_size,)
        Weighted similarities minus the positive's.

    slope : Tensor of shape (2 * batch_size,)
        The derivative of the objective with respect to the temperature.

    objective : Tensor of shape (2 * batch_size,)
        The robust objective at the running means.

    gradient : Tensor of shape (2 * batch_size, n_components)
        The gradient of the sum of the losses.
    """

    log_s: torch.Tensor
    loss: torch.Tensor
    slope: torch.Tensor
    objective: torch.Tensor
    gradient: torch.Tensor


def contrast(mode, z1, z2, temperature, update, *, rho, difference, include_positive):
    """Weigh the candidates of every anchor.

    Parameters
    ----------
    mode : Unimodal or Bimodal
        How the views relate.

    z1, z2 : Tensor of shape (batch_size, n_components)
        The views.

    temperature : Tensor of shape (2 * batch_size,)
        The temperatures.

    update : callable
        Maps the logarithms of the batch's means to those of the running means.

    rho : float
        The radius.

    difference : bool
        Whether exponents hold similarities minus the positive's.

    include_positive : bool
        Whether the positive is one of the candidates.

    Returns
    -------
    step : Step
        Losses, slopes and gradients.
    """
    z = torch.cat([z1, z2])
    positive = (z1 * z2).sum(dim=1).repeat(2)
    shift = positive / temperature if difference else 0.0
    powers, sums, log_mean = _exponentials(mode, z, temperature, include_positive)
    log_s = update(log_mean - shift)
    total = torch.exp(log_mean - shift - log_s)
    own, received = mode.products(powers, (total / sums)[:, None], z)
    weighted = (z * own).sum(dim=1)
    pull = total if difference else torch.ones_like(total)
    centre = pull * positive
    slope = log_s + rho - (weighted - centre if difference else weighted) / temperature
    return Step(
        log_s=log_s,
        loss=weighted - centre,
        slope=slope,
        objective=temperature * (log_s + shift + rho) - positive,
        gradient=_pull_positives(own.add_(received), pull, z1, z2),
    )


def _exponentials(mode, z, temperature, include_positive):
    """Return exponentials over the largest of their row, their sums, and log-means."""
    exponents = mode.exponents(z, z / temperature[:, None])
    for entries in mode.exclusions(exponents, include_positive):
        entries.fill_(-math.inf)
    largest = exponents.amax(dim=1)
    powers = exponents.sub_(largest[:, None]).exp_()
    sums = powers.sum(dim=1)
    n_candidates = mode.n_candidates(len(z) // 2, include_positive)
    return powers, sums, largest + sums.log() - math.log(n_candidates)


def _pull_positives(gradient, pull, z1, z2):
    """Subtract each anchor's positive, once for each of the two losses it is in."""
    batch_size = len(z1)
    both = (pull[:batch_size] + pull[batch_size:])[:, None]
    gradient[:batch_size] -= both * z2
    gradient[batch_size:] -= both * z1
    return gradient


def attach_gradients(step, z1, z2):
    """Return the loss of a step as a tensor that knows its gradients.

    Parameters
    ----------
    step : Step
        Losses and gradients.

    z1, z2 : Tensor of shape (batch_size, n_components)
        The views, as they take part in automatic differentiation.

    Returns
    -------
    loss : Tensor
        The mean over the batch of the sum of both views' losses.
    """
    with torch.no_grad():
        loss = step.loss.sum() / len(z1)
        gradient1, gradient2 = step.gradient.div_(len(z1)).tensor_split(2)
    return _WithGradients.apply(
        z1, z2, loss, gradient1.to(z1.dtype), gradient2.to(z2.dtype)
    )


class _WithGradients(torch.autograd.Function):
    """A value whose gradients were computed together with it."""

    @staticmethod
    def forward(ctx, z1, z2, value, gradient1, gradient2):
        ctx.save_for_backward(gradient1, gradient2)
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, factor):
        gradient1, gradient2 = ctx.saved_tensors
        return factor * gradient1, factor * gradient2, None, None, None
