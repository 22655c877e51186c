# SPDX-License-Identifier: BSD-3-Clause
"""Greedy rules that know the whole matrix of a block."""

import numpy as np

from .._definite import inverse_root, solve_definite
from ._base import Selection
from ._constants import largest
from ._gs import _COMPOSITE_ALTERNATIVE


class GaussSouthwellQuadratic(Selection):
    r"""The block of :math:`\max_b g_b^\top H_b^{-1} g_b`, among fixed blocks."""

    name = "gsq"
    partitions = ("fixed",)
    composite = False
    alternative = _COMPOSITE_ALTERNATIVE

    def setup(self, problem, blocks, block_size, rng):
        """Factor the matrix of every block once; blocks of one size are stacked."""
        super().setup(problem, blocks, block_size, rng)
        sizes = np.array([len(block) for block in blocks])
        self._groups = []
        for size in np.unique(sizes):
            numbers = np.flatnonzero(sizes == size)
            members = np.array([blocks[number] for number in numbers])
            roots = np.array([inverse_root(problem.block_bound(b)) for b in members])
            self._groups.append((numbers, members, roots))

    def choose(self, state):
        """Take the best block."""
        scores = np.empty(len(self.blocks))
        for numbers, members, roots in self._groups:
            gradients = state.gradient[members]
            halves = np.einsum("bij,bj->bi", roots, gradients)
            scores[numbers] = np.einsum("bi,bi->b", halves, halves)
        return self.blocks[int(np.argmax(scores))]


class HardThresholdingSelection(Selection):
    r"""An approximation of the best variable block by iterative hard thresholding.

    The best block minimises :math:`g^\top d + \frac12 d^\top H d` over all `d` with
    :math:`\tau` non-zeros. Normalised iterative hard thresholding improves the block of
    "gsd"; the better of both is taken.
    """

    name = "gsq_iht"
    partitions = ("variable",)
    composite = False
    alternative = _COMPOSITE_ALTERNATIVE
    max_iter = 10

    def choose(self, state):
        """Improve the block of "gsd" for a few iterations."""
        gradient, lipschitz = state.gradient, self.problem.lipschitz
        start = self._support(np.abs(gradient), lipschitz)
        d = np.zeros(len(gradient))
        d[start] = -gradient[start] / lipschitz[start]
        support = self._threshold(d, start, gradient)
        if np.array_equal(support, start):
            return start
        return max(start, support, key=lambda b: self._progress(b, gradient))

    def _threshold(self, d, support, gradient):
        for _ in range(self.max_iter):
            columns = self.problem.hessian_columns(support)
            slope = gradient + d[support] @ columns
            own = slope[support]
            curvature = own @ columns[:, support] @ own
            if not curvature > 0:
                break
            moved = d - (own @ own) / curvature * slope
            support = self._support(np.abs(moved), None)
            new = np.zeros_like(d)
            new[support] = moved[support]
            change = np.linalg.norm(new - d)
            d = new
            if change < 1e-10 * max(1.0, np.linalg.norm(d)):
                break
        return support

    def _support(self, sizes, lipschitz):
        free = self.problem.free
        sizes = sizes[free]
        if lipschitz is not None:
            sizes = sizes / np.sqrt(lipschitz[free])
        return free[largest(sizes, self.block_size)]

    def _progress(self, block, gradient):
        bound = self.problem.block_bound(block)
        return gradient[block] @ solve_definite(bound, gradient[block])


class MatchingPursuitSelection(Selection):
    r"""A variable block that grows by orthogonal matching pursuit.

    The coordinate of the largest :math:`|g_i + (H d)_i| / \sqrt{L_i}` joins the block,
    the step `d` is solved for on the block, and so on until the block is full. It
    costs the columns of the Hessian that the matrix update needs anyway.
    """

    name = "gsq_omp"
    partitions = ("variable",)
    composite = False
    alternative = _COMPOSITE_ALTERNATIVE

    def setup(self, problem, blocks, block_size, rng):
        """Prepare for a run."""
        super().setup(problem, blocks, block_size, rng)
        self._scale = np.zeros(problem.n_coordinates)
        self._scale[problem.free] = 1 / np.sqrt(problem.lipschitz[problem.free])

    def choose(self, state):
        """Grow a block."""
        gradient = state.gradient
        block = np.empty(0, dtype=np.intp)
        columns = np.empty((0, len(gradient)))
        slope = gradient
        for _ in range(self.block_size):
            scores = np.abs(slope) * self._scale
            scores[block] = -1.0
            scores[self._scale == 0] = -1.0
            best = np.array([int(np.argmax(scores))])
            block = np.append(block, best)
            columns = np.vstack([columns, self.problem.hessian_columns(best)])
            if len(block) < self.block_size:
                step = -solve_definite(columns[:, block], gradient[block])
                slope = gradient + step @ columns
        return np.sort(block)
