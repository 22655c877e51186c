# SPDX-License-Identifier: BSD-3-Clause
"""The theory of latents without luck, for latents that networks found.

What the energies say stands first. The rest is counted on the log, as for latents in
tables; what is continuous is counted in bins, and Gaussian latents in cells, which tell
at most what the latents themselves tell.
"""

from dataclasses import replace

import numpy as np
from sklearn.cluster import KMeans

from . import _doc_report

_MOST_DISTINCT = 30
_N_BINS = 4
_N_CELLS = 8


def report_doc(model, log):
    """Report on a DichotomyOfControl.

    Parameters
    ----------
    model : DichotomyOfControl
        The fitted estimator.

    log : TrajectoryDataset
        The log.

    Returns
    -------
    report : TheoryReport
        The report.
    """
    report = _doc_report.make_report(
        "DichotomyOfControl: promises without luck",
        replace(log, actions=_few_actions(log.actions)),
        _as_probabilities(model._encode(log, log.first_rows), model.latent),
        model.expected_return_,
        history="markov" if model.context_len == 1 else "full",
        min_prior=model.min_prior,
        n_bins=_bins(log.observations),
    )
    tables = model._coder.tables(log)
    information = model._chosen_information(log, tables)
    report.add_assumption(
        "information of the chosen latents by the energies",
        measured=information,
        relation="<=",
        bound=_doc_report.TRUSTED_INFORMATION,
        estimate=True,
        reference=f"{_doc_report.PAPER}, energy form of the constraints",
        meaning=(
            "In nats, over the episodes' first windows: how much better outcomes are "
            "told from others with the latent than without. Networks that are too small "
            "or too briefly trained find less than there is."
        ),
    )
    bound = float(np.ptp(log.returns())) * np.sqrt(information / 2)
    report.add_promise(
        "promise, give or take what may be luck",
        measured=f"{model.expected_return_:.4g} +- {bound:.2g}",
        estimate=True,
        reference="Pinsker's inequality and the chain rule",
        meaning=(
            "The mean promise of the chosen latents, and the range of the log's returns "
            "times the root of half of the information that the energies find."
        ),
    )
    return report


def _bins(observations):
    """Cut into bins what has too many values to be counted."""
    distinct = max(len(np.unique(column)) for column in observations.T)
    return None if distinct <= _MOST_DISTINCT else _N_BINS


def _few_actions(actions):
    """Number cells of actions that are numbers with many values."""
    table = actions.reshape(len(actions), -1)
    if table.dtype.kind not in "fc":
        return actions
    inner = np.linspace(0, 1, _N_BINS + 1)[1:-1]
    codes = [np.searchsorted(np.quantile(c, inner), c) for c in table.T]
    return np.unique(np.transpose(codes), axis=0, return_inverse=True)[1].reshape(-1)


def _as_probabilities(latents, kind):
    """Put vectors into cells."""
    if kind == "categorical":
        latents = latents.astype(np.float64)
        return latents / latents.sum(axis=1, keepdims=True)
    n_cells = min(_N_CELLS, len(np.unique(latents, axis=0)))
    cells = KMeans(n_cells, n_init=1, random_state=0).fit_predict(latents)
    return np.eye(n_cells)[cells]
