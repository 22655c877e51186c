# SPDX-License-Identifier: BSD-3-Clause
"""Least squares with an L1 and a squared L2 penalty."""

from benchmark_utils import LinearObjective


class Objective(LinearObjective):
    name = "Elastic net"
    test_config = {"dataset": {"problem": "small_enet"}}
