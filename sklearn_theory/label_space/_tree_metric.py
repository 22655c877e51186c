# SPDX-License-Identifier: BSD-3-Clause
"""Labels are nodes of a tree; decoding is two passes over it, or over the part in use."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from . import _tree_builders as builders
from . import _tree_fast as fast
from ._base_metric import TIE_TOLERANCE, LabelMetric, check_positions

# The sparse pass sorts the nodes that it touches; beyond this share of the tree one pass
# over all of it is faster.
SPARSE_SHARE = 0.15


class TreeStructure(NamedTuple):
    """A validated tree whose nodes are renumbered depth first."""

    order: np.ndarray
    number: np.ndarray
    parents: np.ndarray
    lengths: np.ndarray
    depth: np.ndarray
    jump: np.ndarray
    root_distance: np.ndarray
    label_nodes: np.ndarray
    nearest_labels: np.ndarray
    nearest_distances: np.ndarray


class TreeMetric(LabelMetric):
    """Path lengths in a tree of which all or some nodes are labels.

    Decoding costs two passes over the tree for a row of dense weights, and a walk along
    the root paths of the non-zero weights for a sparse one. Memory is linear in the
    number of nodes.

    Parameters
    ----------
    parents : array-like of shape (n_nodes,)
        The parent of each node; that of the root is -1 (or the root itself).

    lengths : array-like of shape (n_nodes,) or None, default=None
        Positive length of the edge from each node to its parent; None gives every edge
        the length one. The root's entry is ignored.

    label_nodes : array-like of shape (n_labels,) or None, default=None
        The nodes that are labels, in the labels' order; None takes all nodes.

    node_names : list or None, default=None
        A name for each node, for reading; the builders fill it.

    Attributes
    ----------
    n_labels : int
        The number of labels.

    label_names : list
        The names of the nodes that are labels.

    See Also
    --------
    GraphMetric : Where a node has several parents.

    Examples
    --------
    >>> from sklearn_theory.label_space import TreeMetric
    >>> tree = TreeMetric.from_nested_dict({"animal": {"bird": {"robin", "eagle"}}})
    >>> tree.label_names
    ['animal', 'bird', 'eagle', 'robin']
    >>> tree.frechet([[0.5, 0.5]], observed=[2, 3])
    array([1])
    """

    def __init__(self, parents, lengths=None, label_nodes=None, node_names=None):
        self.parents = parents
        self.lengths = lengths
        self.label_nodes = label_nodes
        self.node_names = node_names

    @property
    def n_labels(self):
        """The number of labels."""
        nodes = self.parents if self.label_nodes is None else self.label_nodes
        return len(nodes)

    @property
    def label_names(self):
        """The names of the nodes that are labels."""
        names = range(len(self.parents)) if self.node_names is None else self.node_names
        if self.label_nodes is None:
            return list(names)
        return [names[node] for node in self.label_nodes]

    @classmethod
    def from_edges(cls, edges, *, root=None, labels=None):
        """Build a tree from its edges.

        Parameters
        ----------
        edges : iterable of tuple
            Pairs (parent, child), or triples (parent, child, length).

        root : object or None, default=None
            The root, if edges are given in any direction; None takes the one node that
            is nobody's child.

        labels : list or None, default=None
            The names of the nodes that are labels; None takes all.

        Returns
        -------
        metric : TreeMetric
            The metric; nodes are numbered in the order of their first appearance.
        """
        return cls._from_tree(builders.tree_from_edges(edges, root), labels)

    @classmethod
    def from_nested_dict(cls, nested, *, labels=None):
        """Build a tree from nested dicts.

        Parameters
        ----------
        nested : dict
            One key, the root, whose value is a dict of subtrees, an iterable of leaves,
            or None. Several keys get a common root of the name ``"root"``.

        labels : list or None, default=None
            The names of the nodes that are labels; None takes all.

        Returns
        -------
        metric : TreeMetric
            The metric; nodes are numbered depth first, those of a set in sorted order.
        """
        return cls._from_tree(builders.tree_from_nested_dict(nested), labels)

    @classmethod
    def from_newick(cls, newick, *, labels="leaves"):
        """Build a tree from Newick's notation.

        Parameters
        ----------
        newick : str
            One tree, such as ``"((a:1,b:2)ab:0.5,c:3);"``. Quoted names and comments in
            square brackets are understood; unnamed nodes get numbers.

        labels : list, "leaves" or None, default="leaves"
            The names of the nodes that are labels; "leaves" takes the leaves, None all.

        Returns
        -------
        metric : TreeMetric
            The metric; nodes are numbered depth first.
        """
        return cls._from_tree(builders.tree_from_newick(newick), labels)

    @classmethod
    def from_wordnet(cls, path, *, labels=None):
        """Build the tree of WordNet's nouns from its database file.

        A synset with several hypernyms hangs under the first. The graph with all of
        them is built by :meth:`GraphMetric.from_wordnet`.

        Parameters
        ----------
        path : str or path-like
            The file ``data.noun``.

        labels : list, "leaves" or None, default=None
            Which nodes are labels: names of nodes, "leaves", or None for all.

        Returns
        -------
        metric : TreeMetric
            The metric; the name of a node is its first word and its offset, such as
            ``"entity.00001740"``.
        """
        return cls._from_tree(builders.tree_from_wordnet(path), labels)

    @classmethod
    def _from_tree(cls, tree, labels):
        metric = cls(tree.parents, tree.lengths, None, tree.names)
        if labels is not None:
            metric.label_nodes = builders.nodes_of(tree, labels)
        return metric.validate()

    def pairwise(self, i, j):
        """Compute the distances between pairs of labels.

        Parameters
        ----------
        i, j : array-like of int
            Positions of labels; they are broadcast against each other.

        Returns
        -------
        distances : ndarray
            Distances, of the broadcast shape.
        """
        tree = self._prepared()
        i, j = np.broadcast_arrays(i, j)
        distances = np.empty(i.size)
        fast.pair_distances(
            tree.label_nodes[i.ravel()],
            tree.label_nodes[j.ravel()],
            tree.parents,
            tree.depth,
            tree.jump,
            tree.root_distance,
            distances,
        )
        return distances.reshape(i.shape)

    def sq_rows(self, i):
        """Compute the squared distances from some labels to all.

        Parameters
        ----------
        i : array-like of shape (n_rows,)
            Positions of labels.

        Returns
        -------
        sq_distances : ndarray of shape (n_rows, n_labels)
            Squared lengths of paths.
        """
        i = np.asarray(i, dtype=np.intp)
        ones = sparse.csr_array(
            (np.ones(len(i)), (np.arange(len(i)), np.arange(len(i))))
        )
        return self._variance(ones, i)

    def _prepare(self):
        parents, lengths = check_tree(self.parents, self.lengths)
        n_nodes = len(parents)
        labels = np.arange(n_nodes)
        if self.label_nodes is not None:
            labels = check_positions(self.label_nodes, n_nodes, "label_nodes")
        if self.node_names is not None and len(self.node_names) != n_nodes:
            raise ValueError(
                f"node_names holds {len(self.node_names)} names for {n_nodes} nodes."
            )
        return renumber(parents, lengths, labels)

    def _variance(self, P, observed):
        tree = self._prepared()
        weights = self._on_nodes(P, observed)
        variance = np.empty((P.shape[0], self.n_labels))
        fast.variance_rows(
            tree.parents, tree.lengths, tree.label_nodes, *weights, variance
        )
        return variance

    def _decode(self, P, observed):
        tree = self._prepared()
        labels = np.empty(P.shape[0], dtype=np.int64)
        fast.decode_rows(
            tree.parents,
            tree.lengths,
            tree.nearest_labels,
            tree.nearest_distances,
            *self._on_nodes(P, observed),
            int(SPARSE_SHARE * len(tree.parents)),
            TIE_TOLERANCE,
            labels,
        )
        return labels

    def _on_nodes(self, P, observed):
        """CSR arrays of the weights, with nodes of the tree in place of columns."""
        P = sparse.csr_array(P)
        nodes = self._prepared().label_nodes[observed]
        return P.indptr.astype(np.int64), nodes[P.indices], P.data

    def _torch_decoder(self, device):
        from ._torch_decoding import tree_decoder

        return tree_decoder(self, device)

    def _torch_floats_per_row(self):
        # Four arrays on the nodes; no level's temporaries are wider than the tree.
        return 8 * len(self._prepared().parents)

    def _floats_per_row(self, n_observed):
        # The kernels need the same few arrays for one row or for all of them.
        return 3 * n_observed


def check_tree(parents, lengths):
    """Check that parents and lengths describe one rooted tree.

    Parameters
    ----------
    parents : array-like of shape (n_nodes,)
        The parent of each node.

    lengths : array-like of shape (n_nodes,) or None
        Lengths of the edges to the parents.

    Returns
    -------
    parents : ndarray of int64
        Parents; that of the root is -1.

    lengths : ndarray of float64
        Lengths; that of the root is 0.
    """
    parents = np.array(parents)
    n_nodes = len(parents)
    if parents.ndim != 1 or n_nodes == 0 or parents.dtype.kind not in "iu":
        raise ValueError("parents must be a non-empty list of node numbers.")
    parents = parents.astype(np.int64)
    outside = np.flatnonzero((parents < -1) | (parents >= n_nodes))
    if outside.size:
        raise ValueError(
            f"parents[{outside[0]}] = {parents[outside[0]]} is no node: parents must lie "
            f"in [0, {n_nodes - 1}], or be -1 for the root."
        )
    parents[parents == np.arange(n_nodes)] = -1
    roots = np.flatnonzero(parents == -1)
    if len(roots) > 1:
        raise ValueError(
            f"A tree has one root; parents has {len(roots)}: nodes "
            f"{', '.join(map(str, roots[:5]))}{', ...' if len(roots) > 5 else ''}."
        )
    return parents, check_lengths(lengths, parents)


def check_lengths(lengths, parents):
    """Check the lengths of edges; None gives each the length one."""
    is_edge = parents >= 0
    if lengths is None:
        return is_edge.astype(np.float64)
    lengths = np.array(lengths, dtype=np.float64)
    if lengths.shape != parents.shape:
        raise ValueError(
            f"lengths has the shape {lengths.shape}; expected {parents.shape}, an entry "
            "for each node."
        )
    wrong = np.flatnonzero(is_edge & ~((lengths > 0) & np.isfinite(lengths)))
    if wrong.size:
        raise ValueError(
            f"lengths[{wrong[0]}] = {lengths[wrong[0]]:.6g}; the length of an edge must be "
            "positive and finite."
        )
    lengths[~is_edge] = 0.0
    return lengths


def renumber(parents, lengths, labels):
    """Number the nodes depth first and prepare what the kernels read.

    Parameters
    ----------
    parents : ndarray of shape (n_nodes,)
        Parents; that of the root is -1.

    lengths : ndarray of shape (n_nodes,)
        Lengths of edges.

    labels : ndarray of shape (n_labels,)
        The nodes that are labels.

    Returns
    -------
    tree : TreeStructure
        The renumbered tree.
    """
    root = np.flatnonzero(parents == -1)
    order = np.empty(0, dtype=np.int64)
    if root.size:
        order = fast.preorder(*fast.link_children(parents), root[0])
    if len(order) < len(parents):
        raise ValueError(
            f"parents has a cycle through node {node_on_a_cycle(parents, order)}."
        )
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    new_parents = np.where(parents[order] < 0, 0, number[parents[order]])
    new_lengths = lengths[order]
    label_of_node = np.full(len(order), -1, dtype=np.int64)
    label_of_node[number[labels]] = np.arange(len(labels))
    depth, jump = fast.jump_pointers(new_parents)
    return TreeStructure(
        order,
        number,
        new_parents,
        new_lengths,
        depth,
        jump,
        fast.distances_from_root(new_parents, new_lengths),
        number[labels],
        *fast.nearest_labels(new_parents, new_lengths, label_of_node),
    )


def node_on_a_cycle(parents, reached):
    """A node on a cycle: walk up from a node that the root does not reach."""
    missing = np.setdiff1d(np.arange(len(parents)), reached)
    node = missing[0]
    for _ in range(len(missing)):
        node = parents[node]
    return node
