# SPDX-License-Identifier: BSD-3-Clause
"""The descent that makes latents predict actions and forget luck.

Both forms minimise the negative log-likelihood of the actions plus `beta` times the
mutual information of latents and outcomes. The exact form sums the information over the
tree; in the energy form an energy of every outcome ascends to a bound of it, at a larger
step size, while the latents descend.
"""

import numpy as np

from ._prefix_tree_fast import (
    adam_step,
    descend,
    energy_parts,
    objective_parts,
    path_gradient,
    softmax_gradient,
    softmax_rows,
)

_MOST_ENERGIES = 2**24
_LAST_RATES, _LAST_STEPS = 4, 100  # each rate a tenth of the one before


class ExactDescent:
    """Descend on the exact objective.

    Parameters
    ----------
    tree : PrefixTree
        The log.

    logits : ndarray of shape (n_trajectories, n_latents)
        The start.

    settings : TabularDoC
        Has `beta`, `learning_rate`, `energy_learning_rate` and `n_energy_steps`.
    """

    def __init__(self, tree, logits, settings):
        self.tree = tree
        self.logits = logits.copy()
        self.moments = np.zeros((2, logits.size))
        self.settings = settings
        self.n_iter = 0

    @property
    def q(self):
        return softmax_rows(self.logits)

    def information(self):
        """What the energies find; there are none."""
        return None

    def advance(self, n_steps):
        """Take steps, and return the loss before each of them."""
        losses = descend(
            self.logits,
            self.moments,
            self.n_iter,
            n_steps,
            float(self.settings.learning_rate),
            float(self.settings.beta),
            self.tree.weight,
            *self.tree.kernel_arguments,
        )
        self.n_iter += n_steps
        return losses


class EnergyDescent(ExactDescent):
    """Descend on the bound that an ascending energy gives.

    For each action node the law of outcomes under a latent is the log's marginal law
    times the exponential of the energy. The bound's maximum is the mutual information
    plus a divergence that the latents do not change.
    """

    def __init__(self, tree, logits, settings):
        super().__init__(tree, logits, settings)
        shape = (len(tree.action_parent), tree.sizes[1], logits.shape[1])
        _check_size(shape)
        self.energy = np.zeros(shape)
        self.energy_moments = np.zeros((2, self.energy.size))
        self.n_energy_iter = 0
        self.marginal = np.bincount(
            tree.outcome_code, weights=tree.outcome_mass, minlength=tree.sizes[1]
        )
        self.marginal /= self.marginal.sum()
        self.divergence = divergence_from_marginal(tree, self.marginal)
        rate = settings.energy_learning_rate
        self.energy_rate = 4 * settings.learning_rate if rate is None else rate

    def advance(self, n_steps):
        return np.array([self._step() for _ in range(n_steps)])

    def information(self):
        """Let the energies come to rest, and return what they find."""
        q, rate = self.q, self.energy_rate
        for _ in range(_LAST_RATES):
            self.ascend(_LAST_STEPS, q)
            self.energy_rate /= 10
        self.energy_rate = rate
        return float(self.ascend(0, q)[0])

    def ascend(self, n_steps, q):
        """Let the energies ascend for fixed latents; return the information they find."""
        at_action = self.tree.masses(q, "action")
        at_outcome = self.tree.masses(q, "outcome")
        for _ in range(n_steps):
            _, gradient, _ = self._energy_parts(at_action, at_outcome)
            self.n_energy_iter += 1
            adam_step(
                self.energy.ravel(),
                -gradient.ravel(),
                self.energy_moments,
                self.n_energy_iter,
                float(self.energy_rate),
            )
        bound, _, log_ratio = self._energy_parts(at_action, at_outcome)
        return bound - self.divergence, log_ratio

    def _energy_parts(self, at_action, at_outcome):
        tree = self.tree
        return energy_parts(
            self.energy,
            self.marginal,
            at_action,
            at_outcome,
            tree.outcome_parent,
            tree.outcome_code,
        )

    def _step(self):
        tree, q, beta = self.tree, self.q, float(self.settings.beta)
        information, log_ratio = self.ascend(self.settings.n_energy_steps, q)
        nll, _, log_policy, _ = objective_parts(q, tree.weight, *tree.kernel_arguments)
        gradient = path_gradient(
            log_policy,
            log_ratio,
            tree.weight,
            tree.codes.offsets,
            tree.action,
            tree.outcome,
            beta,
        )
        self.n_iter += 1
        adam_step(
            self.logits.ravel(),
            softmax_gradient(q, gradient).ravel(),
            self.moments,
            self.n_iter,
            float(self.settings.learning_rate),
        )
        return nll + beta * information


DESCENTS = {"exact": ExactDescent, "energy": EnergyDescent}


def divergence_from_marginal(tree, marginal):
    """The mean divergence of the outcomes' law at each action from the marginal law."""
    log_ratio = np.log(tree.outcome_chance / marginal[tree.outcome_code])
    return float(tree.outcome_mass @ log_ratio)


def _check_size(shape):
    if np.prod(shape, dtype=float) > _MOST_ENERGIES:
        raise ValueError(
            f'estimator="energy" would hold {shape[0]:,} x {shape[1]:,} x {shape[2]} '
            "energies, one for each action node, outcome and latent. Use "
            'estimator="exact", which needs none, or coarser n_bins and reward_decimals.'
        )
