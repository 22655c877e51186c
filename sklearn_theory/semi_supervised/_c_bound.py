# SPDX-License-Identifier: BSD-3-Clause
"""The C-bound: what the first two moments of the margin say about the error."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from ..utils._compat import validate_params


@validate_params(
    {"votes": ["array-like"], "y": ["array-like"]}, prefer_skip_nested_validation=True
)
def c_bound(votes, y):
    r"""Bound the error of a vote by the first two moments of its margin.

    With the margin :math:`M(x, y) = v(x, y) - \max_{c \ne y} v(x, c)`, positive where
    the vote is right, the error is at most [1]_

    .. math::

        1 - \frac{(E\,M)^2}{E\,M^2} \quad \text{if} \quad E\,M > 0 .

    Parameters
    ----------
    votes : array-like of shape (n_samples, n_classes)
        Votes.

    y : array-like of int of shape (n_samples,)
        The columns of the true classes.

    Returns
    -------
    bound : float
        The bound; 1 if the mean margin is not positive, when nothing more is known.

    See Also
    --------
    c_bound_imperfect : The same from imperfect labels.
    transductive_bound : A bound without labels.

    References
    ----------
    .. [1] M.-R. Amini, V. Feofanov, L. Pauletto, L. Hadjadj, E. Devijver and Y. Maximov,
       "Self-Training: A Survey", 2022, arXiv:2202.12040.

    Examples
    --------
    >>> from sklearn_theory.semi_supervised import c_bound
    >>> votes = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]]
    >>> print(f"{c_bound(votes, [0, 0, 0, 1]):.3f}")
    0.467
    """
    margins = vote_margins(*_check(votes, y, "y"))
    if margins.mean() <= 0:
        return 1.0
    return float(1 - margins.mean() ** 2 / np.mean(margins**2))


@validate_params(
    {"votes": ["array-like"], "yhat": ["array-like"], "noise_matrix": ["array-like"]},
    prefer_skip_nested_validation=True,
)
def c_bound_imperfect(votes, yhat, noise_matrix):
    r"""Bound the error of a vote by its margins against imperfect labels.

    Labels :math:`\hat y` are imperfect with known probabilities
    :math:`p_{jc} = P(\hat y = j | y = c)`. For a prediction `c` let
    :math:`\alpha = p_{cc}` and :math:`\delta = p_{cc} - \max_{j \ne c} p_{cj}`, the
    largest over the other classes. With the margin :math:`\hat M` against the imperfect
    labels, the error against the true ones is at most [1]_

    .. math::

        E[\alpha / \delta] - \frac{(E[\hat M / \delta])^2}{E[\hat M^2 / \delta]}

    if every :math:`\delta` and :math:`E[\hat M / \delta]` are positive.

    Parameters
    ----------
    votes : array-like of shape (n_samples, n_classes)
        Votes.

    yhat : array-like of int of shape (n_samples,)
        The columns of the imperfect labels.

    noise_matrix : array-like of shape (n_classes, n_classes)
        The probability of the imperfect label in row `j` and the true class in column
        `c`; columns sum to one.

    Returns
    -------
    bound : float
        The bound, which may exceed 1; 1 if a condition fails, when nothing is known.

    See Also
    --------
    c_bound : The same from true labels, which an identity matrix gives, too.

    References
    ----------
    .. [1] M.-R. Amini, V. Feofanov, L. Pauletto, L. Hadjadj, E. Devijver and Y. Maximov,
       "Self-Training: A Survey", 2022, arXiv:2202.12040.

    Examples
    --------
    >>> from sklearn_theory.semi_supervised import c_bound_imperfect
    >>> votes = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]]
    >>> noise = [[0.95, 0.1], [0.05, 0.9]]
    >>> print(f"{c_bound_imperfect(votes, [0, 0, 0, 1], noise):.3f}")
    0.461
    """
    votes, yhat = _check(votes, yhat, "yhat")
    alpha, delta = reliabilities(check_noise_matrix(noise_matrix, votes.shape[1]))
    predicted = votes.argmax(axis=1)
    alpha, delta = alpha[predicted], delta[predicted]
    margins = vote_margins(votes, yhat)
    if delta.min() <= 0 or np.mean(margins / delta) <= 0:
        return 1.0
    moments = np.mean(margins / delta) ** 2 / np.mean(margins**2 / delta)
    return float(np.mean(alpha / delta) - moments)


def reliabilities(noise_matrix):
    """Return alpha and delta of each class that may be predicted."""
    others = noise_matrix.copy()
    np.fill_diagonal(others, 0.0 if len(others) == 1 else -np.inf)
    alpha = np.diag(noise_matrix)
    return alpha, alpha - others.max(axis=1)


def vote_margins(votes, y):
    """Subtract the largest vote for another class from that for the label."""
    rows = np.arange(len(votes))
    others = np.array(votes, dtype=float)
    others[rows, y] = -np.inf if votes.shape[1] > 1 else 0.0
    return votes[rows, y] - others.max(axis=1)


def check_noise_matrix(noise_matrix, n_classes):
    """Check a matrix of probabilities whose columns sum to one."""
    noise_matrix = check_array(
        noise_matrix, dtype=np.float64, input_name="noise_matrix"
    )
    if noise_matrix.shape != (n_classes, n_classes):
        raise ValueError(
            f"noise_matrix must have shape {(n_classes, n_classes)}, a row and a column "
            f"for each column of votes, got {noise_matrix.shape}."
        )
    sums = noise_matrix.sum(axis=0)
    if noise_matrix.min() < 0 or not np.allclose(sums, 1):
        raise ValueError(
            "noise_matrix must hold probabilities, with columns that sum to one; its "
            f"smallest entry is {noise_matrix.min():.3g} and its columns sum to {sums}."
        )
    return noise_matrix


def _check(votes, y, name):
    """Check votes and the columns of their labels."""
    votes = check_array(votes, dtype=np.float64, input_name="votes")
    y = column_or_1d(y)
    check_consistent_length(votes, y)
    if y.dtype.kind not in "iub" or y.min() < 0 or y.max() >= votes.shape[1]:
        raise ValueError(
            f"{name} must hold columns of votes, whole numbers from 0 to "
            f"{votes.shape[1] - 1}; encode class labels first."
        )
    return votes, y.astype(np.intp)
