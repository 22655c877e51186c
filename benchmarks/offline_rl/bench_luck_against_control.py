# SPDX-License-Identifier: BSD-3-Clause
"""Dichotomy of Control beside conditioning on returns, where returns are partly luck.

The bandit whose worse arm is nearly always pulled, the gamble tree, the lucky tree and the
slippery lake. Returns are means of the same episodes for all policies of a seed; what is
promised is what a policy was asked for, or what its latent is worth. Decision Transformer
is d3rlpy's, where that is installed.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from _d3rlpy_rivals import DISCRETE_RIVALS
from _lake import LAKE, with_indicators
from _maze import time_of_decisions
from sklearn.exceptions import ConvergenceWarning

from sklearn_theory.datasets import (
    make_bernoulli_bandit,
    make_environment,
    make_frozen_lake,
    make_gamble_tree,
    make_lucky_tree,
)
from sklearn_theory.offline_rl import (
    DichotomyOfControl,
    RCSLPolicy,
    TabularDoC,
    rollout,
)

N_EPISODES = 200
SLACK = 0.02
NETWORK = {"hidden_layer_sizes": (64, 64)}


class OnIndicators:
    """A policy of indicator columns, for an environment of numbered places."""

    def __init__(self, policy):
        self.policy = policy

    def act(self, observation, state=None, reward=None, *, random_state=None):
        """Act by the column of the place."""
        place = np.eye(16)[int(np.ravel(observation)[0])]
        return self.policy.act(place, state, reward, random_state=random_state)


PROBLEMS = {
    "bandit": (
        lambda seed: make_bernoulli_bandit(1000, probability=0.1, random_state=seed),
        lambda: make_environment("bernoulli_bandit", probability=0.1),
    ),
    "gamble tree": (
        lambda seed: make_gamble_tree(random_state=seed),
        lambda: make_environment("gamble_tree"),
    ),
    "lucky tree": (
        lambda seed: make_lucky_tree(4000, random_state=seed),
        lambda: make_environment("lucky_tree"),
    ),
    "slippery lake": (
        lambda seed: make_frozen_lake(
            100, intended=1 / 3, epsilon=0.1, random_state=seed
        ),
        lambda: make_environment("frozen_lake", intended=1 / 3),
    ),
}
COUNTED = {
    "slippery lake": {
        "n_latents": 32,
        "beta": 3.0,
        "history": "markov",
        "n_init": 2,
    }
}
LEARNT = {"n_latents": 8, "learning_rate_init": 3e-3, "max_iter": 60, "beta": 3.0}
LEARNT_ON = {"slippery lake": LAKE}


def main(quick=False):
    rows = []
    for problem in PROBLEMS:
        seeds = range(1 if quick else 5)
        runs = [run(problem, seed, quick) for seed in seeds]
        rows += [summary(problem, policy, runs) for policy in runs[0]]
        rows.append(verdict(problem, runs))
    for row in rows:
        print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})
    return rows


def run(problem, seed, quick):
    """Fit and evaluate every policy on the log of a seed."""
    make_log, make_world = PROBLEMS[problem]
    log, world, results = make_log(seed), make_world(), {}
    is_lake = problem == "slippery lake"
    seen = with_indicators(log) if is_lake else log

    def record(name, policy, promise, seconds, log_seen):
        acting = OnIndicators(policy) if log_seen is not log else policy
        episodes = rollout(world, acting, N_EPISODES, random_state=1000 + seed)
        results[name] = {
            "return": float(episodes.returns().mean()),
            "promise": promise,
            "fit": seconds,
            "decisions": time_of_decisions(policy, log_seen),
        }
        print(problem, seed, name, results[name], flush=True)

    policies = {
        "TabularDoC": (TabularDoC(random_state=seed, **COUNTED.get(problem, {})), log),
        "DichotomyOfControl": (
            DichotomyOfControl(
                random_state=seed, **(LEARNT | LEARNT_ON.get(problem, {}))
            ),
            seen,
        ),
        "RCSL": (
            RCSLPolicy("discrete", deterministic=False, random_state=seed, **NETWORK),
            seen,
        ),
        "RCSL, counts": (
            RCSLPolicy(
                "discrete", head="tabular", deterministic=False, random_state=seed
            ),
            log,
        ),
    }
    for name, (policy, log_seen) in policies.items():
        if quick and "max_iter" in policy.get_params():
            policy.set_params(max_iter=20)
        seconds = fit(policy, log_seen)
        promise = getattr(policy, "expected_return_", None)
        asked = policy.max_return_ if promise is None else promise
        record(name, policy, float(asked), seconds, log_seen)
    for name, learn in DISCRETE_RIVALS.items():
        rival, seconds = learn(seen, seed, quick)
        record(f"{name} (d3rlpy)", rival, rival.target_return, seconds, seen)
    return results


def fit(policy, log):
    """Fit, and tell how long it took."""
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The policy promises")
        warnings.simplefilter("ignore", ConvergenceWarning)
        policy.fit(**log.to_dict())
    return time.perf_counter() - started


def summary(problem, policy, runs):
    """One row for a policy over all seeds."""
    columns = {
        key: np.array([results[policy][key] for results in runs])
        for key in ("return", "promise", "fit", "decisions")
    }
    return {
        "problem": problem,
        "policy": policy,
        "mean return": float(columns["return"].mean()),
        "lowest seed": float(columns["return"].min()),
        "highest seed": float(columns["return"].max()),
        "promised": float(columns["promise"].mean()),
        "mean gap": float(np.abs(columns["promise"] - columns["return"]).mean()),
        "fit, s": float(columns["fit"].mean()),
        "1000 decisions, ms": float(columns["decisions"].mean()),
        "target": "",
        "met": None,
    }


def verdict(problem, runs):
    """Whether the better of both forms of DoC earns what the best rival does."""
    means = {
        policy: float(np.mean([results[policy]["return"] for results in runs]))
        for policy in runs[0]
    }
    ours = max(means["TabularDoC"], means["DichotomyOfControl"])
    theirs = max(
        mean
        for policy, mean in means.items()
        if policy not in ("TabularDoC", "DichotomyOfControl")
    )
    empty = dict.fromkeys(summary(problem, "RCSL", runs))
    return empty | {
        "problem": problem,
        "policy": f"DoC {ours:.3f}, best rival {theirs:.3f}",
        "target": f"at least the best rival, less {SLACK}",
        "met": bool(ours >= theirs - SLACK),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    main(parser.parse_args().quick)
