# SPDX-License-Identifier: BSD-3-Clause
"""What a policy can be asked once it has learnt actions from returns-to-go.

A return is asked for where an episode begins, and each reward lowers what is left.
"""

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._acting import stream_of_draws
from ._action_model import ActionModel, has_head_method
from ._episodes import check_episodes


class ReturnConditionedPolicy(ActionModel):
    """Predict, draw, act, and compare with a log.

    Subclasses have parameters `target_return`, `target_scale`, `gamma` and
    `deterministic`, a fitted head, and ``max_return_``.
    """

    def predict(self, X, return_to_go=None):
        """Predict actions: means, or the most probable labels.

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
        return self._predict_inputs(self._inputs(X, return_to_go))

    @available_if(has_head_method("predict_proba"))
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
            Probabilities, in the order of ``classes_``.
        """
        inputs = self._inputs(X, return_to_go)
        return self._head.predict_proba(inputs)

    @available_if(has_head_method("predict_dist"))
    def predict_dist(self, X, return_to_go=None):
        """Compute the means and the deviations of actions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        return_to_go : float, array-like of shape (n_samples,) or None, default=None
            What is asked for, as in ``predict``.

        Returns
        -------
        mean, deviation : ndarray of shape (n_samples,) or \
                (n_samples, n_action_features)
            The moments of the Gaussian law.
        """
        inputs = self._inputs(X, return_to_go)
        moments = self._head.predict_dist(inputs)
        return tuple(self._actions.decode(values) for values in moments)

    def sample(self, X, return_to_go=None, random_state=None):
        """Draw actions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Observations.

        return_to_go : float, array-like of shape (n_samples,) or None, default=None
            What is asked for, as in ``predict``.

        random_state : int, RandomState instance or None, default=None
            Determines the draws; None takes the estimator's `random_state`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_action_features)
            Actions.
        """
        return self._sample_inputs(self._inputs(X, return_to_go), random_state)

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

        state : float or None, default=None
            What the call before returned; None begins an episode.

        reward : float or None, default=None
            What the action before earned, which lowers what is left to ask for; None
            if that is not known.

        target_return : float or None, default=None
            The return to ask for in this episode, where it begins; None asks for the
            estimator's.

        random_state : int, RandomState instance or None, default=None
            Determines the draw if ``deterministic=False``; None draws from a stream that
            the estimator's `random_state` begins, and goes on from call to call.

        Returns
        -------
        action : object
            The action; numbers are cut to the range of the logged ones.

        state : float
            The return asked for from here on, to be handed to the next call.
        """
        check_is_fitted(self)
        state = self._next_return(state, reward, target_return)
        row = self._row_of(observation)
        inputs = with_returns(row, np.array([state]))
        if self.deterministic:
            action = self._predict_inputs(inputs)[0]
        else:
            draws = stream_of_draws(self, random_state)
            action = self._sample_inputs(inputs, draws)[0]
        return self._actions.within_range(action), state

    @available_if(has_head_method("predict_proba"))
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
            The probability of each row's action, with the return asked for lowered by
            the rewards before.
        """
        check_is_fitted(self)
        X, y = self._space.validate(self, X, y, reset=False)
        log = check_episodes(X, y, rewards, groups)
        asked = _asked_along(log, self._target, self.gamma)
        proba = self._head.predict_proba(with_returns(X, asked))
        if self.deterministic:
            proba = np.eye(proba.shape[1])[proba.argmax(axis=1)]
        codes = self._actions.encode(y)
        return np.where(codes >= 0, proba[np.arange(len(codes)), codes], 0.0)

    def score(
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

        return_to_go : array-like of shape (n_steps,) or None, default=None
            Returns-to-go, in place of `rewards`. With neither, what is asked for is
            what is asked for where an episode begins.

        next_observations, terminations, truncations : array-like or None, default=None
            Checked, and not used: a log has them.

        sample_weight : array-like of shape (n_steps,) or None, default=None
            Weights of the rows.

        Returns
        -------
        score : float
            The coefficient of determination, or the accuracy.
        """
        g = None
        if rewards is not None or return_to_go is not None:
            X, y = self._space.validate(self, X, y, reset=False)
            ends = (next_observations, terminations, truncations)
            log = log_of(X, y, rewards, groups, ends)
            g = returns_to_go_of(log, rewards, return_to_go, self.gamma)
        predicted = self.predict(X, g)
        return self._space.score(y, predicted, sample_weight=sample_weight)

    @property
    def _target(self):
        if self.target_return is not None:
            return float(self.target_return)
        return self.target_scale * self.max_return_

    def _inputs(self, X, return_to_go):
        X = self._check_rows(X)
        g = self._target if return_to_go is None else return_to_go
        return with_returns(X, _check_asked(g, len(X)))

    def _next_return(self, state, reward, target_return):
        if state is None:
            return self._target if target_return is None else float(target_return)
        if reward is None or self.gamma == 0:
            return state
        return (state - float(reward)) / self.gamma


def log_of(X, y, rewards, groups, ends):
    """Check the columns of a log.

    Parameters
    ----------
    X, y : ndarray
        Observations and actions that were checked.

    rewards, groups : array-like of shape (n_steps,) or None
        Rewards, and the episode of each row.

    ends : tuple
        Next observations, terminations and truncations, each of which may be None.

    Returns
    -------
    log : TrajectoryDataset
        The log.
    """
    names = ("next_observations", "terminations", "truncations")
    return check_episodes(X, y, rewards, groups, **dict(zip(names, ends)))


def returns_to_go_of(log, rewards, return_to_go, gamma):
    """Compute returns-to-go from rewards, or check those that are given.

    Parameters
    ----------
    log : TrajectoryDataset
        The log.

    rewards, return_to_go : array-like of shape (n_steps,) or None
        What was given; not both.

    gamma : float
        The discount.

    Returns
    -------
    returns_to_go : ndarray of shape (n_steps,)
        The returns-to-go.
    """
    if return_to_go is None:
        return log.returns_to_go(gamma)
    if rewards is not None:
        raise ValueError("return_to_go and rewards are both given; give one of them.")
    return _check_asked(return_to_go, log.n_steps)


def _check_asked(return_to_go, n_rows):
    g = np.asarray(return_to_go, dtype=np.float64)
    if g.shape not in ((), (n_rows,)):
        raise ValueError(
            f"return_to_go must be a number or have shape ({n_rows},), got {g.shape}."
        )
    if not np.isfinite(g).all():
        raise ValueError("return_to_go holds NaN or infinity.")
    return np.broadcast_to(g, (n_rows,))


def with_returns(X, g):
    """Put returns-to-go beside observations, in the precision of these.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Observations.

    g : ndarray of shape (n_samples,)
        Returns-to-go.

    Returns
    -------
    inputs : ndarray of shape (n_samples, n_features + 1)
        The table.
    """
    return np.column_stack([X, g.astype(X.dtype)])


def _asked_along(log, target, gamma):
    """What is left to ask for in each row of a log, when `target` is asked for."""
    if gamma == 0:
        return np.full(log.n_steps, target)
    discount = gamma**log.time
    to_go = log.returns_to_go(gamma)
    earned = to_go[log.first_rows][log.episode_codes] - discount * to_go
    return (target - earned) / discount
