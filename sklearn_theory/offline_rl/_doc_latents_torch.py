# SPDX-License-Identifier: BSD-3-Clause
"""Latents of both kinds, with the same verbs.

A code is what encoder and prior return: logits, or means and log-variances. Expectations
over latents are sums over candidates with weights: all latents with their probabilities,
which is exact, or one Gaussian draw with weight one.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from ..utils._torch_modules import MLP

_WIDEST = 5.0  # Of log-variances: deviations between 0.08 and 12.


class CategoricalHead(nn.Module):
    """A network with outputs for each of the latents.

    Parameters
    ----------
    n_latents : int
        Their number.

    n_features, n_outputs : int
        Widths of the input and of each output.

    hidden_layer_sizes : tuple of int
        Widths of the hidden layers, which the latents share.

    layer_norm : bool
        Whether to normalise hidden layers.
    """

    def __init__(
        self, n_latents, n_features, hidden_layer_sizes, n_outputs, layer_norm
    ):
        super().__init__()
        self.shape = (n_latents, n_outputs)
        width = n_latents * n_outputs
        self.layers = MLP(n_features, hidden_layer_sizes, width, layer_norm)

    def forward(self, inputs, z=None):
        """Return outputs of shape (n_samples, n_latents, n_outputs)."""
        return self.layers(inputs).unflatten(-1, self.shape)


class CategoricalLatents:
    """Latents that are numbers.

    Parameters
    ----------
    n_latents : int
        How many there are.

    latent_dim : int or None, default=None
        Not used.
    """

    def __init__(self, n_latents, latent_dim=None):
        self.n_code = self.n_latents = n_latents

    def head(self, *sizes, layer_norm=False):
        """Build a network of inputs and latents."""
        return CategoricalHead(self.n_latents, *sizes, layer_norm)

    def candidates(self, code, generator=None):
        """Return None for all latents, and their probabilities."""
        return None, code.softmax(dim=-1)

    def log_density(self, code, z):
        """Return the log-probabilities of all latents."""
        return code.log_softmax(dim=-1)

    def divergence(self, code, prior):
        """Return the divergence of one law from another, for each row."""
        log_q, log_p = code.log_softmax(dim=-1), prior.log_softmax(dim=-1)
        return F.kl_div(log_p, log_q, reduction="none", log_target=True).sum(dim=-1)

    def spread(self, q, weight):
        """Return the entropy of the latents of all windows together."""
        mean = (weight.unsqueeze(1) * q).mean(dim=0) / weight.mean()
        return torch.special.entr(mean).sum()

    def law(self, code):
        """Return a code as it leaves the network: probabilities."""
        return code.softmax(dim=-1)


class GaussianHead(nn.Module):
    """A network of inputs and latents side by side.

    Parameters
    ----------
    latent_dim : int
        Width of a latent.

    n_features, n_outputs : int
        Widths of the input and of the output.

    hidden_layer_sizes : tuple of int
        Widths of the hidden layers.

    layer_norm : bool
        Whether to normalise hidden layers.
    """

    def __init__(
        self, latent_dim, n_features, hidden_layer_sizes, n_outputs, layer_norm
    ):
        super().__init__()
        width = n_features + latent_dim
        self.layers = MLP(width, hidden_layer_sizes, n_outputs, layer_norm)

    def forward(self, inputs, z):
        """Return outputs of shape (n_samples, n_candidates, n_outputs)."""
        inputs = inputs.unsqueeze(1).expand(*z.shape[:2], inputs.shape[1])
        return self.layers(torch.cat([inputs, z], dim=-1))


class GaussianLatents:
    """Latents that are vectors, with independent Gaussian coordinates.

    Parameters
    ----------
    n_latents : int
        Not used.

    latent_dim : int
        Their width.
    """

    def __init__(self, n_latents, latent_dim):
        self.latent_dim, self.n_code = latent_dim, 2 * latent_dim

    def head(self, *sizes, layer_norm=False):
        """Build a network of inputs and latents."""
        return GaussianHead(self.latent_dim, *sizes, layer_norm)

    def candidates(self, code, generator=None):
        """Return one draw for each row, and its weight one."""
        mean, log_variance = _moments(code)
        noise = torch.empty_like(mean).normal_(generator=generator)
        z = mean + (0.5 * log_variance).exp() * noise
        return z.unsqueeze(1), torch.ones_like(z[:, :1])

    def log_density(self, code, z):
        """Return the log-densities of candidates."""
        mean, log_variance = (part.unsqueeze(1) for part in _moments(code))
        squares = (z - mean) ** 2 / log_variance.exp()
        return -0.5 * (squares + log_variance + math.log(2 * math.pi)).sum(dim=-1)

    def divergence(self, code, prior):
        """Return the divergence of one law from another, for each row."""
        mean, log_variance = _moments(code)
        prior_mean, prior_log_variance = _moments(prior)
        squares = (mean - prior_mean) ** 2 + log_variance.exp()
        difference = prior_log_variance - log_variance
        terms = squares / prior_log_variance.exp() + difference - 1
        return 0.5 * terms.sum(dim=-1)

    def spread(self, q, weight):
        """Return zero: vectors do not fall out of use."""
        return 0.0

    def law(self, code):
        """Return a code as it leaves the network: means and log-variances."""
        return torch.cat(_moments(code), dim=-1)


def _moments(code):
    mean, raw = code.chunk(2, dim=-1)
    return mean, _WIDEST * torch.tanh(raw / _WIDEST)


LATENTS = {"categorical": CategoricalLatents, "gaussian": GaussianLatents}
