# SPDX-License-Identifier: BSD-3-Clause
"""The tree of a log: its sums, the objective, and the gradient in closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from offline_rl.random_logs import random_latents, random_log
from scipy.special import softmax, xlogy

from sklearn_theory.datasets import TrajectoryDataset, make_frozen_lake, make_lucky_tree
from sklearn_theory.offline_rl import latent_consistency
from sklearn_theory.offline_rl._doc_descent import (
    EnergyDescent,
    divergence_from_marginal,
)
from sklearn_theory.offline_rl._log_codes import LogCoder
from sklearn_theory.offline_rl._prefix_tree import (
    HISTORIES,
    build_tree,
    distinct_trajectories,
)
from sklearn_theory.offline_rl._prefix_tree_fast import (
    descend,
    objective_parts,
    path_gradient,
    softmax_gradient,
    softmax_rows,
)


def tree_of(log, history="full", weight=None):
    coder = LogCoder(None, 9).fit(log)
    weight = np.ones(log.n_episodes) if weight is None else weight
    return build_tree(coder.encode(log), coder, history, weight)


def brute_force_objective(log, q, history):
    """Add up the two terms over dictionaries, straight from their definitions."""
    keys, weight = [], 1 / log.n_episodes
    for e, episode in enumerate(log.to_episodes()):
        past = ()
        states = [tuple(row) for row in episode["observations"]]
        steps = list(
            zip(states, episode["actions"].tolist(), episode["rewards"].tolist())
        )
        for t, (s, a, r) in enumerate(steps):
            following = steps[t + 1][0] if t + 1 < len(steps) else None
            node = {
                "full": (*past, s),
                "markov": s,
                "markov_time": (t, s),
            }[history]
            keys.append((e, node, (node, a), (node, a, r, following)))
            past = (*past, s, a, r)
    sums = {}
    for e, *nodes in keys:
        for kind, node in enumerate(nodes):
            sums.setdefault((kind, node), np.zeros(q.shape[1]))
            sums[kind, node] += weight * q[e]
    nll = information = 0.0
    for (kind, node), mass in sums.items():
        if kind == 1:
            nll -= xlogy(mass, mass / sums[0, node[0]]).sum()
        if kind == 2:
            above = sums[1, node[:2]]
            ratio = mass * above.sum() / (above * mass.sum())
            information += xlogy(mass, np.where(mass > 0, ratio, 1.0)).sum()
    return nll, information


@pytest.mark.parametrize("history", sorted(HISTORIES))
class TestObjective:
    def test_equals_brute_force(self, history, rng):
        log = random_log(rng)
        q = random_latents(rng, log.n_episodes)
        assert_allclose(
            tree_of(log, history).objective(q), brute_force_objective(log, q, history)
        )

    def test_brute_force_on_episodes_of_different_lengths(self, history):
        log = make_frozen_lake(30, intended=0.5, random_state=0)
        log = TrajectoryDataset(*log.to_arrays())
        q = random_latents(np.random.default_rng(0), log.n_episodes)
        assert_allclose(
            tree_of(log, history).objective(q), brute_force_objective(log, q, history)
        )

    def test_gradient_equals_differences(self, history, rng):
        tree = tree_of(random_log(rng, n_episodes=12), history)
        logits = rng.normal(size=(12, 3))

        def loss(logits):
            nll, information = tree.objective(softmax(logits, axis=1))
            return nll + 0.7 * information

        q = softmax_rows(logits)
        _, _, log_policy, log_ratio = objective_parts(
            q, tree.weight, *tree.kernel_arguments
        )
        gradient = path_gradient(
            log_policy,
            log_ratio,
            tree.weight,
            tree.codes.offsets,
            tree.action,
            tree.outcome,
            0.7,
        )
        gradient = softmax_gradient(q, gradient)
        step = 1e-6
        for i, z in np.ndindex(logits.shape):
            up, down = logits.copy(), logits.copy()
            up[i, z] += step
            down[i, z] -= step
            slope = (loss(up) - loss(down)) / (2 * step)
            assert gradient[i, z] == pytest.approx(slope, abs=2e-9)

    def test_gradient_equals_autograd(self, history, rng):
        torch = pytest.importorskip("torch")
        tree = tree_of(random_log(rng, n_episodes=20), history)
        values = rng.normal(size=(20, 3))
        logits = torch.tensor(values, requires_grad=True)
        q = torch.softmax(logits, dim=1) * torch.tensor(tree.weight)[:, None]
        rows = q[torch.tensor(tree.codes.episode)]

        def mass(nodes):
            zeros = torch.zeros(int(nodes.max()) + 1, 3, dtype=torch.float64)
            return zeros.index_add(0, torch.tensor(nodes), rows)

        decision, action, outcome = map(
            mass, (tree.decision, tree.action, tree.outcome)
        )
        nll = -(action * (action / decision[tree.action_parent]).log()).sum()
        above = action[tree.outcome_parent]
        share = torch.tensor(tree.outcome_chance)[:, None]
        information = (outcome * (outcome / (above * share)).log()).sum()
        (nll + 2.0 * information).backward()
        before = values.copy()
        parts = objective_parts(
            softmax_rows(before), tree.weight, *tree.kernel_arguments
        )
        gradient = path_gradient(
            *parts[2:], tree.weight, tree.codes.offsets, tree.action, tree.outcome, 2.0
        )
        gradient = softmax_gradient(softmax_rows(before), gradient)
        assert_allclose(gradient, logits.grad.numpy(), atol=1e-15)

    def test_policies_and_frequencies_are_distributions(self, history, rng):
        log = random_log(rng)
        tree = tree_of(log, history)
        policy = tree.policy(random_latents(rng, log.n_episodes))
        for z in range(3):
            sums = np.bincount(tree.action_parent, weights=policy[:, z])
            assert_allclose(sums, 1)
        assert_allclose(np.bincount(tree.outcome_parent, tree.outcome_chance), 1)

    def test_every_row_is_found_again(self, history, rng):
        log = random_log(rng)
        tree = tree_of(log, history)
        found = HISTORIES[history].decisions(tree, tree.codes)
        assert_array_equal(found, tree.decision)
        edges = tree.find_actions(found, tree.codes.action)
        assert_array_equal(edges, tree.action)
        nodes = tree.find_outcomes(found, tree.codes.action, tree.codes.outcome)
        assert_array_equal(nodes, tree.outcome)


def test_order_of_the_episodes_does_not_matter(rng):
    log = make_lucky_tree(300, random_state=0)
    order = rng.permutation(log.n_episodes)
    moved = TrajectoryDataset(
        log.observations, log.actions, log.rewards, order[log.episode_codes]
    )
    trees = []
    for one in (TrajectoryDataset(*log.to_arrays()), moved):
        coder = LogCoder(None, 9).fit(one)
        codes = coder.encode(one)
        representatives, trajectory = distinct_trajectories(codes, coder)
        weight = np.bincount(trajectory)
        trees.append(build_tree(codes.take(representatives), coder, "full", weight))
    for name in ("decision", "action", "outcome", "weight"):
        assert_array_equal(getattr(trees[0], name), getattr(trees[1], name))


def test_equal_trajectories_are_found(rng):
    log = random_log(rng, n_episodes=200)
    coder = LogCoder(None, 9).fit(log)
    _, trajectory = distinct_trajectories(coder.encode(log), coder)
    contents = [
        tuple(map(tuple, (e["observations"].ravel(), e["actions"], e["rewards"])))
        for e in log.to_episodes()
    ]
    for i, j in np.ndindex(200, 200):
        assert (trajectory[i] == trajectory[j]) == (contents[i] == contents[j])


def test_an_episode_that_was_cut_off_is_not_one_that_goes_on():
    log = TrajectoryDataset(
        [[0.0], [0.0], [1.0]],
        [0, 0, 0],
        groups=[0, 1, 1],
        next_observations=[[1.0], [1.0], [2.0]],
        truncations=[True, False, True],
        terminations=[False] * 3,
    )
    coder = LogCoder(None, 9).fit(log)
    codes = coder.encode(log)
    assert len(distinct_trajectories(codes, coder)[0]) == 2
    full, markov = (build_tree(codes, coder, h, np.ones(2)) for h in ("full", "markov"))
    assert full.outcome[0] != full.outcome[1]
    assert markov.outcome[0] == markov.outcome[1]


def test_descent_lowers_the_objective(rng):
    tree = tree_of(random_log(rng))
    logits = rng.normal(size=(60, 4))
    losses = descend(
        logits, np.zeros((2, logits.size)), 0, 100, 0.05, 1.0, tree.weight,
        *tree.kernel_arguments,
    )  # fmt: skip
    assert losses[-1] < 0.5 * losses[0]
    nll, information = tree.objective(softmax_rows(logits))
    assert nll + information <= losses[-1]


class TestInformationOnABandit:
    """One state, one step: the information has a joint table."""

    @pytest.fixture
    def bandit(self, rng):
        actions, rewards = rng.integers(2, size=400), rng.integers(3, size=400) / 2
        log = TrajectoryDataset(np.zeros((400, 1)), actions, rewards)
        return log, random_latents(rng, 400)

    def exact(self, log, q):
        """Sum p log(p / (p p)) over the joint table of reward and latent."""
        total = 0.0
        for action in (0, 1):
            taken = log.actions == action
            joint = np.array(
                [q[taken & (log.rewards == r)].sum(axis=0) for r in (0, 0.5, 1)]
            )
            joint /= len(q)
            margins = np.outer(joint.sum(axis=1), joint.sum(axis=0)) / joint.sum()
            total += xlogy(joint, joint / margins).sum()
        return total

    def test_tree_sum_equals_the_joint_table(self, bandit):
        log, q = bandit
        found = latent_consistency(*log.to_arrays(), q=q)
        assert found.mi == pytest.approx(self.exact(log, q), abs=1e-14)

    def test_energy_converges_to_information_and_divergence(self, bandit):
        log, q = bandit
        tree = tree_of(log)

        class Settings:
            learning_rate, energy_learning_rate, beta, n_energy_steps = 0.05, 0.2, 1, 1

        energy = EnergyDescent(tree, np.log(q), Settings)
        energy.ascend(500, q)
        information = energy.information()
        assert information == pytest.approx(self.exact(log, q), abs=1e-6)
        assert information <= self.exact(log, q) + 1e-12
        tables = [
            np.bincount((2 * log.rewards).astype(int)[log.actions == a]) for a in (0, 1)
        ]
        total = np.sum(tables, axis=0) / 400
        divergence = sum(
            xlogy(t, t / t.sum() / total).sum() for t in map(np.asarray, tables)
        )
        assert divergence_from_marginal(tree, energy.marginal) == pytest.approx(
            divergence / 400
        )
        assert energy.divergence == pytest.approx(divergence / 400)
