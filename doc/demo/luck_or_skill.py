# SPDX-License-Identifier: BSD-3-Clause
"""Policies from logs that do not mistake luck for skill (arXiv 2210.13435)."""

import numpy as np
from rich.table import Table
from shared import N_SPLITS, console
from sklearn.linear_model import LogisticRegression

from sklearn_theory.datasets import make_bernoulli_bandit
from sklearn_theory.offline_rl import RCSLPolicy, TabularDoC


def run():
    """Ask for the highest return, and for what can be controlled, on a bandit."""
    console.print(
        "\n[bold]7. Decisions from a log.[/] One arm mostly loses and was mostly pulled; "
        "the other mostly wins.\nHalf of the wins in the log are the losing arm's: who "
        "asks for a win gets luck. TabularDoC asks for\ncontrol (arXiv 2210.13435).\n"
    )
    table = Table(title=f"Earned by a pull, mean of {N_SPLITS} logs of 1,000 pulls")
    columns = [f"winning arm wins {p:.0%}" for p in CHANCES]
    for column in ["policy", *columns]:
        table.add_column(column, justify="right")
    for name, share_of_better in POLICIES.items():
        earned = [mean_earned(share_of_better, chance) for chance in CHANCES]
        table.add_row(name, *(f"{value:.2f}" for value in earned))
    console.print(table)


CHANCES = (0.9, 0.75, 0.6)


def mean_earned(share_of_better, chance):
    """What a policy earns in expectation, averaged over logs."""
    shares = np.array(
        [
            share_of_better(
                make_bernoulli_bandit(1000, probability=1 - chance, random_state=seed)
            )
            for seed in range(N_SPLITS)
        ]
    )
    return np.mean(shares * chance + (1 - shares) * (1 - chance))


def imitate(log):
    """Do what the log mostly did."""
    return LogisticRegression().fit(log.observations, log.actions).predict([[0.0]])[0]


def ask_for_a_win(log):
    """Do what preceded wins."""
    policy = RCSLPolicy("discrete", head="tabular").fit(*log.to_arrays())
    return policy.predict_proba([[0.0]], return_to_go=1.0)[0, 1]


def ask_for_control(log):
    """Do what makes wins likely."""
    model = TabularDoC(n_latents=4, random_state=0).fit(*log.to_arrays())
    return model.predict_proba([[0.0]])[0, 1]


POLICIES = {
    "imitation, LogisticRegression": imitate,
    "asked for a win, RCSLPolicy": ask_for_a_win,
    "asked for control, TabularDoC": ask_for_control,
}
