# SPDX-License-Identifier: BSD-3-Clause
"""Backtracking with interpolation."""

import numpy as np

SUFFICIENT_DECREASE = 1e-4
_MAX_TRIALS = 50


def backtrack(value_along, slope, start, step_down=None):
    """Find a length that decreases sufficiently, starting from 1.

    The first failure interpolates by a parabola, the next ones by a cubic.

    Parameters
    ----------
    value_along : callable
        The value as a function of the length.

    slope : float
        Its derivative at 0, negative.

    start : float
        Its value at 0.

    step_down : callable, default=None
        The decrease that the linear model predicts at a length; ``-slope * length`` if
        None.

    Returns
    -------
    length : float
        The length; 0 if none decreases.
    """
    if step_down is None:

        def step_down(length):
            return -slope * length

    rounding = 4 * np.finfo(float).eps * abs(start)
    length, value = 1.0, value_along(1.0)
    previous = None
    for _ in range(_MAX_TRIALS):
        if value <= start - SUFFICIENT_DECREASE * step_down(length) + rounding:
            return length
        shorter = _interpolate(start, slope, length, value, previous)
        previous = length, value
        length = float(np.clip(shorter, 0.1 * length, 0.5 * length))
        value = value_along(length)
    return 0.0


def _interpolate(start, slope, length, value, previous):
    """Minimise the polynomial through what is known."""
    if not np.isfinite(value):
        return 0.1 * length
    parabola = -slope * length**2 / (2 * (value - start - slope * length))
    if previous is None or not np.isfinite(previous[1]):
        return parabola
    longer, value_there = previous
    here = (value - start - slope * length) / length**2
    there = (value_there - start - slope * longer) / longer**2
    third = (here - there) / (length - longer)
    second = here - third * length
    discriminant = second**2 - 3 * third * slope
    if third == 0 or discriminant < 0:
        return parabola
    return (-second + np.sqrt(discriminant)) / (3 * third)
