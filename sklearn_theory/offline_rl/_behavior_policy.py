# SPDX-License-Identifier: BSD-3-Clause
"""What acted in a log: a law of actions with all its modes, not asked for a return."""

from numbers import Integral

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..utils._base import TheoryEstimator
from ..utils._callbacks import fit_task
from ..utils._compat import Interval, StrOptions, _fit_context
from . import _policy_report
from ._acting import stream_of_draws
from ._action_model import NETWORK_CONSTRAINTS, ActionModel, has_head_method
from ._action_spaces import ACTION_SPACES, all_names
from ._behavior_kinds import KINDS
from ._policy_heads import ActionRows


class BehaviorPolicy(ActionModel, TheoryEstimator):
    r"""Imitate what acted in a log, every way of it.

    Where a log branches, the mean of its actions may be what nobody ever did. The
    default for actions that are numbers is therefore a diffusion model [2]_: noise is
    put into actions in some steps, a network learns to tell the noise from what is seen,

    .. math::

        \min_\theta \; \mathbb{E} \,\|\epsilon - \epsilon_\theta(
        \sqrt{\bar\alpha_k}\, a + \sqrt{1 - \bar\alpha_k}\, \epsilon, s, k)\|^2 ,

    and an action is drawn by removing noise step by step. :class:`MBRCSL` imagines
    episodes with it [1]_.

    Parameters
    ----------
    action_space : {"continuous", "discrete"}, default="continuous"
        Whether actions are numbers or labels.

    kind : str, default="auto"
        The law of actions. For numbers: "diffusion"; "mdn", a mixture of Gaussians;
        "gaussian", a single one; "autoregressive", one for each coordinate given the
        ones before; "knn", the actions of near observations. For labels: "categorical",
        a softmax; "knn"; "tabular", frequencies at equal observations. "auto" takes the
        first.

    hidden_layer_sizes : tuple of int, default=(128, 128)
        Widths of the network's hidden layers.

    n_diffusion_steps : int, default=10
        Number of steps of noise. With few steps draws come out less spread than the log.

    n_components : int, default=8
        Number of Gaussians in a mixture.

    n_neighbors : int, default=10
        Number of near observations.

    max_iter : int, default=100
        The most epochs.

    learning_rate_init : float, default=1e-3
        The step size (Adam; AdamW for diffusion).

    learning_rate : {"constant", "cosine"}, default="cosine"
        How the step size changes over the epochs. For diffusion it changes with each
        batch, and rises over the first tenth of them, 500 at most.

    weight_decay : float, default=1e-6
        Strength of the L2 penalty.

    batch_size : int, default=256
        Rows in a batch.

    tol : float or None, default=None
        Training ends when the loss has not improved by this much for
        `n_iter_no_change` epochs; None trains for `max_iter` epochs.

    n_iter_no_change : int, default=10
        How many epochs without improvement end the training.

    early_stopping : bool, default=False
        Whether to set rows aside, to judge by the loss on these, and to keep the best
        weights. Diffusion else keeps an average of its weights.

    validation_fraction : float, default=0.1
        The share of rows to set aside.

    normalize : bool, default=True
        Whether observations, and actions that are numbers, are standardised.

    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where to train; "auto" takes a GPU where there is one.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, batches and draws.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, if actions are labels.

    loss_curve_ : list of float
        The training loss of each epoch; empty without a network.

    validation_scores_ : list of float
        Minus the loss on the rows set aside, if some were.

    n_iter_ : int
        Number of epochs; 1 without a network.

    stop_reason_ : {"converged", "max_iter", "callback", "diverged"}
        Why the training ended.

    network_ : torch.nn.Module or None
        The network, for scaled inputs.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    RCSLPolicy : Is asked for a return.
    MBRCSL : Imagines episodes with a behaviour.

    Notes
    -----
    ``predict`` returns means, or the most probable labels. That of diffusion averages 16
    draws which begin with the same noise in every row. Draws of diffusion stay within
    the range of the logged actions.

    References
    ----------
    .. [1] Z. Zhou, C. Zhu, R. Zhou, Q. Cui, A. Gupta and S. S. Du, "Free from Bellman
       Completeness: Trajectory Stitching via Model-based Return-conditioned Supervised
       Learning", ICLR 2024, arXiv:2310.19308.

    .. [2] J. Ho, A. Jain and P. Abbeel, "Denoising Diffusion Probabilistic Models",
       NeurIPS 2020, arXiv:2006.11239.

    Examples
    --------
    At a crossing half go left and half go right.

    >>> import numpy as np
    >>> from sklearn_theory.offline_rl import BehaviorPolicy
    >>> X, y = np.zeros((1000, 1)), np.repeat([-1.0, 1.0], 500)
    >>> behavior = BehaviorPolicy(max_iter=200, random_state=0).fit(X, y)
    >>> drawn = behavior.sample(np.zeros((1000, 1)), random_state=0)
    >>> bool(np.mean(np.abs(drawn) > 0.8) > 0.9)
    True
    """

    _models = KINDS
    _head_parameter = "kind"

    _parameter_constraints: dict = {
        "action_space": [StrOptions(set(ACTION_SPACES))],
        "kind": [StrOptions(all_names(KINDS))],
        "n_diffusion_steps": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        **NETWORK_CONSTRAINTS,
    }

    def __init__(
        self,
        action_space="continuous",
        *,
        kind="auto",
        hidden_layer_sizes=(128, 128),
        n_diffusion_steps=10,
        n_components=8,
        n_neighbors=10,
        max_iter=100,
        learning_rate_init=1e-3,
        learning_rate="cosine",
        weight_decay=1e-6,
        batch_size=256,
        tol=None,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        normalize=True,
        device="cpu",
        random_state=None,
    ):
        self.action_space = action_space
        self.kind = kind
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_diffusion_steps = n_diffusion_steps
        self.n_components = n_components
        self.n_neighbors = n_neighbors
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
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Learn the law of actions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        y : array-like of shape (n_samples,) or (n_samples, n_action_features)
            Actions.

        Returns
        -------
        self : BehaviorPolicy
            The fitted estimator.
        """
        kind = self._choose_head(KINDS)
        with fit_task(self, max_subtasks=self.max_iter, X=X, y=y) as context:
            X, y = self._space.validate(self, X, y)
            self._start_actions(y)
            self._fit_head(kind, ActionRows(X, y, np.ones(len(X))), context)
        return self

    def predict(self, X):
        """Predict actions: means, or the most probable labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_action_features)
            Actions.
        """
        return self._predict_inputs(self._check_rows(X))

    @available_if(has_head_method("predict_proba"))
    def predict_proba(self, X):
        """Compute the probabilities of labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        X = self._check_rows(X)
        return self._head.predict_proba(X)

    def sample(self, X, random_state=None):
        """Draw actions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        random_state : int, RandomState instance or None, default=None
            Determines the draws; None takes the estimator's `random_state`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_action_features)
            Actions.
        """
        return self._sample_inputs(self._check_rows(X), random_state)

    def act(self, observation, state=None, reward=None, *, random_state=None):
        """Draw an action in an episode.

        Parameters
        ----------
        observation : array-like of shape (n_features,)
            What is seen.

        state : int or None, default=None
            What the call before returned; None begins an episode.

        reward : float or None, default=None
            Not used.

        random_state : int, RandomState instance or None, default=None
            Determines the draw; None draws from a stream that the estimator's
            `random_state` begins, and goes on from call to call.

        Returns
        -------
        action : object
            The action; numbers are cut to the range of the logged ones.

        state : int
            The number of decisions so far.
        """
        check_is_fitted(self)
        draws = stream_of_draws(self, random_state)
        action = self._sample_inputs(self._row_of(observation), draws)[0]
        return self._actions.within_range(action), (state or 0) + 1

    def score(self, X, y, sample_weight=None):
        """Compare predicted actions with logged ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        y : array-like of shape (n_samples,) or (n_samples, n_action_features)
            Actions.

        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows.

        Returns
        -------
        score : float
            The coefficient of determination, or the accuracy.
        """
        return self._space.score(y, self.predict(X), sample_weight=sample_weight)

    def theory_report(self, X, y):
        """Evaluate the assumptions and the promises of the theory on a log.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        y : array-like of shape (n_samples,) or (n_samples, n_action_features)
            Actions.

        Returns
        -------
        report : TheoryReport
            Whether actions branch; whether draws are as spread as the log.
        """
        check_is_fitted(self)
        X, y = self._space.validate(self, X, y, reset=False)
        return _policy_report.report_behavior(self, X, y)
