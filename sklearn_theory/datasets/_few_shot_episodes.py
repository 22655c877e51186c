# SPDX-License-Identifier: BSD-3-Clause
"""Episodes of few-shot learning: a few classes, of each a few labelled rows."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state, column_or_1d, indexable

from ..utils._compat import Interval, _safe_indexing, validate_params

_AT_LEAST_ONE = [Interval(Integral, 1, None, closed="left")]


@validate_params(
    {
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like"],
        "n_episodes": _AT_LEAST_ONE,
        "n_ways": _AT_LEAST_ONE,
        "n_shots": _AT_LEAST_ONE,
        "n_queries": _AT_LEAST_ONE,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_few_shot_episodes(
    X, y, n_episodes=300, *, n_ways=5, n_shots=1, n_queries=15, random_state=None
):
    """Draw episodes of few-shot learning from labelled rows.

    An episode is a small problem of its own: `n_ways` classes drawn at random, of each
    of them `n_shots` rows with their labels, the support, and `n_queries` rows whose
    labels are to be found. Accuracies are means over many episodes, and compared on
    the same ones.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows.

    y : array-like of shape (n_samples,)
        Their labels, of which none is -1.

    n_episodes : int, default=300
        Number of episodes.

    n_ways : int, default=5
        Number of classes in an episode.

    n_shots : int, default=1
        Labelled rows of each class.

    n_queries : int, default=15
        Unlabelled rows of each class.

    random_state : int, RandomState instance or None, default=None
        Determines the classes and the rows of every episode.

    Returns
    -------
    episodes : generator
        Of each episode the triple ``X_episode, y_episode, truth``: its
        ``n_ways * (n_shots + n_queries)`` rows, the support first; the labels of the
        support followed by -1, in an object array where labels are no numbers; and the
        labels of all rows.

    See Also
    --------
    sklearn_theory.semi_supervised.TransductiveClassifier : Labels the rows of an
        episode together.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_theory.datasets import make_few_shot_episodes
    >>> X, y = load_digits(return_X_y=True)
    >>> episodes = make_few_shot_episodes(X, y, 2, n_queries=3, random_state=0)
    >>> for X_episode, y_episode, truth in episodes:
    ...     print(X_episode.shape, y_episode[:7], truth[5:])
    (20, 64) [ 2  8  4  9  1 -1 -1] [2 2 2 8 8 8 4 4 4 9 9 9 1 1 1]
    (20, 64) [ 7  2  8  0  3 -1 -1] [7 7 7 2 2 2 8 8 8 0 0 0 3 3 3]
    """
    X, y = indexable(X, y)
    y = column_or_1d(y)
    classes, codes = np.unique(y, return_inverse=True)
    _check_classes(classes, np.bincount(codes), n_ways, n_shots + n_queries)
    members = [np.flatnonzero(codes == k) for k in range(len(classes))]
    random = check_random_state(random_state)
    return _draw_episodes(X, y, members, n_episodes, n_ways, n_shots, n_queries, random)


def _draw_episodes(X, y, members, n_episodes, n_ways, n_shots, n_queries, random):
    n_rows = n_shots + n_queries
    for _ in range(n_episodes):
        ways = random.choice(len(members), n_ways, replace=False)
        drawn = np.array([random.choice(members[k], n_rows, False) for k in ways])
        support, queries = drawn[:, :n_shots].ravel(), drawn[:, n_shots:].ravel()
        rows = np.concatenate([support, queries])
        yield _safe_indexing(X, rows), _hide(y[rows], len(support)), y[rows]


def _hide(labels, n_kept):
    """Put -1 in place of the labels after the first ones."""
    is_number = labels.dtype.kind in "iuf"
    labels = labels.astype(np.result_type(labels, np.int8) if is_number else object)
    labels[n_kept:] = -1
    return labels


def _check_classes(classes, counts, n_ways, n_rows):
    if classes.dtype.kind in "if" and (classes == -1).any():
        raise ValueError(
            "y must hold the label of every row, but holds -1, which means unlabelled."
        )
    if len(classes) < n_ways:
        raise ValueError(f"n_ways={n_ways} should be <= {len(classes)} classes in y.")
    if counts.min() < n_rows:
        raise ValueError(
            f"n_shots + n_queries = {n_rows} rows of each class are needed, but class "
            f"{classes[counts.argmin()]} of y has {counts.min()}. Leave out the rows "
            "of such classes, or ask for fewer."
        )
