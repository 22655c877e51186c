# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's saga: incremental gradients."""

import numpy as np
from benchmark_utils import EstimatorSolver
from sklearn.linear_model import LogisticRegression

# Passes over the data are limited to about as many entries: some seconds.
ENTRIES = 2e9


class Solver(EstimatorSolver):
    name = "scikit-learn-saga"
    family = "scikit-learn"
    layout = "csr"

    def make_estimator(self):
        return LogisticRegression(
            C=self.C,
            l1_ratio=self.l1_ratio,
            solver="saga",
            fit_intercept=self.fit_intercept,
            max_iter=max(50, int(ENTRIES / (self.X.size * len(np.unique(self.y))))),
            random_state=0,
        )
