# SPDX-License-Identifier: BSD-3-Clause
"""Wrong labels and their rate, from the rows' evidence for all classes.

A row's true class draws the row from the class's robust Gaussian, and its label from a
noise model: right with probability ``1 - e``, else another class in proportion to its
size. The rate `e` is the one under which the observed labels are most probable given
the rows. It is zero unless the evidence for noise is as strong as for a parameter, both
within the mixture and against classifiers that know no noise.
"""

from typing import NamedTuple

import numpy as np

from ._noise_free_rival import is_believed
from ._noise_rate import NO_NOISE, RATES, choose_noise
from ._robust_gaussians import (
    PooledScatter,
    ShrunkScatter,
    core_responsibilities,
    fit_gaussians,
    row_blocks,
    student_scores,
)

_FIRST_RATE = 0.2
_LARGEST_RATE = 0.49
_WARM_UP = 5
_MAX_PASSES = 40
_TOL = 1e-4
_LEAST_KEPT = 3
# Rows times classes times squared features, which take one core about ten seconds.
_LARGEST_SHRUNK_COST = 1.5e9


class NoiseModel(NamedTuple):
    """What the mixture says about labels.

    ``label_posterior`` holds the probability of each row's observed label, ``posterior``
    those of all classes, ``rate`` the noise rate, ``likelihoods`` the logarithm of the
    probability of each observed label given the row.
    """

    label_posterior: np.ndarray
    posterior: np.ndarray
    rate: float
    likelihoods: np.ndarray


def fit_noise_model(Z, codes, n_classes):
    """Fit the mixture, without noise if noise is not what explains the labels best.

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
        return NoiseModel(ones, ones[:, np.newaxis], 0.0, 0 * ones)
    Z = np.asarray(Z, dtype=float)
    Z = Z - Z.mean(axis=0)
    model = likelier_mixture(Z, codes, n_classes, RATES)
    if model.rate == 0 or is_believed(Z, codes, model.likelihoods):
        return model
    return likelier_mixture(Z, codes, n_classes, RATES[:1])


def likelier_mixture(Z, codes, n_classes, rates):
    """Fit the mixture with both kinds of covariances, and keep the more probable one.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Centred rows.

    codes : ndarray of shape (n_samples,)
        Observed classes, as numbers.

    n_classes : int
        Number of classes, at least two.

    rates : ndarray of float
        The noise rates to choose from, in ascending order; the first means none.

    Returns
    -------
    model : NoiseModel
        The posteriors and the rate.
    """
    kinds = [PooledScatter(), ShrunkScatter()]
    if len(Z) * n_classes * Z.shape[1] ** 2 > _LARGEST_SHRUNK_COST:
        kinds = kinds[:1]
    models = [fit_mixture(Z, codes, n_classes, scatters, rates) for scatters in kinds]
    return max(models, key=lambda model: model.likelihoods.sum())


def fit_mixture(Z, codes, n_classes, scatters, rates=RATES):
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

    rates : ndarray of float, default=RATES
        The noise rates to choose from, in ascending order; the first means none.

    Returns
    -------
    model : NoiseModel
        The posteriors and the rate.
    """
    responsibilities = core_responsibilities(Z, codes, n_classes)
    spare, weights = np.empty_like(responsibilities), np.ones_like(responsibilities)
    priors = np.bincount(codes, minlength=n_classes) / len(codes)
    temperature, rate, gaussians = 1.0, _FIRST_RATE, None
    own = np.full(len(Z), np.inf)
    for n_passes in range(_MAX_PASSES):
        gaussians = fit_gaussians(Z, responsibilities, weights, scatters, gaussians)
        scores, weights = student_scores(
            Z, responsibilities, gaussians, scatters, out=(spare, weights)
        )
        if n_passes > 0:
            priors = np.maximum(gaussians.sizes, 1)
            priors = priors / priors.sum()
        if n_passes >= _WARM_UP:
            temperature, rate, likelihoods = choose_noise(scores, codes, priors, rates)
        spare = responsibilities
        responsibilities = posteriors(
            scores, codes, priors, temperature, rate, out=scores
        )
        before, own = own, responsibilities[np.arange(len(Z)), codes]
        if n_passes < _WARM_UP:
            rate = np.clip(1 - own.mean(), NO_NOISE, _LARGEST_RATE)
        elif np.abs(own - before).max() < _TOL:
            break
    reported = 0.0 if rate == NO_NOISE else float(rate)
    return NoiseModel(own, responsibilities, reported, likelihoods)


def posteriors(scores, codes, priors, temperature, rate, out=None):
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

    out : ndarray of shape (n_samples, n_classes) or None, default=None
        Receives the result; may be `scores`.

    Returns
    -------
    posterior : ndarray of shape (n_samples, n_classes)
        The probabilities.
    """
    posterior = np.empty_like(scores) if out is None else out
    right = np.log(priors) + np.log(1 - rate)
    wrong = np.log(priors) + np.log(rate / (1 - priors))
    for rows in row_blocks(*scores.shape):
        labels, block = codes[rows], posterior[rows]
        places = np.arange(len(labels)), labels
        np.multiply(scores[rows], temperature, out=block)
        own = block[places] + right[labels] - np.log(priors[labels])
        block += wrong
        block[places] = own
        block -= block.max(axis=1, keepdims=True)
        np.exp(block, out=block)
        block /= block.sum(axis=1, keepdims=True)
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
