# SPDX-License-Identifier: BSD-3-Clause
"""This library: the Lasso's steps on rescaled columns."""

from benchmark_utils import EstimatorSolver

from sklearn_theory.linear_model import LogisticRegression


class Solver(EstimatorSolver):
    name = "sklearn_theory"

    def make_estimator(self):
        return LogisticRegression(
            C=self.C,
            l1_ratio=self.l1_ratio,
            fit_intercept=self.fit_intercept,
            max_iter=1_000,
        )
