# SPDX-License-Identifier: BSD-3-Clause
"""The theory of stitching in imagination, measured on a log.

It stands or falls with the model's error over a whole episode.
"""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from ..utils import TheoryReport
from ._policy_report import CERTAIN, MOST_PAIRS, STITCHING, add_certainty, add_coverage

_WIDEST_MISS = 0.1
_MOST_REPLAYED = 200
_FAR = 0.99


def report_stitching(model, log):
    """Report on a policy learnt from imagined episodes.

    Parameters
    ----------
    model : MBRCSL
        The fitted estimator.

    log : TrajectoryDataset
        The log.

    Returns
    -------
    report : TheoryReport
        The report.
    """
    report = TheoryReport("MBRCSL: stitching in imagination")
    add_coverage(report, log.returns(), model.threshold_)
    add_certainty(report, log, model._actions)
    if model.rollouts_ is None:
        _report_imitation(report, model, log)
        return report
    _add_support(report, model, log)
    misses = replay(model, log)
    _add_model_errors(report, misses, log)
    _add_acceptance(report, model)
    gain = model.max_return_ - log.returns().max()
    report.add_promise(
        "imagined improvement",
        measured=float(gain),
        relation=">",
        bound=float(np.abs(misses.returns).mean()),
        estimate=True,
        reference=STITCHING,
        meaning=(
            "The return that is asked for less the highest logged one, against the "
            "mean error of the returns that the model predicts for logged actions. A "
            "smaller improvement may be an error of the model."
        ),
    )
    return report


def replay(model, log):
    """Let the model follow logged actions from where episodes began.

    Parameters
    ----------
    model : MBRCSL
        The fitted estimator.

    log : TrajectoryDataset
        The log.

    Returns
    -------
    misses : Misses
        Errors of observations and returns.
    """
    log = log.select(log.episode_ids[:_MOST_REPLAYED])
    imagination = model._imagination()
    order = np.argsort(log.episode_codes, kind="stable")
    first = np.concatenate([[0], np.cumsum(log.lengths)])[:-1]
    now = log.observations[order[first]]
    errors, returns = [], np.zeros(log.n_episodes)
    for t in range(int(log.lengths.max())):
        running = np.flatnonzero(log.lengths > t)
        rows = order[first[running] + t]
        errors.append(((now[running] - log.observations[rows]) ** 2).mean(axis=0))
        then, rewards = imagination.advance(now[running], log.actions[rows], None)
        returns[running] += rewards
        now[running] = then
    return Misses(np.array(errors), returns - log.returns())


class Misses:
    """What the model gets wrong when it follows logged actions.

    Parameters
    ----------
    squares : ndarray of shape (horizon, n_features)
        Mean squared errors of observations after each number of steps.

    returns : ndarray of shape (n_episodes,)
        Predicted returns less logged ones.
    """

    def __init__(self, squares, returns):
        self.squares, self.returns = squares, returns


def _add_model_errors(report, misses, log):
    variance = log.observations.var(axis=0)
    varies = variance > 0
    shares = misses.squares[:, varies].mean(axis=1) / max(
        float(variance[varies].mean()) if varies.any() else 1.0, np.finfo(float).tiny
    )
    report.add_assumption(
        "error of the model at the horizon",
        measured=float(shares[-1]),
        relation="<=",
        bound=_WIDEST_MISS,
        estimate=True,
        reference=STITCHING,
        meaning=(
            f"After {len(shares) - 1} steps with logged actions, the squared error of "
            "imagined observations over the variance of observations; half way it is "
            f"{shares[len(shares) // 2]:.2g}. Errors of steps add up."
        ),
    )
    span = max(float(np.ptp(log.returns())), np.finfo(float).tiny)
    report.add_assumption(
        "error of imagined returns",
        measured=float(np.abs(misses.returns).mean()) / span,
        relation="<=",
        bound=_WIDEST_MISS,
        estimate=True,
        reference=STITCHING,
        meaning=(
            "The mean error of the returns that the model predicts for logged actions, "
            "over the range of logged returns; on average predictions are "
            f"{misses.returns.mean():+.2g} off."
        ),
    )


def _add_support(report, model, log):
    report.add_assumption(
        "imagined decisions near logged ones",
        measured=support(log, model.rollouts_, model._actions),
        relation=">=",
        bound=CERTAIN,
        estimate=True,
        reference=STITCHING,
        meaning=(
            "The share of decisions in the imagined episodes kept that are as near to a "
            "logged one as 99 % of logged ones are to another. Farther away the model "
            "was never tried."
        ),
    )


def support(log, imagined, actions):
    """Compute how many imagined decisions lie as near to logged ones as these do.

    Parameters
    ----------
    log, imagined : TrajectoryDataset
        Logged and imagined episodes.

    actions : ContinuousActions or DiscreteActions
        How actions become columns.

    Returns
    -------
    share : float
        The share.
    """
    logged, other = (
        np.column_stack([x.observations, actions.as_features(x.actions)])
        for x in (log, imagined)
    )
    width = logged.std(axis=0)
    width = np.where(width > 0, width, 1.0)
    neighbours = NearestNeighbors(n_neighbors=1).fit(logged / width)
    usual = neighbours.kneighbors(n_neighbors=1)[0] if len(logged) > 1 else np.zeros(1)
    random = np.random.RandomState(0)
    chosen = random.permutation(len(other))[:MOST_PAIRS]
    distances = neighbours.kneighbors(other[chosen] / width)[0]
    farthest = np.quantile(usual, _FAR) + np.sqrt(np.finfo(np.float32).eps)
    return float(np.mean(distances <= farthest))


def _add_acceptance(report, model):
    report.add_assumption(
        "share of imagined episodes above the threshold",
        measured=float(model.acceptance_rate_),
        relation=">",
        bound=0,
        estimate=True,
        reference=STITCHING,
        meaning=(
            f"Of {model.n_rollouts_} imagined episodes so many exceed "
            f"{model.threshold_:.4g}. A tiny share points to a model that errs "
            "upwards, or to logged episodes that hardly meet."
        ),
    )


def _report_imitation(report, model, log):
    report.add_promise(
        "imagined improvement",
        measured=0.0,
        reference=STITCHING,
        meaning="Without rewards the policy imitates the log, and promises no more.",
    )
