# SPDX-License-Identifier: BSD-3-Clause
"""Generative or discriminative: by the number of labels (arXiv 2302.02334)."""

import time

import matplotlib.pyplot as plt
import numpy as np
from rich.progress import track
from rich.table import Table
from shared import N_SPLITS, console, save
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_theory.linear_model import NaiveBayesVsLogistic


def run():
    """Compare the heads over numbers of labels, then find where they cross."""
    heads_for_few_and_many_labels()
    where_the_heads_cross()


def heads_for_few_and_many_labels():
    """Compare the selected head with each head alone, for few and for many labels."""
    console.print(
        "\n[bold]1. How many labels do you have?[/] Naive Bayes learns from O(log n) "
        "samples, logistic regression\nfrom O(n) (arXiv 2302.02334). "
        "NaiveBayesVsLogistic fits both on your labels and picks one.\n"
    )
    table = Table(title=f"Test accuracy, mean of {N_SPLITS} random draws of labels")
    columns = ["picked\nnaive Bayes", "gain on\nthe worse", "fit, ms"]
    for column in ["data", "labels", *HEADS, *columns]:
        table.add_column(column, justify="right")
    for name, load, size in track(SETTINGS, "fitting", console=console, transient=True):
        scores, n_naive_bayes, milliseconds = accuracy_with_few_labels(
            *load(return_X_y=True), size
        )
        *alone, selected = scores
        table.add_row(
            name,
            str(size),
            *(
                f"[bold green]{s:.3f}[/]" if s == max(scores) else f"{s:.3f}"
                for s in scores
            ),
            f"{n_naive_bayes} of {N_SPLITS}",
            f"{selected - min(alone):+.3f}",
            f"{milliseconds:.0f}",
        )
    console.print(table)


SETTINGS = [
    ("breast_cancer", load_breast_cancer, 6),
    ("breast_cancer", load_breast_cancer, 20),
    ("breast_cancer", load_breast_cancer, 320),
    ("digits", load_digits, 30),
    ("digits", load_digits, 100),
    ("digits", load_digits, 1000),
]
HEADS = {
    "GaussianNB": GaussianNB(),
    "Logistic\nRegression": make_pipeline(
        MinMaxScaler(), LogisticRegression(max_iter=1000)
    ),
    "NaiveBayes\nVsLogistic": NaiveBayesVsLogistic(cv=3),
}


def accuracy_with_few_labels(X, y, size):
    """Mean accuracy of each head, how often naive Bayes was picked, and milliseconds."""
    scores = np.zeros((N_SPLITS, len(HEADS)))
    n_naive_bayes, seconds = 0, []
    for seed in range(N_SPLITS):
        train = draw_labels(y, size, np.random.default_rng(seed))
        for column, head in enumerate(HEADS.values()):
            started = time.perf_counter()
            fitted = clone(head).fit(X[train], y[train])
            elapsed = time.perf_counter() - started
            scores[seed, column] = fitted.score(X[~train], y[~train])
        n_naive_bayes += fitted.selected_ == "naive_bayes"
        seconds.append(elapsed)
    return scores.mean(axis=0), n_naive_bayes, 1000 * np.median(seconds)


def draw_labels(y, size, rng):
    """Mask of random rows with at least one of every class."""
    while True:
        train = np.zeros(len(y), dtype=bool)
        train[rng.permutation(len(y))[:size]] = True
        if len(np.unique(y[train])) == len(np.unique(y)):
            return train


def where_the_heads_cross():
    """Draw both learning curves on breast_cancer, with the estimated crossover."""
    X, y = load_breast_cancer(return_X_y=True)
    model = NaiveBayesVsLogistic(
        learning_curve=True,
        train_sizes=[6, 10, 20, 40, 80, 160, 320],
        n_repeats=10,
    )
    console.print(
        "\nLearning curves of both heads on breast_cancer, along the same samples:"
    )
    started = time.perf_counter()
    model.set_callbacks(ProgressBar()).fit(X, y)
    console.print(
        f"Fitted in {time.perf_counter() - started:.1f} s. Up to about "
        f"[bold]{model.crossover_n_:.0f} labels[/] use naive Bayes, beyond it logistic "
        "regression.\n"
    )
    console.print("What the theory assumes and promises, measured on these data:\n")
    report = model.theory_report(X, y).to_string(meanings=False)
    console.print(report, markup=False, highlight=False)
    save(plot_crossover(model), "two_regimes.png")


def plot_crossover(model):
    curves = model.learning_curves_
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for head, label, colour in [
        ("nb", "shared-variance naive Bayes", "#0072B2"),
        ("lr", "logistic regression", "#D55E00"),
    ]:
        mean, std = curves[f"{head}_mean"], curves[f"{head}_std"]
        axes.plot(curves["sizes"], mean, "o-", color=colour, label=label)
        axes.fill_between(
            curves["sizes"], mean - std, mean + std, color=colour, alpha=0.15
        )
    axes.axvline(model.crossover_n_, color="0.4", linestyle="--")
    axes.annotate(
        f"crossover at {model.crossover_n_:.0f} labels",
        (model.crossover_n_, axes.get_ylim()[1]),
        textcoords="offset points",
        xytext=(6, -14),
    )
    axes.set(
        xscale="log",
        xlabel="labelled samples",
        ylabel="test error",
        title="breast_cancer: naive Bayes wins with few labels, logistic with many",
    )
    axes.legend()
    return figure
