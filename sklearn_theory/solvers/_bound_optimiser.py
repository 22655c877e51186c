# SPDX-License-Identifier: BSD-3-Clause
"""The bound optimiser: prototypes and assignments in turn, each step in closed form.

With the prototypes fixed, sweeps of closed-form steps lower the objective until it
stands still; then the prototypes move. Assignments start from the last ones, so that the
objective falls from one iteration to the next; an iteration that would raise it, or empty
a cluster, is undone and is the last.
"""

import numpy as np

ACTIVE_THRESHOLD = 1e-4
_ROUNDING = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-10}


class BoundOptimiser:
    """Alternate between assignments and prototypes.

    Parameters
    ----------
    rows : InMemoryRows
        The rows, or an object with the same methods.

    max_inner : int, default=300
        The most sweeps between two steps of the prototypes.

    tol : float, default=1e-5
        Relative change of the objective at which iterations end.

    tol_inner : float, default=1e-6
        Relative change of the objective at which sweeps end.

    threshold : float, default=1e-4
        Rows are left out of a sweep if neither they nor their neighbours moved by more
        in the last one. Sweeps end only when two in a row with all rows agree.

    Attributes
    ----------
    prototypes : ndarray
        The prototypes reached.

    state : object
        The assignments reached, as `rows` keeps them.

    objective : float
        The relaxed objective of these.

    history : list of float
        The objective after each iteration.

    inner_iters : list of int
        The number of sweeps of each iteration.

    largest_rise : float
        The largest rise of the objective in one sweep of all rows, over its size.

    stop_reason : {None, "converged", "empty cluster", "no descent"}
        Why the iterations ended; None while they go on.
    """

    def __init__(
        self,
        rows,
        *,
        max_inner=300,
        tol=1e-5,
        tol_inner=1e-6,
        threshold=ACTIVE_THRESHOLD,
    ):
        self.rows = rows
        self.max_inner, self.tol, self.tol_inner = max_inner, tol, tol_inner
        self.threshold = threshold

    def start(self, prototypes):
        """Assign every row to its nearest prototype.

        Parameters
        ----------
        prototypes : ndarray
            The initial prototypes.

        Returns
        -------
        self : BoundOptimiser
            The optimiser, ready to `step`.
        """
        self.prototypes = prototypes
        self.state, self.objective = self.rows.nearest(prototypes)
        self.history, self.inner_iters = [], []
        self.largest_rise, self.stop_reason = -np.inf, None
        return self

    def step(self, *, move_prototypes=True):
        """Move the prototypes, then sweep until the objective stands still.

        Parameters
        ----------
        move_prototypes : bool, default=True
            Whether to move the prototypes first.

        Returns
        -------
        stop_reason : {None, "converged", "empty cluster", "no descent"}
            None while there is more to do.
        """
        prototypes = self.prototypes
        if move_prototypes:
            prototypes = self.rows.prototypes(self.state, prototypes)
        state, objective, n_sweeps = self._assign(prototypes)
        self.inner_iters.append(n_sweeps)
        self.stop_reason = self._judge(state, objective)
        if self._is_progress(objective):
            self.prototypes, self.state, self.objective = prototypes, state, objective
        elif not self.history:
            self.objective = self.rows.corner_objective(self.state, self.objective)
        self.history.append(self.objective)
        return self.stop_reason

    def _is_progress(self, objective):
        """Tell whether to keep an iteration; a rise by rounding is none."""
        if self.stop_reason == "empty cluster":
            return False
        return not self.history or objective <= self.objective

    def _judge(self, state, objective):
        """Tell whether an iteration is to be undone, or is the last."""
        if not self.rows.counts(state).all():
            return "empty cluster"
        if not self.history:
            return None
        fall, size = self.objective - objective, abs(self.objective)
        if fall < -_ROUNDING[np.dtype(self.rows.dtype)] * size:
            return "no descent"
        return "converged" if fall <= self.tol * size else None

    def _assign(self, prototypes):
        """Assign rows to prototypes that stay where they are."""
        if self.rows.laplacian == 0:
            return *self.rows.nearest(prototypes), 1
        cost = self.rows.costs(prototypes)
        state = self.state if self.history else self.rows.start(cost)
        return self._relax(cost, state)

    def _relax(self, cost, state):
        """Sweep until the objective stands still."""
        schedule, half = _Schedule(self.threshold), 0.5 * self.rows.laplacian
        separable = value = None
        for _ in range(self.max_inner):
            state, totals = self.rows.sweep(
                cost, state, full=schedule.full, threshold=schedule.threshold
            )
            # A sweep tells the graph's term of the assignments that it starts from.
            last, value = value, _less(separable, half * totals.coupling)
            separable = totals.separable
            if schedule.is_over(self._change(last, value, schedule), totals.n_moved):
                break
        return state, separable - half * self.rows.coupling(state), schedule.n_sweeps

    def _change(self, last, value, schedule):
        """Compare with tol_inner; None where there is nothing to compare."""
        if last is None:
            return None
        if schedule.n_full >= 1 and schedule.full:
            rise = (value - last) / max(abs(last), np.finfo(np.float64).tiny)
            self.largest_rise = max(self.largest_rise, rise)
        return abs(value - last) <= self.tol_inner * abs(last)


class _Schedule:
    """When to sweep all rows: at first, and twice in a row before the end."""

    def __init__(self, threshold):
        self.threshold, self.full = threshold, True
        self.n_sweeps, self.n_full, self._is_check = 0, 0, False

    def is_over(self, stands_still, n_moved):
        """Decide on the next sweep; `stands_still` is None if that is not known yet."""
        self.n_sweeps += 1
        self.n_full = self.n_full + 1 if self.full else 0
        if not self.full:
            self.full = self._is_check = bool(stands_still) or n_moved == 0
        elif self.n_full >= 2 and stands_still is not None:
            if stands_still:
                return True
            self._refine()
        return False

    def _refine(self):
        """Go back to the rows that move; a check that failed calls for smaller moves."""
        self.full = False
        if self._is_check:
            self.threshold /= 10


def _less(first, second):
    return None if first is None else first - second
