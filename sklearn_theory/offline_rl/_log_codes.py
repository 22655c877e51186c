# SPDX-License-Identifier: BSD-3-Clause
"""A log in whole numbers: states, actions, and what followed them."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.utils import gen_batches

from ..utils._content_folds import hash_numbers

_BATCH_ENTRIES = 2**22
_OVER, _CUT = 1, 2


def find(known, values):
    """Find values among ascending known ones; -1 for others."""
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[place] == values, place, -1)


@dataclass
class LogCodes:
    """The rows of a log, the rows of each episode together and in time order.

    Parameters
    ----------
    state, action : ndarray of shape (n_steps,)
        Codes of observations and actions; -1 for an action that is not known.

    outcome : ndarray of shape (n_steps,)
        Codes of what followed: the reward, the next state, and how the episode ended;
        -1 for what is not known.

    gain : ndarray of shape (n_steps,)
        The rewards, rounded.

    time : ndarray of shape (n_steps,)
        The number of earlier rows of the episode.

    offsets : ndarray of shape (n_episodes + 1,)
        Where each episode begins.
    """

    state: np.ndarray
    action: np.ndarray
    outcome: np.ndarray
    gain: np.ndarray
    time: np.ndarray
    offsets: np.ndarray

    @property
    def n_episodes(self):
        return len(self.offsets) - 1

    @property
    def episode(self):
        return np.repeat(np.arange(self.n_episodes), np.diff(self.offsets))

    @property
    def first(self):
        return self.offsets[:-1]

    @property
    def last(self):
        return self.offsets[1:] - 1

    @property
    def is_last(self):
        flags = np.zeros(len(self.state), dtype=bool)
        flags[self.last] = True
        return flags

    def with_outcomes(self, merged):
        """Replace each outcome code by the one that it is merged into."""
        known = self.outcome >= 0
        outcome = np.where(known, merged[np.where(known, self.outcome, 0)], -1)
        return replace(self, outcome=outcome)

    def take(self, episodes):
        """Keep some episodes, in the given order."""
        lengths = np.diff(self.offsets)[episodes]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        rows = np.repeat(self.offsets[episodes], lengths) + within
        columns = (self.state, self.action, self.outcome, self.gain, self.time)
        return LogCodes(*(column[rows] for column in columns), offsets)


class StateCoder:
    """Number the distinct observations, those with a decision first.

    Parameters
    ----------
    n_bins : int or None
        The number of bins of equal counts into which each feature is cut; None keeps
        every distinct value.
    """

    def __init__(self, n_bins):
        self.n_bins = n_bins

    def fit(self, X, final, weight=None):
        """Learn the states of observations, and of those after which nothing was done."""
        self.edges = _bin_edges(X, self.n_bins, weight)
        X, final = self._cut(X), self._cut(final)
        self.decided = np.unique(X, axis=0)
        others = np.unique(final, axis=0)
        self._index(self.decided)
        others = others[self.match(others) < 0]
        self._index(np.vstack([self.decided, others]))
        return self

    def encode(self, X, *, decisions):
        """Return the codes of observations; the nearest decided state of unknown ones."""
        X = self._cut(X)
        codes = self.match(X)
        is_unknown = (codes < 0) | (decisions & (codes >= len(self.decided)))
        if is_unknown.any():
            codes[is_unknown] = _nearest(X[is_unknown], self.decided)
        return codes

    def encode_one(self, observation):
        """Return the code of one decided state, at little cost."""
        row = self._cut(observation)
        same = np.flatnonzero((self.decided == row).all(axis=1))
        return int(same[0]) if len(same) else int(_nearest(row, self.decided)[0])

    def _cut(self, X):
        if self.edges is None:
            return X
        columns = [np.searchsorted(e, x, side="right") for e, x in zip(self.edges, X.T)]
        return np.column_stack(columns).astype(X.dtype)

    def _index(self, states):
        hashes = hash_numbers(states, np.float64)
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]
        self.states = states

    def match(self, X):
        """Find rows by their hashes, and make sure that they are the same."""
        if not len(X):
            return np.empty(0, dtype=np.int64)
        place = np.searchsorted(self._hashes, hash_numbers(X, np.float64))
        codes = self._order[np.minimum(place, len(self._order) - 1)]
        return np.where((self.states[codes] == X).all(axis=1), codes, -1)


def _bin_edges(X, n_bins, weight):
    """Cut at values of the data, so that a weight of two is a row given twice."""
    if n_bins is None:
        return None
    inner = np.linspace(0, 1, n_bins + 1)[1:-1]
    return [
        np.unique(np.quantile(x, inner, weights=weight, method="inverted_cdf"))
        for x in X.T
    ]


def _nearest(X, states):
    batch = max(1, _BATCH_ENTRIES // len(states))
    return np.concatenate(
        [cdist(X[rows], states).argmin(axis=1) for rows in gen_batches(len(X), batch)]
    )


class LogCoder:
    """Turn logs into codes, as learnt from one of them.

    Parameters
    ----------
    n_bins : int or None
        As for :class:`StateCoder`.

    reward_decimals : int
        The decimals to which rewards are told apart.
    """

    def __init__(self, n_bins, reward_decimals):
        self.states = StateCoder(n_bins)
        self.reward_decimals = reward_decimals

    def fit(self, log, weight=None):
        """Learn the states, rewards and outcomes of a log, given weights of episodes."""
        self.classes = np.unique(log.actions)
        row_weight = None if weight is None else weight[log.episode_codes]
        self.states.fit(log.observations, _final_observations(log), row_weight)
        self.rewards = np.unique(self._rounded(log.rewards))
        self.outcomes = np.unique(self._outcome_keys(log, _order(log)))
        return self

    def encode(self, log):
        """Return the codes of a log; what was not seen before has the outcome -1."""
        order = _order(log)
        keys = self._outcome_keys(log, order)
        return LogCodes(
            state=self.states.encode(log.observations[order], decisions=True),
            action=find(self.classes, log.actions[order]),
            outcome=find(self.outcomes, keys),
            gain=self._rounded(log.rewards[order]),
            time=log.time[order],
            offsets=np.concatenate([[0], np.cumsum(log.lengths)]),
        )

    def decode_outcomes(self):
        """The reward and the next state (-1 if there is none) of each outcome."""
        reward, rest = np.divmod(self.outcomes, 3 * (len(self.states.states) + 1))
        return self.rewards[reward], rest // 3 - 1

    def outcomes_without_cuts(self):
        """The code, for each outcome, of the same one if the episode was not cut off."""
        keys = np.where(self.outcomes % 3 == _CUT, self.outcomes - _CUT, self.outcomes)
        return np.unique(keys, return_index=True, return_inverse=True)[1:]

    def round_reward(self, reward):
        """Round one reward as the log's were rounded."""
        return self._rounded(np.array([reward], dtype=float))[0]

    def _rounded(self, rewards):
        return np.round(rewards, self.reward_decimals) + 0.0

    def _outcome_keys(self, log, order):
        """Write reward, next state and end as one number; -1 for an unknown reward."""
        reward = find(self.rewards, self._rounded(log.rewards[order]))
        state = self._next_states(log)[order] + 1
        end = _ends(log)[order]
        keys = (reward * (len(self.states.states) + 1) + state) * 3 + end
        return np.where(reward < 0, -1, keys)

    def _next_states(self, log):
        rows, following = log.transitions()
        codes = np.full(log.n_steps, -1)
        if len(rows):
            goes_on = log.successor[rows] >= 0
            codes[rows] = self.states.encode(following, decisions=goes_on)
        inner = np.flatnonzero(log.successor >= 0)
        if len(inner):
            seen = log.observations[log.successor[inner]]
            codes[inner] = self.states.encode(seen, decisions=True)
        return codes


def _order(log):
    return np.argsort(log.episode_codes, kind="stable")


def _ends(log):
    """How an episode ended: over, as marked or where nothing follows, or cut off."""
    is_last = log.successor < 0
    if log.terminations is not None:
        return np.where(log.terminations, _OVER, is_last * _CUT)
    is_cut = False if log.truncations is None else log.truncations
    return np.where(is_cut, _CUT, is_last * _OVER)


def _final_observations(log):
    if log.next_observations is None:
        return log.observations[:0]
    return log.next_observations[log.successor < 0]
