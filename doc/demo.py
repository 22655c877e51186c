# SPDX-License-Identifier: BSD-3-Clause
"""The methods at work on real data: run by ``make demo``.

Everything here is what a user would write: estimators, ``fit``, ``predict``, and
scikit-learn's own progress bars. The figures go to the folder ``demo``.
"""

import time
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn import linear_model
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler
from sklearn.semi_supervised import LabelPropagation

from sklearn_theory.label_space import LokiClassifier, squared_distance_score
from sklearn_theory.linear_model import ElasticNet, Lasso, NaiveBayesVsLogistic
from sklearn_theory.linear_model import (
    LogisticRegression as CertifiedLogisticRegression,
)
from sklearn_theory.semi_supervised import GraphLabelPropagation

FOLDER = Path("demo")
N_SPLITS = 10
console = Console(width=110)


# With very few labels some class has less than three rows; this is said once, here:
# folds are then fewer, and with a single row naive Bayes is taken.
warnings.filterwarnings("ignore", message="The smallest class has")
# A few images are neighbours of each other alone; they get the share of each class.
warnings.filterwarnings("ignore", message=".*of the graph, with .* have no label")
# scikit-learn's propagation gives up on some draws.
warnings.filterwarnings("ignore", message="max_iter=10000 was reached")


def main():
    started = time.perf_counter()
    FOLDER.mkdir(exist_ok=True)
    console.rule("[bold]sklearn_theory[/] on real data")
    heads_for_few_and_many_labels()
    where_the_heads_cross()
    classes_never_seen()
    sparse_models_with_a_certificate()
    a_few_labels_on_a_graph()
    console.rule(f"done in {time.perf_counter() - started:.0f} seconds")


# --- Generative or discriminative? ---------------------------------------------------


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


# --- Classes that the classifier never saw --------------------------------------------


def classes_never_seen():
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


# --- Sparse linear models -------------------------------------------------------------


def sparse_models_with_a_certificate():
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
        CertifiedLogisticRegression(tol=1e-9, **logistic),
        LogisticRegression(solver="saga", tol=1e-6, random_state=0, **logistic),
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


# --- A few labels on a graph ----------------------------------------------------------


def a_few_labels_on_a_graph():
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


def save(figure, name):
    path = FOLDER / name
    figure.savefig(path, dpi=130)
    plt.close(figure)
    console.print(f"Figure: [cyan]{path}[/]")


if __name__ == "__main__":
    main()
