# SPDX-License-Identifier: BSD-3-Clause
"""Does a latent keep what it promises? Exact sums over a log, and a bound.

A latent promises the mean return of its trajectories; its policy, acting among the
log's outcomes, earns what is propagated backwards through the tree. The two agree if
latents tell nothing about outcomes, and differ little if they tell little (Pinsker's
inequality and the chain rule).
"""

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils.validation import check_array, check_consistent_length

from ._episodes import check_episodes
from ._log_codes import LogCoder
from ._prefix_tree import HISTORIES, build_tree
from ._prefix_tree_fast import extreme_returns, propagate_values

_SUM_TOLERANCE = 1e-6


def latent_consistency(
    X,
    y,
    rewards,
    groups,
    q,
    sample_weight=None,
    history="full",
    *,
    next_observations=None,
    terminations=None,
    truncations=None,
    reward_decimals=9,
):
    r"""Compare what latents promise with what their policies earn, exactly on a log.

    The log stands for the environment: after an action, outcomes occur as often as they
    did there. With `MI` the sum over the steps of the mutual information of latent and
    outcome given history and action, and a range :math:`R` of the returns,

    .. math::

        E_z |V(z) - V_\pi(z)| \le R \sqrt{\mathrm{MI} / 2}.

    Parameters
    ----------
    X : array-like of shape (n_steps, n_features)
        Observations; equal rows are one state.

    y : array-like of shape (n_steps,)
        Actions.

    rewards : array-like of shape (n_steps,) or None
        Rewards.

    groups : array-like of shape (n_steps,) or None
        The episode of each row.

    q : array-like of shape (n_episodes, n_latents)
        The probabilities of the latents given each episode, in the order of
        ``np.unique(groups)``.

    sample_weight : array-like of shape (n_episodes,) or None, default=None
        Weights of the episodes.

    history : {"full", "markov", "markov_time"}, default="full"
        What outcomes depend on beside the action: all that came before in the episode,
        the observation, or the observation and the time.

    next_observations : array-like of shape (n_steps, n_features) or None, default=None
        What was seen after each decision. Without them the last outcome of an episode
        is its reward alone.

    terminations, truncations : array-like of shape (n_steps,) or None, default=None
        How episodes ended.

    reward_decimals : int, default=9
        The decimals to which rewards are told apart.

    Returns
    -------
    consistency : Bunch
        `mi` and `nll` (in nats), `p_z`, `V` and `V_pi` of shape (n_latents,), the mean
        `gap` :math:`E_z |V(z) - V_\pi(z)|`, in which initial states count apart, and its
        `bound`; NaN with ``history="markov"``, for which no bound is proved.

    See Also
    --------
    TabularDoC : Finds latents whose promises are kept.

    References
    ----------
    .. [1] M. Yang, D. Schuurmans, P. Abbeel and O. Nachum, "Dichotomy of Control:
       Separating What You Can Control from What You Cannot", ICLR 2023,
       arXiv:2210.13435.

    Examples
    --------
    A coin is tossed whatever is done; a latent that tells how it fell promises 1, and
    gets 1/2.

    >>> import numpy as np
    >>> from sklearn_theory.offline_rl import latent_consistency
    >>> X, y = np.zeros((4, 1)), [0, 0, 1, 1]
    >>> luck = latent_consistency(X, y, [0, 1, 0, 1], None, q=np.eye(2)[[0, 1, 0, 1]])
    >>> luck.V, luck.V_pi
    (array([0., 1.]), array([0.5, 0.5]))
    >>> f"{luck.mi:.3f}: {luck.gap} <= {luck.bound:.3f}"
    '0.693: 0.5 <= 0.589'
    """
    if history not in HISTORIES:
        raise ValueError(f"history must be one of {list(HISTORIES)}, got {history!r}.")
    X, y = check_array(X, dtype=[np.float64, np.float32]), np.asarray(y)
    check_consistent_length(X, y)
    log = check_episodes(
        X,
        y,
        rewards,
        groups,
        next_observations=next_observations,
        terminations=terminations,
        truncations=truncations,
    )
    q = check_latents(q, log.n_episodes)
    weight = _check_weight(sample_weight, log.n_episodes)
    log, q, weight = log.select(weight > 0), q[weight > 0], weight[weight > 0]
    coder = LogCoder(None, reward_decimals).fit(log)
    tree = build_tree(coder.encode(log), coder, history, weight)
    return consistency_of(tree, q, history)


def check_latents(q, n_episodes):
    """Check the probabilities of latents, one row for each episode."""
    q = check_array(q, dtype=np.float64, input_name="q")
    if len(q) != n_episodes:
        raise ValueError(
            f"q has {len(q)} rows, but there are {n_episodes} episodes in groups."
        )
    sums = q.sum(axis=1)
    wrong = np.flatnonzero((np.abs(sums - 1) > _SUM_TOLERANCE) | (q < 0).any(axis=1))
    if len(wrong):
        raise ValueError(
            "Rows of q must be probabilities that sum to 1; row "
            f"{wrong[0]} sums to {sums[wrong[0]]:.8g} and has the least entry "
            f"{q[wrong[0]].min():.3g}."
        )
    return np.ascontiguousarray(q / sums[:, np.newaxis])


def _check_weight(weight, n_episodes):
    if weight is None:
        return np.ones(n_episodes)
    weight = np.asarray(weight, dtype=float)
    if weight.shape != (n_episodes,):
        raise ValueError(
            f"sample_weight has shape {weight.shape}, but must have one weight for each "
            f"of the {n_episodes} episodes."
        )
    if not np.isfinite(weight).all() or weight.min() < 0 or not weight.any():
        raise ValueError(
            "sample_weight must be finite, not negative, and not all zero."
        )
    return weight


def consistency_of(tree, q, history):
    """Compute promises, achievements and the bound on a tree.

    Parameters
    ----------
    tree : PrefixTree
        The log.

    q : ndarray of shape (n_trajectories, n_latents)
        The latents of its trajectories.

    history : {"full", "markov", "markov_time"}
        What the tree was built with.

    Returns
    -------
    consistency : Bunch
        As in :func:`latent_consistency`.
    """
    nll, information = tree.objective(q)
    begun = np.zeros((tree.n_decisions, q.shape[1]))
    earned = np.zeros_like(begun)
    weighted = tree.weight[:, np.newaxis] * q
    np.add.at(begun, tree.first_decision, weighted)
    np.add.at(earned, tree.first_decision, tree.returns[:, np.newaxis] * weighted)
    achieved = begun * achieved_values(tree, q, history)
    p_z = begun.sum(axis=0)
    divisor = np.where(p_z > 0, p_z, 1.0)
    return Bunch(
        mi=information,
        nll=nll,
        p_z=p_z,
        V=earned.sum(axis=0) / divisor,
        V_pi=achieved.sum(axis=0) / divisor,
        gap=float(np.abs(earned - achieved).sum()),
        bound=return_range(tree, history) * np.sqrt(information / 2),
    )


def achieved_values(tree, q, history):
    """Compute what the policy of each latent earns from each decision on."""
    values = np.zeros((tree.n_decisions, q.shape[1]))
    arguments = (
        tree.policy(q),
        tree.outcome_chance,
        tree.outcome_gain[tree.outcome_code],
        tree.following,
        *tree.starts,
    )
    if history != "markov":
        propagate_values(values, values, *arguments)
        return values
    for _ in range(int(tree.codes.time.max()) + 1):
        later = values.copy()
        propagate_values(values, later, *arguments)
    return values


def return_range(tree, history):
    """The largest difference of returns among the log's outcomes; NaN if unknown."""
    if history == "markov":
        return np.nan
    gains = tree.outcome_gain[tree.outcome_code]
    extremes = extreme_returns(gains, tree.following, *tree.starts)
    least, largest = extremes[tree.first_decision].T
    return float(largest.max() - least.min())
