# SPDX-License-Identifier: BSD-3-Clause
"""The noise mixture, against the rule written out row by row."""

import math

import numpy as np
import pytest
from scipy.special import softmax

from sklearn_theory.datasets import make_long_tail_noisy, make_super_classes
from sklearn_theory.noisy_labels._noise_mixture import (
    fit_mixture,
    fit_noise_model,
    flag_labels,
    likelier_mixture,
    posteriors,
)
from sklearn_theory.noisy_labels._noise_rate import (
    NO_NOISE,
    RATES,
    TEMPERATURES,
    best_rate,
    choose_noise,
    label_evidence,
    log_mixture,
)
from sklearn_theory.noisy_labels._robust_gaussians import (
    PooledScatter,
    ShrunkScatter,
    core_responsibilities,
    fit_gaussians,
    own_pull,
    row_blocks,
    squared_euclidean,
    student_scores,
)

SCATTERS = [PooledScatter(), ShrunkScatter()]
every_scatter = pytest.mark.parametrize("scatters", SCATTERS, ids=lambda s: s.name)


def noisy_tail(imbalance=5, noise=0.2, n_classes=4, n=60, seed=0):
    X, y = make_super_classes(n, n_classes=n_classes, n_features=3, random_state=seed)
    X, y_true, y_noisy, _ = make_long_tail_noisy(
        X, y, imbalance=imbalance, noise=noise, random_state=seed
    )
    return X - X.mean(axis=0), y_true, y_noisy


def transition(codes, priors, rate):
    """Probability of each row's label if a class is the true one."""
    table = rate * priors[codes][:, np.newaxis] / (1 - priors)
    table[np.arange(len(codes)), codes] = 1 - rate
    return table


class RowByRow:
    """The rule of the method with loops, one step after the other."""

    def __init__(self, Z, y, n_classes, shrunk):
        self.Z, self.y, self.K, self.shrunk = Z, y, n_classes, shrunk
        self.n, self.m = Z.shape

    def start(self):
        r = np.zeros((self.n, self.K))
        for k in range(self.K):
            members = [i for i in range(self.n) if self.y[i] == k]
            median = np.median(self.Z[members], axis=0)
            members.sort(key=lambda i: np.sum((self.Z[i] - median) ** 2))
            size = max(math.ceil(0.6 * len(members)), min(len(members), 3))
            r[members[:size], k] = 1
        return r

    def moments(self, r, u):
        w = r.sum(axis=0)
        means, scatters = [], []
        for k in range(self.K):
            pull = r[:, k] * u[:, k]
            mean = sum(p * z for p, z in zip(pull, self.Z)) / pull.sum()
            means.append(mean)
            scatters.append(
                sum(p * np.outer(z - mean, z - mean) for p, z in zip(pull, self.Z))
            )
        S = sum(scatters) / (w.sum() - self.K)
        S = S + 1e-3 * np.trace(S) / self.m * np.eye(self.m)
        if not self.shrunk:
            return w, means, [S] * self.K
        c = 3 * self.m
        return w, means, [(s + c * S) / (v + c) for s, v in zip(scatters, w)]

    def scores(self, r, w, means, covariances):
        scores, weights = np.empty((self.n, self.K)), np.empty((self.n, self.K))
        for k in range(self.K):
            precision = np.linalg.inv(covariances[k])
            log_det = np.linalg.slogdet(covariances[k])[1]
            for i in range(self.n):
                gap = self.Z[i] - means[k]
                share = min(r[i, k] / w[k], 0.999)
                d = gap @ precision @ gap
                d /= (1 - share) ** 2 * (1 + 1 / max(w[k] - r[i, k], 0.2))
                scores[i, k] = -log_det / 2 - (5 + self.m) / 2 * math.log(1 + d / 5)
                weights[i, k] = (5 + self.m) / (5 + d)
        return scores, weights

    def likelihood(self, scores, pi, t, e):
        total = 0.0
        for i in range(self.n):
            a = softmax(t * scores[i] + np.log(pi))
            k = self.y[i]
            others = sum(a[j] / (1 - pi[j]) for j in range(self.K) if j != k)
            total += math.log((1 - e) * a[k] + e * pi[k] * others)
        return total

    def choose(self, scores, pi):
        table = [
            [self.likelihood(scores, pi, t, e) for e in RATES] for t in TEMPERATURES
        ]
        table = np.array(table)
        i, j = np.unravel_index(table.argmax(), table.shape)
        if table[i, j] - table[:, 0].max() < 0.5 * math.log(self.n):
            i, j = table[:, 0].argmax(), 0
        return TEMPERATURES[i], RATES[j], table[i, j]

    def posterior(self, scores, pi, t, e):
        r = np.empty((self.n, self.K))
        for i in range(self.n):
            label = self.y[i]
            for k in range(self.K):
                right = 1 - e if k == label else e * pi[label] / (1 - pi[k])
                r[i, k] = t * scores[i, k] + math.log(pi[k] * right)
        return softmax(r, axis=1)

    def run(self, n_passes):
        r, u = self.start(), np.ones((self.n, self.K))
        e, t = 0.2, 1.0
        pi = np.bincount(self.y) / self.n
        for step in range(n_passes):
            w, means, covariances = self.moments(r, u)
            scores, u = self.scores(r, w, means, covariances)
            if step > 0:
                pi = np.maximum(w, 1) / np.maximum(w, 1).sum()
            if step >= 5:
                t, e, likelihood = self.choose(scores, pi)
            before = r[range(self.n), self.y]
            r = self.posterior(scores, pi, t, e)
            own = r[range(self.n), self.y]
            if step < 5:
                e = min(max(1 - own.mean(), 1e-4), 0.49)
            elif np.abs(own - before).max() < 1e-4:
                break
        return own, e, likelihood


class TestExactness:
    @every_scatter
    @pytest.mark.parametrize("noise", [0.0, 0.3])
    def test_equals_the_rule_row_by_row(self, scatters, noise, monkeypatch):
        n_passes = 8
        monkeypatch.setattr(
            "sklearn_theory.noisy_labels._noise_mixture._MAX_PASSES", n_passes
        )
        Z, _, y = noisy_tail(noise=noise, n=25)
        twin = RowByRow(Z, y, 4, scatters.name == "shrunk")
        own, rate, likelihood = twin.run(n_passes)
        model = fit_mixture(Z, y, 4, scatters)
        np.testing.assert_allclose(model.label_posterior, own, atol=1e-8)
        assert model.likelihoods.sum() == pytest.approx(likelihood, rel=1e-9)
        assert model.rate == (0 if rate == NO_NOISE else rate)

    def test_the_more_probable_of_both_is_kept(self):
        Z, _, y = noisy_tail()
        models = [fit_mixture(Z, y, 4, scatters) for scatters in SCATTERS]
        best = max(models, key=lambda model: model.likelihoods.sum())
        kept = likelier_mixture(Z, y, 4, RATES)
        np.testing.assert_allclose(kept.label_posterior, best.label_posterior)

    def test_posteriors_are_bayes_rule(self, rng):
        scores, codes = rng.normal(size=(30, 4)), rng.integers(4, size=30)
        priors = np.array([0.4, 0.3, 0.2, 0.1])
        probabilities = posteriors(scores, codes, priors, 0.5, 0.2)
        wanted = np.exp(0.5 * scores) * priors * transition(codes, priors, 0.2)
        np.testing.assert_allclose(
            probabilities, wanted / wanted.sum(axis=1, keepdims=True)
        )

    def test_labels_of_a_class_are_distributed(self):
        priors = np.array([0.5, 0.3, 0.2])
        table = transition(np.arange(3), priors, 0.3)  # One row for each label.
        np.testing.assert_allclose(table.sum(axis=0), 1)
        np.testing.assert_allclose(np.diag(table), 0.7)

    def test_own_pull(self):
        pulls = own_pull(np.array([[0.0, 0.5, 1.0, 0.0]]), np.array([9.0, 5, 1, 0]))
        expected = [1 + 1 / 9, 0.9**2 * (1 + 1 / 4.5), 0.001**2 * 6, 6]
        np.testing.assert_allclose(pulls, [expected])

    @pytest.mark.parametrize("offset", [0.0, 1e3, 1e8])
    def test_squared_distances(self, rng, offset):
        rows, centres = rng.normal(size=(50, 9)) + offset, rng.normal(size=(4, 9))
        centres += offset
        exact = ((rows[:, np.newaxis] - centres) ** 2).sum(axis=2)
        np.testing.assert_allclose(squared_euclidean(rows, centres), exact, atol=1e-9)

    @pytest.mark.parametrize("shape", [(0, 3), (7, 10**6), (10**5, 3)])
    def test_blocks_hold_every_row_once(self, shape):
        rows = [np.arange(shape[0])[block] for block in row_blocks(*shape)]
        np.testing.assert_array_equal(np.concatenate([[], *rows]), np.arange(shape[0]))

    @pytest.mark.parametrize("spread", [1.0, 300.0])
    def test_likelihoods_are_those_of_the_labels(self, rng, spread):
        scores, codes = spread * rng.normal(size=(41, 3)), rng.integers(3, size=41)
        priors = np.array([0.5, 0.3, 0.2])
        evidence = label_evidence(scores, codes, priors)
        for temperature, right, wrong in zip(TEMPERATURES, *evidence):
            classes = softmax(temperature * scores + np.log(priors), axis=1)
            for rate in RATES:
                mixed = (classes * transition(codes, priors, rate)).sum(axis=1)
                np.testing.assert_allclose(
                    log_mixture(right, wrong, rate), np.log(mixed)
                )

    def test_the_best_rate_is_that_of_the_whole_grid(self, rng):
        for skill in rng.uniform(0.01, 0.99, size=200):
            right, wrong = rng.beta(5 * skill, 5 * (1 - skill), size=(2, 30))
            table = [log_mixture(right, wrong, rate).sum() for rate in RATES]
            assert best_rate(right, wrong, RATES) == RATES[np.argmax(table)]

    @pytest.mark.parametrize("sure", [0.2, 3.0, 30.0])
    def test_the_choice_is_that_of_the_whole_grid(self, rng, sure):
        scores, codes = sure * rng.normal(size=(60, 3)), rng.integers(3, size=60)
        scores[np.arange(45), codes[:45]] += 2 * sure
        priors = np.array([0.5, 0.3, 0.2])
        table = np.array(
            [
                [log_mixture(right, wrong, rate).sum() for rate in RATES]
                for right, wrong in zip(*label_evidence(scores, codes, priors))
            ]
        )
        t, e = np.unravel_index(table.argmax(), table.shape)
        if table[t, e] - table[:, 0].max() < 0.5 * math.log(60):
            t, e = table[:, 0].argmax(), 0
        choice = choose_noise(scores, codes, priors)
        assert (choice.temperature, choice.rate) == (TEMPERATURES[t], RATES[e])
        assert choice.likelihoods.sum() == pytest.approx(table[t, e])

    def test_weak_evidence_is_no_noise(self, rng):
        scores, codes = np.zeros((50, 3)), rng.integers(3, size=50)
        assert choose_noise(scores, codes, np.full(3, 1 / 3)).rate == NO_NOISE

    def test_no_other_rate_is_no_noise(self):
        Z, _, y = noisy_tail(noise=0.3)
        assert fit_mixture(Z, y, 4, PooledScatter()).rate > 0.2
        assert fit_mixture(Z, y, 4, PooledScatter(), RATES[:1]).rate == 0

    @every_scatter
    def test_order_of_rows_and_names_of_classes_do_not_matter(self, scatters, rng):
        Z, _, y = noisy_tail()
        model = fit_mixture(Z, y, 4, scatters)
        rows, names = rng.permutation(len(y)), rng.permutation(4)
        other = fit_mixture(Z[rows], names[y][rows], 4, scatters)
        np.testing.assert_allclose(
            other.label_posterior, model.label_posterior[rows], atol=1e-6
        )

    @every_scatter
    def test_units_do_not_matter(self, scatters):
        Z, _, y = noisy_tail()
        model = fit_mixture(Z, y, 4, scatters)
        for unit in (1e-6, 1e6):
            other = fit_mixture(unit * Z, y, 4, scatters)
            np.testing.assert_allclose(
                other.label_posterior, model.label_posterior, atol=1e-6
            )

    def test_a_row_does_not_vouch_for_itself(self):
        """Alone in its class, a row is as far from it as its neighbours are."""
        Z = np.vstack([np.random.default_rng(0).normal(size=(50, 2)), [[0.1, 0.1]]])
        y = np.r_[np.zeros(50, int), 1]
        r = core_responsibilities(Z, y, 2)
        gaussians = fit_gaussians(Z, r, np.ones_like(r), PooledScatter())
        scores, _ = student_scores(Z, r, gaussians, PooledScatter())
        assert np.isfinite(scores).all()
        assert gaussians.sizes[1] == 1

    def test_flags(self):
        posterior = np.array([0.9, 0.4, 0.3, 0.2, 0.1, 0.6, 0.5, 0.51])
        codes = np.array([0, 0, 0, 0, 0, 1, 1, 1])
        np.testing.assert_array_equal(
            flag_labels(posterior, codes), [1, 1, 1, 0, 0, 1, 1, 1]
        )


class TestEdges:
    def test_one_class(self):
        model = fit_noise_model(np.zeros((4, 2)), np.zeros(4, int), 1)
        assert model.rate == 0
        np.testing.assert_array_equal(model.label_posterior, 1)

    @pytest.mark.parametrize(
        "Z",
        [np.zeros((9, 2)), np.eye(9), np.c_[np.arange(9.0), np.zeros(9)]],
        ids=["equal rows", "more features than rows", "constant feature"],
    )
    def test_degenerate_rows(self, Z):
        y = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2])
        model = fit_noise_model(Z, y, 3)
        assert np.isfinite(model.label_posterior).all()
        assert flag_labels(model.label_posterior, y)[-1]

    def test_every_class_has_one_row(self):
        model = fit_noise_model(np.arange(6.0).reshape(3, 2), np.arange(3), 3)
        assert np.isfinite(model.label_posterior).all()
        assert flag_labels(model.label_posterior, np.arange(3)).all()

    def test_far_rows_stay_finite(self):
        Z, _, y = noisy_tail()
        Z[0] = 1e9
        model = fit_noise_model(Z, y, 4)
        assert np.isfinite(model.label_posterior).all()

    def test_the_dearer_covariances_are_left_out_of_large_problems(self, monkeypatch):
        Z, _, y = noisy_tail()
        monkeypatch.setattr(
            "sklearn_theory.noisy_labels._noise_mixture._LARGEST_SHRUNK_COST", 10
        )
        pooled = fit_mixture(Z, y, 4, PooledScatter())
        model = fit_noise_model(Z, y, 4)
        np.testing.assert_allclose(model.label_posterior, pooled.label_posterior)
