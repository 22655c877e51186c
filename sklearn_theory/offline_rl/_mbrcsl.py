# SPDX-License-Identifier: BSD-3-Clause
"""Policies better than every logged episode: imagine stitched ones, keep the best."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ..utils._base import TheoryEstimator
from ..utils._callbacks import (
    fit_task,
    iterate_subtasks,
    propagated_callbacks,
    subtask,
)
from ..utils._compat import HasMethods, Interval, StrOptions, _fit_context
from . import _stitching_report
from ._action_spaces import ACTION_SPACES
from ._behavior_policy import BehaviorPolicy
from ._dynamics_ensemble import DynamicsEnsemble
from ._imagined_rollouts import Imagination, RolloutPool, transition_table
from ._rcsl_policy import RCSLPolicy
from ._stitched_policy import StitchedPolicy

_SEED_LIMIT = 2**31 - 1
_KEEP_BEST = {"warn": "if_none", "raise": "never", "top": "always"}


class MBRCSL(StitchedPolicy, TheoryEstimator):
    r"""Learn to earn more than any logged episode, by stitching episodes in imagination.

    Supervised learning conditioned on returns does not combine parts of different
    episodes. Model-based return-conditioned supervised learning [1]_ does so before it
    learns:

    1. fit a model of the dynamics :math:`\hat T(s', r \mid s, a)` to the log,
    2. fit a behaviour :math:`\hat\beta(a \mid s)` that has every way in which the log acts,
    3. let the two imagine episodes, and keep those whose return exceeds the best logged
       one,
    4. fit a policy :math:`\hat\pi(a \mid s, g)` to those kept, and ask it for the highest
       return among them.

    No value function is learnt, and no Bellman equation must be representable.

    Parameters
    ----------
    action_space : {"continuous", "discrete"}, default="continuous"
        Whether actions are numbers, and the policy a regressor, or labels, and the policy
        a classifier.

    dynamics : estimator or None, default=None
        The model of the dynamics: a regressor of ``[change of the observation | reward]``
        on ``[observation | action]``, an action that is a label having a column for each
        label. Draws are taken from its ``sample(X, random_state)``, or else it is
        deterministic. None is a :class:`DynamicsEnsemble`.

    behavior : estimator or None, default=None
        The behaviour: an estimator of actions that has ``sample(X, random_state)`` or
        ``predict_proba``. None is a :class:`BehaviorPolicy`.

    policy : estimator or None, default=None
        What is fitted to the episodes kept, with `rewards` and `groups` if its ``fit``
        has them; one without imitates these episodes. None is an :class:`RCSLPolicy`.

    horizon : int or None, default=None
        The number of steps of an imagined episode; None takes the length of the longest
        logged one.

    threshold : "max", float or tuple, default="max"
        What the return of an imagined episode must exceed: the highest logged return,
        a number, or ``("quantile", q)`` of the logged returns.

    n_trajectories : int, default=100
        No more batches are imagined once so many episodes are kept.

    rollout_batch_size : int, default=200
        How many episodes are imagined at once.

    max_rollout_batches : int, default=1000
        The most batches.

    on_shortfall : {"warn", "raise", "top"}, default="warn"
        What to do if fewer than `n_trajectories` episodes are kept in the end: "warn" and
        go on with those kept, or as "top" if there are none; "raise" a RuntimeError; or
        take the best tenth of all imagined episodes, with a warning.

    target_return : float, tuple or None, default=None
        The return to ask for: a number, ``("quantile", q)`` of the imagined returns
        kept, or the policy's own choice, which is the highest of these.

    clip_rewards : bool, default=False
        Whether imagined rewards are cut to the range of the logged ones.

    termination_fn : callable or None, default=None
        ``termination_fn(observations, actions, next_observations)`` returns for each row
        whether the task ends there; None lets every imagined episode last for `horizon`
        steps.

    random_state : int, RandomState instance or None, default=None
        Determines the seeds of the three estimators where they have none, and the
        imagined episodes.

    Attributes
    ----------
    dynamics_ : estimator or None
        The fitted model of the dynamics; None without rewards.

    behavior_ : estimator or None
        The fitted behaviour; None without rewards.

    policy_ : estimator
        The fitted policy.

    rollouts_ : TrajectoryDataset or None
        The imagined episodes that the policy was fitted to.

    imagined_returns_ : ndarray of shape (`n_rollouts_`,)
        The returns of all imagined episodes; minus infinity for those that left all
        bounds.

    n_rollouts_ : int
        How many episodes were imagined.

    acceptance_rate_ : float
        The share of them whose return exceeds the threshold; NaN without rewards.

    threshold_ : float
        The threshold; NaN without rewards.

    max_return_ : float
        The highest return among the episodes that the policy was fitted to.

    classes_ : ndarray of shape (n_classes,)
        The labels, if actions are labels.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    RCSLPolicy : The policy alone.
    rollout : Lets the policy act in an environment.

    Notes
    -----
    Without `rewards` there is nothing to improve, and the policy is fitted to the log.

    Imagined actions that are numbers are cut to the range of the logged ones.

    Returns of imagined episodes are predictions. Where the model is poor, the best of
    them are mistakes of the model: compare ``max_return_`` with what is achieved, and see
    ``theory_report``. Episodes can only be stitched where they meet: if few imagined ones
    exceed the threshold, the log may hold no two that do.

    The last row of an episode has no known next observation, unless `next_observations`
    are given; the model of the dynamics is not fitted to it, yet its reward counts.

    References
    ----------
    .. [1] Z. Zhou, C. Zhu, R. Zhou, Q. Cui, A. Gupta and S. S. Du, "Free from Bellman
       Completeness: Trajectory Stitching via Model-based Return-conditioned Supervised
       Learning", ICLR 2024, arXiv:2310.19308.

    Examples
    --------
    Four stages earn 0 or 1 each, as chosen. Every logged episode earned 2.

    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_theory.datasets import make_environment, make_stitch_chain
    >>> from sklearn_theory.offline_rl import MBRCSL, BehaviorPolicy, RCSLPolicy, rollout
    >>> model = MBRCSL(
    ...     "discrete",
    ...     dynamics=LinearRegression(),
    ...     behavior=BehaviorPolicy("discrete", kind="tabular"),
    ...     policy=RCSLPolicy("discrete", head="tabular"),
    ...     random_state=0,
    ... )
    >>> log = make_stitch_chain(horizon=4, n_ones=2)
    >>> model = model.fit(**log.to_dict())
    >>> rollout(make_environment("stitch_chain", horizon=4), model, 2).returns()
    array([4., 4.])
    """

    _parameter_constraints: dict = {
        "action_space": [StrOptions(set(ACTION_SPACES))],
        "dynamics": [HasMethods(["fit", "predict"]), None],
        "behavior": [HasMethods(["fit", "predict"]), None],
        "policy": [HasMethods(["fit", "predict"]), None],
        "horizon": [Interval(Integral, 1, None, closed="left"), None],
        "threshold": [StrOptions({"max"}), Real, tuple],
        "n_trajectories": [Interval(Integral, 1, None, closed="left")],
        "rollout_batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_rollout_batches": [Interval(Integral, 1, None, closed="left")],
        "on_shortfall": [StrOptions(set(_KEEP_BEST))],
        "target_return": [Real, tuple, None],
        "clip_rewards": ["boolean"],
        "termination_fn": [callable, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        action_space="continuous",
        *,
        dynamics=None,
        behavior=None,
        policy=None,
        horizon=None,
        threshold="max",
        n_trajectories=100,
        rollout_batch_size=200,
        max_rollout_batches=1000,
        on_shortfall="warn",
        target_return=None,
        clip_rewards=False,
        termination_fn=None,
        random_state=None,
    ):
        self.action_space = action_space
        self.dynamics = dynamics
        self.behavior = behavior
        self.policy = policy
        self.horizon = horizon
        self.threshold = threshold
        self.n_trajectories = n_trajectories
        self.rollout_batch_size = rollout_batch_size
        self.max_rollout_batches = max_rollout_batches
        self.on_shortfall = on_shortfall
        self.target_return = target_return
        self.clip_rewards = clip_rewards
        self.termination_fn = termination_fn
        self.random_state = random_state

    # The three estimators check their own parameters when they are fitted.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X,
        y,
        rewards=None,
        groups=None,
        *,
        next_observations=None,
        terminations=None,
        truncations=None,
    ):
        """Fit dynamics and behaviour, imagine episodes, and learn from the best.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features)
            Observations, one row for each decision.

        y : array-like of shape (n_steps,) or (n_steps, n_action_features)
            Actions.

        rewards : array-like of shape (n_steps,) or None, default=None
            What each decision earned; None fits the policy to the log.

        groups : array-like of shape (n_steps,) or None, default=None
            The episode of each row, whose rows are in time order; None makes each row
            an episode.

        next_observations : array-like of shape (n_steps, n_features) or None, \
                default=None
            What was seen after each decision.

        terminations, truncations : array-like of shape (n_steps,) or None, default=None
            Checked, and not used: imagined episodes end by `termination_fn`.

        Returns
        -------
        self : MBRCSL
            The fitted estimator.
        """
        random = check_random_state(self.random_state)
        self._start_estimators(random)
        metadata = {"rewards": rewards, "groups": groups}
        n_tasks = 1 if rewards is None else 4
        with fit_task(
            self, max_subtasks=n_tasks, X=X, y=y, metadata=metadata
        ) as context:
            ends = (next_observations, terminations, truncations)
            log = self._check_log(X, y, rewards, groups, ends, reset=True)
            self._start_actions(log.actions)
            if rewards is None:
                self._imagine_nothing(log)
            else:
                self._fit_world(log, context)
                self._imagine(log, random, context)
            self._fit_policy(log if self.rollouts_ is None else self.rollouts_, context)
        return self

    def theory_report(
        self,
        X,
        y,
        rewards=None,
        groups=None,
        *,
        next_observations=None,
        terminations=None,
        truncations=None,
    ):
        """Evaluate the assumptions and the promises of the theory on a log.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features)
            Observations.

        y : array-like of shape (n_steps,) or (n_steps, n_action_features)
            Actions.

        rewards, groups : array-like of shape (n_steps,) or None, default=None
            Rewards, and the episode of each row.

        next_observations : array-like of shape (n_steps, n_features) or None, \
                default=None
            What was seen after each decision.

        terminations, truncations : array-like of shape (n_steps,) or None, default=None
            How episodes ended.

        Returns
        -------
        report : TheoryReport
            Coverage of the return asked for, determinism of the logged transitions, the
            model's error over the horizon and what it does to imagined returns; the
            promised improvement.
        """
        check_is_fitted(self)
        ends = (next_observations, terminations, truncations)
        log = self._check_log(X, y, rewards, groups, ends)
        return _stitching_report.report_stitching(self, log)

    def _start_estimators(self, random):
        """Clone the three estimators, check what they must fit, and seed them."""
        of_actions = {"action_space": self.action_space}
        self.dynamics_ = _cloned(self.dynamics, DynamicsEnsemble, random)
        self.behavior_ = _cloned(self.behavior, BehaviorPolicy, random, **of_actions)
        self.policy_ = _cloned(self.policy, RCSLPolicy, random, **of_actions)
        for name in ("behavior", "policy"):
            own = getattr(self, f"{name}_").get_params(deep=False)
            if own.get("action_space", self.action_space) != self.action_space:
                raise ValueError(
                    f"{name} has action_space={own['action_space']!r}, but MBRCSL has "
                    f"action_space={self.action_space!r}."
                )
        _check_quantile("threshold", self.threshold)
        _check_quantile("target_return", self.target_return)
        policy_params = self.policy_.get_params(deep=False)
        if self.target_return is not None and "target_return" not in policy_params:
            raise ValueError(
                "target_return is given, but the policy cannot be asked for a return: "
                f"{type(self.policy_).__name__} has no parameter target_return."
            )

    def _start_actions(self, y):
        self._actions = self._space(y)
        if self.action_space == "discrete":
            self.classes_ = self._actions.classes

    def _imagine_nothing(self, log):
        """Without rewards the policy imitates the log."""
        self.dynamics_ = self.behavior_ = self.rollouts_ = None
        self.imagined_returns_, self.n_rollouts_ = np.empty(0), 0
        self.acceptance_rate_ = self.threshold_ = np.nan
        self.max_return_ = 0.0

    def _fit_world(self, log, context):
        """Fit the dynamics to the transitions, and the behaviour to all rows."""
        rows, following = log.transitions()
        inputs, targets = transition_table(log, rows, following, self._actions)
        with propagated_callbacks(self, context, self.dynamics_, "dynamics"):
            self.dynamics_.fit(inputs, targets)
        with propagated_callbacks(self, context, self.behavior_, "behavior"):
            self.behavior_.fit(log.observations, log.actions)

    def _imagine(self, log, random, context):
        """Imagine batches of episodes until enough exceed the threshold."""
        self.threshold_ = _resolve(self.threshold, log.returns())
        self._horizon = self.horizon or int(log.lengths.max())
        self._reward_range = (float(log.rewards.min()), float(log.rewards.max()))
        imagination, starts = self._imagination(), log.initial_observations()
        pool = RolloutPool(
            self.threshold_,
            self.max_rollout_batches * self.rollout_batch_size,
            _KEEP_BEST[self.on_shortfall],
        )
        with subtask(
            self, context, "imagined episodes", max_subtasks=self.max_rollout_batches
        ) as child:
            for _ in iterate_subtasks(self, child, self._batches(pool), "batch"):
                chosen = random.randint(len(starts), size=self.rollout_batch_size)
                pool.add(imagination.imagine(starts[chosen], random))
        self._store_rollouts(pool)

    def _batches(self, pool):
        """Count batches until enough episodes are kept."""
        for batch in range(self.max_rollout_batches):
            if pool.n_accepted >= self.n_trajectories:
                return
            yield batch

    def _imagination(self):
        return Imagination(
            self.behavior_,
            self.dynamics_,
            self._actions,
            self._horizon,
            self.termination_fn,
            self._reward_range if self.clip_rewards else None,
        )

    def _store_rollouts(self, pool):
        self.imagined_returns_ = np.concatenate(pool.returns)
        self.n_rollouts_ = pool.n_rollouts
        self.acceptance_rate_ = pool.n_accepted / pool.n_rollouts
        kept = self._choose(pool)
        self.rollouts_ = kept.to_log()
        self.max_return_ = float(kept.returns.max())

    def _choose(self, pool):
        """Choose the episodes to learn from; say so if they are fewer than wanted."""
        if pool.n_accepted >= self.n_trajectories:
            return pool.above_threshold()
        statistics = self._acceptance_statistics(pool)
        if self.on_shortfall == "raise":
            raise RuntimeError(statistics)
        takes_best = self.on_shortfall == "top" or not pool.n_accepted
        chosen = pool.best_tenth() if takes_best else pool.above_threshold()
        if not len(chosen):
            raise RuntimeError(f"{statistics} Not one of them is finite.")
        what = "the best tenth of all" if takes_best else "those"
        warnings.warn(
            f"{statistics} The policy is learnt from {what}: {len(chosen)} episodes. "
            "Logged episodes may not meet, or the behaviour may lack some of their ways.",
            UserWarning,
            stacklevel=6,
        )
        return chosen

    def _acceptance_statistics(self, pool):
        returns = self.imagined_returns_[np.isfinite(self.imagined_returns_)]
        highest = f"{returns.max():.4g}" if len(returns) else "not finite"
        return (
            f"{pool.n_accepted} of {pool.n_rollouts} imagined episodes exceed the "
            f"threshold {self.threshold_:.4g} (n_trajectories={self.n_trajectories}); "
            f"the highest imagined return is {highest}."
        )

    def _fit_policy(self, log, context):
        if self.target_return is not None:
            target = _resolve(self.target_return, log.returns())
            self.policy_.set_params(target_return=target)
        known = {"rewards": log.rewards, "groups": log.groups}
        known = {k: v for k, v in known.items() if has_fit_parameter(self.policy_, k)}
        with propagated_callbacks(self, context, self.policy_, "policy"):
            self.policy_.fit(log.observations, log.actions, **known)


def _cloned(estimator, default, random, **options):
    """Clone an estimator, or make the default, and seed it where it has no seed."""
    estimator = default(**options) if estimator is None else clone(estimator)
    unseeded = [
        name
        for name, value in sorted(estimator.get_params().items())
        if name.rpartition("__")[2] == "random_state" and value is None
    ]
    seeds = random.randint(_SEED_LIMIT, size=len(unseeded))
    return estimator.set_params(**dict(zip(unseeded, seeds.tolist())))


def _check_quantile(name, value):
    if not isinstance(value, tuple):
        return
    if len(value) != 2 or value[0] != "quantile" or not 0 <= value[1] <= 1:
        raise ValueError(
            f'{name} must be a number or ("quantile", q) with q in [0, 1], got '
            f"{value!r}."
        )


def _resolve(choice, returns):
    if choice == "max":
        return float(returns.max())
    if isinstance(choice, tuple):
        return float(np.quantile(returns, choice[1]))
    return float(choice)
