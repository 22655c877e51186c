# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from sklearn.base import ClassifierMixin
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from sklearn_theory.utils import TheoryEstimator
from sklearn_theory.utils._callbacks import (
    fit_task,
    iterate_nested_subtasks,
    iterate_subtasks,
    propagated_callbacks,
    subtask,
)
from sklearn_theory.utils._compat import _fit_context


class Majority(ClassifierMixin, TheoryEstimator):
    """A loop that counts, so that tests can see where it stopped."""

    _parameter_constraints: dict = {}

    def __init__(self, max_iter=5, fail_at=None, sub_estimator=None):
        self.max_iter = max_iter
        self.fail_at = fail_at
        self.sub_estimator = sub_estimator

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        with fit_task(self, max_subtasks=2, X=X, y=y) as context:
            with subtask(self, context, "loop", max_subtasks=self.max_iter) as loop:
                self._count(loop, X, y)
            if self.sub_estimator is not None:
                with propagated_callbacks(self, context, self.sub_estimator, "sub"):
                    self.sub_estimator.fit(X, y)
        return self

    def _count(self, loop, X, y):
        for i in iterate_subtasks(
            self, loop, range(self.max_iter), "step", reconstruct=dict
        ):
            if i == self.fail_at:
                raise RuntimeError("failed")
            self.n_iter_ = i + 1

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class Log:
    """Writes down every event."""

    def __init__(self, stop_at=None):
        self.stop_at = stop_at
        self.events = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context):
        self.events.append(("end", context.task_name, context.task_id))
        place = (context.task_name, context.task_id)
        return place in (("step", self.stop_at), self.stop_at)


class PropagatedLog(Log):
    max_propagation_depth = None


@pytest.fixture
def data():
    return load_iris(return_X_y=True)


def test_events_come_in_order(data):
    log = Log()
    Majority(max_iter=2).set_callbacks(log).fit(*data)
    assert log.events == [
        "setup",
        ("begin", "fit", 0),
        ("begin", "loop", 0),
        ("begin", "step", 0),
        ("end", "step", 0),
        ("begin", "step", 1),
        ("end", "step", 1),
        ("end", "loop", 0),
        ("end", "fit", 0),
        "teardown",
    ]


def test_a_callback_stops_the_loop_after_the_step_it_saw(data):
    assert Majority().set_callbacks(Log(stop_at=1)).fit(*data).n_iter_ == 2
    assert Majority().set_callbacks(Log()).fit(*data).n_iter_ == 5


def test_a_failing_fit_tears_down(data):
    log = Log()
    with pytest.raises(RuntimeError, match="failed"):
        Majority(fail_at=1).set_callbacks(log).fit(*data)
    assert log.events[-1] == "teardown"


def test_without_callbacks_no_subtask_is_created_for_a_step(data, monkeypatch):
    opened = []
    original = type(Majority()._init_callback_context()).subcontext

    def count(self, task_name="", **arguments):
        opened.append(task_name)
        return original(self, task_name=task_name, **arguments)

    monkeypatch.setattr("sklearn.callback.CallbackContext.subcontext", count)
    Majority().fit(*data)
    assert "step" not in opened


def test_callbacks_reach_a_sub_estimator(data):
    log = PropagatedLog()
    Majority(sub_estimator=LogisticRegression(max_iter=500)).set_callbacks(log).fit(
        *data
    )
    names = [event[1] for event in log.events if event[0] == "begin"]
    assert "lbfgs-iter" in names
    assert log.events.count("setup") == 1


def test_a_sub_estimator_without_callbacks_is_fitted_and_said_so(data):
    with pytest.warns(UserWarning, match="DummyClassifier does not support callbacks"):
        fitted = (
            Majority(sub_estimator=DummyClassifier())
            .set_callbacks(PropagatedLog())
            .fit(*data)
        )
    assert fitted.sub_estimator.classes_.tolist() == [0, 1, 2]


def test_scoring_monitor_records_every_step(data):
    monitor = ScoringMonitor(scoring="accuracy")
    Majority(max_iter=3).set_callbacks(monitor).fit(*data)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "step"]
    assert [row["task_id"] for row in rows] == [0, 1, 2]
    assert {row["accuracy"] for row in rows} == {1 / 3}


class Restarted(Majority):
    """Three loops, one in the other."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        self.classes_, self.counts_ = np.unique(y), []
        with fit_task(self, max_subtasks=3, X=X, y=y) as context:
            starts = iterate_nested_subtasks(
                self, context, range(3), "start", max_subtasks=self.max_iter
            )
            for _, child in starts:
                self._count(child, X, y)
                self.counts_.append(self.n_iter_)
        return self


class TestNestedSubtasks:
    def test_loops_are_nested(self, data):
        log = Log()
        Restarted(max_iter=1).set_callbacks(log).fit(*data)
        assert log.events[2:6] == [
            ("begin", "start", 0),
            ("begin", "step", 0),
            ("end", "step", 0),
            ("end", "start", 0),
        ]
        assert [e for e in log.events if e[1] == "start"][-1] == ("end", "start", 2)

    def test_a_callback_stops_the_loop_that_it_saw(self, data):
        """The others go on."""
        assert Restarted().set_callbacks(Log(stop_at=1)).fit(*data).counts_ == [2] * 3
        stopped = Restarted().set_callbacks(Log(("start", 1))).fit(*data)
        assert stopped.counts_ == [5, 5]

    def test_without_callbacks_nothing_is_opened(self, data):
        model = Restarted()
        tasks = iterate_nested_subtasks(model, None, "ab", "start", max_subtasks=1)
        assert list(tasks) == [("a", None), ("b", None)]

    def test_scoring_monitor_scores_on_the_data_of_the_fit(self, data):
        monitor = ScoringMonitor(scoring="accuracy")
        Restarted(max_iter=2).set_callbacks(monitor).fit(*data)
        rows = [row for row in monitor.get_logs().data if row["task_name"] == "step"]
        assert [row["accuracy"] for row in rows] == [1 / 3] * 6
