# SPDX-License-Identifier: BSD-3-Clause
"""Check ``_gaps.py`` on tiny problems: ``python benchmarks/check_gaps.py``.

At a solution with a very tight tolerance the gap must vanish; away from it, it must be at
least what the primal value exceeds the best one by (else it certifies nothing), and it
must shrink with the distance.
"""

import warnings

import numpy as np
from _gaps import LOSSES, relative_gap
from _problems import Problem as _Problem
from _problems import (
    autoregressive,
    classes,
    largest_strength,
    linear_response,
    scattered,
    signs,
)
from scipy import optimize
from sklearn.linear_model import ElasticNet, LogisticRegression

MODELS = [
    ("lasso", 1.0, False),
    ("lasso", 1.0, True),
    ("enet", 0.5, False),
    ("enet", 0.1, True),
    ("enet", 0.0, True),
    ("nnls", 1.0, False),
    ("nnls", 1.0, True),
    ("nnls", None, False),
    ("logistic", 1.0, False),
    ("logistic", 1.0, True),
    ("logistic", 0.5, True),
    ("logistic", 0.0, False),
    ("logistic", 0.0, True),
    ("softmax", 1.0, False),
    ("softmax", 1.0, True),
    ("softmax", 0.5, True),
    ("softmax", 0.0, True),
]


def main():
    warnings.simplefilter("ignore")
    for model, l1_ratio, fit_intercept in MODELS:
        for sparse in (False, True):
            check(model, l1_ratio, fit_intercept, sparse)


def check(model, l1_ratio, fit_intercept, sparse):
    rng = np.random.default_rng(0)
    X = scattered(60, 25, 12, rng) if sparse else autoregressive(60, 25, 0.5, rng)
    y = draw_response(X, model, rng) + (2.0 if fit_intercept else 0.0)
    problem = _Problem("tiny", model, None, 1.0, fit_intercept)
    strength = 0.0 if l1_ratio is None else 0.1 * largest_strength(X, y, problem)
    l1_ratio = 1.0 if l1_ratio is None else l1_ratio
    coef, intercept = solve(X, y, model, strength, l1_ratio, fit_intercept)
    options = {
        "model": model,
        "strength": strength,
        "l1_ratio": l1_ratio,
        "fit_intercept": fit_intercept,
    }
    best = relative_gap(X, y, coef, intercept, **options)
    assert best <= 1e-9, f"{options}: the gap of the solution is {best:.1e}"
    reference = primal(X, y, coef, intercept, options)
    gaps = []
    for size in (1e-1, 1e-2, 1e-3, 1e-4):
        move = size * rng.standard_normal(np.shape(coef)) * (np.abs(coef) > 0)
        moved = coef + move
        if model == "nnls":
            moved = np.abs(moved)
        gap = relative_gap(X, y, moved, intercept, **options)
        excess = primal(X, y, moved, intercept, options) - reference
        excess /= LOSSES[model](y).scale(fit_intercept)
        assert gap >= excess - 1e-12, f"{options}: gap {gap:.3e} below {excess:.3e}"
        gaps.append(gap)
    assert all(np.diff(gaps) < 0), f"{options}: {gaps} does not shrink"
    print(
        f"{model:9} l1_ratio {l1_ratio:3} intercept {fit_intercept!s:5} sparse "
        f"{sparse!s:5}: {best:.0e} at the solution, then",
        " ".join(f"{gap:.0e}" for gap in gaps),
    )


def draw_response(X, model, rng):
    if model == "softmax":
        return classes(X, rng, 3, 5)
    response = linear_response(X, rng, 5, signal_to_noise=1.0)
    return signs(response) if model == "logistic" else response


def primal(X, y, coef, intercept, options):
    W = np.atleast_2d(coef).T
    l1 = options["strength"] * options["l1_ratio"]
    l2 = options["strength"] - l1
    value = LOSSES[options["model"]](y).value(X @ W + intercept)
    return value + l1 * np.abs(W).sum() + l2 / 2 * np.sum(W**2)


def solve(X, y, model, strength, l1_ratio, fit_intercept):
    """A solution to about machine precision by scikit-learn or scipy."""
    options = {"fit_intercept": fit_intercept, "l1_ratio": l1_ratio, "tol": 1e-14}
    if model == "nnls" and strength == 0:
        return optimize.nnls(X.toarray() if hasattr(X, "toarray") else X, y)[0], 0.0
    if model in ("lasso", "enet", "nnls"):
        alpha = strength / len(y)
        options |= {"max_iter": 1_000_000, "positive": model == "nnls"}
        found = ElasticNet(alpha=alpha, **options).fit(X, y)
        return found.coef_, found.intercept_
    solver = "newton-cg" if l1_ratio == 0 else "saga"
    found = LogisticRegression(
        C=1 / strength, solver=solver, max_iter=100_000, random_state=0, **options
    ).fit(X, y)
    coef = found.coef_ if model == "softmax" else found.coef_[0]
    return coef, found.intercept_


if __name__ == "__main__":
    main()
