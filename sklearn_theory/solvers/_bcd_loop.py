# SPDX-License-Identifier: BSD-3-Clause
"""The driver of block coordinate descent: loop, budget, stopping and history."""

import warnings
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from ._combinations import check_combination
from ._datafits._base import Datafit
from ._datafits._smooth import SmoothDatafit
from ._duality import dual_gap, is_certifiable
from ._history import History
from ._penalties._none import NoPenalty
from ._problem import Problem
from ._registry import build
from ._tracking import make_tracking

_GAP_EVERY = 10
_ROUNDING = 1e-8


@dataclass(frozen=True)
class BCDResult:
    """What a run of block coordinate descent ended with.

    Parameters
    ----------
    x : ndarray of shape (n_coordinates,)
        The coordinates.

    value : float
        The objective there.

    n_iter : int
        The number of block updates.

    stop_reason : {"dual gap", "optimality", "stalled", "max_iter", "not finite", \
            "callback"}
        Why the run ended.

    violation : float
        The largest violation of optimality over root `L_i`, as a share of the largest
        derivative at zero.

    dual_gap : float
        An upper bound of the objective minus its minimum; NaN if none is known.

    history : dict or None
        The course of the run, if it was recorded.
    """

    x: np.ndarray
    value: float
    n_iter: int
    stop_reason: str
    violation: float
    dual_gap: float
    history: dict | None

    @property
    def converged(self):
        """Whether the run ended at the tolerance, or could not move any more."""
        return self.stop_reason in ("dual gap", "optimality", "stalled")


def minimize(
    problem,
    x0=None,
    *,
    penalty=None,
    partition="variable",
    selection="gsd",
    update="matrix",
    block_size=5,
    max_iter=500,
    tol=1e-6,
    gradient_tracking="auto",
    random_state=None,
    record=False,
):
    """Minimise a smooth function, plus a penalty, by block coordinate descent.

    Parameters
    ----------
    problem : datafit or object
        A datafit of this package; or any object with the methods ``value(x)`` and
        ``grad(x)``, the attribute ``L`` (Lipschitz constants of the partial
        derivatives), and, if wanted, ``block_hessian(x, block)`` and
        ``block_bound(block)``. Without the latter a block's Hessian is bounded by its
        size times the diagonal of its constants.

    x0 : array-like of shape (n_coordinates,), default=None
        Where to start; the feasible point nearest to zero if None.

    penalty : penalty object, default=None
        What is added to the function; nothing if None.

    partition : str, array-like of int or partition object, default="variable"
        How coordinates are cut into blocks, as for :class:`BCDSolver`.

    selection : str or selection object, default="gsd"
        Which block is next, as for :class:`BCDSolver`.

    update : str or update object, default="matrix"
        How a block is updated, as for :class:`BCDSolver`.

    block_size : int, default=5
        The number of coordinates in a block.

    max_iter : int, default=500
        The number of block updates.

    tol : float, default=1e-6
        The tolerance, as for :class:`BCDSolver`.

    gradient_tracking : {"auto", "gram", "rows", "full", "none"}, default="auto"
        How the gradient is kept, as for :class:`BCDSolver`.

    random_state : int, RandomState instance or None, default=None
        Determines random selections.

    record : bool, default=False
        Whether to keep the history.

    Returns
    -------
    result : BCDResult
        The solution and how it was found.

    See Also
    --------
    BCDSolver : The same as an estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.solvers import minimize
    >>> class Bowl:
    ...     L = np.array([2.0, 2.0])
    ...
    ...     def value(self, x):
    ...         return float(((x - 1) ** 2).sum())
    ...
    ...     def grad(self, x):
    ...         return 2 * (x - 1)
    >>> minimize(Bowl(), update="gradient", block_size=1).x
    array([1., 1.])
    """
    run = BCDRun(
        problem if isinstance(problem, Datafit) else SmoothDatafit(problem),
        NoPenalty() if penalty is None else penalty,
        partition=partition,
        selection=selection,
        update=update,
        block_size=block_size,
        max_iter=max_iter,
        tol=tol,
        gradient_tracking=gradient_tracking,
        random_state=random_state,
        record=record,
        x0=x0,
    )
    for count in run.chunks(max_iter):
        run.advance(count)
    result = run.result()
    warn_unless_converged(result, tol, stacklevel=3)
    return result


class BCDRun:
    """One run, which can be advanced a few iterations at a time.

    The parameters are those of :func:`minimize`.

    Attributes
    ----------
    problem, partition, selection, update, tracking : object
        The parts.

    blocks : list of ndarray or None
        The fixed blocks.

    state : State
        Where the run stands.

    stop_reason : str or None
        Why it ended, None while it goes on.

    last_support_change : int
        The last update at which a coordinate came to or left a kink or a bound.

    violation_unit, gap_unit : float
        What `tol` is multiplied with.
    """

    def __init__(
        self,
        datafit,
        penalty,
        *,
        partition,
        selection,
        update,
        block_size,
        max_iter,
        tol,
        gradient_tracking,
        random_state,
        record,
        x0=None,
    ):
        began = perf_counter()
        self.problem = Problem(datafit, penalty)
        self.max_iter, self.tol = max_iter, tol
        self.partition = as_partition(partition)
        self.selection = build("selections", selection, "selection")
        self.update = build("updates", update, "update")
        check_combination(self.problem, self.partition, self.selection, self.update)
        self.tracking = make_tracking(
            gradient_tracking, self.problem, self.selection.needs_gradient, block_size
        )
        self.stop_reason = None
        self.last_support_change = 0
        self._set_up(block_size, check_random_state(random_state))
        self._start(x0)
        self.history = History(self, began) if record else None
        self._check()

    def _set_up(self, block_size, rng):
        """Cut blocks and prepare the rules; a problem without free coordinates ends."""
        self.blocks = None
        self._epoch = max(1, -(-len(self.problem.free) // block_size))
        if not len(self.problem.free):
            self.stop_reason = "optimality"
            return
        self.blocks = self.partition.blocks(self.problem, block_size)
        if self.blocks is not None:
            self._epoch = len(self.blocks)
        self.selection.setup(self.problem, self.blocks, block_size, rng)
        self.update.setup(self.problem, self.blocks)

    def _start(self, x0):
        if x0 is not None and np.shape(x0) != (self.problem.n_coordinates,):
            raise ValueError(
                f"x0 must have shape ({self.problem.n_coordinates},), "
                f"got {np.shape(x0)}."
            )
        self.state = self.problem.initial_state(x0)
        self.update.start(self.state)
        self.tracking.start(self.state)
        self._is_certifiable = is_certifiable(self.problem)
        self._stuck = False
        zero = self.state if x0 is None else self.problem.initial_state()
        gradient = zero.gradient
        if gradient is None:
            gradient = self.problem.gradient(zero)
        derivatives = np.abs(gradient[self.problem.free])
        root = np.sqrt(self.problem.lipschitz[self.problem.free])
        self.violation_unit = float((derivatives / root).max(initial=0.0))
        self.gap_unit = abs(self.problem.value(zero))

    def chunks(self, size):
        """Yield how many iterations to advance by, until the run ends."""
        while self.stop_reason is None and self.state.iteration < self.max_iter:
            yield min(size, self.max_iter - self.state.iteration)

    def advance(self, count):
        """Run so many iterations, or fewer if the run ends."""
        for _ in range(count):
            if self.stop_reason is not None:
                return
            self.iterate()

    def iterate(self):
        """Select a block, update it, and see whether to stop."""
        state = self.state
        block = self.selection.choose(state)
        step, bound = self.update.step(state, block)
        if not np.isfinite(step).all():
            self.stop_reason = "not finite"
            return
        before = state.x[block]
        self.tracking.move(state, block, step)
        self._watch_support(block, before)
        if self.history is not None:
            self.history.append(block, bound, before)
        if self._is_stuck(step):
            self.stop_reason = "stalled"
        self._check()

    def _watch_support(self, block, before):
        """Remember when a coordinate last came to or left a kink or a bound."""
        if self.problem.composite:
            penalty = self.problem.penalty
            now_at_kink = penalty.at_kink(self.state.x[block], block)
            if (now_at_kink != penalty.at_kink(before, block)).any():
                self.last_support_change = self.state.iteration

    def _is_stuck(self, step):
        """Tell whether a rule without chance will repeat a step of zero for ever."""
        if step.any() or not self.selection.needs_gradient:
            self._stuck = False
            return False
        was_stuck, self._stuck = self._stuck, True
        self.tracking.refresh(self.state)
        return was_stuck

    def _check(self):
        """Stop at the tolerance; without a gradient, look once an epoch."""
        iteration = self.state.iteration
        if self.state.gradient is None and iteration % self._epoch:
            return
        gradient = self.current_gradient()
        if self.violation(gradient) <= self.tol * self.violation_unit:
            self.stop_reason = "optimality"
        elif self._is_certifiable and iteration % _GAP_EVERY == 0 and self.tol > 0:
            gap = dual_gap(self.problem, self.state, gradient)
            if gap <= self.tol * self.gap_unit:
                self.stop_reason = "dual gap"

    def current_gradient(self):
        """Return the gradient, tracked or computed."""
        if self.state.gradient is not None:
            return self.state.gradient
        return self.problem.gradient(self.state)

    def violation(self, gradient):
        """Return the largest violation of optimality."""
        return float(self.problem.violations(self.state, gradient).max(initial=0.0))

    def result(self):
        """Collect what the run ended with, from a gradient computed anew."""
        reason = self.stop_reason
        if reason is None:
            reason = "max_iter" if self.state.iteration >= self.max_iter else "callback"
        self.tracking.refresh(self.state)
        gradient = self.current_gradient()
        violation = self.violation(gradient)
        if reason == "max_iter" and violation <= self.tol * self.violation_unit:
            reason = "optimality"
        return BCDResult(
            x=self.state.x,
            value=self.problem.value(self.state),
            n_iter=self.state.iteration,
            stop_reason=reason,
            violation=violation / (self.violation_unit or 1.0),
            dual_gap=float(dual_gap(self.problem, self.state, gradient, polish=True)),
            history=None if self.history is None else self.history.as_dict(),
        )


def as_partition(partition):
    """Make a partition from a name, block numbers, or the user's own object."""
    from ._partitions._base import Partition
    from ._partitions._explicit import ExplicitPartition

    if isinstance(partition, (str, Partition)):
        return build("partitions", partition, "partition")
    return ExplicitPartition(partition)


def warn_unless_converged(result, tol, stacklevel):
    """Warn once if a run with a tolerance did not reach it.

    Parameters
    ----------
    result : BCDResult
        What the run ended with.

    tol : float
        The tolerance; with 0 the user asked for all iterations, and gets no warning.

    stacklevel : int
        How many frames up the user's own line is.
    """
    if result.stop_reason == "not finite":
        message = (
            f"A step was not finite after {result.n_iter} iterations; the point before "
            "it is returned. Check that the constants L bound the curvature."
        )
    elif tol > 0 and _is_short_of(result, tol):
        gap = "no known dual gap"
        if np.isfinite(result.dual_gap):
            gap = f"a dual gap of {result.dual_gap:.3g}"
        message = (
            f"{result.n_iter} iterations reached {gap} and a relative violation of "
            f"optimality of {result.violation:.3g}, and not the tolerance {tol:.3g}. "
            "Raise max_iter or block_size, or raise tol."
        )
    else:
        return
    warnings.warn(message, ConvergenceWarning, stacklevel=stacklevel)


def _is_short_of(result, tol):
    """Tell whether a run is not done; a stall at rounding is done."""
    if result.stop_reason == "stalled":
        return result.violation > max(tol, _ROUNDING)
    return result.stop_reason == "max_iter"
