# SPDX-License-Identifier: BSD-3-Clause
"""What a tail class borrows: from which head classes, with which weights, how much."""

import numpy as np

from ._calibration_theory import (
    best_beta,
    borrowed_error,
    estimated_offset,
    own_error,
)


def nearest_heads(moments, k, heads, q, weights):
    """Choose the head classes that a tail class borrows from, and weigh them.

    Parameters
    ----------
    moments : Moments
        Estimates of all classes.

    k : int
        The tail class.

    heads : ndarray of int
        The head classes.

    q : int
        Number of lenders.

    weights : {"inverse", "count", "uniform"}
        How they count.

    Returns
    -------
    lenders : ndarray of int
        The head classes, nearest first.

    weights : ndarray of shape (n_lenders,)
        Their weights, which sum to one.
    """
    distances = np.linalg.norm(moments.means[heads] - moments.means[k], axis=1)
    nearest = np.argsort(distances, kind="stable")[:q]
    lenders = heads[nearest]
    raw = WEIGHTS[weights](moments.counts[lenders].astype(float), distances[nearest])
    return lenders, raw / raw.sum()


def _by_size_over_distance(counts, distances):
    if distances[0] == 0:  # Lenders at the very place count alone.
        return counts * (distances == 0)
    return counts / distances


def _by_size(counts, distances):
    return counts


def _equally(counts, distances):
    return np.ones(len(counts))


WEIGHTS = {
    "inverse": _by_size_over_distance,
    "count": _by_size,
    "uniform": _equally,
}


def resolve_beta(beta, moments, k, lenders, weights):
    """Return the part to borrow, estimated for the class if it is "auto".

    Parameters
    ----------
    beta : float or {"auto"}
        The parameter.

    moments : Moments
        Estimates of all classes.

    k : int
        The class that borrows.

    lenders : ndarray of int
        The classes that it borrows from.

    weights : ndarray of shape (n_lenders,)
        Their weights.

    Returns
    -------
    beta : float
        The part.
    """
    if not isinstance(beta, str):
        return float(beta)
    return best_beta(*mean_errors(moments, k, lenders, weights))


def mean_errors(moments, k, lenders, weights):
    """Estimate the squared errors of the own and of the borrowed mean of a class.

    Parameters
    ----------
    moments : Moments
        Estimates of all classes.

    k : int
        The class.

    lenders : ndarray of int
        The classes that it borrows from.

    weights : ndarray of shape (n_lenders,)
        Their weights.

    Returns
    -------
    own : float
        The squared error `V` of the mean of its own rows.

    borrowed : float
        The squared error `B` of the weighted mean of the lenders.
    """
    trace, counts = float(np.trace(moments.pooled)), moments.counts[lenders]
    gap = weights @ moments.means[lenders] - moments.means[k]
    offset = estimated_offset(
        trace, weights, counts, moments.counts[k], float(gap @ gap)
    )
    own = own_error(trace, moments.counts[k])
    return own, borrowed_error(trace, weights, counts, offset)


def blend(statistics, k, lenders, weights, beta):
    """Replace the part `beta` of a statistic by the weighted mean of others'.

    Parameters
    ----------
    statistics : ndarray of shape (n_classes, ...)
        One statistic for each class.

    k : int
        The class.

    lenders : ndarray of int
        The classes to borrow from.

    weights : ndarray of shape (n_lenders,)
        Their weights.

    beta : float
        The part.

    Returns
    -------
    blended : ndarray
        The statistic of the class after borrowing.
    """
    borrowed = np.tensordot(weights, statistics[lenders], axes=1)
    return (1 - beta) * statistics[k] + beta * borrowed


def unit_ridge(covariance, ridge):
    """Return the ridge of strength one: the mean variance on its matrix."""
    n_features = len(covariance)
    return RIDGES[ridge](n_features) * np.trace(covariance) / n_features


def _ones(n_features):
    return np.ones((n_features, n_features))


RIDGES = {"identity": np.eye, "ones": _ones}
