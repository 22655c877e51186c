# SPDX-License-Identifier: BSD-3-Clause
"""Labels on a grid, decoded axis by axis or plane by plane."""

from itertools import combinations
from numbers import Integral

import numpy as np
from scipy import sparse

from ._base_metric import LabelMetric
from ._simple_metrics import axis_variance, round_half_down


class GridMetric(LabelMetric):
    """Labels are the cells of a grid, in C order.

    The squared distance of ``p=2`` is a sum over the axes, so that each coordinate is
    decoded alone, like an order. For ``p=1`` it has one more term for each pair of axes,
    which depends on the weights' marginals in that plane alone.

    Parameters
    ----------
    shape : tuple of int
        The lengths of the grid's sides.

    p : {1, 2}, default=1
        1 counts steps along the axes, 2 is the Euclidean distance.

    Attributes
    ----------
    n_labels : int
        The number of labels.

    Examples
    --------
    >>> from sklearn_theory.label_space import GridMetric
    >>> GridMetric((3, 3)).frechet([[0.5, 0.5]], observed=[0, 2])
    array([1])
    """

    def __init__(self, shape, p=1):
        self.shape = shape
        self.p = p

    @property
    def n_labels(self):
        """The number of labels."""
        return int(np.prod(self.shape))

    def _prepare(self):
        shape = self.shape
        if (
            not isinstance(shape, (tuple, list, np.ndarray))
            or len(shape) == 0
            or any(not isinstance(side, Integral) or side < 1 for side in shape)
        ):
            raise ValueError(
                f"shape must be a tuple of positive integers, got {self.shape!r}."
            )
        if self.p not in (1, 2):
            raise ValueError(f"p must be 1 or 2, got {self.p!r}.")
        return np.stack(np.unravel_index(np.arange(self.n_labels), shape), axis=1)

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
        cells = self._prepared()
        return np.linalg.norm(
            np.asarray(cells[np.asarray(i)] - cells[np.asarray(j)], dtype=float),
            ord=self.p,
            axis=-1,
        )

    def sq_rows(self, i):
        """Compute the squared distances from some labels to all.

        Parameters
        ----------
        i : array-like of shape (n_rows,)
            Positions of labels.

        Returns
        -------
        sq_distances : ndarray of shape (n_rows, n_labels)
            Squared distances.
        """
        cells = self._prepared()
        steps = (np.abs(cells[i][:, None, a] - cells[:, a]) for a in self._axes())
        if self.p == 1:
            return sum(steps).astype(float) ** 2
        return sum(step.astype(float) ** 2 for step in steps)

    def _axes(self):
        return range(len(self.shape))

    def _variance(self, P, observed):
        """Add the variances along each axis, and the mixed terms of each plane."""
        cells = self._prepared()[observed]
        n_axes = len(self.shape)
        variance = np.zeros((P.shape[0], *self.shape))
        for axis in self._axes():
            term = axis_variance(P, cells[:, axis], self.shape[axis])
            variance += spread(term, [axis], n_axes)
        if self.p == 1:
            for plane in combinations(self._axes(), 2):
                sides = [self.shape[axis] for axis in plane]
                term = 2 * mixed_moment(P, cells[:, plane], sides)
                variance += spread(term, plane, n_axes)
        return variance.reshape(P.shape[0], -1)

    def _decode(self, P, observed):
        if self.p == 1 and len(self.shape) > 1:
            return super()._decode(P, observed)
        cells = self._prepared()[observed]
        means = (P @ cells.astype(float)) / np.asarray(P.sum(axis=1)).reshape(-1, 1)
        coordinates = [
            round_half_down(means[:, a], self.shape[a]) for a in self._axes()
        ]
        return np.ravel_multi_index(coordinates, self.shape)

    def _floats_per_row(self, n_observed):
        # The result, a term of a plane, and the running sums that give it.
        return 6 * self.n_labels


def mixed_moment(P, positions, sides):
    """Compute the weighted product of the distances along two axes.

    The weights are summed up in the plane first; what is left costs one pass along each
    axis.

    Parameters
    ----------
    P : {ndarray, csr_array} of shape (n_samples, n_observed)
        Weights.

    positions : ndarray of shape (n_observed, 2)
        Coordinates of the observed labels in the plane.

    sides : list of int
        The two sides of the plane.

    Returns
    -------
    moment : ndarray of shape (n_samples, sides[0], sides[1])
        The moment at every cell of the plane.
    """
    cell = np.ravel_multi_index(positions.T, sides)
    to_plane = sparse.csr_array(
        (np.ones(len(cell)), (np.arange(len(cell)), cell)),
        shape=(len(cell), sides[0] * sides[1]),
    )
    plane = P @ to_plane
    plane = plane.toarray() if sparse.issparse(plane) else plane
    plane = plane.reshape(-1, *sides)
    return sum_of_distances(sum_of_distances(plane, axis=1), axis=2)


def sum_of_distances(weights, axis):
    """Compute the weighted sum of |a - b| over all b, for every a of an axis.

    Its slope grows by twice the weight passed, so that two running sums give it.

    Parameters
    ----------
    weights : ndarray
        Weights.

    axis : int
        The axis along which distances are taken.

    Returns
    -------
    sums : ndarray
        The sums, of the same shape.
    """
    weights = np.moveaxis(weights, axis, -1)
    sums = np.empty_like(weights)
    sums[..., 0] = weights @ np.arange(weights.shape[-1], dtype=float)
    slope = 2 * np.cumsum(weights[..., :-1], axis=-1)
    sums[..., 1:] = slope - weights.sum(axis=-1, keepdims=True)
    np.cumsum(sums, axis=-1, out=sums)
    return np.moveaxis(sums, -1, axis)


def spread(term, axes, n_axes):
    """Give `term`, of shape (n, sides of `axes`), the dimensions of the whole grid."""
    shape = [1] * n_axes
    for axis, side in zip(axes, term.shape[1:]):
        shape[axis] = side
    return term.reshape(len(term), *shape)
