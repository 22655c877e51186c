# SPDX-License-Identifier: BSD-3-Clause
"""skglm: proximal Newton steps on working sets."""

from benchmark_utils import EstimatorSolver
from skglm import SparseLogisticRegression


class Solver(EstimatorSolver):
    name = "skglm"
    requirements = ["pip::skglm"]

    def own_tolerance(self, tolerance):
        """Its tolerance bounds the violation, of which alpha is the unit."""
        return tolerance * self.alpha

    def make_estimator(self):
        return SparseLogisticRegression(
            alpha=self.alpha, fit_intercept=self.fit_intercept, max_iter=200
        )
