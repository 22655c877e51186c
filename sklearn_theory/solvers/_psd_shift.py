# SPDX-License-Identifier: BSD-3-Clause
"""A diagonal that makes a graph positive semidefinite, certified.

A graph of nearest neighbours has negative eigenvalues, so that the term of the graph is
not concave and a sweep may raise the objective. A diagonal changes nothing where
assignments are hard, for then ``s.s = 1``. Three diagonals are certain to be enough, by
one line of algebra each:

- *degree*: ``D + W = sum_pq w_pq (e_p + e_q)(e_p + e_q)' / 2``.
- *triangles*: give each triangle the least, over its edges, of the edge's weight shared
  evenly among the triangles that hold it. No edge then gives more than it has. A triangle
  of weight m is ``m (1_T 1_T' - I_T)``, and books m at each of its corners; what is left
  of the edges books as the degree does. Two edges at a corner would have booked 2 m, so
  that the sum is the degree less the weights of the triangles at the row.
- *eigenvalue*: the smallest one, computed of the whole matrix with a margin for rounding.

The smaller of two such diagonals, row by row, is no such diagonal: a star with four
leaves has the smallest eigenvalue -2, but with 2 at its centre and 1 at its leaves, which
is the smaller of degree and eigenvalue, it is not positive semidefinite.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from ._psd_shift_fast import add_triangles, share_of_triangles

_MOST_NEIGHBOURS = 100
_MOST_ROWS = 1000


class Shift(NamedTuple):
    """A diagonal, and why it is enough.

    Parameters
    ----------
    values : ndarray of float64 of shape (n_rows,)
        The diagonal.

    certificate : {"triangles", "eigenvalue", "degree", "none"}
        Why the shifted graph is positive semidefinite; ``"none"`` if nothing says so.
    """

    values: np.ndarray
    certificate: str


def psd_shift(weights, psd="auto"):
    """Find a diagonal with which the graph is positive semidefinite.

    Parameters
    ----------
    weights : csr_array of shape (n_rows, n_rows)
        Non-negative weights without a diagonal. Of weights that are not symmetric the
        symmetric part counts.

    psd : {"auto", "degree", "none"}, default="auto"
        ``"degree"`` takes the sums of the rows, ``"none"`` zeros. ``"auto"`` takes the
        degree less the triangles; in a graph so dense that this would be slow, it takes
        the eigenvalue, up to 1,000 rows and if that is less than the mean degree, and
        else the degree. It does not depend on the order of the rows.

    Returns
    -------
    shift : Shift
        The diagonal and its certificate.
    """
    return _SHIFTS[psd](weights)


def _no_shift(weights):
    return Shift(np.zeros(weights.shape[0]), "none")


def _degree_shift(weights):
    weights = _symmetric_part(weights)
    return Shift(np.asarray(weights.sum(axis=1), dtype=np.float64), "degree")


def _smallest_known_shift(weights):
    weights = _symmetric_part(weights)
    if _neighbours_seen(weights) <= _MOST_NEIGHBOURS:
        return _triangle_shift(weights)
    degree = _degree_shift(weights)
    if weights.shape[0] > _MOST_ROWS:
        return degree
    eigenvalue = _eigenvalue_shift(weights)
    return min(degree, eigenvalue, key=lambda shift: shift.values.mean())


def _triangle_shift(weights):
    graph = weights.indptr, weights.indices
    saved = add_triangles(*graph, share_of_triangles(*graph, weights.data))
    return Shift(_degree_shift(weights).values - saved, "triangles")


def _eigenvalue_shift(weights):
    matrix = weights.toarray()
    spectrum = np.linalg.eigvalsh(matrix)
    # The computed eigenvalues are those of a matrix so near.
    margin = len(matrix) * np.finfo(np.float64).eps * np.abs(spectrum).max()
    value = max(0.0, margin - spectrum[0])
    return Shift(np.full(len(matrix), value), "eigenvalue")


def _neighbours_seen(weights):
    """Average the number of neighbours over the ends of all edges."""
    counts = np.diff(weights.indptr).astype(np.float64)
    return (counts**2).sum() / max(counts.sum(), 1)


def _symmetric_part(weights):
    """Symmetrise in double precision, with sorted indices."""
    weights = sparse.csr_array(weights, dtype=np.float64)
    if abs(weights - weights.T).nnz:
        weights = sparse.csr_array((weights + weights.T) / 2)
    elif not weights.has_sorted_indices:
        weights = weights.sorted_indices()
    return weights


_SHIFTS = {
    "auto": _smallest_known_shift,
    "degree": _degree_shift,
    "none": _no_shift,
}
