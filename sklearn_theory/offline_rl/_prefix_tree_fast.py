# SPDX-License-Identifier: BSD-3-Clause
"""Kernels on a prefix tree: masses of latents, the objective, its gradient, values.

Rows are those of distinct trajectories, `offsets` marks where each begins, and
`decision`, `action`, `outcome` are the numbers of the nodes that each row passes.
"""

import numpy as np
from numba import njit

_SMALLEST = 1e-300
_MOMENTUM = 0.9
_SCALE_MEMORY = 0.95
_STABILISER = 1e-12


@njit(cache=True, nogil=True)
def node_masses(q, weight, offsets, nodes, n_nodes):
    """Add up, at each node, the weighted latents of the trajectories through it."""
    n_latents = q.shape[1]
    masses = np.zeros((n_nodes, n_latents))
    for trajectory in range(q.shape[0]):
        for row in range(offsets[trajectory], offsets[trajectory + 1]):
            for z in range(n_latents):
                masses[nodes[row], z] += weight[trajectory] * q[trajectory, z]
    return masses


@njit(cache=True, nogil=True)
def weighted_masses(q, weight, offsets, nodes, n_nodes, factor):
    """Add up the same, each row multiplied by a factor of its own."""
    n_latents = q.shape[1]
    masses = np.zeros((n_nodes, n_latents))
    for trajectory in range(q.shape[0]):
        for row in range(offsets[trajectory], offsets[trajectory + 1]):
            mass = weight[trajectory] * factor[row]
            for z in range(n_latents):
                masses[nodes[row], z] += mass * q[trajectory, z]
    return masses


@njit(cache=True, nogil=True)
def log_shares(masses, parent_masses, parent):
    """The logarithms of each child's share of its parent's mass, for each latent."""
    shares = np.zeros(masses.shape)
    for node in range(masses.shape[0]):
        for z in range(masses.shape[1]):
            part, whole = masses[node, z], parent_masses[parent[node], z]
            if part != whole:
                shares[node, z] = np.log(max(part, _SMALLEST) / max(whole, _SMALLEST))
    return shares


@njit(cache=True, nogil=True)
def _sum_products(first, second):
    total = 0.0
    for i in range(first.shape[0]):
        for j in range(first.shape[1]):
            total += first[i, j] * second[i, j]
    return total


@njit(cache=True, nogil=True)
def objective_parts(q, weight, offsets, paths, parents, log_outcome_share):
    """Compute the two terms of the objective, and how each latent of a node adds to them.

    Returns the negative log-likelihood of the actions, the mutual information of
    outcomes and latents, and the logarithms whose sums along a path are the gradient.
    """
    decision, action, outcome = paths
    action_parent, outcome_parent = parents
    n_decisions = decision.max() + 1
    at_decision = node_masses(q, weight, offsets, decision, n_decisions)
    at_action = node_masses(q, weight, offsets, action, action_parent.shape[0])
    at_outcome = node_masses(q, weight, offsets, outcome, outcome_parent.shape[0])
    log_policy = log_shares(at_action, at_decision, action_parent)
    log_ratio = log_shares(at_outcome, at_action, outcome_parent)
    for node in range(log_ratio.shape[0]):
        for z in range(log_ratio.shape[1]):
            log_ratio[node, z] -= log_outcome_share[node]
    nll = -_sum_products(at_action, log_policy)
    return nll, _sum_products(at_outcome, log_ratio), log_policy, log_ratio


@njit(cache=True, nogil=True)
def path_gradient(log_policy, log_ratio, weight, offsets, action, outcome, beta):
    """The gradient in q: weighted sums along the path of each trajectory."""
    n_latents = log_policy.shape[1]
    gradient = np.zeros((weight.shape[0], n_latents))
    for trajectory in range(weight.shape[0]):
        for row in range(offsets[trajectory], offsets[trajectory + 1]):
            for z in range(n_latents):
                gradient[trajectory, z] += (
                    beta * log_ratio[outcome[row], z] - log_policy[action[row], z]
                )
        gradient[trajectory] *= weight[trajectory]
    return gradient


@njit(cache=True, nogil=True)
def softmax_rows(logits):
    """The softmax of each row."""
    q = np.empty_like(logits)
    for i in range(logits.shape[0]):
        q[i] = np.exp(logits[i] - logits[i].max())
        q[i] /= q[i].sum()
    return q


@njit(cache=True, nogil=True)
def softmax_gradient(q, gradient):
    """Turn the gradient in q into the gradient in its logits."""
    result = np.empty_like(q)
    for i in range(q.shape[0]):
        mean = 0.0
        for z in range(q.shape[1]):
            mean += q[i, z] * gradient[i, z]
        for z in range(q.shape[1]):
            result[i, z] = q[i, z] * (gradient[i, z] - mean)
    return result


@njit(cache=True, nogil=True)
def adam_step(values, gradient, moments, step, learning_rate):
    """Move flat `values` against the gradient, and update both moments in place."""
    first_correction = 1 - _MOMENTUM**step
    second_correction = 1 - _SCALE_MEMORY**step
    for i in range(values.shape[0]):
        moments[0, i] += (1 - _MOMENTUM) * (gradient[i] - moments[0, i])
        moments[1, i] += (1 - _SCALE_MEMORY) * (gradient[i] ** 2 - moments[1, i])
        scale = np.sqrt(moments[1, i] / second_correction) + _STABILISER
        values[i] -= learning_rate * moments[0, i] / (first_correction * scale)


@njit(cache=True, nogil=True)
def descend(
    logits,
    moments,
    step,
    n_steps,
    learning_rate,
    beta,
    weight,
    offsets,
    paths,
    parents,
    log_outcome_share,
):
    """Take Adam's steps on the exact objective, and return it before each of them."""
    losses = np.empty(n_steps)
    for i in range(n_steps):
        q = softmax_rows(logits)
        nll, information, log_policy, log_ratio = objective_parts(
            q, weight, offsets, paths, parents, log_outcome_share
        )
        losses[i] = nll + beta * information
        gradient = path_gradient(
            log_policy, log_ratio, weight, offsets, paths[1], paths[2], beta
        )
        gradient = softmax_gradient(q, gradient)
        adam_step(
            logits.ravel(), gradient.ravel(), moments, step + i + 1, learning_rate
        )
    return losses


@njit(cache=True, nogil=True)
def energy_parts(energy, marginal, at_action, at_outcome, parent, code):
    """The energies' bound of the information, its gradient, and energies of outcomes.

    The outcomes' law is modelled as the marginal times the exponential of the energy.
    """
    n_actions, n_codes, n_latents = energy.shape
    gradient = np.zeros(energy.shape)
    log_ratio = np.zeros(at_outcome.shape)
    log_normaliser = np.empty((n_actions, n_latents))
    for edge in range(n_actions):
        for z in range(n_latents):
            largest = energy[edge, :, z].max()
            total = 0.0
            for o in range(n_codes):
                total += marginal[o] * np.exp(energy[edge, o, z] - largest)
            log_normaliser[edge, z] = largest + np.log(total)
            for o in range(n_codes):
                share = marginal[o] * np.exp(
                    energy[edge, o, z] - log_normaliser[edge, z]
                )
                gradient[edge, o, z] = -at_action[edge, z] * share
    bound = 0.0
    for node in range(at_outcome.shape[0]):
        edge, o = parent[node], code[node]
        for z in range(n_latents):
            log_ratio[node, z] = energy[edge, o, z] - log_normaliser[edge, z]
            gradient[edge, o, z] += at_outcome[node, z]
            bound += at_outcome[node, z] * log_ratio[node, z]
    return bound, gradient, log_ratio


@njit(cache=True, nogil=True)
def propagate_values(
    values, later, policy, chance, rewards, following, action_starts, outcome_starts
):
    """Compute what each latent's policy earns from each decision on.

    Decisions are visited from the last to the first. With `later` the same array as
    `values`, one call solves a tree whose children have larger numbers.
    """
    for node in range(values.shape[0] - 1, -1, -1):
        for z in range(values.shape[1]):
            total = 0.0
            for edge in range(action_starts[node], action_starts[node + 1]):
                expected = 0.0
                for o in range(outcome_starts[edge], outcome_starts[edge + 1]):
                    gain = rewards[o]
                    if following[o] >= 0:
                        gain += later[following[o], z]
                    expected += chance[o] * gain
                total += policy[edge, z] * expected
            values[node, z] = total


@njit(cache=True, nogil=True)
def extreme_returns(rewards, following, action_starts, outcome_starts):
    """The least and the largest return from each decision of a tree on."""
    n_nodes = action_starts.shape[0] - 1
    extremes = np.zeros((n_nodes, 2))
    for node in range(n_nodes - 1, -1, -1):
        least, largest = np.inf, -np.inf
        for edge in range(action_starts[node], action_starts[node + 1]):
            for o in range(outcome_starts[edge], outcome_starts[edge + 1]):
                low = high = rewards[o]
                if following[o] >= 0:
                    low += extremes[following[o], 0]
                    high += extremes[following[o], 1]
                least, largest = min(least, low), max(largest, high)
        extremes[node, 0], extremes[node, 1] = least, largest
    return extremes
