# SPDX-License-Identifier: BSD-3-Clause
"""Problems of penalised logistic regression: build them, start them, solve them."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.class_weight import compute_class_weight

from ..solvers._face_logistic import LogisticFace
from ..solvers._face_matrix import as_columns
from ..solvers._face_softmax import SoftmaxFace
from ._linear_head import LinearHead
from ._naive_bayes_statistics import class_statistics, overall_mean, overall_variance
from ._penalised_problem import elastic_net_penalty, require_finite
from ._softmax_regression import LogisticProblem, fit_logistic


class ClassifiedRows(NamedTuple):
    """Validated samples of a classification.

    Attributes
    ----------
    X : {ndarray, CSC matrix} of shape (n_rows, n_features)
        The rows.

    labels : ndarray of shape (n_rows,)
        Numbers of the classes.

    n_classes : int
        Number of classes.

    weight : ndarray of shape (n_rows,)
        Sample weights times class weights.
    """

    X: object
    labels: np.ndarray
    n_classes: int
    weight: np.ndarray


def weigh_classes(class_weight, classes, y, labels, sample_weight):
    """Multiply the sample weights by those of the classes."""
    weight = np.ones(len(y)) if sample_weight is None else sample_weight.astype(float)
    if class_weight is None:
        return weight
    totals = np.bincount(labels, weight, minlength=len(classes))
    if class_weight == "balanced" and not totals.all():
        raise ValueError(
            'class_weight="balanced" needs samples of positive weight of every class; '
            f"the class {classes[totals == 0][0]!r} has none."
        )
    of_class = compute_class_weight(
        class_weight, classes=classes, y=y, sample_weight=sample_weight
    )
    return weight * of_class[labels]


def logistic_face(rows, fit_intercept):
    """Build the logistic loss of two classes, or the softmax loss of more."""
    columns, n_features = as_columns(rows.X), rows.X.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        if rows.n_classes == 2:
            sign = np.where(rows.labels == 1, 1.0, -1.0)
            face = LogisticFace(columns, n_features, sign, rows.weight, fit_intercept)
        else:
            face = SoftmaxFace(
                columns,
                n_features,
                rows.labels,
                rows.n_classes,
                rows.weight,
                fit_intercept,
            )
    require_finite(face.is_finite, rows.X)
    return face


def logistic_penalty(weights, C, l1_ratio, n_classes):
    """Build the penalty; every class has the weight of its feature."""
    weights = np.repeat(weights, 1 if n_classes == 2 else n_classes)
    return elastic_net_penalty(weights, 1 / C, l1_ratio)


def start_at_head(face, head, weights):
    """Put the start at a linear head; excluded features start at zero."""
    coef = np.where(np.isinf(weights), 0.0, head.coef)
    intercept = np.asarray(head.intercept, dtype=float)
    if len(coef) == 1:
        face.start(coef[0], float(intercept[0]))
    else:
        face.start(coef.T.ravel(), intercept[:, np.newaxis])


def head_of(face, n_classes):
    """The linear head at the point that a loss holds."""
    intercept = np.atleast_1d(face.intercept())
    if n_classes == 2:
        return LinearHead(face.w[np.newaxis], intercept)
    return LinearHead(face.w.reshape(-1, n_classes).T, intercept)


def fit_smooth(rows, head, *, C, tol, max_iter):
    """Minimise without an L1 penalty by L-BFGS; returns a head and the iterations.

    The gradient of the mean loss must be below `tol`, as in scikit-learn, and so small
    that the duality gap of a squared penalty, half the gradient's square over ``1 / C``,
    meets the relative gap `tol`.
    """
    X, labels, n_classes, weight = rows
    # The statistics of classes, and the products of L-BFGS, go by rows.
    X = X.tocsr() if issparse(X) else X
    used = weight > 0
    if not used.all():
        X, labels, weight = X[used], labels[used], weight[used]
    statistics = class_statistics(X, labels, n_classes, weight)
    n_features = X.shape[1]
    problem = LogisticProblem(
        X=X,
        y=labels,
        weight=weight,
        n_classes=n_classes,
        offset=np.zeros(n_features),
        scale=np.ones(n_features),
        centre=overall_mean(statistics),
        spread=overall_variance(statistics),
        C=C,
    )
    target = tol * weight.sum() * np.log(n_classes)
    n_entries = n_features * (1 if n_classes == 2 else n_classes)
    gradient = np.sqrt(2 * target / min(C, 1e10) / n_entries) / weight.sum()
    gradient = min(gradient, tol)
    fit = fit_logistic(problem, head, solver="lbfgs", max_iter=max_iter, tol=gradient)
    return fit.head, fit.n_iter
