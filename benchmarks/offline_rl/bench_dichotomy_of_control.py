# SPDX-License-Identifier: BSD-3-Clause
"""DichotomyOfControl with and without beta: what it promises, and what it earns.

The lucky tree, the contextual bandit and the frozen lake, over seeds. What is earned is
computed from the policy's probabilities and the problem's, not estimated. The seconds
are those of a fit.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from _lake import LAKE, with_indicators

from sklearn_theory.datasets import (
    make_contextual_bandit,
    make_environment,
    make_frozen_lake,
    make_lucky_tree,
)
from sklearn_theory.offline_rl import DichotomyOfControl

SEEDS = range(5)
TREE = {"n_latents": 8, "learning_rate_init": 3e-3, "max_iter": 30}
BANDIT = {"n_latents": 8, "learning_rate_init": 3e-3, "max_iter": 30, "n_init": 1}


def main(quick=False, problems=("tree", "bandit", "lake")):
    rows = []
    if "tree" in problems:
        rows += [lucky_tree(beta, quick) for beta in (0.0, 3.0)]
    if "bandit" in problems:
        rows += [contextual_bandit(beta, quick) for beta in (0.0, 1.0)]
    if "lake" in problems:
        rows += [frozen_lake(1 / 3, 0.1, beta, quick) for beta in (0.0, 1.0, 3.0)]
    for row in rows:
        print({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
    return rows


def fit(log, seed, **parameters):
    """Fit, and tell how long it took."""
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The policy promises")
        model = DichotomyOfControl(random_state=seed, **parameters)
        model.fit(**log.to_dict())
    return model, time.perf_counter() - started


def summarise(what, results, largest_gap=None):
    """One row of the mean, and the largest gap of a seed, which may have a target."""
    earned, promised, information, seconds = np.transpose(results)
    gaps = np.abs(promised - earned)
    print(what, "earned", earned.round(3), "promised", promised.round(3), flush=True)
    return {
        "what": f"{what}, {len(results)} seeds",
        "earns": float(earned.mean()),
        "promises": float(promised.mean()),
        "mean gap": float(gaps.mean()),
        "largest gap": float(gaps.max()),
        "nats of the chosen": float(information.mean()),
        "seconds": float(seconds.mean()),
        "target": "" if largest_gap is None else f"largest gap {largest_gap:g}",
        "met": None if largest_gap is None else bool(gaps.max() <= largest_gap),
    }


def result(model, earned, seconds):
    return earned, model.expected_return_, model.chosen_information_, seconds


def lucky_tree(beta, quick):
    """Safe earns 0.6 and risky 0.5; nothing is earned later."""
    results = []
    for seed in SEEDS[:2] if quick else SEEDS:
        log = make_lucky_tree(4000, random_state=seed)
        model, seconds = fit(log, seed, beta=beta, **TREE)
        risky = model.predict_proba([[0.0, 0.0]])[0, 1]
        results.append(result(model, 0.6 - 0.1 * risky, seconds))
    return summarise(f"lucky tree, beta={beta:g}", results, 0.02 if beta else None)


def contextual_bandit(beta, quick):
    """The better arm earns 0.8, the other one 0.2."""
    X = np.random.default_rng(0).normal(size=(4000, 2))
    better = (X[:, 0] > 0).astype(int)
    results = []
    for seed in SEEDS[:1] if quick else SEEDS[:3]:
        log = make_contextual_bandit(4000, random_state=seed)
        log.next_observations = None  # Nothing is done there, and they never repeat.
        model, seconds = fit(log, seed, beta=beta, **BANDIT)
        good = model.predict_proba(X)[np.arange(len(X)), better].mean()
        results.append(result(model, 0.2 + 0.6 * good, seconds))
    return summarise(f"contextual bandit, beta={beta:g}", results)


def frozen_lake(intended, epsilon, beta, quick):
    """A hundred walks; fields as indicator columns, since networks see no table."""
    results = []
    for seed in SEEDS[:1] if quick else SEEDS:
        log = with_indicators(
            make_frozen_lake(100, intended=intended, epsilon=epsilon, random_state=seed)
        )
        settings = LAKE | ({"max_iter": 20} if quick else {})
        model, seconds = fit(log, seed, beta=beta, **settings)
        fields = np.eye(16)
        latent = model.select_latent(fields[:1])[0]
        policy = np.zeros((16, 4))
        policy[:, model.classes_] = model.predict_proba(fields, z=latent)
        results.append(result(model, lake_value(policy, intended), seconds))
    what = f"frozen lake, intended {intended:.2f}, {epsilon:.0%} random, beta={beta:g}"
    return summarise(what, results, 0.05 if beta == 3 and not quick else None)


def lake_value(policy, intended, n_steps=100):
    """The probability of reaching the goal with a table of action probabilities."""
    transitions = make_environment(
        "frozen_lake", intended=intended
    ).problem.transitions()
    moves = np.einsum("sa,sat->st", policy, transitions)
    values = np.zeros(16)
    for _ in range(n_steps):
        values[[5, 7, 11, 12]], values[15] = 0.0, 1.0
        values = moves @ values
    return float(values[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--problems", nargs="+", default=("tree", "bandit", "lake"))
    arguments = parser.parse_args()
    main(arguments.quick, arguments.problems)
