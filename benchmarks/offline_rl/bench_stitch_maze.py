# SPDX-License-Identifier: BSD-3-Clause
"""MBRCSL in the maze beside RCSL, imitation, and d3rlpy's learners where it is installed.

Same log, same networks (two layers of 64 units), same episodes of evaluation for all.
Times are of one thread: the fit, and a thousand decisions one by one.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from _d3rlpy_rivals import RIVALS
from _maze import (
    NETWORK,
    best_tenth,
    evaluate,
    fit,
    maze_log,
    mbrcsl,
    rcsl,
    time_of_decisions,
)
from sklearn.neural_network import MLPRegressor

GAIN_OVER_LOG, GAIN_OVER_RCSL = 1.2, 6.0


class Clipped:
    """A regressor as a policy whose actions stay within the maze's range."""

    def __init__(self, regressor):
        self.regressor = regressor

    def __call__(self, X):
        return np.clip(self.regressor.predict(X), -1, 1)


def main(quick=False):
    seeds = range(2 if quick else 5)
    runs = [run(seed, quick) for seed in seeds]
    rows = [summary(name, runs) for name in runs[0]]
    rows += verdicts(runs)
    for row in rows:
        print({k: round(v, 2) if isinstance(v, float) else v for k, v in row.items()})
    return rows


def run(seed, quick):
    """Fit and evaluate every method on the log of a seed."""
    log, n_episodes = maze_log(seed), 30 if quick else 100
    results = {"best logged walk": {"return": float(log.returns().max())}}

    def record(name, policy, seconds, target_return=None):
        results[name] = {
            "return": evaluate(policy, seed, n_episodes, target_return),
            "fit": seconds,
            "decisions": time_of_decisions(policy, log),
        }
        print(seed, name, results[name], flush=True)

    model = mbrcsl(seed)
    record("MBRCSL", model, fit(model, log))
    results["MBRCSL"]["accepted"] = model.acceptance_rate_
    median = float(np.median(model.rollouts_.returns()))
    record("MBRCSL, asked for the median", model, None, median)
    policy = rcsl(seed)
    record("RCSL", policy, fit(policy, log))
    record("RCSL, asked for 1.1 of the best", policy, None, 1.1 * policy.max_return_)
    for name, part in (("BC", log), ("10 %-BC", best_tenth(log))):
        peer = MLPRegressor(**NETWORK, max_iter=100, tol=0, random_state=seed)
        columns = {"X": part.observations, "y": part.actions}
        seconds = fit(peer, part, **columns)
        record(name, Clipped(peer), seconds)
    for name, learn in RIVALS.items():
        rival, seconds = learn(log, seed, quick)
        record(f"{name} (d3rlpy)", rival, seconds)
    return results


def row_of(method, **columns):
    names = (
        "mean return",
        "lowest seed",
        "highest seed",
        "fit, s",
        "1000 decisions, ms",
        "accepted",
    )
    return (
        {"method": method}
        | dict.fromkeys(names)
        | {"target": "", "met": None}
        | columns
    )


def summary(name, runs):
    """One row for a method over all seeds."""
    columns = {key: [r[name].get(key) for r in runs] for key in ("fit", "decisions")}
    returns = [r[name]["return"] for r in runs]
    times = {k: None if v[0] is None else float(np.mean(v)) for k, v in columns.items()}
    accepted = [r[name].get("accepted") for r in runs]
    return row_of(
        name,
        **{
            "mean return": float(np.mean(returns)),
            "lowest seed": min(returns),
            "highest seed": max(returns),
            "fit, s": times["fit"],
            "1000 decisions, ms": times["decisions"],
            "accepted": None if accepted[0] is None else float(np.mean(accepted)),
        },
    )


def verdicts(runs):
    """What the method promises, seed by seed."""
    ours, best, conditioned = (
        np.array([r[name]["return"] for r in runs])
        for name in ("MBRCSL", "best logged walk", "RCSL")
    )
    accepted = np.array([r["MBRCSL"]["accepted"] for r in runs])
    seconds = np.array([r["MBRCSL"]["fit"] for r in runs])
    checks = {
        f"MBRCSL at least {GAIN_OVER_LOG} times the best logged walk": ours
        >= GAIN_OVER_LOG * best,
        f"MBRCSL at least {GAIN_OVER_RCSL:g} above RCSL": ours
        >= conditioned + GAIN_OVER_RCSL,
        "RCSL below the best logged walk": conditioned < best,
        "share of imagined walks above the best between 0.1 and 0.6": (accepted > 0.1)
        & (accepted < 0.6),
        "MBRCSL fitted in less than 60 s": seconds < 60,
    }
    return [
        row_of(
            f"in {int(holds.sum())} of {len(runs)} seeds",
            target=what,
            met=bool(holds.all()),
        )
        for what, holds in checks.items()
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    main(parser.parse_args().quick)
