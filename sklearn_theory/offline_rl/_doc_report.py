# SPDX-License-Identifier: BSD-3-Clause
"""The theory of latents without luck, measured on a log.

What is given is a log and the latents of its episodes, so that every estimator that has
latents can use it.
"""

import numpy as np

from ..utils import TheoryReport
from ._doc_tables import choose_latents, latent_information, latent_tables
from ._latent_consistency import achieved_values, consistency_of
from ._log_codes import LogCoder
from ._policy_report import add_coverage
from ._prefix_tree import build_tree

PAPER = "arXiv:2210.13435"
CONSISTENCY = f"{PAPER}, consistency of value and policy"

# With this much information, in nats, the bound of the gap is a tenth of the range.
TRUSTED_INFORMATION = 0.02
_ENOUGH_EPISODES = 30
_REPEATED_SHARE = 0.5


def distrust(promise, information, bound):
    """Say why a promise is not to be trusted."""
    known = "" if np.isnan(bound) else f", so that it may miss by {bound:.3g}"
    return (
        f"The policy promises a return of {promise:.3g}, but the latents that it chooses "
        f"tell {information:.2g} nats about rewards and transitions{known}: part of the "
        "promise may be luck. Raise beta, n_init, max_iter, n_latents or min_prior."
    )


def make_report(
    title, log, q, promise, *, history, min_prior, n_bins=None, reward_decimals=9
):
    """Evaluate assumptions and promises.

    Parameters
    ----------
    title : str
        The title of the report.

    log : TrajectoryDataset
        The log.

    q : ndarray of shape (n_episodes, n_latents)
        The latents of its episodes.

    promise : float
        What the estimator promises.

    history : {"full", "markov", "markov_time"}
        What outcomes depend on.

    min_prior : float
        How probable a latent must be to be chosen.

    n_bins : int or None, default=None
        Bins of the features.

    reward_decimals : int, default=9
        Decimals of the rewards.

    Returns
    -------
    report : TheoryReport
        The report.
    """
    coder = LogCoder(n_bins, reward_decimals).fit(log)
    codes = coder.encode(log)
    tree = build_tree(codes, coder, history, np.ones(log.n_episodes))
    q = np.ascontiguousarray(q)
    consistency = consistency_of(tree, q, history)
    report = TheoryReport(title)
    add_coverage(
        report, log.returns(), promise, "episodes that earn the promise", CONSISTENCY
    )
    add_transitions(report, tree)
    add_information(report, consistency.mi, _told_by_chosen(tree, q, min_prior))
    add_gap(report, tree, q, consistency, history, min_prior)
    return report


def add_transitions(report, tree):
    """Report whether actions determine outcomes, and how often they were tried."""
    mass, parent = tree.outcome_mass, tree.outcome_parent
    usual = np.maximum.reduceat(mass, tree.starts[1][:-1])
    report.add_assumption(
        "steps with the usual outcome",
        measured=float(usual.sum() / mass.sum()),
        reference=f"{PAPER}, failure of conditioning on returns",
        meaning=(
            "The share of steps whose reward and next state are the most frequent ones "
            "after the same action: with 1 conditioning on the return is safe, too, "
            "and latents have no luck to know."
        ),
    )
    tries = np.bincount(tree.action, minlength=len(tree.action_parent))
    share = np.bincount(parent, weights=mass)
    report.add_assumption(
        "steps with a repeated history and action",
        measured=float(share[tries > 1].sum() / share.sum()),
        relation=">=",
        bound=_REPEATED_SHARE,
        estimate=True,
        reference="Estimation of conditional laws from frequencies",
        meaning=(
            "Where a history and action occurred once, its outcome looks certain and "
            "luck cannot be seen. Coarser states or history='markov' repeat more."
        ),
    )


def add_information(report, information, chosen_information):
    """Report what latents, and those that are chosen, tell about luck."""
    report.add_assumption(
        "information of the chosen latents",
        measured=chosen_information,
        relation="<=",
        bound=TRUSTED_INFORMATION,
        estimate=True,
        reference=f"{PAPER}, mutual information constraints",
        meaning=(
            "What the latents with the largest promises tell about outcomes, in nats; "
            "they may be rare, and weigh little in the mean below."
        ),
    )
    report.add_assumption(
        "information of latents about outcomes",
        measured=information,
        relation="<=",
        bound=TRUSTED_INFORMATION,
        estimate=True,
        reference=f"{PAPER}, mutual information constraints",
        meaning=(
            "In nats, summed over the steps of an episode; the theory asks for 0. At "
            f"{TRUSTED_INFORMATION} promises may miss by a tenth of the range of returns."
        ),
    )


def add_gap(report, tree, q, consistency, history, min_prior):
    """Report promises beside what they earn among the log's outcomes."""
    bound = None if np.isnan(consistency.bound) else consistency.bound
    report.add_promise(
        "mean gap between promise and achievement",
        measured=consistency.gap,
        relation="<=",
        bound=bound,
        holds=None if bound is None else consistency.gap <= bound + 1e-9,
        reference=f"{CONSISTENCY}; Pinsker's inequality and the chain rule",
        meaning=(
            "Over latents, with the log's frequencies as the environment."
            + ("" if bound is not None else " No bound is proved for this history.")
        ),
    )
    promised, achieved, count = _chosen_values(tree, q, history, min_prior)
    report.add_promise(
        "promise of the chosen latents",
        measured=promised,
        holds=None,
        reference=f"{PAPER}, inference",
        meaning=(
            f"The policy earns {achieved:.4g} among the log's outcomes. The largest of "
            "several means is optimistic by their sampling error."
        ),
    )
    report.add_promise(
        "episodes behind the promise",
        measured=count,
        relation=">=",
        bound=_ENOUGH_EPISODES,
        estimate=True,
        reference="Sampling error of means",
        meaning="The weight of the chosen latents, averaged over initial states.",
    )


def _told_by_chosen(tree, q, min_prior):
    tables = latent_tables(tree, q)
    chosen = choose_latents(tables.values, tables.prior, min_prior)
    told = latent_information(tree, q)[np.arange(len(chosen)), chosen]
    return float(tables.start @ told)


def _chosen_values(tree, q, history, min_prior):
    """Promise, achievement and number of episodes of the latents that are chosen."""
    nodes, first = np.unique(tree.first_decision, return_inverse=True)
    weighted = tree.weight[:, np.newaxis] * q
    begun, earned = np.zeros((2, len(nodes), q.shape[1]))
    np.add.at(begun, first, weighted)
    np.add.at(earned, first, tree.returns[:, np.newaxis] * weighted)
    start = begun.sum(axis=1)
    values = np.where(begun > 0, earned / np.where(begun > 0, begun, 1.0), -np.inf)
    chosen = choose_latents(values, begun / start[:, np.newaxis], min_prior)
    each = np.arange(len(nodes)), chosen
    achieved = achieved_values(tree, q, history)[nodes][each]
    count = begun[each] * len(tree.weight)
    return float(start @ values[each]), float(start @ achieved), float(start @ count)
