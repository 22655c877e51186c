# SPDX-License-Identifier: BSD-3-Clause
"""What policies of both kinds share: parameters of a network, and a fitted head."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._compat import Interval, StrOptions
from ._action_spaces import ACTION_SPACES, choose_model, tags_of_action_space

NETWORK_CONSTRAINTS = {
    "hidden_layer_sizes": [tuple, list],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "learning_rate": [StrOptions({"constant", "cosine"})],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left"), None],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "normalize": ["boolean"],
    "device": [StrOptions({"cpu", "cuda", "auto"})],
    "random_state": ["random_state"],
}


class ActionModel:
    """A policy whose law of actions is a head, fitted to rows of inputs."""

    _head_parameter = "head"

    def _choose_head(self, models):
        """Look up the head before any work is done."""
        name = getattr(self, self._head_parameter)
        return choose_model(self._head_parameter, name, models, self.action_space)

    def _fit_head(self, head_class, rows, context, fitted=dict):
        """Fit the head, and store what its training did."""
        random = check_random_state(self.random_state)
        head = head_class(self, self._actions.n_classes)
        training = head.fit(
            self,
            rows._replace(actions=self._actions.encode(rows.actions)),
            random,
            context,
            lambda: self._fitted_state() | {"_head": head} | fitted(),
        )
        self._head, self._stream = head, None
        self.loss_curve_, self.validation_scores_ = [], []
        self.n_iter_, self.stop_reason_ = 1, "converged"
        if training is not None:
            self.loss_curve_ = training.loss_curve
            self.validation_scores_ = [-loss for loss in training.validation_curve]
            self.n_iter_, self.stop_reason_ = training.n_iter, training.stop_reason

    def _fitted_state(self):
        """What callbacks need to build an estimator that predicts."""
        return {
            name: value
            for name, value in vars(self).items()
            if name in ("_actions", "classes_", "n_features_in_")
        }

    def _start_actions(self, y):
        self._actions = self._space(y)
        if self.action_space == "discrete":
            self.classes_ = self._actions.classes

    @property
    def _space(self):
        return ACTION_SPACES[self.action_space]

    @property
    def network_(self):
        """The module of the network; None if there is none."""
        check_is_fitted(self)
        net = getattr(self._head, "net", None)
        return None if net is None else net.module_

    def _check_rows(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=(np.float64, np.float32), reset=False)

    def _predict_inputs(self, inputs):
        return self._actions.decode(self._head.predict(inputs))

    def _sample_inputs(self, inputs, random_state):
        random = check_random_state(
            self.random_state if random_state is None else random_state
        )
        return self._actions.decode(self._head.sample(inputs, random))

    def _row_of(self, observation):
        """Check one observation, without the cost of checking a table."""
        row = np.asarray(observation, dtype=np.float64).reshape(1, -1)
        if row.shape[1] != self.n_features_in_ or not np.isfinite(row).all():
            raise ValueError(
                f"observation must hold {self.n_features_in_} finite numbers, got "
                f"{observation!r}."
            )
        return row.astype(self._head.acts_in)

    def _has(self, method):
        """Tell whether the head, or the one that will be fitted, has a method."""
        if hasattr(self, "_head"):
            return hasattr(self._head, method)
        return hasattr(self._choose_head(self._models), method)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_head")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags_of_action_space(tags, self.action_space)


def has_head_method(method):
    """A check for ``available_if``: the head must have a method.

    Parameters
    ----------
    method : str
        The name of the method.

    Returns
    -------
    check : callable
        Raises an AttributeError that says what is missing.
    """

    def check(estimator):
        if not estimator._has(method):
            parameter = estimator._head_parameter
            raise AttributeError(
                f"{parameter}={getattr(estimator, parameter)!r} with "
                f"action_space={estimator.action_space!r} has no {method}."
            )
        return True

    return check
