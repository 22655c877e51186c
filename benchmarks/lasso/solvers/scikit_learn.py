# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's coordinate descent."""

import warnings

import numpy as np
from benchmark_utils import EstimatorSolver
from sklearn.linear_model import Lasso


class Solver(EstimatorSolver):
    name = "scikit-learn"

    def refusal(self):
        return "scikit-learn's Lasso needs alpha > 0" if self.strength == 0 else None

    def make_estimator(self):
        return Lasso(
            alpha=self.alpha,
            fit_intercept=self.fit_intercept,
            positive=self.positive,
            max_iter=1_000_000,
        )

    def path(self, strengths, tolerance):
        """One call of scikit-learn's own path where there is no intercept."""
        if self.fit_intercept:
            return super().path(strengths, tolerance)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            coefs = self.estimator.path(
                self.X,
                self.y,
                alphas=strengths / len(self.y),
                l1_ratio=1.0,
                tol=tolerance,
                max_iter=1_000_000,
            )[1].T
        return coefs, np.zeros(len(coefs))
