# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian classes on a line, whose best classifier and error are known."""

from numbers import Integral

import numpy as np
from scipy.special import ndtr
from sklearn.utils import check_random_state

from ..utils._compat import Interval, StrOptions, validate_params


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "covariance": [StrOptions({"diagonal", "correlated"})],
        "recentre": ["boolean"],
        "return_bayes_error": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_gaussian_regimes(
    n_samples=100,
    n_features=50,
    *,
    n_classes=2,
    covariance="diagonal",
    recentre=True,
    return_bayes_error=False,
    random_state=None,
):
    r"""Generate Gaussian classes whose means lie on a line.

    This is the simulation with which [1]_ compares naive Bayes and logistic
    regression. The classes are equally probable and share a covariance. The mean of
    class `k` is :math:`a_k (1, \dots, 1)` with :math:`a_0 = -1` and
    :math:`a_k = 2^{k - 1}` for the others. The first half of the features have
    variance `n_features`, the rest variance 1.

    Parameters
    ----------
    n_samples : int, default=100
        Number of rows; the classes have as many rows each as divides evenly.

    n_features : int, default=50
        Number of features.

    n_classes : int, default=2
        Number of classes.

    covariance : {"diagonal", "correlated"}, default="diagonal"
        Whether the features of a class are independent, as naive Bayes assumes, or
        correlated like the rows of a random Gaussian matrix, with the same variances.

    recentre : bool, default=True
        Whether to map features to ``x / c - 1`` with ``c = 2 ** (n_classes - 3)`` if
        there are more than two classes, so that logistic regression on them is well
        conditioned. Variances shrink accordingly.

    return_bayes_error : bool, default=False
        Whether to return the smallest error that any classifier has.

    random_state : int, RandomState instance or None, default=None
        Determines the correlations, the rows and their order.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        The rows.

    y : ndarray of shape (n_samples,)
        The labels, 0 to ``n_classes - 1``.

    bayes_error : float
        The error of the best classifier, only if `return_bayes_error` is True.

    See Also
    --------
    sklearn_theory.linear_model.NaiveBayesVsLogistic : Compares the two.

    References
    ----------
    .. [1] C. Zheng, G. Wu, F. Bao, Y. Cao, C. Li and J. Zhu, "Revisiting
       Discriminative vs. Generative Classifiers: Theory and Implications", ICML 2023,
       arXiv:2302.02334.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_gaussian_regimes
    >>> X, y, bayes_error = make_gaussian_regimes(
    ...     n_samples=60, n_features=4, return_bayes_error=True, random_state=0
    ... )
    >>> X.shape
    (60, 4)
    >>> print(f"{bayes_error:.4f}")
    0.0569
    """
    random = check_random_state(random_state)
    centres = np.append(-1.0, 2.0 ** np.arange(n_classes - 1))
    deviations = np.sqrt(_variances(n_features))
    correlation = _CORRELATIONS[covariance](n_features, random)
    y = random.permutation(np.arange(n_samples) % n_classes)
    X = random.standard_normal((n_samples, n_features))
    if correlation is not None:
        X = X @ np.linalg.cholesky(correlation).T
    X = X * deviations + centres[y, np.newaxis]
    if recentre and n_classes > 2:
        X = X / 2.0 ** (n_classes - 3) - 1
    if not return_bayes_error:
        return X, y
    return X, y, _bayes_error(centres, deviations, correlation)


def _variances(n_features):
    return np.where(np.arange(n_features) < n_features // 2, float(n_features), 1.0)


def _no_correlation(n_features, random):
    return None


def _random_correlation(n_features, random):
    """Scale a random Gram matrix to a unit diagonal."""
    rows = random.standard_normal((n_features, 2 * n_features))
    gram = rows @ rows.T
    deviations = np.sqrt(np.diag(gram))
    return gram / np.outer(deviations, deviations)


_CORRELATIONS = {"diagonal": _no_correlation, "correlated": _random_correlation}


def _bayes_error(centres, deviations, correlation):
    """Compute the error of thresholds half-way between neighbouring centres.

    Along the discriminant the classes are normal with unit variance, and their
    distance is that of the centres times the discriminant's length.
    """
    direction = 1 / deviations
    if correlation is None:
        length = np.linalg.norm(direction)
    else:
        length = np.sqrt(direction @ np.linalg.solve(correlation, direction))
    return float(2 / len(centres) * ndtr(-length * np.diff(centres) / 2).sum())
