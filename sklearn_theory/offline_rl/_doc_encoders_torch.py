# SPDX-License-Identifier: BSD-3-Clause
"""Encoders of the future: networks that sum up a window of steps, of any length.

Each maps steps of shape (n_windows, n_steps, n_features), and a mask that is true where
there is a step, to ``n_outputs`` features. What stands behind an episode's end has no
influence.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ..utils._torch_modules import MLP


class MLPEncoder(nn.Module):
    """All steps side by side: the simplest, for short windows.

    Parameters
    ----------
    n_features, n_steps : int
        Width and length of windows.

    hidden_layer_sizes : tuple of int
        Widths of the layers.
    """

    def __init__(self, n_features, n_steps, hidden_layer_sizes):
        super().__init__()
        *hidden, self.n_outputs = hidden_layer_sizes or (n_features,)
        n_inputs = (n_features + 1) * n_steps
        self.layers = MLP(n_inputs, tuple(hidden), self.n_outputs)

    def forward(self, steps, mask):
        """Sum windows up."""
        there = mask.unsqueeze(-1).to(steps.dtype)
        return self.layers(torch.cat([steps * there, there], dim=-1).flatten(1))


class DeepSetEncoder(nn.Module):
    """The mean over steps of what each of them tells: their order has no influence.

    Parameters
    ----------
    n_features, n_steps : int
        Width and length of windows.

    hidden_layer_sizes : tuple of int
        Widths of the layers.
    """

    def __init__(self, n_features, n_steps, hidden_layer_sizes):
        super().__init__()
        *hidden, self.n_outputs = hidden_layer_sizes or (n_features,)
        self.layers = MLP(n_features, tuple(hidden), self.n_outputs)

    def forward(self, steps, mask):
        """Sum windows up."""
        return masked_mean(F.relu(self.layers(steps)), mask)


class GRUEncoder(nn.Module):
    """A recurrent network that reads the steps in both directions.

    Parameters
    ----------
    n_features, n_steps : int
        Width and length of windows.

    hidden_layer_sizes : tuple of int
        The last is the width of the states of each direction, one layer for each.
    """

    def __init__(self, n_features, n_steps, hidden_layer_sizes):
        super().__init__()
        widths = hidden_layer_sizes or (n_features,)
        self.n_outputs = 2 * widths[-1]
        self.layers = nn.GRU(
            n_features, widths[-1], len(widths), batch_first=True, bidirectional=True
        )

    def forward(self, steps, mask):
        """Sum windows up by the last states of both directions."""
        packed = nn.utils.rnn.pack_padded_sequence(
            steps, mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, states = self.layers(packed)
        return torch.cat([states[-2], states[-1]], dim=1)


class TransformerEncoder(nn.Module):
    """Attention among the steps, whose places are learnt, and a mean over them.

    Parameters
    ----------
    n_features, n_steps : int
        Width and length of windows.

    hidden_layer_sizes : tuple of int
        The last is the width of all layers; there are as many as widths.
    """

    def __init__(self, n_features, n_steps, hidden_layer_sizes):
        super().__init__()
        widths = hidden_layer_sizes or (n_features,)
        self.n_outputs = widths[-1]
        self.embedding = nn.Linear(n_features, self.n_outputs)
        self.places = nn.Parameter(0.02 * torch.randn(n_steps, self.n_outputs))
        layer = nn.TransformerEncoderLayer(
            self.n_outputs,
            nhead=1,
            dim_feedforward=2 * self.n_outputs,
            dropout=0.0,
            batch_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer, len(widths), enable_nested_tensor=False
        )

    def forward(self, steps, mask):
        """Sum windows up."""
        embedded = self.embedding(steps) + self.places
        return masked_mean(self.layers(embedded, src_key_padding_mask=~mask), mask)


def masked_mean(values, mask):
    """Average over the steps that are there.

    Parameters
    ----------
    values : Tensor of shape (n_windows, n_steps, n_features)
        Values of steps.

    mask : Tensor of shape (n_windows, n_steps)
        Which steps are there; at least one in each window.

    Returns
    -------
    means : Tensor of shape (n_windows, n_features)
        The averages.
    """
    there = mask.unsqueeze(-1)
    return torch.where(there, values, 0.0).sum(dim=1) / there.sum(dim=1)


ENCODERS = {
    "mlp": MLPEncoder,
    "gru": GRUEncoder,
    "deepset": DeepSetEncoder,
    "transformer": TransformerEncoder,
}
