# SPDX-License-Identifier: BSD-3-Clause
"""The rows of ``_problems.py`` that are softmax, or logistic with an L2 part."""

from benchmark_utils import ProblemDataset, problem_names


class Dataset(ProblemDataset):
    name = "problems"
    parameters = {"problem": problem_names("logreg_softmax")}
    test_parameters = {"problem": ["small_softmax_l1"]}
