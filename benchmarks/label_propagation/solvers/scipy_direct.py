# SPDX-License-Identifier: BSD-3-Clause
"""scipy's sparse LU decomposition, once for all classes."""

from benchmark_utils import direct
from benchopt import BaseSolver


class Solver(BaseSolver):
    name = "scipy-direct"
    sampling_strategy = "run_once"

    def set_objective(self, weights, codes):
        self.weights, self.codes = weights, codes

    def run(self, tolerance):
        self.values = direct(self.weights, self.codes, 0)

    def get_result(self):
        return {"values": self.values}
