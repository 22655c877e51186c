# SPDX-License-Identifier: BSD-3-Clause
"""The noise rate under which the observed labels are most probable, given the rows.

A temperature is chosen along with it: scores of classes that are too sure of themselves
would make every label that they do not expect a wrong one.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ._robust_gaussians import row_blocks

TEMPERATURES = np.array([1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.125])
NO_NOISE = 1e-4
RATES = np.array([NO_NOISE, 0.01, 0.02, 0.03, 0.05, *np.arange(75, 476, 25) / 1000])
# Where a temperature is twice another one, the place of that one.
_SQUARES = (2, 3, 4, None, 6, None, None)


class NoiseChoice(NamedTuple):
    """A temperature, which scores are multiplied by, and a noise rate.

    ``likelihoods`` holds the logarithms of the probabilities of the observed labels.
    """

    temperature: float
    rate: float
    likelihoods: np.ndarray


def choose_noise(scores, codes, priors, rates=RATES):
    """Choose temperature and rate under which the observed labels are most probable.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
        Logarithms of the densities of rows in the classes.

    codes : ndarray of shape (n_samples,)
        Observed classes, as numbers.

    priors : ndarray of shape (n_classes,)
        Shares of the classes.

    rates : ndarray of float, default=RATES
        The noise rates to choose from, in ascending order; the first means none.

    Returns
    -------
    choice : NoiseChoice
        The first rate, unless another one gains half the logarithm of the number of
        rows; with the best temperature for it.
    """
    right, wrong = label_evidence(scores, codes, priors)
    clean = likeliest(right, wrong, rates[:1])
    noisy = likeliest(right, wrong, rates)
    needed = clean.likelihoods.sum() + 0.5 * np.log(len(codes))
    return noisy if noisy.likelihoods.sum() >= needed else clean


def likeliest(right, wrong, rates):
    """Choose from all temperatures and some rates.

    Parameters
    ----------
    right, wrong : ndarray of shape (n_temperatures, n_samples)
        How probable the labels are if right, and if wrong.

    rates : ndarray of float
        The rates, in ascending order.

    Returns
    -------
    choice : NoiseChoice
        The most probable ones.
    """
    choices = []
    for temperature, *parts in zip(TEMPERATURES, right, wrong):
        rate = best_rate(*parts, rates)
        choices.append(NoiseChoice(temperature, rate, log_mixture(*parts, rate)))
    return max(choices, key=lambda choice: choice.likelihoods.sum())


def label_evidence(scores, codes, priors):
    """Compute how probable labels are if right, and if one of the others is wrong.

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
    right, wrong : ndarray of shape (n_temperatures, n_samples)
        The probabilities, for each temperature.
    """
    right, wrong = np.empty((2, len(TEMPERATURES), len(codes)))
    weights = np.column_stack([priors, priors / (1 - priors)])
    for rows in row_blocks(*scores.shape):
        gaps = scores[rows] - scores[rows].max(axis=1, keepdims=True)
        places, shares = (np.arange(len(gaps)), codes[rows]), priors[codes[rows]]
        powers = {}
        for t in range(len(TEMPERATURES))[::-1]:
            powers[t] = _exponentials(gaps, t, powers)
            total, others = (powers[t] @ weights).T
            own = powers[t][places] * shares
            others = np.maximum(others - own / (1 - shares), 0)
            right[t, rows] = own / total
            wrong[t, rows] = shares * others / total
    return right, wrong


def _exponentials(gaps, t, powers):
    """Raise e to the gaps times a temperature, by squaring where that is known."""
    if _SQUARES[t] is None:
        return np.exp(TEMPERATURES[t] * gaps)
    return powers[_SQUARES[t]] ** 2


def log_mixture(right, wrong, rate):
    """Compute logarithms of the probabilities of labels of which a part is wrong."""
    mixed = (1 - rate) * right
    mixed += rate * wrong
    return np.log(mixed, out=mixed)


def best_rate(right, wrong, rates):
    """Find the most probable of some rates by bisection.

    The likelihood of mixtures of two given parts is concave in their share.

    Parameters
    ----------
    right, wrong : ndarray of shape (n_samples,)
        How probable the labels are if right, and if wrong.

    rates : ndarray of float
        The rates, in ascending order.

    Returns
    -------
    rate : float
        The rate.
    """

    @cache
    def likelihood(place):
        return log_mixture(right, wrong, rates[place]).sum()

    low, high = 0, len(rates) - 1
    while low < high:
        middle = (low + high) // 2
        if likelihood(middle) >= likelihood(middle + 1):
            high = middle
        else:
            low = middle + 1
    return rates[low]
