# SPDX-License-Identifier: BSD-3-Clause
"""Classes that differ in a few binary features each, as the regions of DNA do."""

from numbers import Integral, Real

import numpy as np

from ..utils._compat import Interval, validate_params


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "n_signature": [Interval(Integral, 1, None, closed="left")],
        "class_prior": ["array-like"],
        "signature_rate": [Interval(Real, 0, 1, closed="both")],
        "background_rate": [Interval(Real, 0, 1, closed="both")],
        "random_state": [Interval(Integral, 0, None, closed="left"), None],
    },
    prefer_skip_nested_validation=True,
)
def make_binary_signature_classification(
    n_samples=3000,
    n_features=180,
    *,
    n_signature=10,
    class_prior=(0.24, 0.24, 0.52),
    signature_rate=0.8,
    background_rate=0.25,
    random_state=None,
):
    """Generate sparse binary rows whose classes have signatures of their own.

    All features are independent given the class. The columns ``c * n_signature`` to
    ``(c + 1) * n_signature - 1`` are the signature of class `c`: they are one with
    probability `signature_rate` in its rows, and with `background_rate` elsewhere, as are
    all other columns.

    With the defaults this is a stand-in for the data set dna of Statlog, of which the
    shares of the classes and the number of features are taken. A classifier with few
    labels votes for the largest class almost everywhere, so that self-training with a
    fixed threshold collapses [1]_.

    Parameters
    ----------
    n_samples : int, default=3000
        Number of rows.

    n_features : int, default=180
        Number of features, enough for the signatures of all classes.

    n_signature : int, default=10
        Number of features that are more frequent in a class.

    class_prior : array-like of shape (n_classes,), default=(0.24, 0.24, 0.52)
        Probabilities of the classes.

    signature_rate : float, default=0.8
        Probability of a one in the signature of the row's class.

    background_rate : float, default=0.25
        Probability of a one elsewhere.

    random_state : int or None, default=None
        Seed of the generator (:func:`numpy.random.default_rng`).

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Zeros and ones, as floats.

    y : ndarray of shape (n_samples,)
        The classes, 0 to ``n_classes - 1``.

    See Also
    --------
    sklearn_theory.semi_supervised.SelfTrainer : Learns them from few labels.

    References
    ----------
    .. [1] M.-R. Amini, V. Feofanov, L. Pauletto, L. Hadjadj, E. Devijver and Y. Maximov,
       "Self-Training: A Survey", 2022, arXiv:2202.12040.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_binary_signature_classification
    >>> X, y = make_binary_signature_classification(random_state=12)
    >>> X.shape
    (3000, 180)
    >>> print(f"{X[y == 0, :10].mean():.2f} {X[y != 0, :10].mean():.2f}")
    0.80 0.25
    """
    class_prior = _check_prior(class_prior, n_signature, n_features)
    generator = np.random.default_rng(random_state)
    y = generator.choice(len(class_prior), n_samples, p=class_prior)
    rates = np.full((len(class_prior), n_features), float(background_rate))
    for c, row in enumerate(rates):
        row[c * n_signature : (c + 1) * n_signature] = signature_rate
    X = (generator.random((n_samples, n_features)) < rates[y]).astype(float)
    return X, y


def _check_prior(class_prior, n_signature, n_features):
    class_prior = np.asarray(class_prior, dtype=float)
    if (
        class_prior.ndim != 1
        or not (class_prior >= 0).all()
        or not np.isclose(class_prior.sum(), 1)
    ):
        raise ValueError(
            "class_prior must hold probabilities that sum to one, got "
            f"{class_prior.tolist()}."
        )
    if len(class_prior) * n_signature > n_features:
        raise ValueError(
            f"n_features={n_features} is too small for {len(class_prior)} signatures of "
            f"n_signature={n_signature} features each."
        )
    return class_prior
