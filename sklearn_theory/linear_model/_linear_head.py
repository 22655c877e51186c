# SPDX-License-Identifier: BSD-3-Clause
"""A linear head: one row of coefficients a class, and softmax on top."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from scipy.special import log_softmax
from sklearn.utils import gen_batches

from ._naive_bayes_statistics import shared_variance

_BATCH_ENTRIES = 2**17


class LinearHead(NamedTuple):
    """Scores ``x @ coef.T + intercept``, whose softmax is the posterior.

    Attributes
    ----------
    coef : ndarray of shape (n_classes, n_features) or (1, n_features)
        A single row, for two classes, holds the log-odds of the second class.

    intercept : ndarray of shape (n_classes,) or (1,)
        What is added to the scores.
    """

    coef: np.ndarray
    intercept: np.ndarray


def naive_bayes_head(statistics, smoothing, priors=None):
    """Write naive Bayes with shared variances as a linear head.

    The quadratic terms cancel between classes. The mean over the classes is taken out
    of the coefficients, which changes no posterior and keeps far-away data accurate.
    A class without rows has probability zero.
    """
    counts, means, _ = statistics
    shares = class_shares(counts, priors)
    centre = class_centre(statistics, priors)
    deviation = np.where(counts[:, np.newaxis] > 0, means - centre, 0)
    coef = deviation / shared_variance(statistics, smoothing)
    with np.errstate(divide="ignore"):
        log_prior = np.log(shares)
    quadratic = np.einsum("kj,kj->k", deviation, coef)
    return LinearHead(coef, log_prior - quadratic / 2 - coef @ centre)


def class_centre(statistics, priors=None):
    """Average the class means by the class probabilities."""
    counts, means, _ = statistics
    shares = class_shares(counts, priors)
    return shares @ means / shares.sum()


def class_shares(counts, priors=None):
    """Take the class probabilities from the priors or the counts; zero where unseen."""
    shares = counts / counts.sum() if priors is None else np.asarray(priors, float)
    return np.where(counts > 0, shares, 0.0)


def as_log_odds(head):
    """Write a head of two classes as one row of log-odds; leave others as they are."""
    if len(head.coef) != 2:
        return head
    return LinearHead(*(np.diff(part, axis=0) for part in head))


def affine_head(head, offset, scale):
    """Turn a head on ``(x - offset) * scale`` into the same head on `x`."""
    coef = head.coef * scale
    return LinearHead(coef, head.intercept - coef @ offset)


def scores(X, head):
    """Compute the scores in the precision of `X`."""
    raw = X @ head.coef.T.astype(X.dtype, copy=False)
    raw += head.intercept.astype(X.dtype, copy=False)
    return raw


def decide(raw):
    """Turn scores into numbers of classes."""
    return raw.argmax(axis=1) if raw.shape[1] > 1 else (raw[:, 0] > 0).astype(int)


def log_posterior(X, head):
    """Compute log-probabilities of all classes, two for a head of log-odds."""
    raw = scores(X, head).astype(float, copy=False)
    if raw.shape[1] == 1:
        raw = np.hstack([np.zeros_like(raw), raw])
    return log_softmax(raw, axis=1)


def row_log_density(X, centre, variance):
    """Compute the log-density of independent Gaussians about a common centre."""
    constant = np.sum(np.log(2 * np.pi * variance)) / 2
    distances = _sparse_distances if issparse(X) else _dense_distances
    return -distances(X, centre, 1 / variance) / 2 - constant


def _dense_distances(X, centre, precision):
    distances = np.empty(len(X))
    for rows in gen_batches(len(X), max(1, _BATCH_ENTRIES // max(1, X.shape[1]))):
        difference = X[rows] - centre
        difference *= difference
        distances[rows] = difference @ precision
    return distances


def _sparse_distances(X, centre, precision):
    constant = np.sum(centre**2 * precision)
    return X.power(2) @ precision - 2 * (X @ (centre * precision)) + constant
