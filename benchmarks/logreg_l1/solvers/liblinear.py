# SPDX-License-Identifier: BSD-3-Clause
"""liblinear through scikit-learn: coordinate descent with Newton steps."""

from benchmark_utils import EstimatorSolver
from sklearn.linear_model import LogisticRegression


class Solver(EstimatorSolver):
    name = "liblinear"
    layout = "csr"

    def refusal(self):
        return "liblinear penalises the intercept" if self.fit_intercept else None

    def make_estimator(self):
        return LogisticRegression(
            C=self.C,
            l1_ratio=1.0,
            solver="liblinear",
            fit_intercept=False,
            max_iter=200,
            random_state=0,
        )
