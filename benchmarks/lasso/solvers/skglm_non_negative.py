# SPDX-License-Identifier: BSD-3-Clause
"""skglm's coordinate descent for plain non-negative least squares."""

import numpy as np
from benchmark_utils import EstimatorSolver
from skglm import GeneralizedLinearEstimator
from skglm.datafits import Quadratic
from skglm.penalties import PositiveConstraint
from skglm.solvers import AndersonCD


class Solver(EstimatorSolver):
    name = "skglm-non-negative"
    family = "skglm"
    test_config = {"dataset": {"problem": "small_nnls_no_penalty"}}
    requirements = ["pip::skglm"]

    def refusal(self):
        return "for plain non-negative least squares" if self.strength > 0 else None

    def own_tolerance(self, tolerance):
        """Its tolerance bounds the violation, of which this is a natural unit."""
        return tolerance * np.max(self.X.T @ self.y) / len(self.y)

    def make_estimator(self):
        return GeneralizedLinearEstimator(
            Quadratic(),
            PositiveConstraint(),
            AndersonCD(max_iter=1_000, fit_intercept=self.fit_intercept),
        )

    def run(self, tolerance):
        self.estimator.solver.tol = self.own_tolerance(min(tolerance, 0.1))
        self.estimator.fit(self.X, self.y)
