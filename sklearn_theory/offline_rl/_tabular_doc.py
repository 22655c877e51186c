# SPDX-License-Identifier: BSD-3-Clause
"""Policies from logs that ask for a good future and get it, since luck has no part."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..utils._callbacks import fit_task, iterate_subtasks
from ..utils._compat import Interval, StrOptions, _check_sample_weight, _fit_context
from . import _doc_report
from ._doc_descent import DESCENTS
from ._doc_tables import (
    choose_latents,
    first_policy,
    latent_information,
    latent_tables,
    merged_policy,
)
from ._episodes import episode_values
from ._latent_consistency import return_range
from ._log_codes import LogCoder
from ._prefix_tree import HISTORIES, build_tree, distinct_trajectories
from ._tabular_policy import TabularLatentPolicy

_STEPS_A_LOOK = 25


class TabularDoC(TabularLatentPolicy):
    r"""Dichotomy of Control for logs with few distinct states: luck is not imitated.

    Each episode :math:`\tau` gets a distribution :math:`q(z \mid \tau)` over latents,
    such that a latent predicts the episode's actions but tells nothing about rewards
    and transitions, given what came before [1]_:

    .. math::

        \min_q \; \sum_t H(a_t \mid h_t, z)
        + \beta \sum_t I(r_t, s_{t+1}; z \mid h_t, a_t).

    A latent is then a plan, and the mean return of its episodes is what the plan
    earns. The policy acts by the plan that promises most. A policy conditioned on the
    return itself imitates lucky decisions.

    Parameters
    ----------
    n_latents : int, default=8
        Number of latents. It should exceed the number of plans in the log that matter.

    beta : float, default=1.0
        Weight of the information. With 0 latents may know luck, and promise it.

    history : {"full", "markov", "markov_time"}, default="full"
        What tells decisions apart: all that came before in the episode, the observation
        alone, or the observation and the time. Choose one of the last two if rewards and
        transitions depend on no more, and histories seldom repeat.

    estimator : {"exact", "energy"}, default="exact"
        Whether the information is summed exactly over the log's tree, or bounded by
        energies that are learnt along the way, as in [1]_.

    n_init : int, default=4
        Number of starts; the one with the lowest loss is kept.

    max_iter : int, default=1000
        The most iterations of each start.

    learning_rate : float, default=0.05
        Step size of the latents (Adam).

    tol : float, default=1e-6
        A start ends when 25 iterations lower the loss by less than 25 times this.

    min_prior : float, default=0.01
        How probable a latent must be in a state to be chosen there.

    reward_decimals : int, default=9
        The decimals to which rewards are told apart.

    n_bins : int or None, default=None
        The number of bins of equal counts into which each feature is cut; None keeps
        every distinct observation as a state.

    energy_learning_rate : float or None, default=None
        Step size of the energies; None is four times `learning_rate`. The energies must
        lead, or latents get away with luck.

    n_energy_steps : int, default=1
        Number of steps of the energies for each one of the latents.

    random_state : int, RandomState instance or None, default=None
        Determines the starts, and what ``act`` draws.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The actions.

    n_latents_ : int
        Number of latents.

    states_ : ndarray of shape (n_states, n_features)
        The states in which there is a decision; bins' numbers if `n_bins` is given.

    policy_table_ : ndarray of shape (n_states, n_classes, n_latents)
        What each latent does where an episode begins; in other states, what it does
        there on average.

    latent_prior_ : ndarray of shape (n_states, n_latents)
        Probabilities of the latents where an episode begins.

    latent_values_ : ndarray of shape (n_states, n_latents)
        What they promise.

    latent_counts_ : ndarray of shape (n_states, n_latents)
        The weighted number of episodes behind each promise.

    mutual_information_ : float
        What latents tell about outcomes, summed over the steps, in nats: the exact
        sum over the log's tree.

    energy_information_ : float or None
        The same as the energies find it; None with ``estimator="exact"``.

    nll_ : float
        The negative log-likelihood of an episode's actions given the latent, in nats.

    expected_return_ : float
        What the chosen latents promise, averaged over where episodes begin.

    gap_bound_ : float
        A bound of the mean difference between promises and achievements, on the log's
        tree: the range of the returns times the root of half the information; NaN with
        ``history="markov"``, for which none is proved.

    chosen_information_ : float
        What the chosen latents alone tell about outcomes, in nats. A rare latent may
        know all about luck while ``mutual_information_``, the mean over latents, is
        small.

    promise_bound_ : float
        A bound, on the log's tree, of how far ``expected_return_`` is from what the
        chosen latents earn; NaN with ``history="markov"``.

    loss_curve_ : ndarray of shape (`n_iter_`,)
        The loss before each iteration of the start that was kept.

    n_iter_ : int
        Its number of iterations.

    stop_reason_ : {"converged", "max_iter"}
        Why it ended.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    latent_consistency : Compares promises and achievements of any latents.
    rollout : Lets the policy act in an environment.

    Notes
    -----
    Without `groups` each row is an episode, without `rewards` all latents are worth the
    same, and the policy does what the log does.

    Promises of latents are means over the log's episodes. The largest of several is
    optimistic by the error of these means: see ``latent_counts_``. In a log whose
    histories never repeat every outcome is the only one that was seen, and luck cannot
    be told from control; ``theory_report`` counts the repetitions.

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
    >>> from sklearn_theory.offline_rl import TabularDoC
    >>> log = make_bernoulli_bandit(1000, probability=0.1, random_state=0)
    >>> model = TabularDoC(n_latents=4, random_state=0).fit(*log.to_arrays())
    >>> model.predict([[0.0]])
    array([1])
    >>> print(f"{model.expected_return_:.2f}")
    0.87
    """

    _parameter_constraints: dict = {
        "n_latents": [Interval(Integral, 1, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "history": [StrOptions(set(HISTORIES))],
        "estimator": [StrOptions(set(DESCENTS))],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "min_prior": [Interval(Real, 0, 1, closed="both")],
        "reward_decimals": [Integral],
        "n_bins": [Interval(Integral, 2, None, closed="left"), None],
        "energy_learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "n_energy_steps": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_latents=8,
        *,
        beta=1.0,
        history="full",
        estimator="exact",
        n_init=4,
        max_iter=1000,
        learning_rate=0.05,
        tol=1e-6,
        min_prior=0.01,
        reward_decimals=9,
        n_bins=None,
        energy_learning_rate=None,
        n_energy_steps=1,
        random_state=None,
    ):
        self.n_latents = n_latents
        self.beta = beta
        self.history = history
        self.estimator = estimator
        self.n_init = n_init
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.tol = tol
        self.min_prior = min_prior
        self.reward_decimals = reward_decimals
        self.n_bins = n_bins
        self.energy_learning_rate = energy_learning_rate
        self.n_energy_steps = n_energy_steps
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
        sample_weight=None,
    ):
        """Learn latents that predict actions and not luck.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features)
            Observations, one row for each decision.

        y : array-like of shape (n_steps,)
            Actions.

        rewards : array-like of shape (n_steps,) or None, default=None
            What each decision earned; None stands for zeros.

        groups : array-like of shape (n_steps,) or None, default=None
            The episode of each row, whose rows are in time order; None makes each row
            an episode.

        next_observations : array-like of shape (n_steps, n_features) or None, \
                default=None
            What was seen after each decision; only the last row of each episode counts.

        terminations, truncations : array-like of shape (n_steps,) or None, default=None
            How episodes ended.

        sample_weight : array-like of shape (n_steps,) or None, default=None
            Weights of the episodes, the same in all rows of one.

        Returns
        -------
        self : TabularDoC
            The fitted estimator.
        """
        metadata = {"rewards": rewards, "groups": groups}
        with fit_task(
            self, max_subtasks=self.n_init, X=X, y=y, metadata=metadata
        ) as context:
            ends = (next_observations, terminations, truncations)
            log = self._check_log(X, y, rewards, groups, *ends, reset=True)
            log, weight = _weigh(log, sample_weight)
            trees = self._arrange(log, weight)
            best = self._restart(context, trees[0])
            self._store(*trees, best, weight.sum())
            self._warn(best)
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

        y : array-like of shape (n_steps,)
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
            Coverage of returns, determinism and repetition of transitions, information;
            the gap between promises and achievements with its bound.
        """
        check_is_fitted(self)
        ends = (next_observations, terminations, truncations)
        log = self._check_log(X, y, rewards, groups, *ends)
        q = self._encode(self._coder.encode(log))
        return _doc_report.make_report(
            "TabularDoC: promises without luck",
            log,
            q,
            self.expected_return_,
            history=self.history,
            min_prior=self.min_prior,
            n_bins=self.n_bins,
            reward_decimals=self.reward_decimals,
        )

    def _arrange(self, log, weight):
        """Code the log, and arrange its distinct trajectories as trees."""
        self._coder = LogCoder(self.n_bins, self.reward_decimals).fit(log, weight)
        self.classes_ = self._coder.classes
        codes = self._coder.encode(log)
        representatives, trajectory = distinct_trajectories(codes, self._coder)
        codes, weight = codes.take(representatives), np.bincount(trajectory, weight)
        histories = dict.fromkeys((self.history, "full"))
        trees = [build_tree(codes, self._coder, name, weight) for name in histories]
        return trees[0], trees[-1]

    def _restart(self, context, tree):
        """Descend from some starts, and keep the one with the lowest exact loss."""
        random = check_random_state(self.random_state)
        best = None
        for _ in iterate_subtasks(self, context, range(self.n_init), "start"):
            shape = (len(tree.weight), self.n_latents)
            run = _Run(DESCENTS[self.estimator], tree, random.normal(size=shape), self)
            if best is None or run.loss < best.loss:
                best = run
        return best

    def _store(self, tree, full_tree, run, total_weight):
        q = run.descent.q
        self._tree, self._full_tree, self._q = tree, full_tree, q
        self._stream = None
        self._roots, self._tree_policy = tree.roots(), tree.policy(q)
        self._merged_policy = merged_policy(tree, q)
        self.policy_table_ = first_policy(tree, self._tree_policy, self._merged_policy)
        tables = latent_tables(tree, q)
        self.states_ = self._coder.states.decided
        self.n_latents_ = self.n_latents
        self.latent_prior_, self.latent_values_ = tables.prior, tables.values
        self.latent_counts_ = tables.counts * total_weight
        self._chosen = choose_latents(tables.values, tables.prior, self.min_prior)
        promised = tables.values[np.arange(len(self._chosen)), self._chosen]
        self.expected_return_ = float(tables.start @ promised)
        self.nll_, self.mutual_information_ = tree.objective(q)
        self.energy_information_ = run.energy_information
        told = latent_information(tree, q)[np.arange(len(self._chosen)), self._chosen]
        self.chosen_information_ = float(tables.start @ told)
        span = return_range(tree, self.history)
        self.gap_bound_ = span * float(np.sqrt(self.mutual_information_ / 2))
        self.promise_bound_ = span * float(np.sqrt(self.chosen_information_ / 2))
        self.loss_curve_, self.n_iter_ = run.losses, len(run.losses)
        self.stop_reason_ = run.stop_reason

    def _warn(self, run):
        if self.stop_reason_ == "max_iter":
            warnings.warn(
                f"The best of {self.n_init} starts reached max_iter={self.max_iter}: its "
                f"loss still fell by more than 25 tol={25 * self.tol:.2g} in the last "
                "25 iterations. Raise max_iter, tol or learning_rate.",
                ConvergenceWarning,
                stacklevel=4,
            )
        if self.chosen_information_ > _doc_report.TRUSTED_INFORMATION:
            warnings.warn(
                _doc_report.distrust(
                    self.expected_return_, self.chosen_information_, self.promise_bound_
                ),
                UserWarning,
                stacklevel=4,
            )


class _Run:
    """One start, descended until the loss stands still."""

    def __init__(self, descent, tree, logits, settings):
        self.descent = descent(tree, logits, settings)
        self.stop_reason = "max_iter"
        pieces = []
        while self.descent.n_iter < settings.max_iter:
            n_steps = min(_STEPS_A_LOOK, settings.max_iter - self.descent.n_iter)
            pieces.append(self.descent.advance(n_steps))
            if _stands_still(pieces, settings.tol):
                self.stop_reason = "converged"
                break
        self.losses = np.concatenate(pieces)
        nll, information = tree.objective(self.descent.q)
        self.loss = nll + settings.beta * information
        self.energy_information = self.descent.information()


def _stands_still(pieces, tol):
    """Compare the last losses with the ones before; an energy's are noisy."""
    if len(pieces) < 2:
        return np.ptp(pieces[0]) == 0
    return abs(pieces[-2].mean() - pieces[-1].mean()) <= tol * len(pieces[-1])


def _weigh(log, sample_weight):
    """Return the episodes that count, and their weights."""
    if sample_weight is None:
        return log, np.ones(log.n_episodes)
    weight = _check_sample_weight(
        sample_weight, log.observations, dtype=np.float64, ensure_non_negative=True
    )
    weight = episode_values("sample_weight", weight, log)
    return log.select(weight > 0), weight[weight > 0]
