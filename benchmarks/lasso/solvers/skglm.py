# SPDX-License-Identifier: BSD-3-Clause
"""skglm: working sets and Anderson extrapolation."""

from benchmark_utils import EstimatorSolver
from skglm import Lasso


class Solver(EstimatorSolver):
    name = "skglm"
    requirements = ["pip::skglm"]

    def refusal(self):
        return "skglm's Lasso needs alpha > 0" if self.strength == 0 else None

    def own_tolerance(self, tolerance):
        """Its tolerance bounds the violation, of which alpha is the unit."""
        return tolerance * self.alpha

    def make_estimator(self):
        return Lasso(
            alpha=self.alpha,
            fit_intercept=self.fit_intercept,
            positive=self.positive,
            max_iter=1_000,
        )
