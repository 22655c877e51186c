# SPDX-License-Identifier: BSD-3-Clause
"""The linear models' benchmarks share their problems, gap and base classes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from _linear_benchmark import (
    EstimatorSolver,
    LinearObjective,
    ProblemDataset,
    problem_names,
)

__all__ = ["EstimatorSolver", "LinearObjective", "ProblemDataset", "problem_names"]
