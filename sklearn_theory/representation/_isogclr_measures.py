# SPDX-License-Identifier: BSD-3-Clause
"""What the embeddings of an ISogCLR say of rows: scores and exact temperatures."""

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._content_folds import hash_rows
from . import _isogclr_report as report_parts
from ._contrasts import Contrasts


class EmbeddingMeasures:
    """The methods of an ISogCLR that compare embeddings with each other."""

    def score(self, X, y=None):
        """Evaluate minus the robust objective, at the best temperatures for these rows.

        Views are drawn with a fixed seed. Every row is compared with all others, at a
        cost that grows with the square of their number.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, at least 2.

        y : None
            Ignored.

        Returns
        -------
        score : float
            Minus the mean over the rows of the sum over both views.
        """
        X = self._check_rows(X, ensure_min_samples=2)
        return -2 * float(np.mean(self._contrasts(X).objective(self._settings())))

    def retrieval_score(self, X, k=1):
        """Share of rows whose view 2 is among the `k` nearest to their view 1.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        k : int, default=1
            How many to retrieve.

        Returns
        -------
        recall : float
            Recall at `k`, of view 2 by view 1, by the embeddings; the bimodal mode only.
            Ties count by their chance.
        """
        X = self._check_rows(X)
        if self._split is None:
            raise ValueError('retrieval_score needs mode="bimodal".')
        z1, z2 = self._embeddings(X)
        return Contrasts(z1, z2, "bimodal").recall(k)

    def solve_temperatures(self, X):
        """Compute the best temperature of rows exactly, against the rows of training.

        A row that is one of these, entry by entry, is not its own negative.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, of training or new.

        Returns
        -------
        temperatures : ndarray of shape (n_samples,) or (n_samples, 2)
            The minimisers of the convex problem of each row, within the bounds.
        """
        X = self._check_rows(X)
        return self._against_training(X).minimise(self._settings())

    def kl_radius(self, X):
        """Compute how far from uniform the weights of a row's negatives are.

        The optimality condition of a temperature within its bounds is that this equals
        ``rho``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows of training, in the same order.

        Returns
        -------
        radius : ndarray of shape (n_samples,) or (n_samples, 2)
            Kullback-Leibler divergences at ``temperatures_``.
        """
        X = self._check_rows(X)
        self._check_same_rows(X)
        return self._against_training(X).tilt(self.temperatures_).radius

    def theory_report(self, X, y=None):
        """Evaluate the assumptions and the promises of the theory on data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, of training or new, at least 2.

        y : None
            Ignored.

        Returns
        -------
        report : TheoryReport
            Whether the radius binds and similarities are bounded; the duality gap, the
            radius reached by the rows, and how far learnt temperatures are from the best.
        """
        X = self._check_rows(X, ensure_min_samples=2)
        return report_parts.make_report(self, X, self._contrasts(X))

    def _contrasts(self, X):
        """Compare views of rows, drawn with a fixed seed, with each other."""
        views = self._torch_parts().draw_views(self._net, X)
        last = len(self._net.module_.networks) - 1
        z1, z2 = (self._forward(view, min(i, last)) for i, view in enumerate(views))
        return Contrasts(z1, z2, self.mode)

    def _against_training(self, X):
        """Compare rows with those of training."""
        return Contrasts.against(
            self._embeddings(X),
            self._training_embeddings,
            hash_rows(X),
            self._row_hashes,
        )

    def _settings(self):
        """Say which temperatures are allowed, and the radius."""
        if self.loss == "rgcl":
            return self.rho, self.temperature_min, self.temperature_max
        return 0.0, self.temperature_init, self.temperature_init

    def _check_rows(self, X, **checks):
        check_is_fitted(self)
        dtypes = (np.float64, np.float32)
        return validate_data(self, X, dtype=dtypes, reset=False, **checks)

    def _check_same_rows(self, X):
        if not np.array_equal(hash_rows(X), self._row_hashes):
            raise ValueError(
                "X must hold the rows that this ISogCLR was fitted on, in the same order: "
                "each has its temperature. Fit other rows anew, with warm_start=False."
            )
