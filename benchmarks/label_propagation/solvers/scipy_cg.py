# SPDX-License-Identifier: BSD-3-Clause
"""scipy's conjugate gradients, scaled by the diagonal, a class at a time."""

from benchmark_utils import conjugate_gradients
from benchopt import BaseSolver


class Solver(BaseSolver):
    name = "scipy-cg"
    sampling_strategy = "tolerance"

    def get_next(self, tolerance):
        return max(min(tolerance, 0.1) / 10, 1e-12)

    def set_objective(self, weights, codes):
        self.weights, self.codes = weights, codes

    def run(self, tolerance):
        self.values = conjugate_gradients(self.weights, self.codes, min(tolerance, 0.1))

    def get_result(self):
        return {"values": self.values}
