# SPDX-License-Identifier: BSD-3-Clause
"""What self-training tells of itself: rounds, pictures, callbacks, and its theory."""

import pickle

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_digits, load_iris, make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB

from sklearn_theory.semi_supervised import (
    SelfTrainer,
    SelfTrainingDisplay,
    SelfTrainingHistory,
    c_bound,
)
from sklearn_theory.semi_supervised._self_training_report import boundary_density
from sklearn_theory.semi_supervised._transductive_bound import selection_bound


@pytest.fixture(scope="module")
def problem():
    X, truth = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(truth))
    X, truth = X[order], truth[order]
    return X, np.where(np.arange(len(truth)) < 20, truth, -1), truth


@pytest.fixture(scope="module")
def model(problem):
    X, y, _ = problem
    return SelfTrainer(GaussianNB(), policy="mean", max_iter=4).fit(X, y)


class TestHistory:
    def test_rounds_add_up(self, model):
        history = model.history_
        assert len(history) == model.n_iter_ == 4
        for n in range(4):
            rows = model.labeled_iter_ == n + 1
            counts = np.bincount(model.transduction_[rows], minlength=3)
            np.testing.assert_array_equal(history.n_added[n], counts)
        np.testing.assert_array_equal(history.thresholds, model.thresholds_)
        np.testing.assert_array_equal(history.bounds, model.bound_history_)

    def test_prints_a_line_a_round(self, model):
        lines = str(model.history_).splitlines()
        assert lines[0] == "Self-training: 4 rounds, 130 unlabelled rows"
        assert lines[1].split()[:2] == ["round", "added"]
        assert len({len(line) for line in lines[1:]}) == 1
        assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3", "4"]
        assert f"{model.bound_history_[0]:.3f}" in lines[2]

    def test_many_classes_are_summed_up(self):
        X, truth = load_digits(return_X_y=True)
        y = np.where(np.arange(len(truth)) < 100, truth, -1)
        history = SelfTrainer(GaussianNB(), max_iter=2).fit(X, y).history_
        header = str(history).splitlines()[1]
        assert "fewest" in header
        assert "threshold most" in header

    def test_html_and_pandas(self, model):
        html = model.history_._repr_html_()
        assert html.count("<tr>") == 5
        frame = model.history_.to_pandas()
        assert frame.shape == (4, 8)
        assert list(frame.index) == [1, 2, 3, 4]
        np.testing.assert_array_equal(
            frame["added"], frame.filter(like="added ").sum(axis=1)
        )
        np.testing.assert_allclose(frame["threshold 1"], model.thresholds_[:, 1])

    def test_labels_are_escaped(self):
        history = SelfTrainingHistory(np.array(["<b>", "c"]), 3)
        history.record(np.array([1, 2]), np.array([0.5, 0.5]), np.nan)
        assert "&lt;b&gt;" in history._repr_html_()

    def test_no_rounds(self):
        history = SelfTrainingHistory(np.array([0, 1]), 0)
        assert str(history).startswith("Self-training: 0 rounds")
        assert history.to_pandas().shape == (0, 6)

    def test_survives_pickling(self, model):
        assert str(pickle.loads(pickle.dumps(model)).history_) == str(model.history_)


class TestDisplay:
    def test_draws_thresholds_bound_and_labels(self, model):
        display = model.plot_history()
        assert isinstance(display, SelfTrainingDisplay)
        above, below = display.axes_
        assert len(above.lines) == 4
        for k, line in enumerate(above.lines[:3]):
            np.testing.assert_array_equal(line.get_ydata(), model.thresholds_[:, k])
        np.testing.assert_array_equal(above.lines[3].get_ydata(), model.bound_history_)
        heights = sum(patch.get_height() for patch in below.patches)
        assert heights == (model.labeled_iter_ > 0).sum()
        assert below.get_xlabel() == "round"
        plt.close(display.figure_)

    def test_draws_into_given_axes(self, model):
        figure, axes = plt.subplots(2)
        display = SelfTrainingDisplay.from_estimator(model, ax=axes)
        assert display.figure_ is figure
        assert display.axes_[0] is axes[0]
        plt.close(figure)

    def test_needs_a_fitted_estimator(self):
        with pytest.raises(NotFittedError):
            SelfTrainingDisplay.from_estimator(SelfTrainer())
        with pytest.raises(NotFittedError):
            SelfTrainer().plot_history()

    def test_no_rounds(self, problem):
        X, _, truth = problem
        display = SelfTrainer(GaussianNB()).fit(X, truth).plot_history()
        assert not display.axes_[1].patches
        plt.close(display.figure_)


class StopAfter:
    """A callback that asks to stop after some sub-tasks."""

    def __init__(self, n):
        self.n, self.n_ended = n, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.n_ended += 1
        return self.n_ended >= self.n


class TestCallbacks:
    def test_stop_keeps_the_rounds_so_far(self, problem, model):
        X, y, _ = problem
        stopped = clone(model).set_callbacks(StopAfter(2)).fit(X, y)
        assert stopped.termination_condition_ == "callback"
        assert stopped.n_iter_ == 2
        short = clone(model).set_params(max_iter=2).fit(X, y)
        np.testing.assert_array_equal(stopped.transduction_, short.transduction_)
        np.testing.assert_array_equal(stopped.predict_proba(X), short.predict_proba(X))

    def test_each_round_can_be_scored(self, problem, model):
        X, y, _ = problem
        monitor = ScoringMonitor(scoring="accuracy")
        watched = clone(model).set_callbacks(monitor)
        watched.fit(X, y)
        tasks = monitor.get_logs(select="most_recent").data
        scores = [task["accuracy"] for task in tasks if task["task_name"] == "round"]
        assert len(scores) == 4
        last = np.mean(watched.predict(X[:20]) == y[:20])
        assert scores[-1] == pytest.approx(last)

    def test_verbose_prints_a_line_a_round(self, problem, model, capsys):
        X, y, _ = problem
        clone(model).set_params(verbose=True).fit(X, y)
        lines = capsys.readouterr().out.splitlines()
        added = [int(counts.sum()) for counts in model.history_.n_added]
        assert lines == [
            f"End of iteration {n}, added {size} new labels."
            for n, size in enumerate(added, start=1)
        ]


class TestTheoryReport:
    def test_rows(self, problem, model):
        X, _, truth = problem
        report = model.theory_report(X[20:], truth[20:])
        votes = model.predict_proba(X[20:])
        error = np.mean(model.predict(X[20:]) != truth[20:])
        row = report["error of all predictions"]
        assert row.measured == pytest.approx(error)
        assert row.bound == pytest.approx(c_bound(votes, truth[20:]))
        assert row.holds
        assert report["error of confident predictions"].holds
        assert report["error from imperfect labels"].estimate
        assert report["error of the supervised model"].measured == pytest.approx(
            np.mean(model.initial_estimator_.predict(X[20:]) != truth[20:])
        )

    def test_certain_bounds_hold_on_random_problems(self):
        for seed in range(20):
            X, truth = make_blobs(150, centers=4, cluster_std=3, random_state=seed)
            y = np.where(np.arange(150) < 25, truth, -1)
            model = SelfTrainer(GaussianNB()).fit(X, y)
            report = model.theory_report(X[25:], truth[25:])
            assert report["error of confident predictions"].holds
            assert report["error of all predictions"].holds

    def test_unlabelled_rows_need_no_labels(self, problem, model):
        X, y, truth = problem
        known = np.where(np.arange(len(y)) < 100, truth, -1)
        report = model.theory_report(X[20:], known[20:])
        error = np.mean(model.predict(X[20:100]) != truth[20:100])
        assert report["error of all predictions"].measured == pytest.approx(error)

    def test_strings(self, problem, model):
        X, y, truth = problem
        names = np.array(["a", "b", "c", -1], dtype=object)
        named = clone(model).fit(X, names[y])
        known = np.where(np.arange(len(y)) < 100, truth, -1)
        assert str(named.theory_report(X, names[known])) == str(
            model.theory_report(X, known)
        )

    def test_bad_labels(self, problem, model):
        X, y, _ = problem
        with pytest.raises(ValueError, match="label of at least one row"):
            model.theory_report(X[20:], y[20:])
        with pytest.raises(ValueError, match="labels that were not seen in fit"):
            model.theory_report(X, np.full(len(X), 7))

    def test_density_at_the_boundary(self):
        rng = np.random.default_rng(0)
        gap = np.concatenate([rng.normal(-2, 0.3, 500), rng.uniform(-2, 2, 60),
                              rng.normal(2, 0.3, 500)])[:, np.newaxis]  # fmt: skip
        votes = 1 / (1 + np.exp(-3 * gap))
        assert boundary_density(gap, np.hstack([votes, 1 - votes])) < 0.5
        even = rng.uniform(-2, 2, 1000)[:, np.newaxis]
        votes = 1 / (1 + np.exp(-3 * even))
        assert 0.7 < boundary_density(even, np.hstack([votes, 1 - votes])) < 1.4
        assert boundary_density([["a"], ["b"]], np.full((2, 2), 0.5)) is None
        assert boundary_density(np.ones((9, 1)), np.full((9, 2), 0.5)) == np.inf

    def test_bound_in_training_is_the_selection_bound(self, problem):
        X, y, _ = problem
        model = SelfTrainer(GaussianNB(), max_iter=1).fit(X, y)
        votes = model.initial_estimator_.predict_proba(X[20:])
        expected = selection_bound(votes, votes, model.thresholds_[0])
        assert model.bound_history_[0] == pytest.approx(expected)
