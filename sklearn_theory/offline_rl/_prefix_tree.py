# SPDX-License-Identifier: BSD-3-Clause
"""A log as a tree: decisions, the actions taken there, and what followed them.

Nodes are numbered level by level and, in a level, by the codes that lead there, so that
the numbering does not depend on the order of the episodes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ._log_codes import find
from ._prefix_tree_fast import node_masses, objective_parts


@dataclass
class PrefixTree:
    """The nodes that each row of some trajectories passes.

    Parameters
    ----------
    decision, action, outcome : ndarray of shape (n_steps,)
        The numbers of the decision, of the action taken there, and of what followed.

    keys : tuple of 2 ndarray
        For each action ``decision * n_actions + code`` and for each outcome
        ``action * n_outcomes + code``; both ascend.

    sizes : tuple of (int, int)
        The numbers of action codes and of outcome codes.

    weight : ndarray of shape (n_trajectories,)
        The trajectories' shares of the log; they sum to one.

    codes : LogCodes
        The trajectories.

    outcome_gain : ndarray of shape (n_outcome_codes,)
        The reward of each outcome code.

    next_state : ndarray of shape (n_outcome_codes,)
        The next state of each outcome code, -1 if there is none.
    """

    decision: np.ndarray
    action: np.ndarray
    outcome: np.ndarray
    keys: tuple
    sizes: tuple
    weight: np.ndarray
    codes: object
    outcome_gain: np.ndarray
    next_state: np.ndarray

    @cached_property
    def n_decisions(self):
        return int(self.decision.max()) + 1

    @cached_property
    def action_parent(self):
        return self.keys[0] // self.sizes[0]

    @cached_property
    def action_code(self):
        return self.keys[0] % self.sizes[0]

    @cached_property
    def outcome_parent(self):
        return self.keys[1] // self.sizes[1]

    @cached_property
    def outcome_code(self):
        return self.keys[1] % self.sizes[1]

    @cached_property
    def decision_state(self):
        return _scatter(self.decision, self.codes.state, self.n_decisions)

    @cached_property
    def outcome_mass(self):
        """The share of the log that has each outcome."""
        return self.masses(np.ones((len(self.weight), 1)), "outcome")[:, 0]

    @cached_property
    def outcome_chance(self):
        """The frequency of each outcome after its action."""
        total = np.bincount(self.outcome_parent, weights=self.outcome_mass)
        return self.outcome_mass / total[self.outcome_parent]

    @cached_property
    def following(self):
        """The decision after each outcome, -1 if there was none."""
        rows = np.flatnonzero(~self.codes.is_last)
        nodes = np.full(len(self.outcome_parent), -1)
        nodes[self.outcome[rows]] = self.decision[rows + 1]
        return nodes

    @cached_property
    def starts(self):
        """Where the actions of each decision, and the outcomes of each action, begin."""
        return (
            np.searchsorted(self.action_parent, np.arange(self.n_decisions + 1)),
            np.searchsorted(
                self.outcome_parent, np.arange(len(self.action_parent) + 1)
            ),
        )

    @cached_property
    def first_decision(self):
        """The decision with which each trajectory begins."""
        return self.decision[self.codes.first]

    @cached_property
    def returns(self):
        return np.add.reduceat(self.codes.gain, self.codes.first)

    @property
    def kernel_arguments(self):
        """What the kernels need beside q and the weights."""
        return (
            self.codes.offsets,
            (self.decision, self.action, self.outcome),
            (self.action_parent, self.outcome_parent),
            np.log(self.outcome_chance),
        )

    def masses(self, q, kind):
        """Add up the latents at nodes of one kind."""
        nodes = getattr(self, kind)
        return node_masses(q, self.weight, self.codes.offsets, nodes, nodes.max() + 1)

    def shares(self, q, kind):
        """The latents of the trajectories through each node of one kind."""
        masses = self.masses(q, kind)
        return masses / masses.sum(axis=1, keepdims=True)

    def roots(self):
        """The first decision in each state in which a trajectory begins, else -1."""
        roots = np.full(int(self.codes.state.max()) + 1, -1)
        roots[self.codes.state[self.codes.first]] = self.first_decision
        return roots

    def policy(self, q):
        """Return what each latent does: the shares of actions, at each action node.

        Where no trajectory of a latent passes, it does what the log does.
        """
        at_action, at_decision = self.masses(q, "action"), self.masses(q, "decision")
        whole = at_decision[self.action_parent]
        log_share = at_action.sum(axis=1) / whole.sum(axis=1)
        empty = whole <= 1e-300
        return np.where(
            empty, log_share[:, np.newaxis], at_action / np.where(empty, 1.0, whole)
        )

    def find_outcomes(self, decision, action, outcome):
        """Find outcome nodes by their codes; -1 for what was not seen."""
        edge = self.find_actions(decision, action)
        node = find(self.keys[1], edge * self.sizes[1] + outcome)
        return np.where((edge >= 0) & (outcome >= 0), node, -1)

    def find_actions(self, decision, action):
        """Find action nodes by decisions and codes; -1 for what was not seen."""
        edge = find(self.keys[0], decision * self.sizes[0] + action)
        return np.where((decision >= 0) & (action >= 0), edge, -1)

    def objective(self, q):
        """Return the actions' negative log-likelihood and the mutual information."""
        parts = objective_parts(q, self.weight, *self.kernel_arguments)
        return float(parts[0]), max(float(parts[1]), 0.0)


class FullHistory:
    """A decision is known by all that came before it in its episode."""

    tells_cuts = True

    def nodes(self, codes, sizes):
        """Number the nodes of all rows, one level after another."""
        columns = [np.empty(len(codes.state), dtype=np.int64) for _ in range(3)]
        keys, counts = ([], []), np.zeros(3, dtype=np.int64)
        rows, before = codes.first, codes.state[codes.first]
        is_last = codes.is_last
        while len(rows):
            level = _level(
                before, codes.action[rows], codes.outcome[rows], sizes, counts
            )
            for column, values in zip(columns, level[0]):
                column[rows] = values
            for collected, values in zip(keys, level[1]):
                collected.append(values)
            counts = level[2]
            goes_on = ~is_last[rows]
            rows, before = rows[goes_on] + 1, level[0][2][goes_on]
        return (*columns, tuple(np.concatenate(parts) for parts in keys))

    def next_decision(self, tree, place, reward, state):
        """Find the decision after an action; -1 if that was not seen."""
        edge = find(tree.keys[0], place.decision * tree.sizes[0] + place.action)
        if place.decision < 0 or edge < 0:
            return -1
        nodes = np.arange(tree.starts[1][edge], tree.starts[1][edge + 1])
        code = tree.outcome_code[nodes]
        fits = (tree.next_state[code] == state) & (tree.following[nodes] >= 0)
        if reward is not None:
            fits &= tree.outcome_gain[code] == reward
        if not fits.any():
            return -1
        nodes = nodes[fits]
        return int(tree.following[nodes[tree.outcome_mass[nodes].argmax()]])

    def decisions(self, tree, codes):
        """Find the decision of every row of a log; -1 where that was not seen."""
        decision = np.full(len(codes.state), -1)
        roots = tree.roots()
        decision[codes.first] = roots[codes.state[codes.first]]
        rows = codes.first[~codes.is_last[codes.first]]
        while len(rows):
            node = tree.find_outcomes(
                decision[rows], codes.action[rows], codes.outcome[rows]
            )
            decision[rows + 1] = np.where(node >= 0, tree.following[node], -1)
            rows = rows + 1
            rows = rows[~codes.is_last[rows]]
        return decision


class MarkovHistory:
    """A decision is known by its state alone."""

    tells_cuts = False

    def nodes(self, codes, sizes):
        """Number the nodes of all rows at once."""
        level = _level(
            self._decisions(codes), codes.action, codes.outcome, sizes, np.zeros(3, int)
        )
        return (*level[0], level[1])

    def _decisions(self, codes):
        return codes.state

    def next_decision(self, tree, place, reward, state):
        """Find the decision in a state."""
        return int(find(tree.decision_state, state))

    def decisions(self, tree, codes):
        """Find the decision of every row of a log."""
        return find(tree.decision_state, codes.state)


class TimedMarkovHistory(MarkovHistory):
    """A decision is known by its state and by the time."""

    def _decisions(self, codes):
        return codes.time * (codes.state.max() + 1) + codes.state

    def next_decision(self, tree, place, reward, state):
        """Find the decision in a state at a time; -1 if it was not seen."""
        n_states = tree.codes.state.max() + 1
        return int(find(self._known(tree), (place.time + 1) * n_states + state))

    def decisions(self, tree, codes):
        """Find the decision of every row of a log; -1 where it was not seen."""
        n_states = tree.codes.state.max() + 1
        return find(self._known(tree), codes.time * n_states + codes.state)

    def _known(self, tree):
        return _scatter(tree.decision, self._decisions(tree.codes), tree.n_decisions)


HISTORIES = {
    "full": FullHistory(),
    "markov": MarkovHistory(),
    "markov_time": TimedMarkovHistory(),
}


def build_tree(codes, coder, history, weight):
    """Arrange trajectories as a tree.

    Parameters
    ----------
    codes : LogCodes
        The trajectories.

    coder : LogCoder
        What made the codes.

    history : {"full", "markov", "markov_time"}
        What tells decisions apart.

    weight : ndarray of shape (n_trajectories,)
        Weights of the trajectories.

    Returns
    -------
    tree : PrefixTree
        The tree.
    """
    gain, next_state = coder.decode_outcomes()
    if not HISTORIES[history].tells_cuts:
        kept, merged = coder.outcomes_without_cuts()
        gain, next_state = gain[kept], next_state[kept]
        codes = codes.with_outcomes(merged)
    sizes = (len(coder.classes), len(gain))
    decision, action, outcome, keys = HISTORIES[history].nodes(codes, sizes)
    return PrefixTree(
        decision,
        action,
        outcome,
        keys,
        sizes,
        weight / weight.sum(),
        codes,
        gain,
        next_state,
    )


def distinct_trajectories(codes, coder):
    """Find the distinct trajectories of a log.

    Parameters
    ----------
    codes : LogCodes
        The log.

    coder : LogCoder
        What made the codes.

    Returns
    -------
    representatives : ndarray of shape (n_trajectories,)
        An episode for each of them.

    trajectory : ndarray of shape (n_episodes,)
        The trajectory of each episode.
    """
    sizes = (len(coder.classes), len(coder.outcomes))
    outcome = HISTORIES["full"].nodes(codes, sizes)[2]
    # Of two episodes that end at one node neither goes on: they are the same.
    _, representatives, trajectory = np.unique(
        outcome[codes.last], return_index=True, return_inverse=True
    )
    return representatives, trajectory


def _level(before, action, outcome, sizes, counts):
    """Number the nodes of some rows, given what tells their decisions apart."""
    found, decision = np.unique(before, return_inverse=True)
    decision = decision + counts[0]
    action_keys, edge = np.unique(decision * sizes[0] + action, return_inverse=True)
    edge = edge + counts[1]
    outcome_keys, node = np.unique(edge * sizes[1] + outcome, return_inverse=True)
    node = node + counts[2]
    sizes_here = [len(found), len(action_keys), len(outcome_keys)]
    return (decision, edge, node), (action_keys, outcome_keys), counts + sizes_here


def _scatter(nodes, values, n_nodes):
    result = np.empty(n_nodes, dtype=values.dtype)
    result[nodes] = values
    return result
