# SPDX-License-Identifier: BSD-3-Clause
"""Labels are nodes of a graph, their distances the shortest paths."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra

from ._base_metric import LabelMetric, check_positions
from ._tree_builders import graph_from_wordnet


class GraphMetric(LabelMetric):
    """Shortest paths in an undirected graph.

    Distances are computed from a chunk of observed labels at a time and used up at once,
    so that memory grows with the number of nodes and never with its square.

    Parameters
    ----------
    adjacency : {array-like, sparse matrix} of shape (n_nodes, n_nodes)
        Positive lengths of the edges; absent or zero entries are no edges. An edge may
        be given in one direction or, with the same length, in both.

    label_nodes : array-like of shape (n_labels,) or None, default=None
        The nodes that are labels; None takes all.

    Attributes
    ----------
    n_labels : int
        The number of labels.

    Examples
    --------
    >>> from sklearn_theory.label_space import GraphMetric
    >>> square = [[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]
    >>> GraphMetric(square).frechet([[0.4, 0.6]], observed=[0, 2])
    array([1])
    """

    def __init__(self, adjacency, label_nodes=None):
        self.adjacency = adjacency
        self.label_nodes = label_nodes

    @property
    def n_labels(self):
        """The number of labels."""
        if self.label_nodes is not None:
            return len(self.label_nodes)
        shape = getattr(self.adjacency, "shape", None)
        return shape[0] if shape else len(self.adjacency)

    @classmethod
    def from_wordnet(cls, path):
        """Build the graph of WordNet's nouns with all their hypernyms.

        Parameters
        ----------
        path : str or path-like
            The file ``data.noun``.

        Returns
        -------
        metric : GraphMetric
            The metric, in the order of the file.
        """
        adjacency, _ = graph_from_wordnet(path)
        return cls(adjacency).validate()

    def _prepare(self):
        graph = check_adjacency(self.adjacency)
        nodes = np.arange(graph.shape[0])
        if self.label_nodes is not None:
            nodes = check_positions(self.label_nodes, graph.shape[0], "label_nodes")
        _, component = connected_components(graph, directed=False)
        apart = np.flatnonzero(component[nodes] != component[nodes[0]])
        if apart.size:
            raise ValueError(
                f"The graph is disconnected: no path joins the label nodes {nodes[0]} "
                f"and {nodes[apart[0]]}, so that their distance is infinite."
            )
        return graph, nodes

    def sq_rows(self, i):
        """Compute the squared distances from some labels to all.

        Parameters
        ----------
        i : array-like of shape (n_rows,)
            Positions of labels.

        Returns
        -------
        sq_distances : ndarray of shape (n_rows, n_labels)
            Squared lengths of shortest paths.
        """
        graph, nodes = self._prepared()
        distances = dijkstra(graph, directed=False, indices=nodes[np.asarray(i)])
        return distances[:, nodes] ** 2

    def _floats_per_row(self, n_observed):
        # Fewer, larger blocks of rows: each block walks the graph again.
        return self.n_labels

    def _floats_per_sq_row(self):
        # Paths lead through all nodes, whichever of them are labels.
        return 2 * self._prepared()[0].shape[0] + self.n_labels


def check_adjacency(adjacency):
    """Check the lengths of edges.

    Parameters
    ----------
    adjacency : {array-like, sparse matrix} of shape (n_nodes, n_nodes)
        The lengths.

    Returns
    -------
    graph : csr_array of shape (n_nodes, n_nodes)
        The lengths in float64, without zeros.
    """
    graph = sparse.csr_array(adjacency, dtype=np.float64, copy=True)
    if graph.shape[0] != graph.shape[1] or graph.shape[0] == 0:
        raise ValueError(f"adjacency must be square, got the shape {graph.shape}.")
    graph.eliminate_zeros()
    # The shortest paths of older scipy versions take 32-bit indices only.
    graph.indices, graph.indptr = (
        graph.indices.astype(np.int32),
        graph.indptr.astype(np.int32),
    )
    coordinates = graph.tocoo()
    for wrong, what in [
        (~np.isfinite(coordinates.data), "not finite"),
        (coordinates.data < 0, "negative"),
        (coordinates.row == coordinates.col, "an edge from a node to itself"),
    ]:
        if wrong.any():
            edge = np.flatnonzero(wrong)[0]
            raise ValueError(
                f"adjacency[{coordinates.row[edge]}, {coordinates.col[edge]}] = "
                f"{coordinates.data[edge]:.6g} is {what}."
            )
    check_directions(graph)
    return graph


def check_directions(graph):
    """Refuse edges whose two directions have different lengths."""
    both = graph.astype(bool).multiply(graph.T.astype(bool))
    difference = abs((graph - graph.T).multiply(both)).tocoo()
    wrong = difference.data > 1e-8 * np.abs(graph.data).max(initial=0.0)
    if wrong.any():
        edge = np.flatnonzero(wrong)[0]
        i, j = difference.row[edge], difference.col[edge]
        raise ValueError(
            f"adjacency is not symmetric: {graph[i, j]:.6g} from {i} to {j}, "
            f"{graph[j, i]:.6g} back."
        )
