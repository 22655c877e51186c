# SPDX-License-Identifier: BSD-3-Clause
"""skglm: proximal Newton steps on working sets, for two classes."""

from benchmark_utils import EstimatorSolver
from skglm import SparseLogisticRegression


class Solver(EstimatorSolver):
    name = "skglm"
    requirements = ["pip::skglm"]

    def refusal(self):
        if self.model == "softmax":
            return "skglm has no softmax loss"
        return "skglm needs an L1 part" if self.l1_ratio == 0 else None

    def own_tolerance(self, tolerance):
        """Its tolerance bounds the violation, of which alpha is the unit."""
        return tolerance * self.alpha

    def make_estimator(self):
        return SparseLogisticRegression(
            alpha=self.alpha,
            l1_ratio=self.l1_ratio,
            fit_intercept=self.fit_intercept,
            max_iter=200,
        )
