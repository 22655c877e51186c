# SPDX-License-Identifier: BSD-3-Clause
"""A model that does what a log did, as often as it did, and policies in it."""

import numpy as np

from ._log_codes import LogCoder, find
from ._prefix_tree import build_tree
from ._prefix_tree_fast import propagate_values
from ._rollout import rollout

_REWARD_DECIMALS = 9


class EmpiricalModel:
    """An environment whose outcomes are as frequent as in a log.

    Parameters
    ----------
    log : TrajectoryDataset
        The log.
    """

    def __init__(self, log):
        self.coder = LogCoder(None, _REWARD_DECIMALS).fit(log)
        codes = self.coder.encode(log)
        self.tree = build_tree(codes, self.coder, "markov", np.ones(log.n_episodes))
        self.states = self.coder.states.decided
        self.gains = self.tree.outcome_gain[self.tree.outcome_code]
        self.horizon = int(log.lengths.max())
        self.reweigh(np.ones(log.n_episodes))

    def reweigh(self, counts):
        """Count each episode some times."""
        tree = self.tree
        row_counts = counts[tree.codes.episode]
        mass = np.bincount(
            tree.outcome, weights=row_counts, minlength=len(tree.outcome_parent)
        )
        total = np.bincount(
            tree.outcome_parent, weights=mass, minlength=len(tree.action_parent)
        )
        self.supported = total > 0
        self.chance = mass / np.where(self.supported, total, 1.0)[tree.outcome_parent]
        start = np.bincount(
            tree.first_decision, weights=counts, minlength=tree.n_decisions
        )
        self.start = start / start.sum()

    def reset(self, *, seed=None, options=None):
        """Begin an episode in a state in which one of the log's begins."""
        if seed is not None:
            self.random = np.random.RandomState(seed)
        self.decision = self.random.choice(len(self.start), p=self.start)
        self.time = 0
        return self._seen(), {}

    def step(self, action):
        """Follow one of the log's outcomes; what was never tried ends the episode."""
        tree = self.tree
        code = find(self.coder.classes, np.array([action]))
        edge = tree.find_actions(np.array([self.decision]), code)[0]
        if edge < 0 or not self.supported[edge]:
            self.n_unsupported += 1
            return self._seen(), 0.0, True, False, {}
        nodes = np.arange(tree.starts[1][edge], tree.starts[1][edge + 1])
        node = self.random.choice(nodes, p=self.chance[nodes])
        self.time += 1
        over = tree.following[node] < 0
        if not over:
            self.decision = tree.following[node]
        is_cut = not over and self.time >= self.horizon
        return self._seen(), float(self.gains[node]), bool(over), is_cut, {}

    def _seen(self):
        return self.states[self.tree.decision_state[self.decision]]


class ModelEstimate:
    """Estimate a policy's return in the model.

    Parameters
    ----------
    policy : object
        The policy.

    log : TrajectoryDataset
        The log.

    gamma : float
        The discount.

    n_simulations : int
        Number of episodes, for policies that have ``act``.

    random : RandomState
        What to draw from.
    """

    def __init__(self, policy, log, gamma, n_simulations, random):
        self.policy, self.gamma, self.random = policy, gamma, random
        self.n_simulations, self.n_episodes = n_simulations, log.n_episodes
        self.model = EmpiricalModel(log)
        is_exact = hasattr(policy, "predict_proba") and not hasattr(policy, "act")
        self.evaluate = self._solve if is_exact else self._simulate
        self.effective_size = np.nan

    def value(self, counts):
        """Estimate, with each episode counted some times."""
        self.model.reweigh(counts)
        value, supported = self.evaluate()
        if np.isnan(self.effective_size):
            self.effective_size = supported * self.n_episodes
        return value

    def _simulate(self):
        self.model.n_unsupported = 0
        log = rollout(self.model, self.policy, self.n_simulations, None, self.random)
        discounted = self.gamma**log.time * log.rewards
        supported = 1 - self.model.n_unsupported / self.n_simulations
        return discounted.sum() / log.n_episodes, supported

    def _solve(self):
        """Propagate rewards, and whether the episode stays within the log."""
        model, tree = self.model, self.model.tree
        policy = (self._proba_of_edges() * model.supported)[:, np.newaxis]
        ends = np.where(tree.following < 0, 1.0, 0.0)
        earned, stays = np.zeros((tree.n_decisions, 1)), np.ones((tree.n_decisions, 1))
        for _ in range(model.horizon):
            earned = self._sweep(policy, self.gamma * earned, model.gains)
            stays = self._sweep(policy, stays, ends)
        return float(model.start @ earned[:, 0]), float(model.start @ stays[:, 0])

    def _sweep(self, policy, later, gains):
        model, tree = self.model, self.model.tree
        values = np.empty_like(later)
        propagate_values(
            values, later, policy, model.chance, gains, tree.following, *tree.starts
        )
        return values

    def _proba_of_edges(self):
        tree, model = self.model.tree, self.model
        proba = np.asarray(self.policy.predict_proba(model.states))
        place = find(np.asarray(self.policy.classes_), model.coder.classes)
        columns = np.where(place >= 0, proba[:, np.maximum(place, 0)], 0.0)
        return columns[tree.decision_state[tree.action_parent], tree.action_code]
