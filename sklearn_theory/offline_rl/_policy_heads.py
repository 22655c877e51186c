# SPDX-License-Identifier: BSD-3-Clause
"""Models of an action given what is seen, one small object for each form.

A head sees rows of inputs (an observation, and the return-to-go where the policy is
asked for one) and actions as an action space encodes them. The table `HEADS` names those
of a policy for each action space, the default first. What needs torch is in
``_policy_heads_torch.py``; the tabular head needs none.
"""

from typing import NamedTuple

import numpy as np

from ..utils._optional import import_networks
from ._merged_rows import merge_rows
from ._scaling import standardise
from ._table_of_actions import ActionTable

_SEED_LIMIT = 2**31 - 1


class ActionRows(NamedTuple):
    """What a head is fitted to: one row for each decision.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_inputs)
        What is seen.

    actions : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Actions, as the action space encodes them.

    weight : ndarray of shape (n_samples,)
        Weights.

    groups : ndarray of shape (n_samples,) or None
        The episode of each row, if whole ones are to be set aside.

    n_rows : int or None
        How many rows there were before equal ones were merged, if they were. Weights
        that are whole numbers stand for that many rows.
    """

    inputs: np.ndarray
    actions: np.ndarray
    weight: np.ndarray
    groups: np.ndarray | None = None
    n_rows: int | None = None

    def merged(self):
        """Merge equal rows into one of more weight; episodes then have none."""
        (inputs, actions), weight = merge_rows(*self[:2], weight=self.weight)
        are_counts = (self.weight == np.floor(self.weight)).all()
        n_rows = self.weight.sum() if are_counts else np.count_nonzero(self.weight)
        return ActionRows(inputs, actions, weight, n_rows=n_rows)


class NetworkHead:
    """A head that is a network.

    Parameters
    ----------
    settings : estimator instance
        The policy: its parameters are the network's.

    n_classes : int or None
        The number of labels, if actions are labels.

    Attributes
    ----------
    acts_in : dtype
        The precision in which a single decision is computed.

    merges_rows : bool
        Whether equal rows are one row of more weight, unless episodes are set aside.
    """

    acts_in = np.float32
    merges_rows = True
    torch_parts = "sklearn_theory.offline_rl._policy_heads_torch"

    def __init__(self, settings, n_classes):
        self.normalize = settings.normalize
        self.needed_by = type(settings).__name__
        self.n_classes = n_classes

    def fit(self, settings, rows, random, context, reconstruct):
        """Train the network, and return what the training did."""
        sets_episodes_aside = settings.early_stopping and rows.groups is not None
        if self.merges_rows and not sets_episodes_aside:
            rows = rows.merged()
        self.input_scaling = standardise(rows.inputs, rows.weight, self.normalize)
        self.action_scaling = self._scale_actions(rows.actions, rows.weight)
        scaled = rows._replace(
            inputs=self.input_scaling.apply(rows.inputs),
            actions=self._to_targets(rows.actions),
        )
        self.net = self._parts.make_head_net(self, settings, *scaled[:2], random)
        return self._parts.train_head(self, settings, scaled, context, reconstruct)

    def predict(self, inputs):
        """Return the mean of the action in each row."""
        return self._to_actions(self._outputs(inputs, "mean"))

    def sample(self, inputs, random):
        """Draw an action for each row, in single precision."""
        seed = int(random.randint(_SEED_LIMIT))
        rows = self.input_scaling.apply(inputs)
        return self._to_actions(self._parts.draw_actions(self.net, rows, seed))

    def _outputs(self, inputs, method):
        rows = self.input_scaling.apply(inputs)
        return self._parts.run_method(self.net, rows, method)

    @property
    def _parts(self):
        return import_networks(self.torch_parts, needed_by=self.needed_by)

    def _scale_actions(self, actions, weight):
        return standardise(actions, weight, self.normalize)

    def _to_targets(self, actions):
        return self.action_scaling.apply(actions)

    def _to_actions(self, outputs):
        return self.action_scaling.undo(outputs)


class MeanHead(NetworkHead):
    """The mean of the action, by least squares; a draw is the mean."""

    name = "mse"


class GaussianHead(NetworkHead):
    """A Gaussian law of the action, its coordinates independent."""

    name = "gaussian"

    def predict_dist(self, inputs):
        """Return the means and the deviations of the action in each row."""
        deviation = self._outputs(inputs, "deviation") * self.action_scaling.width
        return self.predict(inputs), deviation.astype(inputs.dtype, copy=False)


class AutoregressiveHead(NetworkHead):
    """A Gaussian law of each coordinate of the action given the ones before."""

    name = "autoregressive"


class CategoricalHead(NetworkHead):
    """Probabilities of labels, by a softmax."""

    name = "categorical"

    def predict(self, inputs):
        """Return the code of the most probable label in each row."""
        return self.predict_proba(inputs).argmax(axis=1)

    def predict_proba(self, inputs):
        """Return the probabilities of labels in each row."""
        return self._outputs(inputs, "probabilities")

    def sample(self, inputs, random):
        """Draw the code of a label for each row."""
        return draw_codes(self.predict_proba(inputs), random)

    def _scale_actions(self, actions, weight):
        return None

    def _to_targets(self, actions):
        return actions[:, np.newaxis].astype(np.float64)


class TabularHead:
    """Probabilities of labels by counts of equal observations and returns-to-go."""

    name = "tabular"
    acts_in = np.float64

    def __init__(self, settings, n_classes):
        self.n_classes = n_classes

    def fit(self, settings, rows, random, context, reconstruct):
        """Count."""
        inputs = rows.inputs
        self.table = ActionTable(
            inputs[:, :-1], inputs[:, -1], rows.actions, rows.weight, self.n_classes
        )

    def predict(self, inputs):
        """Return the code of the most frequent label; the first of equal ones."""
        return self.predict_proba(inputs).argmax(axis=1)

    def predict_proba(self, inputs):
        """Return the frequencies of labels."""
        shares = self.table.lookup(inputs[:, :-1], inputs[:, -1])
        return shares.astype(inputs.dtype, copy=False)

    def sample(self, inputs, random):
        """Draw the code of a label for each row."""
        return draw_codes(self.predict_proba(inputs), random)


HEADS = {
    "continuous": {
        head.name: head for head in (MeanHead, GaussianHead, AutoregressiveHead)
    },
    "discrete": {head.name: head for head in (CategoricalHead, TabularHead)},
}


def draw_codes(probabilities, random):
    """Draw one column for each row of probabilities.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Probabilities.

    random : RandomState
        What to draw from.

    Returns
    -------
    codes : ndarray of shape (n_samples,)
        The columns drawn.
    """
    edges = probabilities.cumsum(axis=1)
    draws = random.random_sample((len(edges), 1)) * edges[:, -1:]
    return (draws >= edges).sum(axis=1)
