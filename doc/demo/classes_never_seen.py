# SPDX-License-Identifier: BSD-3-Clause
"""Classes that the classifier never saw (arXiv 2307.12226)."""

import time

import matplotlib.pyplot as plt
import numpy as np
from rich.progress import track
from rich.table import Table
from shared import N_SPLITS, console, save
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_theory.label_space import LokiClassifier, squared_distance_score


def run():
    """Predict 25 ordinal classes of diabetes with a classifier that saw five."""
    console.print(
        "\n[bold]2. Classes never seen.[/] The progression of diabetes in 25 ordered "
        "classes; only every sixth\none (5 of 25) is in the training data. "
        "LokiClassifier replaces argmax by the Fréchet mean over\nthe label metric "
        "(arXiv 2307.12226): same classifier, same probabilities, no retraining.\n"
    )
    base = make_pipeline(StandardScaler(), LogisticRegression(C=0.3))
    models = {
        "argmax of LogisticRegression": LokiClassifier(base, labels=np.arange(25)),
        "LokiClassifier": LokiClassifier(base, metric="path", labels=np.arange(25)),
    }
    table = Table(title=f"25 ordered classes, mean of {N_SPLITS} random splits")
    for column in [
        "decoding",
        "squared distance",
        "classes predicted",
        "ms / 1000 rows",
    ]:
        table.add_column(column, justify="right")
    results = {
        name: decode_unseen(model)
        for name, model in track(
            models.items(), "decoding", console=console, transient=True
        )
    }
    for name, result in results.items():
        table.add_row(
            name,
            f"{np.mean(result['distance']):.1f}",
            f"{np.mean(result['n_predicted']):.1f} of 25",
            f"{np.mean(result['milliseconds']):.2f}",
        )
    console.print(table)
    argmax, loki = (np.mean(result["distance"]) for result in results.values())
    console.print(
        f"Squared distance to the true class: [bold green]{loki / argmax - 1:+.0%}[/]"
    )
    save(plot_predictions(results), "classes_never_seen.png")


def ordinal_diabetes():
    X, y = load_diabetes(return_X_y=True)
    edges = np.quantile(y, np.linspace(0, 1, 26)[1:-1])
    return X, np.digitize(y, edges)


def decode_unseen(model):
    X, y = ordinal_diabetes()
    result = {"distance": [], "n_predicted": [], "milliseconds": []}
    for seed in range(N_SPLITS):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.4, random_state=seed
        )
        seen = y_train % 6 == 0
        fitted = clone(model).fit(X_train[seen], y_train[seen])
        started = time.perf_counter()
        predicted = fitted.predict(X_test)
        elapsed = time.perf_counter() - started
        result["milliseconds"].append(elapsed * 1e6 / len(X_test))
        result["n_predicted"].append(len(np.unique(predicted)))
        result["distance"].append(
            squared_distance_score(y_test, predicted, metric="path", labels=range(25))
        )
    return result | {"true": y_test, "predicted": predicted}


def plot_predictions(results):
    figure, panels = plt.subplots(
        1, 2, figsize=(8.5, 4.2), sharex=True, sharey=True, layout="constrained"
    )
    for axes, (name, result) in zip(panels, results.items()):
        jitter = np.random.default_rng(0).uniform(-0.25, 0.25, (2, len(result["true"])))
        axes.plot([0, 24], [0, 24], color="0.7", zorder=0)
        axes.scatter(
            result["true"] + jitter[0], result["predicted"] + jitter[1], s=12, alpha=0.6
        )
        for seen in range(0, 25, 6):
            axes.axhline(seen, color="#D55E00", linewidth=0.6, linestyle=":", zorder=0)
        axes.set(
            title=f"{name}\nmean squared distance {np.mean(result['distance']):.1f}",
            xlabel="true class",
        )
    panels[0].set_ylabel("predicted class (dotted: seen in training)")
    return figure
