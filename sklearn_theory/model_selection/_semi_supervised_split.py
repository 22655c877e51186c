# SPDX-License-Identifier: BSD-3-Clause
"""Cross-validation where labels are few: only rows with a label are ever held out."""

from collections.abc import Iterable, Iterator
from numbers import Integral

import numpy as np
from sklearn.model_selection import BaseCrossValidator, check_cv
from sklearn.utils import indexable
from sklearn.utils.metadata_routing import get_routing_for_object

from ..utils._compat import _num_samples, _safe_indexing
from ..utils._unlabelled import find_unlabelled


class SemiSupervisedSplit(BaseCrossValidator):
    """Split labelled rows into folds, and put every unlabelled row into training.

    A semi-supervised estimator learns from rows without a label, and cannot be scored
    on them. This splitter hands the labelled rows to another one, and adds all
    unlabelled rows to each of its training sets.

    Parameters
    ----------
    cv : int, splitter, iterable or None, default=None
        How to split the labelled rows.

        - None or an int: 5 or that many folds, stratified by the classes of the
          labelled rows, or plain ones if the labels are not classes;
        - a splitter: its ``split`` is called with the labelled rows, their labels and
          their groups alone;
        - an iterable of pairs of training and test indices: indices of rows of `X`;
          unlabelled rows among them are moved to training.

    unlabeled_value : int, float, str or None, default=-1
        What `y` holds where a row has no label: the number -1, as in
        :mod:`sklearn.semi_supervised`, or a string, ``nan`` or None.

    See Also
    --------
    sklearn.model_selection.StratifiedKFold : What splits the labelled rows by default.
    sklearn.model_selection.StratifiedShuffleSplit : As `cv`, with ``train_size=k``, it
        leaves k labels in each training set: the way to a learning curve of labels.

    Notes
    -----
    Training indices are those of the wrapped splitter, in its order, and then those of
    the unlabelled rows. So :func:`sklearn.model_selection.learning_curve` adds labelled
    rows first: beyond their number, its curve tells what unlabelled rows bring.

    :func:`sklearn.model_selection.cross_val_predict` needs every row to be held out
    once, and therefore refuses this splitter. The labels that a fit gave to unlabelled
    rows are in the attribute ``transduction_`` of semi-supervised estimators.

    Searches that refit do so on all rows, with and without labels.

    With groups, labelled rows of one group are kept together as the wrapped splitter
    does it, but unlabelled rows of a group that is held out stay in training.

    References
    ----------
    .. [1] M.-R. Amini, V. Feofanov, L. Pauletto, L. Hadjadj, E. Devijver and Y.
       Maximov, "Self-Training: A Survey", 2022, arXiv:2202.12040.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.model_selection import SemiSupervisedSplit
    >>> X = np.zeros((7, 1))
    >>> y = np.array([0, -1, 1, 0, -1, 1, -1])
    >>> for train, test in SemiSupervisedSplit(2).split(X, y):
    ...     print(train, test)
    [3 5 1 4 6] [0 2]
    [0 2 1 4 6] [3 5]
    """

    def __init__(self, cv=None, *, unlabeled_value=-1):
        # An iterator could be walked only once, and searches copy their splitter.
        self.cv = list(cv) if isinstance(cv, Iterator) else cv
        self.unlabeled_value = unlabeled_value
        check_cv(self.cv)

    def split(self, X, y=None, groups=None):
        """Generate indices of training and test rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, labelled or not.

        y : array-like of shape (n_samples,)
            Labels; `unlabeled_value` where there is none.

        groups : array-like of shape (n_samples,), default=None
            Groups of the rows; those of labelled rows are given to `cv`.

        Yields
        ------
        train : ndarray
            Indices of training rows: labelled ones, then all unlabelled ones.

        test : ndarray
            Indices of test rows, all labelled.
        """
        X, y, groups = indexable(X, y, groups)
        unlabelled = self._find_unlabelled(y, _num_samples(X))
        without_label = np.flatnonzero(unlabelled)
        for train, test in self._labelled_splits(X, y, groups, unlabelled):
            yield np.concatenate([train, without_label]), test

    def get_n_splits(self, X=None, y=None, groups=None):
        """Count the splits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            Rows; needed if the number of splits depends on them, as with
            :class:`~sklearn.model_selection.LeaveOneOut`.

        y : array-like of shape (n_samples,), default=None
            Labels, needed in the same cases: only labelled rows count.

        groups : array-like of shape (n_samples,), default=None
            Groups, needed if the number of splits depends on them.

        Returns
        -------
        n_splits : int
            The number of splits.
        """
        if y is None:
            return check_cv(self.cv).get_n_splits()
        X, y, groups = indexable(X, y, groups)
        unlabelled = self._find_unlabelled(y, _num_samples(y))
        labelled = np.flatnonzero(~unlabelled)
        X = labelled if X is None else _safe_indexing(X, labelled)
        y, groups = (_rows_of(values, labelled) for values in (y, groups))
        return check_cv(self.cv, y, classifier=True).get_n_splits(X, y, groups)

    def get_metadata_routing(self):
        """Get the metadata that the wrapped splitter requests.

        Returns
        -------
        routing : MetadataRequest
            The request of the wrapped splitter: ``groups``, by whatever name, if that
            uses them.
        """
        return get_routing_for_object(check_cv(self.cv))

    def _find_unlabelled(self, y, n_samples):
        if y is None:
            raise ValueError(
                "SemiSupervisedSplit needs y: it tells which rows have a label."
            )
        unlabelled = find_unlabelled(y, self.unlabeled_value)
        if unlabelled.all():
            raise ValueError(
                f"y must hold the label of at least one row, but all {n_samples} are "
                f"{self.unlabeled_value!r}, which means unlabelled."
            )
        return unlabelled

    def _labelled_splits(self, X, y, groups, unlabelled):
        """Generate splits without the unlabelled rows, as indices of rows of X."""
        if _is_iterable_of_splits(self.cv):
            return _given_splits(self.cv, unlabelled)
        labelled = np.flatnonzero(~unlabelled)
        data = (_rows_of(values, labelled) for values in (X, y, groups))
        return _splits_of_rows(self.cv, labelled, *data)


def _rows_of(values, rows):
    return None if values is None else _safe_indexing(values, rows)


def _is_iterable_of_splits(cv):
    is_splitter = cv is None or isinstance(cv, Integral) or hasattr(cv, "split")
    return not is_splitter and isinstance(cv, Iterable)


def _given_splits(splits, unlabelled):
    """Take unlabelled rows out of splits of all rows."""
    for train, test in splits:
        train, test = (np.arange(len(unlabelled))[rows] for rows in (train, test))
        train, test = train[~unlabelled[train]], test[~unlabelled[test]]
        if not len(test):
            raise ValueError(
                "cv has a test set without a labelled row, so that there is nothing to "
                "score it by."
            )
        yield train, test


def _splits_of_rows(cv, labelled, X, y, groups):
    """Let a splitter split the labelled rows, which it sees as rows 0, 1, ..."""
    splitter = check_cv(cv, y, classifier=True)
    for train, test in _labelled_in_errors(splitter.split(X, y, groups), len(labelled)):
        if max(train.max(initial=-1), test.max(initial=-1)) >= len(labelled):
            raise ValueError(
                f"cv must split the {len(labelled)} labelled rows that it is given, but "
                f"{splitter!r} returned indices beyond them. If it knows all rows, give "
                "its splits instead: cv=list(splitter.split())."
            )
        yield labelled[train], labelled[test]


def _labelled_in_errors(splits, n_labelled):
    """Say in the errors of a splitter that it was given the labelled rows alone."""
    try:
        yield from splits
    except ValueError as error:
        raise ValueError(
            f"cv cannot split the {n_labelled} labelled rows of y: {error}"
        ) from error
