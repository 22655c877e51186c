# SPDX-License-Identifier: BSD-3-Clause
"""Labels of which some are wrong, classes of which some are rare (arXiv 2211.10955)."""

import time

import matplotlib.pyplot as plt
import numpy as np
from rich.progress import track
from rich.table import Table
from shared import console, save
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_theory.datasets import make_long_tail_noisy
from sklearn_theory.noisy_labels import RCAL

N_DRAWS = 3
NOISES = (0.0, 0.2, 0.4)
IMBALANCE = 10


def run():
    """Fit plain and weighted classifiers and RCAL to digits, then show the suspects."""
    console.print(
        "\n[bold]6. Some labels are wrong, and some classes rare.[/] Digits, the most "
        f"frequent one {IMBALANCE} times as frequent\nas the rarest. RCAL is not told how "
        "many labels are wrong, nor which (arXiv 2211.10955).\n"
    )
    table = Table(
        title=f"Balanced accuracy on clean digits, mean of {N_DRAWS} random draws"
    )
    columns = [f"{noise:.0%} wrong" if noise else "none wrong" for noise in NOISES]
    for column in ["method", *columns, "one fit, ms"]:
        table.add_column(column, justify="right")
    draws = [digits(noise, seed) for noise in NOISES for seed in range(N_DRAWS)]
    for name, model in track(
        MODELS.items(), "fitting", console=console, transient=True
    ):
        scores, milliseconds = zip(*(evaluate(model, *draw) for draw in draws))
        means = np.reshape(scores, (len(NOISES), N_DRAWS)).mean(axis=1)
        table.add_row(
            name, *(f"{m:.3f}" for m in means), f"{np.median(milliseconds):.0f}"
        )
    console.print(table)
    X, y_true, y_noisy, *_ = digits(0.2, 0)
    model = clone(MODELS["RCAL"]).fit(X, y_noisy)
    suspects = model.suspected_label_errors()
    share = np.mean(y_noisy[suspects] != y_true[suspects])
    console.print(
        f"Of {np.sum(y_noisy != y_true)} wrong labels among {len(y_noisy)}, RCAL estimates "
        f"{model.noise_rate_:.0%} and suspects {len(suspects)}, {share:.0%} of them rightly."
    )
    save(plot_suspects(X, y_noisy, model, suspects[:16]), "suspected_labels.png")


MODELS = {
    "LogisticRegression": make_pipeline(PCA(20), LogisticRegression(max_iter=1000)),
    "the same with class weights": make_pipeline(
        PCA(20), LogisticRegression(max_iter=1000, class_weight="balanced")
    ),
    "RCAL": RCAL(representation=PCA(20)),
}


def digits(noise, seed):
    """A long tail of digits with true and wrong labels, and clean ones to test on."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        X / 16, y, test_size=800, random_state=seed, stratify=y
    )
    X, y_true, y_noisy, _ = make_long_tail_noisy(
        X, y, imbalance=IMBALANCE, noise=noise, random_state=seed
    )
    return X, y_true, y_noisy, X_test, y_test


def evaluate(model, X, y_true, y_noisy, X_test, y_test):
    """Balanced accuracy on clean rows, and milliseconds of the fit."""
    model = clone(model)
    seeds = {k: 0 for k in model.get_params() if k.endswith("random_state")}
    started = time.perf_counter()
    model.set_params(**seeds).fit(X, y_noisy)
    milliseconds = 1000 * (time.perf_counter() - started)
    return balanced_accuracy_score(y_test, model.predict(X_test)), milliseconds


def plot_suspects(X, y_noisy, model, rows):
    figure, axes = plt.subplots(2, 8, figsize=(9, 3), layout="constrained")
    for axis, row, likely in zip(axes.flat, rows, model.predict(X[rows])):
        axis.imshow(X[row].reshape(8, 8), cmap="gray_r")
        axis.set_title(f"{y_noisy[row]} \N{RIGHTWARDS ARROW} {likely}", fontsize=11)
        axis.set_axis_off()
    figure.suptitle("The most suspected labels, and what RCAL takes the digits for")
    return figure
