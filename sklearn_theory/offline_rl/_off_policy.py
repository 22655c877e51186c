# SPDX-License-Identifier: BSD-3-Clause
"""What a policy would earn, estimated from a log of another one."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_consistent_length

from ._episodes import check_episodes
from ._off_policy_model import ModelEstimate
from ._off_policy_weights import WEIGHTINGS, behaviour_proba, target_proba

_LEAST_WEIGHT = 1e-300


@dataclass(frozen=True)
class OffPolicyEstimate:
    """An estimate of what a policy earns in an episode.

    Parameters
    ----------
    value : float
        The estimate.

    interval : tuple of (float, float)
        Percentiles of the estimates on resampled episodes.

    confidence : float
        The share of the resamples between them.

    effective_size : float
        How many episodes of the policy itself would tell as much, by the spread of the
        weights; with ``method="model"`` the number of episodes in which the policy
        stays within the log.

    n_undefined : int
        How many resamples gave no estimate, since all of their weights are zero.

    method : str
        The method.

    See Also
    --------
    off_policy_estimate : Makes it.
    """

    value: float
    interval: tuple
    confidence: float
    effective_size: float
    n_undefined: int
    method: str


def off_policy_estimate(
    policy,
    X,
    y,
    rewards=None,
    groups=None,
    *,
    behavior=None,
    method="weighted",
    gamma=1.0,
    n_bootstrap=200,
    confidence=0.95,
    n_simulations=200,
    random_state=None,
):
    r"""Estimate what a policy would earn, from episodes of another one.

    With :math:`\rho_t` the policy's probability of the logged action over the
    behaviour's, and :math:`G` the return of an episode, the methods are

    - ``"ordinary"``: the mean of :math:`G \prod_t \rho_t`, unbiased, of large variance;
    - ``"weighted"``: the same over the mean of the weights, biased and steadier;
    - ``"per_decision"``: the mean of :math:`\sum_t \gamma^t r_t \prod_{u \le t} \rho_u`,
      in which later actions do not blur earlier rewards;
    - ``"model"``: the return in a model whose transitions are as frequent as in the
      log. It needs few distinct observations that are all that the future depends on.
      An action that was never logged in a state ends the episode there.

    Parameters
    ----------
    policy : object
        It has ``logged_proba(X, y, rewards, groups)`` or ``predict_proba(X)`` and
        ``classes_``; or it is an array of shape (n_steps,), the probabilities of the
        logged actions. For ``method="model"`` what :func:`rollout` takes, or what has
        ``predict_proba`` and no ``act``.

    X : array-like of shape (n_steps, n_features)
        Observations.

    y : array-like of shape (n_steps,)
        Actions.

    rewards, groups : array-like of shape (n_steps,) or None, default=None
        Rewards, and the episode of each row.

    behavior : object, array-like of shape (n_steps,) or None, default=None
        What acted: probabilities of the logged actions, or what `policy` may be. None
        takes the frequencies of actions at each distinct observation.

    method : {"ordinary", "weighted", "per_decision", "model"}, default="weighted"
        The method.

    gamma : float, default=1.0
        The discount of each further step.

    n_bootstrap : int, default=200
        Number of resamples of the episodes.

    confidence : float, default=0.95
        The share of the resamples' estimates within the interval.

    n_simulations : int, default=200
        Number of episodes in each model, for a policy that has ``act``; others are
        evaluated exactly.

    random_state : int, RandomState instance or None, default=None
        Determines resamples and simulations.

    Returns
    -------
    estimate : OffPolicyEstimate
        The value with its interval.

    See Also
    --------
    rollout : Lets the policy act in the environment itself.
    make_off_policy_scorer : Makes a scorer of it, for searches.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.datasets import make_bernoulli_bandit
    >>> from sklearn_theory.offline_rl import off_policy_estimate
    >>> log = make_bernoulli_bandit(2000, probability=0.2, random_state=0)
    >>> always_the_second = (log.actions == 1).astype(float)
    >>> estimate = off_policy_estimate(
    ...     always_the_second, *log.to_arrays(), random_state=0
    ... )
    >>> f"{estimate.value:.2f} in {estimate.interval[0]:.2f} to {estimate.interval[1]:.2f}"
    '0.79 in 0.75 to 0.84'
    """
    _check_settings(method, gamma, n_bootstrap, confidence, n_simulations)
    rows, y = check_array(X, dtype=[np.float64, np.float32]), np.asarray(y)
    check_consistent_length(rows, y)
    log = check_episodes(rows, y, rewards, groups)
    random = check_random_state(random_state)
    if method == "model":
        estimator = ModelEstimate(policy, log, gamma, n_simulations, random)
    else:
        # What was fitted on named columns is to find these names again.
        ratios = _ratios(policy, behavior, X if hasattr(X, "columns") else rows, log)
        estimator = WEIGHTINGS[method](log, ratios, gamma)
    value = estimator.value(np.ones(log.n_episodes))
    resampled = np.array(
        [estimator.value(counts) for counts in _resamples(log, n_bootstrap, random)]
    )
    defined = resampled[~np.isnan(resampled)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail]) if len(defined) else [np.nan] * 2
    return OffPolicyEstimate(
        float(value),
        (float(low), float(high)),
        confidence,
        float(estimator.effective_size),
        n_bootstrap - len(defined),
        method,
    )


def _check_settings(method, gamma, n_bootstrap, confidence, n_simulations):
    methods = [*WEIGHTINGS, "model"]
    if method not in methods:
        raise ValueError(f"method must be one of {methods}, got {method!r}.")
    for name, value in (("gamma", gamma), ("confidence", confidence)):
        if not isinstance(value, Real) or not 0 <= value <= 1:
            raise ValueError(f"{name} must be a number in [0, 1], got {value!r}.")
    for name, value in (("n_bootstrap", n_bootstrap), ("n_simulations", n_simulations)):
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a positive whole number, got {value!r}.")


def _ratios(policy, behavior, X, log):
    """The policy's probability of each logged action over the behaviour's."""
    target = target_proba("policy", policy, X, log)
    acted = behaviour_proba(behavior, X, log)
    impossible = np.flatnonzero(acted < _LEAST_WEIGHT)
    if len(impossible):
        raise ValueError(
            f"behavior gives the logged action of row {impossible[0]} no probability, "
            "yet it was taken."
        )
    return target / acted


def _resamples(log, n_bootstrap, random):
    """How often each episode is in each resample."""
    n = log.n_episodes
    for _ in range(n_bootstrap):
        yield np.bincount(random.randint(n, size=n), minlength=n).astype(float)
