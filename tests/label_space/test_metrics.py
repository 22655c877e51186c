# SPDX-License-Identifier: BSD-3-Clause
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import shortest_path
from sklearn.base import clone

from sklearn_theory.label_space import (
    CallableMetric,
    CompleteMetric,
    EmbeddingMetric,
    GraphMetric,
    GridMetric,
    LabelMetric,
    PathMetric,
    PrecomputedMetric,
    TreeMetric,
)
from sklearn_theory.label_space import _tree_metric as tree_module
from sklearn_theory.label_space._resolve import as_metric


def random_tree(rng, n_nodes):
    """Parents of a random recursive tree whose nodes are numbered at random."""
    number = rng.permutation(n_nodes)
    parents = np.full(n_nodes, -1)
    for v in range(1, n_nodes):
        parents[number[v]] = number[rng.integers(v)]
    return parents


def random_graph(rng, n_nodes):
    """A random tree plus some edges, so that it is connected."""
    graph = np.zeros((n_nodes, n_nodes))
    for v in range(1, n_nodes):
        graph[v, rng.integers(v)] = rng.uniform(0.5, 2)
    for _ in range(n_nodes):
        i, j = rng.integers(n_nodes, size=2)
        if i != j:
            graph[max(i, j), min(i, j)] = rng.uniform(0.5, 2)
    return graph


def some_labels(rng, n_nodes):
    return rng.permutation(n_nodes)[: rng.integers(1, n_nodes + 1)]


def draw_tree(rng):
    n = rng.integers(1, 30)
    lengths = rng.uniform(0.1, 2, n) if rng.random() < 0.5 else None
    labels = some_labels(rng, n) if rng.random() < 0.5 else None
    return TreeMetric(random_tree(rng, n), lengths, labels)


def draw_graph(rng):
    n = rng.integers(1, 20)
    labels = some_labels(rng, n) if rng.random() < 0.5 else None
    return GraphMetric(sparse.csr_array(random_graph(rng, n)), labels)


def draw_grid(rng, p):
    return GridMetric(tuple(int(s) for s in rng.integers(1, 5, rng.integers(1, 4))), p)


DRAW = {
    "complete": lambda rng: CompleteMetric(int(rng.integers(1, 20))),
    "path": lambda rng: PathMetric(int(rng.integers(1, 20))),
    "tree": draw_tree,
    "graph": draw_graph,
    "grid, p=1": lambda rng: draw_grid(rng, 1),
    "grid, p=2": lambda rng: draw_grid(rng, 2),
    "embedding": lambda rng: EmbeddingMetric(rng.normal(size=(rng.integers(1, 20), 3))),
    "unit embedding": lambda rng: EmbeddingMetric(
        rng.normal(size=(rng.integers(1, 20), 3)), normalize=True
    ),
    "precomputed": lambda rng: PrecomputedMetric(table(draw_tree(rng))),
    "callable": lambda rng: CallableMetric(lambda i, j: np.abs(i - j) ** 0.5, 9),
}
every_metric = pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)


def table(metric):
    labels = np.arange(metric.n_labels)
    return metric.pairwise(labels[:, None], labels)


def draw_weights(rng, metric, n_samples=20):
    observed = some_labels(rng, metric.n_labels)
    return rng.dirichlet(np.full(len(observed), 0.1), n_samples), observed


def brute_force(metric, P, observed):
    """argmin of P @ D^2, the lowest label among those equal up to rounding."""
    V = P @ table(metric)[observed] ** 2
    near = V <= V.min(axis=1, keepdims=True) + 1e-12 * V.max(axis=1, keepdims=True)
    return near.argmax(axis=1)


# --- exactness -------------------------------------------------------------------------


@every_metric
def test_decoding_equals_brute_force_on_200_instances(draw, rng):
    for _ in range(200):
        metric = draw(rng)
        P, observed = draw_weights(rng, metric)
        expected = brute_force(metric, P, observed)
        np.testing.assert_array_equal(metric.frechet(P, observed), expected)


@every_metric
def test_sparse_weights_and_top_k_equal_dense_ones(draw, rng):
    for _ in range(30):
        metric = draw(rng)
        P, observed = draw_weights(rng, metric)
        P[P < 0.01] = 0
        dense = metric.frechet(P, observed)
        for form in (sparse.csr_array, sparse.csc_array, sparse.csr_matrix):
            np.testing.assert_array_equal(metric.frechet(form(P), observed), dense)
        largest = np.where(P >= np.sort(P, axis=1)[:, [-min(2, P.shape[1])]], P, 0)
        for weights in (P, sparse.csr_array(P)):
            np.testing.assert_array_equal(
                metric.frechet(weights, observed, top_k=2),
                metric.frechet(largest, observed),
            )


@every_metric
def test_variance_and_rows_equal_the_table(draw, rng):
    for _ in range(30):
        metric = draw(rng)
        P, observed = draw_weights(rng, metric)
        D2 = table(metric) ** 2
        everything = np.arange(metric.n_labels)
        np.testing.assert_allclose(metric.sq_rows(everything), D2, atol=1e-10)
        for weights in (P, sparse.csr_array(P)):
            np.testing.assert_allclose(
                metric.frechet_variance(weights, observed), P @ D2[observed], atol=1e-10
            )


@every_metric
def test_torch_is_the_twin(draw, rng):
    for _ in range(10):
        metric = draw(rng)
        P, observed = draw_weights(rng, metric)
        expected = metric.frechet(P, observed)
        np.testing.assert_array_equal(
            metric.frechet(P, observed, backend="torch"), expected
        )
        np.testing.assert_array_equal(
            metric.frechet(sparse.csr_array(P), observed, device="auto"), expected
        )
        chunked = metric.frechet(P, observed, backend="torch", working_memory=1e-4)
        np.testing.assert_array_equal(chunked, expected)


@every_metric
def test_little_memory_and_threads_change_nothing(draw, rng):
    metric = draw(rng)
    P, observed = draw_weights(rng, metric, n_samples=200)
    expected = metric.frechet(P, observed)
    np.testing.assert_array_equal(
        metric.frechet(P, observed, working_memory=1e-4, n_jobs=2), expected
    )


@every_metric
def test_scaling_rows_changes_nothing(draw, rng):
    for _ in range(20):
        metric = draw(rng)
        P, observed = draw_weights(rng, metric)
        scale = rng.uniform(0.01, 100, (len(P), 1))
        np.testing.assert_array_equal(
            metric.frechet(P * scale, observed), metric.frechet(P, observed)
        )


@every_metric
def test_certain_rows_return_the_observed_label(draw, rng):
    for _ in range(20):
        metric = draw(rng)
        observed = some_labels(rng, metric.n_labels)
        decoded = metric.frechet(np.eye(len(observed)), observed)
        np.testing.assert_array_equal(decoded, observed)


def test_scaling_distances_and_renaming_labels_change_nothing(rng):
    for _ in range(50):
        D = table(draw_tree(rng))
        P, observed = draw_weights(rng, PrecomputedMetric(D))
        decoded = PrecomputedMetric(D).frechet(P, observed)
        scaled = PrecomputedMetric(7.3 * D).frechet(P, observed)
        np.testing.assert_array_equal(scaled, decoded)
        new = rng.permutation(len(D))
        renamed = PrecomputedMetric(D[np.ix_(np.argsort(new), np.argsort(new))])
        V = P @ D[observed] ** 2
        is_clear = np.sum(V <= V.min(axis=1, keepdims=True) * (1 + 1e-9), axis=1) == 1
        np.testing.assert_array_equal(
            renamed.frechet(P, new[observed])[is_clear], new[decoded][is_clear]
        )


def test_path_is_the_rounded_mean(rng):
    for _ in range(200):
        metric = PathMetric(int(rng.integers(1, 30)))
        P, observed = draw_weights(rng, metric)
        mean = P @ observed
        expected = np.clip(np.ceil(mean - 0.5), 0, metric.n_labels - 1)
        np.testing.assert_array_equal(metric.frechet(P, observed), expected)


def test_halves_go_to_the_lower_label():
    assert PathMetric(4).frechet([[0.5, 0.5]], [0, 3]) == [1]
    # 0.1 + 0.2 is not 0.3: the mean is half-way only up to rounding.
    assert PathMetric(9).frechet([[0.1, 0.2, 0.3]], [0, 3, 5]) == [3]
    assert PathMetric(2).frechet([[0.1 * 3, 0.3]], [0, 1]) == [0]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_sparse_and_dense_tree_passes_agree(share, rng, monkeypatch):
    monkeypatch.setattr(tree_module, "SPARSE_SHARE", share)
    for _ in range(300):
        metric = draw_tree(rng)
        P, observed = draw_weights(rng, metric, n_samples=5)
        expected = brute_force(metric, P, observed)
        np.testing.assert_array_equal(metric.frechet(P, observed), expected)


def test_tree_and_graph_distances_are_shortest_paths(rng):
    for _ in range(20):
        n = rng.integers(2, 40)
        parents, lengths = random_tree(rng, n), rng.uniform(0.1, 2, n)
        child = np.flatnonzero(parents >= 0)
        graph = sparse.csr_array(
            (lengths[child], (child, parents[child])), shape=(n, n)
        )
        expected = shortest_path(graph.toarray(), directed=False)
        np.testing.assert_allclose(table(TreeMetric(parents, lengths)), expected)
        np.testing.assert_allclose(table(GraphMetric(graph)), expected)


def test_a_path_shaped_tree_is_the_path_metric():
    n = 3000
    tree = TreeMetric(np.arange(-1, n - 1))
    i, j = np.array([0, 5, n - 1]), np.array([n - 1, 5, 17])
    np.testing.assert_array_equal(tree.pairwise(i, j), PathMetric(n).pairwise(i, j))


# --- theory ----------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_variance_on_a_tree_is_convex_along_every_path(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(3, 25)
    parents = random_tree(rng, n)
    metric = TreeMetric(parents)
    P, observed = draw_weights(rng, metric, n_samples=3)
    V = metric.frechet_variance(P, observed)
    for node, parent in enumerate(parents):
        if parent >= 0 and parents[parent] >= 0:
            middle = 2 * V[:, parent]
            assert np.all(V[:, node] + V[:, parents[parent]] >= middle - 1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_tree_with_random_labels_and_lengths(seed):
    rng = np.random.default_rng(seed)
    metric = draw_tree(rng)
    P, observed = draw_weights(rng, metric, n_samples=3)
    expected = brute_force(metric, P, observed)
    np.testing.assert_array_equal(metric.frechet(P, observed), expected)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize(
    "draw",
    [
        lambda n, rng: TreeMetric(np.r_[-1, rng.integers(np.arange(1, n))]),
        lambda n, rng: PathMetric(n),
        lambda n, rng: CompleteMetric(n),
        lambda n, rng: GridMetric((3, n // 3)),
        lambda n, rng: GridMetric((n // 2, 2), p=2),
        lambda n, rng: EmbeddingMetric(rng.standard_normal((n, 4))),
        lambda n, rng: CallableMetric(lambda i, j: np.abs(i - j), n),
        lambda n, rng: GraphMetric(
            sparse.diags_array(np.ones(n - 1), offsets=1, format="csr")
        ),
    ],
    ids=["tree", "path", "complete", "grid", "grid2", "embedding", "function", "graph"],
)
def test_many_labels_never_form_a_table(draw, backend, rng):
    n = 30_000
    metric = draw(n, rng)
    observed = rng.permutation(n)[: n // 2]
    P = sparse.random_array((2, n // 2), density=1e-3, random_state=rng, format="csr")
    metric.frechet(P[:1], observed, backend=backend)
    tracemalloc.start()
    metric.frechet(P, observed, backend=backend, working_memory=8)
    metric.frechet_variance(P[:, :5] + sparse.csr_array(np.ones((2, 5))), observed[:5])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120 * 8 * n  # a chunk of the table; the whole has n / 2 rows


# --- drop-in behaviour and bad input ------------------------------------------------------


@every_metric
def test_clone_params_and_repr(draw, rng):
    metric = draw(rng)
    copy = clone(metric)
    assert isinstance(copy, LabelMetric)
    assert type(metric).__name__ in repr(metric)
    np.testing.assert_allclose(table(copy), table(metric))


def test_changed_parameters_are_noticed():
    metric = TreeMetric([-1, 0, 1]).validate()
    assert metric.pairwise(0, 2) == 2
    metric.set_params(parents=[-1, 0, 0])
    assert metric.pairwise(0, 2) == 1


def test_as_metric_takes_what_users_write():
    assert isinstance(as_metric("complete", 3), CompleteMetric)
    assert isinstance(as_metric("path", 3), PathMetric)
    assert isinstance(as_metric(np.zeros((2, 2)), 2), PrecomputedMetric)
    assert isinstance(as_metric(lambda i, j: np.abs(i - j), 3), CallableMetric)
    tree = TreeMetric([-1, 0])
    assert as_metric(tree, 2) is tree
    with pytest.raises(ValueError, match=r"one of \['complete', 'path'\]"):
        as_metric("tree", 3)
    with pytest.raises(ValueError, match="metric has 2 labels, but there are 3 labels"):
        as_metric(tree, 3)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (PrecomputedMetric([[0, 1]]), r"square table, got the shape \(1, 2\)"),
        (
            PrecomputedMetric([[0, np.nan], [1, 0]]),
            r"distances\[0, 1\] = nan is not fin",
        ),
        (PrecomputedMetric([[0, -1], [-1, 0]]), r"distances\[0, 1\] = -1 is negative"),
        (PrecomputedMetric([[0, 1], [1, 2]]), r"\[1, 1\] = 2 is not zero on the diag"),
        (PrecomputedMetric([[0, 1], [1.1, 0]]), r"distances\[0, 1\] = 1 is not symm"),
        (CallableMetric(lambda i, j: i - j, 100), r"n\(0, 2\) = -2 is negative"),
        (CallableMetric(lambda i, j: np.zeros(1), 4), "must return one distance"),
        (CallableMetric("path", 4), "function must be callable"),
        (PathMetric(0), "n_labels must be a positive integer, got 0"),
        (CompleteMetric("3"), "n_labels must be a positive integer, got '3'"),
        (GridMetric((3, 0)), "tuple of positive integers"),
        (GridMetric(()), "tuple of positive integers"),
        (GridMetric(9), "tuple of positive integers, got 9"),
        (GridMetric((3, 2), p=3), "p must be 1 or 2, got 3"),
        (EmbeddingMetric([1.0, 2.0]), r"shape \(n_labels, n_dimensions\), got \(2,\)"),
        (EmbeddingMetric([[1.0], [np.inf]]), "Row 1 of embedding is not finite"),
        (EmbeddingMetric([[1.0], [0.0]], normalize=True), "Row 1 of embedding is zero"),
        (TreeMetric([1, 2, 0]), "parents has a cycle through node"),
        (TreeMetric([-1, 2, 1]), "parents has a cycle through node [12]"),
        (TreeMetric([-1, -1, 0]), "one root; parents has 2: nodes 0, 1"),
        (TreeMetric([-1, 7]), r"parents\[1\] = 7 is no node"),
        (TreeMetric([]), "non-empty list of node numbers"),
        (TreeMetric([-1, 0], lengths=[0, -1]), r"lengths\[1\] = -1; .* positive"),
        (TreeMetric([-1, 0], lengths=[1]), r"lengths has the shape \(1,\)"),
        (TreeMetric([-1, 0], label_nodes=[2]), "label_nodes holds the position 2"),
        (
            TreeMetric([-1, 0], label_nodes=[1, 1]),
            "label_nodes holds the position 1 twi",
        ),
        (TreeMetric([-1, 0], node_names=["a"]), "node_names holds 1 names for 2 nodes"),
        (
            GraphMetric(np.zeros((2, 2))),
            "disconnected: no path joins the label nodes 0",
        ),
        (GraphMetric([[0, -1], [0, 0]]), r"adjacency\[0, 1\] = -1 is negative"),
        (GraphMetric([[0, 1], [2, 0]]), "not symmetric: 1 from 0 to 1, 2 back"),
        (GraphMetric([[1, 1], [1, 0]]), "an edge from a node to itself"),
        (GraphMetric([[0, 1]]), "adjacency must be square"),
    ],
)
def test_refuses_what_is_no_metric(metric, message):
    with pytest.raises(ValueError, match=message):
        metric.validate()


@every_metric
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda P: P * np.nan, "P holds NaN or infinite probabilities"),
        (lambda P: -P, "P holds the negative probability"),
        (lambda P: P * [[1.0], [0.0]], "Row 1 of P is all zero"),
        (lambda P: P[:, :0], r"P has the shape \(2, 0\)"),
    ],
)
def test_refuses_bad_weights(draw, change, message, rng):
    metric = draw(rng)
    P = np.ones((2, 1))
    for form in (np.asarray, sparse.csr_array):
        with pytest.raises(ValueError, match=message):
            metric.frechet(form(change(P)), [0])


@every_metric
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"top_k": 0}, "top_k must be a positive integer or None, got 0"),
        ({"top_k": 1.5}, "top_k must be a positive integer or None, got 1.5"),
        ({"backend": "jax"}, "backend must be 'auto', 'numpy' or 'torch', got 'jax'"),
    ],
)
def test_refuses_unknown_ways_to_decode(draw, how, message, rng):
    with pytest.raises(ValueError, match=message):
        draw(rng).frechet([[1.0]], [0], **how)


@every_metric
def test_refuses_bad_positions(draw, rng):
    metric = draw(rng)
    with pytest.raises(ValueError, match=f"holds the position {metric.n_labels}; "):
        metric.frechet([[1.0]], [metric.n_labels])
    with pytest.raises(ValueError, match="holds the position 0 twice"):
        metric.frechet([[1.0, 1.0]], [0, 0])
    with pytest.raises(ValueError, match="non-empty list of label positions"):
        metric.frechet([[1.0]], [0.5])
