# SPDX-License-Identifier: BSD-3-Clause
"""The Gauss-Southwell rules: largest gradient, per curvature or not."""

import numpy as np

from ._constants import block_constants
from ._scores import ScoreSelection

_COMPOSITE_ALTERNATIVE = "use selection='gs_q', 'gs_r' or 'gs_s'"


class GaussSouthwell(ScoreSelection):
    r"""The block of the largest gradient, :math:`\max_b \|\nabla_b f\|`.

    Parameters
    ----------
    norm : {1, 2}, default=2
        The norm by which fixed blocks are compared. Variable blocks of a given size
        are the same for both.

    Examples
    --------
    >>> from sklearn_theory.solvers import BCDSolver, GaussSouthwell
    >>> model = BCDSolver(
    ...     partition="order", selection=GaussSouthwell(norm=1), block_size=2
    ... )
    >>> model.fit([[0, 1], [1, 0], [2, 2]], [0, 1, 2]).n_iter_
    1
    """

    name = "gs"
    composite = False
    alternative = _COMPOSITE_ALTERNATIVE

    def __init__(self, norm=2):
        self.norm = norm

    def check(self, plan):
        """Raise a ValueError if the norm is unknown."""
        if self.norm not in (1, 2):
            raise ValueError(f"norm must be 1 or 2, got {self.norm!r}.")

    def scores(self, state, index):
        """Compute absolute or squared derivatives."""
        return np.abs(state.gradient[index]) ** self.norm


class GaussSouthwellLipschitz(GaussSouthwell):
    r"""The block of :math:`\max_b \|\nabla_b f\|^2 / L_b`, among fixed blocks.

    Parameters
    ----------
    norm : {1, 2}, default=2
        The norm of the gradient.
    """

    name = "gsl"
    partitions = ("fixed",)

    def setup(self, problem, blocks, block_size, rng):
        """Prepare for a run."""
        super().setup(problem, blocks, block_size, rng)
        self._constants = block_constants(problem, blocks)

    def block_scores(self, state):
        """Divide squared norms by the constants of the blocks.

        Parameters
        ----------
        state : State
            Where the run stands.

        Returns
        -------
        scores : ndarray of shape (n_blocks,)
            The scores.
        """
        constants = self._constants
        if state.estimates_lipschitz:
            estimates = state.lipschitz[self._members]
            constants = np.maximum.reduceat(estimates, self._starts)
        return super().block_scores(state) ** (2 / self.norm) / constants


class GaussSouthwellDiagonal(GaussSouthwell):
    r"""The coordinates of the largest :math:`(\nabla_i f)^2 / D_i` with `D = L`.

    Since a positive semi-definite matrix of size :math:`\tau` is at most
    :math:`\tau` times its diagonal, this bounds the progress of any block.

    Parameters
    ----------
    norm : {1, 2}, default=2
        With 1, fixed blocks add up :math:`|\nabla_i f| / \sqrt{D_i}`.
    """

    name = "gsd"

    def scores(self, state, index):
        """Divide squared derivatives by the diagonal."""
        root = np.abs(state.gradient[index]) / np.sqrt(self.diagonal(state)[index])
        return root**self.norm

    def diagonal(self, state):
        """Return the diagonal matrix.

        Parameters
        ----------
        state : State
            Where the run stands.

        Returns
        -------
        diagonal : ndarray of shape (n_coordinates,)
            The diagonal.
        """
        return state.lipschitz


class GaussSouthwellRowSums(GaussSouthwellDiagonal):
    r"""The same with the row sums of the absolute Hessian, :math:`D_i = \sum_j |H_{ij}|`.

    The diagonal matrix of row sums is an upper bound of the Hessian.

    Parameters
    ----------
    norm : {1, 2}, default=2
        Without effect on variable blocks.
    """

    name = "gsd_h"
    partitions = ("variable",)

    def setup(self, problem, blocks, block_size, rng):
        """Prepare for a run."""
        super().setup(problem, blocks, block_size, rng)
        self._diagonal = problem.absolute_row_sums()

    def diagonal(self, state):
        """Return the diagonal matrix.

        Parameters
        ----------
        state : State
            Where the run stands.

        Returns
        -------
        diagonal : ndarray of shape (n_coordinates,)
            The diagonal.
        """
        return self._diagonal
