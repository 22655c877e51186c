# SPDX-License-Identifier: BSD-3-Clause
"""celer: working sets and dual extrapolation."""

from benchmark_utils import EstimatorSolver
from celer import ElasticNet


class Solver(EstimatorSolver):
    name = "celer"
    requirements = ["pip::celer"]

    def make_estimator(self):
        return ElasticNet(
            alpha=self.alpha, fit_intercept=self.fit_intercept, l1_ratio=self.l1_ratio
        )
