# SPDX-License-Identifier: BSD-3-Clause
"""Graphs with few labels, and functions that solve for the others; no benchopt here.

A rival takes the weights of the graph, the classes of the nodes (-1 where unknown) and a
tolerance, and returns the values of the unlabelled nodes, a column for each class.
"""

import warnings

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import cg, splu
from sklearn.datasets import load_digits, make_moons
from sklearn.neighbors import kneighbors_graph
from sklearn.semi_supervised import LabelPropagation

from sklearn_theory.semi_supervised import GraphLabelPropagation

LARGEST_DENSE = 5000


def two_moons(n_samples):
    """Two noisy moons with 100 labels."""
    X, y = make_moons(n_samples, noise=0.2, random_state=0)
    return graph_with_labels(X, y, 100)


def digits():
    """The 1797 digits of scikit-learn with 90 labels."""
    return graph_with_labels(*load_digits(return_X_y=True), 90)


def blobs_in_ten_dimensions(n_samples):
    """Overlapping Gaussian classes; such a graph fills in under elimination."""
    random = np.random.RandomState(0)
    y = random.randint(10, size=n_samples)
    X = 1.5 * random.randn(10, 10)[y] + random.randn(n_samples, 10)
    return graph_with_labels(X, y, 200)


def graph_with_labels(X, y, n_labelled, n_neighbors=5):
    """Join nearest neighbours, and keep the components that have a label."""
    nearest = sparse.csr_array(kneighbors_graph(X, n_neighbors))
    weights = sparse.csr_array(nearest.maximum(nearest.T))
    codes = np.full(len(y), -1)
    known = np.random.RandomState(0).choice(len(y), n_labelled, replace=False)
    codes[known] = y[known]
    component = connected_components(weights)[1]
    kept = np.flatnonzero(np.isin(component, component[known]))
    return weights[kept][:, kept], codes[kept]


def laplacian_system(weights, codes):
    """The matrix and right-hand sides of the unlabelled nodes."""
    free, known = np.flatnonzero(codes < 0), np.flatnonzero(codes >= 0)
    degree = weights.sum(axis=1)
    Q = sparse.csr_array(sparse.diags_array(degree[free]) - weights[free][:, free])
    return Q, weights[free][:, known] @ np.eye(codes.max() + 1)[codes[known]]


def message_passing(weights, codes, tol, **parameters):
    model = GraphLabelPropagation(
        affinity="precomputed", max_iter=20_000, tol=tol, **parameters
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(weights, codes)
    return model.label_distributions_[codes < 0]


def conjugate_gradients(weights, codes, tol):
    Q, rhs = laplacian_system(weights, codes)
    scaling = sparse.diags_array(1 / Q.diagonal())
    columns = [cg(Q, b, rtol=tol, maxiter=100_000, M=scaling)[0] for b in rhs.T]
    return np.column_stack(columns)


def direct(weights, codes, tol):
    Q, rhs = laplacian_system(weights, codes)
    return splu(Q.tocsc()).solve(np.ascontiguousarray(rhs))


def scikit_learn(weights, codes, tol):
    """scikit-learn knows the weights as a kernel, dense, and stops by a change."""
    dense = weights.toarray()
    model = LabelPropagation(kernel=lambda X, Y=None: dense, tol=tol, max_iter=20_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(np.arange(len(codes))[:, np.newaxis], codes)
    return model.label_distributions_[codes < 0]


def relative_error(weights, codes, values, exact):
    """The energy above the minimum as a share of the minimiser's norm in it."""
    Q, _ = laplacian_system(weights, codes)
    error = values - exact
    return float(np.sum(error * (Q @ error)) / np.sum(exact * (Q @ exact)))
