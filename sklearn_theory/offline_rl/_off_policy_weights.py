# SPDX-License-Identifier: BSD-3-Clause
"""Importance weights: episodes count by how probable the policy is to act alike."""

import numpy as np

_FEWEST_REPEATS = 2


def target_proba(name, policy, X, log):
    """Compute how probable a policy is to act as logged, in each row.

    Parameters
    ----------
    name : str
        The name of the argument, for error messages.

    policy : object or array-like of shape (n_steps,)
        The policy or the probabilities.

    X : array-like of shape (n_steps, n_features)
        The observations of the log in the form that the policy was fitted on.

    log : TrajectoryDataset
        The log.

    Returns
    -------
    probabilities : ndarray of shape (n_steps,)
        The probabilities.
    """
    if hasattr(policy, "logged_proba"):
        return np.asarray(policy.logged_proba(X, *log.to_arrays()[1:]))
    if hasattr(policy, "predict_proba"):
        return _proba_of_actions(policy, X, log)
    if hasattr(policy, "predict") or callable(policy):
        raise ValueError(
            f"{name} must tell probabilities of actions (logged_proba or predict_proba, "
            f"or an array of them), got {policy!r}."
        )
    return _check_probabilities(name, np.asarray(policy, dtype=float), log.n_steps)


def behaviour_proba(behavior, X, log):
    """Compute how probable the logged actions were.

    Parameters
    ----------
    behavior : object, array-like of shape (n_steps,) or None
        What acted; None counts.

    X : array-like of shape (n_steps, n_features)
        The observations of the log in the form that the behaviour was fitted on.

    log : TrajectoryDataset
        The log.

    Returns
    -------
    probabilities : ndarray of shape (n_steps,)
        The probabilities.
    """
    if behavior is not None:
        return target_proba("behavior", behavior, X, log)
    _, state, n_rows = np.unique(
        log.observations, axis=0, return_inverse=True, return_counts=True
    )
    if len(n_rows) * _FEWEST_REPEATS > log.n_steps:
        raise ValueError(
            f"behavior is None, but {len(n_rows)} of {log.n_steps} observations are "
            "distinct, too many to count actions at each. Give a classifier that was "
            "fitted to predict y from X, or the probabilities of the logged actions."
        )
    _, action = np.unique(log.actions, return_inverse=True)
    cell = state.reshape(-1) * (action.max() + 1) + action
    return np.bincount(cell)[cell] / n_rows[state.reshape(-1)]


def _proba_of_actions(policy, X, log):
    proba = np.asarray(policy.predict_proba(X))
    classes = np.asarray(policy.classes_)
    place = np.minimum(np.searchsorted(classes, log.actions), len(classes) - 1)
    known = classes[place] == log.actions
    return np.where(known, proba[np.arange(log.n_steps), place], 0.0)


def _check_probabilities(name, values, n_steps):
    if values.shape != (n_steps,):
        raise ValueError(
            f"{name} must hold a probability for each of the {n_steps} rows, got shape "
            f"{values.shape}."
        )
    if not ((values >= 0) & (values <= 1 + 1e-9)).all():
        raise ValueError(f"{name} must hold probabilities, in [0, 1].")
    return values


class OrdinaryWeights:
    """The mean of weighted returns."""

    def __init__(self, log, ratios, gamma):
        products = running_products(log, ratios)
        self.weights = products[log.last_rows]
        discounted = gamma**log.time * log.rewards
        self.gains = self._gains(log, products, discounted)
        spread = np.sum(self.weights**2)
        self.effective_size = np.sum(self.weights) ** 2 / spread if spread > 0 else 0.0

    def value(self, counts):
        """Estimate, with each episode counted some times."""
        return counts @ self.gains / counts.sum()

    def _gains(self, log, products, discounted):
        returns = np.bincount(log.episode_codes, weights=discounted)
        return self.weights * returns


class SelfNormalisedWeights(OrdinaryWeights):
    """Weighted returns over the weights."""

    def value(self, counts):
        total = counts @ self.weights
        return counts @ self.gains / total if total > 0 else np.nan


class PerDecisionWeights(OrdinaryWeights):
    """The mean of rewards weighted by the actions up to them."""

    def _gains(self, log, products, discounted):
        return np.bincount(log.episode_codes, weights=products * discounted)


WEIGHTINGS = {
    "ordinary": OrdinaryWeights,
    "weighted": SelfNormalisedWeights,
    "per_decision": PerDecisionWeights,
}


def running_products(log, ratios):
    """Multiply ratios from the beginning of each episode up to each row."""
    products = np.empty(log.n_steps)
    running = np.ones(log.n_episodes)
    order = np.argsort(log.time, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(log.time))[:-1]):
        episodes = log.episode_codes[rows]
        running[episodes] *= ratios[rows]
        products[rows] = running[episodes]
    return products
