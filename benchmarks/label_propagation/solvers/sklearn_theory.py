# SPDX-License-Identifier: BSD-3-Clause
"""Message passing on forests."""

from benchmark_utils import message_passing
from benchopt import BaseSolver


class Solver(BaseSolver):
    name = "sklearn_theory"
    sampling_strategy = "tolerance"
    parameters = {
        "block_rule": ["greedy_tree", "tree_partition", "red_black", "random_tree"],
        "conjugate": [True, False],
    }

    def get_next(self, tolerance):
        return max(min(tolerance, 0.1) / 10, 1e-12)

    def set_objective(self, weights, codes):
        self.weights, self.codes = weights, codes

    def warm_up(self):
        self.run(0.1)

    def run(self, tolerance):
        self.values = message_passing(
            self.weights,
            self.codes,
            min(tolerance, 0.1),
            block_rule=self.block_rule,
            conjugate=self.conjugate,
        )

    def get_result(self):
        return {"values": self.values}
