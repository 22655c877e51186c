# SPDX-License-Identifier: BSD-3-Clause
"""A few labels on a graph (arXiv 1712.08859)."""

import time

import numpy as np
from rich.progress import track
from rich.table import Table
from shared import N_SPLITS, console
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import LabelPropagation

from sklearn_theory.semi_supervised import GraphLabelPropagation


def run():
    """Spread 5 labels of each digit over the nearest-neighbour graph of all."""
    console.print(
        "\n[bold]4. A few labels on a graph.[/] 50 labelled digits of 1,797; the rest "
        "follow from exact solves on\nforests of the nearest-neighbour graph "
        "(message passing, arXiv 1712.08859).\n"
    )
    X, y = load_digits(return_X_y=True)
    models = {
        "nearest labelled neighbour": KNeighborsClassifier(1),
        "scikit-learn's LabelPropagation": LabelPropagation(
            "knn", max_iter=10_000, tol=1e-3
        ),
        "GraphLabelPropagation": GraphLabelPropagation(),
    }
    table = Table(title=f"Accuracy on the unlabelled, mean of {N_SPLITS} random draws")
    for column in ["method", "accuracy", "fit, ms"]:
        table.add_column(column, justify="right")
    for name, model in track(
        models.items(), "spreading", console=console, transient=True
    ):
        accuracy, milliseconds = spread_labels(model, X, y)
        table.add_row(name, f"{accuracy:.3f}", f"{milliseconds:.0f}")
    console.print(table)


def spread_labels(model, X, y):
    """Mean accuracy on unlabelled rows, and median milliseconds of a fit."""
    accuracies, seconds = [], []
    for seed in range(N_SPLITS):
        rng = np.random.default_rng(seed)
        labelled = np.concatenate(
            [rng.choice(np.flatnonzero(y == k), 5, replace=False) for k in range(10)]
        )
        given = np.full(len(y), -1)
        given[labelled] = y[labelled]
        hidden = given == -1
        started = time.perf_counter()
        if isinstance(model, KNeighborsClassifier):
            predicted = model.fit(X[labelled], y[labelled]).predict(X)
        else:
            predicted = model.fit(X, given).transduction_
        seconds.append(time.perf_counter() - started)
        accuracies.append(np.mean(predicted[hidden] == y[hidden]))
    return np.mean(accuracies), 1000 * np.median(seconds)
