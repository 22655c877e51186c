# SPDX-License-Identifier: BSD-3-Clause
"""Columns brought to a common scale before a network sees them, and back after it."""

from dataclasses import dataclass

import numpy as np

from ._merged_rows import weighted_moments

_HIDDEN = 1e-5


@dataclass
class Scaling:
    """The map ``(values - centre) / width``; columns of width zero become zero.

    A column that never varied tells nothing, and so a network does not depend on it:
    a return-to-go that is always zero, for one.

    Parameters
    ----------
    centre, width : ndarray of shape (n_columns,)
        Where the columns lie, and how far they spread.
    """

    centre: np.ndarray
    width: np.ndarray

    def apply(self, values):
        """Bring values to the common scale, in their own precision."""
        factor = np.divide(
            1.0, self.width, out=np.zeros_like(self.width), where=self.width > 0
        )
        return ((values - self.centre) * factor).astype(values.dtype, copy=False)

    def undo(self, values):
        """Bring values back."""
        return (values * self.width + self.centre).astype(values.dtype, copy=False)


def standardise(table, weight, enabled=True):
    """Give columns mean zero and deviation one.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
        Numbers.

    weight : ndarray of shape (n_samples,)
        Weights.

    enabled : bool, default=True
        Whether to do so; if not, only columns that never vary are changed.

    Returns
    -------
    scaling : Scaling
        The map.
    """
    mean, deviation = weighted_moments(table, weight)
    if enabled:
        return Scaling(mean, deviation)
    varies = (deviation > 0).astype(np.float64)
    return Scaling(np.where(varies, 0.0, mean), varies)


def rounded_to_single(table):
    """Round columns to single precision, wherever their spread hides the difference.

    Networks compute in single precision. Rows that arrive in it and the same rows in
    double precision then train alike, whatever a long training makes of rounding.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
        Numbers.

    Returns
    -------
    rounded : ndarray of float64 of shape (n_samples, n_columns)
        The numbers; columns whose offset is too large for it are not rounded.
    """
    table = table.astype(np.float64)
    rounded = table.astype(np.float32).astype(np.float64)
    error = np.abs(rounded - table).max(axis=0)
    return np.where(error <= _HIDDEN * table.std(axis=0), rounded, table)


def to_unit_cube(table):
    """Map the range of each column onto [-1, 1].

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
        Numbers.

    Returns
    -------
    scaling : Scaling
        The map.
    """
    low, high = table.min(axis=0), table.max(axis=0)
    return Scaling((low + high) / 2, (high - low) / 2)
