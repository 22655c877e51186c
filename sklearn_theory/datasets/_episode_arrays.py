# SPDX-License-Identifier: BSD-3-Clause
"""The columns of a log of decisions: what they may hold, and codes of their episodes."""

import numpy as np

_WIDEST_TABLE = 4  # ranges of integer ids up to this many times the rows are tabulated


def code_episodes(groups):
    """Number the episodes.

    Parameters
    ----------
    groups : ndarray of shape (n_steps,)
        The episode of each row.

    Returns
    -------
    ids : ndarray of shape (n_episodes,)
        The distinct episodes, sorted.

    codes : ndarray of shape (n_steps,)
        The position of each row's episode in `ids`.
    """
    if groups.dtype.kind in "iu" and len(groups):
        lowest, highest = groups.min(), groups.max()
        if int(highest) - int(lowest) < _WIDEST_TABLE * len(groups):
            return _tabulate(groups - lowest, lowest)
    ids, codes = np.unique(groups, return_inverse=True)
    return ids, codes.reshape(-1)


def _tabulate(offsets, lowest):
    """Number integers by a table of those that occur, without a sort."""
    occurs = np.zeros(int(offsets.max()) + 1, dtype=bool)
    occurs[offsets] = True
    code_of = np.cumsum(occurs) - 1
    return np.flatnonzero(occurs) + lowest, code_of[offsets]


def check_observations(name, values, n_steps=None):
    """Check rows of numbers; the axes of one observation are laid out in a row."""
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must be numbers, got dtype {values.dtype}. Encode other "
            "observations as columns of numbers first."
        )
    if values.ndim == 0:
        raise ValueError(f"{name} must hold one observation a row, got a scalar.")
    if n_steps is not None and len(values) != n_steps:
        raise ValueError(f"{name} has {len(values)} rows, but X has {n_steps}.")
    values = values.reshape(len(values), -1) if values.size else values
    check_finite(name, values)
    return values


def check_column(name, values, n_steps, dtype=None):
    """Check a column that has one value a row."""
    values = np.asarray(values, dtype=dtype)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"{name} must be one column, got shape {values.shape}.")
    if len(values) != n_steps:
        raise ValueError(f"{name} has {len(values)} values, but X has {n_steps} rows.")
    check_finite(name, values)
    return values


def check_actions(values, n_steps):
    """Check actions: labels, numbers, or rows of numbers."""
    values = np.asarray(values)
    if values.ndim not in (1, 2):
        raise ValueError(
            "actions must have one value a row, or one row of numbers a row; got "
            f"shape {values.shape}."
        )
    if len(values) != n_steps:
        raise ValueError(f"actions has {len(values)} rows, but X has {n_steps}.")
    check_finite("actions", values)
    return values


def check_finite(name, values):
    """Refuse NaN and infinity, and say where they are."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise ValueError(f"{name} holds NaN or infinity, first in row {row}.")


def check_ends(name, flags, successor):
    """Refuse an end of an episode after which the episode goes on."""
    early = np.flatnonzero(flags & (successor >= 0))
    if len(early):
        raise ValueError(
            f"{name} is True in row {early[0]}, but row {successor[early[0]]} belongs "
            "to the same episode. Give the later rows another episode id in groups."
        )
