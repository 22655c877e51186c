# SPDX-License-Identifier: BSD-3-Clause
"""Partitions, selections and updates against their definitions and theorem T1."""

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize as scipy_minimize
from scipy.optimize import minimize_scalar

from sklearn_theory.solvers import (
    BCDSolver,
    BoxPenalty,
    GaussSouthwell,
    GradientUpdate,
    L1Penalty,
    L2Penalty,
    LogisticDatafit,
    QuadraticDatafit,
    SoftmaxDatafit,
    SquaredDatafit,
)
from sklearn_theory.solvers._bcd_loop import BCDRun, as_partition
from sklearn_theory.solvers._penalties._none import NoPenalty
from sklearn_theory.solvers._problem import Problem
from sklearn_theory.solvers._registry import discover
from sklearn_theory.solvers._selections._gsc import cubic_decrease

N_SAMPLES, N_FEATURES = 25, 8


def make_datafit(name, rng):
    X = rng.normal(size=(N_SAMPLES, N_FEATURES)) * rng.uniform(0.3, 3, N_FEATURES)
    if name == "squared":
        return SquaredDatafit(X, rng.normal(size=N_SAMPLES))
    if name == "logistic":
        return LogisticDatafit(X, np.where(rng.random(N_SAMPLES) < 0.5, 1, -1))
    if name == "softmax":
        return SoftmaxDatafit(X, np.arange(N_SAMPLES) % 3)
    return QuadraticDatafit(X.T @ X, rng.normal(size=N_FEATURES))


LOSSES = ["squared", "logistic", "softmax", "quadratic"]
every_loss = pytest.mark.parametrize("loss", LOSSES)


def make_run(datafit, penalty=None, **parameters):
    defaults = {
        "partition": "variable",
        "selection": "gs",
        "update": "gradient",
        "block_size": 3,
        "max_iter": 100,
        "tol": 0.0,
        "gradient_tracking": "auto",
        "random_state": 0,
        "record": False,
    }
    penalty = NoPenalty() if penalty is None else penalty
    return BCDRun(datafit, penalty, **{**defaults, **parameters})


def put(run, x):
    """Move a run to a point."""
    run.state = run.problem.initial_state(x)
    run.tracking.start(run.state)
    return run.state


def choose(datafit, x, penalty=None, **parameters):
    run = make_run(datafit, penalty, **parameters)
    return run, run.selection.choose(put(run, x))


class TestRegistry:
    def test_finds_the_parts_by_name(self):
        assert {"squared", "logistic", "softmax", "quadratic"} <= set(
            discover("datafits")
        )
        assert {"none", "l1", "l2", "elasticnet", "box"} == set(discover("penalties"))
        assert {"variable", "order", "sort", "avg", "hsort", "havg"} <= set(
            discover("partitions")
        )

    @pytest.mark.parametrize("parameter", ["loss", "penalty", "partition", "selection"])
    def test_unknown_names_are_told_the_known_ones(self, parameter):
        with pytest.raises(ValueError, match=rf"{parameter} must be one of .*got 'x'"):
            BCDSolver(**{parameter: "x"}).fit(np.eye(3), np.arange(3.0))


class TestPartitions:
    @pytest.fixture
    def problem(self, rng):
        return Problem(make_datafit("squared", rng), NoPenalty())

    @pytest.mark.parametrize("name", ["order", "sort", "avg", "hsort", "havg"])
    def test_every_coordinate_once_and_a_short_last_block(self, problem, name):
        blocks = as_partition(name).blocks(problem, 3)
        assert [len(block) for block in blocks] == [3, 3, 2]
        np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), np.arange(8))

    def test_sort(self, problem):
        coordinates = np.concatenate(as_partition("sort").blocks(problem, 3))
        assert (np.diff(problem.lipschitz[coordinates]) >= 0).all()
        coordinates = np.concatenate(as_partition("hsort").blocks(problem, 3))
        assert (np.diff(problem.absolute_row_sums()[coordinates]) >= 0).all()

    def test_avg_takes_small_and_large_by_turns(self, problem):
        coordinates = np.concatenate(as_partition("avg").blocks(problem, 3))
        ranks = np.argsort(np.argsort(problem.lipschitz))[coordinates]
        np.testing.assert_array_equal(ranks, [0, 7, 1, 6, 2, 5, 3, 4])

    def test_excluded_coordinates_are_in_no_block(self, rng):
        penalty = L2Penalty(1.0, [1, np.inf, 1, 1, 1, 1, 1, 1])
        problem = Problem(make_datafit("squared", rng), penalty)
        assert 1 not in np.concatenate(as_partition("order").blocks(problem, 3))

    def test_explicit_numbers(self, problem):
        blocks = as_partition([3, 3, 1, 1, 1, 0, 0, 3]).blocks(problem, 5)
        assert [list(block) for block in blocks] == [[5, 6], [2, 3, 4], [0, 1, 7]]

    def test_intercepts_may_be_left_out(self, rng):
        problem = Problem(make_datafit("logistic", rng), NoPenalty())
        blocks = as_partition([0, 0, 0, 0, 1, 1, 1, 1]).blocks(problem, 5)
        assert [list(block) for block in blocks][-1] == [8]

    @pytest.mark.parametrize("ids", [[0, 1], [0.5] * 8])
    def test_bad_numbers(self, problem, ids):
        with pytest.raises(ValueError, match="partition must hold 8 block numbers"):
            as_partition(ids).blocks(problem, 3)


class TestFixedGreedyRules:
    """Every rule maximises its criterion over the blocks of the partition."""

    CRITERIA = {
        "gs": lambda g, H: g @ g,
        "gsl": lambda g, H: g @ g / np.linalg.eigvalsh(H)[-1],
        "gsd": lambda g, H: (g**2 / np.diag(H)).sum(),
        "gsq": lambda g, H: g @ np.linalg.solve(H, g),
    }

    @pytest.mark.parametrize("selection", CRITERIA)
    @pytest.mark.parametrize("loss", ["squared", "logistic", "quadratic"])
    def test_brute_force(self, selection, loss, rng):
        datafit = make_datafit(loss, rng)
        for _ in range(10):
            x = rng.normal(size=datafit.n_coordinates)
            run, block = choose(datafit, x, partition="sort", selection=selection)
            gradient = run.problem.gradient(run.state)
            values = [
                self.CRITERIA[selection](gradient[b], run.problem.block_bound(b))
                for b in run.blocks
            ]
            np.testing.assert_array_equal(block, run.blocks[int(np.argmax(values))])

    def test_norm_one(self, rng):
        datafit = make_datafit("squared", rng)
        x = rng.normal(size=8)
        run, block = choose(
            datafit, x, partition="sort", selection=GaussSouthwell(norm=1)
        )
        sums = [np.abs(run.state.gradient[b]).sum() for b in run.blocks]
        np.testing.assert_array_equal(block, run.blocks[int(np.argmax(sums))])

    def test_bad_norm(self, rng):
        with pytest.raises(ValueError, match="norm must be 1 or 2"):
            make_run(make_datafit("squared", rng), selection=GaussSouthwell(norm=3))

    def test_mi_lowers_the_objective_most(self, rng):
        datafit = make_datafit("logistic", rng)
        x = rng.normal(size=9)
        run, block = choose(datafit, x, partition="order", selection="mi")

        def least(b):
            def value(step):
                moved = x.copy()
                moved[b] += step
                return run.problem.value(run.problem.initial_state(moved))

            return scipy_minimize(value, np.zeros(len(b)), tol=1e-12).fun

        values = [least(b) for b in run.blocks]
        np.testing.assert_array_equal(block, run.blocks[int(np.argmin(values))])


class TestVariableGreedyRules:
    def test_largest_scores(self, rng):
        datafit = make_datafit("logistic", rng)
        x = rng.normal(size=9)
        run, _ = choose(datafit, x)
        g, problem = run.state.gradient, run.problem
        scores = {
            "gs": np.abs(g),
            "gsd": np.abs(g) / np.sqrt(problem.lipschitz),
            "gsd_h": np.abs(g) / np.sqrt(problem.absolute_row_sums()),
        }
        for selection, score in scores.items():
            _, block = choose(datafit, x, selection=selection)
            expected = np.sort(np.argsort(-score, kind="stable")[:3])
            np.testing.assert_array_equal(block, expected)

    def test_ties_go_to_the_lowest_index(self):
        datafit = SquaredDatafit(np.eye(6), -np.ones(6), fit_intercept=False)
        for selection in ("gs", "gsd", "gsq_omp", "gsq_iht", "gsc"):
            _, block = choose(datafit, np.zeros(6), selection=selection)
            np.testing.assert_array_equal(block, [0, 1, 2], err_msg=selection)

    def test_iht_is_never_worse_than_gsd_and_never_better_than_the_best(self, rng):
        def progress(run, block):
            g = run.state.gradient[block]
            return g @ np.linalg.solve(run.problem.block_bound(block), g)

        better = 0
        for _ in range(30):
            datafit = make_datafit("squared", rng)
            x = rng.normal(size=8)
            run, gsd = choose(datafit, x, selection="gsd")
            _, iht = choose(datafit, x, selection="gsq_iht")
            best = max(progress(run, np.array(b)) for b in combinations(range(8), 3))
            assert progress(run, gsd) <= progress(run, iht) * (1 + 1e-9)
            assert progress(run, iht) <= best * (1 + 1e-9)
            better += progress(run, iht) > progress(run, gsd) * (1 + 1e-9)
        assert better >= 3, "the thresholding moves: it is no gsd in disguise"

    def test_omp_grows_by_the_largest_scaled_residual(self, rng):
        datafit = make_datafit("squared", rng)
        x = rng.normal(size=8)
        run, block = choose(datafit, x, selection="gsq_omp")
        H, g = run.problem.block_bound(np.arange(8)), run.state.gradient
        grown = []
        for _ in range(3):
            d = np.zeros(8)
            if grown:
                d[grown] = -np.linalg.solve(H[np.ix_(grown, grown)], g[grown])
            scores = np.abs(g + H @ d) / np.sqrt(np.diag(H))
            scores[grown] = -1
            grown.append(int(np.argmax(scores)))
        np.testing.assert_array_equal(block, np.sort(grown))

    def test_cubic_decrease_is_the_minimum(self, rng):
        for _ in range(20):
            g, h, third = rng.normal(), rng.random(), rng.random()

            def model(d, g=g, h=h, third=third):
                return g * d + h * d**2 / 2 + third / 6 * abs(d) ** 3

            best = minimize_scalar(model, bracket=(-1, 1), tol=1e-14).fun
            found = cubic_decrease(*(np.array([value]) for value in (g, h, third)))
            assert found[0] == pytest.approx(-best, rel=1e-7)

    @pytest.mark.parametrize("penalty", [L1Penalty(2.0), BoxPenalty(-0.2, 0.5)])
    def test_proximal_rules(self, penalty, rng):
        datafit = make_datafit("squared", rng)
        x = np.clip(rng.normal(size=8), -0.2, 0.5) * (rng.random(8) < 0.6)
        run, _ = choose(datafit, x, penalty, selection="gs_q", update="prox_newton")
        problem, g, L = run.problem, run.state.gradient, run.problem.lipschitz
        moved = problem.penalty.prox(x - g / L, 1 / L)
        change = problem.penalty.values(moved) - problem.penalty.values(x)
        scores = {
            "gs_s": problem.penalty.violation(x, g),
            "gs_r": np.abs(moved - x),
            "gs_q": -(g * (moved - x) + L * (moved - x) ** 2 / 2 + change),
        }
        for selection, score in scores.items():
            _, block = choose(
                datafit, x, penalty, selection=selection, update="prox_newton"
            )
            expected = np.sort(np.argsort(-score, kind="stable")[:3])
            np.testing.assert_array_equal(block, expected, err_msg=selection)

    def test_gs_q_for_non_negative_coordinates(self, rng):
        """The closed form of the reference: d = max(-g / L, -x)."""
        datafit = make_datafit("squared", rng)
        x = np.abs(rng.normal(size=8)) * (rng.random(8) < 0.5)
        run, block = choose(
            datafit, x, BoxPenalty(), selection="gs_q", update="prox_newton"
        )
        g, L = run.state.gradient, run.problem.lipschitz
        d = np.maximum(-g / L, -x)
        scores = -(g * d + L * d**2 / 2)
        np.testing.assert_array_equal(block, np.sort(np.argsort(-scores)[:3]))


class TestOtherRules:
    def test_cyclic_covers_every_coordinate_each_epoch(self, rng):
        for partition in ("variable", "order"):
            run = make_run(
                make_datafit("squared", rng), partition=partition, selection="cyclic"
            )
            blocks = [run.selection.choose(run.state) for _ in range(6)]
            for epoch in (blocks[:3], blocks[3:]):
                assert sorted(np.concatenate(epoch)) == list(range(8))

    def test_lipschitz_draws_in_proportion(self, rng):
        datafit = make_datafit("squared", rng)
        run = make_run(datafit, partition="order", selection="lipschitz")
        drawn = [run.selection.choose(run.state)[0] for _ in range(3000)]
        constants = [
            np.linalg.eigvalsh(run.problem.block_bound(b))[-1] for b in run.blocks
        ]
        shares = [np.mean([d == b[0] for d in drawn]) for b in run.blocks]
        np.testing.assert_allclose(shares, constants / np.sum(constants), atol=0.04)

    @pytest.mark.parametrize("selection", ["random", "lipschitz"])
    def test_variable_draws_are_distinct(self, selection, rng):
        run = make_run(make_datafit("squared", rng), selection=selection)
        for _ in range(20):
            assert len(set(run.selection.choose(run.state))) == 3


class TestProgressBounds:
    """T1, at a hundred random states of each loss."""

    @every_loss
    @pytest.mark.parametrize(
        "update", ["gradient", "lipschitz_ls", "matrix", "newton", "exact"]
    )
    def test_smooth_updates(self, loss, update, rng):
        datafit = make_datafit(loss, rng)
        run = make_run(datafit, L2Penalty(0.1), selection="random", update=update)
        for _ in range(100 if update != "exact" else 20):
            state = put(run, rng.normal(size=datafit.n_coordinates))
            run.update.start(state)
            before = run.problem.value(state)
            block = run.selection.choose(state)
            step, bound = run.update.step(state, block)
            run.tracking.move(state, block, step)
            decrease = before - run.problem.value(state)
            assert bound >= 0
            assert decrease >= bound - 1e-10 * abs(before)

    @every_loss
    @pytest.mark.parametrize("update", ["prox_gradient", "prox_newton"])
    @pytest.mark.parametrize("penalty", [L1Penalty(1.5), BoxPenalty(-0.5, 1.0)])
    def test_proximal_updates(self, loss, update, penalty, rng):
        datafit = make_datafit(loss, rng)
        run = make_run(datafit, penalty, selection="random", update=update)
        for _ in range(100):
            state = put(run, np.clip(rng.normal(size=datafit.n_coordinates), -0.5, 1.0))
            before = run.problem.value(state)
            block = run.selection.choose(state)
            step, bound = run.update.step(state, block)
            run.tracking.move(state, block, step)
            assert bound >= -1e-12
            assert before - run.problem.value(state) >= bound - 1e-10 * abs(before)

    @every_loss
    def test_two_metric_never_goes_up(self, loss, rng):
        datafit = make_datafit(loss, rng)
        run = make_run(datafit, BoxPenalty(), selection="random", update="two_metric")
        for _ in range(100):
            state = put(run, np.abs(rng.normal(size=datafit.n_coordinates)))
            before = run.problem.value(state)
            block = run.selection.choose(state)
            step, _ = run.update.step(state, block)
            run.tracking.move(state, block, step)
            assert run.problem.value(state) <= before + 1e-10 * abs(before)

    def test_order_of_the_bounds_on_one_state(self, rng):
        """gs <= gsl <= gsq with the matrix update, and the mi decrease on top."""
        for loss in ("squared", "logistic"):
            datafit = make_datafit(loss, rng)
            for _ in range(30):
                x = rng.normal(size=datafit.n_coordinates)
                bounds = []
                for selection, update in [
                    ("gs", "gradient"),
                    ("gsl", "gradient"),
                    ("gsq", "matrix"),
                ]:
                    run, block = choose(
                        datafit, x, partition="sort", selection=selection, update=update
                    )
                    bounds.append(run.update.step(run.state, block)[1])
                run, block = choose(
                    datafit, x, partition="sort", selection="mi", update="exact"
                )
                before = run.problem.value(run.state)
                step, _ = run.update.step(run.state, block)
                run.tracking.move(run.state, block, step)
                bounds.append(before - run.problem.value(run.state))
                assert (np.diff(bounds) >= -1e-8 * abs(before)).all()
                if loss == "squared":
                    assert bounds[3] == pytest.approx(bounds[2], rel=1e-8)


class TestUpdates:
    def test_exact_leaves_no_gradient(self, rng):
        for loss in LOSSES:
            datafit = make_datafit(loss, rng)
            run = make_run(datafit, L2Penalty(0.5), selection="random", update="exact")
            state = put(run, rng.normal(size=datafit.n_coordinates))
            block = run.selection.choose(state)
            step, _ = run.update.step(state, block)
            run.tracking.move(state, block, step)
            left = run.problem.gradient(state)[block]
            np.testing.assert_allclose(left, 0, atol=1e-9)

    def test_sum_of_constants_is_an_option(self, rng):
        datafit = make_datafit("squared", rng)
        run = make_run(datafit, update=GradientUpdate(constant="sum"))
        block = np.array([1, 4])
        step, _ = run.update.step(run.state, block)
        expected = -run.state.gradient[block] / run.problem.lipschitz[block].sum()
        np.testing.assert_allclose(step, expected)
        with pytest.raises(ValueError, match="constant must be one of"):
            make_run(datafit, update=GradientUpdate(constant="x"))

    def test_line_search_estimates_are_kept_and_used(self, rng):
        datafit = make_datafit("squared", rng)
        run = make_run(
            datafit, partition="sort", selection="gsl", update="lipschitz_ls"
        )
        run.advance(20)
        assert run.state.estimates_lipschitz
        largest = np.linalg.eigvalsh(run.problem.block_bound(np.arange(8)))[-1]
        assert (run.state.lipschitz <= max(2 * largest, 1)).all()
        assert (run.state.lipschitz > 1).any()

    def test_prox_newton_with_a_penalty_without_pieces(self, rng):
        class Unknown(L1Penalty):
            def pieces(self, index=slice(None)):
                return None

        datafit = make_datafit("squared", rng)
        options = {"selection": "gs_q", "update": "prox_newton", "block_size": 8}
        known = make_run(datafit, L1Penalty(1.5), **options)
        unknown = make_run(datafit, Unknown(1.5), **options)
        for run in (known, unknown):
            run.advance(3)
        np.testing.assert_allclose(known.state.x, unknown.state.x, atol=1e-9)
        assert np.isnan(unknown.result().dual_gap)

    def test_two_metric_on_both_bounds(self, rng):
        """It ends where proximal Newton ends."""
        datafit = make_datafit("squared", rng)
        ends = []
        for update in ("two_metric", "prox_newton"):
            run = make_run(
                datafit, BoxPenalty(-0.05, 0.05), selection="gs_q", update=update
            )
            run.advance(100)
            ends.append(run.state.x)
        np.testing.assert_allclose(ends[0], ends[1], atol=1e-10)


class TestTracking:
    """Item 7: incremental gradients after ten thousand steps."""

    @pytest.mark.parametrize(
        ("tracking", "is_sparse"), [("gram", False), ("gram", True), ("rows", True)]
    )
    @pytest.mark.parametrize("fit_intercept", [False, True])
    def test_squared(self, tracking, is_sparse, fit_intercept, rng):
        X = rng.normal(size=(40, 20)) * (rng.random((40, 20)) < 0.3)
        y = rng.normal(size=40)
        datafit = SquaredDatafit(
            sparse.csc_array(X) if is_sparse else X, y, fit_intercept=fit_intercept
        )
        run = make_run(datafit, L2Penalty(0.1), gradient_tracking=tracking)
        for _ in range(10_000):
            block = rng.choice(20, 3, replace=False)
            run.tracking.move(run.state, block, rng.normal(size=3) - run.state.x[block])
        assert run.state.iteration == 10_000
        if fit_intercept:
            X, y = X - X.mean(axis=0), y - y.mean()
        exact = X.T @ (X @ run.state.x - y) + 0.1 * run.state.x
        difference = np.abs(run.state.gradient - exact).max()
        assert difference <= 1e-8 * np.abs(exact).max()

    @pytest.mark.parametrize("loss", ["logistic", "softmax", "quadratic"])
    @pytest.mark.parametrize("tracking", ["rows", "full"])
    def test_other_losses(self, loss, tracking, rng):
        X = sparse.csc_array(rng.normal(size=(30, 30)) * (rng.random((30, 30)) < 0.2))
        y = {"logistic": np.resize([-1, 1], 30), "softmax": np.arange(30) % 3}
        datafits = {
            "logistic": lambda: LogisticDatafit(X, y["logistic"]),
            "softmax": lambda: SoftmaxDatafit(X, y["softmax"]),
            "quadratic": lambda: QuadraticDatafit(
                X.T @ X + sparse.eye_array(30), X.sum(0)
            ),
        }
        datafit = datafits[loss]()
        run = make_run(datafit, L2Penalty(0.1), gradient_tracking=tracking)
        for _ in range(300):
            block = rng.choice(datafit.n_coordinates, 3, replace=False)
            before = run.state.gradient.copy()
            run.tracking.move(run.state, block, rng.normal(size=3) / 3)
            if run.state.changed is not None:
                rest = np.setdiff1d(np.arange(len(before)), run.state.changed)
                np.testing.assert_array_equal(run.state.gradient[rest], before[rest])
        state = run.problem.initial_state(run.state.x)
        np.testing.assert_allclose(
            run.state.gradient, run.problem.gradient(state), atol=1e-9
        )

    def test_the_heap_follows_the_rule(self, rng):
        """One coordinate at a time on sparse rows: the same path as without a heap."""
        X = sparse.csc_array(rng.normal(size=(60, 80)) * (rng.random((60, 80)) < 0.05))
        y = rng.normal(size=60)
        for penalty, selection, update in [
            (None, "gs", "gradient"),
            (None, "gsd", "matrix"),
            (L1Penalty(0.3), "gs_q", "prox_newton"),
        ]:
            paths = []
            for tracking in ("rows", "gram"):
                run = make_run(
                    SquaredDatafit(X, y, fit_intercept=False),
                    penalty,
                    selection=selection,
                    update=update,
                    block_size=1,
                    gradient_tracking=tracking,
                    record=True,
                )
                run.advance(60)
                paths.append(np.concatenate(run.history.blocks()))
            assert run.selection._heap is None
            np.testing.assert_array_equal(*paths)
