# SPDX-License-Identifier: BSD-3-Clause
"""The C-bound, from true and from imperfect labels, and the mislabelling model."""

import numpy as np
import pytest

from sklearn_theory.semi_supervised import c_bound, c_bound_imperfect
from sklearn_theory.semi_supervised._c_bound import reliabilities, vote_margins
from sklearn_theory.semi_supervised._mislabelling import mislabelling_matrix, trust


def random_problem(seed, n_rows=200):
    """Votes and true labels that agree more often than not."""
    rng = np.random.default_rng(seed)
    n_classes = rng.integers(2, 6)
    y = rng.integers(n_classes, size=n_rows)
    votes = rng.dirichlet(np.ones(n_classes), n_rows)
    votes = votes + rng.uniform(0, 1) * np.eye(n_classes)[y]
    return rng, votes / votes.sum(axis=1, keepdims=True), y


def random_noise(rng, n_classes):
    """A matrix with dominant diagonal and columns that sum to one."""
    noise = 0.5 * rng.dirichlet(np.ones(n_classes), n_classes).T
    return noise + 0.5 * np.eye(n_classes)


class TestExactness:
    def test_margins(self):
        votes = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
        np.testing.assert_allclose(vote_margins(votes, [0, 1]), [0.2, -0.4])

    def test_reliabilities(self):
        noise = np.array([[0.7, 0.1, 0.2], [0.2, 0.6, 0.4], [0.1, 0.3, 0.4]])
        alpha, delta = reliabilities(noise)
        np.testing.assert_allclose(alpha, [0.7, 0.6, 0.4])
        np.testing.assert_allclose(delta, [0.5, 0.2, 0.1])

    def test_perfect_labels_give_the_c_bound(self):
        for seed in range(20):
            _, votes, y = random_problem(seed)
            identity = np.eye(votes.shape[1])
            assert c_bound_imperfect(votes, y, identity) == pytest.approx(
                c_bound(votes, y)
            )

    def test_nothing_is_known_without_a_positive_margin(self):
        votes = [[0.9, 0.1], [0.8, 0.2]]
        assert c_bound(votes, [1, 1]) == 1
        assert c_bound_imperfect(votes, [1, 1], np.eye(2)) == 1
        useless = np.full((2, 2), 0.5)
        assert c_bound_imperfect(votes, [0, 0], useless) == 1

    def test_one_class(self):
        assert c_bound([[1.0], [1.0]], [0, 0]) == pytest.approx(0)

    def test_mislabelling_matrix(self):
        codes, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
        expected = np.array([[2.25, 0.25], [1.25, 1.25]]) / [3.5, 1.5]
        np.testing.assert_allclose(mislabelling_matrix(codes, predicted, 2), expected)
        weighted = mislabelling_matrix(codes, predicted, 2, np.array([1.0, 2, 1, 1]))
        repeated = [0, 1, 1, 2, 3]
        np.testing.assert_allclose(
            weighted, mislabelling_matrix(codes[repeated], predicted[repeated], 2)
        )

    def test_trust_is_bayes_rule(self, rng):
        noise, prior = random_noise(rng, 4), rng.dirichlet(np.ones(4))
        y = rng.choice(4, 400_000, p=prior)
        cumulated = noise.cumsum(axis=0)[:, y]
        yhat = (rng.random(len(y)) > cumulated).sum(axis=0)
        right = [np.mean(y[yhat == c] == c) for c in range(4)]
        np.testing.assert_allclose(trust(noise, prior), right, atol=0.01)


class TestTheory:
    def test_the_c_bound_holds(self):
        for seed in range(1000):
            _, votes, y = random_problem(seed, 50)
            error = np.mean(votes.argmax(axis=1) != y)
            assert error <= c_bound(votes, y) + 1e-12

    def test_error_against_imperfect_labels_bounds_the_error(self):
        """r <= rhat / delta - (1 - alpha) / delta, in each row."""
        for seed in range(1000):
            rng = np.random.default_rng(seed)
            n_classes = rng.integers(2, 6)
            noise = random_noise(rng, n_classes)
            posterior = rng.dirichlet(np.ones(n_classes), 30)
            predicted = rng.integers(n_classes, size=30)
            alpha, delta = reliabilities(noise)
            alpha, delta = alpha[predicted], delta[predicted]
            error = 1 - posterior[np.arange(30), predicted]
            imperfect = 1 - (posterior @ noise.T)[np.arange(30), predicted]
            holds = error <= imperfect / delta - (1 - alpha) / delta + 1e-9
            assert holds[delta > 0].all()

    def test_the_imperfect_c_bound_holds_in_expectation(self):
        """Each row is there once for each imperfect label, by its probability."""
        n_judged = 0
        for seed in range(1000):
            rng, votes, y = random_problem(seed, 40)
            n_classes = votes.shape[1]
            noise = random_noise(rng, n_classes)
            copies = np.floor(noise * 100).astype(int)
            np.fill_diagonal(copies, copies.diagonal() + 100 - copies.sum(axis=0))
            noise, copies = copies / 100, copies[:, y]
            labels = np.concatenate(
                [np.repeat(np.arange(n_classes), c) for c in copies.T]
            )
            rows = np.repeat(np.arange(len(y)), 100)
            error = np.mean(votes.argmax(axis=1) != y)
            bound = c_bound_imperfect(votes[rows], labels, noise)
            n_judged += bound != 1
            assert error <= bound + 1e-9
        assert n_judged > 300


class TestBadInput:
    def test_messages(self):
        votes = [[0.4, 0.6], [0.7, 0.3]]
        with pytest.raises(ValueError, match="y must hold columns of votes"):
            c_bound(votes, [0, 2])
        with pytest.raises(ValueError, match="y must hold columns of votes"):
            c_bound(votes, ["a", "b"])
        with pytest.raises(ValueError, match="yhat must hold columns of votes"):
            c_bound_imperfect(votes, [0, -1], np.eye(2))
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            c_bound(votes, [0])
        with pytest.raises(ValueError, match="noise_matrix must have shape"):
            c_bound_imperfect(votes, [0, 1], np.eye(3))
        with pytest.raises(ValueError, match="noise_matrix must hold probabilities"):
            c_bound_imperfect(votes, [0, 1], 2 * np.eye(2))
