# SPDX-License-Identifier: BSD-3-Clause
"""Labelled data made long-tailed and noisy, with exact counts of both."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.multiclass import check_classification_targets

from ..utils._compat import Interval, StrOptions, validate_params


@validate_params(
    {
        "X": ["array-like"],
        "y": ["array-like"],
        "imbalance": [Interval(Real, 1, None, closed="left")],
        "noise": [Interval(Real, 0, 1, closed="left")],
        "kind": [StrOptions({"imb", "sym", "asym"})],
        "tail": [StrOptions({"exponential", "step"})],
        "n_max": [Interval(Integral, 1, None, closed="left"), None],
        "confusions": [dict, None],
        "shuffle_classes": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_long_tail_noisy(
    X,
    y,
    *,
    imbalance=100,
    noise=0.3,
    kind="imb",
    tail="exponential",
    n_max=None,
    confusions=None,
    shuffle_classes=True,
    random_state=None,
):
    r"""Make labelled data long-tailed, and some of its labels wrong.

    Class sizes fall as :math:`\lfloor n_{\max} r^{-k/(K-1)} \rfloor` with the imbalance
    `r`, the ratio of the largest to the smallest. Then exactly :math:`\lfloor \eta n
    \rfloor` rows, drawn at random, get a wrong label. These are the data of [1]_.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows, which are drawn without replacement.

    y : array-like of shape (n_samples,)
        Their true labels.

    imbalance : float, default=100
        Size of the largest class over that of the smallest; at least one row of every
        class stays.

    noise : float, default=0.3
        The share of rows with a wrong label.

    kind : {"imb", "sym", "asym"}, default="imb"
        Which wrong labels are given:

        - ``"imb"``: any other, in proportion to the sizes of the classes;
        - ``"sym"``: any other, with equal probability;
        - ``"asym"``: the one that `confusions` names for the class.

    tail : {"exponential", "step"}, default="exponential"
        Whether sizes fall from class to class, or are the largest for the first half of
        the classes, rounded up, and the smallest for the others.

    n_max : int or None, default=None
        Size of the largest class; None takes the most that the classes allow.

    confusions : dict or None, default=None
        The wrong label of each class for ``kind="asym"``; classes that are not named
        keep their labels. None maps each class to the next one, and the last to the
        first.

    shuffle_classes : bool, default=True
        Whether the order of the classes from head to tail is random, or that of the
        sorted labels.

    random_state : int, RandomState instance or None, default=None
        Determines the order of the classes, the rows, their order and the wrong labels.

    Returns
    -------
    X : ndarray of shape (n_kept, n_features)
        The rows that were drawn, in random order.

    y_true : ndarray of shape (n_kept,)
        Their true labels.

    y_noisy : ndarray of shape (n_kept,)
        The labels to learn from.

    indices : ndarray of shape (n_kept,)
        Where the rows stand in the `X` that was given.

    See Also
    --------
    sklearn_theory.noisy_labels.RCAL : Learns from such data.

    References
    ----------
    .. [1] M. Zhang, X. Zhao, J. Yao, C. Yuan and W. Huang, "When Noisy Labels Meet Long
       Tail Dilemmas: A Representation Calibration Method", ICCV 2023, arXiv:2211.10955.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_theory.datasets import make_long_tail_noisy
    >>> X, y_true, y_noisy, indices = make_long_tail_noisy(
    ...     *load_digits(return_X_y=True), imbalance=10, noise=0.2, random_state=0
    ... )
    >>> np.sort(np.bincount(y_true))[::-1]
    array([177, 137, 106,  82,  63,  49,  38,  29,  22,  17])
    >>> print(f"{np.mean(y_true != y_noisy):.3f}")
    0.200
    """
    X = check_array(X, dtype=None, ensure_all_finite=False)
    y = np.asarray(y)
    check_consistent_length(X, y)
    check_classification_targets(y)
    random = check_random_state(random_state)
    classes, codes = np.unique(y, return_inverse=True)
    if noise > 0 and len(classes) < 2:
        raise ValueError(
            f"y has a single class, so that no label can be wrong; got noise={noise}."
        )
    wrong_labels = _KINDS[kind](classes, confusions)
    order = np.arange(len(classes))
    if shuffle_classes:
        order = random.permutation(order)
    sizes = _class_sizes(np.bincount(codes), order, imbalance, tail, n_max)
    indices = _draw_rows(codes, sizes, random)
    true = codes[indices]
    noisy = _flip(true, sizes, noise, wrong_labels, random)
    return X[indices], classes[true], classes[noisy], indices


def _exponential(n_classes, imbalance):
    return imbalance ** (-np.arange(n_classes) / max(n_classes - 1, 1))


def _step(n_classes, imbalance):
    return np.where(np.arange(n_classes) < -(-n_classes // 2), 1.0, 1.0 / imbalance)


_TAILS = {"exponential": _exponential, "step": _step}


def _class_sizes(available, order, imbalance, tail, n_max):
    """Return the size of each class, the largest that `available` allows if not given."""
    shares = np.empty(len(order))
    shares[order] = _TAILS[tail](len(order), imbalance)
    if n_max is None:
        n_max = int(_floor((available / shares).min()))
    sizes = np.maximum(_floor(n_max * shares), 1).astype(int)
    if np.any(sizes > available):
        raise ValueError(
            f"n_max={n_max} asks for {sizes} rows of the classes, of which there are "
            f"{available}; lower it, or leave it None."
        )
    return sizes


def _floor(values):
    """Round down, but not because of rounding errors of a power."""
    return np.floor(values * (1 + 1e-12))


def _draw_rows(codes, sizes, random):
    rows = [
        random.choice(np.flatnonzero(codes == k), size, replace=False)
        for k, size in enumerate(sizes)
    ]
    return random.permutation(np.concatenate(rows))


def _flip(true, sizes, noise, wrong_labels, random):
    """Give an exact number of rows a wrong label each."""
    candidates = np.flatnonzero(wrong_labels.can_change(true))
    n_wrong = int(_floor(noise * len(true)))
    if n_wrong > len(candidates):
        raise ValueError(
            f"noise={noise} asks for {n_wrong} wrong labels, but `confusions` allows "
            f"{len(candidates)}."
        )
    noisy = true.copy()
    for row in random.choice(candidates, n_wrong, replace=False):
        noisy[row] = wrong_labels.draw(true[row], sizes, random)
    return noisy


class _Proportional:
    """Any other label, in proportion to the sizes of the classes."""

    def __init__(self, classes, confusions):
        _refuse_confusions(confusions)

    def can_change(self, true):
        return np.ones(len(true), dtype=bool)

    def draw(self, label, sizes, random):
        weights = self.weigh(sizes)
        weights[label] = 0
        return random.choice(len(sizes), p=weights / weights.sum())

    def weigh(self, sizes):
        return sizes.astype(float)


class _Uniform(_Proportional):
    """Any other label, with equal probability."""

    def weigh(self, sizes):
        return np.ones(len(sizes))


class _Confused:
    """The label that a class is taken for."""

    def __init__(self, classes, confusions):
        if confusions is None:
            confusions = dict(zip(classes, np.roll(classes, -1)))
        named = set(confusions) | set(confusions.values())
        if not named <= set(classes.tolist()):
            raise ValueError(
                f"confusions must map labels of y, {classes.tolist()}, to others of "
                f"them, got {confusions}."
            )
        place = {label: k for k, label in enumerate(classes.tolist())}
        self._target = np.arange(len(classes))
        for label, wrong in confusions.items():
            self._target[place[label]] = place[wrong]

    def can_change(self, true):
        return self._target[true] != true

    def draw(self, label, sizes, random):
        return self._target[label]


def _refuse_confusions(confusions):
    if confusions is not None:
        raise ValueError('confusions are used by kind="asym" only.')


_KINDS = {"imb": _Proportional, "sym": _Uniform, "asym": _Confused}
