# SPDX-License-Identifier: BSD-3-Clause
"""Rows as a weighted set, and folds that depend on what rows say, not where they are.

Equal rows with equal labels are one row that weighs as much as all of them, and the
set is kept in the order of the rows' hashes. So a row of weight two is a row given
twice, a row of weight zero is not there, and the order of the rows is forgotten: what
is computed from the set is the same to the last bit.
"""

import warnings
from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state

from ..utils._content_folds import hash_numbers
from ..utils._row_hash_fast import deal_into_folds, salt_hashes
from ._feature_scaling import scaling_of
from ._naive_bayes_statistics import overall_mean


class WeightedRows(NamedTuple):
    """Distinct labelled rows with the weight of each.

    Attributes
    ----------
    X : {ndarray, csr_matrix} of shape (n_rows, n_features)
        The distinct rows, sorted by label and then by hash.

    y : ndarray of shape (n_rows,)
        Their labels, 0 to ``n_classes - 1``.

    weight : ndarray of shape (n_rows,)
        Their positive weights.

    unit : ndarray of shape (n_rows,)
        Numbers of the units that folds keep together: rows of one label that are
        equal in single precision.

    unit_hash : ndarray of shape (n_units,)
        The hash of each unit.

    row_of_sample : ndarray of shape (n_samples,)
        Where each given sample went; -1 for samples of weight zero.
    """

    X: object
    y: np.ndarray
    weight: np.ndarray
    unit: np.ndarray
    unit_hash: np.ndarray
    row_of_sample: np.ndarray


def weighted_rows(X, y, weight=None):
    """Collect samples into a set of distinct rows."""
    kept = slice(None) if weight is None else np.flatnonzero(weight > 0)
    coarse, fine = row_hashes(X)
    order = np.lexsort((fine[kept], coarse[kept], y[kept]))
    order = order if weight is None else kept[order]
    new_unit = _differs_from_previous(y[order], coarse[order])
    new_row = new_unit | _differs_from_previous(fine[order])
    row = np.cumsum(new_row) - 1
    first = order[new_row]
    row_of_sample = np.full(X.shape[0], -1)
    row_of_sample[order] = row
    return WeightedRows(
        X=X[first],
        y=y[first],
        weight=np.bincount(row, weights=None if weight is None else weight[order])
        * 1.0,
        unit=(np.cumsum(new_unit) - 1)[new_row],
        unit_hash=coarse[order][new_unit],
        row_of_sample=row_of_sample,
    )


def _differs_from_previous(*keys):
    """Mark where any of the sorted keys changes; the first place counts as a change."""
    changes = np.zeros(len(keys[0]), dtype=bool)
    changes[:1] = True
    for key in keys:
        changes[1:] |= key[1:] != key[:-1]
    return changes


class CentredRows(NamedTuple):
    """Distinct rows as ``(x - offset) * scale``, where that costs no sparsity.

    Attributes
    ----------
    rows : WeightedRows
        The rows.

    offset, scale : ndarray of shape (n_features,)
        What was subtracted and multiplied.
    """

    rows: WeightedRows
    offset: np.ndarray
    scale: np.ndarray


def centre_rows(rows, summary, scaling):
    """Centre and scale dense rows, so that no later sum cancels; keep sparse ones."""
    if rows is None:
        return None
    mean = overall_mean(summary.classes)
    if issparse(rows.X):
        return CentredRows(rows, np.zeros_like(mean), np.ones_like(mean))
    _, scale = scaling_of(summary, scaling)
    X = rows.X - mean.astype(rows.X.dtype)
    X *= scale.astype(rows.X.dtype)
    return CentredRows(rows._replace(X=X), mean, scale)


def row_hashes(X):
    """Hash each row in single precision, and in its own precision.

    The first hash decides on folds, so that data in single and in double precision
    get the same folds; the second tells distinct rows apart.
    """
    coarse = hash_numbers(X, np.float32)
    return coarse, coarse if X.dtype == np.float32 else hash_numbers(X, X.dtype)


def draw_salts(random_state, size):
    """Draw salts for shuffles; without a random state always the same ones."""
    random = check_random_state(0 if random_state is None else random_state)
    return random.randint(np.iinfo(np.int64).max, size=size).astype(np.uint64)


def unit_table(rows):
    """Give the label and the weight of each unit."""
    first = np.flatnonzero(_differs_from_previous(rows.unit))
    return rows.y[first], np.bincount(rows.unit, weights=rows.weight)


def shuffled_units(rows, salt):
    """Order the units by label, and within each label by their salted hashes."""
    labels, _ = unit_table(rows)
    return np.lexsort((salt_hashes(rows.unit_hash, salt), labels))


class Fold(NamedTuple):
    """The weights with which rows take part in training and in testing.

    Attributes
    ----------
    train : ndarray of shape (n_rows,)
        Weights in training.

    test : ndarray of shape (n_rows,)
        Weights in testing.
    """

    train: np.ndarray
    test: np.ndarray


def cross_validation_folds(rows, cv, sample_weight, sample_y, salt):
    """Split the rows as `cv` says; a number of folds is dealt by content.

    Returns an empty list if some class has too few rows to be cross-validated.
    """
    if not isinstance(cv, Integral):
        return _folds_of_splitter(rows, cv, sample_weight, sample_y)
    n_folds = _possible_folds(rows, cv)
    if n_folds < 2:
        return []
    order = shuffled_units(rows, salt)
    labels, weight = unit_table(rows)
    fold_of_unit = np.empty(len(order), dtype=int)
    fold_of_unit[order] = deal_into_folds(labels[order], weight[order], n_folds)
    fold_of_row = fold_of_unit[rows.unit]
    return [
        Fold(
            train=np.where(fold_of_row == fold, 0, rows.weight),
            test=np.where(fold_of_row == fold, rows.weight, 0),
        )
        for fold in range(n_folds)
    ]


def _possible_folds(rows, cv):
    """Reduce the number of folds to the distinct rows of the smallest class."""
    smallest = np.bincount(unit_table(rows)[0]).min()
    if smallest >= cv:
        return cv
    consequence = (
        f"{smallest} folds are used."
        if smallest > 1
        else "no cross-validation is possible, and naive Bayes is used."
    )
    warnings.warn(
        f"The smallest class has {smallest} distinct rows, which is less than "
        f"cv={cv}: {consequence}",
        UserWarning,
        stacklevel=2,
    )
    return smallest


def as_splitter(cv):
    """Turn splits into a splitter; a number of folds stays a number, five if None."""
    if cv is None or isinstance(cv, Integral):
        return 5 if cv is None else cv
    return check_cv(cv)


def count_parts(splitter):
    """Count the parts into which a splitter cuts samples, at least two."""
    parts = splitter if isinstance(splitter, Integral) else splitter.get_n_splits()
    return max(2, parts)


def _folds_of_splitter(rows, splitter, sample_weight, sample_y):
    """Carry the splits of given samples over to the distinct rows."""
    placeholder = np.zeros((len(sample_y), 1))
    folds = [
        Fold(
            *(_weight_of_samples(rows, samples, sample_weight) for samples in split),
        )
        for split in splitter.split(placeholder, sample_y)
    ]
    for number, fold in enumerate(folds):
        _check_every_class_is_trained(rows, fold, number)
    return [fold for fold in folds if fold.test.any()]


def _weight_of_samples(rows, samples, sample_weight):
    samples = np.arange(len(rows.row_of_sample))[samples]
    samples = samples[rows.row_of_sample[samples] >= 0]
    weight = None if sample_weight is None else sample_weight[samples]
    row = rows.row_of_sample[samples]
    return np.bincount(row, weights=weight, minlength=len(rows.y)) * 1.0


def _check_every_class_is_trained(rows, fold, number):
    trained = np.unique(rows.y[fold.train > 0])
    missing = np.setdiff1d(rows.y, trained)
    if len(missing):
        raise ValueError(
            f"cv: split {number} trains without any row of class number {missing[0]} "
            "of classes_; every split must train on every class."
        )
