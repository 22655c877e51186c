# SPDX-License-Identifier: BSD-3-Clause
"""What a policy learnt from imagined episodes can be asked: all goes to the policy inside.

Rows are checked here, by the names and widths that were seen in ``fit``.
"""

from inspect import signature

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ._action_spaces import ACTION_SPACES, tags_of_action_space
from ._rcsl_policy import RCSLPolicy
from ._return_conditioned import log_of


class StitchedPolicy:
    """Predict, draw, act, and compare with a log, by ``policy_``."""

    def predict(self, X, return_to_go=None):
        """Predict actions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        return_to_go : float, array-like of shape (n_samples,) or None, default=None
            What is asked for from here on; None asks for what is asked for where an
            episode begins.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_action_features)
            Actions.
        """
        X = self._check_rows(X)
        return self.policy_.predict(X, **_given(return_to_go=return_to_go))

    @available_if(lambda self: self._policy_has("predict_proba"))
    def predict_proba(self, X, return_to_go=None):
        """Compute the probabilities of labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        return_to_go : float, array-like of shape (n_samples,) or None, default=None
            What is asked for, as in ``predict``.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``policy_.classes_``.
        """
        X = self._check_rows(X)
        return self.policy_.predict_proba(X, **_given(return_to_go=return_to_go))

    @available_if(lambda self: self._policy_has("sample"))
    def sample(self, X, return_to_go=None, random_state=None):
        """Draw actions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        return_to_go : float, array-like of shape (n_samples,) or None, default=None
            What is asked for, as in ``predict``.

        random_state : int, RandomState instance or None, default=None
            Determines the draws; None takes the policy's.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_action_features)
            Actions.
        """
        X = self._check_rows(X)
        options = _given(return_to_go=return_to_go)
        return self.policy_.sample(X, random_state=random_state, **options)

    @available_if(lambda self: self._policy_has("logged_proba"))
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
            The probability of each row's action.
        """
        X = self._check_rows(X)
        return self.policy_.logged_proba(X, y, rewards, groups)

    def act(
        self,
        observation,
        state=None,
        reward=None,
        *,
        target_return=None,
        random_state=None,
    ):
        """Act in an episode.

        Parameters
        ----------
        observation : array-like of shape (n_features,)
            What is seen.

        state : object or None, default=None
            What the call before returned; None begins an episode.

        reward : float or None, default=None
            What the action before earned.

        target_return : float or None, default=None
            The return to ask for in this episode, where it begins; None asks for the
            estimator's.

        random_state : int, RandomState instance or None, default=None
            Determines the draw, if the policy draws.

        Returns
        -------
        action : object
            The action; numbers are cut to the range of the logged ones.

        state : object
            To be handed to the next call.
        """
        check_is_fitted(self)
        options = _given(target_return=target_return, random_state=random_state)
        if not hasattr(self.policy_, "act"):
            action = self.policy_.predict(np.reshape(observation, (1, -1)))[0]
            return self._actions.within_range(action), True
        if "random_state" not in signature(self.policy_.act).parameters:
            options.pop("random_state", None)
        return self.policy_.act(observation, state, reward, **options)

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
            Rewards, and the episode of each row: each row's own return-to-go is asked
            for.

        next_observations, terminations, truncations : array-like or None, default=None
            Checked, and not used: a log has them.

        sample_weight : array-like of shape (n_steps,) or None, default=None
            Weights of the rows.

        Returns
        -------
        score : float
            The coefficient of determination, or the accuracy. That a policy differs from
            the log is its purpose: judge it by :func:`rollout`, or by
            :func:`off_policy_estimate`.
        """
        ends = (next_observations, terminations, truncations)
        log = self._check_log(X, y, rewards, groups, ends)
        known = (
            {} if rewards is None else {"rewards": log.rewards, "groups": log.groups}
        )
        if "rewards" not in signature(self.policy_.score).parameters:
            known = {}
        return self.policy_.score(
            log.observations, log.actions, sample_weight=sample_weight, **known
        )

    def _check_rows(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=(np.float64, np.float32), reset=False)

    def _policy_has(self, method):
        policy = getattr(self, "policy_", self.policy)
        if policy is None:
            policy = RCSLPolicy(action_space=self.action_space)
        getattr(policy, method)  # Else its own error tells why.
        return True

    def _check_log(self, X, y, rewards, groups, ends, reset=False):
        X, y = self._space.validate(self, X, y, reset=reset)
        log = log_of(X, y, rewards, groups, ends)
        if reset and rewards is not None and not len(log.transitions()[0]):
            raise ValueError(
                "Every episode has one row, so that it is not known what follows an "
                "action. Give next_observations, or the episode of each row in groups."
            )
        return log

    @property
    def _space(self):
        return ACTION_SPACES[self.action_space]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "max_return_")

    def __sklearn_tags__(self):
        return tags_of_action_space(super().__sklearn_tags__(), self.action_space)


def _given(**options):
    return {name: value for name, value in options.items() if value is not None}
