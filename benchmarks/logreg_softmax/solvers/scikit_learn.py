# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's solvers of smooth problems."""

from benchmark_utils import EstimatorSolver
from sklearn.linear_model import LogisticRegression


class Solver(EstimatorSolver):
    name = "scikit-learn"
    parameters = {"solver": ["lbfgs", "newton-cg", "newton-cholesky"]}
    layout = "csr"

    def refusal(self):
        return f"{self.solver} takes no L1 penalty" if self.l1_ratio > 0 else None

    def make_estimator(self):
        return LogisticRegression(
            C=self.C,
            l1_ratio=0.0,
            solver=self.solver,
            fit_intercept=self.fit_intercept,
            max_iter=100_000,
        )
