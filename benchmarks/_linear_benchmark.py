# SPDX-License-Identifier: BSD-3-Clause
"""What the benchopt benchmarks of the linear models share.

A rival is a file ``solvers/NAME.py`` with a class ``Solver(EstimatorSolver)`` that builds
an estimator; a problem is a row of ``_problems.py``; the objective is the relative duality
gap of ``_gaps.py``, whichever solver is asked.
"""

import warnings

import numpy as np
from _gaps import relative_gap
from _problems import PROBLEMS
from benchopt import BaseDataset, BaseObjective, BaseSolver
from benchopt.stopping_criterion import SufficientProgressCriterion
from scipy import sparse

TOLERANCES = 10.0 ** -np.arange(1, 14.25, 0.5)
LOOSEST = 0.1


def benchmark_of(problem):
    """The folder in which a problem's rivals are."""
    if problem.model in ("lasso", "nnls"):
        return "lasso"
    if problem.model == "logistic" and problem.l1_ratio == 1:
        return "logreg_l1"
    return "enet" if problem.model == "enet" else "logreg_softmax"


def problem_names(folder):
    return [name for name, row in PROBLEMS.items() if benchmark_of(row) == folder]


class ProblemDataset(BaseDataset):
    """Data of one row of the table of problems, and its penalty."""

    def get_data(self):
        try:
            return problem_data(PROBLEMS[self.problem].load())
        except FileNotFoundError as error:
            return dict.fromkeys(DATA_KEYS) | {"model": f"absent: {error}"}


DATA_KEYS = ("X", "y", "model", "strength", "l1_ratio", "fit_intercept")


def problem_data(instance):
    problem = instance.problem
    return {
        "X": instance.X,
        "y": instance.y,
        "model": problem.model,
        "strength": instance.strength,
        "l1_ratio": problem.l1_ratio,
        "fit_intercept": problem.fit_intercept,
    }


class LinearObjective(BaseObjective):
    """The relative duality gap that the coefficients really reach."""

    min_benchopt_version = "1.7"
    sampling_strategy = "tolerance"
    # Outer loops may give one and the same gap for several tolerances.
    stopping_criterion = SufficientProgressCriterion(patience=6)

    def skip(self, **data):
        absent = data["X"] is None
        return absent, data["model"] if absent else None

    def set_data(self, **data):
        self.data = data

    def get_objective(self):
        return self.data

    def evaluate_result(self, coef, intercept):
        data = dict(self.data)
        gap = relative_gap(data.pop("X"), data.pop("y"), coef, intercept, **data)
        return {"value": float(gap), "non_zeros": int(np.count_nonzero(coef))}

    def get_one_result(self):
        p, y = self.data["X"].shape[1], self.data["y"]
        shape = (len(np.unique(y)), p) if self.data["model"] == "softmax" else (p,)
        return {"coef": np.zeros(shape), "intercept": 0.0}


class EstimatorSolver(BaseSolver):
    """A rival that is a scikit-learn estimator.

    A subclass gives `make_estimator`, which reads the attributes that `skip` sets: X, y,
    model, strength, l1_ratio, fit_intercept, and from them alpha, C and positive. Where it
    cannot solve a problem, `refusal` says why. `layout` is the sparse format that it
    prefers (the conversion is not timed), `own_tolerance` turns the common grid into its
    own unit, and `family` is the column of the summary where it is not the name.
    """

    sampling_strategy = "tolerance"
    layout = "csc"
    family = None

    def make_estimator(self):
        raise NotImplementedError

    def refusal(self):
        """Why this problem cannot be solved; None where it can."""
        return None

    def own_tolerance(self, tolerance):
        return tolerance

    def skip(self, **data):
        self.__dict__.update(data)
        self.positive = self.model == "nnls"
        self.alpha = self.strength / len(self.y)
        self.C = 1.0 / self.strength if self.strength > 0 else np.inf
        reason = self.refusal()
        return reason is not None, reason

    def set_objective(self, **data):
        self.skip(**data)
        if sparse.issparse(self.X):
            self.X = self.X.asformat(self.layout)
        self.estimator = self.make_estimator()

    def warm_up(self):
        self.run(LOOSEST)

    def get_next(self, tolerance):
        return max(min(tolerance, LOOSEST) / np.sqrt(10), TOLERANCES[-1])

    def run(self, tolerance):
        tolerance = self.own_tolerance(min(tolerance, LOOSEST))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.estimator.set_params(tol=tolerance).fit(self.X, self.y)

    def get_result(self):
        coef = np.asarray(self.estimator.coef_, dtype=np.float64)
        coef = coef if self.model == "softmax" else coef.ravel()
        return {"coef": coef, "intercept": self.estimator.intercept_}

    def path(self, strengths, tolerance):
        """Coefficients and intercepts along decreasing penalties, each from the last."""
        coefs, intercepts = [], []
        # The first fit starts from nothing, also where a path was computed before.
        self.estimator = self.make_estimator().set_params(warm_start=True)
        for strength in strengths:
            self.alpha, self.C = strength / len(self.y), 1.0 / strength
            self.estimator.set_params(**self.penalty())
            self.run(tolerance)
            result = self.get_result()
            coefs.append(result["coef"].copy())
            intercepts.append(np.ravel(result["intercept"])[0])
        return np.array(coefs), np.array(intercepts)

    def penalty(self):
        """The estimator's parameter for the present penalty."""
        takes_alpha = "alpha" in self.estimator.get_params()
        return {"alpha": self.alpha} if takes_alpha else {"C": self.C}
