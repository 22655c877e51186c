# SPDX-License-Identifier: BSD-3-Clause
"""What self-training gains and loses: accuracies on the rows without a label.

Observed means over six splits of digits: supervised .836, threshold .7 .804, mean .883,
curriculum .867, bound .880 (posterior of the votes .882, exact .886, without weights
.878). On the binary signatures: supervised .894, threshold .7 .587, mean .700, curriculum
.702, bound .923 (posterior of the votes .926, exact .972).
"""

from functools import cache

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

from sklearn_theory.datasets import make_binary_signature_classification
from sklearn_theory.semi_supervised import SelfTrainer

POLICIES = {
    "fixed": {"policy": "fixed", "threshold": 0.7},
    "mean": {"policy": "mean"},
    "curriculum": {"policy": "curriculum", "step": 1 / 3},
    "bound": {"max_iter": None},
    "bound of the votes": {"posterior": "votes", "max_iter": None},
    "bound without weights": {"balance_weights": False, "max_iter": None},
}


@cache
def digits(seed):
    X, truth = load_digits(return_X_y=True)
    labelled, _ = train_test_split(
        np.arange(len(truth)), train_size=60, stratify=truth, random_state=seed
    )
    return X, truth, labelled


@cache
def signatures(seed):
    X, truth = make_binary_signature_classification(random_state=12)
    return X, truth, np.random.default_rng(seed).permutation(3000)[:60]


@cache
def accuracies(policy, problem, seed):
    """Accuracy on the unlabelled rows, supervised and self-trained."""
    X, truth, labelled = problem(seed)
    y = np.full(len(truth), -1)
    y[labelled] = truth[labelled]
    hidden = y == -1
    forest = RandomForestClassifier(N_TREES[problem], random_state=seed)
    model = SelfTrainer(forest, **POLICIES[policy]).fit(X, y)
    return (
        model.initial_estimator_.score(X[hidden], truth[hidden]),
        model.score(X[hidden], truth[hidden]),
    )


SPLITS = {"bound": 2, "fixed": 2}
N_TREES = {digits: 100, signatures: 60}


def mean_on_digits(policy):
    seeds = range(SPLITS.get(policy, 1))
    return np.mean([accuracies(policy, digits, seed) for seed in seeds], axis=0)


class TestDigits:
    def test_bound_beats_the_supervised_forest(self):
        supervised, bound = mean_on_digits("bound")
        assert supervised == pytest.approx(0.83, abs=0.02)
        assert bound >= supervised + 0.025

    def test_posterior_of_the_votes_is_as_good(self):
        bound = accuracies("bound", digits, 0)[1]
        votes = accuracies("bound of the votes", digits, 0)[1]
        assert votes == pytest.approx(bound, abs=0.02)

    def test_fixed_threshold_can_hurt(self):
        supervised, fixed = mean_on_digits("fixed")
        assert fixed < supervised
        assert mean_on_digits("bound")[1] > fixed + 0.03

    @pytest.mark.parametrize("policy", ["mean", "curriculum"])
    def test_dynamic_thresholds_gain(self, policy):
        supervised, accuracy = mean_on_digits(policy)
        assert accuracy > supervised

    def test_weights_matter_little(self):
        bound = accuracies("bound", digits, 0)[1]
        plain = accuracies("bound without weights", digits, 0)[1]
        assert plain == pytest.approx(bound, abs=0.015)


class TestSignatures:
    """Few labels, a large class, and votes that are never sure: a stand-in for dna."""

    def test_bound_does_not_collapse(self):
        supervised, bound = accuracies("bound", signatures, 0)
        assert supervised == pytest.approx(0.88, abs=0.02)
        assert bound >= supervised + 0.01

    def test_fixed_threshold_collapses_to_the_majority(self):
        supervised, fixed = accuracies("fixed", signatures, 0)
        assert fixed < supervised - 0.2
        assert accuracies("bound", signatures, 0)[1] >= fixed + 0.2

    @pytest.mark.parametrize("policy", ["mean", "curriculum"])
    def test_other_dynamic_thresholds_hurt(self, policy):
        supervised, accuracy = accuracies(policy, signatures, 0)
        assert accuracy < supervised - 0.1


class TestFewerPoorRows:
    def test_bound_chooses_rows_with_fewer_errors_than_all(self):
        X, truth, labelled = digits(0)
        y = np.full(len(truth), -1)
        y[labelled] = truth[labelled]
        forest = RandomForestClassifier(100, random_state=0)
        model = SelfTrainer(forest, max_iter=1).fit(X, y)
        chosen = model.labeled_iter_ == 1
        error = np.mean(model.transduction_[chosen] != truth[chosen])
        hidden = y == -1
        assert error < 1 - model.initial_estimator_.score(X[hidden], truth[hidden])

    def test_noise_weights_trust_confused_classes_less(self):
        centres = [[0, 0], [1.2, 0], [8, 8]]
        X, truth = make_blobs(600, centers=centres, cluster_std=1.0, random_state=0)
        y = np.where(np.arange(600) < 60, truth, -1)
        model = SelfTrainer(GaussianNB(), noise="weight").fit(X, y)
        diagonal = np.diag(model.noise_matrix_)
        assert diagonal[2] > max(diagonal[:2])
