# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own tests of SelfTrainingClassifier, with SelfTrainer in its place.

The test module of scikit-learn is executed anew while `sklearn.semi_supervised` holds an
adapter, which only renames parameters, so that all of its tests meet our class.
`DOES_NOT_APPLY` lists the tests that must fail, with the reason; one that passes is an
error, so that the table only shrinks.
"""

import importlib.util
from unittest import mock

import pytest
import sklearn.semi_supervised
from scikit_learn_marks import Marks

from sklearn_theory.semi_supervised import SelfTrainer


class SelfTrainingClassifier(SelfTrainer):
    """SelfTrainer with the parameters of scikit-learn's class."""

    def __init__(
        self,
        estimator=None,
        threshold=0.75,
        criterion="threshold",
        k_best=10,
        max_iter=10,
        verbose=False,
    ):
        self.criterion = criterion
        self.k_best = k_best
        super().__init__(
            estimator,
            policy={"threshold": "fixed", "k_best": "top_k"}[criterion],
            threshold=threshold,
            k=k_best,
            balance_weights=False,
            max_iter=max_iter,
            verbose=verbose,
        )


DOES_NOT_APPLY = {
    "test_warns_k_best": "the warning names our own parameter k",
    "test_no_unlabeled": (
        "a y without unlabelled rows is an ordinary problem, of which nobody is warned"
    ),
    "test_strings_dtype": (
        "an array of strings is refused only where it cannot tell which rows are "
        "unlabelled"
    ),
}


def load():
    """Execute the test module of scikit-learn while the adapter stands in."""
    name = "sklearn.semi_supervised.tests.test_self_training"
    spec = importlib.util.find_spec(name)
    module = importlib.util.module_from_spec(spec)
    home = sklearn.semi_supervised
    with (
        mock.patch.object(pytest, "mark", Marks()),
        mock.patch.object(home, "SelfTrainingClassifier", SelfTrainingClassifier),
    ):
        spec.loader.exec_module(module)
    return module


TESTS = {name: test for name, test in vars(load()).items() if name.startswith("test_")}
globals().update(TESTS)


@pytest.fixture(autouse=True)
def expect_what_does_not_apply(request):
    """Let the tests in the table fail."""
    reason = DOES_NOT_APPLY.get(request.node.originalname)
    if reason is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


def test_table_names_existing_tests():
    assert not DOES_NOT_APPLY.keys() - TESTS.keys()
