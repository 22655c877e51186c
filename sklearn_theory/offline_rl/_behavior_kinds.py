# SPDX-License-Identifier: BSD-3-Clause
"""Models of what acted in a log, one small object for each kind.

A behaviour is not asked for a return, and its draws must show everything that was done
in a place: two ways at a crossing are not their mean. The table `KINDS` names those of
each action space, the default first; what needs torch is in ``_behavior_kinds_torch.py``.
"""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from ._policy_heads import (
    AutoregressiveHead,
    CategoricalHead,
    GaussianHead,
    NetworkHead,
    TabularHead,
)
from ._scaling import standardise, to_unit_cube

_TORCH_PARTS = "sklearn_theory.offline_rl._behavior_kinds_torch"


class DiffusionKind(NetworkHead):
    """Noise that a network removes in some steps until it is an action."""

    name = "diffusion"
    merges_rows = False  # Each row draws noise of its own.
    torch_parts = _TORCH_PARTS

    def _scale_actions(self, actions, weight):
        """Use the range of the actions, to which draws are cut."""
        return to_unit_cube(actions)


class MixtureKind(NetworkHead):
    """A mixture of Gaussians whose shares, means and deviations are outputs."""

    name = "mdn"
    torch_parts = _TORCH_PARTS


class NeighborKind:
    """The actions of the nearest observations, drawn with equal chances."""

    name = "knn"
    acts_in = np.float64

    def __init__(self, settings, n_classes):
        self.normalize = settings.normalize
        self.n_neighbors = settings.n_neighbors

    def fit(self, settings, rows, random, context, reconstruct):
        """Keep the rows in a tree."""
        inputs = rows.inputs
        self.input_scaling = standardise(inputs, rows.weight, self.normalize)
        n_neighbors = min(self.n_neighbors, len(inputs))
        self.tree = NearestNeighbors(n_neighbors=n_neighbors)
        self.tree.fit(self.input_scaling.apply(inputs.astype(np.float64)))
        self.actions = rows.actions

    def predict(self, inputs):
        """Return the mean action of the neighbours."""
        return self._neighbours(inputs).mean(axis=1).astype(inputs.dtype, copy=False)

    def sample(self, inputs, random):
        """Draw the action of one of the neighbours."""
        neighbours = self._neighbours(inputs)
        chosen = random.randint(neighbours.shape[1], size=len(inputs))
        return neighbours[np.arange(len(inputs)), chosen]

    def _neighbours(self, inputs):
        rows = self.input_scaling.apply(inputs.astype(np.float64))
        return self.actions[self.tree.kneighbors(rows, return_distance=False)]


class NeighborLabelKind(NeighborKind):
    """The labels of the nearest observations."""

    def __init__(self, settings, n_classes):
        super().__init__(settings, n_classes)
        self.n_classes = n_classes

    def predict(self, inputs):
        """Return the code of the most frequent label among the neighbours."""
        return self.predict_proba(inputs).argmax(axis=1)

    def predict_proba(self, inputs):
        """Return the frequencies of labels among the neighbours."""
        labels = self._neighbours(inputs)
        counts = [(labels == code).mean(axis=1) for code in range(self.n_classes)]
        return np.column_stack(counts).astype(inputs.dtype, copy=False)


class CountsKind(TabularHead):
    """Frequencies of labels at equal observations."""

    def fit(self, settings, rows, *rest):
        """Count, with a return-to-go that is always zero."""
        rows = rows._replace(inputs=_with_zeros(rows.inputs))
        super().fit(settings, rows, *rest)

    def predict_proba(self, inputs):
        """Return the frequencies of labels."""
        return super().predict_proba(_with_zeros(inputs))


def _with_zeros(inputs):
    return np.column_stack([inputs, np.zeros(len(inputs), dtype=inputs.dtype)])


KINDS = {
    "continuous": {
        kind.name: kind
        for kind in (
            DiffusionKind,
            MixtureKind,
            GaussianHead,
            AutoregressiveHead,
            NeighborKind,
        )
    },
    "discrete": {
        kind.name: kind for kind in (CategoricalHead, NeighborLabelKind, CountsKind)
    },
}
