# SPDX-License-Identifier: BSD-3-Clause
r"""The exact temperature: a convex problem in one variable for each anchor.

For a row :math:`h` of differences of similarities, :math:`\tau \log \overline{e^{h/\tau}} +
\tau\rho` is convex in :math:`\tau`; its derivative is :math:`\rho` minus the divergence of
the weights :math:`p \propto e^{h/\tau}` from uniform ones. That divergence falls as the
temperature rises, so that the minimum is where it crosses :math:`\rho`.
"""

from dataclasses import dataclass

import numpy as np

_MOST_ITERATIONS = 200
_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Tilted:
    """Weights proportional to ``exp(h / tau)``, in their sums over a row.

    Parameters
    ----------
    log_mean : ndarray of shape (n_rows,)
        Logarithm of the mean of the exponentials.

    mean : ndarray of shape (n_rows,)
        Weighted mean of `h`.

    variance : ndarray of shape (n_rows,)
        Weighted variance of `h`.

    radius : ndarray of shape (n_rows,)
        Kullback-Leibler divergence of the weights from uniform ones.
    """

    log_mean: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    radius: np.ndarray


def tilt(H, temperatures, excluded=()):
    """Weigh the entries of each row by its temperature.

    Parameters
    ----------
    H : ndarray of shape (n_rows, n_negatives)
        Similarities, or their differences to the positive's.

    temperatures : ndarray of shape (n_rows,)
        The temperatures.

    excluded : sequence of tuple of ndarray, default=()
        Pairs of rows and columns: entries that are no negatives. Not the same entry
        twice.

    Returns
    -------
    tilted : Tilted
        Sums over rows.
    """
    n_negatives = np.full(len(H), H.shape[1])
    largest = _largest(H, excluded)
    weights = (H - largest[:, None]) / temperatures[:, None]
    for rows, columns in excluded:
        weights[rows, columns] = -np.inf
        np.subtract.at(n_negatives, rows, 1)
    np.exp(weights, out=weights)
    total = weights.sum(axis=1)
    mean = np.einsum("ij,ij->i", weights, H) / total
    variance = np.einsum("ij,ij,ij->i", weights, H, H) / total - mean**2
    log_mean = largest / temperatures + np.log(total / n_negatives)
    radius = (mean - largest) / temperatures - np.log(total / n_negatives)
    return Tilted(log_mean, mean, np.maximum(variance, 0), np.maximum(radius, 0))


def _largest(H, excluded):
    if not excluded:
        return H.max(axis=1)
    allowed = np.ones(H.shape, dtype=bool)
    for rows, columns in excluded:
        allowed[rows, columns] = False
    return H.max(axis=1, where=allowed, initial=-np.inf)


def robust_objective(H, temperatures, rho, excluded=()):
    r"""Evaluate :math:`\tau \log \overline{e^{h/\tau}} + \tau\rho` for each row.

    Parameters
    ----------
    H : ndarray of shape (n_rows, n_negatives)
        Differences of similarities.

    temperatures : ndarray of shape (n_rows,)
        The temperatures.

    rho : float
        The radius.

    excluded : sequence of tuple of ndarray, default=()
        As in :func:`tilt`.

    Returns
    -------
    objective : ndarray of shape (n_rows,)
        The values.
    """
    return temperatures * (tilt(H, temperatures, excluded).log_mean + rho)


def minimise_temperatures(H, rho, lowest, highest, excluded=()):
    """Find the temperature at which each row's objective is least.

    Newton's method on logarithms, kept within brackets.

    Parameters
    ----------
    H : ndarray of shape (n_rows, n_negatives)
        Similarities, or their differences to the positive's: a constant added to a row
        changes nothing.

    rho : float
        The radius.

    lowest, highest : float
        The bounds of the temperature.

    excluded : sequence of tuple of ndarray, default=()
        As in :func:`tilt`.

    Returns
    -------
    temperatures : ndarray of shape (n_rows,)
        The minimisers within the bounds.
    """
    H = np.asarray(H, dtype=np.float64)
    low, high = _brackets(H, rho, lowest, highest, excluded)
    position = (low + high) / 2
    for _ in range(_MOST_ITERATIONS):
        tilted = tilt(H, np.exp(position), excluded)
        excess = tilted.radius - rho
        low = np.where(excess > 0, position, low)
        high = np.where(excess > 0, high, position)
        if np.all((high - low < _TOLERANCE) | (np.abs(excess) < _TOLERANCE)):
            break
        position = _next_position(position, rho, tilted, low, high)
    return np.clip(np.exp(position), lowest, highest)


def _brackets(H, rho, lowest, highest, excluded):
    """Bound the logarithm of each temperature, by one point where a bound is best."""
    low, high = (np.full(len(H), np.log(bound)) for bound in (lowest, highest))
    ends = [tilt(H, np.full(len(H), bound), excluded) for bound in (lowest, highest)]
    down, up = ends[0].radius <= rho, ends[1].radius >= rho
    # Where both hold the row is constant, or the bounds are equal.
    return np.where(up & ~down, high, low), np.where(down, low, high)


def _next_position(position, rho, tilted, low, high):
    """Take Newton's step where it stays inside the bracket, else halve it.

    The logarithm of the divergence is nearly linear in that of the temperature, with
    slope -2 where temperatures are high.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = tilted.variance * np.exp(-2 * position) / tilted.radius
        newton = position + np.log(tilted.radius / rho) / slope
    return np.where((newton > low) & (newton < high), newton, (low + high) / 2)
