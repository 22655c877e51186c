# SPDX-License-Identifier: BSD-3-Clause
"""Metadata of a fit: which belong to rows, and those of some rows."""

from ._compat import _num_samples, _safe_indexing


def take_metadata(metadata, rows, n_samples):
    """Cut the metadata that belong to rows down to some rows; leave others as they are.

    Parameters
    ----------
    metadata : dict
        Metadata of a fit.

    rows : ndarray of int
        Rows to keep.

    n_samples : int
        Number of rows of the whole data.

    Returns
    -------
    taken : dict
        The metadata of the rows.
    """
    return {
        name: _safe_indexing(value, rows) if _is_per_row(value, n_samples) else value
        for name, value in metadata.items()
    }


def _is_per_row(value, n_samples):
    return (
        hasattr(value, "__len__")
        and not isinstance(value, (str, dict))
        and _num_samples(value) == n_samples
    )
