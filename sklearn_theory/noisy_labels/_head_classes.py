# SPDX-License-Identifier: BSD-3-Clause
"""Which classes are frequent enough to lend their statistics."""

from numbers import Integral

import numpy as np


def choose_heads(n_head, counts, classes):
    """Choose the head classes.

    Parameters
    ----------
    n_head : {"auto"}, int or list
        The more frequent half of the classes, rounded up; so many; or these labels.

    counts : ndarray of shape (n_classes,)
        Observed sizes of the classes.

    classes : ndarray of shape (n_classes,)
        The labels.

    Returns
    -------
    heads : ndarray of int
        Sorted numbers of the head classes; of equally frequent ones the first count as
        the more frequent.
    """
    if not isinstance(n_head, (str, Integral)):
        return _named(n_head, classes)
    if isinstance(n_head, Integral) and n_head > len(classes):
        raise ValueError(f"n_head={n_head} is more than the {len(classes)} classes.")
    n = -(-len(classes) // 2) if isinstance(n_head, str) else n_head
    return np.sort(np.argsort(-counts, kind="stable")[:n])


def _named(labels, classes):
    labels = np.unique(labels) if np.ndim(labels) == 1 else np.empty(0)
    heads = np.flatnonzero(np.isin(classes, labels))
    if len(heads) == 0 or len(heads) != len(labels):
        raise ValueError(
            f"n_head must name classes of y, {classes.tolist()}, and one at least, got "
            f"{labels.tolist()}."
        )
    return heads
