# SPDX-License-Identifier: BSD-3-Clause
"""Local outlier factors within each class: labels that do not fit their neighbours."""

from numbers import Integral, Real

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_array, check_random_state, check_X_y
from sklearn.utils.multiclass import check_classification_targets

from ..utils._compat import Interval, StrOptions, validate_params

_USUAL_THRESHOLD = -1.5
_FEWEST_NEIGHBORS = 5
_DENSITY_FLOOR = 1e-10
_ROWS_A_BATCH = 1000


class ClassConditionalLOF:
    r"""Find rows that do not fit the other rows of their class.

    For every class the local outlier factors of its rows among themselves are computed,
    as :class:`sklearn.neighbors.LocalOutlierFactor` does on that class alone, from one
    query for neighbours. In a representation that was learned without labels, rows with
    a wrong label tend to lie apart from their class [1]_.

    Parameters
    ----------
    n_neighbors : float or int, default=0.5
        Number of neighbours: as a fraction of the size of the class, and five at least,
        or as it is; all other rows of the class if there are fewer. Wrong labels of one
        origin form a cluster of their own, and the neighbours must be more than its
        rows for them to stand out.

    contamination : {"auto"}, float or array-like of shape (n_classes,), default="auto"
        The share of rows to flag, at most a half, for all classes or for each in the
        order of the sorted labels; 0 in an array flags none. With ``"auto"`` rows with
        a factor above 1.5 are flagged.

    min_class_size : int, default=6
        In classes with fewer rows nothing is flagged.

    max_reference : int, default=10000
        Rows of larger classes are compared with so many rows of them, drawn at random.

    n_jobs : int or None, default=None
        Number of jobs of the search for neighbours.

    random_state : int, RandomState instance or None, default=None
        Determines the rows that large classes are compared with.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    outlier_factors_ : ndarray of shape (n_samples,)
        The factors; about 1 for rows that are as densely surrounded as their neighbours,
        and exactly 1 in classes that are too small.

    inlier_mask_ : ndarray of bool of shape (n_samples,)
        False for the rows that are flagged.

    n_neighbors_ : ndarray of shape (n_classes,)
        Number of neighbours in each class; 0 in classes that are too small.

    See Also
    --------
    RCAL : Uses it if the noise rate is given.
    sklearn.neighbors.LocalOutlierFactor : The factors on all rows at once.

    Notes
    -----
    This is a plain object: scikit-learn's outlier detectors take no labels, and judge new
    rows, of which no label is known.

    References
    ----------
    .. [1] M. Zhang, X. Zhao, J. Yao, C. Yuan and W. Huang, "When Noisy Labels Meet Long
       Tail Dilemmas: A Representation Calibration Method", ICCV 2023, arXiv:2211.10955.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_theory.noisy_labels import ClassConditionalLOF
    >>> X, y = load_iris(return_X_y=True)
    >>> y[[3, 60]] = 2
    >>> lof = ClassConditionalLOF().fit(X, y)
    >>> lof.inlier_mask_[[3, 60]], lof.inlier_mask_.mean() > 0.9
    (array([False, False]), np.True_)
    """

    @validate_params(
        {
            "n_neighbors": [
                Interval(Real, 0, 1, closed="neither"),
                Interval(Integral, 1, None, closed="left"),
            ],
            "contamination": [
                StrOptions({"auto"}),
                Interval(Real, 0, 0.5, closed="right"),
                "array-like",
            ],
            "min_class_size": [Interval(Integral, 2, None, closed="left")],
            "max_reference": [Interval(Integral, 2, None, closed="left")],
            "n_jobs": [Integral, None],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(
        self,
        n_neighbors=0.5,
        *,
        contamination="auto",
        min_class_size=6,
        max_reference=10_000,
        n_jobs=None,
        random_state=None,
    ):
        self.n_neighbors = n_neighbors
        self.contamination = contamination
        self.min_class_size = min_class_size
        self.max_reference = max_reference
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __repr__(self):
        return (
            f"ClassConditionalLOF(n_neighbors={self.n_neighbors!r}, "
            f"contamination={self.contamination!r})"
        )

    def fit(self, X, y):
        """Compute the factors and flag rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            Labels, some of which may be wrong.

        Returns
        -------
        self : ClassConditionalLOF
            The fitted object.
        """
        X, y = check_X_y(X, y, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        shares = class_contamination(self.contamination, len(self.classes_))
        random = check_random_state(self.random_state)
        self.outlier_factors_ = np.ones(len(X))
        self.inlier_mask_ = np.ones(len(X), dtype=bool)
        self.n_neighbors_ = np.zeros(len(self.classes_), dtype=int)
        for k in range(len(self.classes_)):
            members = np.flatnonzero(codes == k)
            if len(members) >= self.min_class_size:
                factors = self._factors(X[members], k, random)
                self.outlier_factors_[members] = factors
                self.inlier_mask_[members] = within(factors, shares[k])
        return self

    def fit_predict(self, X, y):
        """Compute the factors and tell the flagged rows from the others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            Labels, some of which may be wrong.

        Returns
        -------
        is_inlier : ndarray of shape (n_samples,)
            -1 for rows that are flagged, else 1.
        """
        return np.where(self.fit(X, y).inlier_mask_, 1, -1)

    def _factors(self, X, k, random):
        """Compute the factors of one class, on part of its rows if it is large."""
        n_reference = min(len(X), self.max_reference)
        self.n_neighbors_[k] = resolve_n_neighbors(self.n_neighbors, n_reference)
        if n_reference == len(X):
            return local_outlier_factors(X, self.n_neighbors_[k], self.n_jobs)
        reference = np.sort(random.choice(len(X), n_reference, replace=False))
        return sampled_factors(X, reference, self.n_neighbors_[k], self.n_jobs)


def class_contamination(contamination, n_classes):
    """Return the share of each class, or NaN where the usual threshold holds.

    Parameters
    ----------
    contamination : {"auto"}, float or array-like of shape (n_classes,)
        The parameter.

    n_classes : int
        Number of classes.

    Returns
    -------
    shares : ndarray of shape (n_classes,)
        Shares of the rows to flag.
    """
    if isinstance(contamination, str):
        return np.full(n_classes, np.nan)
    if isinstance(contamination, Real):
        return np.full(n_classes, float(contamination))
    shares = check_array(contamination, ensure_2d=False, dtype=float)
    if shares.shape != (n_classes,) or shares.min() < 0 or shares.max() > 0.5:
        raise ValueError(
            f"contamination must hold a share between 0 and 0.5 for each of the "
            f"{n_classes} classes, got {contamination!r}."
        )
    return shares


def resolve_n_neighbors(n_neighbors, n_rows):
    """Turn a fraction of a class into a number of neighbours that it has.

    Parameters
    ----------
    n_neighbors : float or int
        The parameter.

    n_rows : int
        Size of the class.

    Returns
    -------
    n_neighbors : int
        At most ``n_rows - 1``.
    """
    if not isinstance(n_neighbors, Integral):
        n_neighbors = max(int(n_neighbors * n_rows), _FEWEST_NEIGHBORS)
    return min(n_neighbors, n_rows - 1)


def within(factors, share):
    """Tell which rows stay if a share of them is flagged, or by the usual threshold."""
    negative = -factors
    if np.isnan(share):
        return negative >= _USUAL_THRESHOLD
    return negative >= np.percentile(negative, 100 * share)


def local_outlier_factors(X, n_neighbors, n_jobs=None):
    """Compare the density at each row with that at its neighbours.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows.

    n_neighbors : int
        Number of neighbours.

    n_jobs : int or None, default=None
        Number of jobs of the search.

    Returns
    -------
    factors : ndarray of shape (n_samples,)
        The factors.
    """
    search = NearestNeighbors(n_neighbors=n_neighbors, n_jobs=n_jobs).fit(X)
    distances, neighbors = search.kneighbors()
    density = _density(distances, neighbors, distances[:, -1])
    return _neighbour_mean(density, neighbors) / density


def sampled_factors(X, reference, n_neighbors, n_jobs=None):
    """Compare the density at each row with that at its neighbours among some rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows.

    reference : ndarray of int
        The rows to compare with.

    n_neighbors : int
        Number of neighbours.

    n_jobs : int or None, default=None
        Number of jobs of the search.

    Returns
    -------
    factors : ndarray of shape (n_samples,)
        The factors.
    """
    factors = np.empty(len(X))
    search = NearestNeighbors(n_neighbors=n_neighbors, n_jobs=n_jobs).fit(X[reference])
    distances, neighbors = search.kneighbors()
    reach = distances[:, -1]
    density = _density(distances, neighbors, reach)
    factors[reference] = _neighbour_mean(density, neighbors) / density
    others = np.setdiff1d(np.arange(len(X)), reference)
    for batch in _batches(len(others)):
        rows = others[batch]
        distances, neighbors = search.kneighbors(X[rows])
        factors[rows] = _neighbour_mean(density, neighbors)
        factors[rows] /= _density(distances, neighbors, reach)
    return factors


def _density(distances, neighbors, reach):
    """Invert the mean distance to neighbours, none shorter than their own reach."""
    means = np.empty(len(distances))
    for rows in _batches(len(distances)):
        reached = np.maximum(distances[rows], reach[neighbors[rows]])
        means[rows] = reached.mean(axis=1)
    return 1 / (means + _DENSITY_FLOOR)


def _neighbour_mean(density, neighbors):
    means = np.empty(len(neighbors))
    for rows in _batches(len(neighbors)):
        means[rows] = density[neighbors[rows]].mean(axis=1)
    return means


def _batches(n_rows):
    """Cut rows so that what is computed for all their neighbours stays small."""
    starts = range(0, n_rows, _ROWS_A_BATCH)
    return [slice(start, start + _ROWS_A_BATCH) for start in starts]
