# SPDX-License-Identifier: BSD-3-Clause
"""Sparse linear models with a certificate (arXiv 1712.08859)."""

import time

import matplotlib.pyplot as plt
import numpy as np
from rich.progress import track
from rich.table import Table
from shared import console, save
from sklearn import linear_model
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_theory.linear_model import ElasticNet, Lasso, LogisticRegression


def run():
    """Fit the same sparse models as scikit-learn, and compare time and exactness."""
    console.print(
        "\n[bold]3. The same models, with a certificate.[/] Lasso, elastic net and "
        "logistic regression by greedy\nblocks of coordinates (arXiv 1712.08859): "
        "scikit-learn's objectives, and a proof of how far the\nminimum can be.\n"
    )
    table = Table(title="Fits to the same relative tolerance, second call, best of 3")
    for column in [
        "model, data",
        "non-zeros",
        "peer, ms",
        "ours, ms",
        "faster",
        "objective below\nthe peer's by",
        "ours is within\n(certified)",
    ]:
        table.add_column(column, justify="right")
    for name, objective, ours, peer, X, y in track(
        sparse_settings(), "fitting", console=console, transient=True
    ):
        milliseconds, peer_milliseconds = fit_time(ours, X, y), fit_time(peer, X, y)
        table.add_row(
            name,
            str(np.count_nonzero(ours.coef_)),
            f"{peer_milliseconds:.1f}",
            f"{milliseconds:.1f}",
            f"[bold green]{peer_milliseconds / milliseconds:.1f} x[/]",
            f"{objective(peer, X, y) - objective(ours, X, y):.1e}",
            f"{ours.dual_gap_:.1e}",
        )
    console.print(table)
    X, y = interactions()
    model = Lasso(alpha=0.1, tol=1e-12, max_iter=10_000).fit(X, y)
    save(plot_rounds(model), "certified_lasso.png")


def interactions():
    """Diabetes with all products of up to three features: 442 rows, 285 columns."""
    X, y = load_diabetes(return_X_y=True)
    expand = make_pipeline(
        StandardScaler(), PolynomialFeatures(3, include_bias=False), StandardScaler()
    )
    return np.asfortranarray(expand.fit_transform(X)), y


def sparse_settings():
    """The models, their objectives, and the data on which they are compared."""
    X, y = interactions()
    X_cancer, y_cancer = load_breast_cancer(return_X_y=True)
    X_cancer = np.asfortranarray(StandardScaler().fit_transform(X_cancer))
    regression = {"alpha": 0.1, "tol": 1e-8, "max_iter": 1_000_000}
    logistic = {"C": 1.0, "l1_ratio": 1.0, "max_iter": 100_000}
    yield (
        "Lasso, diabetes cubic",
        regression_objective,
        Lasso(**regression),
        linear_model.Lasso(**regression),
        X,
        y,
    )
    yield (
        "ElasticNet, diabetes cubic",
        regression_objective,
        ElasticNet(**regression),
        linear_model.ElasticNet(**regression),
        X,
        y,
    )
    yield (
        "logistic, breast_cancer",
        logistic_objective,
        LogisticRegression(tol=1e-9, **logistic),
        linear_model.LogisticRegression(
            solver="saga", tol=1e-6, random_state=0, **logistic
        ),
        X_cancer,
        y_cancer,
    )


def regression_objective(model, X, y):
    w, share = model.coef_, getattr(model, "l1_ratio", 1.0)
    penalty = share * np.abs(w).sum() + (1 - share) / 2 * (w @ w)
    return np.mean((y - model.predict(X)) ** 2) / 2 + model.alpha * penalty


def logistic_objective(model, X, y):
    loss = np.logaddexp(0, (1 - 2 * y) * model.decision_function(X)).mean()
    return loss + np.abs(model.coef_).sum() / model.C / len(y)


def fit_time(model, X, y):
    """Milliseconds of the best of three fits after a first one."""
    seconds = []
    for _ in range(4):
        started = time.perf_counter()
        model.fit(X, y)
        seconds.append(time.perf_counter() - started)
    return 1000 * min(seconds[1:])


def plot_rounds(model):
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    passes, gaps = model.history_["n_passes"], model.history_["dual_gap"]
    shown = gaps > 0
    axes.semilogy(passes[shown], gaps[shown], "o-", color="#0072B2")
    axes.set(
        xlabel="passes over working sets",
        ylabel="certified duality gap",
        title="Lasso on diabetes with cubic features: the gap, and the support",
    )
    support = axes.twinx()
    support.step(
        passes, model.history_["n_nonzero"], where="post", color="#D55E00", alpha=0.8
    )
    support.set_ylabel("non-zero coefficients", color="#D55E00")
    return figure
