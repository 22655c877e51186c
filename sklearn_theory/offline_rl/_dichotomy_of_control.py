# SPDX-License-Identifier: BSD-3-Clause
"""Policies by networks that ask for a good future and get it: luck has no part."""

import warnings
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..utils._base import TheoryEstimator
from ..utils._callbacks import fit_task, iterate_nested_subtasks
from ..utils._compat import Interval, StrOptions, _fit_context
from ..utils._optional import import_networks
from . import _doc_report, _neural_doc_report
from ._action_spaces import ACTION_SPACES
from ._doc_choices import CHOICES
from ._doc_windows import WindowCoder, merge_windows
from ._latent_policy import LatentPolicy

_TRAINING_PARTS = "sklearn_theory.offline_rl._doc_training_torch"
_COUNT = Interval(Integral, 1, None, closed="left")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")


class DichotomyOfControl(LatentPolicy, TheoryEstimator):
    r"""Dichotomy of Control by networks: latents of the future that know no luck.

    An encoder sums a window of the future up in a latent :math:`z`. The latent is to
    predict the window's actions, and to tell nothing about rewards and next observations
    given what came before. What it tells is measured by energies :math:`f` [1]_:

    .. math::

        \min_{q, \pi} \max_f \; E \Big[ \sum_t - \log \pi(a_t \mid h_t, z)
        + \beta \sum_t \big( f(r_t, s_{t+1}, z, h_t, a_t)
        - \log E_{\rho(r, s)} e^{f(r, s, z, h_t, a_t)} \big) \Big] .

    At its maximum over :math:`f` the second sum is the mutual information, up to a part
    that does not depend on the encoder. A value :math:`V(s, z)` and a prior
    :math:`p(z \mid s)` are learnt beside it. To act, the latent of the largest value
    among those with support is chosen, and kept for the episode.

    Parameters
    ----------
    action_space : {"discrete", "continuous"}, default="discrete"
        Whether actions are labels, and the policy a classifier, or numbers, and the
        policy a regressor, which predicts means with unit variance on the scale of
        standardised actions.

    latent : {"categorical", "gaussian"}, default="categorical"
        Whether latents are numbers, over which expectations are exact sums, or vectors,
        which are drawn.

    n_latents : int, default=16
        Number of categorical latents.

    latent_dim : int, default=8
        Width of Gaussian ones.

    encoder : {"mlp", "gru", "deepset", "transformer"}, default="mlp"
        The network that reads the future: all steps side by side; recurrent in both
        directions; a mean over the steps, whose order then does not matter; attention.

    context_len : int, default=1
        How many observations the policy sees, with the actions and rewards between
        them. 1 is for problems in which the last observation tells all.

    future_len : int, default=20
        The number of steps that a latent sums up, and for which it is kept.

    hidden_layer_sizes : tuple of int, default=(64, 64)
        Widths of the hidden layers of all networks.

    beta : float, default=1.0
        Weight of the information. With 0 latents may know luck, and promise it.

    n_negatives : int, default=16
        The number of outcomes with which each outcome is compared. If the log has no
        more distinct ones, all are taken with their frequencies, and the bound is exact;
        else they are drawn, and the positive stands among them.

    n_energy_steps : int, default=1
        Number of steps of the energies for each one of the encoder.

    prior_weight : float, default=1.0
        Weight of the prior's loss.

    min_prior : float, default=0.01
        How probable a categorical latent must be to be chosen.

    n_samples : int, default=100
        The number of Gaussian latents among which is chosen.

    resample : {"episode", "step"}, default="episode"
        Whether the latent is kept for `future_len` steps, or chosen anew in each step.

    n_init : int, default=2
        Number of starts, each from weights of its own, of which the one with the lowest
        objective on the log is kept.

    max_iter : int, default=100
        Number of epochs of each start. The encoder rests in the last fifth, while the
        other networks settle.

    learning_rate_init : float, default=1e-3
        Step size of encoder, policy, value and prior (AdamW).

    energy_learning_rate : float or None, default=None
        Step size of the energies; None is four times `learning_rate_init`. The energies
        must lead, or latents get away with luck.

    learning_rate : {"constant", "cosine"}, default="cosine"
        How step sizes change over the epochs; the energies keep theirs until the encoder
        rests.

    weight_decay : float, default=1e-4
        Strength of the decay of the weights.

    batch_size : int, default=256
        Windows in a batch.

    clip_norm : float or None, default=0.25
        The largest norm of the gradient; None for no limit.

    normalize : bool, default=True
        Whether observations, rewards and actions that are numbers are standardised.

    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where to train; "auto" takes a GPU where there is one.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, batches, negatives and draws.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, if actions are labels.

    n_latents_ : int
        Number of latents among which is chosen.

    network_ : torch.nn.Module
        The networks, for what is on their scale.

    latent_prior_ : ndarray of shape (n_latents,) or None
        Probabilities of the latents, averaged over where episodes begin; None if they
        are Gaussian.

    latent_values_ : ndarray of shape (n_latents,) or None
        What they promise, averaged by their probabilities there.

    mutual_information_ : float
        What latents tell about a window's outcomes, in nats, as the energies find it on
        the log. It is an estimate; below zero it counts as zero.

    chosen_information_ : float
        The same for the latents that are chosen where episodes begin.

    promise_bound_ : float
        The range of the logged returns times the root of half of it: how far
        ``expected_return_`` may be from what is earned, as far as the estimate goes.

    nll_ : float
        The negative log-likelihood of a window's actions given its latent, in nats; up
        to a constant if actions are numbers.

    expected_return_ : float
        What the chosen latents promise, averaged over where episodes begin.

    loss_curve_ : list of float
        The objective in each epoch of the start that was kept, as the energies find it
        then: they may lag, or be thrown off for a while.

    start_objectives_ : ndarray of shape (n_starts,)
        The objective with which each start ended: its ``nll_`` plus `beta` times its
        ``mutual_information_``, on the whole log.

    n_iter_ : int
        Number of epochs of the start that was kept.

    stop_reason_ : {"max_iter", "callback", "diverged"}
        Why its training ended.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    TabularDoC : Sums information exactly, for few distinct states.
    latent_consistency : Compares promises and achievements of any latents.
    rollout : Lets the policy act in an environment.

    Notes
    -----
    Without `groups` each row is an episode, without `rewards` all latents are worth the
    same, and the policy does what the log does.

    Windows that are equal are trained on as one with their number as weight. An epoch has
    as many steps as the log's windows make batches, merged or not.

    In the first half of the epochs the entropy of the latents of all windows together is
    rewarded, ever less: otherwise one latent may take all windows before the others have
    learnt anything. The objective at the end is the one above.

    A start may end where some luck is worth its price, or where two plans share a
    latent. Which, may depend on the seed and even on the number of threads. Of `n_init`
    starts the one with the lowest objective on the log is kept: it is what the paper
    minimises, and starts that found a worse plan end higher. Promises and information
    alone say less: a promise is largest where it is luck, and latents that tell nothing
    of actions tell nothing of luck either.

    Momentum makes the players of a game circle each other. So energies have none, and
    the other networks little.

    In place of a network of all arguments, energies are products of features of the step
    and the latent with features of the outcome, which takes all latents and all negatives
    in one product of matrices. A copy that knows no latent is learnt beside it; what the
    latents tell is the difference.

    References
    ----------
    .. [1] M. Yang, D. Schuurmans, P. Abbeel and O. Nachum, "Dichotomy of Control:
       Separating What You Can Control from What You Cannot", ICLR 2023,
       arXiv:2210.13435.

    Examples
    --------
    Two arms earn 1 with probability 0.1 and 0.9; the second is seldom pulled. Half of
    the pulls that earned 1 are of the first arm.

    >>> from sklearn_theory.datasets import make_bernoulli_bandit
    >>> from sklearn_theory.offline_rl import DichotomyOfControl
    >>> log = make_bernoulli_bandit(1000, probability=0.1, random_state=0)
    >>> model = DichotomyOfControl(
    ...     n_latents=4, learning_rate_init=0.01, random_state=0
    ... ).fit(*log.to_arrays())
    >>> model.predict([[0.0]])
    array([1])
    """

    _parameter_constraints: dict = {
        "action_space": [StrOptions(set(ACTION_SPACES))],
        "latent": [StrOptions(set(CHOICES))],
        "n_latents": [_COUNT],
        "latent_dim": [_COUNT],
        "encoder": [StrOptions({"mlp", "gru", "deepset", "transformer"})],
        "context_len": [_COUNT],
        "future_len": [_COUNT],
        "hidden_layer_sizes": [tuple, list],
        "beta": [_NOT_NEGATIVE],
        "n_negatives": [_COUNT],
        "n_energy_steps": [_COUNT],
        "prior_weight": [_NOT_NEGATIVE],
        "min_prior": [Interval(Real, 0, 1, closed="both")],
        "n_samples": [_COUNT],
        "resample": [StrOptions({"episode", "step"})],
        "n_init": [_COUNT],
        "max_iter": [_COUNT],
        "learning_rate_init": [_POSITIVE],
        "energy_learning_rate": [_POSITIVE, None],
        "learning_rate": [StrOptions({"constant", "cosine"})],
        "weight_decay": [_NOT_NEGATIVE],
        "batch_size": [_COUNT],
        "clip_norm": [_POSITIVE, None],
        "normalize": ["boolean"],
        "device": [StrOptions({"cpu", "cuda", "auto"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        action_space="discrete",
        *,
        latent="categorical",
        n_latents=16,
        latent_dim=8,
        encoder="mlp",
        context_len=1,
        future_len=20,
        hidden_layer_sizes=(64, 64),
        beta=1.0,
        n_negatives=16,
        n_energy_steps=1,
        prior_weight=1.0,
        min_prior=0.01,
        n_samples=100,
        resample="episode",
        n_init=2,
        max_iter=100,
        learning_rate_init=1e-3,
        energy_learning_rate=None,
        learning_rate="cosine",
        weight_decay=1e-4,
        batch_size=256,
        clip_norm=0.25,
        normalize=True,
        device="cpu",
        random_state=None,
    ):
        self.action_space = action_space
        self.latent = latent
        self.n_latents = n_latents
        self.latent_dim = latent_dim
        self.encoder = encoder
        self.context_len = context_len
        self.future_len = future_len
        self.hidden_layer_sizes = hidden_layer_sizes
        self.beta = beta
        self.n_negatives = n_negatives
        self.n_energy_steps = n_energy_steps
        self.prior_weight = prior_weight
        self.min_prior = min_prior
        self.n_samples = n_samples
        self.resample = resample
        self.n_init = n_init
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.energy_learning_rate = energy_learning_rate
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.clip_norm = clip_norm
        self.normalize = normalize
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
        next_observations=None,
        terminations=None,
        truncations=None,
    ):
        """Learn latents that predict actions and not luck.

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

        next_observations : array-like of shape (n_steps, n_features) or None, \
                default=None
            What was seen after each decision. Without them the last outcome of an
            episode is its reward alone.

        terminations, truncations : array-like of shape (n_steps,) or None, default=None
            How episodes ended.

        Returns
        -------
        self : DichotomyOfControl
            The fitted estimator.
        """
        metadata = {"rewards": rewards, "groups": groups}
        with fit_task(
            self, max_subtasks=self.n_init, X=X, y=y, metadata=metadata
        ) as context:
            ends = (next_observations, terminations, truncations)
            log = self._check_log(X, y, rewards, groups, *ends, reset=True)
            random = check_random_state(self.random_state)
            tables, windows, counts = self._arrange(log, random)
            best = self._restart(context, random, tables, windows, counts)
            self._store(best, log, tables)
            self._warn()
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
            What the energies say, and the same by counting, with coverage, repetition
            and the gap between promises and achievements. Many distinct numbers are
            counted in bins, Gaussian latents in cells.
        """
        check_is_fitted(self)
        ends = (next_observations, terminations, truncations)
        log = self._check_log(X, y, rewards, groups, *ends)
        return _neural_doc_report.report_doc(self, log)

    def _arrange(self, log, random):
        """Bring the log to the scale of networks, and cut it into windows."""
        self._actions = self._space(log.actions)
        if self._is_discrete:
            self.classes_ = self._actions.classes
        self._coder = WindowCoder(
            log,
            self._actions,
            context_len=self.context_len,
            future_len=self.future_len,
            resample=self.resample,
            normalize=self.normalize,
        )
        self._choices = CHOICES[self.latent](self, random)
        self.n_latents_ = self._choices.n_choices
        tables = self._coder.tables(log)
        windows = self._coder.windows(log, self._coder.starts(log))
        return tables, *merge_windows(tables, windows)

    def _restart(self, context, random, tables, windows, counts):
        """Train from some starts, and keep the one with the lowest objective."""
        starts = iterate_nested_subtasks(
            self,
            context,
            range(self.n_init),
            "start",
            max_subtasks=self.max_iter,
            reconstruct=self._fitted,
        )
        best, objectives = None, []
        for _, child in starts:
            start = self._train(child, random, tables, windows, counts)
            objectives.append(start.objective)
            if best is None or start.objective < best.objective:
                best = start
            self._net = best.net
        self.start_objectives_ = np.array(objectives)
        return best

    def _train(self, context, random, tables, windows, counts):
        """Train new networks, and measure the objective where they end."""
        parts = import_networks(_TRAINING_PARTS, needed_by="DichotomyOfControl")
        is_discrete, n_steps = self._is_discrete, self._coder.n_steps
        net = parts.make_doc_net(self, tables, n_steps, is_discrete, random)
        self._net = net
        training = parts.train_doc(
            net, self, context, tables, windows, counts, self._fitted
        )
        log_q, _, misfit, told = self._parts.measure(net, tables, windows)
        q = np.exp(log_q) if self.latent == "categorical" else np.ones_like(log_q)
        nll, information = (
            float(np.average((q * part).sum(axis=1), weights=counts))
            for part in (misfit, told)
        )
        return _Start(net, training, nll, max(0.0, information), self.beta)

    def _store(self, start, log, tables):
        self.loss_curve_ = start.training.loss_curve
        self.n_iter_ = start.training.n_iter
        self.stop_reason_ = start.training.stop_reason
        self.nll_, self.mutual_information_ = start.nll, start.information
        self._stream = None
        self._store_promises(log, tables)

    def _store_promises(self, log, tables):
        """Keep what latents promise where episodes begin, and how far it is luck."""
        _, prior, values = self._propose(tables.context[log.first_rows])
        chosen = self._choose(prior, values)
        promised = values[np.arange(len(chosen)), chosen]
        self.expected_return_ = float(promised.mean())
        self.latent_prior_ = self.latent_values_ = None
        if self.latent == "categorical":
            self.latent_prior_ = prior.mean(axis=0)
            self.latent_values_ = np.average(values, axis=0, weights=prior)
        self.chosen_information_ = self._chosen_information(log, tables)
        span = float(np.ptp(log.returns()))
        self.promise_bound_ = span * float(np.sqrt(self.chosen_information_ / 2))

    def _chosen_information(self, log, tables):
        """What the chosen latents tell about their own episodes' outcomes."""
        start = log.first_rows
        candidates, prior, values = self._propose(tables.context[start])
        chosen = self._choose(prior, values)
        z, column = None, chosen
        if candidates is not None:
            z, column = self._choices.take(candidates, chosen)[:, np.newaxis], 0
        windows = self._coder.windows(log, start)
        log_q, log_p, _, told = self._parts.measure(self._net, tables, windows, z)
        each = np.arange(len(start)), column
        ratio = log_q[each] - log_p[each]
        weight = np.exp(ratio - ratio.max())
        return max(0.0, float(np.average(told[each], weights=weight)))

    def _fitted(self):
        """Collect what callbacks need to build an estimator that predicts."""
        names = ("_net", "_coder", "_actions", "_choices", "classes_", "n_features_in_")
        return {k: v for k, v in vars(self).items() if k in (*names, "n_latents_")}

    def _warn(self):
        if self.chosen_information_ > _doc_report.TRUSTED_INFORMATION:
            warnings.warn(
                _doc_report.distrust(
                    self.expected_return_, self.chosen_information_, self.promise_bound_
                ),
                UserWarning,
                stacklevel=4,
            )


@dataclass
class _Start:
    """Networks that were trained, and what they come to on the whole log."""

    net: object
    training: object
    nll: float
    information: float
    beta: float

    @property
    def objective(self):
        """What is minimised, of which restarts keep the lowest; infinite if it is NaN."""
        value = self.nll + self.beta * self.information
        return np.inf if np.isnan(value) else value
