# SPDX-License-Identifier: BSD-3-Clause
"""The game of Dichotomy of Control: energies ascend, encoder and policy descend.

For a fixed encoder the best energies measure what latents tell about outcomes. The
encoder lowers that measure, so that the energies must keep up: they have a larger step
size, and move first. Value and prior learn from the encoder and do not move it.

The momentum that helps a descent makes two players circle each other, so that energies
have none and the others little.
"""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from torch import nn

from ..utils._torch_net import Net, make_net
from ..utils._torch_training import train
from ._doc_batches_torch import TorchTables
from ._doc_networks_torch import DocModule, choose_marginal
from ._merged_rows import passes_in_an_epoch

_LEAD = 4.0  # How much larger the energies' step is by default.
_ENERGY_BETAS = (0.0, 0.9)  # Of Adam: how long means of gradients and squares remember.
_BETAS = (0.5, 0.99)
_SPREAD = 0.5  # The share of the epochs in which all latents are wanted.
_SETTLED = 0.8  # The share of the epochs after which the encoder rests.


@dataclass
class Stage:
    """What training needs and a trained net does not.

    Parameters
    ----------
    tables : TorchTables
        The log.

    marginal : WholeMarginal, SampledNegatives or None
        With what outcomes are compared; None if there is but one.

    leader : torch.optim.Optimizer
        The optimiser of the energies.

    energies, followers : list of torch.nn.Parameter
        The parameters that ascend, and those that descend.
    """

    tables: TorchTables
    marginal: object
    leader: object
    energies: list
    followers: list


class DocNet(Net):
    """A net with two optimisers, of which that of the energies leads.

    Parameters
    ----------
    module : callable
        Returns the module.

    settings : dict
        `beta`, `prior_weight`, `n_energy_steps`, `lead` (the energies' step size over
        that of the others), `clip_norm`, and three epochs, `spread_until`,
        `rest_after` and `ends_after`.

    **options : dict
        Parameters of :class:`~sklearn_theory.utils._torch_net.Net`.
    """

    def __init__(self, module, *, settings, **options):
        self.settings = settings
        super().__init__(module, **options)

    def get_all_learnable_params(self):
        """Name the parameters that descend: all but those of the energies."""
        for name, parameter in super().get_all_learnable_params():
            if "energies" not in name.split("."):
                yield name, parameter

    def prepare(self, tables, marginal):
        """Get ready for training on a log."""
        energies = list(self.module_.energies.parameters())
        leader = self.optimizer(
            energies,
            lr=self.lr * self.settings["lead"],
            weight_decay=self.optimizer__weight_decay,
            betas=_ENERGY_BETAS,
            fused=True,
        )
        followers = [parameter for _, parameter in self.get_all_learnable_params()]
        self._stage = Stage(tables, marginal, leader, energies, followers)

    def train_step_single(self, batch, **fit_params):
        """Let the energies ascend, then differentiate what the others descend."""
        self._set_training(True)
        windows, (weight, to_go) = batch[0], batch[1].T
        batch = self._stage.tables.cut(windows)
        code = self.module_(batch)
        if len(self.history) > self.settings["rest_after"]:
            code = code.detach()
        z, q = self.module_.latents.candidates(code, self.generator_)
        n_energy_steps = self.settings["n_energy_steps"] if self._stage.marginal else 0
        for _ in range(n_energy_steps):
            self._ascend(batch, *_detached(z, q), weight)
        main, objective = self._descend(batch, z, q, weight)
        fits = self._fit(batch, *_detached(z, q, code), to_go)
        bonus = self._urge_to_spread(batch) * self.module_.latents.spread(q, weight)
        (main + (weight * fits).mean() - bonus).backward()
        self._clip(self._stage.followers)
        return {"loss": objective, "y_pred": None}

    def _ascend(self, batch, z, q, weight):
        """Take a step of the energies towards the information in the latents."""
        leader = self._stage.leader
        told, without = self.module_.told(batch, z, self._stage.marginal)
        leader.zero_grad()
        (-(weight * ((q * told).sum(dim=1) + without)).mean()).backward()
        self._clip(self._stage.energies)
        for group in leader.param_groups:
            group["lr"] = self.lr * self.settings["lead"] * self._left()
        leader.step()

    def _left(self):
        """Energies keep their step size, and settle while the encoder rests."""
        ends, rests = self.settings["ends_after"], self.settings["rest_after"]
        left = ends + 1 - len(self.history)
        return min(1.0, max(left, 1) / max(ends - rests, 1))

    def _descend(self, batch, z, q, weight):
        """Return what encoder and policy descend, and the objective it stands for."""
        beta = self.settings["beta"]
        with frozen(self._stage.energies):
            told, without = self.module_.told(batch, z, self._stage.marginal)
        cost = self.module_.misfit(batch, z) + beta * told
        main = (weight * (q * cost).sum(dim=1)).mean()
        return main, (main - beta * (weight * without).mean()).detach()

    def _urge_to_spread(self, batch):
        """How much it is worth to use all latents: the less, the later.

        At first policies are alike, and the latent that happens to fit best would take
        all windows before others have learnt anything.
        """
        left = 1 - len(self.history) / max(self.settings["spread_until"], 1)
        return max(0.0, left) * len(batch.window) / len(batch.mask)

    def _fit(self, batch, z, q, code, to_go):
        """Return the losses of value and prior, which leave the encoder alone."""
        module = self.module_
        errors = (module.values(batch.start, z) - to_go.unsqueeze(1)) ** 2
        distance = module.latents.divergence(code, module.prior(batch.start))
        return 0.5 * (q * errors).sum(dim=1) + self.settings["prior_weight"] * distance

    def _clip(self, parameters):
        if self.settings["clip_norm"] is not None:
            nn.utils.clip_grad_norm_(parameters, self.settings["clip_norm"])


def _detached(*tensors):
    return (None if tensor is None else tensor.detach() for tensor in tensors)


@contextmanager
def frozen(parameters):
    """Let derivatives pass through a network, and leave its parameters alone."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    yield
    for parameter in parameters:
        parameter.requires_grad_(True)


def make_doc_net(estimator, tables, n_steps, is_discrete, random):
    """Build the net of a DichotomyOfControl from its parameters.

    Parameters
    ----------
    estimator : DichotomyOfControl
        Holds the parameters.

    tables : LogTables
        The log.

    n_steps : int
        The length of windows.

    is_discrete : bool
        Whether actions are labels.

    random : RandomState
        Gives the seed.

    Returns
    -------
    net : DocNet
        The net, initialised.
    """
    widths = {
        name: getattr(tables, name).shape[1]
        for name in ("context", "action", "outcome")
    }
    names = ("latent", "n_latents", "latent_dim", "encoder")
    choices = {name: getattr(estimator, name) for name in names}
    return make_net(
        DocNet,
        DocModule,
        module_params={
            "widths": widths | {"target": widths["action"]},
            "n_steps": n_steps,
            "is_discrete": is_discrete,
            "hidden_layer_sizes": tuple(estimator.hidden_layer_sizes),
            **choices,
        },
        settings=_settings(estimator),
        learning_rate_init=estimator.learning_rate_init,
        weight_decay=estimator.weight_decay,
        batch_size=estimator.batch_size,
        optimizer="adamw",
        optimizer__betas=_BETAS,
        optimizer__fused=True,  # Many small arrays: one call for all of them.
        device=estimator.device,
        random_state=random,
    )


def _settings(estimator):
    names = ("beta", "prior_weight", "n_energy_steps", "clip_norm")
    lead = _LEAD
    if estimator.energy_learning_rate is not None:
        lead = estimator.energy_learning_rate / estimator.learning_rate_init
    return {name: getattr(estimator, name) for name in names} | {
        "lead": lead,
        "rest_after": _SETTLED * estimator.max_iter,
        "ends_after": estimator.max_iter,
        "spread_until": _SPREAD * estimator.max_iter,
    }


def train_doc(net, estimator, context, tables, windows, counts, reconstruct):
    """Train the net on windows of a log.

    Parameters
    ----------
    net : DocNet
        The net.

    estimator : DichotomyOfControl
        Holds the parameters.

    context : sklearn.callback.CallbackContext
        The task of the fit.

    tables : LogTables
        The log.

    windows : ndarray of shape (n_windows, n_steps)
        Distinct windows.

    counts : ndarray of shape (n_windows,)
        How often they occur.

    reconstruct : callable
        As in ``train``.

    Returns
    -------
    training : Training
        What the training did.
    """
    net.n_passes = passes_in_an_epoch(counts.sum(), len(counts), net.batch_size)
    tensors = TorchTables(tables, net.device)
    marginal = choose_marginal(tensors.outcomes, estimator.n_negatives, net.generator_)
    net.prepare(tensors, marginal)
    targets = np.column_stack([counts / counts.mean(), tables.to_go[windows[:, 0]]])
    return train(
        net,
        windows,
        targets,
        estimator=estimator,
        context=context,
        max_iter=estimator.max_iter,
        learning_rate=estimator.learning_rate,
        reconstruct=reconstruct,
    )
