# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's LabelPropagation with the same weights, which it holds dense."""

from benchmark_utils import LARGEST_DENSE, scikit_learn
from benchopt import BaseSolver


class Solver(BaseSolver):
    name = "scikit-learn"
    sampling_strategy = "tolerance"

    def get_next(self, tolerance):
        return max(min(tolerance, 0.1) / 10, 1e-12)

    def skip(self, weights, codes):
        too_large = len(codes) > LARGEST_DENSE
        return too_large, "holds the weights dense" if too_large else None

    def set_objective(self, weights, codes):
        self.weights, self.codes = weights, codes

    def run(self, tolerance):
        self.values = scikit_learn(self.weights, self.codes, min(tolerance, 0.1))

    def get_result(self):
        return {"values": self.values}
