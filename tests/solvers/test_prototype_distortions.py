# SPDX-License-Identifier: BSD-3-Clause
"""Every distortion against its formula, and every prototype against its rivals."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import rel_entr
from sklearn import config_context
from sklearn.datasets import load_digits
from sklearn.preprocessing import normalize

from sklearn_theory.solvers._initial_prototypes import seed_means, spread_prototypes
from sklearn_theory.solvers._prototype_distortions import DISTORTIONS, make_distortion
from sklearn_theory.solvers._row_sums import one_hot

SIGMA = 0.8
NAMES = list(DISTORTIONS)
every_distortion = pytest.mark.parametrize("name", NAMES)


def squared(X, Y):
    return ((X[:, np.newaxis] - Y) ** 2).sum(axis=2)


def gaussian(X, Y):
    return np.exp(-squared(X, Y) / (2 * SIGMA**2))


def cosine_distance(X, Y):
    lengths = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(Y, axis=1)
    return 1 - X @ Y.T / lengths


def divergence(X, Y):
    return rel_entr(X[:, np.newaxis], Y).sum(axis=2)


FORMULAS = {
    "means": squared,
    "modes": lambda X, Y: -gaussian(X, Y),
    "bo": lambda X, Y: -gaussian(X, Y),
    "medoid": lambda X, Y: -gaussian(X, Y),
    "kl": divergence,
    "cosine": cosine_distance,
}


def manhattan(X, prototypes):
    X = X.toarray() if sparse.issparse(X) else X
    prototypes = prototypes.toarray() if sparse.issparse(prototypes) else prototypes
    return np.abs(X[:, np.newaxis] - prototypes).sum(axis=2)


@pytest.fixture
def data(rng):
    """Rows that are distributions, centres among them, and soft assignments."""
    X = rng.dirichlet(np.ones(6), 60)
    return X, X[[3, 20, 41]], rng.dirichlet(np.ones(3), 60)


def total(distortion, X, S, prototypes):
    S = S.toarray() if sparse.issparse(S) else S
    return (S * distortion.cost(X, prototypes)).sum()


class TestCosts:
    @pytest.mark.parametrize("name", list(FORMULAS))
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_formula(self, data, name, dtype):
        X, centres, _ = data
        cost = make_distortion(name, SIGMA).cost(X.astype(dtype), centres.astype(dtype))
        assert cost.dtype == dtype
        atol = {np.float32: 1e-6, np.float64: 1e-14}[dtype]
        np.testing.assert_allclose(cost, FORMULAS[name](X, centres), atol=atol)

    def test_kernel_means_in_feature_space(self, data):
        X, centres, S = data
        distortion = make_distortion("kernel", SIGMA)
        prototypes = distortion.prototypes(X, S, distortion.start(X, centres))
        K, totals = gaussian(X, X), S.sum(axis=0)
        expected = (
            1 - 2 * K @ S / totals + np.einsum("pk,pq,qk->k", S, K, S) / totals**2
        )
        np.testing.assert_allclose(distortion.cost(X, prototypes), expected, atol=1e-12)
        new = X[:5] + 0.01
        expected = 1 - 2 * gaussian(new, X) @ S / totals
        expected += np.einsum("pk,pq,qk->k", S, K, S) / totals**2
        with config_context(working_memory=0.001):
            actual = distortion.cost(new, prototypes)
        np.testing.assert_allclose(actual, expected, atol=1e-12)

    @every_distortion
    def test_sparse_equals_dense(self, data, name):
        X, centres, S = data
        X = np.where(X > 0.1, X, 0)
        X /= X.sum(axis=1, keepdims=True)
        results = []
        for rows in (X, sparse.csr_array(X)):
            for assigned in (S, one_hot(S.argmax(axis=1), 3, float)):
                distortion = make_distortion(name, SIGMA)
                distortion.check(rows)
                prototypes = distortion.start(rows, centres)
                prototypes = distortion.prototypes(rows, assigned, prototypes)
                results.append(distortion.cost(rows, prototypes))
                results.append(distortion.distances(rows, prototypes))
        for dense, compressed in zip(results[:4], results[4:]):
            np.testing.assert_allclose(compressed, dense, atol=1e-7)

    @every_distortion
    def test_distances_order_clusters_as_costs_do(self, data, name):
        X, centres, _ = data
        distortion = make_distortion(name, SIGMA)
        prototypes = distortion.start(X, centres)
        np.testing.assert_array_equal(
            distortion.distances(X, prototypes).argmin(axis=1),
            distortion.cost(X, prototypes).argmin(axis=1),
        )


class TestPrototypes:
    @pytest.mark.parametrize("name", ["means", "kl", "cosine", "modes"])
    def test_no_nearby_prototype_is_better(self, data, name, rng):
        """A mode is a local minimum; the others are global ones."""
        X, centres, soft = data
        for S in (soft, one_hot(soft.argmax(axis=1), 3, float)):
            distortion = make_distortion(name, SIGMA)
            best = distortion.prototypes(X, S, centres)
            least = total(distortion, X, S, best)
            for _ in range(50):
                other = np.abs(best + 1e-3 * rng.standard_normal(best.shape))
                if name == "kl":
                    other /= other.sum(axis=1, keepdims=True)
                assert total(distortion, X, S, other) >= least - 1e-9

    def test_mean_shift_stands_still_at_a_mode(self, data):
        X, centres, S = data
        hard = one_hot(S.argmax(axis=1), 3, float)
        modes = make_distortion("modes", SIGMA).prototypes(X, hard, centres)
        for k in range(3):
            members = X[hard.indices == k]
            weights = gaussian(members, modes[[k]])[:, 0]
            moved = weights @ members / weights.sum()
            np.testing.assert_allclose(moved, modes[k], atol=1e-4)

    def test_medoid_by_brute_force(self, data):
        X, centres, S = data
        labels = S.argmax(axis=1)
        distortion = make_distortion("medoid", SIGMA)
        picked = distortion.pick(X, one_hot(labels, 3, float), centres)
        for k in range(3):
            members = np.flatnonzero(labels == k)
            K = gaussian(X[members], X[members])
            np.fill_diagonal(K, 0)
            assert picked[k] == members[K.sum(axis=1).argmax()]
        with config_context(working_memory=0.001):
            soft = distortion.pick(X, S, centres)
        np.testing.assert_array_equal(soft, (gaussian(X, X) @ S).argmax(axis=0))
        prototypes = distortion.prototypes(X, S, centres)
        np.testing.assert_array_equal(distortion.find(X, prototypes), soft)

    def test_best_assigned_rows(self, data):
        X, centres, S = data
        distortion = make_distortion("bo", SIGMA)
        np.testing.assert_array_equal(distortion.pick(X, S, centres), S.argmax(axis=0))
        labels = squared(X, centres).argmin(axis=1)
        hard = distortion.pick(X, one_hot(labels, 3, float), centres)
        np.testing.assert_array_equal(X[hard], centres)

    def test_a_function_has_medoids(self, data):
        X, centres, S = data
        distortion = make_distortion(manhattan)
        labels = S.argmax(axis=1)
        picked = distortion.pick(X, one_hot(labels, 3, float), centres)
        for k in range(3):
            members = np.flatnonzero(labels == k)
            costs = manhattan(X[members], X[members]).sum(axis=0)
            assert picked[k] == members[costs.argmin()]

    @every_distortion
    def test_a_cluster_without_rows_keeps_its_prototype(self, data, name):
        X, centres, S = data
        labels = np.where(S.argmax(axis=1) == 1, 0, S.argmax(axis=1))
        hard = one_hot(labels, 3, float)
        distortion = make_distortion(name, SIGMA)
        start = distortion.start(X, centres)
        prototypes = distortion.prototypes(X, hard, start)
        np.testing.assert_allclose(prototypes[1], start[1])

    @pytest.mark.parametrize("name", ["means", "modes", "kl", "cosine"])
    def test_sums_of_blocks_add_up(self, data, name):
        X, centres, S = data
        distortion = make_distortion(name, SIGMA)
        assert distortion.additive
        blocks = [slice(0, 7), slice(7, 40), slice(40, 60)]
        previous = centres
        for _ in range(distortion.max_steps):
            sums = sum(distortion.sums(X[b], S[b], previous) for b in blocks)
            last, previous = previous, distortion.from_sums(sums, previous)
            if distortion.settled(previous, last):
                break
        np.testing.assert_allclose(
            previous, distortion.prototypes(X, S, centres), rtol=1e-12
        )

    def test_single_precision_is_summed_in_double(self, rng):
        X = (rng.standard_normal((2**17, 16)) + 100).astype(np.float32)
        S = np.ones((len(X), 1), dtype=np.float32)
        mean = make_distortion("means").prototypes(X, S, X[:1])
        assert mean.dtype == np.float32
        np.testing.assert_allclose(mean[0], X.mean(axis=0, dtype=float), rtol=5e-6)


class TestBadInput:
    def test_rows_that_are_no_distributions(self):
        with pytest.raises(ValueError, match=r"distortion='kl' needs .* row sums to 2"):
            make_distortion("kl").check(np.ones((3, 2)))
        with pytest.raises(ValueError, match="the smallest entry is -1"):
            make_distortion("kl").check(np.array([[2.0, -1.0]]))

    @pytest.mark.parametrize(
        ("function", "message"),
        [
            (lambda X, M: np.ones(3), r"shape \(60, 3\)"),
            (lambda X, M: -np.ones((len(X), len(M))), "non-negative, finite"),
            (lambda X, M: np.full((len(X), len(M)), np.nan), "non-negative, finite"),
        ],
    )
    def test_a_function_that_returns_nonsense(self, data, function, message):
        X, centres, _ = data
        with pytest.raises(ValueError, match=f"distortion must return .*{message}"):
            make_distortion(function).cost(X, centres)


class TestInitialPrototypes:
    def test_seeded_clusters_start_at_their_means(self, rng):
        X = normalize(load_digits(return_X_y=True)[0])[:200]
        seeds = np.full(200, -1)
        seeds[[4, 9, 77]] = [5, 5, 2]
        for rows in (X, sparse.csr_array(X)):
            prototypes = spread_prototypes(rows, seeds, 7, np.random.RandomState(0))
            np.testing.assert_allclose(prototypes[5], X[[4, 9]].mean(axis=0))
            np.testing.assert_allclose(prototypes[2], X[77])
            for k in (0, 1, 3, 4, 6):
                assert squared(prototypes[[k]], X).min() < 1e-12
            apart = squared(prototypes, prototypes)[~np.eye(7, dtype=bool)]
            assert apart.min() > 0.01

    def test_equal_rows(self):
        seeds = np.array([0, -1, -1, -1])
        prototypes = spread_prototypes(
            np.ones((4, 2)), seeds, 3, np.random.RandomState(0)
        )
        np.testing.assert_array_equal(prototypes, np.ones((3, 2)))

    def test_seed_means(self):
        X = np.arange(8.0).reshape(4, 2)
        means, is_seeded = seed_means(X, np.array([1, -1, 1, -1]), 2)
        np.testing.assert_array_equal(means[1], [2, 3])
        np.testing.assert_array_equal(is_seeded, [False, True])
