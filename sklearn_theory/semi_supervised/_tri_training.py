# SPDX-License-Identifier: BSD-3-Clause
r"""The steps of tri-training: when two learners may teach the third, and how much.

Labels that two learners agree on are wrong at a rate e. Learning from m examples of
which a share eta is wrong takes m = c / (eps^2 (1 - 2 eta)^2) of them to come within eps
(Angluin and Laird). The third learner therefore gains from n labels in place of those
of its last lesson if m (1 - 2 eta)^2 grows, for which it is enough that there are more
labels and fewer wrong ones.
"""

import math

import numpy as np


def bootstrap_rows(codes, rng):
    """Draw labelled rows with replacement; never one class only if there are more.

    Parameters
    ----------
    codes : ndarray of int of shape (n_samples,)
        Classes, -1 where there is no label.

    rng : RandomState
        Draws the rows.

    Returns
    -------
    rows : ndarray of int of shape (n_labelled,)
        Numbers of rows.
    """
    labelled = np.flatnonzero(codes >= 0)
    has_classes = np.ptp(codes[labelled]) > 0
    while True:
        rows = rng.choice(labelled, size=len(labelled))
        if not has_classes or np.ptp(codes[rows]) > 0:
            return rows


def joint_error(first, second, truth):
    """Estimate how often two learners err where they agree.

    Parameters
    ----------
    first, second : ndarray of int of shape (n_samples,)
        Predictions of labelled rows.

    truth : ndarray of int of shape (n_samples,)
        Their classes.

    Returns
    -------
    error : float
        The share of wrong predictions among equal ones; 1 if there are none.
    """
    agree = first == second
    if not agree.any():
        return 1.0
    return float(np.mean(first[agree] != truth[agree]))


def lesson_size(error, n_agreed, last_error, last_size):
    """Decide how many of the rows that two learners agree on to teach the third.

    Parameters
    ----------
    error : float
        How often the two err where they agree.

    n_agreed : int
        On how many unlabelled rows they agree.

    last_error : float
        The error of the third learner's last lesson; 0.5 if it had none.

    last_size : int
        The number of rows of that lesson; 0 if there was none.

    Returns
    -------
    size : int
        The number of rows, 0 if nothing may be taught. Never are there more wrong rows
        than in the last lesson, nor fewer rows.
    """
    if not error < last_error:
        return 0
    threshold = error / (last_error - error)
    if last_size == 0:
        last_size = math.floor(threshold + 1)
    if not last_size < n_agreed:
        return 0
    if error * n_agreed < last_error * last_size:
        return n_agreed
    if last_size > threshold:
        return math.ceil(last_error * last_size / error - 1)
    return 0


def first_lesson_baseline(error):
    """Return the size that is taken for the lesson before the first one."""
    return math.floor(error / (0.5 - error) + 1)


def effective_size(n_labelled, size, error):
    """Count the examples without noise that are worth as much as those of a lesson.

    Parameters
    ----------
    n_labelled : int
        Number of rows with a given label, taken to be right.

    size : int
        Number of rows that are taught.

    error : float
        The share of wrong ones among these.

    Returns
    -------
    effective_size : float
        ``m (1 - 2 eta) ** 2`` for the m rows in all, of which a share eta is wrong.
    """
    n_rows = n_labelled + size
    noise = error * size / n_rows
    return n_rows * (1 - 2 * noise) ** 2


def count_votes(opinions, n_classes):
    """Count the votes for each class.

    Parameters
    ----------
    opinions : ndarray of int of shape (n_learners, n_samples)
        Predictions.

    n_classes : int
        Number of classes.

    Returns
    -------
    counts : ndarray of shape (n_samples, n_classes)
        How many learners predict each class.
    """
    return np.sum(opinions[:, :, None] == np.arange(n_classes), axis=0)
