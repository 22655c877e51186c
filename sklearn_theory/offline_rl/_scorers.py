# SPDX-License-Identifier: BSD-3-Clause
"""Scorers that judge policies by what they earn, for searches and cross-validation."""

from functools import wraps

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRequest

from ._off_policy import off_policy_estimate
from ._rollout import rollout


class _Scorer:
    """A scorer that asks for the metadata of a log."""

    metadata = ()

    def __init__(self, **options):
        self.options = options

    def __repr__(self):
        given = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{type(self).__name__.strip('_')}({given})"

    def get_metadata_routing(self):
        """Ask for metadata, so that searches hand them on."""
        request = MetadataRequest(owner=self)
        for name in self.metadata:
            request.score.add_request(param=name, alias=True)
        return request


class _OffPolicyScorer(_Scorer):
    metadata = ("rewards", "groups")

    def __call__(self, estimator, X, y, rewards=None, groups=None):
        policy = as_policy(estimator)
        return off_policy_estimate(policy, X, y, rewards, groups, **self.options).value


class _RolloutScorer(_Scorer):
    def __call__(self, estimator, X, y=None):
        options = dict(self.options)
        env = options.pop("make_env")()
        return float(rollout(env, as_policy(estimator), **options).returns().mean())


class _PromiseScorer(_Scorer):
    def __call__(self, estimator, X, y=None):
        model = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        if self.options["penalty"] is None:
            return model.expected_return_ - model.promise_bound_
        cost = self.options["penalty"] * model.mutual_information_
        return model.expected_return_ - cost


class _ActingPipeline:
    """A policy that sees what the steps before it in a pipeline make of observations."""

    def __init__(self, pipeline):
        self.steps, self.policy = pipeline[:-1], pipeline[-1]

    def logged_proba(self, X, y, rewards=None, groups=None):
        return self.policy.logged_proba(self.steps.transform(X), y, rewards, groups)

    @property
    def act(self):
        """The policy's own method, behind the other steps."""
        act = self.policy.act

        @wraps(act)
        def act_on_transformed(observation, *arguments, **options):
            seen = self.steps.transform(np.reshape(observation, (1, -1)))
            return act(seen[0], *arguments, **options)

        return act_on_transformed


def as_policy(estimator):
    """Let a pipeline whose last step acts episode by episode do so, too."""
    acts = isinstance(estimator, Pipeline) and hasattr(estimator[-1], "act")
    return _ActingPipeline(estimator) if acts else estimator


def make_off_policy_scorer(method="weighted", *, behavior=None, gamma=1.0):
    """Make a scorer of the return that is estimated from held-out episodes.

    Parameters
    ----------
    method : {"ordinary", "weighted", "per_decision", "model"}, default="weighted"
        As for :func:`off_policy_estimate`.

    behavior : object or None, default=None
        A fitted classifier of actions; None counts actions at each distinct observation.

    gamma : float, default=1.0
        The discount of each further step.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y, rewards=None, groups=None)``. With metadata routing it
        asks for `rewards` and `groups` by itself.

    See Also
    --------
    make_rollout_scorer : Acts in an environment.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_bernoulli_bandit
    >>> from sklearn_theory.offline_rl import TabularDoC, make_off_policy_scorer
    >>> log = make_bernoulli_bandit(1000, probability=0.2, random_state=0)
    >>> model = TabularDoC(n_latents=4, random_state=0).fit(*log.to_arrays())
    >>> f"{make_off_policy_scorer()(model, *log.to_arrays()):.2f}"
    '0.79'
    """
    options = {"method": method, "behavior": behavior, "gamma": gamma}
    return _OffPolicyScorer(**options, n_bootstrap=1, random_state=0)


def make_rollout_scorer(
    make_env, *, n_episodes=100, target_return=None, random_state=0
):
    """Make a scorer of the mean return in an environment.

    Parameters
    ----------
    make_env : callable
        Returns a new environment.

    n_episodes : int, default=100
        Number of episodes of each score.

    target_return : float or None, default=None
        The return to ask for.

    random_state : int, RandomState instance or None, default=0
        Determines the episodes; with a number they begin alike for all candidates.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)``, which does not look at `X` and `y`.

    See Also
    --------
    make_off_policy_scorer : Needs no environment.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_environment, make_stitch_chain
    >>> from sklearn_theory.offline_rl import TabularDoC, make_rollout_scorer
    >>> log = make_stitch_chain(horizon=3, n_ones=2)
    >>> model = TabularDoC(random_state=0).fit(*log.to_arrays())
    >>> scorer = make_rollout_scorer(lambda: make_environment("stitch_chain", horizon=3))
    >>> scorer(model, log.observations)
    2.0
    """
    return _RolloutScorer(
        make_env=make_env,
        n_episodes=n_episodes,
        target_return=target_return,
        random_state=random_state,
    )


def make_promise_scorer(penalty=None):
    """Make a scorer of what a fitted estimator promises, less what may be luck.

    Never choose `beta` by the promise alone: latents that know luck promise most.

    Parameters
    ----------
    penalty : float or None, default=None
        What each nat of ``mutual_information_`` costs; None subtracts
        ``promise_bound_``.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)``, which does not look at `X` and `y`.

    See Also
    --------
    make_off_policy_scorer : Judges on held-out episodes.

    Examples
    --------
    >>> from sklearn_theory.datasets import make_bernoulli_bandit
    >>> from sklearn_theory.offline_rl import TabularDoC, make_promise_scorer
    >>> log = make_bernoulli_bandit(1000, probability=0.2, random_state=0)
    >>> model = TabularDoC(n_latents=4, random_state=0).fit(*log.to_arrays())
    >>> f"{make_promise_scorer()(model, log.observations):.2f}"
    '0.79'
    """
    return _PromiseScorer(penalty=penalty)
