# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian classes that lie in groups, so that a rare class has near relatives."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from ..utils._compat import Interval, validate_params


@validate_params(
    {
        "n_samples_per_class": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "n_super_classes": [Interval(Integral, 1, None, closed="left")],
        "class_sep": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_super_classes(
    n_samples_per_class=500,
    *,
    n_classes=10,
    n_features=16,
    n_super_classes=3,
    class_sep=4.0,
    random_state=None,
):
    r"""Generate Gaussian classes whose means lie in groups.

    Centres of groups are drawn from :math:`N(0, s^2/m \, I)` with the separation `s` and
    `m` features; the mean of class `k` is the centre of group `k` modulo their number,
    plus a draw from :math:`N(0, s^2/(2m) \, I)`. All classes have the covariance
    :math:`(I + A A^\top)/2` with entries of `A` from :math:`N(0, 1/m)`. This is the
    setting of the theory of [1]_: normal classes with one covariance, the rare ones
    near to some that are not.

    Parameters
    ----------
    n_samples_per_class : int, default=500
        Number of rows of each class.

    n_classes : int, default=10
        Number of classes.

    n_features : int, default=16
        Number of features.

    n_super_classes : int, default=3
        Number of groups.

    class_sep : float, default=4.0
        The separation.

    random_state : int, RandomState instance or None, default=None
        Determines the classes and the rows.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        The rows, class after class.

    y : ndarray of shape (n_samples,)
        The labels, 0 to ``n_classes - 1``.

    See Also
    --------
    make_long_tail_noisy : Makes labelled data long-tailed and noisy.

    References
    ----------
    .. [1] M. Zhang, X. Zhao, J. Yao, C. Yuan and W. Huang, "When Noisy Labels Meet Long
       Tail Dilemmas: A Representation Calibration Method", ICCV 2023, arXiv:2211.10955.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_super_classes
    >>> X, y = make_super_classes(20, n_classes=5, random_state=0)
    >>> X.shape
    (100, 16)
    """
    random = check_random_state(random_state)
    shape = n_classes, n_features
    spread = class_sep / np.sqrt(n_features)
    centres = spread * random.standard_normal((n_super_classes, n_features))
    means = spread / np.sqrt(2) * random.standard_normal(shape)
    means += centres[np.arange(n_classes) % n_super_classes]
    mixing = random.standard_normal((n_features, n_features)) / np.sqrt(n_features)
    root = np.linalg.cholesky(0.5 * (np.eye(n_features) + mixing @ mixing.T))
    y = np.repeat(np.arange(n_classes), n_samples_per_class)
    return means[y] + random.standard_normal((len(y), n_features)) @ root.T, y
