# SPDX-License-Identifier: BSD-3-Clause
"""Ways to keep the full gradient up to date."""

from sklearn import get_config

_REFRESH_EVERY = 1000


class _Tracking:
    """Move a state, and its gradient with it."""

    full = True

    def __init__(self, problem):
        self.problem = problem

    def start(self, state):
        """Compute the gradient at the start."""
        state.gradient = self.problem.gradient(state) if self.full else None
        state.changed = None

    def move(self, state, block, step):
        """Move by a step; every thousandth time compute everything anew."""
        self._move(state, block, step)
        state.x[block] = self.problem.penalty.land(state.x[block] + step, block)
        self._after(state, block, step)
        state.iteration += 1
        if state.iteration % _REFRESH_EVERY == 0:
            self.refresh(state)

    def refresh(self, state):
        """Compute image and gradient anew, so that rounding does not build up."""
        state.image = self.problem.datafit.image(state.x)
        self.start(state)

    def _move(self, state, block, step):
        self.problem.datafit.move(state, block, step)

    def _after(self, state, block, step):
        """Bring the gradient up to date, once `x` has moved."""


class NoTracking(_Tracking):
    """Keep no gradient; blocks compute their own."""

    full = False


class FullTracking(_Tracking):
    """Compute the gradient anew after each step."""

    def _after(self, state, block, step):
        state.gradient = self.problem.gradient(state)


class GramTracking(_Tracking):
    """Add columns of a constant Hessian times the step, from a cache."""

    def __init__(self, problem):
        super().__init__(problem)
        if not problem.datafit.constant_hessian:
            raise ValueError(
                "gradient_tracking='gram' needs a constant Hessian, got "
                f"loss={problem.datafit.name!r}; use 'auto'."
            )
        if not problem.datafit.stores_hessian:
            megabytes = min(64.0, get_config()["working_memory"])
            problem.use_cache(megabytes * 2**20)

    def _after(self, state, block, step):
        state.gradient += step @ self.problem.hessian_columns(block)


class RowTracking(_Tracking):
    """Touch only the coordinates that share a row with the block."""

    def __init__(self, problem):
        super().__init__(problem)
        if not problem.datafit.tracks_rows:
            raise ValueError(
                "gradient_tracking='rows' needs a sparse X, got a dense one; "
                "use 'auto'."
            )

    def _move(self, state, block, step):
        state.changed = self.problem.datafit.move_gradient(state, block, step)

    def _after(self, state, block, step):
        state.gradient[block] += self.problem.curvature[block] * step


TRACKINGS = {
    "none": NoTracking,
    "full": FullTracking,
    "gram": GramTracking,
    "rows": RowTracking,
}


def make_tracking(name, problem, needs_gradient, block_size):
    """Make the tracking of that name; "auto" picks the one that costs least.

    Parameters
    ----------
    name : {"auto", "none", "full", "gram", "rows"}
        The name.

    problem : Problem
        The problem.

    needs_gradient : bool
        Whether the selection needs the full gradient.

    block_size : int
        The size of a block.

    Returns
    -------
    tracking : object
        It moves states.
    """
    if name == "auto":
        name = _cheapest(problem, block_size) if needs_gradient else "none"
    if name == "none" and needs_gradient:
        raise ValueError(
            "gradient_tracking='none' leaves a greedy selection without a gradient; "
            "use 'auto', or selection='random', 'cyclic' or 'lipschitz'."
        )
    return TRACKINGS[name](problem)


def _cheapest(problem, block_size):
    datafit = problem.datafit
    if not datafit.tracks_rows:
        return "gram" if datafit.constant_hessian else "full"
    if not datafit.constant_hessian or datafit.stores_hessian:
        return "rows"
    n_rows, n_columns = datafit.design.X.shape
    n_entries = datafit.design.X.nnz
    touched = min(1.0, block_size * n_entries / max(1, n_rows * n_columns))
    return "rows" if touched * n_entries < block_size * n_columns else "gram"
