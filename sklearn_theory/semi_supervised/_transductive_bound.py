# SPDX-License-Identifier: BSD-3-Clause
"""Bounds on the errors among unlabelled rows, and the thresholds that minimise them.

All sums stay unnormalised until the end: what multiplies a bound, the mass of its class,
then cancels, and a class without mass is harmless.
"""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_array

from ..utils._compat import Interval, validate_params
from ._transductive_bound_fast import (
    exact_bounds,
    grid_bounds,
    prefix_sums,
    sums_below,
)

N_GRID = 50
_LEAST_SHARE = 1e-8


@validate_params(
    {
        "votes": ["array-like"],
        "posterior": ["array-like"],
        "theta": ["array-like", Interval(Real, 0, 1, closed="both")],
        "exact": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def transductive_bound(votes, posterior, theta, exact=False):
    r"""Bound how often unlabelled rows of a class are confidently predicted as another.

    With the votes :math:`v(x, j)` of a classifier :math:`B(x) = \arg\max_j v(x, j)` and
    the class posterior :math:`P(i | x)`, the share of class `i` that is predicted `j`
    with a vote of at least :math:`\theta_j`,

    .. math::

        R_{ij}(\theta) = \frac1{u_i} \sum_x P(i | x) \,
        1[B(x) = j, v(x, j) \ge \theta_j], \qquad u_i = \sum_x P(i | x),

    is at most

    .. math::

        b_{ij}(\theta) = \min_{\gamma \in (\theta_j, 1]} \Big\{ I_{ij}(\theta, \gamma)
        + \frac1\gamma \max\big(0, K_{ij} - M_{ij}(\gamma) + M_{ij}(\theta)\big) \Big\}

    where `I` is the share of class `i` with :math:`\theta_j \le v(x, j) < \gamma`, `M(t)`
    its mean of :math:`v(x, j)` where that is below `t`, and `K` its mean of
    :math:`v(x, j)` where `j` is predicted [1]_.

    Parameters
    ----------
    votes : array-like of shape (n_samples, n_classes)
        Votes on unlabelled rows, between 0 and 1.

    posterior : array-like of shape (n_samples, n_classes)
        An estimate of the class posterior of the same rows, not negative. The bound
        holds for the errors that this posterior implies.

    theta : float or array-like of shape (n_classes,)
        Threshold of the votes, for all classes or for each.

    exact : bool, default=False
        Whether to return the largest value that any classifier with these votes and
        this `K` could have, which takes every distinct vote as :math:`\gamma` and
        never exceeds the mass above the threshold. If False, the least over 50 equally
        spaced :math:`\gamma`, as in [1]_; it holds as well but is larger.

    Returns
    -------
    bound : ndarray of shape (n_classes, n_classes)
        The bound on :math:`R_{ij}` in row `i` and column `j`; zero in the row of a class
        without any mass.

    See Also
    --------
    bound_thresholds : The thresholds that minimise the bound on the error.
    c_bound : A bound from the first two moments of the margin.

    References
    ----------
    .. [1] M.-R. Amini, V. Feofanov, L. Pauletto, L. Hadjadj, E. Devijver and Y. Maximov,
       "Self-Training: A Survey", 2022, arXiv:2202.12040.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.semi_supervised import transductive_bound
    >>> votes = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    >>> transductive_bound(votes, votes, theta=0.7, exact=True).round(3)
    array([[0.45, 0.25],
           [0.05, 0.75]])
    """
    votes, posterior = check_votes(votes, posterior)
    theta = _check_theta(theta, votes.shape[1])
    bounds = class_bounds(votes, posterior, theta, exact)
    mass = posterior.sum(axis=0)[:, np.newaxis]
    return np.divide(bounds, mass, out=np.zeros_like(bounds), where=mass > 0)


@validate_params(
    {
        "votes": ["array-like"],
        "posterior": ["array-like"],
        "n_theta": [Interval(Integral, 1, None, closed="left")],
        "n_gamma": [Interval(Integral, 1, None, closed="left")],
        "exact": ["boolean"],
        "early_stop": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def bound_thresholds(
    votes, posterior, n_theta=50, n_gamma=50, exact=False, early_stop=False
):
    r"""Find the thresholds whose bound on the error of the chosen rows is least.

    The threshold of class `k` minimises, over :math:`\theta`,

    .. math::

        \frac{\sum_{i \ne k} u_i \, b_{ik}(\theta)}
        {\#\{x : B(x) = k, v(x, k) \ge \theta\}} ,

    a bound on the error among the rows that would be pseudo-labelled `k` [1]_, with
    :math:`u_i` and :math:`b_{ik}` as in :func:`transductive_bound`.

    Parameters
    ----------
    votes : array-like of shape (n_samples, n_classes)
        Votes on unlabelled rows, between 0 and 1.

    posterior : array-like of shape (n_samples, n_classes)
        An estimate of the class posterior of the same rows, not negative.

    n_theta : int, default=50
        Number of thresholds tried for each class, equally spaced from its smallest
        vote to below its largest.

    n_gamma : int, default=50
        Number of :math:`\gamma` tried for each threshold, equally spaced.

    exact : bool, default=False
        Whether to try every distinct vote as a threshold, each with the exact bound;
        the grids are then not used.

    early_stop : bool, default=False
        Whether to walk either grid only until, after its fourth value, a rise follows
        upon no fall. This is what the authors' programs do; the bound is as valid but
        may be larger.

    Returns
    -------
    thresholds : ndarray of shape (n_classes,)
        A threshold for each class; 1 for a class without any mass.

    See Also
    --------
    transductive_bound : The bound.
    SelfTrainer : Uses these thresholds by default.

    Notes
    -----
    The posteriors are added up once for each class, between the thresholds and
    :math:`\gamma` that lie next to each other, or in the order of the votes if `exact`;
    every pair of a threshold and a :math:`\gamma` is then a difference of two sums.

    References
    ----------
    .. [1] M.-R. Amini, V. Feofanov, L. Pauletto, L. Hadjadj, E. Devijver and Y. Maximov,
       "Self-Training: A Survey", 2022, arXiv:2202.12040.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.semi_supervised import bound_thresholds
    >>> votes = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    >>> bound_thresholds(votes, votes, exact=True)
    array([0.9, 0.8])
    """
    votes, posterior = check_votes(votes, posterior)
    search = ThresholdSearch(n_theta, n_gamma, exact, early_stop)
    return search.thresholds(votes, posterior)


@dataclass(frozen=True)
class ThresholdSearch:
    """How the least bound is searched for."""

    n_theta: int = N_GRID
    n_gamma: int = N_GRID
    exact: bool = False
    early_stop: bool = False

    def thresholds(self, votes, posterior, sample_weight=None):
        """Minimise the bound for each class; see `bound_thresholds`."""
        votes, posterior, weights = _weighty_rows(sample_weight, votes, posterior)
        posterior = posterior * weights[:, np.newaxis]
        predicted = votes.argmax(axis=1)
        theta = np.ones(votes.shape[1])
        for k in np.flatnonzero(posterior.sum(axis=0) > 0):
            column = VoteColumn.of_class(votes, posterior, predicted, k)
            candidates = self.candidates(column)
            bounds = np.delete(self.bounds(column, candidates), k, axis=1).sum(axis=1)
            chosen = weights * (predicted == k)
            shares = share_above(column.votes, chosen, candidates, weights.sum())
            theta[k] = candidates[self.first_least(bounds / weights.sum() / shares)]
        return theta

    def binary_threshold(self, margins, wrong, sample_weight=None):
        """Minimise Amini's bound on the error of the rows above a margin.

        Parameters
        ----------
        margins : ndarray of shape (n_samples,)
            Unsigned margins of the votes, ``abs(2 * vote - 1)``.

        wrong : ndarray of shape (n_samples,)
            The estimated probability that the prediction is wrong.

        sample_weight : ndarray of shape (n_samples,) or None, default=None
            Weights of the rows.

        Returns
        -------
        theta : float
            The margin.
        """
        margins, wrong, weights = _weighty_rows(sample_weight, margins, wrong)
        column = VoteColumn.of_margins(margins, wrong, weights)
        candidates = self.candidates(column)
        bounds = self.bounds(column, candidates)[:, 0] / weights.sum()
        shares = share_above(margins, weights, candidates, weights.sum())
        return float(candidates[self.first_least(bounds / shares)])

    def candidates(self, column):
        """List the thresholds to try, ascending."""
        if self.exact:
            return np.unique(column.votes)
        least, most = column.votes.min(), column.votes.max()
        return least + np.arange(self.n_theta) * ((most - least) / self.n_theta)

    def bounds(self, column, thetas):
        """Bound the errors above each threshold, times the mass of the class."""
        if self.exact:
            return _all_votes(column, thetas)
        steps = np.arange(1, self.n_gamma + 1) / self.n_gamma
        gammas = thetas[:, np.newaxis] + (1 - thetas)[:, np.newaxis] * steps
        return _grid_of_votes(column, thetas, gammas, self.early_stop)

    def first_least(self, objective):
        """Find the first minimum, as far as the search goes."""
        n = np.arange(2, len(objective))
        rises = (objective[2:] > objective[1:-1]) & (objective[1:-1] >= objective[:-2])
        ends = n[rises & (n > 3)]
        last = ends[0] + 1 if self.early_stop and len(ends) else len(objective)
        return int(objective[:last].argmin())


@dataclass(frozen=True)
class VoteColumn:
    """The votes for one class, what is summed over them, and the budget of the bound."""

    votes: np.ndarray
    posterior: np.ndarray
    gibbs: np.ndarray

    @classmethod
    def of_class(cls, votes, posterior, predicted, k):
        """Take the votes for class `k`; the sums are over the posterior."""
        column = np.ascontiguousarray(votes[:, k])
        rows = np.flatnonzero(predicted == k)
        return cls(column, posterior, column[rows] @ posterior[rows])

    @classmethod
    def of_margins(cls, margins, wrong, weights):
        """Take unsigned margins; the sums are over the weights of the rows."""
        gibbs = np.array([(margins * wrong) @ weights])
        return cls(margins, weights[:, np.newaxis], gibbs)


def _grid_of_votes(column, thetas, gammas, early_stop):
    limits, places = np.unique(np.append(thetas, gammas), return_inverse=True)
    starts, stops = places[: len(thetas)], places[len(thetas) :].reshape(gammas.shape)
    mass, voted = sums_below(column.votes, column.posterior, limits)
    return grid_bounds(starts, stops, gammas, mass, voted, column.gibbs, early_stop)


def _all_votes(column, thetas):
    order = np.argsort(column.votes)
    values = column.votes[order]
    sums = prefix_sums(order, column.votes, column.posterior)
    starts = np.searchsorted(values, thetas)
    return exact_bounds(starts, values, *sums, column.gibbs)


def class_bounds(votes, posterior, theta, exact=False):
    """Bound the errors above one threshold a class, times the mass of the true class.

    Parameters
    ----------
    votes, posterior : ndarray of shape (n_samples, n_classes)
        Votes and posterior.

    theta : ndarray of shape (n_classes,)
        Thresholds.

    exact : bool, default=False
        Whether to return the exact bound.

    Returns
    -------
    bounds : ndarray of shape (n_classes, n_classes)
        In row `i` and column `j`, for rows of class `i` that are predicted `j`; zero
        where the threshold is above 1, which no vote reaches.
    """
    search = ThresholdSearch(exact=exact)
    predicted = votes.argmax(axis=1)
    bounds = np.zeros((len(theta), len(theta)))
    for k in np.flatnonzero(theta <= 1):
        column = VoteColumn.of_class(votes, posterior, predicted, k)
        bounds[:, k] = search.bounds(column, theta[k : k + 1])[0]
    return bounds


def selection_bound(votes, posterior, theta, sample_weight=None, exact=False):
    """Bound the error among the rows that thresholds select; NaN if they select none."""
    weights = np.ones(len(votes)) if sample_weight is None else sample_weight
    predicted = votes.argmax(axis=1)
    selected = weights[votes[np.arange(len(votes)), predicted] >= theta[predicted]]
    if not selected.sum() > 0:
        return np.nan
    bounds = class_bounds(votes, posterior * weights[:, np.newaxis], theta, exact)
    # The bounds of the classes are separate, and may add up to more than all rows.
    return min(1.0, float((bounds.sum() - np.trace(bounds)) / selected.sum()))


def share_above(votes, weights, thetas, total):
    """Compute the share of the total weight at or above each threshold, not zero."""
    below, _ = sums_below(votes, weights[:, np.newaxis], thetas)
    return np.maximum((weights.sum() - below[:, 0]) / total, _LEAST_SHARE)


def _weighty_rows(sample_weight, *arrays):
    """Leave out rows without weight, which must not count, not even in the grids."""
    if sample_weight is None:
        return *arrays, np.ones(len(arrays[0]))
    if np.all(sample_weight):
        return *arrays, sample_weight
    rows = np.flatnonzero(sample_weight)
    return *(array[rows] for array in arrays), sample_weight[rows]


def check_votes(votes, posterior):
    """Check votes and posterior; refuse what is no probability."""
    votes = check_array(votes, dtype=np.float64, input_name="votes")
    posterior = check_array(posterior, dtype=np.float64, input_name="posterior")
    if votes.min() < 0 or votes.max() > 1:
        raise ValueError(
            f"votes must lie in [0, 1], got values from {votes.min():.3g} to "
            f"{votes.max():.3g}."
        )
    if posterior.shape != votes.shape:
        raise ValueError(
            f"posterior must have the shape {votes.shape} of votes, got "
            f"{posterior.shape}."
        )
    if posterior.min() < 0:
        raise ValueError(
            f"posterior must not be negative, got a value of {posterior.min():.3g}."
        )
    return votes, posterior


def _check_theta(theta, n_classes):
    theta = np.asarray(theta, dtype=float)
    if theta.ndim > 1 or (theta.ndim == 1 and len(theta) != n_classes):
        raise ValueError(
            f"theta must be a number or an array of length {n_classes}, one for each "
            f"class, got shape {theta.shape}."
        )
    if not ((theta >= 0) & (theta <= 1)).all():
        raise ValueError(f"theta must lie in [0, 1], got {theta}.")
    return np.broadcast_to(theta, (n_classes,))
