# SPDX-License-Identifier: BSD-3-Clause
"""The networks behind the heads of a policy, and how they are trained.

A module's ``forward`` gives what ``losses`` compares with the targets, one loss a row.
``mean``, ``deviation``, ``probabilities`` and ``draw`` are what policies ask for.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from ..utils._torch_modules import MLP
from ..utils._torch_net import Net, Rows, forward_in_batches, make_net
from ..utils._torch_training import train
from ._gaussian_torch import gaussian_losses, noise_like, soft_clamp
from ._merged_rows import passes_in_an_epoch

_LOG_TWO_PI = math.log(2 * math.pi)
_MOST_PASSES = 10  # Batches of merged rows are hardly noisy: fewer steps do as well.


class MeanModule(MLP):
    """Layers of units whose outputs are actions."""

    def losses(self, outputs, targets):
        """Compute the mean squared error of each row."""
        return ((outputs - targets) ** 2).mean(dim=1)

    def mean(self, rows):
        """Return the action of each row."""
        return self(rows)

    def draw(self, rows, generator):
        """Return the action of each row; nothing is drawn."""
        return self(rows)


class GaussianModule(nn.Module):
    """Means and log-variances, these between learnt bounds."""

    draws_nothing = True
    _FIRST_BOUNDS = (-10.0, 0.5)

    def __init__(self, n_features, hidden_layer_sizes, n_outputs):
        super().__init__()
        self.layers = MLP(n_features, hidden_layer_sizes, 2 * n_outputs)
        low, high = self._FIRST_BOUNDS
        self.lowest = nn.Parameter(torch.full((n_outputs,), low))
        self.highest = nn.Parameter(torch.full((n_outputs,), high))

    def forward(self, rows):
        """Return means and log-variances."""
        mean, raw = self.layers(rows).chunk(2, dim=1)
        return mean, soft_clamp(raw, self.lowest, self.highest)

    def losses(self, outputs, targets):
        """Compute the loss of each row, summed over coordinates and averaged."""
        return gaussian_losses(*outputs, targets).mean(dim=1)

    def mean(self, rows):
        """Return the means."""
        return self(rows)[0]

    def deviation(self, rows):
        """Return the deviations."""
        return torch.exp(0.5 * self(rows)[1])

    def draw(self, rows, generator):
        """Draw an action for each row."""
        mean, log_variance = self(rows)
        return mean + torch.exp(0.5 * log_variance) * noise_like(mean, generator)


class AutoregressiveModule(nn.Module):
    """One Gaussian for each coordinate of the action, given the ones before.

    A single stack of layers sees the row, the coordinates before (the others are zero)
    and the number of the coordinate.
    """

    draws_nothing = True
    _FIRST_BOUNDS = (-10.0, 0.5)

    def __init__(self, n_features, hidden_layer_sizes, n_outputs):
        super().__init__()
        self.n_outputs = n_outputs
        layers = MLP(n_features + 2 * n_outputs, hidden_layer_sizes, 2)
        self.layers = nn.Sequential(
            *(nn.LeakyReLU() if isinstance(x, nn.ReLU) else x for x in layers)
        )
        low, high = self._FIRST_BOUNDS
        self.lowest = nn.Parameter(torch.tensor(low))
        self.highest = nn.Parameter(torch.tensor(high))

    def forward(self, rows):
        """Return the rows: what follows depends on the action, too."""
        return rows

    def losses(self, rows, actions):
        """Compute negative log-likelihoods of all coordinates in one batch."""
        return -self.log_likelihoods(rows, actions)

    def log_likelihoods(self, rows, actions):
        """Compute the log-likelihood of the action of each row.

        Parameters
        ----------
        rows : Tensor of shape (n_samples, n_features)
            Inputs.

        actions : Tensor of shape (n_samples, n_outputs)
            Actions.

        Returns
        -------
        log_likelihoods : Tensor of shape (n_samples,)
            Sums over the coordinates.
        """
        k = self.n_outputs
        before = torch.tril(torch.ones(k, k, dtype=rows.dtype, device=rows.device), -1)
        seen = actions.repeat_interleave(k, dim=0) * before.repeat(len(rows), 1)
        place = torch.eye(k, dtype=rows.dtype, device=rows.device).repeat(len(rows), 1)
        mean, log_deviation = self._law(rows.repeat_interleave(k, dim=0), seen, place)
        standard = (actions.reshape(-1) - mean) * torch.exp(-log_deviation)
        each = -0.5 * (standard**2 + _LOG_TWO_PI) - log_deviation
        return each.reshape(len(rows), k).sum(dim=1)

    def mean(self, rows):
        """Take the mean of each coordinate, given the means of the ones before."""
        return self._in_turn(rows, lambda mean, log_deviation: mean)

    def draw(self, rows, generator):
        """Draw the coordinates in turn."""

        def draw_one(mean, log_deviation):
            return mean + torch.exp(log_deviation) * noise_like(mean, generator)

        return self._in_turn(rows, draw_one)

    def _in_turn(self, rows, choose):
        actions = torch.zeros(
            len(rows), self.n_outputs, dtype=rows.dtype, device=rows.device
        )
        for i in range(self.n_outputs):
            place = torch.zeros_like(actions)
            place[:, i] = 1
            actions[:, i] = choose(*self._law(rows, actions, place))
        return actions

    def _law(self, rows, seen, place):
        mean, raw = self.layers(torch.cat([rows, seen, place], dim=1)).unbind(dim=1)
        return mean, soft_clamp(raw, self.lowest, self.highest)


class CategoricalModule(MLP):
    """Layers of units whose outputs are logits of labels."""

    def losses(self, outputs, targets):
        """Compute the cross-entropy of each row."""
        return F.cross_entropy(outputs, targets[:, 0].long(), reduction="none")

    def probabilities(self, rows):
        """Return the probabilities of labels."""
        return F.softmax(self(rows), dim=1)


MODULES = {
    "mse": MeanModule,
    "gaussian": GaussianModule,
    "autoregressive": AutoregressiveModule,
    "categorical": CategoricalModule,
}


class HeadNet(Net):
    """A net whose targets carry the weight of their row in the last column."""

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Average the losses of the rows by their weights."""
        targets, weight = y_true[:, :-1], y_true[:, -1]
        return (weight * self.module_.losses(y_pred, targets)).mean()


def make_head_net(head, settings, inputs, targets, random):
    """Build the net of a head from the parameters of a policy.

    Parameters
    ----------
    head : NetworkHead
        The head.

    settings : estimator instance
        The policy.

    inputs, targets : ndarray of shape (n_samples, ...)
        The rows of training.

    random : RandomState
        Gives the seed.

    Returns
    -------
    net : HeadNet
        The net, initialised.
    """
    return build_net(
        HeadNet, MODULES[head.name], head, settings, inputs, targets, random
    )


def build_net(
    net_class,
    module,
    head,
    settings,
    inputs,
    targets,
    random,
    module_params=None,
    **options,
):
    """Build a net whose module takes numbers of inputs and outputs, and widths.

    Parameters
    ----------
    net_class, module : type
        The classes of the net and its module.

    head : NetworkHead
        The head.

    settings : estimator instance
        The policy.

    inputs, targets : ndarray of shape (n_samples, ...)
        The rows of training.

    random : RandomState
        Gives the seed.

    module_params : dict or None, default=None
        Further arguments of the module.

    **options : dict
        Further arguments of ``make_net``.

    Returns
    -------
    net : Net
        The net, initialised.
    """
    sizes = {
        "n_features": inputs.shape[1],
        "hidden_layer_sizes": tuple(settings.hidden_layer_sizes),
        "n_outputs": head.n_classes or targets.shape[1],
    }
    return make_net(
        net_class,
        module,
        module_params=sizes | (module_params or {}),
        learning_rate_init=settings.learning_rate_init,
        weight_decay=settings.weight_decay,
        batch_size=settings.batch_size,
        device=settings.device,
        random_state=random,
        **options,
    )


def train_head(head, settings, rows, context, reconstruct):
    """Train the net of a head.

    Parameters
    ----------
    head : NetworkHead
        Holds the net.

    settings : estimator instance
        The policy.

    rows : ActionRows
        The rows of training, scaled.

    context : sklearn.callback.CallbackContext
        The task of the fit.

    reconstruct : callable
        As in ``train``.

    Returns
    -------
    training : Training
        What the training did.
    """
    weight = torch.as_tensor(rows.weight / rows.weight.mean())
    if rows.n_rows is not None:
        head.net.n_passes = passes_in_an_epoch(
            rows.n_rows, len(rows.inputs), settings.batch_size, _MOST_PASSES
        )
    return train(
        head.net,
        rows.inputs,
        torch.column_stack([torch.as_tensor(rows.actions), weight]),
        estimator=settings,
        context=context,
        max_iter=settings.max_iter,
        learning_rate=settings.learning_rate,
        tol=settings.tol,
        n_iter_no_change=settings.n_iter_no_change,
        early_stopping=settings.early_stopping,
        validation_fraction=settings.validation_fraction,
        groups=rows.groups,
        reconstruct=reconstruct,
    )


def run_method(net, rows, method):
    """Apply a method of a net's module to rows.

    Parameters
    ----------
    net : Net
        The net.

    rows : ndarray of shape (n_samples, n_features)
        The rows.

    method : str
        The name of the method.

    Returns
    -------
    outputs : ndarray of shape (n_samples, ...)
        The results.
    """
    return forward_in_batches(net, rows, lambda module, x: getattr(module, method)(x))


def draw_actions(net, rows, seed):
    """Draw an action for each row, in single precision.

    Parameters
    ----------
    net : Net
        The net; its module has a method ``draw``.

    rows : ndarray of shape (n_samples, n_features)
        The rows.

    seed : int
        Determines the draws.

    Returns
    -------
    actions : ndarray of shape (n_samples, n_outputs)
        Actions.
    """
    generator = torch.Generator(net.device).manual_seed(seed)
    net.module_.eval()
    with torch.inference_mode():
        drawn = net.module_.draw(Rows(rows, device=net.device).X, generator)
    return drawn.cpu().numpy()
