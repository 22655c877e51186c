# SPDX-License-Identifier: BSD-3-Clause
"""The temperature of the probabilities: applied, and fitted."""

import numpy as np
from scipy import sparse

# Candidates of the line search; a fixed grid keeps the choice stable under rounding.
LOG_TEMPERATURES = np.linspace(-3.0, 3.0, 61)

_TINY = 1e-300


def sharpen(P, temperature):
    """Apply a temperature: p is replaced by softmax(log p / T), row by row.

    Parameters
    ----------
    P : {ndarray, csr_array} of shape (n_samples, n_observed)
        Probabilities, or scores that are proportional to them.

    temperature : float
        T; below one it sharpens, above one it flattens, at one nothing is changed.

    Returns
    -------
    P : {ndarray, csr_array} of shape (n_samples, n_observed)
        The new probabilities. Zeros stay zero.
    """
    if temperature == 1.0:
        return P
    if sparse.issparse(P):
        P = P.copy()
        largest = np.repeat(P.max(axis=1).toarray().ravel(), np.diff(P.indptr))
        P.data = (P.data / largest) ** (1.0 / temperature)
        total = np.asarray(P.sum(axis=1)).ravel()
        P.data /= np.repeat(total, np.diff(P.indptr))
        return P
    powers = (P / P.max(axis=1, keepdims=True)) ** (1.0 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def log_loss_of(P, columns, sample_weight):
    """Mean negative log-likelihood of the true columns.

    Parameters
    ----------
    P : ndarray of shape (n_samples, n_observed)
        Probabilities.

    columns : ndarray of shape (n_samples,)
        The column of each row's class.

    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows.

    Returns
    -------
    loss : float
        The mean.
    """
    likelihood = np.maximum(P[np.arange(len(P)), columns], _TINY)
    return np.average(-np.log(likelihood), weights=sample_weight)


def best_temperature(P, loss):
    """Search the grid for the temperature of the lowest loss.

    Parameters
    ----------
    P : ndarray of shape (n_samples, n_observed)
        Out-of-fold probabilities.

    loss : callable
        ``loss(P)`` of sharpened probabilities.

    Returns
    -------
    temperature : float
        The temperature; among equal losses the one nearest to 1.
    """
    order = np.argsort(np.abs(LOG_TEMPERATURES), kind="stable")
    losses = [loss(sharpen(P, np.exp(t))) for t in LOG_TEMPERATURES[order]]
    return float(np.exp(LOG_TEMPERATURES[order][np.argmin(losses)]))
