# SPDX-License-Identifier: BSD-3-Clause
"""What latents are worth, how probable they are, and what they do, in each state."""

from dataclasses import dataclass

import numpy as np

from ..datasets._returns_to_go_fast import returns_to_go
from ._prefix_tree_fast import (
    node_masses,
    objective_parts,
    path_gradient,
    weighted_masses,
)


@dataclass
class LatentTables:
    """Latents at the beginning of an episode in each state.

    States in which no episode of the log begins have what holds when they are passed.

    Parameters
    ----------
    prior, values, counts : ndarray of shape (n_states, n_latents)
        Probabilities and values of the latents, and the share of the log behind them.

    start : ndarray of shape (n_states,)
        The share of the log's episodes that begin in each state.
    """

    prior: np.ndarray
    values: np.ndarray
    counts: np.ndarray
    start: np.ndarray


def latent_tables(tree, q):
    """Compute the prior and the values of latents.

    Parameters
    ----------
    tree : PrefixTree
        The log.

    q : ndarray of shape (n_trajectories, n_latents)
        The latents of its trajectories.

    Returns
    -------
    tables : LatentTables
        The tables. An empty latent has the mean value of its state.
    """
    codes, n_states = tree.codes, int(tree.codes.state.max()) + 1
    first = codes.state[codes.first]
    begun = _sums(first, tree.weight[:, np.newaxis] * q, n_states)
    earned = _sums(first, (tree.weight * tree.returns)[:, np.newaxis] * q, n_states)
    arguments = (q, tree.weight, codes.offsets, codes.state, n_states)
    passed = node_masses(*arguments)
    to_go = returns_to_go(codes.gain, codes.episode, codes.n_episodes, 1.0)
    earned_later = weighted_masses(*arguments, to_go)
    start = begun.sum(axis=1)
    begins = (start > 0)[:, np.newaxis]
    counts = np.where(begins, begun, passed)
    sums = np.where(begins, earned, earned_later)
    total = counts.sum(axis=1, keepdims=True)
    mean = sums.sum(axis=1, keepdims=True) / total
    empty = counts <= 1e-300
    values = np.where(empty, mean, sums / np.where(empty, 1.0, counts))
    return LatentTables(counts / total, values, counts, start)


def latent_information(tree, q):
    """Compute what each latent tells about outcomes, where an episode begins.

    It is the divergence of the latent's episodes from those of its policy among the
    log's outcomes, so that by Pinsker's inequality its promise and its achievement
    differ by at most the range of returns times the root of half of it.

    Parameters
    ----------
    tree : PrefixTree
        The log.

    q : ndarray of shape (n_trajectories, n_latents)
        The latents of its trajectories.

    Returns
    -------
    information : ndarray of shape (n_states, n_latents)
        In nats; 0 for latents that are empty there.
    """
    codes = tree.codes
    parts = objective_parts(q, tree.weight, *tree.kernel_arguments)
    sums = path_gradient(
        np.zeros_like(parts[2]),
        parts[3],
        tree.weight,
        codes.offsets,
        tree.action,
        tree.outcome,
        1.0,
    )
    first, n_states = codes.state[codes.first], int(codes.state.max()) + 1
    begun = _sums(first, tree.weight[:, np.newaxis] * q, n_states)
    empty = begun <= 1e-300
    told = _sums(first, sums * q, n_states) / np.where(empty, 1.0, begun)
    return np.where(empty, 0.0, np.maximum(told, 0.0))


def _sums(groups, rows, n_groups):
    sums = np.zeros((n_groups, rows.shape[1]))
    np.add.at(sums, groups, rows)
    return sums


def merged_policy(tree, q):
    """Return what latents do in a state, whatever came before.

    Parameters
    ----------
    tree : PrefixTree
        The log.

    q : ndarray of shape (n_trajectories, n_latents)
        The latents of its trajectories.

    Returns
    -------
    policy : ndarray of shape (n_states, n_actions, n_latents)
        Probabilities of the actions.
    """
    n_states, n_actions = int(tree.codes.state.max()) + 1, tree.sizes[0]
    state = tree.decision_state[tree.action_parent]
    cells = state * n_actions + tree.action_code
    taken = _sums(cells, tree.masses(q, "action"), n_states * n_actions)
    taken = taken.reshape(n_states, n_actions, -1)
    whole = taken.sum(axis=1, keepdims=True)
    habit = taken.sum(axis=2, keepdims=True) / whole.sum(axis=2, keepdims=True)
    empty = whole <= 1e-300
    return np.where(empty, habit, taken / np.where(empty, 1.0, whole))


def first_policy(tree, policy, merged):
    """Return what latents do where an episode begins.

    Parameters
    ----------
    tree : PrefixTree
        The log.

    policy : ndarray of shape (n_action_nodes, n_latents)
        What latents do at each decision.

    merged : ndarray of shape (n_states, n_actions, n_latents)
        What they do in a state, whatever came before: kept where no episode begins.

    Returns
    -------
    policy : ndarray of shape (n_states, n_actions, n_latents)
        Probabilities of the actions.
    """
    table = merged.copy()
    for decision in np.unique(tree.first_decision):
        edges = slice(*tree.starts[0][[decision, decision + 1]])
        state = tree.decision_state[decision]
        table[state] = 0.0
        table[state, tree.action_code[edges]] = policy[edges]
    return table


def choose_latents(values, prior, min_prior):
    """Choose in each state the most valuable latent that has support.

    Parameters
    ----------
    values, prior : ndarray of shape (n_states, n_latents)
        Values and probabilities.

    min_prior : float
        The least probability; where no latent has it, the most probable one is chosen.

    Returns
    -------
    latents : ndarray of shape (n_states,)
        The choice; among equal values the most probable one.
    """
    supported = prior >= np.minimum(min_prior, prior.max(axis=1, keepdims=True))
    best = np.where(supported, values, -np.inf).max(axis=1, keepdims=True)
    close = values >= best - 1e-9 * np.maximum(1.0, np.abs(best))
    return np.where(supported & close, prior, -1.0).argmax(axis=1)


def is_indifferent(values):
    """Tell in which states all latents are worth the same."""
    spread = values.max(axis=1) - values.min(axis=1)
    return spread <= 1e-9 * np.maximum(1.0, np.abs(values).max(axis=1))
