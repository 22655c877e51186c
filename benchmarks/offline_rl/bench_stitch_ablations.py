# SPDX-License-Identifier: BSD-3-Clause
"""What each part of MBRCSL does in the maze, and how its cost grows.

Each row leaves one part out or replaces it. "Imagined" is the highest imagined return
that the policy was fitted to, "near the log" the share of decisions in the imagined walks
kept that are as near to a logged one as 99 % of the logged ones are to another.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from _maze import NETWORK, evaluate, fit, maze_log, mbrcsl
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor

from sklearn_theory.offline_rl import BehaviorPolicy, RCSLPolicy
from sklearn_theory.offline_rl._stitching_report import support


class AnyAction(RegressorMixin, BaseEstimator):
    """No behaviour: every action of the logged range is equally probable."""

    def fit(self, X, y):
        """Learn the range."""
        self.low_, self.high_ = y.min(axis=0), y.max(axis=0)
        return self

    def predict(self, X):
        """Return the middle of the range."""
        return np.tile((self.low_ + self.high_) / 2, (len(X), 1))

    def sample(self, X, random_state):
        """Draw actions."""
        return random_state.uniform(self.low_, self.high_, (len(X), len(self.low_)))


class Standing(RegressorMixin, BaseEstimator):
    """No dynamics: nothing changes, and every step earns the mean reward."""

    def fit(self, X, y):
        """Learn the mean reward."""
        self.reward_, self.width_ = y[:, -1].mean(), y.shape[1]
        return self

    def predict(self, X):
        """Return no change."""
        answer = np.zeros((len(X), self.width_))
        answer[:, -1] = self.reward_
        return answer


def variants(quick):
    """Name each ablation, and say what it replaces."""
    kinds = ("mdn", "gaussian", "autoregressive", "knn")
    heads = ("gaussian", "autoregressive")
    shares = (0.1, 0.9) if quick else (0.1, 0.3, 0.7, 0.9)
    numbers = (20, 1000) if quick else (20, 500, 2000)
    bc = MLPRegressor(**NETWORK, max_iter=100, tol=0)
    return (
        {"all parts": {}}
        | {
            f"behaviour: {k}": {"behavior": BehaviorPolicy(kind=k, **NETWORK)}
            for k in kinds
        }
        | {"behaviour: any action": {"behavior": AnyAction()}}
        | {"dynamics: none": {"dynamics": Standing()}}
        | {"dynamics: linear": {"dynamics": LinearRegression()}}
        | {
            "dynamics: forest": {
                "dynamics": RandomForestRegressor(30, min_samples_leaf=5)
            }
        }
        | {
            f"policy head: {h}": {"policy": RCSLPolicy(head=h, **NETWORK)}
            for h in heads
        }
        | {"policy: imitation of the walks kept": {"policy": bc}}
        | {"threshold: none": {"threshold": -np.inf}}
        | {"threshold: median": {"threshold": ("quantile", 0.5)}}
        | {
            f"walks kept: {n}": {"n_trajectories": n, "rollout_batch_size": 100}
            for n in numbers
        }
        | {"rewards cut to the logged range": {"clip_rewards": True}}
        | {f"detours in the log: {s:.0%}": {"detour_share": s} for s in shares}
    )


def _kept(number):
    return {"n_trajectories": number, "rollout_batch_size": 100}


def main(quick=False):
    seeds = range(1 if quick else 3)
    rows = [
        row_of_variant(name, options, seeds, quick)
        for name, options in variants(quick).items()
    ]
    rows += growth(quick)
    rows.append(time_of_imagination())
    for row in rows:
        print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})
    return rows


def row_of(what, **columns):
    names = ("best logged", "accepted", "imagined", "near the log", "earned", "fit, s")
    return {"what": what} | dict.fromkeys(names) | {"target": "", "met": None} | columns


def row_of_variant(name, options, seeds, quick):
    """Fit a variant for each seed, and average."""
    runs = [run(dict(options), seed, quick) for seed in seeds]
    means = {key: float(np.mean([r[key] for r in runs])) for key in runs[0]}
    print(name, means, flush=True)
    return row_of(name, **means)


def run(options, seed, quick):
    log = maze_log(seed, detour_share=options.pop("detour_share", 0.5))
    model = mbrcsl(seed, **({"max_rollout_batches": 40} | options))
    seconds = fit(model, log)
    return {
        "best logged": float(log.returns().max()),
        "accepted": model.acceptance_rate_,
        "imagined": model.max_return_,
        "near the log": support(log, model.rollouts_, model._actions),
        "earned": evaluate(model, seed, 20 if quick else 50),
        "fit, s": seconds,
    }


def growth(quick):
    """Seconds of a fit over the number of walks, and over their length."""
    episodes = (100, 200, 400) if quick else (100, 400, 1600)
    horizons = (20, 40, 80)
    by_rows = {n: fit(_growing(), maze_log(0, n)) for n in episodes}
    by_horizon = {h: fit(_growing(), maze_log(0, horizon=h)) for h in horizons}
    rows = []
    for what, times in (("walks", by_rows), ("steps", by_horizon)):
        first, last = min(times), max(times)
        factor = times[last] / times[first]
        rows += [row_of(f"{n} {what}", **{"fit, s": s}) for n, s in times.items()]
        rows.append(
            row_of(
                f"growth from {first} to {last} {what}: {factor:.1f} times",
                target=f"at most linear ({last / first:g} times)",
                met=bool(factor <= 1.2 * last / first),
            )
        )
    return rows


def time_of_imagination():
    """Seconds of 500 imagined walks of 40 steps."""
    model, log = _growing(), maze_log(0)
    fit(model, log)
    starts = np.resize(log.initial_observations(), (500, 2))
    times = []
    for seed in range(5):
        started = time.perf_counter()
        model._imagination().imagine(starts, np.random.RandomState(seed))
        times.append(time.perf_counter() - started)
    return row_of(
        "500 imagined walks of 40 steps",
        **{"fit, s": min(times)},
        target="less than 1 s",
        met=min(times) < 1,
    )


def _growing():
    return mbrcsl(0, threshold=("quantile", 0.5), max_rollout_batches=5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    main(parser.parse_args().quick)
