# SPDX-License-Identifier: BSD-3-Clause
"""celer: proximal Newton steps on working sets."""

from benchmark_utils import EstimatorSolver
from celer import LogisticRegression


class Solver(EstimatorSolver):
    name = "celer"
    requirements = ["pip::celer"]

    def refusal(self):
        return "celer fits no logistic intercept" if self.fit_intercept else None

    def make_estimator(self):
        return LogisticRegression(C=self.C)
