# SPDX-License-Identifier: BSD-3-Clause
"""Sparse linear problems on which the rules of coordinate descent differ."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state

from ..utils._compat import Interval, StrOptions, validate_params


@validate_params(
    {
        "n_samples": [Interval(Integral, 2, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "target": [StrOptions({"regression", "binary", "multiclass"})],
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "informative": [Interval(Real, 0, 1, closed="right"), None],
        "bias": [Real],
        "scaling": [Interval(Real, 0, None, closed="neither")],
        "density": [Interval(Real, 0, 1, closed="right"), None],
        "noise": [Interval(Real, 0, None, closed="left")],
        "flip": [Interval(Real, 0, 1, closed="both")],
        "sparse_output": ["boolean"],
        "return_coef": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_sparse_linear_problem(
    n_samples=1000,
    n_features=10000,
    *,
    target="regression",
    n_classes=50,
    informative=None,
    bias=1.0,
    scaling=10.0,
    density=None,
    noise=1.0,
    flip=0.1,
    sparse_output=True,
    return_coef=False,
    random_state=None,
):
    r"""Generate a sparse linear problem with columns of very different lengths.

    These are the generators of the data sets A, B and C of [1]_. An entry of `X` is
    normal with mean `bias`, times a normal factor of its column of standard deviation
    `scaling`, and is kept with probability `density`. Columns are thus correlated and
    their Lipschitz constants are spread over orders of magnitude, which tells the rules
    of block coordinate descent apart.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rows.

    n_features : int, default=10000
        Number of columns; data set C has 1000.

    target : {"regression", "binary", "multiclass"}, default="regression"
        Whether `y` is :math:`X w` plus noise (data set A); its sign without noise, -1
        or 1, of which some are flipped (B); or the class of the largest of `n_classes`
        such sums with noise (C).

    n_classes : int, default=50
        Number of classes of "multiclass"; some may be empty.

    informative : float, default=None
        Share of the features with a coefficient other than zero; a tenth, for
        "multiclass" all, if None.

    bias : float, default=1.0
        Mean of the entries before scaling.

    scaling : float, default=10.0
        Standard deviation of the columns' factors.

    density : float, default=None
        Probability of an entry; :math:`10 \log(n) / n` for `n` rows, at most 1, if
        None.

    noise : float, default=1.0
        Standard deviation of the noise of "regression" and "multiclass".

    flip : float, default=0.1
        Probability with which a label of "binary" is flipped.

    sparse_output : bool, default=True
        Whether `X` is a CSC array, or dense.

    return_coef : bool, default=False
        Whether to return the coefficients.

    random_state : int, RandomState instance, Generator instance or None, default=None
        Determines everything.

    Returns
    -------
    X : csc_array or ndarray of shape (n_samples, n_features)
        The rows.

    y : ndarray of shape (n_samples,)
        The targets.

    coef : ndarray of shape (n_features,) or (n_features, n_classes)
        The coefficients, only if `return_coef` is True.

    See Also
    --------
    sklearn_theory.solvers.BCDSolver : Block coordinate descent with these rules.

    References
    ----------
    .. [1] J. Nutini, I. Laradji and M. Schmidt, "Let's Make Block Coordinate Descent
       Converge Faster: Faster Greedy Rules, Message-Passing, Active-Set Complexity, and
       Superlinear Convergence", JMLR 23, 2022, arXiv:1712.08859.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_sparse_linear_problem
    >>> X, y = make_sparse_linear_problem(100, 300, random_state=0)
    >>> X.shape, y.shape
    ((100, 300), (100,))
    >>> norms = abs(X).power(2).sum(axis=0)
    >>> bool(norms.max() > 1e3 * norms.min())
    True
    """
    random = random_state
    if not isinstance(random, np.random.Generator):
        random = check_random_state(random_state)
    X = _sparse_columns(random, n_samples, n_features, bias, scaling, density)
    n_outputs = n_classes if target == "multiclass" else 1
    if informative is None:
        informative = 1.0 if target == "multiclass" else 0.1
    coef = random.standard_normal((n_features, n_outputs))
    coef *= random.random((n_features, 1)) < informative
    y = _TARGETS[target](random, np.asarray(X @ coef), noise, flip)
    X = X if sparse_output else X.toarray()
    return (X, y, coef.squeeze(axis=1) if n_outputs == 1 else coef)[: 2 + return_coef]


def _sparse_columns(random, n_samples, n_features, bias, scaling, density):
    if density is None:
        density = min(1.0, 10 * np.log(n_samples) / n_samples)
    entries = random.standard_normal((n_samples, n_features))
    entries += bias
    entries *= scaling * random.standard_normal(n_features)
    entries *= random.random((n_samples, n_features)) < density
    return sparse.csc_array(entries)


def _regression(random, predictions, noise, flip):
    return predictions[:, 0] + noise * random.standard_normal(len(predictions))


def _binary(random, predictions, noise, flip):
    labels = np.where(predictions[:, 0] >= 0, 1, -1)
    return np.where(random.random(len(labels)) < flip, -labels, labels)


def _multiclass(random, predictions, noise, flip):
    noisy = predictions + noise * random.standard_normal(predictions.shape)
    return np.argmax(noisy, axis=1)


_TARGETS = {"regression": _regression, "binary": _binary, "multiclass": _multiclass}
