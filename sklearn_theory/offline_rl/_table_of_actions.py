# SPDX-License-Identifier: BSD-3-Clause
"""Counts of actions for each distinct observation and return-to-go.

Observations and returns are compared after rounding to nine decimals. A return that was
not seen with an observation stands for the nearest one that was, the larger of two that
are equally near; an observation that was not seen gets the frequencies of all rows.
"""

import numpy as np

from ._log_codes import StateCoder

_DECIMALS = 9


class ActionTable:
    """The frequencies of actions.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Observations.

    returns_to_go : ndarray of shape (n_samples,)
        Returns-to-go.

    codes : ndarray of shape (n_samples,)
        Actions.

    weight : ndarray of shape (n_samples,)
        Weights of the rows.

    n_actions : int
        The number of actions.
    """

    def __init__(self, X, returns_to_go, codes, weight, n_actions):
        counted = weight > 0
        X, g = _rounded(X[counted]), _rounded(returns_to_go[counted])
        self.states = StateCoder(None).fit(X, X[:0])
        state = self.states.match(X)
        keys = np.rec.fromarrays([state, g])
        cells, cell = np.unique(keys, return_inverse=True)
        self.cell_return = np.ascontiguousarray(cells.f1)
        n_states = len(self.states.decided)
        self.first = np.searchsorted(cells.f0, np.arange(n_states + 1))
        counts = np.bincount(
            cell.reshape(-1) * n_actions + codes[counted],
            weights=weight[counted],
            minlength=len(cells) * n_actions,
        ).reshape(-1, n_actions)
        self.share = counts / counts.sum(axis=1, keepdims=True)
        self.marginal = counts.sum(axis=0) / counts.sum()

    def lookup(self, X, returns_to_go):
        """Return the frequencies of actions.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Observations.

        returns_to_go : ndarray of shape (n_samples,)
            Returns-to-go.

        Returns
        -------
        share : ndarray of shape (n_samples, n_actions)
            Frequencies.
        """
        state = self.states.match(_rounded(X))
        cell = self._nearest_cell(np.maximum(state, 0), _rounded(returns_to_go))
        known = (state >= 0)[:, np.newaxis]
        return np.where(known, self.share[cell], self.marginal)

    def _nearest_cell(self, state, g):
        """Find the cell of a state whose return is nearest, by bisection in all rows."""
        first, last = self.first[state], self.first[state + 1] - 1
        low, high = first, last + 1
        while (low < high).any():
            middle = (low + high) // 2
            below = self.cell_return[np.minimum(middle, last)] < g
            goes_on = low < high
            low = np.where(goes_on & below, middle + 1, low)
            high = np.where(goes_on & ~below, middle, high)
        above = np.minimum(low, last)
        below = np.maximum(low - 1, first)
        gap_above = np.abs(self.cell_return[above] - g)
        gap_below = np.abs(self.cell_return[below] - g)
        return np.where(gap_above <= gap_below, above, below)


def _rounded(values):
    return np.round(np.asarray(values, dtype=np.float64), _DECIMALS) + 0.0
