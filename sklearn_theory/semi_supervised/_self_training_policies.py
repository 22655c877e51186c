# SPDX-License-Identifier: BSD-3-Clause
"""Policies of self-training: which unlabelled rows get a pseudo-label in a round.

Each policy has ``choose(votes, state)``, which returns a :class:`Choice`. Most only
compute thresholds; the rows are then those whose largest vote reaches the threshold of
its class.
"""

import warnings
from dataclasses import dataclass
from math import ceil

import numpy as np

from ._transductive_bound import ThresholdSearch

FLEXMATCH_THRESHOLD = 0.95
_ROUNDING = 1e-9


@dataclass(frozen=True)
class PolicySettings:
    """What the parameters of the estimator say to its policy."""

    n_classes: int
    threshold: np.ndarray
    k: float
    step: float
    search: ThresholdSearch


@dataclass(frozen=True)
class SelfTrainingState:
    """What a policy may look at beside the votes.

    Parameters
    ----------
    n_round : int
        The round, counted from 1.

    n_unlabelled : int
        Number of rows that were unlabelled at the start.

    posterior : ndarray of shape (n_candidates, n_classes)
        The class posterior of the candidates, as the parameter ``posterior`` says.

    sample_weight : ndarray of shape (n_candidates,)
        Weights of the candidates; one where none were given.

    classes : ndarray of shape (n_classes,)
        The class labels.

    random : RandomState
        A source of random numbers.
    """

    n_round: int
    n_unlabelled: int
    posterior: np.ndarray
    sample_weight: np.ndarray
    classes: np.ndarray
    random: np.random.RandomState


@dataclass(frozen=True)
class Choice:
    """The rows that a policy chose, as a mask or as indices, and its thresholds."""

    rows: np.ndarray
    thresholds: np.ndarray


class Policy:
    """Choose rows whose largest vote reaches the threshold of its class."""

    # Whether equal votes lead to an equal choice in every round.
    is_stationary = True
    # Whether all rows are chosen in some round, however the votes turn out.
    ends = False

    def __init__(self, settings):
        self.settings = settings

    def start(self, n_unlabelled):
        """Look at the task before the first round."""

    def choose(self, votes, state):
        """Choose rows."""
        theta = np.asarray(self.thresholds(votes, state), dtype=float)
        theta = np.broadcast_to(theta, (votes.shape[1],)).copy()
        return Choice(reaches(votes, theta), theta)

    def thresholds(self, votes, state):
        """Compute a threshold, or one for each class."""
        raise NotImplementedError


class Fixed(Policy):
    """Thresholds that the caller gives."""

    def thresholds(self, votes, state):
        """Return the parameter."""
        return self.settings.threshold


class Mean(Policy):
    """The mean of the largest votes."""

    def thresholds(self, votes, state):
        """Average the largest votes."""
        return np.average(votes.max(axis=1), weights=_positive(state.sample_weight))


class TopK(Policy):
    """A number, or a share of all unlabelled rows, with the largest votes."""

    def start(self, n_unlabelled):
        """Warn if there are fewer rows than are to be chosen."""
        k = self.settings.k
        if 0 < n_unlabelled < k:
            warnings.warn(
                f"k={k} is larger than the number of unlabelled rows, {n_unlabelled}: "
                "all get a pseudo-label in the first round.",
                UserWarning,
                stacklevel=4,
            )

    def choose(self, votes, state):
        """Choose the rows of the largest votes; ties are broken arbitrarily."""
        largest = votes.max(axis=1)
        rows = np.ones(len(votes), dtype=bool)
        n_rows = self.n_rows(state)
        if n_rows < len(votes):
            rows = np.argpartition(-largest, n_rows)[:n_rows]
        return Choice(rows, np.full(votes.shape[1], largest[rows].min()))

    def n_rows(self, state):
        """Count the rows to choose; a fraction is one of all unlabelled rows."""
        k = self.settings.k
        if isinstance(k, (float, np.floating)):
            k = max(1, ceil(k * state.n_unlabelled - _ROUNDING))
        return int(k)


class Random(TopK):
    """As many rows, at random: a control."""

    is_stationary = False

    def choose(self, votes, state):
        """Draw rows without looking at the votes."""
        n_rows = min(self.n_rows(state), len(votes))
        rows = state.random.choice(len(votes), n_rows, replace=False)
        return Choice(rows, np.full(votes.shape[1], np.nan))


class Curriculum(Policy):
    """A quantile of the largest votes that falls by a step each round, to zero."""

    is_stationary = False
    ends = True

    def thresholds(self, votes, state):
        """Take the quantile; the last step takes all that is left."""
        step = self.settings.step
        level = 1 - state.n_round * step
        if level < step - _ROUNDING:
            return 0.0
        return np.quantile(
            votes.max(axis=1),
            level,
            weights=_positive(state.sample_weight),
            method="inverted_cdf",
        )


class Bound(Policy):
    """The thresholds with the least transductive bound on the error of the choice."""

    def thresholds(self, votes, state):
        """Minimise the bound for each class."""
        return self.settings.search.thresholds(
            votes.astype(float), state.posterior, _positive(state.sample_weight)
        )


class BinaryBound(Policy):
    """The margin with the least bound of Amini, Laviolette and Usunier; two classes."""

    def __init__(self, settings):
        super().__init__(settings)
        if settings.n_classes > 2:
            raise ValueError(
                f"policy='binary_bound' needs two classes, y holds "
                f"{settings.n_classes}; policy='bound' takes any number."
            )

    def thresholds(self, votes, state):
        """Minimise the bound; a margin `m` is a vote of ``(1 + m) / 2``."""
        largest = votes.max(axis=1).astype(float)
        right = state.posterior[np.arange(len(votes)), votes.argmax(axis=1)]
        margins = np.clip(2 * largest - 1, 0, 1)
        weights = _positive(state.sample_weight)
        margin = self.settings.search.binary_threshold(margins, 1 - right, weights)
        # A vote, since rounding on the way to a margin and back might lose a row.
        return largest[(margins >= margin) & (weights > 0)].min()


class FlexMatch(Policy):
    """Thresholds that are lower for classes with fewer confident rows."""

    def thresholds(self, votes, state):
        """Count the confident rows of each class."""
        return flexmatch_thresholds(votes, sample_weight=state.sample_weight)


class FreeMatch(Policy):
    """The mean largest vote, scaled by how much of the votes each class gets."""

    def thresholds(self, votes, state):
        """Average over the candidates of this round."""
        weights = _positive(state.sample_weight)
        shares = np.average(votes, axis=0, weights=weights)
        return np.average(votes.max(axis=1), weights=weights) * shares / shares.max()


class CallablePolicy(Policy):
    """A function of the votes and the state."""

    is_stationary = False

    def __init__(self, function):
        super().__init__(settings=None)
        self.function = function

    def choose(self, votes, state):
        """Call the function; it returns a mask of rows, or thresholds."""
        answer = np.asarray(self.function(votes, state))
        n_rows, n_classes = votes.shape
        if answer.dtype.kind == "b" and answer.shape == (n_rows,):
            return Choice(answer, np.full(n_classes, np.nan))
        if answer.dtype.kind in "iuf" and answer.shape in {(), (n_classes,)}:
            theta = np.broadcast_to(answer.astype(float), (n_classes,)).copy()
            return Choice(reaches(votes, theta), theta)
        raise ValueError(
            f"policy must return a boolean mask of shape ({n_rows},), a threshold, or "
            f"an array of {n_classes} thresholds; got dtype {answer.dtype} and shape "
            f"{answer.shape}."
        )


POLICIES = {
    "fixed": Fixed,
    "mean": Mean,
    "top_k": TopK,
    "random": Random,
    "curriculum": Curriculum,
    "bound": Bound,
    "binary_bound": BinaryBound,
    "flexmatch": FlexMatch,
    "freematch": FreeMatch,
}


def make_policy(policy, settings):
    """Make the object that the parameter stands for."""
    if callable(policy):
        return CallablePolicy(policy)
    return POLICIES[policy](settings)


def reaches(votes, theta):
    """Tell which rows have a largest vote that reaches the threshold of its class."""
    predicted = votes.argmax(axis=1)
    return votes[np.arange(len(votes)), predicted] >= theta[predicted]


def flexmatch_thresholds(votes, threshold=FLEXMATCH_THRESHOLD, sample_weight=None):
    """Lower a threshold for classes with fewer rows beyond it than the best learnt.

    Parameters
    ----------
    votes : ndarray of shape (n_samples, n_classes)
        Votes.

    threshold : float, default=0.95
        The threshold of the best learnt class.

    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights of the rows.

    Returns
    -------
    theta : ndarray of shape (n_classes,)
        Thresholds; all zero while no row is confident.
    """
    n_classes = votes.shape[1]
    weights = np.ones(len(votes)) if sample_weight is None else sample_weight
    confident = weights * (votes.max(axis=1) > threshold)
    learnt = np.bincount(votes.argmax(axis=1), weights=confident, minlength=n_classes)
    unused = weights.sum() - learnt.sum()
    status = learnt / (max(learnt.max(), unused) or 1.0)
    return threshold * status / (2 - status)


def _positive(weights):
    """Return the weights, or ones if all are zero and no mean would exist."""
    return weights if weights.sum() > 0 else np.ones(len(weights))
