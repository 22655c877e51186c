# SPDX-License-Identifier: BSD-3-Clause
"""A classifier that teaches itself, and classes by prototypes, from a few labels."""

import time

import matplotlib.pyplot as plt
import numpy as np
from rich.progress import track
from rich.table import Table
from shared import console, save
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_theory.datasets import make_binary_signature_classification
from sklearn_theory.semi_supervised import SelfTrainer, TransductiveClassifier

N_DRAWS = 2
N_LABELS = 60
FOREST = RandomForestClassifier(60, random_state=0)
METHODS = {
    "random forest, labels only": FOREST,
    "scikit-learn's SelfTrainingClassifier": SelfTrainingClassifier(FOREST),
    "SelfTrainer": SelfTrainer(FOREST),
    "TransductiveClassifier": TransductiveClassifier(n_neighbors=4),
}


def run():
    """Compare what is learnt from 60 labels on digits and on rows of binary marks."""
    console.print(
        "\n[bold]5. A few labels, and no threshold to choose.[/] SelfTrainer adds the "
        "pseudo-labels for which a bound\non their error is least (arXiv 2202.12040); "
        "TransductiveClassifier clusters around the labelled rows\non a graph "
        "(arXiv 2106.09516).\n"
    )
    table = Table(
        title=f"Accuracy on the unlabelled, {N_LABELS} labels, mean of {N_DRAWS} draws"
    )
    for column in ["method", *DATA, "both fits, s"]:
        table.add_column(column, justify="right")
    for name, model in track(
        METHODS.items(), "teaching", console=console, transient=True
    ):
        results = [learn(model, *load()) for load in DATA.values()]
        seconds = sum(seconds for _, seconds in results)
        accuracies = [f"{accuracy:.3f}" for accuracy, _ in results]
        table.add_row(name, *accuracies, f"{seconds:.1f}")
    console.print(table)
    X, truth = marks()
    model = SelfTrainer(FOREST).fit(X, few_labels(truth, 0))
    console.print(str(model.history_), markup=False, highlight=False)
    save(plot_rounds(model, truth), "self_taught.png")


def digits():
    return load_digits(return_X_y=True)


def marks():
    return make_binary_signature_classification(random_state=12)


DATA = {"digits": digits, "binary marks": marks}


def few_labels(truth, seed):
    """Hide all but a few labels."""
    rows = np.arange(len(truth))
    labelled, _ = train_test_split(
        rows, train_size=N_LABELS, stratify=truth, random_state=seed
    )
    y = np.full(len(truth), -1)
    y[labelled] = truth[labelled]
    return y


def learn(model, X, truth):
    """Mean accuracy on the unlabelled rows, and seconds of the faster fit."""
    accuracies, seconds = [], []
    for seed in range(N_DRAWS):
        y = few_labels(truth, seed)
        given = y >= 0
        is_supervised = model is FOREST
        started = time.perf_counter()
        model.fit(X[given], y[given]) if is_supervised else model.fit(X, y)
        seconds.append(time.perf_counter() - started)
        accuracies.append(np.mean(model.predict(X[~given]) == truth[~given]))
    # The first fit of all compiles.
    return np.mean(accuracies), min(seconds)


def plot_rounds(model, truth):
    """Plot the labels of each round, the wrong ones and the bound on their share."""
    rounds = np.arange(1, model.n_iter_ + 1)
    added = [np.flatnonzero(model.labeled_iter_ == n) for n in rounds]
    wrong = [np.mean(model.transduction_[rows] != truth[rows]) for rows in added]
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    axes.bar(rounds, [len(rows) for rows in added], color="0.8")
    axes.set(
        xticks=rounds,
        xlabel="round",
        ylabel="pseudo-labels added (bars)",
        title="Binary marks: SelfTrainer's pseudo-labels, and the bound on their error",
    )
    shares = axes.twinx()
    shares.plot(rounds, model.bound_history_, "o-", color="#0072B2", label="bound")
    shares.plot(rounds, wrong, "s-", color="#D55E00", label="truly wrong")
    shares.set(ylabel="share of wrong labels", ylim=(0, None))
    shares.legend()
    return figure
