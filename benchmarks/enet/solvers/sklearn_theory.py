# SPDX-License-Identifier: BSD-3-Clause
"""This library: coordinate descent finds the signs, conjugate gradients the values."""

from benchmark_utils import EstimatorSolver

from sklearn_theory.linear_model import ElasticNet


class Solver(EstimatorSolver):
    name = "sklearn_theory"

    def make_estimator(self):
        return ElasticNet(
            alpha=self.alpha,
            l1_ratio=self.l1_ratio,
            fit_intercept=self.fit_intercept,
            max_iter=1_000,
        )
