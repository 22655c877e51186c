# SPDX-License-Identifier: BSD-3-Clause
"""Trees from edges, nested dicts, Newick's notation and WordNet's database."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import sparse

WORDNET_HYPERNYMS = ("@", "@i")


class NamedTree(NamedTuple):
    """Parents (-1 for a root), lengths of the edges (or None), and names of nodes."""

    parents: np.ndarray
    lengths: np.ndarray | None
    names: list


def nodes_of(tree, labels):
    """Find the nodes that are labels.

    Parameters
    ----------
    tree : NamedTree
        The tree.

    labels : list or "leaves"
        Names of nodes, or "leaves".

    Returns
    -------
    nodes : ndarray of shape (n_labels,)
        Positions of the nodes.
    """
    if isinstance(labels, str) and labels == "leaves":
        is_leaf = np.ones(len(tree.parents), dtype=bool)
        is_leaf[tree.parents[tree.parents >= 0]] = False
        return np.flatnonzero(is_leaf)
    position = {name: node for node, name in enumerate(tree.names)}
    unknown = [label for label in labels if label not in position]
    if unknown:
        raise ValueError(f"labels holds {unknown[0]!r}, which is no node of the tree.")
    return np.array([position[label] for label in labels], dtype=np.intp)


# --- edges ----------------------------------------------------------------------------


def tree_from_edges(edges, root=None):
    """Read pairs (parent, child) or triples (parent, child, length).

    Parameters
    ----------
    edges : iterable of tuple
        The edges.

    root : object or None
        The root, if edges point in any direction.

    Returns
    -------
    tree : NamedTree
        Nodes in the order of their first appearance.
    """
    edges = [tuple(edge) for edge in edges]
    if not edges or any(len(edge) not in (2, 3) for edge in edges):
        raise ValueError(
            "edges must be a non-empty list of pairs (parent, child) or triples "
            "(parent, child, length)."
        )
    if root is not None:
        edges = point_away_from(root, edges)
    position = {
        name: i
        for i, name in enumerate(
            dict.fromkeys(name for edge in edges for name in edge[:2])
        )
    }
    parents = np.full(len(position), -1, dtype=np.int64)
    lengths = np.ones(len(position))
    for parent, child, *length in edges:
        node = position[child]
        if parents[node] >= 0:
            raise ValueError(
                f"The node {child!r} has two parents; in a tree it has one. Use "
                "GraphMetric for a graph, or give `root` if the edges are undirected."
            )
        parents[node] = position[parent]
        lengths[node] = length[0] if length else 1.0
    return NamedTree(parents, lengths, list(position))


def point_away_from(root, edges):
    """Turn undirected edges so that each leads away from the root."""
    neighbours = {}
    for edge in edges:
        for start, end in (edge[:2], edge[1::-1]):
            neighbours.setdefault(start, []).append((end, *edge[2:]))
    if root not in neighbours:
        raise ValueError(f"root={root!r} is no end of an edge.")
    directed, reached, queue = [], {root}, [root]
    for node in queue:
        for end, *length in neighbours[node]:
            if end not in reached:
                reached.add(end)
                queue.append(end)
                directed.append((node, end, *length))
    if len(reached) < len(neighbours):
        lost = next(name for name in neighbours if name not in reached)
        raise ValueError(f"The node {lost!r} is not connected to the root {root!r}.")
    if len(directed) < len(edges):
        raise ValueError("edges hold a cycle or an edge twice; a tree has neither.")
    return directed


# --- nested dicts ---------------------------------------------------------------------


def tree_from_nested_dict(nested):
    """Read a dict of dicts, depth first.

    Parameters
    ----------
    nested : dict
        Keys are nodes; values are dicts of subtrees, iterables of leaves, or None.

    Returns
    -------
    tree : NamedTree
        The tree; several top keys get a common root named "root".
    """
    if not isinstance(nested, dict) or not nested:
        raise ValueError(f"nested must be a non-empty dict, got {nested!r}.")
    if len(nested) > 1:
        nested = {"root": nested}
    parents, names = [], []
    stack = [(name, children, -1) for name, children in nested.items()]
    while stack:
        name, children, parent = stack.pop()
        names.append(name)
        parents.append(parent)
        node = len(names) - 1
        stack += [(*pair, node) for pair in reversed(child_items(children))]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"The name {twice!r} stands twice in the tree.")
    return NamedTree(np.array(parents), None, names)


def child_items(children):
    """Pairs (name, subtree) of what stands below a key."""
    if children is None:
        return []
    if isinstance(children, dict):
        return list(children.items())
    if isinstance(children, str):
        return [(children, None)]
    leaves = sorted(children) if isinstance(children, (set, frozenset)) else children
    return [(leaf, None) for leaf in leaves]


# --- Newick ---------------------------------------------------------------------------

_NEWICK_TOKEN = re.compile(
    r"""\s*(?:
        (?P<comment>\[[^\]]*\])
      | (?P<mark>[(),;])
      | '(?P<quoted>(?:[^']|'')*)'
      | :\s*(?P<length>[^\s(),;:\[\]']+)
      | (?P<plain>[^\s(),;:\[\]']+)
    )\s*""",
    re.VERBOSE,
)


def tree_from_newick(newick):
    """Read one tree in Newick's notation.

    Parameters
    ----------
    newick : str
        The text, ended by a semicolon.

    Returns
    -------
    tree : NamedTree
        Nodes numbered in the order in which they open; unnamed ones get their number.
    """
    parents, lengths, names = [-1], [np.nan], [None]
    node, ended = 0, False
    for kind, text in newick_tokens(newick):
        if ended:
            raise ValueError(f"newick goes on after the semicolon with {text!r}.")
        if kind == "mark":
            if text == ";":
                ended = True
                continue
            node = newick_move(text, node, parents, lengths, names)
        elif kind == "length":
            lengths[node] = newick_length(text)
        elif names[node] is None:
            names[node] = text
        else:
            raise ValueError(f"newick gives the node {names[node]!r} a second name.")
    if not ended or node != 0:
        raise ValueError("newick must close every parenthesis and end with ';'.")
    named = [i if name is None else name for i, name in enumerate(names)]
    lengths = np.where(np.isnan(lengths), 1.0, lengths)
    return NamedTree(np.array(parents), lengths, named)


def newick_tokens(newick):
    """Cut the text into marks, names and lengths; comments are left out."""
    position = 0
    while position < len(newick):
        found = _NEWICK_TOKEN.match(newick, position)
        if not found:
            raise ValueError(
                f"newick cannot be read at position {position}: "
                f"{newick[position : position + 10]!r}."
            )
        position = found.end()
        kind = found.lastgroup
        if kind == "quoted":
            yield "name", found["quoted"].replace("''", "'")
        elif kind == "plain":
            yield "name", found["plain"].replace("_", " ")
        elif kind != "comment":
            yield kind, found[kind]


def newick_move(mark, node, parents, lengths, names):
    """Follow a mark: open a first child, go on to a sibling, or close."""
    if mark == ")" or mark == ",":
        node = parents[node]
        if node < 0:
            raise ValueError(f"newick has a {mark!r} outside of parentheses.")
    if mark == ")":
        return node
    parents.append(node)
    lengths.append(np.nan)
    names.append(None)
    return len(parents) - 1


def newick_length(text):
    """Read a length."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(
            f"newick has the length {text!r}, which is no number."
        ) from None


# --- WordNet --------------------------------------------------------------------------


def tree_from_wordnet(path):
    """Read WordNet's nouns; a synset hangs under its first hypernym.

    Parameters
    ----------
    path : str or path-like
        The file ``data.noun``.

    Returns
    -------
    tree : NamedTree
        Synsets in the order of the file; the root is "entity.00001740".
    """
    names, hypernyms = read_wordnet(path)
    parents = np.array([above[0] if above else -1 for above in hypernyms])
    return NamedTree(parents, None, names)


def graph_from_wordnet(path):
    """Read WordNet's nouns with all their hypernyms.

    Parameters
    ----------
    path : str or path-like
        The file ``data.noun``.

    Returns
    -------
    adjacency : csr_array of shape (n_synsets, n_synsets)
        Ones from each synset to its hypernyms.

    names : list of str
        The names of the synsets.
    """
    names, hypernyms = read_wordnet(path)
    child = np.repeat(np.arange(len(names)), [len(above) for above in hypernyms])
    parent = np.array([p for above in hypernyms for p in above], dtype=np.intp)
    ones = np.ones(len(child))
    shape = (len(names), len(names))
    return sparse.csr_array((ones, (child, parent)), shape=shape), names


def read_wordnet(path):
    """Read the names and the hypernyms of all noun synsets.

    Parameters
    ----------
    path : str or path-like
        The file ``data.noun``.

    Returns
    -------
    names : list of str
        First word and offset of each synset.

    hypernyms : list of list of int
        Positions of the hypernyms of each synset, in the file's order.
    """
    offsets, names, pointers = [], [], []
    with Path(path).open(encoding="utf-8") as file:
        for line in file:
            if not line.startswith(" "):  # the licence stands on indented lines
                offset, word, above = read_synset(line)
                offsets.append(offset)
                names.append(f"{word}.{offset}")
                pointers.append(above)
    position = {offset: i for i, offset in enumerate(offsets)}
    if not position:
        raise ValueError(f"{path} holds no synset; expected WordNet's data.noun.")
    return names, [[position[offset] for offset in above] for above in pointers]


def read_synset(line):
    """Offset, first word and offsets of the hypernyms of one line of data.noun."""
    fields = line.partition("|")[0].split()
    n_words = int(fields[3], 16)  # the only hexadecimal number of the line
    start = 4 + 2 * n_words
    pointers = fields[start + 1 : start + 1 + 4 * int(fields[start])]
    above = [
        offset
        for symbol, offset, part in zip(pointers[::4], pointers[1::4], pointers[2::4])
        if symbol in WORDNET_HYPERNYMS and part == "n"
    ]
    return fields[0], fields[4], above
