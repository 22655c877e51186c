# SPDX-License-Identifier: BSD-3-Clause
"""What losses with varying curvature share: proximal Newton steps, line search."""

import numpy as np

MAX_PASSES = 100
_MAX_HALVINGS = 40
_MAX_INTERCEPT_STEPS = 50
_SUFFICIENT = 0.01
_ROUNDING = 1e-14


class NewtonFace:
    """A loss that descends by proximal Newton steps on working sets.

    Subclasses hold ``w``, the margins ``z`` without the intercept, and the intercept,
    and implement ``_evaluate()``, which sets the loss and the negative gradient ``u`` at
    the margins; ``_image(subset, factors)``, the margins of coefficients;
    ``_intercept_step()``, a Newton step for the intercept with the decrease that it
    promises; and ``_minimise_model(working, penalty, threshold, max_passes)``.
    """

    progress = 0.0

    def start(self, w, intercept):
        """Put the point at `w` and `intercept`."""
        self.w = np.array(w, dtype=float)
        self._intercept = intercept
        self.z = self._image_of_point()
        self._evaluate()

    def loss(self):
        """Evaluate the loss."""
        return self._loss

    def settle(self, target):
        """Minimise over the intercept, so that the dual point is feasible."""
        if not self.fit_intercept:
            return
        for _ in range(_MAX_INTERCEPT_STEPS):
            step, promised = self._intercept_step()
            # What the intercept could still gain, and by how much it makes the dual
            # value wrong, is then negligible.
            least = max(target, _ROUNDING * self._loss)
            if not promised > 1e-3 * least and abs(self._imbalance()) <= 1e-2 * least:
                return
            loss, intercept = self._loss, self._intercept
            for _ in range(_MAX_HALVINGS):
                self._intercept = intercept + step
                self._evaluate()
                if self._loss <= loss:
                    break
                step = step / 2

    def _imbalance(self):
        """By how much a dual point that does not balance the intercept errs."""
        return float(np.sum(self._intercept * self.u.sum(axis=-1, keepdims=True)))

    def _slack(self, factor):
        """What to take off a dual value whose point was not balanced to the end.

        With residuals `u` that sum to `d`, the entropy bounds the objective at the
        present intercept `b` only up to ``b d``; the rest is what a step may gain.
        """
        if not self.fit_intercept:
            return 0.0
        return factor * self._imbalance() + self._intercept_step()[1]

    def take_dual_point(self):
        """Nothing to do: the dual point is made of the probabilities."""

    def preferred_factor(self, squares):
        """The multiple of the dual point that is the best one at the optimum."""
        return 1.0

    def release(self, correlation, subset, penalty):
        """Judge free coordinates by the gain that their curvature leaves possible.

        The dual constraints of free coordinates are equations that no multiple of the
        dual point meets; what their slopes could still gain is added to the gap, which
        with free coordinates is therefore an estimate.
        """
        held = penalty.held(subset, self.w)
        free = subset[held]
        slope = np.abs(correlation[held])
        slack = slope @ np.abs(self.w[free])
        slack += np.sum(slope**2 / np.maximum(self.curvature[free], 1e-300))
        return correlation, slack

    def descend(self, working, penalty, threshold, max_passes):
        """Make one proximal Newton step; returns the number of inner passes."""
        w_new, intercept_step, passes = self._minimise_model(
            working, penalty, threshold, min(max_passes, MAX_PASSES)
        )
        step = w_new - self.w[working]
        moved = step != 0
        image = self._image(working[moved], step[moved])
        self._search_line(working, step, intercept_step, image, penalty)
        return passes

    def rebuild(self):
        """Compute the margins anew; tell whether the tracked ones were accurate."""
        tracked = self.z
        self.z = self._image_of_point()
        self._evaluate()
        drift = np.abs(tracked - self.z).max(initial=0)
        return bool(drift <= 1e-9 * max(1.0, np.abs(self.z).max(initial=0)))

    def _image_of_point(self):
        support = np.flatnonzero(self.w)
        return self._image(support, self.w[support])

    def _search_line(self, working, step, intercept_step, image, penalty):
        """Halve the step until the objective falls as its slope promises."""
        loss, z, intercept = self._loss, self.z, self._intercept
        w = self.w[working]
        value = penalty.value_on(working, w)
        slope = -np.sum(self.u * (image + intercept_step))
        slope += penalty.value_on(working, w + step) - value
        length = 1.0
        for _ in range(_MAX_HALVINGS):
            self.z = z + length * image
            self._intercept = intercept + length * intercept_step
            self._evaluate()
            change = self._loss - loss - value
            change += penalty.value_on(working, w + length * step)
            if change <= _SUFFICIENT * length * slope + 1e-13 * loss:
                self.w[working] = w + length * step
                self.progress -= _SUFFICIENT * length * slope
                return
            length /= 2
        self.z, self._intercept = z, intercept
        self._evaluate()
