# SPDX-License-Identifier: BSD-3-Clause
"""From label values to their positions in the metric, and errors that name the value."""

import numpy as np


def check_labels(labels, name="labels"):
    """Check that label values are distinct.

    Parameters
    ----------
    labels : array-like of shape (n_labels,)
        Label values.

    name : str, default="labels"
        What they are called in the error message.

    Returns
    -------
    labels : ndarray of shape (n_labels,)
        The values as an array.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(
            f"{name} must be a non-empty list of values, got the shape {labels.shape}."
        )
    values, counts = np.unique(labels, return_counts=True)
    if len(values) < len(labels):
        raise ValueError(f"{name} holds {values[counts > 1].tolist()[0]!r} twice.")
    return labels


def positions_of(values, labels, name):
    """Find the position of each value among the labels.

    Parameters
    ----------
    values : array-like of shape (n_values,)
        Label values.

    labels : ndarray of shape (n_labels,)
        All label values, in any order.

    name : str
        What the values are called in the error message.

    Returns
    -------
    positions : ndarray of shape (n_values,)
        Positions.
    """
    values = np.asarray(values)
    order = np.argsort(labels, kind="stable")
    found = np.searchsorted(labels, values, sorter=order)
    positions = order[np.minimum(found, len(labels) - 1)]
    unknown = labels[positions] != values
    if np.any(unknown):
        raise ValueError(
            f"{name} holds {values[unknown].tolist()[0]!r}, which is not among the "
            f"{len(labels)} labels."
        )
    return positions
