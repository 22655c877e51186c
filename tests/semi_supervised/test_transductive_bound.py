# SPDX-License-Identifier: BSD-3-Clause
"""The transductive bound against its formulas, linear programs, and the errors it bounds."""

import numpy as np
import pytest
from scipy.optimize import linprog

from sklearn_theory.semi_supervised import bound_thresholds, transductive_bound
from sklearn_theory.semi_supervised._self_training_policies import reaches
from sklearn_theory.semi_supervised._transductive_bound import (
    ThresholdSearch,
    VoteColumn,
    class_bounds,
    selection_bound,
)


def random_votes(rng, n_rows=40, n_classes=3, concentration=0.7, ties=False):
    votes = rng.dirichlet(np.full(n_classes, concentration), n_rows)
    if ties:
        votes = np.round(votes * 5) / 5
    return np.minimum(votes, 1.0)


def random_posterior(rng, votes):
    """Probabilities that have something to do with the votes."""
    mixed = 0.5 * votes + 0.5 * rng.dirichlet(np.ones(votes.shape[1]), len(votes))
    return mixed / mixed.sum(axis=1, keepdims=True)


def bound_by_formula(votes, posterior, i, j, theta, gammas, early_stop=False):
    """b_ij(theta), one gamma after another."""
    P, v, u = posterior[:, i], votes[:, j], posterior[:, i].sum()
    K = (P * v)[votes.argmax(axis=1) == j].sum() / u
    values = []
    for gamma in gammas:
        inside = P[(theta <= v) & (v < gamma)].sum() / u
        M_gamma, M_theta = (P * v)[v < gamma].sum() / u, (P * v)[v < theta].sum() / u
        values.append(inside + max(0.0, K - M_gamma + M_theta) / gamma)
        if early_stop and has_risen(values):
            break
    return min(values)


def has_risen(values):
    return len(values) > 4 and values[-1] > values[-2] >= values[-3]


def thresholds_by_triple_loop(votes, posterior, n_theta=50, n_gamma=50):
    """The authors' search, formula by formula."""
    u, n_classes = votes.shape
    result = np.ones(n_classes)
    for k in np.flatnonzero(posterior.sum(axis=0)):
        v, predicted = votes[:, k], votes.argmax(axis=1)
        low, high, ratios, thetas = v.min(), v.max(), [], []
        for n in range(n_theta):
            theta = low + n * ((high - low) / n_theta)
            gammas = [theta + (1 - theta) * (m + 1) / n_gamma for m in range(n_gamma)]
            error = sum(
                posterior[:, i].sum()
                / u
                * bound_by_formula(votes, posterior, i, k, theta, gammas, True)
                for i in range(n_classes)
                if i != k and posterior[:, i].sum() > 0
            )
            share = max(np.mean((predicted == k) & (v >= theta)), 1e-8)
            ratios.append(error / share)
            thetas.append(theta)
            if has_risen(ratios):
                break
        result[k] = thetas[int(np.argmin(ratios))]
    return result


def confident_errors(votes, posterior, theta):
    """R_ij(theta): the share of class i that is predicted j with enough votes."""
    predicted = votes.argmax(axis=1)
    confident = votes.max(axis=1) >= np.broadcast_to(theta, votes.shape[1:])[predicted]
    chosen = np.eye(votes.shape[1])[predicted] * confident[:, np.newaxis]
    return posterior.T @ chosen / posterior.sum(axis=0)[:, np.newaxis]


class TestExactness:
    @pytest.mark.parametrize("seed", range(6))
    def test_early_stop_equals_the_triple_loop(self, seed):
        rng = np.random.default_rng(seed)
        votes = random_votes(rng, 50, n_classes=2 + seed % 4)
        posterior = random_posterior(rng, votes)
        found = bound_thresholds(votes, posterior, early_stop=True)
        np.testing.assert_array_equal(
            found, thresholds_by_triple_loop(votes, posterior)
        )

    @pytest.mark.parametrize("seed", range(6))
    def test_tied_votes_give_the_rows_of_the_triple_loop(self, seed):
        """Thresholds between two votes are alike but for rounding: compare the rows."""
        rng = np.random.default_rng(seed)
        votes = random_votes(rng, 50, n_classes=2 + seed % 4, ties=True)
        posterior = random_posterior(rng, votes)
        found = bound_thresholds(votes, posterior, early_stop=True)
        expected = thresholds_by_triple_loop(votes, posterior)
        np.testing.assert_array_equal(reaches(votes, found), reaches(votes, expected))

    def test_early_stop_can_change_a_threshold(self):
        changed = 0
        for seed in range(20):
            rng = np.random.default_rng(seed)
            votes = random_votes(rng, 60)
            posterior = random_posterior(rng, votes)
            full = bound_thresholds(votes, posterior)
            changed += np.any(
                bound_thresholds(votes, posterior, early_stop=True) != full
            )
        assert changed

    @pytest.mark.parametrize("ties", [False, True])
    def test_grid_equals_the_formula(self, rng, ties):
        votes = random_votes(rng, ties=ties)
        posterior = random_posterior(rng, votes)
        for theta in (0.0, 0.2, 0.6, 1.0):
            gammas = theta + (1 - theta) * np.arange(1, 51) / 50
            bound = transductive_bound(votes, posterior, theta)
            for i, j in np.ndindex(3, 3):
                expected = bound_by_formula(votes, posterior, i, j, theta, gammas)
                assert bound[i, j] == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize("ties", [False, True])
    def test_exact_equals_all_distinct_votes_with_the_cap(self, rng, ties):
        votes = random_votes(rng, ties=ties)
        posterior = random_posterior(rng, votes)
        for theta in (0.0, 0.2, 0.6, 1.0):
            exact = transductive_bound(votes, posterior, theta, exact=True)
            for i, j in np.ndindex(3, 3):
                gammas = [v for v in [*np.unique(votes[:, j]), 1.0] if v > theta]
                above = posterior[votes[:, j] >= theta, i].sum()
                expected = above / posterior[:, i].sum()
                if gammas:
                    formula = bound_by_formula(votes, posterior, i, j, theta, gammas)
                    expected = min(expected, formula)
                assert exact[i, j] == pytest.approx(expected, abs=1e-12)

    def test_exact_equals_the_linear_program(self):
        for seed in range(144):
            rng = np.random.default_rng(seed)
            votes = random_votes(rng, 25, ties=seed % 2)
            posterior = random_posterior(rng, votes)
            theta = rng.uniform(0, 0.9)
            exact = transductive_bound(votes, posterior, theta, exact=True)
            i, j = rng.integers(3, size=2)
            P, v = posterior[:, i], votes[:, j]
            gibbs = (P * v)[votes.argmax(axis=1) == j].sum()
            program = linprog(
                -P * (v >= theta), A_eq=[P * v], b_eq=[gibbs], bounds=(0, 1)
            )
            assert exact[i, j] == pytest.approx(-program.fun / P.sum(), abs=1e-9)

    def test_the_cap_matters(self):
        worst = 0
        for seed in range(30):
            rng = np.random.default_rng(seed)
            votes = random_votes(rng, 25, concentration=0.4)
            posterior = random_posterior(rng, votes)
            exact = transductive_bound(votes, posterior, 0.7, exact=True)
            for i, j in np.ndindex(3, 3):
                gammas = [v for v in [*np.unique(votes[:, j]), 1.0] if v > 0.7]
                free = bound_by_formula(votes, posterior, i, j, 0.7, gammas)
                worst = max(worst, free - exact[i, j])
        assert worst > 0.05

    def test_exact_thresholds_beat_every_other(self, rng):
        votes = random_votes(rng, 60)
        posterior = random_posterior(rng, votes)
        best = bound_thresholds(votes, posterior, exact=True)
        for k in range(3):

            def objective(theta, k=k):
                thetas = np.full(3, 2.0)
                thetas[k] = theta
                return selection_bound(votes, posterior, thetas, exact=True)

            values = [objective(theta) for theta in np.unique(votes[:, k])]
            assert objective(best[k]) <= np.nanmin(values) + 1e-12

    def test_a_threshold_for_each_class(self, rng):
        votes = random_votes(rng)
        posterior = random_posterior(rng, votes)
        theta = np.array([0.3, 0.5, 0.9])
        bound = transductive_bound(votes, posterior, theta)
        for j in range(3):
            alone = transductive_bound(votes, posterior, theta[j])
            np.testing.assert_array_equal(bound[:, j], alone[:, j])

    def test_rows_count_by_their_weights(self, rng):
        votes = random_votes(rng)
        posterior = random_posterior(rng, votes)
        weights = rng.integers(0, 3, len(votes)).astype(float)
        twice = np.repeat(np.arange(len(votes)), weights.astype(int))
        for exact in (False, True):
            search = ThresholdSearch(exact=exact)
            np.testing.assert_array_equal(
                search.thresholds(votes, posterior, weights),
                search.thresholds(votes[twice], posterior[twice]),
            )
            margins, wrong = votes.max(axis=1), 1 - posterior.max(axis=1)
            assert search.binary_threshold(
                margins, wrong, weights
            ) == search.binary_threshold(margins[twice], wrong[twice])
        theta = np.full(3, 0.5)
        assert selection_bound(votes, posterior, theta, weights) == pytest.approx(
            selection_bound(votes[twice], posterior[twice], theta)
        )

    def test_single_precision_votes(self, rng):
        votes = random_votes(rng).astype(np.float32)
        posterior = random_posterior(rng, votes).astype(np.float32)
        np.testing.assert_array_equal(
            bound_thresholds(votes, posterior),
            bound_thresholds(votes.astype(float), posterior.astype(float)),
        )

    def test_permuted_rows_give_the_same(self, rng):
        votes = random_votes(rng, 200)
        posterior = random_posterior(rng, votes)
        order = rng.permutation(len(votes))
        np.testing.assert_array_equal(
            bound_thresholds(votes, posterior),
            bound_thresholds(votes[order], posterior[order]),
        )

    def test_a_class_without_mass(self, rng):
        votes = random_votes(rng)
        posterior = random_posterior(rng, votes)
        posterior[:, 1] = 0
        assert bound_thresholds(votes, posterior)[1] == 1
        assert not transductive_bound(votes, posterior, 0.4)[1].any()

    def test_one_class_and_one_row(self):
        assert bound_thresholds([[1.0]], [[1.0]]) == [1.0]
        assert bound_thresholds([[0.6, 0.4]], [[0.5, 0.5]]).shape == (2,)
        np.testing.assert_allclose(transductive_bound([[1.0]], [[1.0]], 0.5), [[1.0]])


class TestTheory:
    @pytest.mark.parametrize("exact", [False, True])
    def test_the_bound_holds(self, exact):
        slack = []
        for seed in range(1000):
            rng = np.random.default_rng(seed)
            votes = random_votes(
                rng, rng.integers(2, 40), rng.integers(2, 6), ties=seed % 3 == 0
            )
            posterior = random_posterior(rng, votes)
            theta = rng.uniform(0, 1, votes.shape[1])
            bound = transductive_bound(votes, posterior, theta, exact=exact)
            slack.append(bound - confident_errors(votes, posterior, theta))
        assert min(values.min() for values in slack) >= -1e-12

    def test_the_exact_bound_is_the_smaller(self):
        for seed in range(50):
            rng = np.random.default_rng(seed)
            votes = random_votes(rng)
            posterior = random_posterior(rng, votes)
            theta = rng.uniform(0, 1, 3)
            exact = class_bounds(votes, posterior, theta, exact=True)
            assert (exact <= class_bounds(votes, posterior, theta) + 1e-12).all()

    def test_the_binary_bound_holds(self):
        for seed in range(300):
            rng = np.random.default_rng(seed)
            votes = random_votes(rng, 30, 2, ties=seed % 3 == 0)
            posterior = random_posterior(rng, votes)
            predicted = votes.argmax(axis=1)
            wrong = 1 - posterior[np.arange(30), predicted]
            margins = np.abs(2 * votes[:, 1] - 1)
            for exact in (False, True):
                bounds, thetas = binary_bounds(margins, wrong, exact)
                for theta, bound in zip(thetas, bounds):
                    assert wrong[margins >= theta].sum() <= bound + 1e-9

    def test_the_gibbs_error_gives_the_budget_of_the_binary_bound(self, rng):
        votes = random_votes(rng, 30, 2)
        posterior = random_posterior(rng, votes)
        margins = np.abs(2 * votes[:, 1] - 1)
        gibbs = (posterior * (1 - votes)).sum(axis=1).mean()
        wrong = 1 - posterior[np.arange(30), votes.argmax(axis=1)]
        budget = gibbs + (margins.mean() - 1) / 2
        assert np.mean(margins * wrong) == pytest.approx(budget)


def binary_bounds(margins, wrong, exact):
    search = ThresholdSearch(exact=exact)
    column = VoteColumn.of_margins(margins, wrong, np.ones(len(margins)))
    thetas = search.candidates(column)
    return search.bounds(column, thetas)[:, 0], thetas


class TestBadInput:
    def test_messages(self):
        good = np.array([[0.4, 0.6], [0.7, 0.3]])
        with pytest.raises(ValueError, match=r"votes must lie in \[0, 1\]"):
            bound_thresholds(2 * good, good)
        with pytest.raises(ValueError, match="posterior must have the shape"):
            bound_thresholds(good, good[:1])
        with pytest.raises(ValueError, match="posterior must not be negative"):
            bound_thresholds(good, -good)
        with pytest.raises(ValueError, match="votes contains NaN"):
            transductive_bound(np.full((2, 2), np.nan), good, 0.5)
        with pytest.raises(ValueError, match="theta must be a number or an array"):
            transductive_bound(good, good, [0.1, 0.2, 0.3])
        with pytest.raises(ValueError, match=r"theta must lie in \[0, 1\]"):
            transductive_bound(good, good, [0.1, 1.2])
        with pytest.raises(ValueError, match="n_theta"):
            bound_thresholds(good, good, n_theta=0)
