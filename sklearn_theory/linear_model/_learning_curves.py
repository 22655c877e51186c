# SPDX-License-Identifier: BSD-3-Clause
"""Learning curves of both heads on nested subsets, and where they cross."""

import warnings
from typing import NamedTuple

import numpy as np

from ..utils._row_hash_fast import salt_hashes
from ._feature_scaling import merge_summaries, summarise
from ._head_selection import fit_logistic_head, fit_naive_bayes_head
from ._linear_head import decide, scores
from ._weighted_rows import shuffled_units, unit_table

_N_SIZES = 8
_SMALLEST_SIZE = 10
_ROUNDING = 1 + 1e-12


class Curve(NamedTuple):
    """The errors of both heads along one shuffle.

    Attributes
    ----------
    sizes : ndarray of shape (n_sizes,)
        Sizes of the nested subsets.

    naive_bayes_errors, logistic_errors : ndarray of shape (n_sizes,)
        Weighted errors on the held-out rows.

    logistic : list of LogisticFit
        The logistic fits.
    """

    sizes: np.ndarray
    naive_bayes_errors: np.ndarray
    logistic_errors: np.ndarray
    logistic: list


class Shuffle(NamedTuple):
    """One order of the rows, cut into a part to learn from and a part to judge on.

    The rows to learn from are given as portions of their weight: first a row of each
    class, so that every subset holds every class, then all rows at random.

    Attributes
    ----------
    rows : ndarray of shape (n_portions,)
        The row of each portion.

    portions : ndarray of shape (n_portions,)
        Weights, at most one for the first row of each class.

    held_out : ndarray of shape (n_held_out_rows,)
        Rows to judge on.
    """

    rows: np.ndarray
    portions: np.ndarray
    held_out: np.ndarray


def draw_shuffle(rows, salt, held_out_share):
    """Order the rows at random, and hold out the last share of each class."""
    is_held_out = _hold_out(rows, salt, held_out_share)
    order = np.argsort(salt_hashes(rows.unit_hash, salt)[rows.unit], kind="stable")
    pool, held_out = order[~is_held_out[order]], order[is_held_out[order]]
    first = pool[np.unique(rows.y[pool], return_index=True)[1]]
    remaining = rows.weight.copy()
    remaining[first] -= np.minimum(1, rows.weight[first])
    return Shuffle(
        rows=np.concatenate([first, pool]),
        portions=np.concatenate([np.minimum(1, rows.weight[first]), remaining[pool]]),
        held_out=held_out,
    )


def _hold_out(rows, salt, share):
    """Mark the rows of the last units of each class; one is held out if there are two."""
    labels, weight = unit_table(rows)
    units = shuffled_units(rows, salt)
    is_held_out = np.zeros(len(units), dtype=bool)
    for own in np.split(units, np.flatnonzero(np.diff(labels[units])) + 1):
        is_held_out[own[_pool_size(weight[own], share) :]] = True
    return is_held_out[rows.unit]


def _pool_size(weight, held_out_share):
    """Count the units of a class to learn from, in the order of the shuffle."""
    after = np.cumsum(weight[::-1])[::-1]
    allowed = held_out_share * weight.sum() * _ROUNDING
    n_held_out = np.count_nonzero(after <= allowed)
    if len(weight) > 1:
        n_held_out = min(max(n_held_out, 1), len(weight) - 1)
    return len(weight) - n_held_out


def subset_weights(shuffle, sizes, n_rows):
    """Weigh each row in each of the nested subsets: portions up to the subset's size."""
    before = np.cumsum(shuffle.portions) - shuffle.portions
    filled = [np.clip(size - before, 0, shuffle.portions) for size in sizes]
    return np.array([np.bincount(shuffle.rows, part, n_rows) for part in filled])


def can_measure_curves(shuffles, n_classes):
    """Tell whether rows are left to learn every class and to judge; warn if not."""
    possible = len(shuffles[0].held_out) and _pool_weight(shuffles) >= n_classes
    if not possible:
        warnings.warn(
            "No learning curve can be measured: every class needs a weight of at least "
            "one to learn from, and some class two distinct rows, one to be held out.",
            UserWarning,
            stacklevel=2,
        )
    return possible


def _pool_weight(shuffles):
    """Weigh the rows to learn from, rounded down, in the shuffle that has least."""
    return int(min(shuffle.portions.sum() for shuffle in shuffles) * _ROUNDING)


def choose_sizes(train_sizes, rows, shuffles):
    """Take the sizes that were asked for, or spread some on a logarithmic scale."""
    n_classes = rows.y[-1] + 1
    limit = _pool_weight(shuffles)
    if train_sizes is None:
        first = min(max(2 * n_classes, _SMALLEST_SIZE), limit)
        spread = np.geomspace(first, limit, _N_SIZES)
        return np.unique(np.rint(spread).astype(int))
    sizes = np.unique(_absolute_sizes(np.asarray(train_sizes), limit))
    if sizes[0] < n_classes or sizes[-1] > limit:
        raise ValueError(
            f"train_sizes must lie between the number of classes, {n_classes}, and the "
            f"{limit} rows that are left to learn from, got sizes from {sizes[0]} to "
            f"{sizes[-1]}."
        )
    return sizes


def _absolute_sizes(train_sizes, limit):
    if train_sizes.ndim != 1 or train_sizes.size == 0:
        raise ValueError(
            "train_sizes must be a non-empty one-dimensional sequence of row counts or "
            f"of fractions in (0, 1], got an array of shape {train_sizes.shape}."
        )
    if np.issubdtype(train_sizes.dtype, np.integer):
        return train_sizes
    if not np.all((train_sizes > 0) & (train_sizes <= 1)):
        raise ValueError(
            "train_sizes must hold integers, or fractions in (0, 1], got "
            f"{train_sizes.tolist()}."
        )
    return np.floor(train_sizes * limit).astype(int)


def learn_along(rows, shuffle, sizes, settings):
    """Measure the held-out errors of both heads along one shuffle.

    Naive Bayes grows by merging what is new; the logistic head starts each time from
    the head of the size before.
    """
    weights = subset_weights(shuffle, sizes, len(rows.y))
    entry = _order_of_entry(weights)
    X, y = rows.X[entry], rows.y[entry]
    naive_bayes, logistic, summary = [], [], None
    for new, weight in _increments(weights[:, entry]):
        fresh = np.flatnonzero(new)
        added = summarise(X[fresh], y[fresh], settings.n_classes, new[fresh])
        summary = added if summary is None else merge_summaries(summary, added)
        naive_bayes.append(fit_naive_bayes_head(summary, settings))
        size = np.count_nonzero(weight)
        start = logistic[-1].head if logistic else None
        logistic.append(
            fit_logistic_head(
                X[:size], y[:size], weight[:size], summary, settings, start
            )
        )
    return Curve(
        sizes=sizes,
        naive_bayes_errors=_errors(rows, shuffle, naive_bayes),
        logistic_errors=_errors(rows, shuffle, [fit.head for fit in logistic]),
        logistic=logistic,
    )


def _order_of_entry(weights):
    """List the rows in the order in which subsets take them up: each is a prefix."""
    entering = np.flatnonzero(weights[-1])
    first_size = np.argmax(weights[:, entering] > 0, axis=0)
    return entering[np.argsort(first_size, kind="stable")]


def _increments(weights):
    """Pair the weights of each subset with what they add to the subset before."""
    return zip(np.diff(weights, axis=0, prepend=0), weights)


def _errors(rows, shuffle, heads):
    """Measure the weighted errors of heads on the held-out rows."""
    X, y = rows.X[shuffle.held_out], rows.y[shuffle.held_out]
    wrong = [decide(scores(X, head)) != y for head in heads]
    return np.average(wrong, axis=1, weights=rows.weight[shuffle.held_out])


def tabulate_curves(curves):
    """Tabulate the errors of all repeats; None without any."""
    if not curves:
        return None
    naive_bayes = np.array([curve.naive_bayes_errors for curve in curves])
    logistic = np.array([curve.logistic_errors for curve in curves])
    return {
        "sizes": curves[0].sizes,
        "nb_mean": naive_bayes.mean(axis=0),
        "nb_std": naive_bayes.std(axis=0),
        "lr_mean": logistic.mean(axis=0),
        "lr_std": logistic.std(axis=0),
        "nb_errors": naive_bayes,
        "lr_errors": logistic,
    }


def crossover(table):
    """Find the size from which the logistic head is at least as good for good.

    It is interpolated on a logarithmic scale where the difference changes its sign;
    infinite if naive Bayes is better at the largest size, None without a table.
    """
    if table is None:
        return None
    sizes, lead = table["sizes"], table["nb_mean"] - table["lr_mean"]
    behind = np.flatnonzero(lead < 0)
    if len(behind) == 0:
        return float(sizes[0])
    last = behind[-1]
    if last == len(lead) - 1:
        return np.inf
    share = -lead[last] / (lead[last + 1] - lead[last])
    log_sizes = np.log(sizes[last : last + 2])
    return float(np.exp(log_sizes[0] + share * np.diff(log_sizes)[0]))
