# SPDX-License-Identifier: BSD-3-Clause
"""The rows of ``_problems.py`` that are elastic nets."""

from benchmark_utils import ProblemDataset, problem_names


class Dataset(ProblemDataset):
    name = "problems"
    parameters = {"problem": problem_names("enet")}
    test_parameters = {"problem": ["small_enet"]}
