# SPDX-License-Identifier: BSD-3-Clause
"""Estimates of the class posterior of unlabelled rows, on which the bounds rest."""

import numpy as np
from sklearn.utils import check_array


class InitialPosterior:
    """The votes of the first, supervised model: later rounds cannot confirm themselves."""

    def __init__(self, rows):
        self.rows, self.votes = rows, None

    def of(self, rows, votes):
        """Return the posterior of rows; the first call is for all of them."""
        if self.votes is None:
            self.votes = votes.astype(float)
        return self.votes[np.searchsorted(self.rows, rows)]


class CurrentPosterior:
    """The votes of the present model."""

    def __init__(self, rows):
        pass

    def of(self, rows, votes):
        """Return the votes."""
        return votes.astype(float)


class UniformPosterior:
    """All classes alike: the worst case."""

    def __init__(self, rows):
        pass

    def of(self, rows, votes):
        """Return equal shares."""
        return np.full(votes.shape, 1 / votes.shape[1])


class GivenPosterior:
    """What the caller knows."""

    def __init__(self, posterior):
        self.posterior = posterior

    def of(self, rows, votes):
        """Look the rows up."""
        return self.posterior[rows]


POSTERIORS = {
    "initial": InitialPosterior,
    "votes": CurrentPosterior,
    "uniform": UniformPosterior,
}


def make_posterior(posterior, unlabelled, n_samples, n_classes):
    """Make the object that the parameter stands for; check an array.

    Parameters
    ----------
    posterior : str or array-like of shape (n_samples, n_classes)
        The parameter.

    unlabelled : ndarray of int of shape (n_unlabelled,)
        The rows that it is asked for.

    n_samples, n_classes : int
        The shape that an array must have.

    Returns
    -------
    source : object
        Has ``of(rows, votes)``.
    """
    if isinstance(posterior, str):
        return POSTERIORS[posterior](unlabelled)
    posterior = check_array(
        posterior, dtype=np.float64, ensure_all_finite=False, input_name="posterior"
    )
    if posterior.shape != (n_samples, n_classes):
        raise ValueError(
            f"posterior must have shape {(n_samples, n_classes)}, a row for each row of "
            f"X and a column for each class, got {posterior.shape}."
        )
    used = posterior[unlabelled]
    if not ((used >= 0).all() and np.allclose(used.sum(axis=1), 1, atol=1e-6)):
        raise ValueError(
            "posterior must hold probabilities that sum to one in the row of every "
            "unlabelled row."
        )
    return GivenPosterior(posterior)
