# SPDX-License-Identifier: BSD-3-Clause
"""Embeddings compared with all others, block by block, outside of training."""

from dataclasses import dataclass

import numpy as np
from sklearn import get_config
from sklearn.utils import gen_batches

from ._temperatures import Tilted, minimise_temperatures, robust_objective, tilt

_FLOATS_AT_ONCE = 6  # arrays of the size of a block that are alive at the same time
_ROUNDING = 1e-6  # of single precision


@dataclass
class Anchors:
    """Anchors, the candidates they are compared with, and which of these do not count.

    Parameters
    ----------
    embeddings : ndarray of shape (n_anchors, n_components)
        The anchors.

    candidates : ndarray of shape (n_candidates, n_components)
        What they are compared with.

    positives : ndarray of shape (n_anchors, n_components) or None
        The positive of each anchor; None leaves similarities as they are.

    excluded : list of tuple of ndarray
        Pairs of anchors, in ascending order, and columns.
    """

    embeddings: np.ndarray
    candidates: np.ndarray
    positives: np.ndarray | None
    excluded: list

    def blocks(self):
        """Yield slices of anchors, their differences, and what these leave out."""
        floats = get_config()["working_memory"] * 2**20 / (8 * _FLOATS_AT_ONCE)
        size = max(1, int(floats / len(self.candidates)))
        for rows in gen_batches(len(self.embeddings), size):
            anchors = self.embeddings[rows].astype(np.float64)
            H = anchors @ self.candidates.T.astype(np.float64)
            if self.positives is not None:
                H -= np.einsum("ij,ij->i", anchors, self.positives[rows])[:, None]
            yield rows, H, [_restrict(pair, rows) for pair in self.excluded]


def _restrict(pair, rows):
    """Keep the excluded entries of a block of anchors, numbered from its start."""
    anchors, columns = pair
    start, stop = np.searchsorted(anchors, [rows.start, rows.stop])
    return anchors[start:stop] - rows.start, columns[start:stop]


class Contrasts:
    """All comparisons of two views with each other.

    Parameters
    ----------
    z1, z2 : ndarray of shape (n_samples, n_components)
        Embeddings of the views.

    mode : {"unimodal", "bimodal"}
        Whether negatives are both views of all other rows, or the other view's.

    Attributes
    ----------
    groups : list of Anchors
        Anchors of view 1 and of view 2 if the mode is bimodal, else all in one.
    """

    def __init__(self, z1, z2, mode):
        self.z1, self.z2 = z1, z2
        n = len(z1)
        if mode == "bimodal":
            own = [(np.arange(n), np.arange(n))]
            self.groups = [Anchors(z1, z2, z2, own), Anchors(z2, z1, z1, own)]
            return
        z, partners = np.concatenate([z1, z2]), np.concatenate([z2, z1])
        everyone = np.arange(2 * n)
        own = [(everyone, everyone), (everyone, np.roll(everyone, n))]
        self.groups = [Anchors(z, z, partners, own)]

    @classmethod
    def against(cls, embeddings, references, hashes, reference_hashes):
        """Compare rows with references; a reference equal to a row is left out.

        Parameters
        ----------
        embeddings : list of ndarray of shape (n_samples, n_components)
            Embeddings of the views of rows: one, or two.

        references : list of ndarray of shape (n_references, n_components)
            Those of the references.

        hashes, reference_hashes : ndarray of uint64
            Hashes of rows and references.

        Returns
        -------
        contrasts : Contrasts
            The comparisons, of each view with the other view of the references.
        """
        contrasts = cls.__new__(cls)
        own = [_first_matches(hashes, reference_hashes)]
        contrasts.groups = [
            Anchors(z, other, None, own)
            for z, other in zip(embeddings, references[::-1])
        ]
        return contrasts

    def minimise(self, settings):
        """Find the best temperature of every anchor.

        Parameters
        ----------
        settings : tuple of float
            The radius and the bounds of temperatures.

        Returns
        -------
        temperatures : ndarray of shape (n_anchors,) or (n_samples, 2)
            The minimisers.
        """
        return self._map(
            lambda H, excluded: minimise_temperatures(H, *settings, excluded)
        )

    def tilt(self, temperatures):
        """Weigh negatives by given temperatures.

        Parameters
        ----------
        temperatures : ndarray of shape (n_anchors,) or (n_samples, 2)
            The temperatures.

        Returns
        -------
        tilted : Tilted
            Sums over the negatives of each anchor.
        """
        return Tilted(*self._map(tilt, temperatures, as_fields=True))

    def objective(self, settings, temperatures=None):
        """Evaluate the robust objective, at the best temperatures if none are given.

        Parameters
        ----------
        settings : tuple of float
            The radius and the bounds of temperatures.

        temperatures : ndarray of shape (n_anchors,) or (n_samples, 2) or None, \
                default=None
            The temperatures.

        Returns
        -------
        objective : ndarray of shape (n_anchors,) or (n_samples, 2)
            The values.
        """
        if temperatures is None:
            temperatures = self.minimise(settings)
        rho = settings[0]
        return self._map(
            lambda H, tau, excluded: robust_objective(H, tau, rho, excluded),
            temperatures,
        )

    def recall(self, k):
        """Share of rows whose view 2 is among the `k` most similar to their view 1.

        Candidates that are as similar as the positive stand in random order: their
        chance counts.
        """
        hits = []
        for _, H, _ in self.groups[0].blocks():
            better = (H > _ROUNDING).sum(axis=1)
            alike = (np.abs(H) <= _ROUNDING).sum(axis=1)
            hits.append(np.clip((k - better) / alike, 0, 1))
        return float(np.mean(np.concatenate(hits)))

    def _map(self, function, temperatures=None, as_fields=False):
        """Apply a function of rows to all blocks, and lay out results as temperatures."""
        if temperatures is None:
            columns = [None] * len(self.groups)
        else:
            columns = np.reshape(temperatures, (-1, len(self.groups))).T
        results = [
            _map_blocks(function, group, column, as_fields)
            for group, column in zip(self.groups, columns)
        ]
        results = results[0] if len(results) == 1 else np.stack(results, axis=-1)
        return results if as_fields else results[0]


def _map_blocks(function, group, temperatures, as_fields):
    parts = []
    for rows, H, excluded in group.blocks():
        of_rows = () if temperatures is None else (temperatures[rows],)
        result = function(H, *of_rows, excluded)
        parts.append(list(vars(result).values()) if as_fields else [result])
    return np.concatenate(parts, axis=1)


def _first_matches(hashes, reference_hashes):
    """Pair each row with the first reference that is equal to it, if any is."""
    order = np.argsort(reference_hashes, kind="stable")
    place = np.searchsorted(reference_hashes[order], hashes)
    candidates = order[np.minimum(place, len(order) - 1)]
    rows = np.flatnonzero(reference_hashes[candidates] == hashes)
    return rows, candidates[rows]
