# SPDX-License-Identifier: BSD-3-Clause
"""Head-to-tail borrowing: identities, and the errors that the formula predicts."""

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.datasets import load_iris

from sklearn_theory.datasets import make_long_tail_noisy, make_super_classes
from sklearn_theory.noisy_labels import GaussianCalibrator
from sklearn_theory.noisy_labels._calibration_theory import (
    best_beta,
    blended_error,
    borrowed_error,
    own_error,
    pollution_shares,
)

WEIGHTS = ("inverse", "count", "uniform")
COVARIANCES = ("full", "diag", "shrunk")


def long_tail(imbalance=20, seed=0):
    X, y = make_super_classes(200, random_state=seed)
    X, y, _, _ = make_long_tail_noisy(
        X, y, imbalance=imbalance, noise=0, random_state=seed
    )
    return X, y


class TestExactness:
    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_without_borrowing_the_moments_are_the_classes_own(self, covariance):
        X, y = long_tail()
        model = GaussianCalibrator(beta=0, alpha=0, covariance=covariance).fit(X, y)
        for k in range(10):
            own = X[y == k]
            expected = {
                "full": np.cov(own.T),
                "diag": np.diag(own.var(axis=0, ddof=1)),
                "shrunk": LedoitWolf().fit(own).covariance_,
            }[covariance]
            np.testing.assert_allclose(model.means_[k], own.mean(axis=0))
            np.testing.assert_allclose(model.covariances_[k], expected, atol=1e-12)

    @pytest.mark.parametrize("weights", WEIGHTS)
    def test_borrowing_everything_from_the_nearest_head(self, weights):
        X, y = long_tail()
        model = GaussianCalibrator(beta=1, q=1, weights=weights, alpha=0.2).fit(X, y)
        for label in model.tail_classes_:
            gaps = model.raw_means_[model.head_classes_] - model.raw_means_[label]
            nearest = model.head_classes_[np.linalg.norm(gaps, axis=1).argmin()]
            assert model.neighbors_[label] == [nearest]
            np.testing.assert_allclose(model.means_[label], model.raw_means_[nearest])
            lent = model.raw_covariances_[nearest]
            ridge = 0.2 * np.trace(lent) / 16 * np.eye(16)
            np.testing.assert_allclose(model.covariances_[label], lent + ridge)

    @pytest.mark.parametrize("weights", WEIGHTS)
    @pytest.mark.parametrize("beta", [0.0, 0.3, "auto"])
    def test_blends_written_out(self, weights, beta):
        X, y = long_tail()
        model = GaussianCalibrator(beta=beta, weights=weights, alpha=0).fit(X, y)
        counts = np.bincount(y)
        for label in model.tail_classes_:
            lenders = model.neighbors_[label]
            distances = np.linalg.norm(
                model.raw_means_[lenders] - model.raw_means_[label], axis=1
            )
            raw = {
                "inverse": counts[lenders] / distances,
                "count": counts[lenders],
                "uniform": np.ones(len(lenders)),
            }[weights]
            w, b = raw / raw.sum(), model.beta_[label]
            np.testing.assert_allclose(model.weights_[label], w)
            np.testing.assert_allclose(
                model.means_[label],
                (1 - b) * model.raw_means_[label] + b * w @ model.raw_means_[lenders],
            )

    @pytest.mark.parametrize("covariance", COVARIANCES)
    @pytest.mark.parametrize("weights", WEIGHTS)
    @pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
    def test_heads_are_untouched_and_tails_positive(self, covariance, weights, alpha):
        X, y = long_tail()
        model = GaussianCalibrator(
            covariance=covariance, weights=weights, alpha=alpha
        ).fit(X, y)
        heads = model.head_classes_
        np.testing.assert_array_equal(model.means_[heads], model.raw_means_[heads])
        np.testing.assert_array_equal(
            model.covariances_[heads], model.raw_covariances_[heads]
        )
        for label in model.tail_classes_:
            assert model.weights_[label].sum() == pytest.approx(1, abs=1e-12)
            calibrated = model.covariances_[label]
            np.testing.assert_allclose(calibrated, calibrated.T, atol=1e-12)
            mean_variance = np.trace(calibrated) / 16 / (1 + alpha)
            smallest = np.linalg.eigvalsh(calibrated)[0]
            assert smallest >= alpha * mean_variance - 1e-10

    def test_a_ridge_of_ones_regularises_one_direction_only(self):
        X, y = make_super_classes(4, random_state=0)
        singular = GaussianCalibrator(beta=0, ridge="ones", min_class_size=2).fit(X, y)
        regular = GaussianCalibrator(beta=0, min_class_size=2).fit(X, y)
        ranks = np.linalg.matrix_rank(singular.covariances_)
        assert ranks.max() <= 4
        assert np.linalg.eigvalsh(regular.covariances_).min() > 0
        assert np.linalg.eigvalsh(singular.covariances_).min() > -1e-10

    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_draws_have_the_moments(self, covariance):
        X, y = load_iris(return_X_y=True)
        model = GaussianCalibrator(covariance=covariance).fit(X, y)
        n = 200_000
        for label in model.classes_:
            draws = model.sample(label, n, random_state=0)
            covariance = model.covariances_[label]
            variances = np.diag(covariance)
            error = np.sqrt(variances / n)
            assert np.all(np.abs(draws.mean(axis=0) - model.means_[label]) <= 5 * error)
            error = np.sqrt((np.outer(variances, variances) + covariance**2) / n)
            assert np.all(np.abs(np.cov(draws.T) - covariance) <= 5 * error)

    def test_singular_covariances_are_drawn_from(self):
        X = np.array([[0.0, 0], [1, 1], [2, 2], [0, 0], [5, 5], [9, 9]])
        y = np.repeat([0, 1], 3)
        model = GaussianCalibrator(beta=0, alpha=0, min_class_size=2).fit(X, y)
        draws = model.sample(0, 100, random_state=0)
        np.testing.assert_allclose(draws[:, 0], draws[:, 1], atol=1e-7)


class TestTheory:
    """A class of five rows, and three head classes that lend to it."""

    counts = np.array([200, 150, 100])
    weights = np.array([0.5, 0.3, 0.2])
    variances = np.linspace(0.5, 2.0, 8)

    def errors(self):
        trace = self.variances.sum()
        offset = 0.41
        borrowed = borrowed_error(trace, self.weights, self.counts, offset)
        return own_error(trace, 5), borrowed, offset

    def test_predicted_error_of_the_mean(self, rng):
        own, borrowed, offset = self.errors()
        n_runs, deviations = 20_000, np.sqrt(self.variances)
        tail = deviations * rng.normal(size=(n_runs, 8)) / np.sqrt(5)
        lent = np.zeros((n_runs, 8))
        lent[:, 0] = np.sqrt(offset)
        for weight, count in zip(self.weights, self.counts):
            noise = deviations * rng.normal(size=(n_runs, 8))
            lent += weight * noise / np.sqrt(count)
        for beta in (0.0, 0.2, 0.5, 0.8, 1.0):
            measured = np.mean(np.sum(((1 - beta) * tail + beta * lent) ** 2, axis=1))
            assert measured == pytest.approx(
                blended_error(beta, own, borrowed), rel=0.03
            )

    def test_the_best_part_is_the_best(self):
        own, borrowed, _ = self.errors()
        best = best_beta(own, borrowed)
        grid = np.linspace(0, 1, 1001)
        errors = blended_error(grid, own, borrowed)
        assert grid[errors.argmin()] == pytest.approx(best, abs=1e-3)
        least = blended_error(best, own, borrowed)
        assert least == pytest.approx(own * borrowed / (own + borrowed))
        assert least < min(own, borrowed)

    @pytest.mark.parametrize("offset", [0.1, 0.41, 4.0])
    def test_the_estimated_part_is_near_the_best(self, rng, offset):
        trace = self.variances.sum()
        means = np.zeros((4, 8))
        means[:3, 0] = np.sqrt(offset)
        y = np.repeat([0, 1, 2, 3], [*self.counts, 5])
        parts, best = [], []
        for _ in range(500):
            X = means[y] + np.sqrt(self.variances) * rng.normal(size=(len(y), 8))
            model = GaussianCalibrator(3, beta="auto", weights="count").fit(X, y)
            weights = model.weights_[3]
            lenders = self.counts[model.neighbors_[3]]
            borrowed = borrowed_error(trace, weights, lenders, offset)
            parts.append(model.beta_[3])
            best.append(best_beta(own_error(trace, 5), borrowed))
        assert np.mean(parts) == pytest.approx(np.mean(best), abs=0.1)

    def test_pollution_of_the_observed_classes(self, rng):
        counts = np.array([50_000, 20_000, 5_000, 1_000])
        true = np.repeat(np.arange(4), counts)
        rate = 0.3
        stays = 1 - rate * (1 - counts / counts.sum())
        others = rng.choice(4, len(true), p=counts / counts.sum())
        flips = rng.random(len(true)) < rate  # A label drawn may be the right one.
        observed = np.where(flips, others, true)
        shares = pollution_shares(counts, rate)
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        np.testing.assert_allclose(
            np.bincount(true, observed == true) / counts, stays, atol=0.04
        )
        for k in range(4):
            measured = np.bincount(true[observed == k], minlength=4)
            measured = measured / measured.sum()
            np.testing.assert_allclose(shares[k], measured, atol=0.04)
        # The foreign part of every class is about the rate, however rare it is.
        np.testing.assert_allclose(
            1 - np.diag(shares), rate * (1 - counts / counts.sum()), rtol=0.02
        )


class TestHeads:
    def test_the_more_frequent_half(self):
        X, y = np.random.default_rng(0).normal(size=(60, 2)), np.repeat([4, 7, 9], 20)
        assert GaussianCalibrator().fit(X, y).head_classes_.tolist() == [4, 7]
        y = np.repeat([4, 7, 9], [5, 25, 30])
        assert GaussianCalibrator().fit(X, y).head_classes_.tolist() == [7, 9]
        y = np.repeat([1, 2], 30)
        assert GaussianCalibrator().fit(X, y).head_classes_.tolist() == [1]

    def test_by_number_and_by_name(self):
        X, y = long_tail()
        most = np.argsort(-np.bincount(y), kind="stable")[:3]
        assert set(GaussianCalibrator(3).fit(X, y).head_classes_) == set(most)
        assert GaussianCalibrator([2, 8]).fit(X, y).head_classes_.tolist() == [2, 8]

    def test_all_heads(self):
        X, y = long_tail()
        model = GaussianCalibrator(10).fit(X, y)
        assert len(model.tail_classes_) == 0
        np.testing.assert_array_equal(model.means_, model.raw_means_)


class TestEdges:
    def test_small_classes_take_the_common_covariance(self):
        X, y = long_tail(imbalance=100)
        model = GaussianCalibrator(min_class_size=6).fit(X, y)
        small = np.flatnonzero(np.bincount(y) < 6)
        assert len(small)
        for k in small:
            np.testing.assert_array_equal(
                model.raw_covariances_[k], model.pooled_covariance_
            )

    def test_a_row_for_each_class(self):
        X = np.array([[0.0, 0.0], [3.0, 1.0], [5.0, 5.0]])
        model = GaussianCalibrator(beta="auto").fit(X, [0, 1, 2])
        assert np.isfinite(model.covariances_).all()
        assert np.isfinite(model.sample(2, 3, random_state=0)).all()

    def test_constant_rows_and_lenders_at_the_very_place(self):
        X, y = np.ones((30, 2)), np.repeat([0, 1, 2], 10)
        for beta in (0.3, "auto"):
            model = GaussianCalibrator(2, beta=beta).fit(X, y)
            np.testing.assert_array_equal(model.means_, 1)
            np.testing.assert_allclose(model.weights_[2], 0.5)
            np.testing.assert_array_equal(model.sample(2, 4, random_state=0), 1)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"beta": 1.2}, "beta"),
            ({"beta": -0.1}, "beta"),
            ({"q": 0}, "q"),
            ({"alpha": -1.0}, "alpha"),
            ({"weights": "other"}, "weights"),
            ({"covariance": "spherical"}, "covariance"),
        ],
    )
    def test_bad_parameters(self, parameters, message):
        with pytest.raises(ValueError, match=message):
            GaussianCalibrator(**parameters)

    @pytest.mark.parametrize("n_head", [11, [3, 77], [], [[1]]])
    def test_bad_heads(self, n_head):
        with pytest.raises(ValueError, match="n_head"):
            GaussianCalibrator(n_head).fit(*long_tail())

    def test_unknown_label(self):
        model = GaussianCalibrator().fit(*long_tail())
        with pytest.raises(ValueError, match="label must be one of"):
            model.sample(10)
