# SPDX-License-Identifier: BSD-3-Clause
"""Constants of blocks."""

import numpy as np


def block_constants(problem, blocks):
    """Compute the largest eigenvalue of the bound of each block's Hessian."""
    return np.array(
        [np.linalg.eigvalsh(problem.block_bound(block))[-1] for block in blocks]
    )


def largest(scores, count):
    """Find the positions of the largest scores, ascending; ties go to the lowest.

    Parameters
    ----------
    scores : ndarray
        The scores.

    count : int
        How many to take.

    Returns
    -------
    positions : ndarray of int
        The positions, in ascending order.
    """
    if count >= len(scores):
        return np.arange(len(scores))
    if count == 1:
        return np.array([int(np.argmax(scores))])
    threshold = np.partition(scores, -count)[-count]
    above = np.flatnonzero(scores > threshold)
    ties = np.flatnonzero(scores == threshold)[: count - len(above)]
    return np.sort(np.concatenate([above, ties]))
