# SPDX-License-Identifier: BSD-3-Clause
"""Actions that are numbers and actions that are labels, as models take them.

A model sees a table of numbers, or codes of labels; users see actions in their own
units. The action space also says whether a policy is a regressor or a classifier.
"""

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from ._log_codes import find


class ContinuousActions:
    """Actions of one or several numbers."""

    name = "continuous"
    n_classes = None
    score = staticmethod(r2_score)

    def __init__(self, y):
        self.is_flat = y.ndim == 1
        self.low, self.high = y.min(axis=0), y.max(axis=0)

    @staticmethod
    def validate(estimator, X, y, **options):
        """Check rows and actions."""
        return validate_data(
            estimator,
            X,
            y,
            dtype=(np.float64, np.float32),
            multi_output=True,
            y_numeric=True,
            **options,
        )

    @staticmethod
    def set_tags(tags):
        """Say that the estimator is a regressor."""
        tags.estimator_type = "regressor"
        tags.regressor_tags = RegressorTags()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    def encode(self, y):
        """Lay out actions as a table."""
        return np.asarray(y, dtype=np.float64).reshape(len(y), -1)

    def decode(self, values):
        """Give a table of actions the shape of those that were seen."""
        return values[:, 0] if self.is_flat else values

    def within_range(self, action):
        """Cut an action to the range of those that were seen."""
        return np.clip(action, self.low, self.high)

    def as_features(self, y):
        """Lay out actions as columns for a model of the dynamics."""
        return self.encode(y)


class DiscreteActions:
    """Actions that are labels."""

    name = "discrete"
    score = staticmethod(accuracy_score)

    def __init__(self, y):
        self.classes = np.unique(y)

    @property
    def n_classes(self):
        return len(self.classes)

    @staticmethod
    def validate(estimator, X, y, **options):
        """Check rows and actions."""
        X, y = validate_data(estimator, X, y, dtype=(np.float64, np.float32), **options)
        check_classification_targets(y)
        return X, y

    @staticmethod
    def set_tags(tags):
        """Say that the estimator is a classifier."""
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = True
        return tags

    def encode(self, y):
        """Number labels; -1 for one that was not seen."""
        return find(self.classes, np.asarray(y))

    def decode(self, codes):
        """Return the labels of codes."""
        return self.classes[codes]

    def within_range(self, action):
        """Return the action: all are labels that were seen."""
        return action

    def as_features(self, y):
        """One column for each label, in the order of the labels."""
        return np.eye(self.n_classes)[self.encode(y)]


ACTION_SPACES = {space.name: space for space in (ContinuousActions, DiscreteActions)}


def tags_of_action_space(tags, action_space):
    """Let an estimator's tags follow its parameter `action_space`.

    Parameters
    ----------
    tags : sklearn.utils.Tags
        The tags; changed in place.

    action_space : str
        The parameter. Tags are asked for before it is checked.

    Returns
    -------
    tags : sklearn.utils.Tags
        The tags.
    """
    return ACTION_SPACES.get(action_space, ContinuousActions).set_tags(tags)


def choose_model(parameter, name, models, action_space):
    """Look up a model of actions, or say which ones fit the action space.

    Parameters
    ----------
    parameter : str
        The name of the parameter, for the error message.

    name : str
        Its value; "auto" takes the first that fits.

    models : dict of dict of str to type
        The models of each action space.

    action_space : {"continuous", "discrete"}
        What it must fit.

    Returns
    -------
    model : type
        The model.
    """
    fitting = models[action_space]
    if name == "auto":
        return next(iter(fitting.values()))
    if name not in fitting:
        raise ValueError(
            f"{parameter}={name!r} does not fit action_space={action_space!r}; "
            f"choose one of {list(fitting)}."
        )
    return fitting[name]


def all_names(models):
    """List the names of models of all action spaces, for parameter constraints.

    Parameters
    ----------
    models : dict of dict of str to type
        The models of each action space.

    Returns
    -------
    names : set of str
        The names, and "auto".
    """
    return {"auto"}.union(*models.values())
