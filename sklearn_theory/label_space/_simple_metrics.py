# SPDX-License-Identifier: BSD-3-Clause
"""Metrics that need no structure: all labels alike, an order, a table, a function."""

from numbers import Integral

import numpy as np
from scipy import sparse

from ._base_metric import MAX_TABLE, TIE_TOLERANCE, LabelMetric


def check_n_labels(n_labels):
    """Return the number of labels, or say that it is none."""
    if not isinstance(n_labels, Integral) or n_labels < 1:
        raise ValueError(f"n_labels must be a positive integer, got {n_labels!r}.")
    return int(n_labels)


class CompleteMetric(LabelMetric):
    """All labels are equally far apart.

    Decoding is the usual argmax: a label that was never observed cannot win.

    Parameters
    ----------
    n_labels : int
        The number of labels.

    Examples
    --------
    >>> from sklearn_theory.label_space import CompleteMetric
    >>> CompleteMetric(3).frechet([[0.2, 0.8]], observed=[0, 2])
    array([2])
    """

    def __init__(self, n_labels):
        self.n_labels = n_labels

    def _prepare(self):
        check_n_labels(self.n_labels)

    def sq_rows(self, i):
        """Compute the squared distances from some labels to all.

        Parameters
        ----------
        i : array-like of shape (n_rows,)
            Positions of labels.

        Returns
        -------
        sq_distances : ndarray of shape (n_rows, n_labels)
            One everywhere, and zero from a label to itself.
        """
        rows = np.ones((len(i), self.n_labels))
        rows[np.arange(len(i)), i] = 0.0
        return rows

    def _variance(self, P, observed):
        total = np.asarray(P.sum(axis=1)).reshape(-1, 1)
        variance = np.repeat(total, self.n_labels, axis=1)
        variance[:, observed] -= P.toarray() if sparse.issparse(P) else P
        return variance

    def _decode(self, P, observed):
        P = P.toarray() if sparse.issparse(P) else P
        order = np.argsort(observed)
        return observed[order][np.argmax(P[:, order], axis=1)]

    def _floats_per_row(self, n_observed):
        return 2 * n_observed


class PathMetric(LabelMetric):
    """Labels stand in an order, one step apart: the distance of two is their difference.

    Decoding rounds the mean position; a mean half-way between two labels goes to the
    lower one.

    Parameters
    ----------
    n_labels : int
        The number of labels.

    Examples
    --------
    >>> from sklearn_theory.label_space import PathMetric
    >>> PathMetric(7).frechet([[0.5, 0.5], [0.9, 0.1]], observed=[0, 6])
    array([3, 1])
    """

    def __init__(self, n_labels):
        self.n_labels = n_labels

    def _prepare(self):
        check_n_labels(self.n_labels)

    def sq_rows(self, i):
        """Compute the squared distances from some labels to all.

        Parameters
        ----------
        i : array-like of shape (n_rows,)
            Positions of labels.

        Returns
        -------
        sq_distances : ndarray of shape (n_rows, n_labels)
            Squared differences of positions.
        """
        return np.subtract.outer(np.asarray(i, float), np.arange(self.n_labels)) ** 2

    def _variance(self, P, observed):
        return axis_variance(P, observed, self.n_labels)

    def _decode(self, P, observed):
        total = np.asarray(P.sum(axis=1)).ravel()
        return round_half_down(P @ observed.astype(float) / total, self.n_labels)

    def _floats_per_row(self, n_observed):
        return 2 * n_observed


def axis_variance(P, positions, side):
    """Compute the weighted squared distance from each coordinate of an axis.

    Parameters
    ----------
    P : {ndarray, csr_array} of shape (n_samples, n_observed)
        Weights.

    positions : ndarray of shape (n_observed,)
        Coordinates of the observed labels.

    side : int
        How many coordinates the axis has.

    Returns
    -------
    variance : ndarray of shape (n_samples, side)
        The weighted spread around the mean, and the squared distance to the mean.
    """
    centred = positions - (side - 1) / 2
    total = np.asarray(P.sum(axis=1)).reshape(-1, 1)
    mean = (P @ centred).reshape(-1, 1) / total
    spread = (P @ centred**2).reshape(-1, 1) - total * mean**2
    coordinates = np.arange(side) - (side - 1) / 2
    return np.maximum(spread, 0.0) + total * (coordinates - mean) ** 2


def round_half_down(means, n_labels):
    """Round to the nearest position, halves (up to rounding errors) to the lower one."""
    lowest = np.ceil(means - 0.5 - TIE_TOLERANCE * n_labels)
    return np.clip(lowest, 0, n_labels - 1).astype(np.intp)


class PrecomputedMetric(LabelMetric):
    """A table of all distances.

    Parameters
    ----------
    distances : array-like of shape (n_labels, n_labels)
        Non-negative, symmetric, zero on the diagonal.

    Attributes
    ----------
    n_labels : int
        The number of labels.

    Examples
    --------
    >>> from sklearn_theory.label_space import PrecomputedMetric
    >>> metric = PrecomputedMetric([[0, 1, 2], [1, 0, 1], [2, 1, 0]])
    >>> metric.frechet([[0.5, 0.5]], observed=[0, 2])
    array([1])
    """

    def __init__(self, distances):
        self.distances = distances

    @property
    def n_labels(self):
        """The number of labels."""
        return len(self.distances)

    def _prepare(self):
        return check_distances(self.distances)

    def sq_rows(self, i):
        """Compute the squared distances from some labels to all.

        Parameters
        ----------
        i : array-like of shape (n_rows,)
            Positions of labels.

        Returns
        -------
        sq_distances : ndarray of shape (n_rows, n_labels)
            Squares of the table's rows.
        """
        return self._prepared()[np.asarray(i)] ** 2


def check_distances(distances, entry="distances[{}, {}]", labels=None):
    """Check a table of distances.

    Parameters
    ----------
    distances : array-like of shape (n_labels, n_labels)
        The table.

    entry : str, default="distances[{}, {}]"
        How the error message names an entry.

    labels : array-like of shape (n_labels,) or None, default=None
        What rows and columns stand for in the message; None takes their numbers.

    Returns
    -------
    distances : ndarray of shape (n_labels, n_labels)
        The table in float64.
    """
    D = np.asarray(distances, dtype=np.float64)
    if D.ndim != 2 or D.shape[0] != D.shape[1] or len(D) == 0:
        raise ValueError(f"distances must be a square table, got the shape {D.shape}.")
    if len(D) > MAX_TABLE:
        raise ValueError(
            f"distances holds {len(D)} labels; a table of all distances is refused beyond "
            f"{MAX_TABLE}. Use TreeMetric, GraphMetric, EmbeddingMetric or CallableMetric."
        )
    for wrong, what in [
        (~np.isfinite(D), "not finite"),
        (D < 0, "negative"),
        (np.diag(np.diag(D) != 0), "not zero on the diagonal"),
        (~np.isclose(D, D.T, rtol=1e-8, atol=0), "not symmetric"),
    ]:
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            names = (i, j) if labels is None else (labels[i], labels[j])
            raise ValueError(f"{entry.format(*names)} = {D[i, j]:.6g} is {what}.")
    return D


class CallableMetric(LabelMetric):
    """A function that computes distances from positions of labels.

    Parameters
    ----------
    function : callable
        ``function(i, j)`` takes two integer arrays of one shape and returns the
        distances of the pairs.

    n_labels : int
        The number of labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.label_space import CallableMetric
    >>> circle = CallableMetric(lambda i, j: np.minimum((i - j) % 8, (j - i) % 8), 8)
    >>> circle.frechet([[0.5, 0.5]], observed=[6, 0])
    array([7])
    """

    def __init__(self, function, n_labels):
        self.function = function
        self.n_labels = n_labels

    def _prepare(self):
        n_labels = check_n_labels(self.n_labels)
        if not callable(self.function):
            raise ValueError(f"function must be callable, got {self.function!r}.")
        probe = np.unique(np.linspace(0, n_labels - 1, 50).astype(np.intp))
        i, j = (grid.ravel() for grid in np.meshgrid(probe, probe, indexing="ij"))
        table = self._distances(i, j).reshape(len(probe), len(probe))
        check_distances(table, "function({}, {})", probe)

    def _floats_per_sq_row(self):
        # Two arrays of positions, the function's own ones, and the result.
        return 8 * self.n_labels

    def _distances(self, i, j):
        distances = np.asarray(self.function(i, j), dtype=np.float64)
        if distances.shape != i.shape:
            raise ValueError(
                f"function returned the shape {distances.shape} for arrays of shape "
                f"{i.shape}; it must return one distance for each pair."
            )
        return distances

    def pairwise(self, i, j):
        """Compute the distances between pairs of labels.

        Parameters
        ----------
        i, j : array-like of int
            Positions of labels; they are broadcast against each other.

        Returns
        -------
        distances : ndarray
            Distances, of the broadcast shape.
        """
        i, j = np.broadcast_arrays(i, j)
        return self._distances(i.ravel(), j.ravel()).reshape(i.shape)

    def sq_rows(self, i):
        """Compute the squared distances from some labels to all.

        Parameters
        ----------
        i : array-like of shape (n_rows,)
            Positions of labels.

        Returns
        -------
        sq_distances : ndarray of shape (n_rows, n_labels)
            Squared values of the function.
        """
        return self.pairwise(np.asarray(i)[:, None], np.arange(self.n_labels)) ** 2
