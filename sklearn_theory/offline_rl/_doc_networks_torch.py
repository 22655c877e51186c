# SPDX-License-Identifier: BSD-3-Clause
"""The networks of Dichotomy of Control, and with what energies compare an outcome.

The energies' bound of an outcome is its energy minus the logarithm of the mean
exponential energy of others: of all, by their frequencies, or of some that are drawn.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..utils._torch_modules import MLP
from ._doc_encoders_torch import ENCODERS
from ._doc_latents_torch import LATENTS

_N_SHARED = 32  # Features in which a step and an outcome are compared.


class Energies(nn.Module):
    """How well outcomes fit to a step, with a latent and without.

    Parameters
    ----------
    latents : CategoricalLatents or GaussianLatents
        The latents.

    n_step, n_outcome : int
        Widths of context and action together, and of outcomes.

    hidden_layer_sizes : tuple of int
        Widths of the hidden layers.
    """

    def __init__(self, latents, n_step, n_outcome, hidden_layer_sizes):
        super().__init__()
        sizes = hidden_layer_sizes, _N_SHARED
        # Of the same size, so that neither finds more by its size. Normalised, since
        # at large steps units would die, and dead energies find nothing.
        self.within = latents.head(n_step, *sizes, layer_norm=True)
        self.without = MLP(n_step, *sizes, layer_norm=True)
        self.outcome = MLP(n_outcome, *sizes, layer_norm=True)

    def forward(self, step, z, outcome, marginal):
        """Compute the bounds of each step: those of candidates, then without latents."""
        without = self.without(step).unsqueeze(1)
        queries = torch.cat([self.within(step, z), without], dim=1)
        return marginal.bounds(queries, self.outcome, outcome)


@dataclass
class WholeMarginal:
    """All distinct outcomes with their frequencies: the bound is exact.

    Parameters
    ----------
    outcomes : Tensor of shape (n_outcomes, n_features)
        The distinct outcomes.

    log_share : Tensor of shape (n_outcomes,)
        The logarithms of their frequencies.
    """

    outcomes: torch.Tensor
    log_share: torch.Tensor

    def bounds(self, queries, embed, outcome):
        """Compute energies minus the logarithm of their mean exponential."""
        positive = (queries * embed(outcome).unsqueeze(-2)).sum(dim=-1)
        energies = queries @ embed(self.outcomes).T
        return positive - (energies + self.log_share).logsumexp(dim=-1)


@dataclass
class SampledNegatives:
    """Outcomes drawn from the log, and the positive with them: energies stay bounded.

    Parameters
    ----------
    outcomes : Tensor of shape (n_outcomes, n_features)
        The distinct outcomes.

    counts : Tensor of shape (n_outcomes,)
        How often they occur.

    n_negatives : int
        How many to draw.

    generator : torch.Generator
        What to draw from.
    """

    outcomes: torch.Tensor
    counts: torch.Tensor
    n_negatives: int
    generator: torch.Generator

    def bounds(self, queries, embed, outcome):
        """Compute energies minus the logarithm of their mean exponential."""
        positive = (queries * embed(outcome).unsqueeze(-2)).sum(dim=-1, keepdim=True)
        negatives = queries @ embed(self.outcomes[self._draw()]).T
        energies = torch.cat([positive, negatives], dim=-1)
        mean = energies.logsumexp(dim=-1) - np.log(energies.shape[-1])
        return positive.squeeze(-1) - mean

    def _draw(self):
        edges = self.counts.cumsum(dim=0)
        place = torch.randint(
            int(edges[-1]),
            (self.n_negatives,),
            generator=self.generator,
            device=edges.device,
        )
        return torch.searchsorted(edges, place, right=True)


def choose_marginal(outcomes, n_negatives, generator):
    """Take all outcomes if they are few, else draws.

    Parameters
    ----------
    outcomes : Tensor of shape (n_rows, n_features)
        The outcomes of a log.

    n_negatives : int
        The most distinct outcomes to take, or how many to draw.

    generator : torch.Generator
        What to draw from.

    Returns
    -------
    marginal : WholeMarginal, SampledNegatives or None
        None if there is but one outcome.
    """
    outcomes, counts = outcomes.unique(dim=0, return_counts=True)
    if len(outcomes) == 1:
        return None
    if len(outcomes) <= n_negatives:
        return WholeMarginal(outcomes, (counts / counts.sum()).log())
    return SampledNegatives(outcomes, counts, n_negatives, generator)


class DocModule(nn.Module):
    """Encoder, policy, value, prior and energies.

    Parameters
    ----------
    widths : dict of str to int
        `context`, `action` and `outcome`: numbers of columns; `target`: of outputs of
        the policy.

    n_steps : int
        The length of windows.

    is_discrete : bool
        Whether the policy's outputs are logits of labels, or means of numbers.

    latent : {"categorical", "gaussian"}
        The kind of latents.

    n_latents, latent_dim : int
        Their number, or their width.

    encoder : {"mlp", "gru", "deepset", "transformer"}
        The kind of encoder.

    hidden_layer_sizes : tuple of int
        Widths of the hidden layers of all networks.
    """

    draws_nothing = True

    def __init__(
        self,
        widths,
        n_steps,
        is_discrete,
        latent,
        n_latents,
        latent_dim,
        encoder,
        hidden_layer_sizes,
    ):
        super().__init__()
        self.is_discrete = is_discrete
        self.latents = latents = LATENTS[latent](n_latents, latent_dim)
        context, sizes = widths["context"], hidden_layer_sizes
        step = context + widths["action"]
        self.encoder = ENCODERS[encoder](step + widths["outcome"], n_steps, sizes)
        self.code = nn.Linear(self.encoder.n_outputs + context, latents.n_code)
        self.policy = latents.head(context, sizes, widths["target"])
        self.value = latents.head(context, sizes, 1)
        self.prior = MLP(context, sizes, latents.n_code)
        self.energies = Energies(latents, step, widths["outcome"], sizes)

    def forward(self, batch):
        """Return the codes of windows."""
        summary = F.relu(self.encoder(batch.steps, batch.mask))
        return self.code(torch.cat([summary, batch.start], dim=-1))

    def misfit(self, batch, z):
        """Minus the log-likelihood of each window's actions, per candidate."""
        outputs = self.policy(batch.context, batch.of_windows(z))
        if self.is_discrete:
            target = batch.target[:, None, None].expand(*outputs.shape[:-1], 1)
            losses = -outputs.log_softmax(dim=-1).gather(-1, target).squeeze(-1)
        else:
            losses = 0.5 * ((outputs - batch.target.unsqueeze(1)) ** 2).sum(dim=-1)
        return batch.add_up(losses)

    def told(self, batch, z, marginal):
        """The bounds summed over each window, per candidate and without latents."""
        if marginal is None:
            nothing = torch.zeros_like(batch.start[:, :1])
            return nothing, nothing[:, 0]
        step = torch.cat([batch.context, batch.action], dim=-1)
        bounds = self.energies(step, batch.of_windows(z), batch.outcome, marginal)
        told = batch.add_up(bounds)
        return told[:, :-1], told[:, -1]

    def values(self, context, z):
        """What candidates promise, on the scale of networks."""
        return self.value(context, z).squeeze(-1)

    def actions(self, context, z):
        """Probabilities of labels, or means of numbers, per candidate."""
        outputs = self.policy(context, z)
        return outputs.softmax(dim=-1) if self.is_discrete else outputs

    def prior_law(self, context):
        """The law of latents before anything is done."""
        return self.latents.law(self.prior(context))
