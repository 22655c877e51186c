# SPDX-License-Identifier: BSD-3-Clause
"""What every metric on labels can do, and how it decodes when it knows no shortcut."""

from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator
from sklearn.utils import gen_batches
from sklearn.utils.parallel import Parallel, delayed

# Values of the Fréchet variance that differ by less, relative to the largest one of their
# row, are ties: the lowest label wins, whatever the order of the summation.
TIE_TOLERANCE = 1e-12

# No array with a side longer than this many labels squared is ever formed.
MAX_TABLE = 20_000


class LabelMetric(BaseEstimator):
    """Base class of the metrics on labels.

    Labels are positions 0, ..., ``n_labels`` - 1. A subclass implements
    :meth:`sq_rows`, and ``_prepare``, which validates the parameters and returns what
    the other methods need. Where its geometry allows a faster exact rule, it also
    overrides :meth:`frechet` or :meth:`frechet_variance`.

    Attributes
    ----------
    n_labels : int
        The number of labels.

    Examples
    --------
    >>> from sklearn_theory.label_space import PathMetric
    >>> metric = PathMetric(n_labels=5)
    >>> metric.frechet([[0.5, 0.5]], observed=[0, 4])
    array([2])
    """

    def validate(self):
        """Check the parameters, before any work is done.

        Returns
        -------
        self : LabelMetric
            The metric itself.

        Raises
        ------
        ValueError
            If the parameters do not define a metric; the message names the culprit.
        """
        self._prepared()
        return self

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
        raise AttributeError(f"{type(self).__name__} must implement sq_rows.")

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
        sources, row = np.unique(i.ravel(), return_inverse=True)
        distances = np.empty(i.size)
        for batch in gen_batches(
            len(sources), rows_that_fit(self._floats_per_sq_row())
        ):
            inside = (row >= batch.start) & (row < batch.stop)
            rows = self.sq_rows(sources[batch])
            distances[inside] = rows[row[inside] - batch.start, j.ravel()[inside]]
        return np.sqrt(distances).reshape(i.shape)

    def frechet_variance(self, P, observed):
        """Compute the Fréchet variance of every label.

        Parameters
        ----------
        P : {array-like, sparse matrix} of shape (n_samples, n_observed)
            Non-negative weights of the observed labels.

        observed : array-like of shape (n_observed,)
            Positions of the labels that the columns of `P` stand for.

        Returns
        -------
        variance : ndarray of shape (n_samples, n_labels)
            The weighted sum of squared distances from each label to the observed ones.
        """
        P, observed = self._check_weights(P, observed)
        return self._variance(P, observed)

    def frechet(
        self,
        P,
        observed,
        *,
        top_k=None,
        working_memory=None,
        n_jobs=None,
        backend="auto",
        device=None,
    ):
        """Find the label that minimises the Fréchet variance, for each row of weights.

        Parameters
        ----------
        P : {array-like, sparse matrix} of shape (n_samples, n_observed)
            Non-negative weights of the observed labels; only their ratios matter.

        observed : array-like of shape (n_observed,)
            Positions of the labels that the columns of `P` stand for.

        top_k : int or None, default=None
            Keep only the `top_k` largest weights of each row.

        working_memory : float or None, default=None
            The memory, in MiB, that temporary arrays may take; None takes
            scikit-learn's configuration.

        n_jobs : int or None, default=None
            Number of threads that decode blocks of rows.

        backend : {"auto", "numpy", "torch"}, default="auto"
            "numpy" decodes on the CPU with BLAS and compiled loops, "torch" with torch
            on `device`; "auto" takes torch only where `device` is no CPU.

        device : str or None, default=None
            A device of torch, such as "cuda"; None is the CPU.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Positions of the minimisers; ties go to the lowest position.

        Raises
        ------
        ValueError
            If `P` has negative or non-finite entries or a row of zeros, `top_k` is no
            positive integer, or `backend` is none of those named.
        """
        check_decoding(top_k, backend)
        P, observed = self._check_weights(P, observed)
        if top_k is not None:
            P = keep_largest(P, top_k)
        decode, n_floats = self._decode, self._floats_per_row(P.shape[1])
        if backend == "torch" or (backend == "auto" and device not in (None, "cpu")):
            decode, n_floats = self._torch_decoder(device), self._torch_floats_per_row()
        if working_memory is None:
            working_memory = get_config()["working_memory"]
        with config_context(working_memory=working_memory):
            parts = Parallel(n_jobs=n_jobs, prefer="threads")(
                delayed(decode)(P[batch], observed)
                for batch in gen_batches(P.shape[0], rows_that_fit(n_floats))
            )
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.intp)

    # --- what subclasses replace ---------------------------------------------------

    def _prepare(self):
        """Validate the parameters and return what the methods need."""
        return None

    def _variance(self, P, observed):
        """Accumulate P @ D^2 over chunks of observed labels."""
        variance = np.zeros((P.shape[0], self.n_labels))
        for columns, sq_distances in self._sq_row_chunks(P, observed):
            variance += P[:, columns] @ sq_distances
        return variance

    def _sq_row_chunks(self, P, observed):
        """Columns of `P` that are used, with their rows of D^2, as many as fit."""
        used = np.unique(P.indices) if sparse.issparse(P) else np.arange(len(observed))
        for chunk in gen_batches(len(used), rows_that_fit(self._floats_per_sq_row())):
            yield used[chunk], self.sq_rows(observed[used[chunk]])

    def _decode(self, P, observed):
        return lowest_argmin(self._variance(P, observed))

    def _torch_decoder(self, device):
        from ._torch_decoding import table_decoder

        return table_decoder(self, device)

    def _floats_per_row(self, n_observed):
        """How many floats decoding one row takes."""
        return 2 * self.n_labels

    def _torch_floats_per_row(self):
        """How many floats decoding one row takes on torch."""
        return 2 * self.n_labels

    def _floats_per_sq_row(self):
        """How many floats computing one row of D^2 takes."""
        return 2 * self.n_labels

    # --- shared steps --------------------------------------------------------------

    def _prepared(self):
        """What `_prepare` returned for the present parameters."""
        parameters = [getattr(self, name) for name in self._get_param_names()]
        cached = self.__dict__.get("_cache")
        if cached is None or any(
            old is not new for old, new in zip(cached[0], parameters)
        ):
            self._cache = cached = (parameters, self._prepare())
        return cached[1]

    def __getstate__(self):
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_cache"}

    def _check_weights(self, P, observed):
        observed = check_positions(observed, self.n_labels, "observed")
        P = check_weights(P, len(observed))
        return P, observed


def rows_that_fit(n_floats):
    """Find how many rows of floats fit the working memory of the configuration.

    Parameters
    ----------
    n_floats : int
        Floats of eight bytes in a row.

    Returns
    -------
    n_rows : int
        The number of rows, at least one.
    """
    return max(1, int(get_config()["working_memory"] * 2**20 // (8 * max(1, n_floats))))


def check_decoding(top_k, backend):
    """Check how to decode.

    Parameters
    ----------
    top_k : int or None
        How many weights of each row to keep.

    backend : str
        Where to decode.
    """
    if top_k is not None and not (isinstance(top_k, Integral) and top_k >= 1):
        raise ValueError(f"top_k must be a positive integer or None, got {top_k!r}.")
    if backend not in ("auto", "numpy", "torch"):
        raise ValueError(
            f"backend must be 'auto', 'numpy' or 'torch', got {backend!r}."
        )


def check_positions(positions, n_labels, name):
    """Check positions of labels.

    Parameters
    ----------
    positions : array-like of int
        The positions.

    n_labels : int
        The number of labels.

    name : str
        What they are called in the error message.

    Returns
    -------
    positions : ndarray of intp
        The positions as an array.
    """
    array = np.asarray(positions)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be a non-empty list of label positions, got {positions!r}."
        )
    if array.min() < 0 or array.max() >= n_labels:
        culprit = array[(array < 0) | (array >= n_labels)][0]
        raise ValueError(
            f"{name} holds the position {culprit}; the metric has {n_labels} labels, so "
            f"that positions must lie in [0, {n_labels - 1}]."
        )
    if len(np.unique(array)) < len(array):
        values, counts = np.unique(array, return_counts=True)
        raise ValueError(f"{name} holds the position {values[counts > 1][0]} twice.")
    return array.astype(np.intp)


def check_weights(P, n_observed):
    """Check the weights of observed labels, dense or CSR.

    Parameters
    ----------
    P : {array-like, sparse matrix} of shape (n_samples, n_observed)
        The weights.

    n_observed : int
        How many columns are expected.

    Returns
    -------
    P : {ndarray, csr_array} of float64
        The weights; negative or non-finite entries and rows of zeros are refused.
    """
    if sparse.issparse(P):
        P = sparse.csr_array(P, dtype=np.float64)
        P.sum_duplicates()
        values = P.data
    else:
        P = values = np.asarray(P, dtype=np.float64)
    if P.ndim != 2 or P.shape[1] != n_observed:
        raise ValueError(
            f"P has the shape {P.shape}; expected (n_samples, {n_observed}), a column for "
            "each observed label."
        )
    if not np.isfinite(values).all():
        raise ValueError("P holds NaN or infinite probabilities; they must be finite.")
    if values.size and values.min() < 0:
        raise ValueError(
            f"P holds the negative probability {values.min():.3g}; all must be >= 0."
        )
    totals = np.asarray(P.sum(axis=1)).ravel()
    if not totals.all():
        raise ValueError(
            f"Row {np.flatnonzero(totals == 0)[0]} of P is all zero; each row needs at "
            "least one positive probability."
        )
    return P


def keep_largest(P, top_k):
    """Keep the `top_k` largest weights of each row.

    Parameters
    ----------
    P : {ndarray, csr_array} of shape (n_samples, n_observed)
        Weights.

    top_k : int
        How many to keep.

    Returns
    -------
    kept : csr_array of shape (n_samples, n_observed)
        The largest weights; among equal ones the first columns are kept.
    """
    if not sparse.issparse(P):
        columns = np.argsort(-P, axis=1, kind="stable")[:, :top_k]
        rows = np.repeat(np.arange(len(P)), columns.shape[1])
        values = np.take_along_axis(P, columns, axis=1).ravel()
        kept = sparse.csr_array((values, (rows, columns.ravel())), shape=P.shape)
    else:
        kept = P.copy()
        for start, stop in zip(P.indptr[:-1], P.indptr[1:]):
            order = np.argsort(-P.data[start:stop], kind="stable")
            kept.data[start:stop][order[top_k:]] = 0
    kept.eliminate_zeros()
    return kept


def lowest_argmin(values):
    """Find the first column whose value is the row's minimum, up to rounding.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_labels)
        The values.

    Returns
    -------
    columns : ndarray of shape (n_samples,)
        The lowest column within `TIE_TOLERANCE` of the minimum, relative to the
        largest magnitude in the row.
    """
    slack = TIE_TOLERANCE * np.abs(values).max(axis=1, keepdims=True)
    return np.argmax(values <= values.min(axis=1, keepdims=True) + slack, axis=1)
