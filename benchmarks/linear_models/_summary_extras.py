# SPDX-License-Identifier: BSD-3-Clause
"""The rows of the summary that are not about one fit: paths, first calls, memory."""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from _gaps import relative_gap
from _linear_benchmark import problem_data
from _problems import PROBLEMS, largest_strength
from _timing import OURS, repeat, rivals, walk_all
from scipy import sparse

PATHS = (
    "dense_1200x8000",
    "scattered_8000x30000",
    "text_9000x30000_intercept",
    "logistic_dense_900x7000",
    "logistic_text_8000x25000",
)
SMALL_PATHS = ("small_dense", "small_scattered")
N_ALPHAS = 100
SMALLEST = 0.01
# These two take no start.
NO_PATH = ("liblinear", "scipy-nnls")


def path_walks(name, only, budget, repeats):
    """Time every solver on a whole path of penalties."""
    instance = PROBLEMS[name].load()
    largest = largest_strength(instance.X, instance.y, instance.problem)
    strengths = largest * np.geomspace(1, SMALLEST, N_ALPHAS)
    target = instance.problem.gap

    def calls_of(solver):
        return (
            lambda tolerance: solver.path(strengths, tolerance),
            lambda result: largest_gap(instance, strengths, *result, target),
        )

    found = [rival for rival in rivals(instance, only) if rival[0] not in NO_PATH]
    walks = walk_all(found, calls_of, [target], budget)
    repeat(walks, [target], repeats)
    return instance, walks


def largest_gap(instance, strengths, coefs, intercepts, target):
    """The worst gap along a path; not all of it where one is far too large already."""
    data = problem_data(instance)
    worst = 0.0
    for index in reversed(range(len(strengths))):
        data["strength"] = strengths[index]
        gap = relative_gap(coef=coefs[index], intercept=intercepts[index], **data)
        worst = max(worst, gap)
        if worst > target:
            break
    return worst


# ----------------------------------------------------------------- first calls
FIRST_CALLS = {
    "Lasso": {
        OURS: ("sklearn_theory.linear_model", "Lasso", {"alpha": 0.1}),
        "celer": ("celer", "Lasso", {"alpha": 0.1}),
        "skglm": ("skglm", "Lasso", {"alpha": 0.1}),
        "scikit-learn": ("sklearn.linear_model", "Lasso", {"alpha": 0.1}),
    },
    "LogisticRegression": {
        OURS: (
            "sklearn_theory.linear_model",
            "LogisticRegression",
            {"C": 0.1, "l1_ratio": 1.0, "fit_intercept": False},
        ),
        "celer": ("celer", "LogisticRegression", {"C": 0.1}),
        "skglm": (
            "skglm",
            "SparseLogisticRegression",
            {"alpha": 0.05, "fit_intercept": False},
        ),
        "liblinear": (
            "sklearn.linear_model",
            "LogisticRegression",
            {"C": 0.1, "l1_ratio": 1.0, "solver": "liblinear"},
        ),
    },
}


def first_calls(estimator, kind, only=()):
    """Seconds of import, first and second call by family, cache empty and filled."""
    measured = {}
    for family, call in FIRST_CALLS[estimator].items():
        if only and not any(word in family for word in only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            empty = new_process(folder, *call, kind)
            filled = new_process(folder, *call, kind)
        if empty and filled:
            measured[family] = {"empty": empty, "filled": filled}
    return measured


def new_process(cache, module, name, parameters, kind):
    script = Path(__file__).with_name("_cold_call.py")
    command = [sys.executable, script, module, name, kind, json.dumps(parameters)]
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


# ---------------------------------------------------------------------- memory
MEMORY = ("scattered_4000x30000", "text_20000x35000", "logistic_text_20000x60000")
SMALL_MEMORY = ("small_scattered", "small_logistic_text")


def peak_growth(call, *arguments):
    """Megabytes by which resident memory rises during a call; None where unknown."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before = resident("VmRSS")
        call(*arguments)
        return (resident("VmHWM") - before) / 1024
    except OSError:
        return None


def resident(field):
    """Kilobytes from the kernel's account of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def memory_limit(X):
    """Megabytes: three times the sparse matrix and fifty vectors of each length."""
    assert sparse.issparse(X)
    held = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    return (3 * held + 50 * 8 * sum(X.shape)) / 2**20
