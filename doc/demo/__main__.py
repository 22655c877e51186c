# SPDX-License-Identifier: BSD-3-Clause
"""The methods at work on real data: run by ``make demo``.

Everything here is what a user would write: estimators, ``fit``, ``predict``, and
scikit-learn's own progress bars. The figures go to the folder ``demo``.
"""

import time
import warnings

import classes_never_seen
import few_or_many_labels
import labels_on_a_graph
import luck_or_skill
import self_taught
import sparse_models
import wrong_labels
from shared import FOLDER, console

# With very few labels some class has less than three rows; this is said once, here:
# folds are then fewer, and with a single row naive Bayes is taken.
warnings.filterwarnings("ignore", message="The smallest class has")
# A few images are neighbours of each other alone; they get the share of each class.
warnings.filterwarnings("ignore", message=".*of the graph, with .* have no label")
# scikit-learn's propagation gives up on some draws.
warnings.filterwarnings("ignore", message="max_iter=10000 was reached")

SECTIONS = [
    few_or_many_labels,
    classes_never_seen,
    sparse_models,
    labels_on_a_graph,
    self_taught,
    wrong_labels,
    luck_or_skill,
]


def main():
    started = time.perf_counter()
    FOLDER.mkdir(exist_ok=True)
    console.rule("[bold]sklearn_theory[/] on real data")
    for section in SECTIONS:
        section.run()
    console.rule(f"done in {time.perf_counter() - started:.0f} seconds")


if __name__ == "__main__":
    main()
