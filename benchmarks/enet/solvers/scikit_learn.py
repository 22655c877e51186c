# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's coordinate descent."""

from benchmark_utils import EstimatorSolver
from sklearn.linear_model import ElasticNet


class Solver(EstimatorSolver):
    name = "scikit-learn"

    def make_estimator(self):
        return ElasticNet(
            alpha=self.alpha,
            fit_intercept=self.fit_intercept,
            l1_ratio=self.l1_ratio,
            max_iter=1_000_000,
        )
