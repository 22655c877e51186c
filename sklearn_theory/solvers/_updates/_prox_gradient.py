# SPDX-License-Identifier: BSD-3-Clause
"""Proximal gradient steps."""

from ._gradient import GradientUpdate


class ProximalGradientUpdate(GradientUpdate):
    r"""The proximal gradient step of the block with its constant :math:`L_b`.

    Parameters
    ----------
    constant : {"eigenvalue", "sum"}, default="eigenvalue"
        What :math:`L_b` is, as for :class:`GradientUpdate`.
    """

    name = "prox_gradient"
    composite = True

    def step(self, state, block):
        """Minimise the block's model with the same curvature in every direction."""
        penalty = self.problem.penalty
        x, gradient = state.x[block], self.problem.block_gradient(state, block)
        lipschitz = self.block_constant(block)
        step = penalty.model_step(x, gradient, lipschitz, block)
        change = penalty.value(x + step, block) - penalty.value(x, block)
        bound = -(gradient @ step + 0.5 * lipschitz * (step @ step) + change)
        return step, float(bound)
