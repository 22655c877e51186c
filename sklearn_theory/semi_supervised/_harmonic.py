# SPDX-License-Identifier: BSD-3-Clause
r"""The harmonic extension of labels over a graph.

The values of unlabelled nodes minimise :math:`\frac12 \sum w_{ij} (y_i - y_j)^2` over the
edges: each is then the weighted mean of its neighbours. With :math:`Q` the Laplacian
restricted to the unlabelled nodes and :math:`b_i = \sum_{j\ labelled} w_{ij} y_j`, that is
:math:`Q x = b`, one column for each class.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components


class HarmonicSystem(NamedTuple):
    """What is to be solved, for the unlabelled nodes that a label reaches."""

    Q: sparse.csr_array
    rhs: np.ndarray
    nodes: np.ndarray  # the nodes of the rows of Q
    unreached: np.ndarray  # nodes in components without a label
    n_unreached_components: int
    constant: float  # the energy between labelled nodes


def harmonic_system(weights, codes, n_classes):
    """Set up the system.

    Parameters
    ----------
    weights : sparse array of shape (n_nodes, n_nodes)
        Symmetric, non-negative, without self-loops.

    codes : ndarray of shape (n_nodes,)
        The class of each node, -1 where it is unknown.

    n_classes : int
        The number of classes.

    Returns
    -------
    system : HarmonicSystem
        The system.
    """
    labelled = np.flatnonzero(codes >= 0)
    n_components, component = connected_components(weights, directed=False)
    has_label = np.bincount(component[labelled], minlength=n_components) > 0
    reached = has_label[component]
    nodes = np.flatnonzero((codes < 0) & reached)
    labels = one_hot(codes[labelled], n_classes)
    rows = weights[nodes]
    degree = np.asarray(rows.sum(axis=1), dtype=float).ravel()
    return HarmonicSystem(
        Q=sparse.csr_array(sparse.diags_array(degree) - rows[:, nodes]),
        rhs=np.asarray(rows[:, labelled] @ labels),
        nodes=nodes,
        unreached=np.flatnonzero(~reached),
        n_unreached_components=int(n_components - has_label.sum()),
        constant=_labelled_energy(weights[labelled], labelled, labels),
    )


def one_hot(codes, n_classes):
    """Write classes as rows of the identity."""
    return np.eye(n_classes)[codes]


def label_distributions(system, solution, codes, prior):
    """Fill in what is known of every node.

    Solutions of an unfinished run are clipped to the interval that the exact ones lie
    in, and scaled to sum to one, as those do. Nodes that no label has reached get the
    prior.
    """
    distributions = one_hot(codes, len(prior))
    distributions[codes < 0] = prior
    if len(system.nodes):
        mass = np.clip(solution, 0, 1)
        total = mass.sum(axis=1, keepdims=True)
        distributions[system.nodes] = np.where(
            total > 0, mass / np.where(total > 0, total, 1), prior
        )
    return distributions


def _labelled_energy(rows, labelled, labels):
    r"""Add up the part of :math:`\frac12 y^\top L y` that only labels enter."""
    degree = np.asarray(rows.sum(axis=1), dtype=float).ravel()
    between = rows[:, labelled] @ labels
    return float(0.5 * (degree @ (labels**2).sum(axis=1) - (labels * between).sum()))
