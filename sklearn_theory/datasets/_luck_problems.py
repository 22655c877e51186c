# SPDX-License-Identifier: BSD-3-Clause
"""Problems in which a good episode may be luck and no skill."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from ..utils._compat import Interval, validate_params
from ._simulation import DecisionProblem, simulate

_COUNT = [Interval(Integral, 1, None, closed="left")]
_PROBABILITY = [Interval(Real, 0, 1, closed="both")]


class BernoulliBandit(DecisionProblem):
    """Two arms that earn 1 with probabilities `probability` and one minus it."""

    n_actions = 2
    n_observations = 1

    def __init__(self, probability=0.1):
        self.means = np.array([probability, 1 - probability])

    def begin(self, n_episodes, random):
        return np.zeros((n_episodes, 1))

    def advance(self, observations, actions, random):
        rewards = random.random_sample(len(actions)) < self.means[actions]
        return observations, rewards.astype(float), np.ones(len(actions), dtype=bool)


class GambleTree(DecisionProblem):
    """A safe choice or one of two gambles, then an action that earns its number."""

    n_actions = 3
    n_observations = 3
    _LUCKY = np.array([1.0, 5.0, 1.0])
    _UNLUCKY = np.array([1.0, -15.0, -6.0])

    def begin(self, n_episodes, random):
        return np.zeros((n_episodes, 1))

    def advance(self, observations, actions, random):
        stage = observations[:, 0]
        lucky = random.random_sample(len(actions)) < 0.5
        gambles = np.where(lucky, self._LUCKY[actions], self._UNLUCKY[actions])
        rewards = np.where(stage == 0, gambles, np.where(actions == 1, 1.0, 0.0))
        following = observations + 1
        return following, rewards, following[:, 0] >= 2


class LuckyTree(DecisionProblem):
    """A safe choice or a risky one, then an action that only luck tells apart."""

    n_actions = 2
    observation_range = (np.array([0.0, -1.0]), np.array([2.0, 1.0]))

    def begin(self, n_episodes, random):
        return np.zeros((n_episodes, 2))

    def advance(self, observations, actions, random):
        first = observations[:, 0] == 0
        lucky = random.random_sample(len(actions)) < 0.5
        risky = first & (actions == 1)
        gain = np.where(risky, lucky.astype(float), 0.6)
        luck = np.where(risky, np.where(lucky, 1.0, -1.0), 0.0)
        following = np.column_stack(
            [observations[:, 0] + 1, np.where(first, luck, observations[:, 1])]
        )
        return following, np.where(first, gain, 0.0), ~first


class ContextualBandit(DecisionProblem):
    """Two arms of which the sign of the first feature says the better one."""

    n_actions = 2

    def __init__(self, n_features=2, mean=0.8):
        self.mean = mean
        # No normal draw in double precision lies farther out.
        self.observation_range = (np.full(n_features, -40.0), np.full(n_features, 40.0))

    def begin(self, n_episodes, random):
        return random.standard_normal((n_episodes, len(self.observation_range[0])))

    def advance(self, observations, actions, random):
        good = actions == (observations[:, 0] > 0)
        mean = np.where(good, self.mean, 1 - self.mean)
        rewards = random.random_sample(len(actions)) < mean
        return observations, rewards.astype(float), np.ones(len(actions), dtype=bool)


@validate_params(
    {
        "n_episodes": _COUNT,
        "probability": _PROBABILITY,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_bernoulli_bandit(n_episodes=1000, *, probability=0.1, random_state=None):
    """Generate pulls of two arms by someone who prefers the worse one.

    Arm 0 earns 1 with probability `probability`, arm 1 with one minus it. Arm 1 is
    pulled with probability `probability`. Among the pulls that earned 1 both arms are
    equally frequent, so that a policy conditioned on the return 1 pulls either, and
    earns 1/2 whatever `probability` is. The better arm earns ``1 - probability`` [1]_.

    Parameters
    ----------
    n_episodes : int, default=1000
        Number of pulls, each an episode of one step.

    probability : float, default=0.1
        How probable the better arm is to be pulled, and the worse one to earn.

    random_state : int, RandomState instance or None, default=None
        Determines the pulls and what they earn.

    Returns
    -------
    log : TrajectoryDataset
        The pulls; the observation is always 0.

    See Also
    --------
    make_environment : The arms themselves, under the name ``"bernoulli_bandit"``.

    References
    ----------
    .. [1] M. Yang, D. Schuurmans, P. Abbeel and O. Nachum, "Dichotomy of Control:
       Separating What You Can Control from What You Cannot", ICLR 2023,
       arXiv:2210.13435.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_bernoulli_bandit
    >>> log = make_bernoulli_bandit(1000, random_state=0)
    >>> f"{log.actions[log.rewards == 1].mean():.2f}"
    '0.49'
    """
    random = check_random_state(random_state)

    def prefer_the_worse(observations, episodes, random):
        return (random.random_sample(len(episodes)) < probability).astype(int)

    return simulate(BernoulliBandit(probability), prefer_the_worse, n_episodes, random)


@validate_params(
    {"n_episodes": _COUNT, "random_state": ["random_state"]},
    prefer_skip_nested_validation=True,
)
def make_gamble_tree(n_episodes=2000, *, random_state=None):
    """Generate episodes of a gamble followed by a free gift.

    The first action is 0 (earns 1), 1 (earns 5 or loses 15) or 2 (earns 1 or loses 6),
    each gamble lucky in half of the cases; all three are equally frequent. The second
    action is 0 or 1 with equal frequency and earns its number; in the environment
    action 2 earns nothing there. The largest return, 6, is lucky; the best that can be
    expected is 2, from the safe action and then action 1 [1]_.

    Parameters
    ----------
    n_episodes : int, default=2000
        Number of episodes, of two steps each.

    random_state : int, RandomState instance or None, default=None
        Determines the actions and what they earn.

    Returns
    -------
    log : TrajectoryDataset
        The episodes; the observation is the stage.

    See Also
    --------
    make_environment : The problem itself, under the name ``"gamble_tree"``.

    References
    ----------
    .. [1] M. Yang, D. Schuurmans, P. Abbeel and O. Nachum, "Dichotomy of Control:
       Separating What You Can Control from What You Cannot", ICLR 2023,
       arXiv:2210.13435.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_gamble_tree
    >>> float(make_gamble_tree(random_state=0).returns().max())
    6.0
    """
    random = check_random_state(random_state)

    def choose_evenly(observations, episodes, random):
        n_choices = np.where(observations[:, 0] == 0, 3, 2)
        return random.randint(n_choices)

    return simulate(GambleTree(), choose_evenly, n_episodes, random)


_HABIT = {0.0: 0.5, 1.0: 0.9, -1.0: 0.1}


@validate_params(
    {"n_episodes": _COUNT, "random_state": ["random_state"]},
    prefer_skip_nested_validation=True,
)
def make_lucky_tree(n_episodes=4000, *, random_state=None):
    """Generate episodes whose later actions give away earlier luck.

    The first action is safe (0, earns 0.6) or risky (1, earns 1 or 0 with equal
    probability), both equally frequent. The second action earns nothing, but is 1 with
    probability 0.5 after the safe action, 0.9 after good luck and 0.1 after bad luck.
    A summary of the future that predicts actions well therefore knows the luck, and
    promises what it cannot keep. The best that can be expected is 0.6.

    Parameters
    ----------
    n_episodes : int, default=4000
        Number of episodes, of two steps each.

    random_state : int, RandomState instance or None, default=None
        Determines the actions and what they earn.

    Returns
    -------
    log : TrajectoryDataset
        The episodes; the observation is the stage and the luck, -1, 0 or 1.

    See Also
    --------
    make_environment : The problem itself, under the name ``"lucky_tree"``.

    References
    ----------
    .. [1] M. Yang, D. Schuurmans, P. Abbeel and O. Nachum, "Dichotomy of Control:
       Separating What You Can Control from What You Cannot", ICLR 2023,
       arXiv:2210.13435.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.datasets import make_lucky_tree
    >>> np.unique(make_lucky_tree(random_state=0).returns())
    array([0. , 0.6, 1. ])
    """
    random = check_random_state(random_state)

    def act_by_habit(observations, episodes, random):
        after = np.vectorize(_HABIT.get)(observations[:, 1])
        probability = np.where(observations[:, 0] == 0, 0.5, after)
        return (random.random_sample(len(episodes)) < probability).astype(int)

    return simulate(LuckyTree(), act_by_habit, n_episodes, random)


@validate_params(
    {
        "n_episodes": _COUNT,
        "n_features": _COUNT,
        "mean": _PROBABILITY,
        "skill": _PROBABILITY,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_contextual_bandit(
    n_episodes=4000, *, n_features=2, mean=0.8, skill=0.2, random_state=None
):
    """Generate pulls of two arms of which a context says the better one.

    Contexts are normal. Arm 1 is the better one if the first feature is positive, else
    arm 0. The better arm earns 1 with probability `mean`, the other with one minus it.

    Parameters
    ----------
    n_episodes : int, default=4000
        Number of pulls, each an episode of one step.

    n_features : int, default=2
        Number of features of a context.

    mean : float, default=0.8
        How probable the better arm is to earn.

    skill : float, default=0.2
        How probable the better arm is to be pulled.

    random_state : int, RandomState instance or None, default=None
        Determines contexts, pulls and what they earn.

    Returns
    -------
    log : TrajectoryDataset
        The pulls.

    See Also
    --------
    make_environment : The problem itself, under the name ``"contextual_bandit"``.

    References
    ----------
    .. [1] M. Yang, D. Schuurmans, P. Abbeel and O. Nachum, "Dichotomy of Control:
       Separating What You Can Control from What You Cannot", ICLR 2023,
       arXiv:2210.13435.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_contextual_bandit
    >>> f"{make_contextual_bandit(random_state=0).rewards.mean():.2f}"
    '0.33'
    """
    random = check_random_state(random_state)

    def pull(observations, episodes, random):
        better = (observations[:, 0] > 0).astype(int)
        is_good = random.random_sample(len(episodes)) < skill
        return np.where(is_good, better, 1 - better)

    return simulate(ContextualBandit(n_features, mean), pull, n_episodes, random)
