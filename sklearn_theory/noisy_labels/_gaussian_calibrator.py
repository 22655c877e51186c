# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian classes of which the rare ones borrow from frequent ones nearby."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state, check_X_y
from sklearn.utils.multiclass import check_classification_targets

from ..utils._compat import Interval, StrOptions, validate_params
from ._borrowing import (
    RIDGES,
    WEIGHTS,
    blend,
    nearest_heads,
    resolve_beta,
    unit_ridge,
)
from ._class_moments import COVARIANCES, class_moments, square_root
from ._head_classes import choose_heads


class GaussianCalibrator:
    r"""Fit a Gaussian to each class, and let rare classes borrow from frequent ones.

    The mean and the covariance of a tail class are blended with those of the `q` head
    classes whose means are nearest,

    .. math::

        \mu'_k = (1 - \beta) \hat\mu_k + \beta \sum_c w_c \hat\mu_c, \qquad
        \Sigma'_k = (1 - \beta) \hat\Sigma_k + \beta \sum_c w_c \hat\Sigma_c
        + \alpha v_k R,

    where :math:`v_k` is the mean variance of the blend and `R` the identity or a matrix
    of ones. Head classes keep what was estimated, save that one with no more rows than
    features gets the ridge, too: its covariance would be singular [1]_.

    Parameters
    ----------
    n_head : {"auto"}, int or list, default="auto"
        The head classes: the more frequent half, rounded up; so many; or these labels.

    q : int, default=3
        Number of head classes that a tail class borrows from; all of them if there are
        fewer.

    beta : float or {"auto"}, default=0.3
        The part that is borrowed. ``"auto"`` estimates for each tail class the part
        :math:`V/(V+B)` that minimises the squared error of the mean, from the variance
        `V` of the mean of the class and the squared error `B` of the borrowed mean.

    alpha : float, default=0.1
        The ridge, in units of the mean variance.

    weights : {"inverse", "count", "uniform"}, default="inverse"
        How the head classes count: in proportion to their size over their distance, to
        their size, or equally.

    covariance : {"full", "diag", "shrunk"}, default="full"
        How covariances are estimated: with all entries, with variances only, or by
        Ledoit and Wolf's shrinkage.

    ridge : {"identity", "ones"}, default="identity"
        What the ridge adds to: the diagonal, or every entry, which regularises one
        direction only.

    min_class_size : int, default=6
        Classes with fewer rows start from the covariance within all classes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    counts_ : ndarray of shape (n_classes,)
        Sizes of the classes.

    raw_means_ : ndarray of shape (n_classes, n_features)
        Means as estimated.

    raw_covariances_ : ndarray of shape (n_classes, n_features, n_features)
        Covariances as estimated.

    pooled_covariance_ : ndarray of shape (n_features, n_features)
        The covariance within all classes.

    means_ : ndarray of shape (n_classes, n_features)
        Means after borrowing.

    covariances_ : ndarray of shape (n_classes, n_features, n_features)
        Covariances after borrowing.

    head_classes_ : ndarray
        Labels of the head classes.

    tail_classes_ : ndarray
        Labels of the others.

    neighbors_ : dict
        For each tail class the labels of the head classes that it borrows from.

    weights_ : dict
        For each tail class their weights, which sum to one.

    beta_ : ndarray of shape (n_classes,)
        The part that each class borrows; 0 for head classes.

    See Also
    --------
    RCAL : Cleans the classes first, and fits a classifier to what it draws.
    sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis : Classifies by Gaussian
        classes.

    Notes
    -----
    This is a plain object: it draws rows and predicts nothing, and so it is no estimator
    of scikit-learn's kinds.

    References
    ----------
    .. [1] M. Zhang, X. Zhao, J. Yao, C. Yuan and W. Huang, "When Noisy Labels Meet Long
       Tail Dilemmas: A Representation Calibration Method", ICCV 2023, arXiv:2211.10955.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_theory.noisy_labels import GaussianCalibrator
    >>> X, y = load_iris(return_X_y=True)
    >>> kept = np.r_[0:50, 50:100, 100:108]
    >>> calibrator = GaussianCalibrator(n_head=2, q=1).fit(X[kept], y[kept])
    >>> calibrator.neighbors_
    {2: [1]}
    >>> calibrator.sample(2, 5, random_state=0).shape
    (5, 4)
    """

    @validate_params(
        {
            "n_head": [
                StrOptions({"auto"}),
                Interval(Integral, 1, None, closed="left"),
                "array-like",
            ],
            "q": [Interval(Integral, 1, None, closed="left")],
            "beta": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
            "alpha": [Interval(Real, 0, None, closed="left")],
            "weights": [StrOptions(set(WEIGHTS))],
            "covariance": [StrOptions(set(COVARIANCES))],
            "ridge": [StrOptions(set(RIDGES))],
            "min_class_size": [Interval(Integral, 2, None, closed="left")],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(
        self,
        n_head="auto",
        *,
        q=3,
        beta=0.3,
        alpha=0.1,
        weights="inverse",
        covariance="full",
        ridge="identity",
        min_class_size=6,
    ):
        self.n_head = n_head
        self.q = q
        self.beta = beta
        self.alpha = alpha
        self.weights = weights
        self.covariance = covariance
        self.ridge = ridge
        self.min_class_size = min_class_size

    def __repr__(self):
        return (
            f"GaussianCalibrator(n_head={self.n_head!r}, q={self.q!r}, "
            f"beta={self.beta!r}, alpha={self.alpha!r})"
        )

    def fit(self, X, y):
        """Estimate the classes and let the tail borrow.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self : GaussianCalibrator
            The fitted object.
        """
        X, y = check_X_y(X, y, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        moments = class_moments(
            X, codes, len(self.classes_), self.covariance, self.min_class_size
        )
        self.counts_, self.raw_means_, self.raw_covariances_, pooled = moments
        self.pooled_covariance_ = pooled
        self._split()
        self._borrow(moments)
        return self

    def sample(self, label, n_samples=1, random_state=None):
        """Draw rows of a class.

        Parameters
        ----------
        label : int or str
            The label of the class.

        n_samples : int, default=1
            Number of rows.

        random_state : int, RandomState instance or None, default=None
            Determines the rows.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows.
        """
        number = np.flatnonzero(self.classes_ == label)
        if len(number) != 1:
            raise ValueError(
                f"label must be one of {self.classes_.tolist()}, got {label!r}."
            )
        k = number[0]
        draws = check_random_state(random_state).standard_normal(
            (n_samples, self.means_.shape[1])
        )
        return self.means_[k] + draws @ square_root(self.covariances_[k]).T

    def _split(self):
        """Tell head classes from tail classes."""
        heads = choose_heads(self.n_head, self.counts_, self.classes_)
        is_head = np.isin(np.arange(len(self.classes_)), heads)
        self.head_classes_ = self.classes_[is_head]
        self.tail_classes_ = self.classes_[~is_head]
        self._heads, self._tails = heads, np.flatnonzero(~is_head)

    def _borrow(self, moments):
        """Blend the tail classes with their nearest head classes."""
        self.means_ = moments.means.copy()
        self.covariances_ = moments.covariances.copy()
        self.beta_ = np.zeros(len(self.classes_))
        self.neighbors_, self.weights_ = {}, {}
        for k in self._tails:
            lenders, weights = nearest_heads(
                moments, k, self._heads, self.q, self.weights
            )
            beta = resolve_beta(self.beta, moments, k, lenders, weights)
            self.means_[k] = blend(moments.means, k, lenders, weights, beta)
            self.covariances_[k] = blend(moments.covariances, k, lenders, weights, beta)
            label = self.classes_.tolist()[k]
            self.neighbors_[label] = self.classes_[lenders].tolist()
            self.weights_[label], self.beta_[k] = weights, beta
        singular = self._heads[moments.counts[self._heads] <= moments.means.shape[1]]
        for k in np.concatenate([self._tails, singular]):
            self.covariances_[k] += self.alpha * unit_ridge(
                self.covariances_[k], self.ridge
            )


def make_calibrator(rcal, counts, classes):
    """Build the calibrator that an RCAL describes.

    Parameters
    ----------
    rcal : RCAL
        The estimator.

    counts : ndarray of shape (n_classes,)
        Sizes of the classes as observed, by which the head classes are chosen.

    classes : ndarray of shape (n_classes,)
        The labels.

    Returns
    -------
    calibrator : GaussianCalibrator
        The calibrator, not fitted.
    """
    return GaussianCalibrator(
        classes[choose_heads(rcal.n_head, counts, classes)],
        q=rcal.q,
        beta=rcal.beta,
        alpha=rcal.alpha,
        weights=rcal.weights,
        covariance=rcal.covariance,
        ridge=rcal.ridge,
        min_class_size=rcal.min_class_size,
    )
