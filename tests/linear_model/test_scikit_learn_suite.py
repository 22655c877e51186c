# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own tests of its linear models, with our classes in their place.

The test modules of scikit-learn are executed anew while `sklearn.linear_model` holds
our classes, so that they and their parametrisations know no others. Those of their
tests that touch one of our classes are collected here. `DOES_NOT_APPLY` lists the tests
that must fail, with the reason; one that passes is an error, so that the table only
shrinks. `NOT_RUN` lists those that are too slow, or that could pass by chance.
"""

import importlib.util
from contextlib import ExitStack
from fnmatch import fnmatch
from functools import partial
from types import CodeType
from unittest import mock

import pytest
import sklearn.linear_model
import sklearn.linear_model._logistic
from scikit_learn_marks import Marks

from sklearn_theory import linear_model
from sklearn_theory.linear_model._penalised_path import elastic_net_path, lasso_path

CLASSES = {
    name: getattr(linear_model, name)
    for name in ("ElasticNet", "ElasticNetCV", "Lasso", "LassoCV", "LogisticRegression")
    if hasattr(linear_model, name)
}
PATHS = {"enet_path": elastic_net_path, "lasso_path": lasso_path}
REPLACED = CLASSES | PATHS
MODULES = [
    "test_coordinate_descent",
    "test_sparse_coordinate_descent",
    "test_logistic",
]

NO_GRAM = "no Gram matrix is needed, so none is checked, recomputed or passed on"
OTHER_TEXT = "the warning names the gap and our own remedy, not a solver"
MULTI_TASK = "the other side is scikit-learn's multi-task model, at its own tolerance"
DEPRECATED = "a parameter that scikit-learn has deprecated, and that we never had"
LIBLINEAR = "a limitation of liblinear, which we do not share"

# A key may name one parametrisation, with wildcards: "test[*parameters*]".
DOES_NOT_APPLY = {
    "test_logistic__sparsify": (
        "coef_ stays dense, and sparse_coef_ gives the sparse form"
    ),
    "test_coordinate_descent__enet_nonfinite_params": (
        "too large features are refused before the descent, with a text of our own"
    ),
    "test_coordinate_descent__lasso_alpha_warning": (
        "alpha=0 converges as any other strength, so there is nothing to warn of"
    ),
    "test_coordinate_descent__1d_multioutput_enet_and_multitask_enet_cv": MULTI_TASK,
    "test_coordinate_descent__1d_multioutput_lasso_and_multitask_lasso_cv": MULTI_TASK,
    "test_coordinate_descent__elasticnet_precompute_incorrect_gram": NO_GRAM,
    "test_coordinate_descent__overridden_gram_matrix": NO_GRAM,
    "test_coordinate_descent__lassoCV_does_not_set_precompute": NO_GRAM,
    "test_coordinate_descent__sparse_dense_descent_paths[*-2-*]": (
        "a path of several targets is scikit-learn's multi-task model"
    ),
    "test_coordinate_descent__path_unknown_parameter": (
        "Python itself refuses unknown parameters, by a TypeError"
    ),
    "test_coordinate_descent__check_input_false": (
        "unchecked input in row-major order gives the right result, not an error"
    ),
    "test_coordinate_descent__enet_copy_X_False_check_input_False": (
        "X is never overwritten, whatever copy_X says"
    ),
    "test_coordinate_descent__path_function_deprecated_n_alphas": DEPRECATED,
    "test_logistic__check_solver_option": (
        "all values of solver solve all problems, so that no combination is refused"
    ),
    "test_logistic__elasticnet_l1_ratio_err_helpful[LogisticRegression-*": DEPRECATED,
    "test_logistic__elastic_net_l1_l2_equivalence": DEPRECATED,
    "test_logistic__l1_ratio_non_elasticnet": DEPRECATED,
    "test_logistic__logisticregression_warns_with_n_jobs": DEPRECATED,
    "test_logistic__lr_penalty_l1ratio_incompatible": DEPRECATED,
    "test_logistic__penalty_deprecated": DEPRECATED,
    "test_logistic__penalty_none": DEPRECATED,
    "test_logistic__liblinear_dual_random_state": (
        "nothing is drawn, so that all random states agree"
    ),
    "test_logistic__liblinear_multiclass_raises": LIBLINEAR,
    "test_logistic__liblinear_with_large_values": LIBLINEAR,
    "test_logistic__large_sparse_matrix[*-liblinear]": LIBLINEAR,
    "test_logistic__large_sparse_matrix[*-sag]": "a limitation that we do not share",
    "test_logistic__large_sparse_matrix[*-saga]": "a limitation that we do not share",
    "test_logistic__dtype_match[*-liblinear]": LIBLINEAR,
    "test_logistic__logreg_predict_proba_multinomial": (
        "calls a private method to see one-vs-rest probabilities"
    ),
    "test_logistic__max_iter[newton-cg*": OTHER_TEXT,
    "test_logistic__max_iter[liblinear*": OTHER_TEXT,
    "test_logistic__max_iter[sag*": OTHER_TEXT,
    "test_logistic__max_iter[lbfgs*": OTHER_TEXT,
    "test_logistic__max_iter[newton-cholesky*max_iter0]": OTHER_TEXT,
    "test_logistic__zero_max_iter": "max_iter counts from one",
    "test_logistic__warm_start_newton_solver": (
        "two fits of one iteration forget what one fit of two knows of the curvature"
    ),
    "test_logistic__newton_cholesky_fallback_to_lbfgs": (
        "there is no such solver to fall back from"
    ),
    "test_logistic__logistic_regression_callback_support": (
        "its task is an iteration of L-BFGS, ours a working set"
    ),
    "test_logistic__logistic_regression_callback_support_warning": (
        "callbacks are supported with every solver"
    ),
}
NOT_RUN = {
    "test_coordinate_descent__linear_models_cv_fit_with_loky": (
        "starts worker processes; our own tests of n_jobs do so once"
    ),
    "test_coordinate_descent__elasticnet_precompute_gram_weighted_samples": NO_GRAM,
}
# Tests of what is scikit-learn's alone, in which our names occur only in passing.
THEIRS = {
    "LogisticRegressionCV",
    "_array_api_for_tests",
    "_log_reg_scoring_path",
    "_logistic_regression_path",
    "cd_fast",
}


def load(name):
    """Execute a test module of scikit-learn while our classes stand in for its own."""
    spec = importlib.util.find_spec(f"sklearn.linear_model.tests.{name}")
    module = importlib.util.module_from_spec(spec)
    homes = (sklearn.linear_model, sklearn.linear_model._logistic)
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(pytest, "mark", Marks()))
        for home in homes:
            for attribute in REPLACED.keys() & vars(home).keys():
                stack.enter_context(
                    mock.patch.object(home, attribute, REPLACED[attribute])
                )
        spec.loader.exec_module(module)
    return module


def names_in(code):
    """All names that a function or the functions within it look up."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= names_in(constant)
    return names


def is_ours(value):
    """Tell whether a parameter of a test is, or builds, something of ours."""
    if isinstance(value, (tuple, list)):
        return any(is_ours(part) for part in value)
    if isinstance(value, partial):
        return is_ours(value.func)
    return any(value is own or type(value) is own for own in REPLACED.values())


def is_theirs(value):
    """Tell whether a parameter of a test is another linear model of scikit-learn."""
    if isinstance(value, (tuple, list)):
        return any(is_theirs(part) for part in value)
    owner = value if isinstance(value, type) else type(value)
    return owner.__module__.startswith("sklearn.linear_model.")


def keep_ours(marks):
    """Drop the parameters that only concern other models of scikit-learn."""
    for mark in marks:
        if mark.name == "parametrize":
            names, values, *rest = mark.args
            values = [
                value for value in values if is_ours(value) or not is_theirs(value)
            ]
            mark = pytest.mark.parametrize(names, values, *rest, **mark.kwargs).mark
        yield mark


def touches_ours(test):
    """Tell whether a test uses a class of ours, by name or as a parameter."""
    parameters = [
        mark.args[1]
        for mark in getattr(test, "pytestmark", [])
        if mark.name == "parametrize"
    ]
    names = names_in(test.__code__)
    if names & THEIRS:
        return False
    return bool(names & REPLACED.keys()) or any(
        is_ours(list(values)) for values in parameters
    )


def collect():
    """The tests that touch our classes, named after their module and themselves."""
    tests = {}
    for name in MODULES:
        module = load(name)
        common = getattr(module, "pytestmark", None)
        for attribute, test in vars(module).items():
            if attribute.startswith("test_") and touches_ours(test):
                test.pytestmark = list(keep_ours(getattr(test, "pytestmark", [])))
                if common is not None:
                    test.pytestmark.append(common.mark)
                tests[f"{name}__{attribute.removeprefix('test_')}"] = test
    return tests


TESTS = collect()
globals().update(TESTS)


@pytest.fixture
def global_random_seed():
    """The seed that scikit-learn's configuration of pytest provides."""
    return 42


def is_named(key, node):
    """Tell whether a key of the tables names a test, or one of its parametrisations."""
    name, bracket, pattern = key.partition("[")
    parameters = node.name.removeprefix(f"{name}[")
    return name == node.originalname and (not bracket or fnmatch(parameters, pattern))


@pytest.fixture(autouse=True)
def expect_what_does_not_apply(request):
    """Let the tests in the tables fail, or not run."""
    for table, runs in ((DOES_NOT_APPLY, True), (NOT_RUN, False)):
        for key, reason in table.items():
            if is_named(key, request.node):
                mark = pytest.mark.xfail(reason=reason, strict=True, run=runs)
                request.applymarker(mark)


def test_tables_name_existing_tests():
    named = {name.partition("[")[0] for name in DOES_NOT_APPLY | NOT_RUN}
    assert not named - TESTS.keys()
