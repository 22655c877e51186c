# SPDX-License-Identifier: BSD-3-Clause
"""
Message passing on two moons
============================

A few labels spread over a graph of nearest neighbours. Each iteration solves exactly on a
*forest* of the graph (`arXiv 1712.08859 <https://arxiv.org/abs/1712.08859>`_), which costs no
more than writing it down. Which forest is best?
"""

# %%
# The graph and its first forest
# ------------------------------
#
# Points lie on two moons; a few have a label. The first greedy forest starts at the points
# whose gradient is largest, the neighbours of labelled points, and leaves a point out only if
# it would close a cycle.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from scipy.sparse.linalg import spsolve

from sklearn_theory.datasets import make_two_moons_quadratic
from sklearn_theory.solvers import BCDSolver

Q, b, nodes, X, y = make_two_moons_quadratic(
    700, n_labelled=40, noise=0.12, random_state=4
)
labelled = np.setdiff1d(np.arange(len(X)), nodes)
exact = spsolve(Q.tocsc(), b)


def run(max_iter, record=False, **parts):
    """Minimise by message passing and return the fitted solver."""
    parts = {"update": "message_passing", **parts}
    solver = BCDSolver(
        "quadratic",
        fit_intercept=False,
        max_iter=max_iter,
        tol=0,
        random_state=0,
        record=record,
        **parts,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is stopped on purpose
        return solver.fit(Q, b)


def edges_between(block=None):
    """The segments of all edges, or of those within a block."""
    i, j = Q.nonzero()
    inside = i < j
    if block is not None:
        inside &= np.isin(i, block) & np.isin(j, block)
    return np.stack([X[nodes[i[inside]]], X[nodes[j[inside]]]], axis=1)


forest = run(1, record=True, selection="greedy_tree").history_["block"][0]

figure, axes = plt.subplots(figsize=(8, 4.6), layout="constrained")
axes.add_collection(LineCollection(edges_between(), colors="0.85", linewidths=0.6))
axes.add_collection(
    LineCollection(edges_between(forest), colors="#009E73", linewidths=1.4)
)
axes.scatter(*X[nodes].T, s=7, color="0.55", zorder=2)
axes.scatter(*X[nodes[forest]].T, s=9, color="#009E73", zorder=3)
for label, colour in ((1, "#0072B2"), (2, "#D55E00")):
    chosen = labelled[y[labelled] == label]
    axes.scatter(
        *X[chosen].T, s=90, color=colour, edgecolor="white", zorder=4, label=f"{label}"
    )
axes.set(
    title=f"A greedy forest: {len(forest)} of {len(nodes)} points, solved at once",
    aspect="equal",
)
axes.set_axis_off()
axes.legend(title="label", frameon=False, loc="upper right")

# %%
# How the labels spread
# ---------------------
#
# Values start at zero. They rise to the solution and never pass it.

figure, panels = plt.subplots(2, 2, figsize=(9, 5.4), layout="constrained")
for panel, n_iter in zip(panels.flat, (1, 4, 30, None)):
    values = exact if n_iter is None else run(n_iter, selection="greedy_tree").coef_
    field = panel.scatter(
        *X[nodes].T, c=values, s=12, cmap="RdYlBu_r", vmin=0.0, vmax=2.0
    )
    panel.scatter(
        *X[labelled].T,
        c=y[labelled],
        s=70,
        cmap="RdYlBu_r",
        vmin=0.0,
        vmax=2.0,
        edgecolor="black",
    )
    title = "solution" if n_iter is None else f"iteration {n_iter}"
    panel.set(title=title, aspect="equal")
    panel.set_axis_off()
figure.colorbar(field, ax=panels, label="value", shrink=0.8)

# %%
# Which blocks?
# -------------
#
# Greedy forests are ahead of a fixed partition into forests, of random ones, and far ahead
# of the two or more colours of red-black orderings. A dense block of the same cost (its size
# is the cube root of the number of points) hardly moves.

rules = {
    "greedy tree": {"selection": "greedy_tree"},
    "tree partition": {"partition": "tree_partition", "selection": "cyclic"},
    "random tree": {"selection": "random_tree"},
    "red-black": {"partition": "red_black", "selection": "cyclic"},
    "general": {
        "selection": "gs",
        "update": "matrix",
        "block_size": int(len(b) ** (1 / 3)),
    },
}
colours = ["#009E73", "#0072B2", "#56B4E9", "#D55E00", "0.45"]
minimum = -0.5 * b @ exact

figure, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
for (name, parts), colour in zip(rules.items(), colours):
    objective = np.asarray(run(400, record=True, **parts).history_["objective"])
    gap = np.maximum(objective - minimum, 1e-12)
    axes.semilogy(gap, color=colour, label=name)
    print(f"{name:<15} {gap[-1]:.2g} above the minimum")
axes.set(
    xlabel="iterations",
    ylabel="objective above its minimum",
    title="Blocks of the same cost",
)
axes.legend(frameon=False)
plt.show()
