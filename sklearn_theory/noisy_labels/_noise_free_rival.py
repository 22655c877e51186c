# SPDX-License-Identifier: BSD-3-Clause
"""Whether the noise mixture foresees labels better than classifiers that know no noise.

Gaussian classes describe rows badly that are far from Gaussian, and a noise rate above
zero is the mixture's excuse for labels that it cannot explain. Logistic regression
describes labels without describing rows. Where it foresees labels that it has not seen
as well as the mixture does, what the mixture took for noise has another explanation.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

INVERSE_STRENGTHS = (0.001, 0.01, 0.1, 1.0)
_N_FOLDS = 5
_MOST_ROWS = 4_000
_LEAST_PROBABILITY = np.finfo(float).tiny


def is_believed(Z, codes, likelihoods):
    """Tell whether the mixture beats logistic regression of every strength.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows.

    codes : ndarray of shape (n_samples,)
        Observed classes, as numbers.

    likelihoods : ndarray of shape (n_samples,)
        Logarithms of the probabilities that the mixture gives to the labels. A row's own
        pull is taken out of its scores, so that these are nearly foresight, too.

    Returns
    -------
    is_believed : bool
        Whether the labels of rows that are held out are more probable by half the
        logarithm of the number of rows, which is what a parameter is worth.
    """
    Z = StandardScaler().fit_transform(Z)
    needed, folds = 0.5 * np.log(len(codes)), list(splits(codes))
    return all(
        sum(lead(Z, codes, likelihoods, *fold, strength) for fold in folds) >= needed
        for strength in INVERSE_STRENGTHS
    )


def splits(codes):
    """Split the rows of every class alike into rows to train on and rows to foresee.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Classes, as numbers.

    Yields
    ------
    train, test : ndarray of bool of shape (n_samples,)
        Five folds; of many rows one split, with one part to train on and four to test.
    """
    n_parts = max(-(-len(codes) // _MOST_ROWS), _N_FOLDS)
    parts = ranks_in_class(codes) % n_parts
    if n_parts > _N_FOLDS:
        yield parts == 0, (parts > 0) & (parts < _N_FOLDS)
    else:
        for fold in range(_N_FOLDS):
            yield parts != fold, parts == fold


def ranks_in_class(codes):
    """Number the rows of each class from zero on, in the order in which they stand."""
    order = np.argsort(codes, kind="stable")
    sorted_codes = codes[order]
    ranks = np.empty(len(codes), dtype=int)
    ranks[order] = np.arange(len(codes)) - np.searchsorted(sorted_codes, sorted_codes)
    return ranks


def lead(Z, codes, likelihoods, train, test, strength):
    """Compute by how much more probable the mixture finds labels that are held out.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Standardised rows.

    codes : ndarray of shape (n_samples,)
        Observed classes, as numbers.

    likelihoods : ndarray of shape (n_samples,)
        Logarithms of the mixture's probabilities.

    train, test : ndarray of bool of shape (n_samples,)
        The split. Labels of classes that have no row to train on are not compared.

    strength : float
        The inverse of the regularisation's strength.

    Returns
    -------
    lead : float
        The difference to logistic regression, summed over the rows to test.
    """
    classes = np.unique(codes[train])
    test = test & np.isin(codes, classes)
    if len(classes) < 2 or not test.any():
        return 0.0
    model = LogisticRegression(C=strength, tol=1e-2, max_iter=100)
    with warnings.catch_warnings():  # Stopped early it is a weaker rival, no wrong one.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(Z[train], codes[train])
    places = np.arange(np.sum(test)), np.searchsorted(classes, codes[test])
    foreseen = np.maximum(model.predict_proba(Z[test])[places], _LEAST_PROBABILITY)
    return float(likelihoods[test].sum() - np.log(foreseen).sum())
