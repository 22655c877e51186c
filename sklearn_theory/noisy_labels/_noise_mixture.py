# SPDX-License-Identifier: BSD-3-Clause
"""Wrong labels and their rate, from the rows' evidence for all classes.

A row's true class draws the row from the class's robust Gaussian, and its label from a
noise model: right with probability ``1 - e``, else another class in proportion to its
size. The rate `e` is the one under which the observed labels are most probable given
the rows, and zero unless the evidence for noise is as strong as for a parameter.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from ._robust_gaussians import (
    PooledScatter,
    ShrunkScatter,
    core_responsibilities,
    fit_gaussians,
    row_blocks,
    student_scores,
)

TEMPERATURES = np.array([1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.125])
NO_NOISE = 1e-4
RATES = np.array([NO_NOISE, 0.01, 0.02, 0.03, 0.05, *np.arange(75, 476, 25) / 1000])
# Where a temperature is twice another one, the place of that one.
_SQUARES = (2, 3, 4, None, 6, None, None)
_FIRST_RATE = 0.2
_LARGEST_RATE = 0.49
_WARM_UP = 5
_MAX_PASSES = 40
_TOL = 1e-4
_LEAST_KEPT = 3
_LARGEST_SHRUNK_COST = 1e10


class NoiseModel(NamedTuple):
    """What the mixture says about labels.

    ``label_posterior`` holds the probability of each row's observed label, ``posterior``
    those of all classes, ``rate`` the noise rate, ``likelihood`` the logarithm of the
    probability of the observed labels given the rows.
    """

    label_posterior: np.ndarray
    posterior: np.ndarray
    rate: float
    likelihood: float


def fit_noise_model(Z, codes, n_classes):
    """Fit the mixture with both kinds of covariances, and keep the more probable one.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows.

    codes : ndarray of shape (n_samples,)
        Observed classes, as numbers; each occurs.

    n_classes : int
        Number of classes.

    Returns
    -------
    model : NoiseModel
        The posteriors and the rate.
    """
    if n_classes == 1:
        ones = np.ones(len(Z))
        return NoiseModel(ones, ones[:, np.newaxis], 0.0, 0.0)
    Z = np.asarray(Z, dtype=float)
    Z = Z - Z.mean(axis=0)
    kinds = [PooledScatter(), ShrunkScatter()]
    if len(Z) * n_classes * Z.shape[1] ** 2 > _LARGEST_SHRUNK_COST:
        kinds = kinds[:1]
    models = [fit_mixture(Z, codes, n_classes, scatters) for scatters in kinds]
    return max(models, key=lambda model: model.likelihood)


def fit_mixture(Z, codes, n_classes, scatters):
    """Alternate between Gaussians, noise rate and responsibilities.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Centred rows.

    codes : ndarray of shape (n_samples,)
        Observed classes, as numbers.

    n_classes : int
        Number of classes, at least two.

    scatters : PooledScatter or ShrunkScatter
        How covariances are formed.

    Returns
    -------
    model : NoiseModel
        The posteriors and the rate.
    """
    responsibilities = core_responsibilities(Z, codes, n_classes)
    weights = np.ones_like(responsibilities)
    priors = np.bincount(codes, minlength=n_classes) / len(codes)
    temperature, rate, gaussians = 1.0, _FIRST_RATE, None
    own = np.full(len(Z), np.inf)
    for n_passes in range(_MAX_PASSES):
        gaussians = fit_gaussians(Z, responsibilities, weights, scatters, gaussians)
        scores, weights = student_scores(Z, responsibilities, gaussians, scatters)
        if n_passes > 0:
            priors = np.maximum(gaussians.sizes, 1)
            priors = priors / priors.sum()
        if n_passes >= _WARM_UP:
            temperature, rate, likelihood = choose_noise(scores, codes, priors)
        responsibilities = posteriors(scores, codes, priors, temperature, rate)
        before, own = own, responsibilities[np.arange(len(Z)), codes]
        if n_passes < _WARM_UP:
            rate = np.clip(1 - own.mean(), NO_NOISE, _LARGEST_RATE)
        elif np.abs(own - before).max() < _TOL:
            break
    reported = 0.0 if rate == NO_NOISE else float(rate)
    return NoiseModel(own, responsibilities, reported, likelihood)


def choose_noise(scores, codes, priors):
    """Choose temperature and rate under which the observed labels are most probable.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
        Logarithms of the densities of rows in the classes.

    codes : ndarray of shape (n_samples,)
        Observed classes, as numbers.

    priors : ndarray of shape (n_classes,)
        Shares of the classes.

    Returns
    -------
    temperature : float
        What scores are multiplied by; below one where they are too sure.

    rate : float
        The noise rate; ``NO_NOISE`` unless a larger one gains half the logarithm of the
        number of rows.

    likelihood : float
        The logarithm of the probability of the observed labels.
    """
    table = label_likelihoods(scores, codes, priors)
    best = np.unravel_index(table.argmax(), table.shape)
    if table[best] - table[:, 0].max() < 0.5 * np.log(len(codes)):
        best = table[:, 0].argmax(), 0
    return TEMPERATURES[best[0]], RATES[best[1]], float(table[best])


def label_likelihoods(scores, codes, priors):
    """Compute log-probabilities of the labels given the rows, over the whole grid.

    Returns
    -------
    table : ndarray of shape (n_temperatures, n_rates)
        One value for each temperature and rate.
    """
    table = np.zeros((len(TEMPERATURES), len(RATES)))
    weights = np.column_stack([priors, priors / (1 - priors)])
    for rows in row_blocks(*scores.shape):
        block = scores[rows]
        gaps = block - block.max(axis=1, keepdims=True)
        powers = {}
        for t in range(len(TEMPERATURES))[::-1]:
            powers[t] = _exponentials(gaps, t, powers)
            right, wrong = _label_evidence(powers[t], codes[rows], priors, weights)
            mixed = np.outer(1 - RATES, right) + np.outer(RATES, wrong)
            table[t] += np.log(mixed).sum(axis=1)
    return table


def _exponentials(gaps, t, powers):
    """Raise e to the gaps times a temperature, by squaring where that is known."""
    if _SQUARES[t] is None:
        return np.exp(TEMPERATURES[t] * gaps)
    return powers[_SQUARES[t]] ** 2


def _label_evidence(powers, codes, priors, weights):
    """Compute how probable labels are if right, and if one of the others is wrong."""
    total, others = (powers @ weights).T
    own = powers[np.arange(len(codes)), codes] * priors[codes]
    others = np.maximum(others - own / (1 - priors[codes]), 0)
    return own / total, priors[codes] * others / total


def posteriors(scores, codes, priors, temperature, rate):
    """Compute the probability of each class given a row and its label.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
        Logarithms of the densities of rows in the classes.

    codes : ndarray of shape (n_samples,)
        Observed classes, as numbers.

    priors : ndarray of shape (n_classes,)
        Shares of the classes.

    temperature : float
        What scores are multiplied by.

    rate : float
        Noise rate.

    Returns
    -------
    posterior : ndarray of shape (n_samples, n_classes)
        The probabilities.
    """
    posterior = np.empty_like(scores)
    right = np.log(priors) + np.log(1 - rate)
    wrong = np.log(priors) + np.log(rate / (1 - priors))
    for rows in row_blocks(*scores.shape):
        labels = codes[rows]
        places = np.arange(len(labels)), labels
        block = temperature * scores[rows]
        own = block[places] + right[labels]
        block += wrong
        block += np.log(priors[labels])[:, np.newaxis]
        block[places] = own
        posterior[rows] = softmax(block, axis=1)
    return posterior


def flag_labels(label_posterior, codes):
    """Distrust labels with a posterior of a half or less.

    Parameters
    ----------
    label_posterior : ndarray of shape (n_samples,)
        Probabilities of the observed labels.

    codes : ndarray of shape (n_samples,)
        Observed classes, as numbers.

    Returns
    -------
    inlier_mask : ndarray of bool of shape (n_samples,)
        False for distrusted labels; the three most probable ones of each class stay.
    """
    inlier_mask = label_posterior > 0.5
    for k in np.unique(codes):
        members = np.flatnonzero(codes == k)
        surest = np.argsort(-label_posterior[members], kind="stable")[:_LEAST_KEPT]
        inlier_mask[members[surest]] = True
    return inlier_mask
