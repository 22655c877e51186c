# SPDX-License-Identifier: BSD-3-Clause
"""A datafit and a penalty together, as the rules see them."""

from copy import copy

import numpy as np

from ._gram_cache import GramCache


class State:
    """Where a run stands.

    Attributes
    ----------
    x : ndarray of shape (n_coordinates,)
        The coordinates.

    image : object
        What the datafit keeps for `x`.

    gradient : ndarray of shape (n_coordinates,) or None
        The gradient of the smooth part; None if it is not tracked.

    changed : ndarray of int or None
        The coordinates whose partial derivative the last step changed; None if that is
        all of them, or unknown.

    lipschitz : ndarray of shape (n_coordinates,)
        Constants of the coordinates, which an update may estimate as it goes.

    estimates_lipschitz : bool
        Whether an update does.

    iteration : int
        The number of steps so far.
    """

    def __init__(self, problem, x):
        self.x = x
        self.image = problem.datafit.image(x)
        self.gradient = None
        self.changed = None
        self.lipschitz = problem.lipschitz.copy()
        self.estimates_lipschitz = False
        self.iteration = 0


class Problem:
    r"""Minimise a smooth function plus a separable penalty.

    The smooth part is the datafit plus the squared norm of the penalty; all methods
    that speak of gradients and Hessians mean the smooth part.

    Parameters
    ----------
    datafit : Datafit
        The smooth function.

    penalty : Penalty
        The penalty, not yet bound.

    Attributes
    ----------
    lipschitz : ndarray of shape (n_coordinates,)
        Lipschitz constants of the partial derivatives.

    free : ndarray of int
        The coordinates that may move: those that are neither excluded nor without any
        effect.

    composite : bool
        Whether a part of the objective is not smooth.
    """

    def __init__(self, datafit, penalty):
        self.datafit = datafit
        self.penalty = penalty.bind(datafit)
        self.curvature = self.penalty.curvature
        self.lipschitz = datafit.lipschitz + self.curvature
        self.n_coordinates = datafit.n_coordinates
        self.free = np.flatnonzero((self.lipschitz > 0) & ~self.penalty.excluded)
        self.composite = not self.penalty.smooth
        self._is_ridge = bool(self.curvature.any())
        self._cache = None

    def initial_state(self, x0=None):
        """Return the state at `x0`, or at the feasible point nearest to zero."""
        x = np.zeros(self.n_coordinates) if x0 is None else np.array(x0, dtype=float)
        x[self.penalty.excluded] = 0.0
        return State(self, np.array(self.penalty.start(x), dtype=float))

    def smooth_value(self, state):
        """Compute the smooth part of the objective."""
        value = self.datafit.value(state)
        if self._is_ridge:
            value += 0.5 * float(self.curvature @ state.x**2)
        return value

    def value(self, state):
        """Compute the objective."""
        return self.smooth_value(state) + self.penalty.value(state.x)

    def gradient(self, state):
        """Compute the full gradient from the image."""
        gradient = self.datafit.gradient(state)
        return gradient + self.curvature * state.x if self._is_ridge else gradient

    def block_gradient(self, state, block):
        """Return the gradient of a block, tracked or computed."""
        if state.gradient is not None:
            return state.gradient[block]
        gradient = self.datafit.block_gradient(state, block)
        return gradient + self.curvature[block] * state.x[block]

    def use_cache(self, working_memory):
        """Keep columns of the Hessian's bound, within so many bytes."""
        self._cache = GramCache(self.datafit, working_memory)

    def hessian_columns(self, block):
        """Compute the columns of the Hessian's bound, a row for each coordinate."""
        source = self.datafit.hessian_columns if self._cache is None else self._cache
        columns = source(block)
        if self._is_ridge:
            columns = columns.copy()
            columns[np.arange(len(block)), block] += self.curvature[block]
        return columns

    def block_bound(self, block):
        """Bound the Hessian of the block from above."""
        if self._cache is not None and self._cache.holds(block):
            return self.hessian_columns(block)[:, block]
        return self.datafit.block_bound(block) + np.diag(self.curvature[block])

    def block_hessian(self, state, block):
        """Compute the Hessian of the block."""
        if self.datafit.constant_hessian:
            return self.block_bound(block)
        hessian = self.datafit.block_hessian(state, block)
        return hessian + np.diag(self.curvature[block])

    def hessian_diagonal(self, state):
        """Compute the diagonal of the Hessian."""
        return self.datafit.hessian_diagonal(state) + self.curvature

    def absolute_row_sums(self):
        """Compute the row sums of the absolute bound of the Hessian."""
        return self.datafit.absolute_row_sums() + self.curvature

    def along(self, state, block, step):
        """Return the smooth part as a function of the length of a step."""
        value = self.datafit.along(state, block, step)
        if not self._is_ridge:
            return value
        curvature, x = self.curvature[block], state.x[block]
        rest = self.curvature @ state.x**2 - curvature @ x**2
        return lambda t: value(t) + 0.5 * (rest + curvature @ (x + t * step) ** 2)

    def move(self, state, block, step):
        """Move a state without tracking its gradient."""
        self.datafit.move(state, block, step)
        state.x[block] = self.penalty.land(state.x[block] + step, block)
        state.gradient = state.changed = None

    def copy_state(self, state):
        """Copy what :meth:`move` changes; the copy has no gradient."""
        twin = copy(state)
        twin.x = state.x.copy()
        twin.image = None if state.image is None else state.image.copy()
        twin.gradient = None
        return twin

    def violations(self, state, gradient):
        """Measure how far each free coordinate is from optimal, over root `L_i`."""
        index = self.free if len(self.free) < self.n_coordinates else slice(None)
        gradient, root = gradient[index], np.sqrt(self.lipschitz[index])
        if not self.composite:
            return np.abs(gradient) / root
        return self.penalty.violation(state.x[index], gradient, index) / root
