# SPDX-License-Identifier: BSD-3-Clause
"""skglm: working sets and Anderson extrapolation."""

from benchmark_utils import EstimatorSolver
from skglm import ElasticNet


class Solver(EstimatorSolver):
    name = "skglm"
    requirements = ["pip::skglm"]

    def own_tolerance(self, tolerance):
        """Its tolerance bounds the violation, of which alpha is the unit."""
        return tolerance * self.alpha

    def make_estimator(self):
        return ElasticNet(
            alpha=self.alpha,
            fit_intercept=self.fit_intercept,
            l1_ratio=self.l1_ratio,
            max_iter=1_000,
        )
