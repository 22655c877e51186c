# SPDX-License-Identifier: BSD-3-Clause
"""Logs of episodes: returns, conversions there and back, and what is refused."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_theory.datasets import TrajectoryDataset, make_frozen_lake


def brute_force_returns_to_go(rewards, groups, gamma):
    result = []
    for i, group in enumerate(groups):
        later = [r for r, g in zip(rewards[i:], groups[i:]) if g == group]
        result.append(sum(r * gamma**k for k, r in enumerate(later)))
    return result


def random_log(rng, n_steps=60, n_episodes=7):
    """A log whose episodes interleave, with ends and next observations."""
    groups = rng.integers(n_episodes, size=n_steps)
    X = rng.normal(size=(n_steps, 3))
    log = TrajectoryDataset(X, rng.integers(4, size=n_steps), groups=groups)
    following = rng.normal(size=X.shape)
    inner = log.successor >= 0
    following[inner] = X[log.successor[inner]]
    ends = ~inner
    terminations = ends & (rng.random(n_steps) < 0.5)
    return TrajectoryDataset(
        X,
        log.actions,
        rng.normal(size=n_steps),
        groups,
        following,
        terminations,
        ends & ~terminations,
    )


def assert_same_episodes(first, second):
    for one, other in zip(first.to_episodes(), second.to_episodes(), strict=True):
        assert one.keys() == other.keys()
        for name in one:
            assert_array_equal(one[name], other[name], err_msg=name)


class TestReturns:
    @pytest.mark.parametrize("gamma", [1, 0.9, 0])
    @pytest.mark.parametrize("kind", ["interleaved", "sorted", "strings", "far apart"])
    def test_returns_to_go_equal_the_double_loop(self, gamma, kind, rng):
        rewards, groups = rng.normal(size=50), rng.integers(6, size=50)
        if kind == "sorted":
            groups = np.sort(groups)
        if kind == "strings":
            groups = np.array(list("abcdef"))[groups]
        if kind == "far apart":
            groups = groups * 10**15 - 7
        log = TrajectoryDataset(np.zeros((50, 1)), np.zeros(50, int), rewards, groups)
        assert_allclose(
            log.returns_to_go(gamma), brute_force_returns_to_go(rewards, groups, gamma)
        )
        assert_array_equal(log.episode_ids, np.unique(groups))

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(-3, 3), st.integers(-5, 5)), min_size=1),
        st.sampled_from([1.0, 0.5, 0.0]),
    )
    def test_returns_to_go_of_any_log(self, rows, gamma):
        groups, rewards = np.array(rows).T
        log = TrajectoryDataset(
            np.zeros((len(rows), 1)), np.zeros(len(rows), int), rewards, groups
        )
        expected = brute_force_returns_to_go(rewards.astype(float), groups, gamma)
        assert_allclose(log.returns_to_go(gamma), expected, atol=1e-12)

    def test_order_of_episodes_does_not_matter(self, rng):
        log = random_log(rng)
        order = np.argsort(
            rng.permutation(log.n_episodes)[log.episode_codes], kind="stable"
        )
        moved = TrajectoryDataset(*(column[order] for column in log.to_arrays()))
        assert_array_equal(moved.returns_to_go(), log.returns_to_go()[order])

    def test_initial_values_are_the_returns(self, rng):
        log = random_log(rng)
        assert_allclose(log.returns_to_go()[log.first_rows], log.returns())
        assert_array_equal(log.observations[log.first_rows], log.initial_observations())
        assert log.lengths.sum() == log.n_steps

    @pytest.mark.parametrize("gamma", [-0.1, 1.5, "1"])
    def test_bad_gamma(self, gamma, rng):
        with pytest.raises(ValueError, match="gamma must be a number in"):
            random_log(rng).returns_to_go(gamma)

    def test_defaults_are_episodes_of_one_step_that_earn_nothing(self):
        log = TrajectoryDataset([[1.0], [2.0]], ["a", "b"])
        assert log.n_episodes == 2
        assert_array_equal(log.returns(), [0, 0])
        rows, following = log.transitions()
        assert rows.shape == (0,)
        assert following.shape == (0, 1)


class TestTransitions:
    def test_next_rows_of_the_same_episode(self):
        log = TrajectoryDataset(
            [[0.0], [10.0], [1.0], [11.0]], [0, 0, 0, 0], groups=[0, 1, 0, 1]
        )
        rows, following = log.transitions()
        assert_array_equal(rows, [0, 1])
        assert_array_equal(following, [[1.0], [11.0]])

    def test_all_rows_if_next_observations_are_known(self, rng):
        log = random_log(rng)
        rows, following = log.transitions()
        assert_array_equal(rows, np.arange(log.n_steps))
        assert following is log.next_observations


class TestConversions:
    def test_arrays(self, rng):
        log = random_log(rng)
        assert_same_episodes(TrajectoryDataset.from_arrays(**log.to_dict()), log)
        short = TrajectoryDataset.from_arrays(*log.to_arrays())
        assert set(short.to_dict()) == {"X", "y", "rewards", "groups"}

    @pytest.mark.parametrize("as_object", [False, True])
    def test_episodes(self, rng, as_object):
        log = random_log(rng)
        episodes = log.to_episodes()
        assert all(len(e["observations"]) == len(e["rewards"]) + 1 for e in episodes)
        if as_object:
            episodes = [type("Episode", (), e)() for e in episodes]
        assert_same_episodes(TrajectoryDataset.from_episodes(episodes), log)

    def test_episodes_without_the_last_observation(self, rng):
        log = TrajectoryDataset(*random_log(rng).to_arrays())
        back = TrajectoryDataset.from_episodes(log.to_episodes())
        assert back.next_observations is None
        assert_same_episodes(back, log)
        assert back.truncations.sum() == log.n_episodes

    def test_d3rlpy(self, rng):
        log = random_log(rng)
        arrays = log.to_d3rlpy()
        assert set(arrays) == {
            "observations", "actions", "rewards", "terminals", "timeouts"
        }  # fmt: skip
        back = TrajectoryDataset.from_d3rlpy(**arrays)
        assert_array_equal(back.returns(), log.returns())
        assert_array_equal(back.terminations.sum(), log.terminations.sum())
        without = TrajectoryDataset.from_d3rlpy(
            [0, 1, 2], [0, 0, 0], [1, 2, 3], [0, 1, 0]
        )
        assert_array_equal(without.returns(), [3, 3])

    def test_minari_there_and_back(self, rng, tmp_path, monkeypatch):
        minari = pytest.importorskip("minari")
        monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
        log = random_log(rng)
        stored = store(log, "test/there-and-back-v0")
        assert_same_episodes(TrajectoryDataset.from_minari(stored), log)
        by_name = TrajectoryDataset.from_minari("test/there-and-back-v0")
        assert_same_episodes(by_name, log)
        assert "test/there-and-back-v0" in minari.list_local_datasets()

    def test_minari_needs_the_last_observation(self, rng):
        pytest.importorskip("minari")
        log = TrajectoryDataset(*random_log(rng).to_arrays())
        with pytest.raises(ValueError, match="give next_observations"):
            log.to_minari("test/lacking-v0")

    def test_images_are_laid_out_in_rows(self):
        log = TrajectoryDataset(np.arange(12).reshape(2, 2, 3), [0, 1])
        assert log.observations.shape == (2, 6)

    def test_pickle(self, rng):
        log = random_log(rng)
        assert_same_episodes(pickle.loads(pickle.dumps(log)), log)


def store(log, name):
    return log.to_minari(
        name,
        algorithm_name="random",
        author="the tests",
        author_email="tests@example.org",
        code_permalink="https://example.org",
        description="Random numbers.",
    )


class TestSelection:
    def test_split_keeps_episodes_whole(self, rng):
        log = random_log(rng)
        train, test = log.split(test_size=0.3, random_state=0)
        assert test.n_episodes == 2
        assert not set(train.groups) & set(test.groups)
        assert train.n_steps + test.n_steps == log.n_steps
        again = log.split(test_size=2, random_state=0)[1]
        assert_same_episodes(again, test)

    def test_select_by_ids_or_by_mask(self, rng):
        log = random_log(rng)
        best = log.returns() > 0
        by_mask = log.select(best)
        assert_same_episodes(by_mask, log.select(log.episode_ids[best]))
        assert by_mask.returns().min() > 0

    def test_bad_selections(self, rng):
        log = random_log(rng)
        with pytest.raises(ValueError, match=r"holds .*99.*, which is not in groups"):
            log.select([99])
        with pytest.raises(ValueError, match="mask of shape"):
            log.select(np.ones(3, bool))
        with pytest.raises(ValueError, match="each part needs at least one"):
            log.split(test_size=log.n_episodes)


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"rewards": [1.0]}, "rewards has 1 values, but X has 3 rows"),
            ({"groups": [0, 0]}, "groups has 2 values, but X has 3 rows"),
            (
                {"rewards": [1, np.nan, 1]},
                "rewards holds NaN or infinity, first in row 1",
            ),
            ({"rewards": np.ones((3, 2))}, "rewards must be one column"),
            (
                {"observations": [[0], [np.inf], [0]]},
                "observations holds NaN or infinity",
            ),
            ({"observations": [["a"], ["b"], ["c"]]}, "observations must be numbers"),
            ({"observations": np.zeros((0, 1))}, "at least one row"),
            ({"actions": [1, 2]}, "actions has 2 rows, but X has 3"),
            ({"actions": [0.0, np.nan, 0.0]}, "actions holds NaN"),
            ({"actions": np.zeros((3, 1, 1))}, "actions must have one value a row"),
            (
                {"next_observations": np.zeros((3, 2))},
                "next_observations has 2 columns",
            ),
            ({"next_observations": np.zeros((2, 1))}, "next_observations has 2 rows"),
            ({"terminations": [1, 0, 0]}, "terminations is True in row 0, but row 1"),
            ({"truncations": [0, 0]}, "truncations has 2 values"),
        ],
    )
    def test_columns_that_do_not_fit(self, change, message):
        columns = {
            "observations": np.zeros((3, 1)),
            "actions": [0, 1, 0],
            "rewards": [0.0, 0.0, 1.0],
            "groups": [0, 0, 0],
        }
        with pytest.raises(ValueError, match=message):
            TrajectoryDataset(**(columns | change))

    @pytest.mark.parametrize(
        ("episode", "message"),
        [
            ({"actions": [0], "rewards": [0]}, "has no observations"),
            ({"observations": [], "actions": [], "rewards": []}, "no decisions"),
            (
                {"observations": [0, 1, 2], "actions": [0], "rewards": [0]},
                "1 rewards, 1 actions and 3 observations",
            ),
            (
                {"observations": {"eye": [0]}, "actions": [0], "rewards": [0]},
                "flatten them into one array",
            ),
        ],
    )
    def test_episodes_that_do_not_fit(self, episode, message):
        with pytest.raises(ValueError, match=message):
            TrajectoryDataset.from_episodes([episode])

    def test_no_episodes(self):
        with pytest.raises(ValueError, match="at least one episode"):
            TrajectoryDataset.from_episodes([])

    def test_last_observations_for_some_episodes_only(self):
        short = {"observations": [0], "actions": [0], "rewards": [0]}
        long = {"observations": [0, 1], "actions": [0], "rewards": [0]}
        with pytest.raises(ValueError, match="Episode 0 has no next_observations"):
            TrajectoryDataset.from_episodes([short, long])

    def test_flags_of_different_lengths(self):
        with pytest.raises(ValueError, match="timeouts has 1 values"):
            TrajectoryDataset.from_d3rlpy([0, 1], [0, 0], [0, 0], [0, 1], [0])


def test_repr_says_what_is_in_it():
    log = make_frozen_lake(3, intended=1.0, epsilon=0.0, random_state=0)
    assert repr(log) == (
        "TrajectoryDataset(3 episodes, 18 steps, 1 observation feature, 2 actions, "
        "returns 1 to 1)"
    )
    assert len(log) == 18


def test_plot_of_returns(rng):
    log = random_log(rng)
    ax = log.plot_returns(bins=5)
    assert sum(patch.get_height() for patch in ax.patches) == log.n_episodes
    assert log.plot_returns(ax=ax) is ax


def test_a_log_needs_no_package_of_reinforcement_learning():
    code = (
        "import sys; from sklearn_theory.datasets import make_frozen_lake; "
        "make_frozen_lake(2, random_state=0).split(1); "
        "print([m for m in ('gymnasium', 'minari', 'd3rlpy', 'matplotlib') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
