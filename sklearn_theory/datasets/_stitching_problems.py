# SPDX-License-Identifier: BSD-3-Clause
"""Problems whose best episode is pieced together from parts of logged ones."""

from itertools import combinations
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from ..utils._compat import Interval, StrOptions, validate_params
from ._simulation import DecisionProblem, simulate

_COUNT = [Interval(Integral, 1, None, closed="left")]


class StitchChain(DecisionProblem):
    """Stages in a row; action 1 earns 1 and action 0 nothing."""

    n_actions = 2

    def __init__(self, horizon=8):
        self.length = horizon
        self.n_observations = horizon + 1

    def begin(self, n_episodes, random):
        return np.zeros((n_episodes, 1))

    def advance(self, observations, actions, random):
        following = observations + 1
        return following, actions.astype(float), following[:, 0] >= self.length


class LinearQ(DecisionProblem):
    """States in a row with linear optimal values and a zigzag of rewards."""

    n_actions = 2

    def __init__(self, n_states=8):
        if n_states % 2:
            raise ValueError(f"n_states must be even, got {n_states}.")
        self.end = n_states
        self.n_observations = n_states + 1

    def begin(self, n_episodes, random):
        return np.zeros((n_episodes, 1))

    def advance(self, observations, actions, random):
        state = observations[:, 0]
        stride = np.where(state % 2 == 0, 1, 2)
        ahead = np.minimum(state + np.where(actions == 1, stride, 1), self.end)
        rewards = np.where(actions == 1, ahead - state, 0.0)
        return ahead[:, np.newaxis], rewards, ahead >= self.end


class StitchMaze(DecisionProblem):
    """A corridor with a corner, in which moves into walls are cancelled."""

    action_range = (np.full(2, -1.0), np.full(2, 1.0))
    # The horizon ends an episode; walls keep positions within the corridor.
    observation_range = (np.full(2, -2.0), np.full(2, 2.0))
    _FREE = np.zeros((4, 6), dtype=bool)
    _FREE[(1, 1, 2, 2, 2, 2), (1, 2, 1, 2, 3, 4)] = True

    def __init__(self, horizon=40):
        self.horizon = horizon

    @staticmethod
    def centre(row, column):
        return np.array([column - 2.5, 1.5 - row])

    def begin(self, n_episodes, random):
        return self.centre(1, 2) + random.uniform(-0.25, 0.25, (n_episodes, 2))

    def advance(self, observations, actions, random):
        noise = 0.01 * random.standard_normal(observations.shape)
        moves = 0.2 * np.clip(actions, -1, 1) + noise
        position = observations.copy()
        for axis in (0, 1):
            moved = position.copy()
            moved[:, axis] += moves[:, axis]
            free = self._is_free(moved)
            position[free] = moved[free]
        distance = np.linalg.norm(position - self.centre(2, 4), axis=1)
        return position, np.exp(-distance), np.zeros(len(position), dtype=bool)

    def _is_free(self, position):
        column = np.floor(position[:, 0] + 3).astype(int)
        row = np.floor(2 - position[:, 1]).astype(int)
        return self._FREE[np.clip(row, 0, 3), np.clip(column, 0, 5)]


class _Waypoints:
    """Walk from waypoint to waypoint with an unsteady hand, and hold the last one."""

    def __init__(self, waypoints):
        self.waypoints = waypoints
        self.reached = np.zeros(len(waypoints), dtype=int)

    def __call__(self, observations, episodes, random):
        target = self.waypoints[episodes, self.reached[episodes]]
        near = np.linalg.norm(target - observations, axis=1) < 0.15
        n_waypoints = self.waypoints.shape[1]
        passed = np.minimum(self.reached[episodes] + near, n_waypoints - 1)
        self.reached[episodes] = passed
        target = self.waypoints[episodes, passed]
        pull = np.clip(5 * (target - observations), -1, 1)
        noise = 0.1 * random.standard_normal(pull.shape)
        return np.clip(pull + noise, -1, 1)


_TURNS_AWAY = ((2, 2), (2, 1), (1, 1))
_DETOUR = ((1, 1), (2, 1), (2, 4))


@validate_params(
    {
        "n_episodes": [*_COUNT, None],
        "horizon": _COUNT,
        "n_ones": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_stitch_chain(n_episodes=None, *, horizon=8, n_ones=4, random_state=None):
    """Generate episodes of equal return that together hold every good decision.

    The state is the stage, 0 to ``horizon - 1``; action 1 earns 1, action 0 nothing.
    Every logged episode earns `n_ones`, so that a policy conditioned on returns cannot
    be asked for more, although both actions are seen at every stage. The best return is
    `horizon` [1]_.

    Parameters
    ----------
    n_episodes : int or None, default=None
        Number of episodes drawn at random; None gives every one of the episodes once.

    horizon : int, default=8
        Number of stages.

    n_ones : int, default=4
        The return of every episode.

    random_state : int, RandomState instance or None, default=None
        Determines the episodes, if some are drawn.

    Returns
    -------
    log : TrajectoryDataset
        The episodes.

    See Also
    --------
    make_environment : The problem itself, under the name ``"stitch_chain"``.

    References
    ----------
    .. [1] Z. Zhou, C. Zhu, R. Zhou, Q. Cui, A. Gupta and S. S. Du, "Free from Bellman
       Completeness: Trajectory Stitching via Model-based Return-conditioned Supervised
       Learning", ICLR 2024, arXiv:2310.19308.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_stitch_chain
    >>> log = make_stitch_chain(horizon=4, n_ones=2)
    >>> log.n_episodes, log.returns()
    (6, array([2., 2., 2., 2., 2., 2.]))
    """
    if n_ones > horizon:
        raise ValueError(f"n_ones={n_ones} must not exceed horizon={horizon}.")
    if n_episodes is None:
        plans = _all_plans(horizon, n_ones)
    else:
        random = check_random_state(random_state)
        ranks = random.random_sample((n_episodes, horizon)).argsort(axis=1)
        plans = (ranks < n_ones).astype(int)

    def follow_plan(observations, episodes, random):
        return plans[episodes, observations[:, 0].astype(int)]

    return simulate(StitchChain(horizon), follow_plan, len(plans), None)


def _all_plans(horizon, n_ones):
    chosen = list(combinations(range(horizon), n_ones))
    plans = np.zeros((len(chosen), horizon), dtype=int)
    for plan, ones in zip(plans, chosen):
        plan[list(ones)] = 1
    return plans


@validate_params(
    {
        "n_episodes": _COUNT,
        "n_states": [Interval(Integral, 2, None, closed="left")],
        "start": [StrOptions({"uniform", "zero"})],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_linear_q(n_episodes=1000, *, n_states=8, start="uniform", random_state=None):
    r"""Generate episodes of a problem whose optimal values are linear in the state.

    States are 0 to `n_states`, of which the last ends the episode. Action 1 moves one
    state from even states and two from odd ones, and earns the distance; action 0 moves
    one and earns nothing. The optimal values are
    :math:`Q^*(s, a) = n - s - 1 + a`, but the rewards of action 1 zigzag, so that a
    network needs a width that grows with :math:`n` to hold one Bellman step from
    zero, while "take action 1 if the return asked for exceeds :math:`n - s - 1/2`" is a
    single unit [1]_.

    Parameters
    ----------
    n_episodes : int, default=1000
        Number of episodes; both actions are equally probable.

    n_states : int, default=8
        Number of states before the last one; even.

    start : {"uniform", "zero"}, default="uniform"
        Whether episodes begin in any state or in the first one.

    random_state : int, RandomState instance or None, default=None
        Determines the episodes.

    Returns
    -------
    log : TrajectoryDataset
        The episodes.

    See Also
    --------
    make_environment : The problem itself, under the name ``"linear_q"``.

    References
    ----------
    .. [1] Z. Zhou, C. Zhu, R. Zhou, Q. Cui, A. Gupta and S. S. Du, "Free from Bellman
       Completeness: Trajectory Stitching via Model-based Return-conditioned Supervised
       Learning", ICLR 2024, arXiv:2310.19308.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_linear_q
    >>> log = make_linear_q(100, n_states=4, random_state=0)
    >>> float(log.returns().max())
    4.0
    """
    random = check_random_state(random_state)
    problem = LinearQ(n_states)
    first = problem.begin(n_episodes, random)
    if start == "uniform":
        first = random.randint(n_states, size=(n_episodes, 1)).astype(float)

    def act_at_random(observations, episodes, random):
        return random.randint(2, size=len(episodes))

    return simulate(problem, act_at_random, n_episodes, random, first)


@validate_params(
    {
        "n_episodes": [Interval(Integral, 2, None, closed="left")],
        "horizon": _COUNT,
        "detour_share": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_stitch_maze(
    n_episodes=200, *, horizon=40, detour_share=0.5, random_state=None
):
    """Generate walks in a maze, of which no single one is short and ends well.

    A corridor has the shape of a C that lies on its back: the start is at its upper right
    end, and one may step down to the middle of the lower corridor, whose right end is
    the goal. One kind of walk steps down, but then turns away; the other makes the long
    detour to the goal. Both cross the same cell, and only "the first, then the second"
    is short [1]_. The observation is the position, the action a velocity in [-1, 1] for
    each axis, the reward falls exponentially with the distance from the goal.

    Parameters
    ----------
    n_episodes : int, default=200
        Number of walks; those that turn away come first.

    horizon : int, default=40
        Number of steps of each walk.

    detour_share : float, default=0.5
        Share of the walks that make the detour.

    random_state : int, RandomState instance or None, default=None
        Determines starts, waypoints and noise.

    Returns
    -------
    log : TrajectoryDataset
        The walks.

    See Also
    --------
    make_environment : The maze itself, under the name ``"stitch_maze"``.

    References
    ----------
    .. [1] Z. Zhou, C. Zhu, R. Zhou, Q. Cui, A. Gupta and S. S. Du, "Free from Bellman
       Completeness: Trajectory Stitching via Model-based Return-conditioned Supervised
       Learning", ICLR 2024, arXiv:2310.19308.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_stitch_maze
    >>> make_stitch_maze(20, random_state=0).n_steps
    800
    """
    random = check_random_state(random_state)
    makes_detour = np.arange(n_episodes) >= round(n_episodes * (1 - detour_share))
    centres = np.array(
        [[StitchMaze.centre(*cell) for cell in kind] for kind in (_TURNS_AWAY, _DETOUR)]
    )
    waypoints = centres[makes_detour.astype(int)]
    waypoints = waypoints + random.uniform(-0.2, 0.2, waypoints.shape)
    return simulate(StitchMaze(horizon), _Waypoints(waypoints), n_episodes, random)
