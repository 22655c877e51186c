# SPDX-License-Identifier: BSD-3-Clause
"""Softmax regression; two classes where the penalty is not L1 alone."""

from benchmark_utils import LinearObjective


class Objective(LinearObjective):
    name = "Logistic and softmax regression"
    test_config = {"dataset": {"problem": "small_softmax_l1"}}
