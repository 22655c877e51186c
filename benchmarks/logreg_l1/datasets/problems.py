# SPDX-License-Identifier: BSD-3-Clause
"""The rows of ``_problems.py`` that are logistic with an L1 penalty."""

from benchmark_utils import ProblemDataset, problem_names


class Dataset(ProblemDataset):
    name = "problems"
    parameters = {"problem": problem_names("logreg_l1")}
    test_parameters = {"problem": ["small_logistic_dense"]}
