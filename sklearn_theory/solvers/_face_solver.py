# SPDX-License-Identifier: BSD-3-Clause
r"""The face method: variable blocks, chosen greedily, solved until a gap is certified.

It minimises ``loss(X w) + penalty(w)``. Each round is a variable block of the paper's
kind: the coordinates that violate their optimality condition most, with all that are
not zero. Within the round, coordinate descent finds the signs and conjugate gradients
solve the system of the face (:mod:`._face_fast`). Around it stand a duality gap, safe
screening by it, pricing of a part of the coordinates in most rounds, and a tolerance
that jumps to the target once the support is found.

The loss is an object such as :class:`~._face_squared.SquaredFace`: it holds the point
and knows its correlations, its dual values and how to descend on a working set.
"""

import numpy as np

_FIRST_SIZE = 50
_GROWTH = 3
_PRICED_ROUNDS = 4
_MAX_STALLED = 4
_LEAST_GAP = 1e-14


class FaceSolver:
    """Minimise a loss plus a separable penalty to a certified duality gap.

    Parameters
    ----------
    fit : object
        The loss, holding the point from which the descent starts.

    penalty : FacePenalty
        The penalty.

    target : float
        The duality gap to reach, in the units of the objective.

    max_passes : int
        How many passes over working sets may be made in all.

    step_tol : float or None, default=None
        If given, the last pass must also have moved no coefficient by more than this
        share of the largest one.

    candidates : ndarray or None, default=None
        Coordinates to begin with, where others are known to be unlikely. What they miss
        is found when all coordinates are measured at the end.

    rng : numpy.random.RandomState or None, default=None
        Draws the order of the coordinates in each round; None visits them in turn.

    Attributes
    ----------
    gap, objective : float
        At the latest measurement.

    n_passes : int
        Passes made.

    converged : bool
        Whether the target was reached.

    exhausted : bool
        Whether it was given up: all passes were made, or rounding allows no more.

    history : dict of lists
        One entry for each measurement.
    """

    def __init__(
        self,
        fit,
        penalty,
        *,
        target,
        max_passes,
        step_tol=None,
        candidates=None,
        rng=None,
    ):
        self.fit, self.penalty, self.target = fit, penalty, target
        self.step_tol = step_tol
        self.max_passes, self.rng = max_passes, rng
        self.n_passes = 0
        self.converged = self.exhausted = False
        self.history = {name: [] for name in _HISTORY}
        self._last_support = None
        self._usable = np.flatnonzero((fit.curvature > 0) & np.isfinite(penalty.l1))
        self._in_working_set = np.zeros(len(penalty.l1), dtype=bool)
        self._size = 0
        self._restart()
        self._is_partial = candidates is not None
        if self._is_partial:
            self._keep = candidates

    def rounds(self):
        """Measure and descend in turn; yields after each measurement."""
        stalled, smallest = 0, np.inf
        while True:
            self._measure()
            if self._is_partial and self.gap <= self.target:
                self._measure_all()
            if self.gap <= self.target:
                self._settle_steps()
                self.converged = self._is_confirmed()
            yield self
            stalled = 0 if self.gap < smallest else stalled + 1
            smallest = min(smallest, self.gap)
            if self.converged:
                return
            stuck = stalled > _MAX_STALLED and self._floor >= self._threshold
            if stuck or self.n_passes >= self.max_passes:
                self._give_up()
                return
            self._screen()
            self._descend()

    def _give_up(self):
        """Stop short of the target, with a gap that is certified all the same."""
        self.exhausted = True
        if self._is_partial or np.isinf(self.gap):
            self._measure_all(certify=True)

    def likely_candidates(self, penalty):
        """Guess which coordinates a weaker penalty lets in, by the strong rule.

        Slopes change by no more than the penalty does, as a rule.
        """
        weaker = self.penalty.l1[self._keep] - penalty.l1[self._keep]
        likely = (self._excess >= -2 * weaker) | (self.fit.w[self._keep] != 0)
        return self._keep[likely]

    def history_per_unit(self, total):
        """The history as arrays, with objectives and gaps divided by a total weight."""
        arrays = {name: np.array(values) for name, values in self.history.items()}
        for name in ("objective", "dual_gap", "guaranteed_progress"):
            arrays[name] = arrays[name] / total
        return arrays

    def measured_excess(self):
        """The coordinates of the latest measurement, and their excess slopes."""
        return self._keep, self._excess

    def _restart(self):
        """Consider every usable coordinate again, and no dual point."""
        self._keep = self._usable
        self._best_dual, self._factor = -np.inf, 0.0
        self._threshold = np.inf
        self._is_partial = False

    def _measure_all(self, certify=False):
        self._restart()
        self._measure(certify)

    def _measure(self, certify=False):
        """Evaluate slopes, objective and duality gap at the present point.

        With free coordinates a dual point costs a projection. It is left for later where
        the gap cannot be small yet, unless `certify` asks for it.
        """
        fit, penalty, keep = self.fit, self.penalty, self._keep
        fit.settle(self.target)
        correlation = fit.correlate(keep)
        self._slope = penalty.slope(correlation, keep, fit.w)
        self._excess = penalty.excess(self._slope, keep, fit.w)
        self._violation = max(self._excess.max(initial=0), 0.0)
        support = np.flatnonzero(fit.w)
        self.objective = fit.loss() + penalty.value_on(support, fit.w[support])
        dual, factor = self._dual(correlation, certify)
        self._is_best = dual > self._best_dual
        if self._is_best:
            self._best_dual, self._factor = dual, factor
        self.gap = max(self.objective - self._best_dual, 0.0)
        self._record(support)

    def _dual(self, correlation, certify):
        """The better of two dual values, and the factor of its dual point."""
        fit, penalty, keep = self.fit, self.penalty, self._keep
        slope, slack = self._slope, 0.0
        fit.take_dual_point()
        if penalty.has_free:
            if not certify and self._is_far_on_free_coordinates():
                return -np.inf, 0.0
            correlation, slack = fit.release(correlation, keep, penalty)
            slope = penalty.slope(correlation, keep, fit.w)
        squares = penalty.squares(fit.w)
        lowest, highest = penalty.shrinkage(slope, keep)
        factor = min(max(fit.preferred_factor(squares), lowest), highest)
        value = fit.dual(factor, squares) - slack
        if penalty.has_l2:
            other = fit.dual(1.0, 0.0) - penalty.conjugate(correlation, keep) - slack
            if not value >= other:
                return other, 1.0
        return value, factor

    def _is_far_on_free_coordinates(self):
        """Tell whether one step on one free coordinate alone would exceed the target."""
        free = self.penalty.free[self._keep]
        excess = np.maximum(self._excess[free], 0)
        gain = excess**2 / self.fit.curvature[self._keep[free]]
        least = max(self.target, _LEAST_GAP * self.fit.scale)
        return bool(gain.max(initial=0) > 2 * least)

    def _record(self, support):
        changed = not np.array_equal(support, self._last_support)
        self._last_support = support
        entry = (
            self.objective,
            self.gap,
            len(support),
            len(self._keep),
            self.n_passes,
            changed,
            self.fit.progress,
        )
        for name, value in zip(_HISTORY, entry):
            self.history[name].append(value)

    def _settle_steps(self):
        """Go on below the gap until the last pass moves the coefficients by little.

        The dual point stays, so the gap shrinks by as much as the objective falls.
        """
        fit, left = self.fit, self.max_passes - self.n_passes
        largest = np.abs(fit.w).max(initial=0)
        settled = self.step_tol is None or fit.last_step <= self.step_tol * largest
        if settled or left <= 0:
            return
        working = np.sort(self._keep[(fit.w[self._keep] != 0) | (self._excess > 0)])
        threshold = max(self._settling_threshold(), fit.rounding)
        self.n_passes += fit.descend(working, self.penalty, threshold, left)
        support = np.flatnonzero(fit.w)
        self.objective = fit.loss() + self.penalty.value_on(support, fit.w[support])
        self.gap = max(self.objective - self._best_dual, 0.0)
        self._record(support)

    def _is_confirmed(self):
        """Rebuild what was tracked; if it had drifted, start again from the truth."""
        if self.fit.rebuild():
            return True
        self._restart()
        return False

    def _screen(self):
        """Drop coordinates that are zero at every optimum, by the gap's safe sphere."""
        if not (self._is_best and np.isfinite(self.gap)):
            return
        fit, keep = self.fit, self._keep
        radius = fit.dual_radius(self.gap)
        slope = self._slope if self.penalty.positive else np.abs(self._slope)
        distance = self.penalty.l1[keep] - self._factor * slope
        stays = (distance <= radius * fit.norms[keep]) | (fit.w[keep] != 0)
        n_stays = np.count_nonzero(stays)
        if n_stays < 0.8 * len(keep) or n_stays < min(len(keep), 2000):
            self._keep = keep[stays]
            self._slope, self._excess = self._slope[stays], self._excess[stays]

    def _descend(self):
        """Descend on working sets, several for one full set of slopes where it pays."""
        fit, keep = self.fit, self._keep
        self._threshold = self._next_threshold()
        violation, excess = self._violation, self._excess
        self._size = self._next_size()
        candidates, n_rounds = keep, 1
        n_candidates = max(1000, 5 * self._size)
        if n_candidates < len(keep) / 2:
            chosen = _largest(excess, fit.w[keep] != 0, n_candidates)
            candidates, excess, n_rounds = keep[chosen], excess[chosen], _PRICED_ROUNDS
        self._in_working_set[:] = False
        for index in range(n_rounds):
            if index > 0:
                slope = fit.correlate(candidates)
                slope = self.penalty.slope(slope, candidates, fit.w)
                excess = self.penalty.excess(slope, candidates, fit.w)
                violation = max(excess.max(initial=0), 0.0)
                if violation <= 1.5 * self._threshold:
                    break
                self._size = self._next_size()
            threshold = self._threshold
            if n_rounds > 1:
                threshold = max(threshold, 0.3 * violation)
            working = self._working_set(candidates, excess, violation)
            left = self.max_passes - self.n_passes
            if left <= 0:
                break
            self.n_passes += max(fit.descend(working, self.penalty, threshold, left), 1)

    def _next_size(self):
        """How many coordinates a working set may hold."""
        return max(_FIRST_SIZE, _GROWTH * np.count_nonzero(self.fit.w))

    def _next_threshold(self):
        """How far to reduce the violation before the next measurement."""
        self._floor = max(1e-11 * self.penalty.strength, self.fit.rounding)
        need = 0.3 * self.target / self.gap
        share = max(0.1, min(0.5, need))
        if self._support_is_found():
            share = max(1e-4, min(0.5, need))
        return max(share * self._violation, self._floor)

    def _settling_threshold(self):
        """The violation below which no coordinate can move by much."""
        support = np.flatnonzero(self.fit.w)
        curvature = self.fit.curvature[support].min(initial=np.inf)
        largest = np.abs(self.fit.w[support]).max(initial=0)
        return 0.5 * self.step_tol * largest * curvature

    def _support_is_found(self):
        if self.n_passes == 0:
            return False
        return bool(self._in_working_set[self._keep[self._excess > 0]].all())

    def _working_set(self, candidates, excess, violation):
        """The coordinates that are not zero, and those that violate most."""
        nonzero = self.fit.w[candidates] != 0
        chosen = np.flatnonzero(nonzero | (excess > -3 * violation))
        if len(chosen) > self._size:
            chosen = chosen[_largest(excess[chosen], nonzero[chosen], self._size)]
        working = candidates[chosen]
        self._in_working_set[working] = True
        if self.rng is not None:
            return self.rng.permutation(working)
        return np.sort(working)


_HISTORY = (
    "objective",
    "dual_gap",
    "n_nonzero",
    "n_candidates",
    "n_passes",
    "support_changed",
    "guaranteed_progress",
)


def _largest(excess, must, size):
    """Positions of the `size` largest excesses, of which some must be among them."""
    if size >= len(excess):
        return np.arange(len(excess))
    ranked = np.where(must, np.inf, excess)
    size = max(size, np.count_nonzero(must))
    if size >= len(excess):
        return np.arange(len(excess))
    return np.argpartition(ranked, len(ranked) - size)[len(ranked) - size :]
