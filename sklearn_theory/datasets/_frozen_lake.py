# SPDX-License-Identifier: BSD-3-Clause
"""A frozen lake with holes, on which one slips."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from ..utils._compat import Interval, validate_params
from ._simulation import DecisionProblem, simulate

_MAP = "SFFFFHFHFFFHHFFG"
_SIDE = 4
_MOVES = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]])  # left, down, right, up


class FrozenLake(DecisionProblem):
    """Walk from the first field to the last one; a hole ends the walk.

    Actions are numbered as in Gymnasium: left, down, right, up.
    """

    n_actions = 4
    n_observations = _SIDE**2

    def __init__(self, intended=1 / 3, horizon=100):
        self.intended = intended
        self.horizon = horizon

    def begin(self, n_episodes, random):
        return np.zeros((n_episodes, 1))

    def advance(self, observations, actions, random):
        slip = (1 - self.intended) / 2
        turn = random.choice(
            [0, 1, 3], size=len(actions), p=[self.intended, slip, slip]
        )
        following = _FOLLOWING[observations[:, 0].astype(int), (actions + turn) % 4]
        field = np.array(list(_MAP))[following]
        ended = (field == "H") | (field == "G")
        return following[:, np.newaxis].astype(float), (field == "G") * 1.0, ended

    def transitions(self):
        """The probability of each field after each field and action, and of the goal."""
        return _transitions(self.intended)


def _following_fields():
    fields = np.arange(_SIDE**2)
    places = np.column_stack(np.divmod(fields, _SIDE))
    moved = np.clip(places[:, np.newaxis] + _MOVES, 0, _SIDE - 1)
    return moved[..., 0] * _SIDE + moved[..., 1]


_FOLLOWING = _following_fields()


def _transitions(intended):
    probability = np.zeros((_SIDE**2, 4, _SIDE**2))
    fields, actions = np.indices((_SIDE**2, 4))
    slip = (1 - intended) / 2
    for turn, chance in ((0, intended), (1, slip), (3, slip)):
        following = _FOLLOWING[fields, (actions + turn) % 4]
        np.add.at(probability, (fields, actions, following), chance)
    return probability


def optimal_actions(intended, *, discount=0.99, n_iter=1000):
    """Find the actions that reach the goal most probably, by value iteration.

    Without a discount, actions that put the goal off forever may tie with the best.

    Parameters
    ----------
    intended : float
        How probable the intended direction is.

    discount : float, default=0.99
        The discount of each step.

    n_iter : int, default=1000
        Number of iterations.

    Returns
    -------
    actions : ndarray of shape (16,)
        The best action in each field.

    values : ndarray of shape (16,)
        The discounted probability of reaching the goal from it.
    """
    ended = np.array([field in "HG" for field in _MAP])
    goal = np.array([field == "G" for field in _MAP], dtype=float)
    transitions = _transitions(intended)
    values = np.zeros(_SIDE**2)
    for _ in range(n_iter):
        action_values = transitions @ np.where(ended, goal, discount * values)
        values = np.where(ended, 0.0, action_values.max(axis=1))
    return action_values.argmax(axis=1), values


@validate_params(
    {
        "n_episodes": [Interval(Integral, 1, None, closed="left")],
        "intended": [Interval(Real, 0, 1, closed="both")],
        "epsilon": [Interval(Real, 0, 1, closed="both")],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_frozen_lake(
    n_episodes=100, *, intended=1 / 3, epsilon=0.5, horizon=100, random_state=None
):
    """Generate walks over a frozen lake of four by four fields.

    One moves in the direction that was meant with probability `intended`, and in each of
    the two perpendicular ones with half of the rest. The walker takes the best action,
    except with probability `epsilon` a random one. Reaching the goal earns 1; holes end
    the walk [1]_.

    Parameters
    ----------
    n_episodes : int, default=100
        Number of walks.

    intended : float, default=1/3
        How probable the intended direction is; one third is as in Gymnasium.

    epsilon : float, default=0.5
        Share of random actions.

    horizon : int, default=100
        The most steps of a walk.

    random_state : int, RandomState instance or None, default=None
        Determines actions and slips.

    Returns
    -------
    log : TrajectoryDataset
        The walks; the observation is the number of the field, row by row.

    See Also
    --------
    make_environment : The lake itself, under the name ``"frozen_lake"``.

    References
    ----------
    .. [1] M. Yang, D. Schuurmans, P. Abbeel and O. Nachum, "Dichotomy of Control:
       Separating What You Can Control from What You Cannot", ICLR 2023,
       arXiv:2210.13435.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_frozen_lake
    >>> log = make_frozen_lake(100, intended=0.8, epsilon=0.1, random_state=0)
    >>> f"{log.returns().mean():.2f}"
    '0.68'
    """
    random = check_random_state(random_state)
    best, _ = optimal_actions(intended)

    def walk(observations, episodes, random):
        actions = best[observations[:, 0].astype(int)]
        is_random = random.random_sample(len(episodes)) < epsilon
        return np.where(is_random, random.randint(4, size=len(episodes)), actions)

    return simulate(FrozenLake(intended, horizon), walk, n_episodes, random)
