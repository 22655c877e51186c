# SPDX-License-Identifier: BSD-3-Clause
"""Logistic regression of two classes with an L1 penalty."""

from benchmark_utils import LinearObjective


class Objective(LinearObjective):
    name = "L1-penalised logistic regression"
    test_config = {"dataset": {"problem": "small_logistic_dense"}}
