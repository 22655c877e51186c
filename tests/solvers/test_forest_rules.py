# SPDX-License-Identifier: BSD-3-Clause
"""Forests as partitions, selections and an update of block coordinate descent."""

import networkx as nx
import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from sklearn_theory.datasets import make_lattice_quadratic, make_two_moons_quadratic
from sklearn_theory.solvers import BCDSolver, RedBlack, TreePartition, minimize
from sklearn_theory.solvers._forest_descent import ForestDescent
from sklearn_theory.solvers._registry import discover

SHAPE = (12, 10)
GROWING = ["greedy_tree", "greedy_tree_d", "random_tree"]
CUTTING = ["red_black", "tree_partition"]


@pytest.fixture(scope="module")
def lattice():
    return make_lattice_quadratic(SHAPE, n_labelled=9, weight=2.0, random_state=0)


def solver(**parameters):
    return BCDSolver(
        loss="quadratic",
        update="message_passing",
        fit_intercept=False,
        **{"max_iter": 3000, "tol": 1e-10, **parameters},
    )


def every_way(nodes):
    yield from ({"selection": rule} for rule in GROWING)
    for partition in (
        *CUTTING,
        RedBlack(SHAPE, nodes),
        TreePartition(SHAPE, nodes),
        RedBlack(order="index"),
        TreePartition(order="index"),
    ):
        yield {"partition": partition, "selection": "cyclic"}


class TestExactness:
    def test_every_way_solves_the_system(self, lattice):
        Q, b, nodes = lattice
        expected = spsolve(Q.tocsc(), b)
        for parts in every_way(nodes):
            for matrix in (Q, Q.toarray()):
                model = solver(**parts, random_state=0).fit(matrix, b)
                np.testing.assert_allclose(
                    model.coef_, expected, atol=1e-6, err_msg=str(parts)
                )

    @pytest.mark.parametrize("rule", ["greedy_tree", "greedy_tree_d"])
    def test_equals_the_compiled_descent(self, lattice, rule):
        Q, b, _ = lattice
        # Later on, rounding orders the nodes whose gradient the last block made zero.
        compiled = ForestDescent(Q, b[:, np.newaxis], rule, 200)
        compiled.advance(1, 0)
        with pytest.warns(UserWarning):
            model = solver(selection=rule, max_iter=1, tol=1e-16).fit(Q, b)
        np.testing.assert_allclose(model.coef_, compiled.solution[:, 0], rtol=1e-12)
        compiled.advance(200, 1e-6)
        model = solver(selection=rule, tol=1e-6).fit(Q, b)
        assert 0.5 < model.n_iter_ / compiled.n_iter < 2

    @pytest.mark.parametrize("partition", CUTTING)
    def test_message_passing_is_the_matrix_update(self, lattice, partition):
        Q, b, _ = lattice
        steps = []
        for update in ("message_passing", "matrix"):
            model = solver(partition=partition, selection="cyclic", max_iter=7)
            model.set_params(update=update)
            with pytest.warns(UserWarning):
                steps.append(model.fit(Q, b).coef_)
        np.testing.assert_allclose(*steps, rtol=1e-6)

    def test_blocks_of_the_parts(self, lattice):
        Q, b, nodes = lattice
        graph = nx.from_scipy_sparse_array(Q)
        graph.remove_edges_from(nx.selfloop_edges(graph))
        for partition in (TreePartition(), TreePartition(SHAPE, nodes)):
            model = solver(partition=partition, selection="cyclic", record=True)
            blocks = model.fit(Q, b).history_["block"]
            assert all(nx.is_forest(graph.subgraph(block.tolist())) for block in blocks)
        for partition in (RedBlack(), RedBlack(SHAPE, nodes)):
            model = solver(partition=partition, selection="cyclic", record=True)
            blocks = model.fit(Q, b).history_["block"]
            assert all(graph.subgraph(block.tolist()).size() == 0 for block in blocks)

    @pytest.mark.parametrize("rule", GROWING)
    def test_retraces_its_path_step_by_step(self, lattice, rule):
        Q, b, _ = lattice
        with pytest.warns(UserWarning):
            whole = solver(selection=rule, max_iter=6, random_state=0).fit(Q, b)
            again = solver(selection=rule, max_iter=6, random_state=0).fit(Q, b)
        np.testing.assert_array_equal(whole.coef_, again.coef_)


class TestTheory:
    @pytest.mark.parametrize("rule", GROWING)
    def test_objective_falls_by_the_bound(self, rule):
        Q, b, *_ = make_two_moons_quadratic(300, n_labelled=30, random_state=0)
        model = solver(selection=rule, record=True, random_state=0).fit(Q, b)
        objective = model.history_["objective"]
        assert np.all(np.diff(objective) <= 1e-12 * np.abs(objective).max())


class SmoothedDifferences:
    """Least squares plus log-cosh of the differences along the edges of a graph."""

    def __init__(self, graph, target):
        self.edges = np.array(graph.edges)
        self.target = target
        self.n = len(target)
        self.L = 1.0 + np.array([graph.degree(i) for i in range(self.n)], dtype=float)

    def differences(self, x):
        return x[self.edges[:, 0]] - x[self.edges[:, 1]]

    def value(self, x):
        smooth = np.logaddexp(self.differences(x), -self.differences(x)) - np.log(2)
        return 0.5 * np.sum((x - self.target) ** 2) + np.sum(smooth)

    def grad(self, x):
        slope = np.tanh(self.differences(x))
        gradient = x - self.target
        np.add.at(gradient, self.edges[:, 0], slope)
        np.add.at(gradient, self.edges[:, 1], -slope)
        return gradient

    def sparse_hessian(self, x):
        curvature = 1 - np.tanh(self.differences(x)) ** 2
        first, second = self.edges.T
        rows = np.concatenate([first, second, first, second, np.arange(self.n)])
        columns = np.concatenate([second, first, first, second, np.arange(self.n)])
        values = np.concatenate(
            [-curvature, -curvature, curvature, curvature, np.ones(self.n)]
        )
        return sparse.csr_array((values, (rows, columns)), shape=(self.n, self.n))


class TestPairwiseLosses:
    def problem(self):
        graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(8, 8))
        target = 5 * np.random.default_rng(0).normal(size=64)
        return SmoothedDifferences(graph, target)

    @pytest.mark.parametrize(
        "parts",
        [{"selection": rule} for rule in GROWING]
        + [{"partition": rule, "selection": "cyclic"} for rule in CUTTING],
    )
    def test_newton_blocks_reach_the_minimum(self, parts):
        problem = self.problem()
        result = minimize(
            problem, update="message_passing", tol=1e-10, random_state=0, **parts
        )
        assert np.abs(problem.grad(result.x)).max() < 1e-8

    def test_a_tree_takes_newton_steps(self):
        tree = nx.random_labeled_tree(60, seed=0)
        target = 5 * np.random.default_rng(0).normal(size=60)
        problem = SmoothedDifferences(tree, target)
        result = minimize(
            problem, selection="greedy_tree", update="message_passing", tol=1e-12
        )
        assert np.abs(problem.grad(result.x)).max() < 1e-10
        assert result.n_iter <= 12


class TestRefusals:
    def test_parts_are_found_by_name(self):
        assert set(CUTTING) <= set(discover("partitions"))
        assert set(GROWING) <= set(discover("selections"))
        assert "message_passing" in discover("updates")

    def test_blocks_with_a_cycle(self, lattice):
        Q, b, _ = lattice
        model = solver(selection="gs", block_size=len(b))
        with pytest.raises(
            ValueError, match=r"no cycle, but .*selection='gs' made one"
        ):
            model.fit(Q, b)
        model = solver(partition="order", selection="cyclic", block_size=len(b))
        with pytest.raises(ValueError, match="partition='order' with selection='cycl"):
            model.fit(Q, b)

    @pytest.mark.parametrize(
        "parts",
        [
            {"update": "message_passing"},
            {"selection": "greedy_tree"},
            {"partition": "tree_partition", "selection": "cyclic"},
        ],
    )
    def test_losses_without_a_graph(self, parts):
        X, y = np.eye(4), np.ones(4)
        with pytest.raises(ValueError, match="needs a graph of the coordinates"):
            BCDSolver(**parts).fit(X, y)

    def test_growing_needs_variable_blocks(self, lattice):
        Q, b, _ = lattice
        with pytest.raises(ValueError, match=r"greedy_tree.*partition"):
            solver(partition="order", selection="greedy_tree").fit(Q, b)

    @pytest.mark.parametrize("part", [RedBlack, TreePartition])
    def test_lattices(self, lattice, part):
        Q, b, nodes = lattice
        for partition, message in (
            (part(SHAPE), "nodes must hold the place of each coordinate"),
            (part((3, 3, 3), nodes), "shape must be two positive numbers"),
            (part((2, 2), nodes), "nodes must be distinct integers"),
            (part(order="size"), "order must be one of"),
        ):
            with pytest.raises(ValueError, match=message):
                solver(partition=partition, selection="cyclic").fit(Q, b)

    def test_penalties(self, lattice):
        Q, b, _ = lattice
        with pytest.raises(ValueError, match="message_passing"):
            solver(selection="gs_q", penalty="l1", alpha=1.0).fit(Q, b)
