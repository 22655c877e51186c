# SPDX-License-Identifier: BSD-3-Clause
"""celer: working sets and dual extrapolation."""

import warnings

import numpy as np
from benchmark_utils import EstimatorSolver
from celer import Lasso


class Solver(EstimatorSolver):
    name = "celer"
    requirements = ["pip::celer"]

    def refusal(self):
        return "celer needs alpha > 0" if self.strength == 0 else None

    def make_estimator(self):
        return Lasso(
            alpha=self.alpha, fit_intercept=self.fit_intercept, positive=self.positive
        )

    def path(self, strengths, tolerance):
        """One call of celer's own path where there is no intercept."""
        if self.fit_intercept:
            return super().path(strengths, tolerance)
        self.estimator.set_params(tol=tolerance)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            coefs = self.estimator.path(self.X, self.y, alphas=strengths / len(self.y))[
                1
            ].T
        return coefs, np.zeros(len(coefs))
