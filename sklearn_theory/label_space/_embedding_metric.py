# SPDX-License-Identifier: BSD-3-Clause
"""Labels as vectors: the nearest vector to the mean, and no table of distances."""

import numpy as np

from ._base_metric import LabelMetric, lowest_argmin


class EmbeddingMetric(LabelMetric):
    """Euclidean distances between vectors that represent the labels.

    The Fréchet variance of a label is, up to a constant of the row, the squared distance
    of its vector to the weighted mean of the observed ones, so that decoding is a
    nearest-neighbour search: no array of observed by all labels is formed.

    Parameters
    ----------
    embedding : array-like of shape (n_labels, n_dimensions)
        A vector for each label, such as the embedding of its name, or the mean of its
        features.

    normalize : bool, default=False
        Whether to scale every vector to unit length.

    Attributes
    ----------
    n_labels : int
        The number of labels.

    Examples
    --------
    >>> from sklearn_theory.label_space import EmbeddingMetric
    >>> corners_and_centre = EmbeddingMetric([[0, 0], [0, 2], [2, 0], [2, 2], [1, 1]])
    >>> corners_and_centre.frechet([[1, 1, 1, 1]], observed=[0, 1, 2, 3])
    array([4])
    """

    def __init__(self, embedding, normalize=False):
        self.embedding = embedding
        self.normalize = normalize

    @property
    def n_labels(self):
        """The number of labels."""
        return len(self.embedding)

    def _prepare(self):
        E = np.asarray(self.embedding, dtype=np.float64)
        if E.ndim != 2 or E.size == 0:
            raise ValueError(
                f"embedding must have the shape (n_labels, n_dimensions), got {E.shape}."
            )
        if not np.isfinite(E).all():
            raise ValueError(
                f"Row {np.argwhere(~np.isfinite(E))[0][0]} of embedding is not finite."
            )
        if self.normalize:
            E = unit_rows(E)
        # Distances do not change, and less is lost when squares are subtracted.
        E = E - E.mean(axis=0)
        return E, np.einsum("ij,ij->i", E, E)

    def pairwise(self, i, j):
        """Compute the distances between pairs of labels.

        Parameters
        ----------
        i, j : array-like of int
            Positions of labels; they are broadcast against each other.

        Returns
        -------
        distances : ndarray
            Distances, of the broadcast shape.
        """
        E, _ = self._prepared()
        return np.linalg.norm(E[np.asarray(i)] - E[np.asarray(j)], axis=-1)

    def sq_rows(self, i):
        """Compute the squared distances from some labels to all.

        Parameters
        ----------
        i : array-like of shape (n_rows,)
            Positions of labels.

        Returns
        -------
        sq_distances : ndarray of shape (n_rows, n_labels)
            Squared Euclidean distances.
        """
        E, squares = self._prepared()
        rows = squares[i][:, None] - 2 * E[i] @ E.T + squares
        rows[np.arange(len(i)), i] = 0.0
        return np.maximum(rows, 0.0, out=rows)

    def _variance(self, P, observed):
        E, squares = self._prepared()
        total = np.asarray(P.sum(axis=1)).reshape(-1, 1)
        constant = np.asarray(P @ squares[observed]).reshape(-1, 1)
        variance = total * squares - 2 * (P @ E[observed]) @ E.T + constant
        return np.maximum(variance, 0.0, out=variance)

    def _decode(self, P, observed):
        E, squares = self._prepared()
        means = (P @ E[observed]) / np.asarray(P.sum(axis=1)).reshape(-1, 1)
        return lowest_argmin(squares - 2 * means @ E.T)

    def _torch_decoder(self, device):
        from ._torch_decoding import embedding_decoder

        return embedding_decoder(self, device)


def unit_rows(E):
    """Scale rows to unit length.

    Parameters
    ----------
    E : ndarray of shape (n_labels, n_dimensions)
        Vectors; a zero vector is refused.

    Returns
    -------
    unit : ndarray of shape (n_labels, n_dimensions)
        The scaled vectors.
    """
    norms = np.linalg.norm(E, axis=1, keepdims=True)
    if not norms.all():
        raise ValueError(
            f"Row {np.flatnonzero(norms == 0)[0]} of embedding is zero and cannot be "
            "normalised."
        )
    return E / norms
