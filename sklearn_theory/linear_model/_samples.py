# SPDX-License-Identifier: BSD-3-Clause
"""The door to the estimators of this room: check samples, encode labels, reduce.

Samples are arrays in memory, or Dask arrays whose blocks are summarised where they
lie, so that only statistics travel. Dask is never imported here unless the caller has
imported it.
"""

from functools import partial

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._compat import _check_sample_weight
from ..utils._dask import check_dask_shape, is_dask_array

_FLOATS = (np.float64, np.float32)


def check_samples(estimator, X, y, sample_weight, *, reset=True):
    """Validate training samples; Dask arrays are only checked for their shapes."""
    if is_dask_array(X):
        return _check_dask_samples(estimator, X, y, sample_weight, reset=reset)
    X, y = validate_data(
        estimator, X, y, reset=reset, accept_sparse="csr", dtype=_FLOATS
    )
    check_classification_targets(y)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
    return X, y, sample_weight


def check_rows(estimator, X):
    """Validate rows to predict."""
    check_is_fitted(estimator)
    return validate_data(estimator, X, reset=False, accept_sparse="csr", dtype=_FLOATS)


def observed_classes(y, sample_weight=None):
    """List the labels of samples of positive weight; one alone is refused."""
    if is_dask_array(y):
        classes = _reduce_blocks(_block_labels, np.union1d, y, sample_weight)
    else:
        classes = _block_labels(y, sample_weight)
    return _check_two_classes(classes)


def _block_labels(y, sample_weight=None):
    return np.unique(y if sample_weight is None else y[sample_weight > 0])


def _check_two_classes(classes):
    if len(classes) < 2:
        raise ValueError(
            "Classifier can't train when only one class is present: y must hold at "
            f"least two classes with positive weight, got {classes.tolist()}."
        )
    return classes


def streamed_classes(estimator, classes):
    """Take the classes of a stream from its first call, and hold later ones to them."""
    known = getattr(estimator, "classes_", None)
    if classes is None:
        if known is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return known
    classes = _check_two_classes(np.unique(classes))
    if known is not None and not np.array_equal(known, classes):
        raise ValueError(
            f"classes={classes.tolist()} is not the same as on the first call to "
            f"partial_fit or fit, which was {known.tolist()}."
        )
    return classes


def encode_labels(y, classes, sample_weight=None):
    """Number the labels; those of weight zero may be unknown and become -1."""
    place = np.searchsorted(classes, y)
    place[place == len(classes)] = 0
    unknown = classes[place] != y
    if unknown.any():
        place[unknown] = -1
        _check_unknown_have_no_weight(y, classes, unknown, sample_weight)
    return place


def _check_unknown_have_no_weight(y, classes, unknown, sample_weight):
    counted = unknown if sample_weight is None else unknown & (sample_weight > 0)
    if counted.any():
        raise ValueError(
            f"y holds labels that are not among the classes {classes.tolist()}: "
            f"{np.unique(y[counted]).tolist()}."
        )


def check_priors(priors, n_classes):
    """Validate class probabilities; None stands for the observed shares."""
    if priors is None:
        return None
    priors = np.asarray(priors, dtype=float)
    if priors.shape != (n_classes,):
        raise ValueError(
            f"priors must hold one probability for each of the {n_classes} classes, "
            f"got an array of shape {priors.shape}."
        )
    if not np.all(priors >= 0):
        raise ValueError(f"priors must be non-negative, got {priors.tolist()}.")
    if not np.isclose(priors.sum(), 1):
        raise ValueError(f"priors must sum to 1, got a sum of {priors.sum():.6g}.")
    return priors


def reduce_samples(summarise, merge, X, y, sample_weight, classes):
    """Summarise samples with `summarise`; blocks are merged with `merge`.

    ``summarise(X, y, n_classes, weight)`` receives encoded labels.
    """
    if is_dask_array(X):
        summarise_block = partial(_summarise_block, summarise, classes)
        return _reduce_blocks(summarise_block, merge, X, y, sample_weight)
    labels = encode_labels(y, classes, sample_weight)
    return summarise(X, labels, len(classes), sample_weight)


def _summarise_block(summarise, classes, X, y, sample_weight=None):
    X = check_array(X, accept_sparse="csr", dtype=_FLOATS, ensure_min_samples=0)
    y = np.asarray(y)
    if sample_weight is not None and len(y):
        sample_weight = _check_sample_weight(
            sample_weight,
            X,
            dtype=np.float64,
            ensure_non_negative=True,
            allow_all_zero_weights=True,
        )
    labels = encode_labels(y, classes, sample_weight)
    return summarise(X, labels, len(classes), sample_weight)


def _check_dask_samples(estimator, X, y, sample_weight, *, reset):
    """Check shapes, and cut labels and weights along the blocks of the rows."""
    X = check_dask_shape(estimator, X, reset=reset)
    y = _along_blocks("y", y, X)
    if sample_weight is not None:
        sample_weight = _along_blocks("sample_weight", sample_weight, X)
    return X, y, sample_weight


def _along_blocks(name, values, X):
    import dask.array as da

    if not is_dask_array(values):
        values = da.from_array(np.asarray(values), chunks=-1)
    chunks = X.chunks[0]
    if values.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got {values.ndim}.")
    if np.isnan(chunks).any() or np.isnan(values.chunks[0]).any():
        if values.numblocks[0] != X.numblocks[0]:
            raise ValueError(
                f"{name} has {values.numblocks[0]} blocks of unknown size and X has "
                f"{X.numblocks[0]}: compute their chunk sizes first."
            )
        return values
    if values.shape[0] != X.shape[0]:
        raise ValueError(
            f"{name} has {values.shape[0]} entries, but X has {X.shape[0]} rows."
        )
    return values.rechunk((chunks,))


def _reduce_blocks(summarise, merge, *arrays):
    """Summarise blocks on the workers, and merge the summaries there in pairs."""
    from dask import delayed

    blocks = [array.to_delayed().ravel() for array in arrays if array is not None]
    parts = [delayed(summarise)(*block) for block in zip(*blocks)]
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2])
        odd = parts[len(parts) - len(parts) % 2 :]
        parts = [delayed(merge)(*pair) for pair in pairs] + odd
    return parts[0].compute()
