# SPDX-License-Identifier: BSD-3-Clause
"""The networks, views and losses of ISogCLR, as parts of a skorch net.

The estimator reaches torch through this file alone.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..utils._augmentations import image_augmentation, vector_augmentation
from ..utils._torch_modules import MLP, ConvEncoder
from ..utils._torch_net import Net, Rows, check_module, forward_in_batches, make_net
from ..utils._torch_training import train
from ._rgc_loss import RGCLoss

__all__ = ["draw_views", "make_contrastive_net", "run_network", "train"]


def make_mlp(n_features, hidden_layer_sizes, n_components, image_shape):
    """Build layers of units."""
    return MLP(n_features, hidden_layer_sizes, n_components)


def make_conv(n_features, hidden_layer_sizes, n_components, image_shape):
    """Build convolutions, of which `hidden_layer_sizes` are the channels."""
    return ConvEncoder(image_shape, hidden_layer_sizes, n_components)


ENCODERS = {"mlp": make_mlp, "conv": make_conv}


class EncoderProjector(nn.Module):
    """An encoder, whose outputs are used, and a projector, whose outputs are compared.

    Parameters
    ----------
    n_features : int
        Width of the rows.

    encoder : callable
        Returns the encoder.

    encoder_params : dict
        Its arguments.

    projection_sizes : tuple of int
        Widths of the projector's layers, each behind rectified units; none if empty.
    """

    def __init__(self, n_features, encoder, encoder_params, projection_sizes):
        super().__init__()
        self.encoder = encoder(**encoder_params)
        self.n_components = _output_width(self.encoder, n_features)
        self.projector = nn.Identity()
        if projection_sizes:
            *hidden, last = projection_sizes
            mlp = MLP(self.n_components, tuple(hidden), last)
            self.projector = nn.Sequential(nn.ReLU(), *mlp)

    def forward(self, rows):
        """Embed rows on the unit sphere."""
        return F.normalize(self.projector(self.encoder(rows)), dim=1)


def _output_width(encoder, n_features):
    """Run the user's encoder on two rows of zeros to see how wide its output is."""
    encoder.eval()
    with torch.no_grad():
        outputs = encoder(torch.zeros(2, n_features))
    if outputs.ndim != 2 or len(outputs) != 2:
        raise ValueError(
            "module must map rows of shape (n_samples, n_features) to (n_samples, "
            f"n_components); it maps (2, {n_features}) to {tuple(outputs.shape)}."
        )
    return outputs.shape[1]


class TwoViews(nn.Module):
    """One network for both views, or one for each.

    Parameters
    ----------
    widths : tuple of int
        The number of columns of the rows, or of each view.

    encoder : callable
        Returns an encoder.

    encoder_params : tuple of dict
        Its arguments, for each network.

    projection_sizes : tuple of int
        Widths of the projector's layers.
    """

    def __init__(self, widths, encoder, encoder_params, projection_sizes):
        super().__init__()
        self.networks = nn.ModuleList(
            EncoderProjector(width, encoder, params, projection_sizes)
            for width, params in zip(widths, encoder_params)
        )
        self.draws_nothing = getattr(self.networks[0].encoder, "draws_nothing", False)

    def forward(self, x1, x2):
        """Embed two views on the unit sphere."""
        if len(self.networks) == 2:
            return self.networks[0](x1), self.networks[1](x2)
        return self.networks[0](torch.cat([x1, x2])).tensor_split(2)


class ContrastiveNet(Net):
    """A net whose training step compares two views of each row of the batch.

    Parameters
    ----------
    module : callable
        Returns the module.

    views : callable
        Maps rows and a generator to two views.

    loss_params : dict
        Arguments of the loss, whose class is `criterion`.

    **options : dict
        Parameters of :class:`~sklearn_theory.utils._torch_training.Net`.
    """

    def __init__(self, module, *, views, loss_params, **options):
        self.views = views
        self.loss_params = loss_params
        super().__init__(module, **options)

    def initialize_criterion(self):
        """Build the loss, which has state but is no module."""
        self.criterion_ = self.criterion(**self.loss_params)
        return self

    def train_step_single(self, batch, **fit_params):
        """Differentiate the loss of a batch of rows and their numbers."""
        self._set_training(True)
        rows, index = batch
        z1, z2 = self.module_(*self.views(rows, self.generator_))
        loss = self.criterion_(z1, z2, index)
        loss.backward()
        return {"loss": self.criterion_.objective_, "y_pred": None}


@dataclass(frozen=True)
class AugmentedViews:
    """Two random versions of each row."""

    augmentation: object

    def __call__(self, rows, generator):
        return self.augmentation(rows, generator), self.augmentation(rows, generator)


@dataclass(frozen=True)
class SplitViews:
    """Two groups of columns of each row, which may be augmented before."""

    split: int
    augmentation: object = None

    def __call__(self, rows, generator):
        if self.augmentation is not None:
            rows = self.augmentation(rows, generator)
        return rows[:, : self.split], rows[:, self.split :]


@dataclass(frozen=True)
class UserAugmentation:
    """A function of the user's of an array and a generator of numpy."""

    function: object
    image_shape: tuple | None

    def __call__(self, batch, generator):
        seed = torch.randint(
            2**62, (), generator=generator, device=generator.device
        ).item()
        rows = batch.cpu().numpy()
        shape = (len(rows), *(self.image_shape or rows.shape[1:]))
        changed = self.function(rows.reshape(shape), np.random.default_rng(seed))
        changed = np.asarray(changed, dtype=np.float32)
        if changed.shape != shape:
            raise ValueError(
                f"augmentation must return an array of the shape that it gets, {shape}; "
                f"got {changed.shape}."
            )
        return torch.as_tensor(changed.reshape(rows.shape)).to(batch.device)


def make_views(estimator, X, split):
    """Choose how two views come from a row.

    Parameters
    ----------
    estimator : ISogCLR
        Holds `augmentation` and `image_shape`.

    X : ndarray of shape (n_samples, n_features)
        Rows of training, which give the scale of noise.

    split : int or None
        The number of columns of view 1, if views are columns.

    Returns
    -------
    views : AugmentedViews or SplitViews
        The choice.
    """
    augmentation, image_shape = estimator.augmentation, estimator.image_shape
    if callable(augmentation):
        augmentation = UserAugmentation(augmentation, image_shape)
    elif split is None:
        augmentation = _default_augmentation(X, image_shape)
    else:
        augmentation = None
    if split is not None:
        return SplitViews(split, augmentation)
    return AugmentedViews(augmentation)


def _default_augmentation(X, image_shape):
    """Scale noise to a tenth of each column's deviation, or of the pixels' range."""
    if image_shape is None:
        return vector_augmentation(0.1 * X.std(axis=0, dtype=np.float64))
    return image_augmentation(tuple(image_shape), 0.1 * float(np.ptp(X)))


def run_network(net, rows, number, output):
    """Run one of the networks over the columns that it takes.

    Parameters
    ----------
    net : ContrastiveNet
        Holds the networks.

    rows : ndarray of shape (n_samples, n_features_of_view)
        The columns.

    number : int
        Which network.

    output : {"encoder", "projection"}
        What to return.

    Returns
    -------
    outputs : ndarray of shape (n_samples, n_components)
        Representations, or embeddings on the unit sphere.
    """

    def forward(module, rows):
        network = module.networks[number]
        return network.encoder(rows) if output == "encoder" else network(rows)

    return forward_in_batches(net, rows, forward)


def draw_views(net, X):
    """Draw two views of rows, always the same ones for the same net.

    Parameters
    ----------
    net : ContrastiveNet
        Holds how views are drawn, and its seed.

    X : ndarray of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    views : list of ndarray
        The two views.
    """
    generator = torch.Generator(net.device).manual_seed(net.seed)
    rows = Rows(X, device=net.device).X
    return [view.cpu().numpy() for view in net.views(rows, generator)]


class FixedTemperatureLoss(RGCLoss):
    """The global contrastive loss of SogCLR: temperatures stay what they were."""

    def __init__(self, n_samples, mode, **options):
        options |= {
            "eta": 0.0,
            "temperature_min": options["temperature_init"],
            "temperature_max": options["temperature_init"],
            "rho": 0.0,
        }
        super().__init__(n_samples, mode, **options)


class InfoNCELoss(FixedTemperatureLoss):
    """The loss of SimCLR and CLIP: means over the batch, positives among them."""

    def __init__(self, n_samples, mode, **options):
        options |= {"gamma": 1.0, "include_positive": True}
        super().__init__(n_samples, mode, **options)

    def __call__(self, z1, z2, index, first_epoch=None):
        """Compute the mean cross-entropy of finding the positive."""
        scaled = super().__call__(z1, z2, index, first_epoch)
        n_candidates = 2 * len(z1) - 1 if self.mode == "unimodal" else len(z1)
        # The robust objective has the mean, not the sum, inside the logarithm.
        mean = self.objective_ / (2 * self.temperature_init)
        self.objective_ = mean + math.log(n_candidates)
        return scaled / (2 * self.temperature_init)


LOSSES = {"rgcl": RGCLoss, "gcl": FixedTemperatureLoss, "infonce": InfoNCELoss}

_LOSS_PARAMS = (
    "temperature_init",
    "temperature_min",
    "temperature_max",
    "rho",
    "gamma",
    "beta",
    "eta",
    "grad_clip",
    "exponent",
    "include_positive",
)


def make_contrastive_net(estimator, X, split):
    """Build the net of an ISogCLR from its parameters.

    Parameters
    ----------
    estimator : ISogCLR
        Holds the parameters.

    X : ndarray of shape (n_samples, n_features)
        Rows of training.

    split : int or None
        The number of columns of view 1, if views are columns.

    Returns
    -------
    net : ContrastiveNet
        The net, initialised.
    """
    loss_params = {name: getattr(estimator, name) for name in _LOSS_PARAMS}
    return make_net(
        ContrastiveNet,
        TwoViews,
        module_params=_network_params(estimator, X.shape[1], split),
        views=make_views(estimator, X, split),
        criterion=LOSSES[estimator.loss],
        loss_params=loss_params | {"n_samples": len(X), "mode": estimator.mode},
        learning_rate_init=estimator.learning_rate_init,
        weight_decay=estimator.weight_decay,
        batch_size=estimator.batch_size,
        optimizer=estimator.optimizer,
        device=estimator.device,
        random_state=estimator.random_state,
        skorch_callbacks=estimator.skorch_callbacks,
    )


def _network_params(estimator, n_features, split):
    """Say how the encoders are built, by name or as the user has it."""
    widths = (n_features,) if split is None else (split, n_features - split)
    if callable(estimator.module):
        check_module(estimator.module)
        encoder = estimator.module
        params = [estimator.module_params or {}] * len(widths)
    else:
        encoder = ENCODERS[estimator.module]
        own = {
            "hidden_layer_sizes": tuple(estimator.hidden_layer_sizes),
            "n_components": estimator.n_components,
            "image_shape": estimator.image_shape,
        }
        params = [own | {"n_features": width} for width in widths]
    return {
        "widths": widths,
        "encoder": encoder,
        "encoder_params": params,
        "projection_sizes": tuple(estimator.projection_sizes),
    }
