# SPDX-License-Identifier: BSD-3-Clause
"""The theory of policies that are asked for returns, and of their parts, on a log.

Supervised learning conditioned on returns is exact where transitions are certain and the
return asked for was logged.
"""

from itertools import pairwise

import numpy as np
from scipy.stats import norm
from sklearn.neighbors import NearestNeighbors

from ..utils import TheoryReport
from ._return_conditioned import with_returns

PAPER = "arXiv:2310.19308"
_EXACT = f"{PAPER}, when conditioning on returns is optimal"
STITCHING = f"{PAPER}, model-based return-conditioned supervised learning"

CERTAIN = 0.9
MOST_PAIRS = 5000
_CONFIDENCE = 0.95
_WIDEST_MISS = 0.1
_N_DRAWS = 20
_HALF = 0.5
_SLACK = 1e-3


def report_policy(policy, log):
    """Report on a policy that is asked for a return.

    Parameters
    ----------
    policy : RCSLPolicy
        The fitted policy.

    log : TrajectoryDataset
        The log.

    Returns
    -------
    report : TheoryReport
        The report.
    """
    report = TheoryReport("RCSLPolicy: conditioning on returns")
    asked = log.returns_to_go(policy.gamma)
    returns = asked[log.first_rows]
    add_coverage(report, returns, policy._target)
    add_certainty(report, log, policy._actions)
    agreement = _agreement(policy, log, asked)
    report.add_promise(
        "agreement with the best episode",
        measured=float(agreement[log.episode_codes == returns.argmax()].mean()),
        relation=">=",
        bound=CERTAIN,
        estimate=True,
        reference=_EXACT,
        meaning=(
            "Asked for the returns-to-go of the best logged episode in its own states, "
            "how well the policy does what was done there: the share of equal labels, or "
            "one minus squared errors over the variance of all logged actions."
        ),
    )
    unasked = _agreement(policy, log, np.full(log.n_steps, policy._target))
    report.add_promise(
        "gain of knowing the return",
        measured=float(agreement.mean() - unasked.mean()),
        relation=">=",
        bound=0.0,
        estimate=True,
        reference=_EXACT,
        meaning=(
            "How much better actions are predicted from each row's own return-to-go "
            "than from the return asked for. With 0 the return tells nothing about "
            "actions, and asking for one is in vain."
        ),
    )
    return report


def report_behavior(behavior, X, y):
    """Report on a behaviour.

    Parameters
    ----------
    behavior : BehaviorPolicy
        The fitted behaviour.

    X : ndarray of shape (n_samples, n_features)
        Observations.

    y : ndarray of shape (n_samples, ...)
        Actions.

    Returns
    -------
    report : TheoryReport
        The report.
    """
    report = TheoryReport("BehaviorPolicy: all ways in which the log acts")
    as_table = behavior._actions.as_features
    logged = as_table(y)
    residual = logged - as_table(behavior._predict_inputs(X))
    variance = max(float(logged.var(axis=0).sum()), np.finfo(float).tiny)
    report.add_assumption(
        "variance of actions that the observation leaves",
        measured=float((residual**2).mean(axis=0).sum()) / variance,
        estimate=True,
        reference=STITCHING,
        meaning=(
            "The squared distance of logged actions from the predicted ones, over the "
            "variance of actions. Near 0 one action is done in each place, and any "
            "behaviour will do; what is left may be noise, or a branching that "
            "stitching needs."
        ),
    )
    ratio = _distance_ratio(behavior, X, logged, as_table)
    report.add_promise(
        "distance of draws from the log",
        measured=ratio,
        relation="<=",
        bound=1 + _WIDEST_MISS,
        estimate=True,
        reference="Energy distance, Szekely and Rizzo (2013)",
        meaning=(
            "The mean distance of a draw from the logged action of its row, over the "
            "mean distance of two draws. It is 1 if draws have the law of the log; a "
            "behaviour that misses ways of acting, or is too sure, has more."
        ),
    )
    return report


def report_dynamics(dynamics, X, y):
    """Report on a model of the dynamics.

    Parameters
    ----------
    dynamics : DynamicsEnsemble
        The fitted model.

    X : ndarray of shape (n_samples, n_features)
        Rows.

    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets.

    Returns
    -------
    report : TheoryReport
        The report.
    """
    report = TheoryReport("DynamicsEnsemble: errors and what is known about them")
    mean, deviation = dynamics._moments(X)
    error = np.abs(mean - y)
    rows = dynamics._row_scaling.apply(X)
    means, variances = dynamics._parts.elite_moments(
        dynamics._net, rows, dynamics.elites_
    )
    ignorance = float(means.var(axis=0).mean())
    share = ignorance / max(ignorance + float(variances.mean()), np.finfo(float).tiny)
    report.add_assumption(
        "share of ignorance in the variance",
        measured=share,
        relation="<=",
        bound=_HALF,
        estimate=True,
        reference=f"{PAPER}, learning the dynamics by an ensemble",
        meaning=(
            "The variance between the elites over the total. Where it is large, members "
            "disagree since rows like these were few, and imagined steps are guesses."
        ),
    )
    low = norm.ppf((1 + _CONFIDENCE) / 2)
    covered = float(np.mean(error <= low * deviation + np.finfo(mean.dtype).eps))
    report.add_promise(
        "coverage of 95 % intervals",
        measured=covered,
        relation=">=",
        bound=_CONFIDENCE - _WIDEST_MISS,
        estimate=True,
        reference="Law of total variance; Gaussian intervals",
        meaning=(
            "How many of the targets lie within 1.96 deviations of the mean. On rows "
            "that were not trained on this tells whether the deviations can be trusted."
        ),
    )
    variance = max(float(np.mean(np.var(y, axis=0))), np.finfo(float).tiny)
    report.add_promise(
        "unexplained share of the targets' variance",
        measured=float(np.mean(error**2)) / variance,
        estimate=True,
        reference=f"{PAPER}, learning the dynamics by an ensemble",
        meaning=(
            "Squared errors of a single step over the variance of the targets. What "
            "noise of the world leaves cannot be explained."
        ),
    )
    return report


def add_coverage(
    report, returns, asked, name="episodes that earn the return", reference=_EXACT
):
    """Report whether the log holds returns such as the one that is asked for.

    Parameters
    ----------
    report : TheoryReport
        The report; it gets a row.

    returns : ndarray of shape (n_episodes,)
        The logged returns.

    asked : float
        The return that is asked for, that is promised, or that imagined episodes must
        exceed.

    name : str, default="episodes that earn the return"
        The name of the row.

    reference : str, default=_EXACT
        Where the paper needs it.
    """
    slack = _SLACK * np.ptp(returns)
    report.add_assumption(
        name,
        measured=float(np.mean(returns >= asked - slack)),
        relation=">",
        bound=0,
        estimate=True,
        reference=reference,
        meaning=(
            f"The share of the {len(returns)} logged episodes that earned at least "
            f"{asked:.4g}, up to a thousandth of the range of returns, "
            f"{returns.min():.4g} to {returns.max():.4g}."
        ),
    )


def add_certainty(report, log, actions):
    """Report whether equal decisions have equal outcomes.

    Parameters
    ----------
    report : TheoryReport
        The report; it gets a row.

    log : TrajectoryDataset
        The log.

    actions : ContinuousActions or DiscreteActions
        How actions become columns.
    """
    report.add_assumption(
        "certainty of rewards and transitions",
        measured=certainty(log, actions),
        relation=">=",
        bound=CERTAIN,
        estimate=True,
        reference=_EXACT,
        meaning=(
            "One minus the squared differences of outcomes between decisions and their "
            "nearest neighbours (observation and action), over those of decisions taken "
            "at random. Where outcomes are luck, asking for a return imitates luck."
        ),
    )


def certainty(log, actions):
    """Compare outcomes of near decisions with those of any two.

    Parameters
    ----------
    log : TrajectoryDataset
        The log.

    actions : ContinuousActions or DiscreteActions
        How actions become columns.

    Returns
    -------
    certainty : float
        1 if nearest neighbours have equal outcomes, about 0 if they are no more alike
        than others.
    """
    rows, following = log.transitions()
    if not len(rows):
        rows, following = np.arange(log.n_steps), log.observations
    now = log.observations[rows]
    decisions = _standardised(
        np.column_stack([now, actions.as_features(log.actions[rows])])
    )
    outcomes = _standardised(np.column_stack([following - now, log.rewards[rows]]))
    if len(rows) < 3 or not outcomes.var(axis=0).sum():
        return 1.0
    chosen = np.random.RandomState(0).permutation(len(rows))[:MOST_PAIRS]
    neighbours = NearestNeighbors(n_neighbors=1).fit(decisions)
    pairs = neighbours.kneighbors(n_neighbors=1, return_distance=False)
    gaps = ((outcomes[chosen] - outcomes[pairs[chosen, 0]]) ** 2).sum(axis=1)
    return float(1 - gaps.mean() / (2 * outcomes.var(axis=0).sum()))


def _agreement(policy, log, asked):
    """Whether labels are equal; one minus squared errors over the logged variance."""
    as_table = policy._actions.as_features
    logged = as_table(log.actions)
    inputs = with_returns(log.observations, asked)
    predicted = as_table(policy._predict_inputs(inputs))
    if policy.action_space == "discrete":
        return (logged == predicted).all(axis=1).astype(float)
    variance = max(float(logged.var(axis=0).sum()), np.finfo(float).tiny)
    return 1 - ((logged - predicted) ** 2).sum(axis=1) / variance


def _distance_ratio(behavior, X, logged, as_table):
    random = np.random.RandomState(0)
    rows = random.permutation(len(X))[:MOST_PAIRS]
    X, logged = X[rows], logged[rows]
    draws = [as_table(behavior._sample_inputs(X, random)) for _ in range(_N_DRAWS)]
    to_log = np.mean([_distances(d, logged).mean() for d in draws])
    between = np.mean([_distances(a, b).mean() for a, b in pairwise(draws)])
    if between <= np.finfo(float).eps:
        return 1.0 if to_log <= np.finfo(float).eps else np.inf
    return float(to_log / between)


def _distances(a, b):
    return np.linalg.norm(a - b, axis=1)


def _standardised(table):
    table = table.astype(np.float64)
    deviation = table.std(axis=0)
    return (table - table.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
