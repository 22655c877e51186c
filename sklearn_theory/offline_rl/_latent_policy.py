# SPDX-License-Identifier: BSD-3-Clause
"""A policy of latents in networks: choose one, keep it for an episode, act as it does."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._optional import import_networks
from ._acting import stream_of_draws
from ._action_spaces import ACTION_SPACES, tags_of_action_space
from ._doc_tables import choose_latents, is_indifferent
from ._episodes import check_episodes
from ._policy_heads import draw_codes

_TORCH_PARTS = "sklearn_theory.offline_rl._doc_measures_torch"


@dataclass
class EpisodeMemory:
    """What an episode has been so far: what ``act`` hands back and is given again.

    Parameters
    ----------
    latent : int or ndarray of shape (latent_dim,)
        The latent that is acted by.

    time : int
        The number of earlier decisions.

    past : tuple of ndarray
        The steps before, the last one first.

    last : tuple
        The last observation and action, until their reward is known.
    """

    latent: object
    time: int
    past: tuple
    last: tuple


def _is_discrete(estimator):
    if estimator.action_space != "discrete":
        raise AttributeError(
            f'action_space="{estimator.action_space}" has no probabilities of labels; '
            'it must be "discrete".'
        )
    return True


class LatentPolicy:
    """Act by networks, which subclasses fit.

    They set the net, the coder of windows, the actions and the choices of latents.
    """

    def predict(self, X, z=None):
        """Predict the action where an episode begins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations, each taken for the first one of an episode.

        z : int, array-like of shape (n_samples,) or (n_samples, latent_dim), or None, \
                default=None
            Latents; None chooses them by their values.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_action_features)
            The most probable labels, or mean actions. Where all latents are worth the
            same, their policies are averaged by the prior.
        """
        return self._decode(self._mixed_actions(X, z))

    @available_if(_is_discrete)
    def predict_proba(self, X, z=None):
        """Compute the probabilities of actions where an episode begins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations, each taken for the first one of an episode.

        z : int, array-like of shape (n_samples,) or (n_samples, latent_dim), or None, \
                default=None
            Latents, as in ``predict``.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        return self._mixed_actions(X, z)

    def latent_values(self, X):
        """Return what latents promise where an episode begins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        Returns
        -------
        values : ndarray of shape (n_samples, n_latents)
            Mean returns; of `n_samples` draws from the prior if latents are Gaussian.
        """
        return self._propose(self._first_contexts(X))[2]

    def latent_prior(self, X):
        """Return how probable latents are where an episode begins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        Returns
        -------
        prior : ndarray of shape (n_samples, n_latents)
            Probabilities; all the same for draws from a Gaussian prior.
        """
        return self._propose(self._first_contexts(X))[1]

    def select_latent(self, X):
        """Choose the latent that promises most among those with support.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        Returns
        -------
        z : ndarray of shape (n_samples,) or (n_samples, latent_dim)
            Latents.
        """
        candidates, prior, values = self._propose(self._first_contexts(X))
        return self._choices.take(candidates, self._choose(prior, values))

    def sample_latent(self, X, random_state=None):
        """Draw latents from the prior.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        random_state : int, RandomState instance or None, default=None
            Determines the draws; None takes the estimator's `random_state`.

        Returns
        -------
        z : ndarray of shape (n_samples,) or (n_samples, latent_dim)
            Latents.
        """
        law = self._run("prior_law", self._first_contexts(X))
        return self._choices.draw(law, self._random(random_state))

    def act(self, observation, state=None, reward=None, *, random_state=None):
        """Act in an episode.

        Parameters
        ----------
        observation : array-like of shape (n_features,)
            What is seen.

        state : EpisodeMemory or None, default=None
            What the call before returned; None begins an episode.

        reward : float or None, default=None
            What the action before earned; None if that is not known, and then the mean
            of the logged rewards is assumed.

        random_state : int, RandomState instance or None, default=None
            Determines draws; None draws from a stream that the estimator's
            `random_state` begins, and goes on from call to call.

        Returns
        -------
        action : object
            A label, drawn as the latent's policy has it, or numbers, cut to the range
            of the logged ones.

        state : EpisodeMemory
            To be handed to the next call.
        """
        check_is_fitted(self)
        random = stream_of_draws(self, random_state)
        row = self._row_of(observation)
        time, past = 0, ()
        if state is not None:
            time, past = state.time + 1, self._remember(state, reward)
        context = self._coder.next_context(row, past)
        if time % self._coder.period == 0:
            latent = self._begin(context, random)
        else:
            latent = state.latent
        candidates, weights = self._choices.given(latent, 1)
        output = self._mix(context, candidates, weights)
        code = draw_codes(output, random) if self._is_discrete else output
        action = self._actions.within_range(self._to_actions(code)[0])
        return action, EpisodeMemory(latent, time, past, (row, code))

    def encode(
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
        """Compute the latents of episodes.

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
        q : ndarray of shape (n_episodes, n_latents) or (n_episodes, latent_dim)
            Probabilities of the latents of each episode's first `future_len` steps, or
            the means of Gaussian ones, in the order of ``np.unique(groups)``.
        """
        check_is_fitted(self)
        ends = (next_observations, terminations, truncations)
        log = self._check_log(X, y, rewards, groups, *ends)
        return self._encode(log, log.first_rows)

    @available_if(_is_discrete)
    def logged_proba(self, X, y, rewards=None, groups=None):
        """Compute how probable the policy is to act as a log did.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features)
            Observations.

        y : array-like of shape (n_steps,)
            Actions.

        rewards, groups : array-like of shape (n_steps,) or None, default=None
            Rewards, and the episode of each row.

        Returns
        -------
        probabilities : ndarray of shape (n_steps,)
            The probability of each row's action, given the episode so far.
        """
        check_is_fitted(self)
        log = self._check_log(X, y, rewards, groups)
        tables, spans, start = self._spans(log)
        candidates, weights = self._weigh(tables.context[start])
        code = tables.target
        probabilities = np.empty(log.n_steps)
        for rows, first in spans:
            held = None if candidates is None else candidates[first]
            share = self._run("actions", tables.context[rows], held)
            share = share[np.arange(len(rows)), :, np.maximum(code[rows], 0)]
            share = np.where(code[rows, np.newaxis] >= 0, share, 0.0)
            joint = weights[first] * share
            total = joint.sum(axis=1)
            probabilities[rows] = total
            seen = total > 0
            weights[first[seen]] = joint[seen] / total[seen, np.newaxis]
        return probabilities

    def score(
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
        """Compare predicted actions with logged ones.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features)
            Observations.

        y : array-like of shape (n_steps,) or (n_steps, n_action_features)
            Actions.

        rewards, groups : array-like of shape (n_steps,) or None, default=None
            Rewards, and the episode of each row. With either of them, policies are
            averaged by the latents of the whole episode, and each row is taken in its
            context; with neither, ``predict`` is scored.

        next_observations : array-like of shape (n_steps, n_features) or None, \
                default=None
            What was seen after each decision.

        terminations, truncations : array-like of shape (n_steps,) or None, default=None
            How episodes ended.

        sample_weight : array-like of shape (n_steps,) or None, default=None
            Weights of the rows.

        Returns
        -------
        score : float
            The accuracy, or the coefficient of determination.
        """
        if rewards is None and groups is None:
            predicted = self.predict(X)
        else:
            check_is_fitted(self)
            ends = (next_observations, terminations, truncations)
            log = self._check_log(X, y, rewards, groups, *ends)
            predicted, y = self._decode(self._explained_actions(log)), log.actions
        return self._space.score(y, predicted, sample_weight=sample_weight)

    def _explained_actions(self, log):
        """Average policies in each row by the latents of its window."""
        tables, spans, start = self._spans(log)
        law = self._encode(log, start, tables)
        outputs = np.empty((log.n_steps, tables.action.shape[1]))
        for rows, first in spans:
            candidates, weights = self._held(law[first])
            outputs[rows] = self._mix(tables.context[rows], candidates, weights)
        return outputs

    def _held(self, latents):
        """Candidates and weights of encoded latents."""
        if self.latent == "gaussian":
            return self._choices.given(latents, len(latents))
        return None, latents

    def _spans(self, log):
        """Rows by their place behind the row in which their latent is chosen."""
        tables, start = self._coder.tables(log), self._coder.starts(log)
        spans, rows, first = [], start, np.arange(len(start))
        for _ in range(min(self._coder.period, int(log.lengths.max()))):
            spans.append((rows, first))
            follow = log.successor[rows]
            rows, first = follow[follow >= 0], first[follow >= 0]
        return tables, [span for span in spans if len(span[0])], start

    def _encode(self, log, starts, tables=None):
        tables = self._coder.tables(log) if tables is None else tables
        law = self._parts.run_encoder(
            self._net, tables, self._coder.windows(log, starts)
        )
        return self._choices.lay_out(law)

    def _begin(self, context, random):
        """Choose a latent, or draw one where all are worth the same."""
        candidates, weights = self._weigh(context)
        return self._choices.take(candidates, draw_codes(weights, random))[0]

    def _remember(self, state, reward):
        """Add the step before to those that later contexts hold."""
        mean = self._coder.reward_scaling.centre[0]
        reward = mean if reward is None else float(reward)
        step = self._coder.past_step(*state.last, reward)
        return (step, *state.past)[: self._coder.context_len - 1]

    def _mixed_actions(self, X, z):
        contexts = self._first_contexts(X)
        if z is None:
            candidates, weights = self._weigh(contexts)
        else:
            candidates, weights = self._choices.given(z, len(contexts))
        return self._mix(contexts, candidates, weights)

    def _mix(self, contexts, candidates, weights):
        outputs = self._run("actions", contexts, candidates)
        mixed = np.einsum("iza,iz->ia", outputs, weights)
        return mixed.astype(contexts.dtype, copy=False)

    def _weigh(self, contexts):
        """One candidate, the chosen one, or the prior where there is nothing to choose."""
        candidates, prior, values = self._propose(contexts)
        one_hot = np.eye(self._choices.n_choices)[self._choose(prior, values)]
        indifferent = is_indifferent(values)[:, np.newaxis]
        return candidates, np.where(indifferent, prior, one_hot)

    def _propose(self, contexts):
        candidates, prior = self._choices.propose(self._run("prior_law", contexts))
        values = self._run("values", contexts, candidates)
        return candidates, prior, self._coder.return_scaling.undo(values)

    def _choose(self, prior, values):
        return choose_latents(values, prior, self.min_prior)

    def _decode(self, outputs):
        """The most probable label, or the numbers themselves."""
        if self._is_discrete:
            # Rounded, so that noise does not decide between actions that tie.
            outputs = outputs.round(6).argmax(axis=1)
        return self._to_actions(outputs)

    def _to_actions(self, outputs):
        if not self._is_discrete:
            outputs = self._coder.action_scaling.undo(outputs)
        return self._actions.decode(outputs)

    def _run(self, method, contexts, candidates=None):
        return self._parts.run_on_contexts(self._net, method, contexts, candidates)

    def _first_contexts(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return self._coder.first_contexts(X)

    def _row_of(self, observation):
        """Check one observation, without the cost of checking a table."""
        row = np.asarray(observation, dtype=np.float32).reshape(1, -1)
        if row.shape[1] != self.n_features_in_ or not np.isfinite(row).all():
            raise ValueError(
                f"observation must hold {self.n_features_in_} finite numbers, got "
                f"{observation!r}."
            )
        return row

    def _check_log(self, X, y, rewards, groups, *ends, **options):
        options = {"reset": False} | options
        X, y = self._space.validate(self, X, y, ensure_min_samples=1, **options)
        names = ("next_observations", "terminations", "truncations")
        return check_episodes(X, y, rewards, groups, **dict(zip(names, ends)))

    def _random(self, random_state):
        return check_random_state(
            self.random_state if random_state is None else random_state
        )

    @property
    def network_(self):
        """The module of the networks, for windows and contexts on their scale."""
        check_is_fitted(self)
        return self._net.module_

    @property
    def _parts(self):
        return import_networks(_TORCH_PARTS, needed_by="DichotomyOfControl")

    @property
    def _space(self):
        return ACTION_SPACES[self.action_space]

    @property
    def _is_discrete(self):
        return self.action_space == "discrete"

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_net")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags_of_action_space(tags, self.action_space)
