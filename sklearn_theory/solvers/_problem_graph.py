# SPDX-License-Identifier: BSD-3-Clause
"""The graph of a problem: which coordinates interact."""

import numpy as np
from scipy import sparse

from ._forest import graph_of


def check_has_graph(problem, option):
    """Raise a ValueError unless the datafit says which coordinates interact."""
    if _sparse_hessian(problem.datafit) is None:
        raise ValueError(
            f"{option} needs a graph of the coordinates, which loss='quadratic' has, "
            f"but loss={problem.datafit.name or 'the function given'!r} has none; use "
            "loss='quadratic', or a function with the method sparse_hessian(x)."
        )


def problem_graph(problem, x=None):
    """Return the Hessian of the smooth part as a graph.

    A datafit with interactions between pairs of coordinates offers it in one of two
    ways: as its constant matrix ``Q``, or by a method ``sparse_hessian(x)``.

    Parameters
    ----------
    problem : Problem
        The problem.

    x : ndarray of shape (n_coordinates,), default=None
        Where to take the Hessian, zero by default.

    Returns
    -------
    graph : Graph
        The graph.
    """
    x = np.zeros(problem.n_coordinates) if x is None else x
    hessian = sparse.csr_array(_sparse_hessian(problem.datafit)(x))
    graph = graph_of(hessian)
    return graph._replace(diagonal=graph.diagonal + problem.curvature)


def _sparse_hessian(datafit):
    if hasattr(datafit, "Q"):
        return lambda x: datafit.Q
    function = getattr(datafit, "problem", datafit)
    return getattr(function, "sparse_hessian", None)
