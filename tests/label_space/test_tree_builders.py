# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import numpy as np
import pytest

from sklearn_theory.label_space import GraphMetric, TreeMetric

WORDNET = Path("/usr/share/wordnet/data.noun")

ANIMALS = {"animal": {"bird": {"robin": None, "eagle": None}, "fish": ["cod"]}}
EDGES = [
    ("animal", "bird"),
    ("bird", "robin"),
    ("bird", "eagle"),
    ("animal", "fish"),
    ("fish", "cod"),
]


def distance(metric, first, second):
    names = metric.label_names
    return metric.pairwise(names.index(first), names.index(second))


def test_edges_dicts_and_newick_build_the_same_tree():
    trees = [
        TreeMetric.from_edges(EDGES),
        TreeMetric.from_nested_dict(ANIMALS),
        TreeMetric.from_newick("((robin,eagle)bird,(cod)fish)animal;", labels=None),
        TreeMetric.from_edges([edge[::-1] for edge in EDGES], root="animal"),
    ]
    for tree in trees:
        assert sorted(tree.label_names) == sorted(trees[0].label_names)
        assert distance(tree, "robin", "cod") == 4
        assert distance(tree, "robin", "eagle") == 2
        assert distance(tree, "animal", "animal") == 0


def test_chosen_labels_keep_their_order():
    tree = TreeMetric.from_edges(EDGES, labels=["cod", "robin"])
    assert tree.label_names == ["cod", "robin"]
    assert tree.n_labels == 2
    assert TreeMetric.from_edges(EDGES, labels="leaves").label_names == [
        "robin",
        "eagle",
        "cod",
    ]


def test_edges_carry_lengths():
    tree = TreeMetric.from_edges([("a", "b", 2.5), ("a", "c")])
    assert distance(tree, "b", "c") == 3.5


def test_newick_lengths_quotes_and_comments():
    text = "((a:1,'it''s b':2.5e-1)[a comment]ab:0.5,c_d:3,:4)root;"
    tree = TreeMetric.from_newick(text)
    assert tree.node_names == ["root", "ab", "a", "it's b", "c d", 5]
    assert tree.label_names == ["a", "it's b", "c d", 5]
    assert distance(tree, "a", "it's b") == 1.25
    assert distance(tree, "a", "c d") == 4.5
    assert distance(tree, "c d", 5) == 7


def test_nested_dict_with_several_tops_and_sets():
    tree = TreeMetric.from_nested_dict({"x": {"b", "a"}, "y": "c"})
    assert tree.label_names == ["root", "x", "a", "b", "y", "c"]
    assert distance(tree, "a", "c") == 4


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: TreeMetric.from_edges([]), "edges must be a non-empty list"),
        (lambda: TreeMetric.from_edges([("a",)]), "edges must be a non-empty list"),
        (
            lambda: TreeMetric.from_edges([("a", "c"), ("b", "c")]),
            "The node 'c' has two parents",
        ),
        (lambda: TreeMetric.from_edges([("a", "b"), ("c", "d")]), "has one root"),
        (lambda: TreeMetric.from_edges([("a", "b"), ("b", "a")]), "cycle"),
        (
            lambda: TreeMetric.from_edges([("a", "b"), ("c", "d")], root="a"),
            "The node 'c' is not connected to the root 'a'",
        ),
        (lambda: TreeMetric.from_edges(EDGES, root="cat"), "root='cat' is no end"),
        (
            lambda: TreeMetric.from_edges([*EDGES, ("cod", "robin")], root="animal"),
            "edges hold a cycle or an edge twice",
        ),
        (lambda: TreeMetric.from_edges(EDGES, labels=["cat"]), "labels holds 'cat'"),
        (lambda: TreeMetric.from_nested_dict({}), "non-empty dict"),
        (lambda: TreeMetric.from_nested_dict({"a": ["b", "b"]}), "'b' stands twice"),
        (lambda: TreeMetric.from_newick("(a,b)"), "end with ';'"),
        (lambda: TreeMetric.from_newick("((a,b);"), "close every parenthesis"),
        (lambda: TreeMetric.from_newick("a);"), r"'\)' outside of parentheses"),
        (lambda: TreeMetric.from_newick("(a:x,b);"), "length 'x', which is no number"),
        (lambda: TreeMetric.from_newick("(a b,c);"), "'a' a second name"),
        (lambda: TreeMetric.from_newick("(a,b);c"), "after the semicolon"),
        (lambda: TreeMetric.from_newick("(a,'b);"), "cannot be read at position"),
    ],
)
def test_refuses_what_is_no_tree(build, message):
    with pytest.raises(ValueError, match=message):
        build()


SYNSETS = """\
  1 This software and database is being provided under a licence
00001740 03 n 01 entity 0 001 ~ 00001930 n 0000 | that which is perceived
00001930 03 n 02 thing 0 object 0 002 @ 00001740 n 0000 ~ 00002137 n 0000 | a thing
00002137 05 n 0b a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 j 0 k 0 001 @ 00001930 n 0000 | x
00002452 05 n 01 two_parents 0 003 @ 00002137 n 0000 @i 00001740 n 0000 + 1 v 0101 | y
"""


@pytest.fixture
def small_wordnet(tmp_path):
    path = tmp_path / "data.noun"
    path.write_text(SYNSETS)
    return path


def test_wordnet_parser(small_wordnet):
    tree = TreeMetric.from_wordnet(small_wordnet)
    assert tree.label_names == [
        "entity.00001740",
        "thing.00001930",
        "a.00002137",
        "two_parents.00002452",
    ]
    np.testing.assert_array_equal(tree.parents, [-1, 0, 1, 2])
    # The graph keeps the second parent, which makes the way to the root short.
    assert tree.pairwise(0, 3) == 3
    assert GraphMetric.from_wordnet(small_wordnet).pairwise(0, 3) == 1


def test_wordnet_refuses_another_file(tmp_path):
    (tmp_path / "empty").write_text("  only a licence\n")
    with pytest.raises(ValueError, match="holds no synset"):
        TreeMetric.from_wordnet(tmp_path / "empty")


@pytest.mark.skipif(not WORDNET.exists(), reason="wordnet-base is not installed")
def test_wordnet_itself():
    tree = TreeMetric.from_wordnet(WORDNET)
    assert tree.n_labels == 82_115
    assert np.sum(tree.parents == -1) == 1
    assert tree.label_names[np.flatnonzero(tree.parents == -1)[0]] == "entity.00001740"
    is_leaf = np.bincount(tree.parents + 1, minlength=82_116)[1:] == 0
    assert is_leaf.sum() == 65_218
    graph = GraphMetric.from_wordnet(WORDNET)
    assert graph.adjacency.nnz == 84_427
    n_parents = np.diff(graph.adjacency.indptr)
    assert np.sum(n_parents == 1) == 79_901
    assert np.sum(n_parents > 1) == 2_213
    assert tree._prepared().depth.max() == 19
    assert np.sqrt(tree.sq_rows([farthest(tree, farthest(tree, 0))]).max()) == 34


def farthest(tree, label):
    return int(np.argmax(tree.sq_rows([label])))
