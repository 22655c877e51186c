# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn by scipy's active-set method: exact, for plain non-negative problems."""

from benchmark_utils import EstimatorSolver
from scipy import sparse
from sklearn.linear_model import LinearRegression


class Solver(EstimatorSolver):
    name = "scipy-nnls"
    family = "scikit-learn"
    test_config = {"dataset": {"problem": "small_nnls_no_penalty"}}

    def refusal(self):
        if self.strength > 0 or sparse.issparse(self.X):
            return "for plain non-negative least squares on dense data"
        return None

    def make_estimator(self):
        return LinearRegression(fit_intercept=self.fit_intercept, positive=True)

    def run(self, tolerance):
        """Exact at any tolerance."""
        self.estimator.fit(self.X, self.y)
