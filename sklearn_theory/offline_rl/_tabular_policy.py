# SPDX-License-Identifier: BSD-3-Clause
"""A policy of latents in tables: choose one, follow the episode, act as it does."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._base import TheoryEstimator
from ._acting import stream_of_draws
from ._doc_tables import is_indifferent
from ._episodes import check_episodes
from ._prefix_tree import HISTORIES


@dataclass
class EpisodePlace:
    """Where an episode is: what ``act`` hands back and is given again.

    Parameters
    ----------
    latent : int
        The latent that was chosen.

    decision : int
        The decision in the log's tree; -1 if the log has none like it.

    action : int
        The code of the last action.

    time : int
        The number of earlier actions.
    """

    latent: int
    decision: int
    action: int
    time: int


class TabularLatentPolicy(ClassifierMixin, TheoryEstimator):
    """Act by tables, which subclasses fit.

    They set `classes_`, `policy_table_`, `latent_prior_`, `latent_values_`, the coder of
    logs, the log's trees with the policies at their actions, and the chosen latents.
    """

    def predict(self, X, z=None):
        """Predict the most probable action where an episode begins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations, each taken for the first one of an episode.

        z : int, array-like of shape (n_samples,) or None, default=None
            Latents; None chooses them by their values.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Actions.
        """
        check_is_fitted(self)
        # Rounded, so that noise does not decide between actions that tie.
        return self.classes_[self.predict_proba(X, z).round(9).argmax(axis=1)]

    def predict_proba(self, X, z=None):
        """Compute the probabilities of actions where an episode begins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations, each taken for the first one of an episode.

        z : int, array-like of shape (n_samples,) or None, default=None
            Latents; None chooses them by their values. Where all are worth the same,
            their policies are averaged by the prior.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        states = self._states_of(X)
        weights = self._latent_weights(states, z)
        return np.einsum("iaz,iz->ia", self.policy_table_[states], weights)

    def latent_values(self, X):
        """Return what each latent promises where an episode begins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        Returns
        -------
        values : ndarray of shape (n_samples, n_latents)
            Mean returns.
        """
        return self.latent_values_[self._states_of(X)]

    def latent_prior(self, X):
        """Return how probable each latent is where an episode begins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        Returns
        -------
        prior : ndarray of shape (n_samples, n_latents)
            Probabilities.
        """
        return self.latent_prior_[self._states_of(X)]

    def select_latent(self, X):
        """Choose the latent that promises most among those with support.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        Returns
        -------
        z : ndarray of shape (n_samples,)
            Latents.
        """
        return self._chosen[self._states_of(X)]

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
        z : ndarray of shape (n_samples,)
            Latents.
        """
        prior = self.latent_prior(X)
        random = self._random(random_state)
        return np.array([random.choice(self.n_latents_, p=row) for row in prior])

    def act(self, observation, state=None, reward=None, *, random_state=None):
        """Draw an action in an episode.

        Parameters
        ----------
        observation : array-like of shape (n_features,)
            What is seen.

        state : EpisodePlace or None, default=None
            What the call before returned; None begins an episode, and chooses its
            latent, or draws it if all are worth the same.

        reward : float or None, default=None
            What the action before earned; None if that is not known, and then the most
            frequent reward is assumed.

        random_state : int, RandomState instance or None, default=None
            Determines the draw; None draws from a stream that the estimator's
            `random_state` begins, and goes on from call to call.

        Returns
        -------
        action : object
            One of ``classes_``.

        state : EpisodePlace
            To be handed to the next call.
        """
        check_is_fitted(self)
        random = stream_of_draws(self, random_state)
        code = self._state_of_one(observation)
        if state is None:
            weights = self._latent_weights(np.array([code]), None)[0]
            latent, time = int(random.choice(self.n_latents_, p=weights)), 0
            decision, probabilities = self._begin(code)
        else:
            latent, time = state.latent, state.time + 1
            decision, probabilities = self._go_on(state, reward, code)
        action = random.choice(len(self.classes_), p=probabilities[:, latent])
        return self.classes_[action], EpisodePlace(latent, decision, int(action), time)

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
        q : ndarray of shape (n_episodes, n_latents)
            Probabilities, in the order of ``np.unique(groups)``. An episode that was not
            seen has those of the trajectories that share most of its beginning.
        """
        check_is_fitted(self)
        ends = (next_observations, terminations, truncations)
        return self._encode(self._code(X, y, rewards, groups, *ends))

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
        codes = self._coder.encode(log)
        rows = np.argsort(log.episode_codes, kind="stable")
        share = self._shares(codes, self._decisions(codes), codes.action)
        weights = self._latent_weights(codes.state[codes.first], None)
        probabilities = np.empty(log.n_steps)
        probabilities[rows] = _sequential_mixture(share, weights, codes)
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
        """Compute how often the most probable action is the log's.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features)
            Observations.

        y : array-like of shape (n_steps,)
            Actions.

        rewards, groups : array-like of shape (n_steps,) or None, default=None
            Rewards, and the episode of each row. With either of them, policies are
            averaged by the latents of the whole episode, and each row is taken in its
            history; with neither, ``predict`` is scored.

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
            The accuracy.
        """
        if rewards is None and groups is None:
            return accuracy_score(y, self.predict(X), sample_weight=sample_weight)
        check_is_fitted(self)
        log = self._check_log(
            X, y, rewards, groups, next_observations, terminations, truncations
        )
        codes = self._coder.encode(log)
        weights = self._encode(codes)[codes.episode]
        decisions = self._decisions(codes)
        actions = range(len(self.classes_))
        mixed = [(self._shares(codes, decisions, a) * weights).sum(1) for a in actions]
        rows = np.argsort(log.episode_codes, kind="stable")
        weight = None if sample_weight is None else np.asarray(sample_weight)[rows]
        predicted = self.classes_[np.argmax(mixed, axis=0)]
        return accuracy_score(log.actions[rows], predicted, sample_weight=weight)

    def _check_log(
        self,
        X,
        y,
        rewards,
        groups,
        next_observations=None,
        terminations=None,
        truncations=None,
        reset=False,
    ):
        X, y = validate_data(
            self,
            X,
            y,
            dtype=(np.float64, np.float32),
            reset=reset,
            ensure_min_samples=1,
        )
        check_classification_targets(y)
        return check_episodes(
            X,
            y,
            rewards,
            groups,
            next_observations=next_observations,
            terminations=terminations,
            truncations=truncations,
        )

    def _code(self, *log):
        return self._coder.encode(self._check_log(*log))

    def _states_of(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return self._coder.states.encode(X, decisions=True)

    def _state_of_one(self, observation):
        """Find one state, without the cost of checking a table."""
        row = np.asarray(observation, dtype=self.states_.dtype).reshape(1, -1)
        if row.shape[1] != self.n_features_in_ or not np.isfinite(row).all():
            raise ValueError(
                f"observation must hold {self.n_features_in_} finite numbers, got "
                f"{observation!r}."
            )
        return self._coder.states.encode_one(row)

    def _latent_weights(self, states, z):
        """One latent, chosen or given, or the prior where there is nothing to choose."""
        one_hot = np.eye(self.n_latents_)
        if z is None:
            indifferent = is_indifferent(self.latent_values_[states])[:, np.newaxis]
            chosen = one_hot[self._chosen[states]]
            return np.where(indifferent, self.latent_prior_[states], chosen)
        z = np.broadcast_to(np.asarray(z), states.shape)
        if z.dtype.kind not in "iu" or (z < 0).any() or (z >= self.n_latents_).any():
            raise ValueError(
                f"z must hold latents from 0 to {self.n_latents_ - 1}, got {z!r}."
            )
        return one_hot[z]

    def _begin(self, code):
        return int(self._roots[code]), self.policy_table_[code]

    def _go_on(self, place, reward, code):
        if reward is not None:
            reward = self._coder.round_reward(reward)
        history = HISTORIES[self.history]
        decision = history.next_decision(self._tree, place, reward, code)
        return decision, self._policy_at(decision, code)

    def _policy_at(self, decision, code):
        """What latents do at a decision, or in a state if the log has none like it."""
        if decision < 0:
            return self._merged_policy[code]
        edges = slice(*self._tree.starts[0][[decision, decision + 1]])
        policy = np.zeros((len(self.classes_), self.n_latents_))
        policy[self._tree.action_code[edges]] = self._tree_policy[edges]
        return policy

    def _decisions(self, codes):
        return HISTORIES[self.history].decisions(self._tree, codes)

    def _shares(self, codes, decisions, action):
        """How probable an action is in each row, under each latent."""
        action = np.broadcast_to(action, codes.state.shape)
        edges = self._tree.find_actions(decisions, action)
        known = np.where(
            (edges >= 0)[:, np.newaxis], self._tree_policy[np.maximum(edges, 0)], 0.0
        )
        merged = self._merged_policy[codes.state, np.maximum(action, 0)]
        merged = np.where((action >= 0)[:, np.newaxis], merged, 0.0)
        return np.where((decisions >= 0)[:, np.newaxis], known, merged)

    def _encode(self, codes):
        """Follow each episode through the full tree as far as it goes."""
        tree, q = self._full_tree, self.latent_prior_[codes.state[codes.first]]
        decisions = HISTORIES["full"].decisions(tree, codes)
        edges = tree.find_actions(decisions, codes.action)
        nodes = tree.find_outcomes(decisions, codes.action, codes.outcome)
        last = np.full(codes.n_episodes, -1)
        rows = np.flatnonzero(edges >= 0)
        np.maximum.at(last, codes.episode[rows], rows)
        acted = np.flatnonzero(last >= 0)
        q[acted] = tree.shares(self._q, "action")[edges[last[acted]]]
        followed = acted[nodes[last[acted]] >= 0]
        q[followed] = tree.shares(self._q, "outcome")[nodes[last[followed]]]
        return q

    def _random(self, random_state):
        return check_random_state(
            self.random_state if random_state is None else random_state
        )


def _sequential_mixture(share, weights, codes):
    """Mix latents' probabilities along episodes, by what the actions so far tell."""
    mixed = np.empty(len(share))
    weights = weights.copy()
    for time in range(int(codes.time.max()) + 1):
        rows = np.flatnonzero(codes.time == time)
        episodes = codes.episode[rows]
        joint = weights[episodes] * share[rows]
        mixed[rows] = joint.sum(axis=1)
        total = mixed[rows, np.newaxis]
        weights[episodes] = np.where(
            total > 0, joint / np.where(total > 0, total, 1.0), weights[episodes]
        )
    return mixed
