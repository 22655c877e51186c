# SPDX-License-Identifier: BSD-3-Clause
"""The rows of ``_problems.py`` that are Lasso or non-negative problems."""

from benchmark_utils import ProblemDataset, problem_names


class Dataset(ProblemDataset):
    name = "problems"
    parameters = {"problem": problem_names("lasso")}
    test_parameters = {"problem": ["small_dense"]}
