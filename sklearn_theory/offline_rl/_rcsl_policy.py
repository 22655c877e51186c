# SPDX-License-Identifier: BSD-3-Clause
"""Policies that are asked for a return: supervised learning of actions from logs."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..utils._base import TheoryEstimator
from ..utils._callbacks import fit_task
from ..utils._compat import Interval, StrOptions, _check_sample_weight, _fit_context
from . import _policy_report
from ._action_model import NETWORK_CONSTRAINTS
from ._action_spaces import ACTION_SPACES, all_names
from ._policy_heads import HEADS, ActionRows
from ._return_conditioned import (
    ReturnConditionedPolicy,
    log_of,
    returns_to_go_of,
    with_returns,
)


class RCSLPolicy(ReturnConditionedPolicy, TheoryEstimator):
    r"""Learn what was done when a return followed, and ask for a return.

    Return-conditioned supervised learning [1]_ fits the law of actions,

    .. math::

        \hat\pi = \arg\max_\pi \sum_t \log \pi(a_t \mid s_t, g_t),
        \qquad g_t = \sum_{u \ge t} \gamma^{u - t} r_u ,

    to a log of episodes. To act, :math:`g_0` is the return that is asked for, and each
    reward lowers what is left: :math:`g_{t+1} = (g_t - r_t) / \gamma`. No value function
    is learnt, and no Bellman equation must be representable. But good parts of different
    episodes are not combined: see :class:`MBRCSL`.

    Parameters
    ----------
    action_space : {"continuous", "discrete"}, default="continuous"
        Whether actions are numbers, and the policy a regressor, or labels, and the policy
        a classifier.

    head : str, default="auto"
        The law of actions. For numbers: "mse", their mean by least squares; "gaussian",
        a Gaussian law with independent coordinates; "autoregressive", a Gaussian for each
        coordinate given the ones before. For labels: "categorical", a softmax; "tabular",
        frequencies among rows of the same observation and return-to-go, which needs
        neither a network nor torch. "auto" takes the first.

    hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the network's hidden layers; a linear model if empty.

    target_return : float or None, default=None
        The return to ask for; None asks for `target_scale` times the highest logged one.

    target_scale : float, default=1.0
        The share of the highest logged return to ask for.

    gamma : float, default=1.0
        The discount of each further step.

    max_iter : int, default=100
        The most epochs.

    learning_rate_init : float, default=1e-3
        The step size (Adam).

    learning_rate : {"constant", "cosine"}, default="cosine"
        How the step size changes over the epochs.

    weight_decay : float, default=0.0
        Strength of the L2 penalty.

    batch_size : int, default=256
        Rows in a batch.

    tol : float or None, default=None
        Training ends when the loss has not improved by this much for
        `n_iter_no_change` epochs; None trains for `max_iter` epochs.

    n_iter_no_change : int, default=10
        How many epochs without improvement end the training.

    early_stopping : bool, default=False
        Whether to set episodes aside, to judge by the loss on these, and to keep the
        best weights.

    validation_fraction : float, default=0.1
        The share of episodes to set aside.

    normalize : bool, default=True
        Whether inputs and actions that are numbers are standardised for the network.

    deterministic : bool, default=True
        Whether ``act`` takes the mean or the most probable action, or draws one.

    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where to train; "auto" takes a GPU where there is one.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, batches and draws.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, if actions are labels.

    max_return_ : float
        The highest return of an episode, discounted by `gamma`.

    mean_return_ : float
        The mean return of the episodes.

    loss_curve_ : list of float
        The training loss of each epoch; empty without a network.

    validation_scores_ : list of float
        Minus the loss on the rows set aside, if some were.

    n_iter_ : int
        Number of epochs; 1 without a network.

    stop_reason_ : {"converged", "max_iter", "callback", "diverged"}
        Why the training ended.

    network_ : torch.nn.Module or None
        The network, for standardised inputs.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    MBRCSL : Combines parts of episodes in imagined ones before it learns.
    rollout : Lets the policy act in an environment.

    Notes
    -----
    Without `groups` each row is an episode of its own, without `rewards` every return is
    zero: the policy then imitates the log, and does not depend on the return asked for.

    Rows that are equal are merged into one with the sum of their weights before a
    network is trained: a weight of two is exactly the row given twice, and the order of
    the rows does not matter. An epoch goes through merged rows as often as makes the
    steps of all rows, ten times at most. If episodes are set aside (`early_stopping`),
    nothing is merged.

    Returns above the highest logged one are an extrapolation, and often lower what is
    achieved.

    References
    ----------
    .. [1] Z. Zhou, C. Zhu, R. Zhou, Q. Cui, A. Gupta and S. S. Du, "Free from Bellman
       Completeness: Trajectory Stitching via Model-based Return-conditioned Supervised
       Learning", ICLR 2024, arXiv:2310.19308.

    Examples
    --------
    Four stages earn 0 or 1 each, as chosen. Every logged episode earned 2.

    >>> from sklearn_theory.datasets import make_environment, make_stitch_chain
    >>> from sklearn_theory.offline_rl import RCSLPolicy, rollout
    >>> log = make_stitch_chain(horizon=4, n_ones=2)
    >>> policy = RCSLPolicy("discrete", head="tabular").fit(*log.to_arrays())
    >>> policy.predict_proba([[0.0], [3.0]], return_to_go=[2, 1])
    array([[0.5, 0.5],
           [0. , 1. ]])
    >>> rollout(make_environment("stitch_chain", horizon=4), policy, 2).returns()
    array([2., 2.])
    """

    _models = HEADS

    _parameter_constraints: dict = {
        "action_space": [StrOptions(set(ACTION_SPACES))],
        "head": [StrOptions(all_names(HEADS))],
        "target_return": [Real, None],
        "target_scale": [Real],
        "gamma": [Interval(Real, 0, 1, closed="both")],
        "deterministic": ["boolean"],
        **NETWORK_CONSTRAINTS,
    }

    def __init__(
        self,
        action_space="continuous",
        *,
        head="auto",
        hidden_layer_sizes=(256, 256),
        target_return=None,
        target_scale=1.0,
        gamma=1.0,
        max_iter=100,
        learning_rate_init=1e-3,
        learning_rate="cosine",
        weight_decay=0.0,
        batch_size=256,
        tol=None,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        normalize=True,
        deterministic=True,
        device="cpu",
        random_state=None,
    ):
        self.action_space = action_space
        self.head = head
        self.hidden_layer_sizes = hidden_layer_sizes
        self.target_return = target_return
        self.target_scale = target_scale
        self.gamma = gamma
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.normalize = normalize
        self.deterministic = deterministic
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        rewards=None,
        groups=None,
        *,
        return_to_go=None,
        next_observations=None,
        terminations=None,
        truncations=None,
        sample_weight=None,
    ):
        """Learn actions from observations and returns-to-go.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features)
            Observations, one row for each decision.

        y : array-like of shape (n_steps,) or (n_steps, n_action_features)
            Actions.

        rewards : array-like of shape (n_steps,) or None, default=None
            What each decision earned; None stands for zeros.

        groups : array-like of shape (n_steps,) or None, default=None
            The episode of each row, whose rows are in time order; None makes each row
            an episode.

        return_to_go : array-like of shape (n_steps,) or None, default=None
            Returns-to-go, in place of `rewards`.

        next_observations, terminations, truncations : array-like or None, default=None
            Checked, and not used: a log has them.

        sample_weight : array-like of shape (n_steps,) or None, default=None
            Weights of the rows.

        Returns
        -------
        self : RCSLPolicy
            The fitted estimator.
        """
        head = self._choose_head(HEADS)
        metadata = {"rewards": rewards, "groups": groups}
        with fit_task(
            self, max_subtasks=self.max_iter, X=X, y=y, metadata=metadata
        ) as context:
            X, y = self._space.validate(self, X, y)
            ends = (next_observations, terminations, truncations)
            log = log_of(X, y, rewards, groups, ends)
            g = returns_to_go_of(log, rewards, return_to_go, self.gamma)
            weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
            self._start_actions(y)
            self._store_returns(log, g, weight)
            rows = ActionRows(with_returns(X, g), y, weight, log.episode_codes)
            self._fit_head(head, rows, context, self._returns_so_far)
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
            Coverage of the return asked for, determinism of the logged transitions;
            whether the best episode is reproduced.
        """
        check_is_fitted(self)
        X, y = self._space.validate(self, X, y, reset=False)
        ends = (next_observations, terminations, truncations)
        return _policy_report.report_policy(self, log_of(X, y, rewards, groups, ends))

    def _store_returns(self, log, g, weight):
        """Keep the moments of the returns; an episode weighs what its rows weigh."""
        returns = g[log.first_rows]
        weight = np.bincount(log.episode_codes, weights=weight) / log.lengths
        self.max_return_ = float(returns[weight > 0].max())
        self.mean_return_ = float(np.average(returns, weights=weight))

    def _returns_so_far(self):
        return {"max_return_": self.max_return_, "mean_return_": self.mean_return_}
