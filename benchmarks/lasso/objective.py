# SPDX-License-Identifier: BSD-3-Clause
"""Least squares with an L1 penalty, and with coefficients that must not be negative."""

from benchmark_utils import LinearObjective


class Objective(LinearObjective):
    name = "Lasso and non-negative least squares"
    test_config = {"dataset": {"problem": "small_dense"}}
