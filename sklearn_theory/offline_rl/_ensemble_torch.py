# SPDX-License-Identifier: BSD-3-Clause
"""An ensemble of networks as one: every layer is a single batched product over members.

The estimator reaches torch through this file alone.
"""

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from ..utils._callbacks import iterate_subtasks
from ..utils._torch_net import Net, Rows, forward_in_batches, make_net
from ._gaussian_torch import gaussian_losses, noise_like, soft_clamp

_FIRST_BOUNDS = (-10.0, 0.5)
_BOUND_PENALTY = 0.01


class EnsembleModule(nn.Module):
    """Networks with means and log-variances as outputs, side by side.

    Parameters
    ----------
    n_members : int
        Number of networks.

    n_features : int
        Width of the rows.

    hidden_layer_sizes : tuple of int
        Widths of the hidden layers.

    n_outputs : int
        Number of targets.
    """

    draws_nothing = True

    def __init__(self, n_members, n_features, hidden_layer_sizes, n_outputs):
        super().__init__()
        widths = [n_features, *hidden_layer_sizes, 2 * n_outputs]
        self.weights = nn.ParameterList(
            _first_weights(n_members, a, b) for a, b in pairwise(widths)
        )
        self.biases = nn.ParameterList(
            nn.Parameter(torch.zeros(n_members, 1, b)) for b in widths[1:]
        )
        low, high = _FIRST_BOUNDS
        self.lowest = nn.Parameter(torch.full((n_outputs,), low))
        self.highest = nn.Parameter(torch.full((n_outputs,), high))

    def forward(self, rows, members=slice(None)):
        """Return means and log-variances.

        Parameters
        ----------
        rows : Tensor of shape (n_members, n_samples, n_features)
            A table for each member.

        members : slice or array-like, default=slice(None)
            Which members these are.

        Returns
        -------
        mean, log_variance : Tensor of shape (n_members, n_samples, n_outputs)
            The law of the targets.
        """
        layers = zip(self.biases, self.weights)
        *inner, last = ((bias[members], weight[members]) for bias, weight in layers)
        for bias, weight in inner:
            rows = F.silu(torch.baddbmm(bias, rows, weight))
        mean, raw = torch.baddbmm(last[0], rows, last[1]).chunk(2, dim=2)
        return mean, soft_clamp(raw, self.lowest, self.highest)

    def decay(self, strengths):
        """Half the squared weights of each layer, times its strength."""
        return sum(
            strength / 2 * (weight**2).sum()
            for strength, weight in zip(strengths, self.weights)
            if strength
        )


def _first_weights(n_members, n_in, n_out):
    weight = torch.empty(n_members, n_in, n_out)
    deviation = 1 / (2 * math.sqrt(n_in))
    nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    return nn.Parameter(weight)


class EnsembleNet(Net):
    """A net whose members are trained on resamples of their own.

    Parameters
    ----------
    module : callable
        Returns the module.

    decay : tuple of float
        Strength of the L2 penalty on each layer.

    **options : dict
        Parameters of :class:`~sklearn_theory.utils._torch_net.Net`.
    """

    def __init__(self, module, *, decay, **options):
        self.decay = decay
        super().__init__(module, **options)

    def train_step_single(self, batch, **fit_params):
        """Differentiate the sum of the members' losses on their rows of a batch."""
        self._set_training(True)
        X, y = batch
        loss = ensemble_loss(self.module_, X.transpose(0, 1), y.transpose(0, 1))
        (loss + self.module_.decay(self.decay)).backward()
        return {"loss": loss.detach(), "y_pred": None}


def ensemble_loss(module, X, y):
    """Sum the members' Gaussian losses, and draw the bounds of variances together.

    Parameters
    ----------
    module : EnsembleModule
        The networks.

    X, y : Tensor of shape (n_members, n_samples, ...)
        The rows and targets of each member.

    Returns
    -------
    loss : Tensor
        The loss.
    """
    losses = gaussian_losses(*module(X), y).mean(dim=(1, 2)).sum()
    return losses + _BOUND_PENALTY * (module.highest.sum() - module.lowest.sum())


class ResampledRows(torch.utils.data.Dataset):
    """A resample of rows for each member, gathered batch by batch.

    Parameters
    ----------
    X, y : ndarray of shape (n_samples, ...)
        Rows and targets.

    chosen : ndarray of shape (n_draws, n_members)
        The rows of each member.

    device : str
        Where the tensors are to lie.
    """

    def __init__(self, X, y, chosen, device):
        rows = Rows(X, y, device)
        self.X, self.y = rows.X, rows.y
        self.chosen = torch.as_tensor(chosen, device=device)

    def __len__(self):
        return len(self.chosen)

    def __getitem__(self, places):
        rows = self.chosen[places]
        return self.X[rows], self.y[rows]


class Snapshots:
    """The weights of each member when its error on rows set aside was lowest.

    Parameters
    ----------
    module : EnsembleModule
        The networks.

    n_members : int
        Their number.

    tol : float
        The relative improvement that counts.
    """

    def __init__(self, module, n_members, tol):
        self.parameters = [*module.weights, *module.biases]
        self.kept = [p.detach().clone() for p in self.parameters]
        self.errors = torch.full((n_members,), math.inf)
        self.tol = tol
        self.n_stalled = 0

    def offer(self, errors):
        """Keep the weights of the members that have improved."""
        improved = (errors < math.inf) & (errors < (1 - self.tol) * self.errors)
        self.errors = torch.where(improved, errors, self.errors)
        for kept, now in zip(self.kept, self.parameters):
            kept[improved] = now.detach()[improved]
        self.n_stalled = 0 if improved.any() else self.n_stalled + 1

    def restore(self):
        """Put the weights kept back into the networks."""
        with torch.no_grad():
            for kept, now in zip(self.kept, self.parameters):
                now.copy_(kept)


def make_ensemble(settings, n_features, n_outputs, decay, batch_size, random):
    """Build the net of an ensemble from its parameters.

    Parameters
    ----------
    settings : DynamicsEnsemble
        Holds the parameters.

    n_features, n_outputs : int
        Widths of rows and targets.

    decay : tuple of float
        Strength of the L2 penalty on each layer.

    batch_size : int
        Rows in a batch.

    random : RandomState
        Gives the seed.

    Returns
    -------
    net : EnsembleNet
        The net, initialised.
    """
    return make_net(
        EnsembleNet,
        EnsembleModule,
        module_params={
            "n_members": settings.n_members,
            "n_features": n_features,
            "hidden_layer_sizes": tuple(settings.hidden_layer_sizes),
            "n_outputs": n_outputs,
        },
        decay=decay,
        learning_rate_init=settings.learning_rate_init,
        batch_size=batch_size,
        device=settings.device,
        random_state=random,
    )


def train_ensemble(net, settings, context, rows, aside, reconstruct):
    """Train until no member improves on the rows set aside.

    Parameters
    ----------
    net : EnsembleNet
        The net; trained in place, each member with its best weights in the end.

    settings : DynamicsEnsemble
        Holds `max_iter`, `n_iter_no_change` and `tol`.

    context : sklearn.callback.CallbackContext
        The task of the fit.

    rows : tuple of ndarray
        Rows, targets, and those that each member is trained on.

    aside : tuple of ndarray
        Rows and targets that judge.

    reconstruct : callable
        Given the members' errors, what an estimator needs to predict.

    Returns
    -------
    errors : ndarray of shape (n_members,)
        The lowest squared error of each member on the rows set aside.

    curves : tuple of list of float
        The loss and the mean error of the members in each epoch.

    stop_reason : {"converged", "max_iter", "callback"}
        Why the training ended.
    """
    resampled = ResampledRows(*rows, net.device)
    judge = Rows(*aside, net.device)
    snapshots = Snapshots(net.module_, settings.n_members, settings.tol)
    losses, errors = [], []
    for _ in iterate_subtasks(
        settings,
        context,
        _epochs(settings, snapshots),
        "epoch",
        reconstruct=lambda: reconstruct(snapshots.errors.numpy()),
    ):
        net.run_epoch(resampled)
        snapshots.offer(errors_on(net.module_, judge))
        losses.append(float(net.history[-1, "train_loss"]))
        errors.append(float(snapshots.errors.mean()))
    snapshots.restore()
    stop_reason = _why_it_ended(settings, snapshots, len(losses))
    return snapshots.errors.numpy(), (losses, errors), stop_reason


def _epochs(settings, snapshots):
    """Count epochs until no member improves."""
    for epoch in range(settings.max_iter):
        if snapshots.n_stalled >= settings.n_iter_no_change:
            return
        yield epoch


def _why_it_ended(settings, snapshots, n_epochs):
    if snapshots.n_stalled >= settings.n_iter_no_change:
        return "converged"
    return "max_iter" if n_epochs == settings.max_iter else "callback"


def errors_on(module, rows):
    """Compute each member's mean squared error.

    Parameters
    ----------
    module : EnsembleModule
        The networks.

    rows : Rows
        Rows and targets.

    Returns
    -------
    errors : Tensor of shape (n_members,)
        The errors.
    """
    module.eval()
    with torch.inference_mode():
        mean, _ = module(_for_each(rows.X, len(module.weights[0])))
        return ((mean - rows.y) ** 2).mean(dim=(1, 2)).cpu()


def _for_each(rows, n_members):
    return rows.expand(n_members, *rows.shape)


def elite_moments(net, X, elites):
    """Compute means and variances of each elite.

    Parameters
    ----------
    net : EnsembleNet
        The net.

    X : ndarray of shape (n_samples, n_features)
        Rows.

    elites : ndarray of shape (n_elites,)
        Which members to ask.

    Returns
    -------
    mean, variance : ndarray of shape (n_elites, n_samples, n_outputs)
        The moments.
    """

    def forward(module, rows):
        mean, log_variance = module(_for_each(rows, len(elites)), elites)
        return torch.stack([mean, log_variance.exp()]).permute(2, 0, 1, 3)

    moments = forward_in_batches(net, X, forward)
    return moments.transpose(1, 2, 0, 3)


def draw_targets(net, X, elites, seed):
    """Draw targets, each from the law of an elite that is drawn for its row.

    Parameters
    ----------
    net : EnsembleNet
        The net.

    X : ndarray of shape (n_samples, n_features)
        Rows.

    elites : ndarray of shape (n_elites,)
        Which members may be drawn.

    seed : int
        Determines the draws.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_outputs)
        The targets, in single precision.
    """
    generator = torch.Generator(net.device).manual_seed(seed)
    rows = Rows(X, device=net.device).X
    net.module_.eval()
    with torch.inference_mode():
        elite = torch.randint(
            len(elites), (len(rows),), generator=generator, device=rows.device
        )
        mean, log_variance = _law_of_rows(net.module_, rows, elites, elite)
        noise = noise_like(mean, generator)
        targets = mean + torch.exp(0.5 * log_variance) * noise
    return targets.cpu().numpy()


def _law_of_rows(module, rows, elites, elite):
    """Lay the rows of each elite out together, and run it on these alone."""
    order = torch.argsort(elite, stable=True)
    counts = torch.bincount(elite, minlength=len(elites))
    place = torch.empty_like(order)
    first = (counts.cumsum(dim=0) - counts)[elite[order]]
    place[order] = torch.arange(len(rows), device=rows.device) - first
    table = rows.new_zeros(len(elites), int(counts.max()), rows.shape[1])
    table[elite, place] = rows
    mean, log_variance = module(table, elites)
    return mean[elite, place], log_variance[elite, place]
