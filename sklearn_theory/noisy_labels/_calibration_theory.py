# SPDX-License-Identifier: BSD-3-Clause
"""What borrowing does to the mean of a rare class, and how wrong labels bias it.

The mean of a class with `n` rows has the squared error ``V = tr(S) / n``. Replaced in
part, ``beta``, by a weighted mean of others, the error is
``(1 - beta)**2 V + beta**2 B``, where `B` is the squared error of that mean.
"""

import numpy as np


def own_error(trace, count):
    """Return the squared error `V` of the mean of a class with `count` rows."""
    return trace / count


def borrowed_error(trace, weights, counts, offset):
    """Return the squared error `B` of a weighted mean of other classes.

    Parameters
    ----------
    trace : float
        Trace of the common covariance.

    weights : ndarray of shape (n_lenders,)
        Weights of the lenders, which sum to one.

    counts : ndarray of shape (n_lenders,)
        Their sizes.

    offset : float
        Squared distance of their true weighted mean from the true mean of the class.

    Returns
    -------
    error : float
        The squared error.
    """
    return trace * float(np.sum(weights**2 / counts)) + offset


def estimated_offset(trace, weights, counts, count, distance):
    """Estimate the squared distance of true means from that of estimated ones.

    Parameters
    ----------
    trace : float
        Trace of the common covariance.

    weights, counts : ndarray of shape (n_lenders,)
        Weights and sizes of the lenders.

    count : int
        Size of the class that borrows.

    distance : float
        Squared distance of the estimated means.

    Returns
    -------
    offset : float
        The distance less what sampling alone would make of it, at least 0.
    """
    sampling = borrowed_error(trace, weights, counts, 0.0) + own_error(trace, count)
    return max(distance - sampling, 0.0)


def best_beta(own, borrowed):
    """Return the part to borrow that minimises the error, ``V / (V + B)``."""
    return own / (own + borrowed) if own > 0 else 0.0


def blended_error(beta, own, borrowed):
    """Return the squared error if the part `beta` is borrowed."""
    return (1 - beta) ** 2 * own + beta**2 * borrowed


def pollution_shares(counts, rate):
    """Compute which part of each observed class is of other classes.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,)
        True sizes of the classes.

    rate : float
        Noise rate; labels are lost to other classes in proportion to their sizes.

    Returns
    -------
    shares : ndarray of shape (n_classes, n_classes)
        Row `k` holds the shares of all classes in observed class `k`.
    """
    counts = np.asarray(counts, dtype=float)
    received = np.outer(counts, counts) * rate / counts.sum()
    np.fill_diagonal(received, counts * (1 - rate * (1 - counts / counts.sum())))
    return received / received.sum(axis=1, keepdims=True)
