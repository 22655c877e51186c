# SPDX-License-Identifier: BSD-3-Clause
"""The relative duality gap that a solution really reached: one function for all solvers.

``relative_gap(X, y, coef, intercept, model=..., strength=..., ...)`` trusts nothing but
the coefficients. With losses as plain sums the primal value is

    loss(X w + b) + l1 |w|_1 + l2 / 2 |w|^2,   l1 = strength * l1_ratio, l2 = the rest,

at the intercept that the solver returned. The dual point is a multiple s of the negative
gradient of the loss; with a free intercept that gradient is taken at the intercept that is
best for the same w, where its sum over the rows is zero, as the dual demands. The dual
value is concave in s, and its best multiple is searched. Where there is no squared term,
the multiples are those that keep every correlation within l1 (below it, where w must not
be negative); where there is one, every multiple is feasible and what exceeds l1 costs its
square over 2 l2.

The gap is divided by what the solvers' own tolerances are relative to: the squared norm
of y (centred where there is an intercept), or n log(number of classes).
"""

import numpy as np
from scipy import optimize, sparse, special
from scipy.sparse.linalg import lsmr

LOSSES = {}


def relative_gap(
    X,
    y,
    coef,
    intercept=0.0,
    *,
    model,
    strength,
    l1_ratio=1.0,
    fit_intercept=False,
):
    """Duality gap over its scale; NaN in the coefficients gives infinity.

    `model` is "lasso", "enet", "nnls" (squared loss, half the sum of squares), "logistic"
    or "softmax". `coef` is (p,), or (k, p) for softmax, as scikit-learn's `coef_`.
    """
    loss = LOSSES[model](y)
    W = np.atleast_2d(np.asarray(coef, dtype=np.float64)).T
    b = np.broadcast_to(np.asarray(intercept, dtype=np.float64), W.shape[1])
    if not (np.all(np.isfinite(W)) and np.all(np.isfinite(b))):
        return np.inf
    positive = model == "nnls"
    if positive and W.min() < 0:
        return np.inf
    l1, l2 = strength * l1_ratio, strength * (1 - l1_ratio)
    scores = np.asarray(X @ W)
    penalty = l1 * np.abs(W).sum() + l2 / 2 * np.sum(W**2)
    primal = loss.value(scores + b) + penalty
    if fit_intercept:
        b = loss.best_intercept(scores, np.array(b))
    point = loss.negative_gradient(scores + b)
    if positive and strength == 0:
        point = shift_into_cone(X, point, W)
    best = best_dual_value(loss, point, np.asarray(X.T @ point), l1, l2, positive)
    return max(primal - best, 0.0) / loss.scale(fit_intercept)


def best_dual_value(loss, point, correlation, l1, l2, positive):
    """Largest dual value over the multiples of a point."""
    low, high = feasible_multiples(correlation, l1, l2, positive)
    low, high = max(low, loss.multiples[0]), min(high, loss.multiples[1])

    def value(multiple):
        excess = multiple * correlation if positive else np.abs(multiple * correlation)
        excess = np.maximum(excess - l1, 0.0)
        # Where no excess is allowed the multiple's own bounds have taken care of it.
        cost = np.sum(excess**2) / (2 * l2) if l2 > 0 else 0.0
        return loss.dual_value(multiple * point) - cost

    guess = loss.best_multiple(point)
    candidates = {float(np.clip(guess, low, high)), float(np.clip(1.0, low, high))}
    if not (l2 == 0 and loss.is_quadratic):
        search = optimize.minimize_scalar(
            lambda multiple: -value(multiple),
            bounds=(max(low, -2.0), min(high, 2.0)),
            method="bounded",
            options={"xatol": 1e-12},
        )
        candidates.add(float(np.clip(search.x, low, high)))
    return max(value(multiple) for multiple in candidates)


def feasible_multiples(correlation, l1, l2, positive):
    """The interval of multiples that keep every correlation within its bound."""
    if l2 > 0:
        return -np.inf, np.inf
    highest = correlation.max(initial=0.0)
    lowest = correlation.min(initial=0.0)
    if not positive:
        highest = max(highest, -lowest)
        lowest = -highest
    upper = l1 / highest if highest > 0 else np.inf
    lower = l1 / lowest if lowest < 0 else -np.inf
    return lower, upper


def shift_into_cone(X, point, W):
    """Move a residual until no correlation is positive: the dual of plain non-negative LS.

    No multiple of the residual would do. The shortest move is taken that makes the
    correlations zero where w is not, and where they are positive; then the gap is half
    the square of its length. It exists where these columns are independent.
    """
    norms = np.sqrt(column_squares(X))
    scale = sparse.diags(1 / np.where(norms > 0, norms, 1.0))
    scaled = sparse.csc_matrix(X) @ scale if sparse.issparse(X) else X @ scale
    moved, size = point, np.linalg.norm(point)
    for _ in range(5):
        correlation = np.asarray(scaled.T @ moved)
        if correlation.max(initial=0.0) <= 0:
            return moved
        touched = ((W > 0) | (correlation > 0)).ravel() & (norms > 0)
        # A little further than to the border, so that rounding does not lead across it.
        target = -correlation[touched].ravel() - 1e-13 * size
        options = {"atol": 1e-14, "btol": 1e-14, "maxiter": 20 * X.shape[1]}
        move = lsmr(scaled[:, touched].T, target, **options)[0]
        moved = moved + move[:, np.newaxis]
    return np.zeros_like(point)


def column_squares(X):
    if sparse.issparse(X):
        return np.asarray(X.multiply(X).sum(axis=0)).ravel()
    return np.einsum("ij,ij->j", X, X)


# ---------------------------------------------------------------------- losses
class SquaredLoss:
    """Half the sum of squared residuals."""

    multiples = (-np.inf, np.inf)
    is_quadratic = True

    def __init__(self, y):
        self.y = np.asarray(y, dtype=np.float64)[:, np.newaxis]

    def value(self, scores):
        return 0.5 * np.sum((self.y - scores) ** 2)

    def negative_gradient(self, scores):
        return self.y - scores

    def best_intercept(self, scores, start):
        return np.mean(self.y - scores, axis=0)

    def dual_value(self, point):
        return np.sum(self.y * point) - 0.5 * np.sum(point**2)

    def best_multiple(self, point):
        square = np.sum(point**2)
        return np.sum(self.y * point) / square if square > 0 else 0.0

    def scale(self, fit_intercept):
        y = self.y - self.y.mean() if fit_intercept else self.y
        return np.sum(y**2) or 1.0


class SoftmaxLoss:
    """Sum of the logarithms of the probabilities of the true classes, negated."""

    multiples = (0.0, 1.0)
    is_quadratic = False

    def __init__(self, y):
        classes, labels = np.unique(y, return_inverse=True)
        self.target = np.eye(len(classes))[labels]

    def value(self, scores):
        true_scores = np.sum(self.target * scores, axis=1)
        return np.sum(special.logsumexp(scores, axis=1) - true_scores)

    def negative_gradient(self, scores):
        return self.target - special.softmax(scores, axis=1)

    def best_intercept(self, scores, start):
        """Newton's method; the Hessian is singular along equal shifts of all classes."""
        b = start
        for _ in range(100):
            P = special.softmax(scores + b, axis=1)
            gradient = P.sum(axis=0) - self.target.sum(axis=0)
            if np.abs(gradient).max() <= 1e-12 * len(P):
                break
            hessian = np.diag(P.sum(axis=0)) - P.T @ P
            step = -np.linalg.lstsq(hessian, gradient, rcond=1e-14)[0]
            b = self.descend(scores, b, step)
        return b

    def descend(self, scores, b, step):
        """Halve the step until the loss does not increase beyond rounding."""
        value = self.value(scores + b)
        for _ in range(60):
            if self.value(scores + b + step) <= value + 1e-12 * abs(value):
                break
            step = step / 2
        return b + step

    def dual_value(self, point):
        return np.sum(special.entr(np.clip(self.target - point, 0.0, 1.0)))

    def best_multiple(self, point):
        return 1.0

    def scale(self, fit_intercept):
        return len(self.target) * np.log(self.target.shape[1])


class LogisticLoss(SoftmaxLoss):
    """Two classes, of which the second has the score and the first a score of zero."""

    def __init__(self, y):
        classes = np.unique(y)
        if len(classes) != 2:
            raise ValueError(f"two classes are needed, y has {len(classes)}")
        self.sign = np.where(np.asarray(y) == classes[1], 1.0, -1.0)[:, np.newaxis]

    def value(self, scores):
        return np.sum(np.logaddexp(0.0, -self.sign * scores))

    def negative_gradient(self, scores):
        return self.sign * special.expit(-self.sign * scores)

    def best_intercept(self, scores, start):
        b = start
        for _ in range(100):
            gradient = -np.sum(self.negative_gradient(scores + b))
            if abs(gradient) <= 1e-12 * len(scores):
                break
            probability = special.expit(scores + b)
            curvature = np.sum(probability * (1 - probability))
            b = self.descend(scores, b, -gradient / max(curvature, 1e-300))
        return b

    def dual_value(self, point):
        share = np.clip(self.sign * point, 0.0, 1.0)
        return np.sum(special.entr(share) + special.entr(1.0 - share))

    def scale(self, fit_intercept):
        return len(self.sign) * np.log(2.0)


LOSSES |= dict.fromkeys(("lasso", "enet", "nnls"), SquaredLoss)
LOSSES |= {"logistic": LogisticLoss, "softmax": SoftmaxLoss}
