# SPDX-License-Identifier: BSD-3-Clause
"""
Which rule of block coordinate descent is fastest?
==================================================

Partition, selection and update are three independent choices
(`arXiv 1712.08859 <https://arxiv.org/abs/1712.08859>`_). On the paper's kind of
least-squares problem (1500 sparse columns whose lengths differ by orders of magnitude, 300
rows, so that the minimum is zero) the choice decides over ten orders of magnitude after the
same number of updates.
"""

# %%
# The runs
# --------
#
# Each run makes 300 updates of blocks of five coordinates. `record=True` keeps the
# objective and the seconds, those of setting up the rule included. A first short run
# compiles the kernels.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_theory.datasets import make_sparse_linear_problem
from sklearn_theory.solvers import BCDSolver

X, y = make_sparse_linear_problem(300, 1500, random_state=np.random.default_rng(1))


def course(partition, selection, update, max_iter=300):
    """Return objective and seconds along a run."""
    model = BCDSolver(
        partition=partition,
        selection=selection,
        update=update,
        max_iter=max_iter,
        tol=0,
        fit_intercept=False,
        random_state=0,
        record=True,
    ).fit(X, y)
    return model.history_["objective"], model.history_["time"]


RULES = {
    "random blocks, gradient": ("variable", "random", "gradient", "0.6", "-"),
    "fixed, GS, gradient": ("sort", "gs", "gradient", "#56B4E9", "--"),
    "fixed, GSL, gradient": ("sort", "gsl", "gradient", "#0072B2", "--"),
    "variable, GS, gradient": ("variable", "gs", "gradient", "#56B4E9", "-"),
    "variable, GSD, gradient": ("variable", "gsd", "gradient", "#0072B2", "-"),
    "fixed, GSQ, matrix": ("sort", "gsq", "matrix", "#D55E00", "--"),
    "variable, GS, matrix": ("variable", "gs", "matrix", "#E69F00", "-"),
    "variable, GSD, matrix": ("variable", "gsd", "matrix", "#D55E00", "-"),
    "variable, GSQ by pursuit, matrix": (
        "variable",
        "gsq_omp",
        "matrix",
        "#000000",
        "-",
    ),
}
courses = {}
for name, (*rule, _, _) in RULES.items():
    course(*rule, max_iter=2)
    courses[name] = course(*rule)
    objective, seconds = courses[name]
    print(f"{name:<33} {objective[-1]:9.2e} after {seconds[-1]:5.2f} s")

# %%
# The picture
# -----------
#
# On the left the updates: solid lines compose their blocks anew (variable), dashed ones
# choose among fixed blocks. Dividing by the Lipschitz constants (GSD, GSL) gains more than
# variable blocks do; with GSD the matrix update gains more than either, and a block that
# is composed by orthogonal matching pursuit as much again. On the right the seconds: since
# the gradient is tracked, a greedy update costs a few times one of a random block, not as
# many times as there are blocks, and the order at the end stays.

figure, (by_update, by_time) = plt.subplots(
    1, 2, figsize=(10.5, 5), sharey=True, layout="constrained"
)
for name, (*_, colour, style) in RULES.items():
    objective, seconds = courses[name]
    by_update.semilogy(objective, color=colour, linestyle=style, label=name)
    by_time.loglog(np.maximum(seconds, 1e-4), objective, color=colour, linestyle=style)
by_update.set(xlabel="block updates", ylabel="objective minus its minimum")
by_time.set(xlabel="seconds")
figure.suptitle("Least squares, 300 by 1500, blocks of 5")
figure.legend(
    *by_update.get_legend_handles_labels(), loc="outside lower center", ncols=3
)
plt.show()
