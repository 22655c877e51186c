# SPDX-License-Identifier: BSD-3-Clause
"""The generators' problems as environments of Gymnasium, in which policies can act."""

from ..utils._optional import import_optional
from ._frozen_lake import FrozenLake
from ._luck_problems import BernoulliBandit, ContextualBandit, GambleTree, LuckyTree
from ._stitching_problems import LinearQ, StitchChain, StitchMaze

PROBLEMS = {
    "bernoulli_bandit": BernoulliBandit,
    "contextual_bandit": ContextualBandit,
    "frozen_lake": FrozenLake,
    "gamble_tree": GambleTree,
    "linear_q": LinearQ,
    "lucky_tree": LuckyTree,
    "stitch_chain": StitchChain,
    "stitch_maze": StitchMaze,
}


def make_environment(problem, **parameters):
    """Make the environment from which a generator draws its episodes.

    Gymnasium is needed, and is imported here (``pip install "sklearn_theory[rl]"``).

    Parameters
    ----------
    problem : str
        The name of a generator without ``make_``: ``"bernoulli_bandit"``,
        ``"contextual_bandit"``, ``"frozen_lake"``, ``"gamble_tree"``, ``"linear_q"``,
        ``"lucky_tree"``, ``"stitch_chain"`` or ``"stitch_maze"``.

    **parameters : dict
        The generator's parameters, of those that describe the problem and not the log:
        `probability`; `n_features` and `mean`; `intended` and `horizon`; none for
        the two trees; `n_states`; `horizon` for the last two.

    Returns
    -------
    environment : gymnasium.Env
        The environment.

    See Also
    --------
    sklearn_theory.offline_rl.rollout : Lets a policy act in it.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_environment
    >>> environment = make_environment("stitch_chain", horizon=2)
    >>> observation, info = environment.reset(seed=0)
    >>> environment.step(1)
    (1, 1.0, False, False, {})
    """
    if problem not in PROBLEMS:
        raise ValueError(f"problem must be one of {sorted(PROBLEMS)}, got {problem!r}.")
    import_optional("gymnasium", needed_by="make_environment", extra="rl")
    from ._gymnasium_environment import ProblemEnvironment

    return ProblemEnvironment(PROBLEMS[problem](**parameters))
