# SPDX-License-Identifier: BSD-3-Clause
"""The networks behind a behaviour of many modes: diffusion, and mixtures of Gaussians."""

import math
from itertools import pairwise

import torch
from torch import nn

from ..utils._torch_modules import MLP
from ..utils._torch_net import Batches
from ..utils._torch_training import SCHEDULES, set_step_size
from . import _policy_heads_torch as heads
from ._gaussian_torch import noise_like
from ._policy_heads_torch import HeadNet, build_net, draw_actions, run_method

__all__ = ["draw_actions", "make_head_net", "run_method", "train_head"]

_LOG_TWO_PI = math.log(2 * math.pi)


class MixtureModule(nn.Module):
    """Shares, means and log-deviations of Gaussians with independent coordinates."""

    draws_nothing = True
    _LOWEST, _HIGHEST = -5.0, 2.0

    def __init__(self, n_features, hidden_layer_sizes, n_outputs, n_components):
        super().__init__()
        self.n_components = n_components
        self.layers = MLP(
            n_features, hidden_layer_sizes, n_components * (2 * n_outputs + 1)
        )

    def forward(self, rows):
        """Return log-shares, means and log-deviations."""
        raw = self.layers(rows).reshape(len(rows), self.n_components, -1)
        logits, mean, log_deviation = raw.tensor_split(
            [1, 1 + (raw.shape[2] - 1) // 2], dim=2
        )
        bounded = log_deviation.clamp(self._LOWEST, self._HIGHEST)
        return logits[..., 0].log_softmax(dim=1), mean, bounded

    def losses(self, outputs, targets):
        """Compute the negative log-likelihoods of rows."""
        log_share, mean, log_deviation = outputs
        standard = (targets[:, None] - mean) * torch.exp(-log_deviation)
        each = -0.5 * (standard**2 + _LOG_TWO_PI) - log_deviation
        return -torch.logsumexp(log_share + each.sum(dim=2), dim=1)

    def mean(self, rows):
        """Return the means of the mixtures."""
        log_share, mean, _ = self(rows)
        return (log_share.exp()[..., None] * mean).sum(dim=1)

    def draw(self, rows, generator):
        """Draw a component and then an action."""
        log_share, mean, log_deviation = self(rows)
        chosen = torch.multinomial(log_share.exp(), 1, generator=generator)[:, 0]
        each = torch.arange(len(rows), device=rows.device)
        mean, log_deviation = mean[each, chosen], log_deviation[each, chosen]
        return mean + log_deviation.exp() * noise_like(mean, generator)


class DenoisingModule(nn.Module):
    """A network that tells the noise in an action, and the steps that remove it.

    The observation and the step's number scale and shift the units of every layer.
    """

    draws_nothing = True
    _STEP_FEATURES = 16
    _N_MEAN = 16

    def __init__(self, n_features, hidden_layer_sizes, n_outputs, n_steps):
        super().__init__()
        self.n_outputs, self.n_steps = n_outputs, n_steps
        widths = [n_outputs, *hidden_layer_sizes]
        n_conditions = n_features + self._STEP_FEATURES
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.conditions = nn.ModuleList(
            nn.Linear(n_conditions, 2 * width) for width in widths[1:]
        )
        self.last = nn.Linear(widths[-1] + n_conditions, n_outputs)
        self.register_buffer("kept", cosine_schedule(n_steps), persistent=False)
        self.register_buffer(
            "steps", _step_features(n_steps, self._STEP_FEATURES), persistent=False
        )

    def forward(self, rows):
        """Return the rows: what follows depends on noise, too."""
        return rows

    def noise(self, rows, noisy, step):
        """Tell the noise in noisy actions.

        Parameters
        ----------
        rows : Tensor of shape (n_samples, n_features)
            Observations.

        noisy : Tensor of shape (n_samples, n_outputs)
            Actions with noise.

        step : int or Tensor of shape (n_samples,)
            How many steps of noise they have, less one.

        Returns
        -------
        noise : Tensor of shape (n_samples, n_outputs)
            The noise.
        """
        features = self.steps[step].expand(len(rows), -1).to(rows.dtype)
        condition = torch.cat([rows, features], dim=1)
        hidden = noisy
        for layer, film in zip(self.layers, self.conditions):
            scale, shift = film(condition).chunk(2, dim=1)
            units = nn.functional.silu(layer(hidden) * (1 + scale) + shift)
            hidden = hidden + units if hidden.shape == units.shape else units
        return self.last(torch.cat([hidden, condition], dim=1))

    def mean(self, rows):
        """Average draws that begin with the same noise in all rows."""
        generator = torch.Generator(rows.device).manual_seed(0)
        draws = [
            self._remove_noise(rows, lambda: self._shared_noise(rows, generator))
            for _ in range(self._N_MEAN)
        ]
        return torch.stack(draws).mean(dim=0)

    def draw(self, rows, generator):
        """Begin with noise and remove it."""
        like = rows.new_empty(len(rows), self.n_outputs)
        return self._remove_noise(rows, lambda: noise_like(like, generator))

    def _shared_noise(self, rows, generator):
        noise = torch.randn(self.n_outputs, generator=generator, device=rows.device)
        return noise.to(rows.dtype).expand(len(rows), -1)

    def _remove_noise(self, rows, draw_noise):
        """Take the steps of the reverse process, each from the law given the guess."""
        actions = draw_noise()
        kept = self.kept.to(rows.dtype)
        for step in reversed(range(self.n_steps)):
            now = kept[step]
            before = kept[step - 1] if step else torch.ones_like(now)
            noise = self.noise(rows, actions, step)
            guess = (actions - torch.sqrt(1 - now) * noise) / torch.sqrt(now)
            guess = guess.clamp(-1, 1)
            stays = now / before
            actions = (
                torch.sqrt(before) * (1 - stays) * guess
                + torch.sqrt(stays) * (1 - before) * actions
            ) / (1 - now)
            if step:
                variance = (1 - before) / (1 - now) * (1 - stays)
                actions = actions + torch.sqrt(variance) * draw_noise()
        return actions


def cosine_schedule(n_steps, largest=0.999):
    """Compute the share of the signal's variance that is left after each step.

    Parameters
    ----------
    n_steps : int
        Number of steps.

    largest : float, default=0.999
        The most that one step may take.

    Returns
    -------
    kept : Tensor of shape (n_steps,)
        The shares.
    """
    time = torch.arange(n_steps + 1, dtype=torch.float64) / n_steps
    level = torch.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2
    taken = (1 - level[1:] / level[:-1]).clamp(max=largest)
    return torch.cumprod(1 - taken, dim=0).float()


def _step_features(n_steps, width):
    """Sines and cosines of the step's number at some frequencies."""
    rates = torch.exp(-math.log(1e4) * torch.arange(width // 2) / (width // 2 - 1))
    angles = torch.arange(n_steps)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class DiffusionNet(HeadNet):
    """A net that learns noise, with a step size for each batch and averaged weights.

    Parameters
    ----------
    module : callable
        Returns the module.

    n_batches : int
        The number of batches of the whole training.

    learning_rate : {"constant", "cosine"}
        Whether the step size, once it has risen, falls.

    **options : dict
        Parameters of :class:`~sklearn_theory.utils._torch_net.Net`.
    """

    _WARM_UP = 500
    _AVERAGE_POWER = 0.75

    def __init__(self, module, *, n_batches, learning_rate, **options):
        self.n_batches, self.learning_rate = n_batches, learning_rate
        super().__init__(module, **options)

    def initialize(self):
        """Begin to count batches and to average weights."""
        super().initialize()
        self._n_seen = 0
        self._average = [p.detach().clone() for p in self.module_.parameters()]
        return self

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Compare the noise put into actions with what the network tells."""
        actions, weight = y_true[:, :-1], y_true[:, -1]
        n, module = len(actions), self.module_
        step = torch.randint(
            module.n_steps, (n,), generator=self.generator_, device=actions.device
        )
        noise = noise_like(actions, self.generator_)
        kept = module.kept[step][:, None]
        noisy = torch.sqrt(kept) * actions + torch.sqrt(1 - kept) * noise
        errors = (module.noise(y_pred, noisy, step) - noise) ** 2
        return (weight * errors.mean(dim=1)).mean()

    def train_step(self, batch, **fit_params):
        """Set the step size of this batch, train, and average the weights."""
        set_step_size(self, self.lr * self._step_factor())
        step = super().train_step(batch, **fit_params)
        self._n_seen += 1
        keep = 1 - self._n_seen**-self._AVERAGE_POWER
        with torch.no_grad():
            for mean, now in zip(self._average, self.module_.parameters()):
                mean.lerp_(now, 1 - keep)
        return step

    def take_average(self):
        """Let the averaged weights be the network's, if they are finite."""
        if all(torch.isfinite(p).all() for p in self._average):
            with torch.no_grad():
                for now, mean in zip(self.module_.parameters(), self._average):
                    now.copy_(mean)
        del self._average

    def _step_factor(self):
        warm_up = min(self._WARM_UP, self.n_batches // 10)
        if self._n_seen < warm_up:
            return (self._n_seen + 1) / warm_up
        n_left = max(1, self.n_batches - warm_up)
        return SCHEDULES[self.learning_rate](self._n_seen - warm_up, n_left)


def make_head_net(head, settings, inputs, targets, random):
    """Build the net of a kind from the parameters of a behaviour.

    Parameters
    ----------
    head : NetworkHead
        The kind.

    settings : BehaviorPolicy
        The behaviour.

    inputs, targets : ndarray of shape (n_samples, ...)
        The rows of training.

    random : RandomState
        Gives the seed.

    Returns
    -------
    net : HeadNet
        The net, initialised.
    """
    return MAKERS[head.name](head, settings, inputs, targets, random)


def _make_mixture(head, settings, *data):
    params = {"n_components": settings.n_components}
    return build_net(
        HeadNet, MixtureModule, head, settings, *data, module_params=params
    )


def _make_diffusion(head, settings, inputs, *data):
    n_batches = len(Batches(inputs, settings.batch_size))
    return build_net(
        DiffusionNet,
        DenoisingModule,
        head,
        settings,
        inputs,
        *data,
        module_params={"n_steps": settings.n_diffusion_steps},
        n_batches=settings.max_iter * n_batches,
        learning_rate=settings.learning_rate,
        optimizer="adamw",
    )


MAKERS = {"mdn": _make_mixture, "diffusion": _make_diffusion}


def train_head(head, settings, *data):
    """Train the net of a kind; of diffusion the averaged weights are kept.

    Parameters
    ----------
    head : NetworkHead
        The kind.

    settings : BehaviorPolicy
        The behaviour.

    *data : tuple
        As for the heads of a policy.

    Returns
    -------
    training : Training
        What the training did.
    """
    training = heads.train_head(head, settings, *data)
    if head.name == "diffusion" and not settings.early_stopping:
        head.net.take_average()
    return training
