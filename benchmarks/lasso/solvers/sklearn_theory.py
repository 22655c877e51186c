# SPDX-License-Identifier: BSD-3-Clause
"""This library: coordinate descent finds the signs, conjugate gradients the values."""

import numpy as np
from benchmark_utils import EstimatorSolver

from sklearn_theory.linear_model import Lasso, NonNegativeLeastSquares


class Solver(EstimatorSolver):
    name = "sklearn_theory"

    def make_estimator(self):
        kind = NonNegativeLeastSquares if self.positive else Lasso
        return kind(alpha=self.alpha, fit_intercept=self.fit_intercept, max_iter=1_000)

    def path(self, strengths, tolerance):
        """One call of its own path, which centres implicitly."""
        coefs = self.estimator.path(
            self.X,
            self.y,
            alphas=strengths / len(self.y),
            l1_ratio=1.0,
            positive=self.positive,
            fit_intercept=self.fit_intercept,
            tol=tolerance,
        )[1].T
        if not self.fit_intercept:
            return coefs, np.zeros(len(coefs))
        means = np.asarray(self.X.mean(axis=0)).ravel()
        return coefs, self.y.mean() - coefs @ means
