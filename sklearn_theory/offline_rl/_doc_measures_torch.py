# SPDX-License-Identifier: BSD-3-Clause
"""What trained networks say of windows and of contexts: laws, values and information."""

import numpy as np
import torch

from ..utils._torch_net import forward_in_batches
from ._doc_batches_torch import TorchTables
from ._doc_networks_torch import choose_marginal

_N_NEGATIVES_OF_MEASURES = 256


def measure(net, tables, windows, z=None):
    """Measure latents on windows: laws, misfit of actions, and information.

    Parameters
    ----------
    net : DocNet
        The net.

    tables : LogTables
        The log.

    windows : ndarray of shape (n_windows, n_steps)
        Its windows.

    z : ndarray of shape (n_windows, n_candidates, latent_dim) or None, default=None
        Gaussian latents; None draws one, or takes all categorical ones.

    Returns
    -------
    log_q, log_p, misfit, told : ndarray of shape (n_windows, n_candidates)
        Log-densities of the latents after and before the window, minus the
        log-likelihood of its actions, and what the latents tell about its outcomes.
    """
    module, device = net.module_.eval(), net.device
    tensors = TorchTables(tables, device)
    generator = torch.Generator(device).manual_seed(net.seed)
    marginal = choose_marginal(tensors.outcomes, _N_NEGATIVES_OF_MEASURES, generator)
    columns = torch.as_tensor(windows, device=device).split(net.batch_size)
    given = [None] * len(columns)
    if z is not None:
        given = torch.as_tensor(z, dtype=torch.float32, device=device)
        given = given.split(net.batch_size)
    parts = []
    with torch.inference_mode():
        for rows, candidates in zip(columns, given):
            batch = tensors.cut(rows)
            parts.append(_measure(module, batch, candidates, marginal, generator))
    return [torch.cat(part).cpu().numpy().astype(np.float64) for part in zip(*parts)]


def _measure(module, batch, z, marginal, generator):
    code, prior = module(batch), module.prior(batch.start)
    if z is None:
        z, _ = module.latents.candidates(code, generator)
    told, without = module.told(batch, z, marginal)
    densities = [module.latents.log_density(law, z) for law in (code, prior)]
    told = (told - without.unsqueeze(1)).expand(densities[0].shape)
    return *densities, module.misfit(batch, z), told


def run_encoder(net, tables, windows):
    """Encode windows, in the precision of the tables.

    Parameters
    ----------
    net : DocNet
        The net.

    tables : LogTables
        The log.

    windows : ndarray of shape (n_windows, n_steps)
        Its windows.

    Returns
    -------
    law : ndarray of shape (n_windows, n_code)
        Probabilities of the latents, or means and log-variances.
    """
    dtype = torch.float64 if tables.context.dtype == np.float64 else torch.float32
    tensors = TorchTables(tables, net.device, dtype)

    def forward(module, rows):
        batch = tensors.cut(rows.long())
        return module.latents.law(module(batch))

    # Whole numbers stay as they are, and then the module computes in single precision.
    rows = windows.astype(np.float64) if dtype == torch.float64 else windows
    return forward_in_batches(net, rows, forward)


def run_on_contexts(net, method, contexts, z=None):
    """Apply a method of the module to contexts, and candidates if it takes any.

    Parameters
    ----------
    net : DocNet
        The net.

    method : {"prior_law", "values", "actions"}
        The method.

    contexts : ndarray of shape (n_samples, n_columns)
        Contexts.

    z : ndarray of shape (n_samples, n_candidates, latent_dim) or None, default=None
        Gaussian latents.

    Returns
    -------
    outputs : ndarray of shape (n_samples, ...)
        The results, in the precision of the contexts.
    """
    width, rows = contexts.shape[1], contexts
    if z is not None:
        flat = z.reshape(len(z), -1).astype(contexts.dtype)
        rows = np.column_stack([contexts, flat])

    def forward(module, rows):
        context = rows[:, :width]
        if method == "prior_law":
            return module.prior_law(context)
        draws = None if z is None else rows[:, width:].unflatten(1, z.shape[1:])
        return getattr(module, method)(context, draws)

    return forward_in_batches(net, rows, forward)
