# SPDX-License-Identifier: BSD-3-Clause
"""One accessor of columns for dense and sparse matrices, centred without a copy."""

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.utils import gen_batches

from . import _design_fast as fast


def make_design(X, *, centre=False, ones=False):
    """Wrap a matrix.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Rows. Sparse ones are converted to CSC, once, unless they are so already, and
        dense ones to Fortran order.

    centre : bool, default=False
        Whether the columns count as centred; nothing is subtracted in memory.

    ones : bool, default=False
        Whether to append a column of ones.

    Returns
    -------
    design : DenseDesign or SparseDesign
        The accessor.
    """
    design_class = SparseDesign if sparse.issparse(X) else DenseDesign
    return design_class(X, centre, ones)


class _Design:
    """What dense and sparse matrices share: the centring."""

    def _finish(self, centre):
        self.n_samples, self.n_features = self.X.shape
        sums = np.asarray(self.X.sum(axis=0), dtype=float).ravel()
        self.column_means = sums / self.n_samples
        self.means = self.column_means if centre else np.zeros(self.n_features)
        self.centred = centre
        self.squared_norms = self._squared_norms()
        if centre:
            self.squared_norms = self._centred_norms()

    def _centred_norms(self):
        """Subtract the mean's part; what rounding leaves of a constant is zero."""
        parts = self.n_samples * self.means**2
        centred = self.squared_norms - parts
        floor = 8 * self.n_samples * np.finfo(float).eps
        return np.where(centred > floor * parts, centred, 0.0)

    def move(self, image, features, outputs, step):
        """Add the columns times the step to an image of shape (n_samples, k)."""
        self._add(image, features, outputs, step)
        if self.centred:
            image[:, 0] -= self.means[features] @ step

    def change(self, features, outputs, step, n_outputs):
        """Compute how the image changes by a step."""
        image = np.zeros((self.n_samples, n_outputs))
        self.move(image, features, outputs, step)
        return image

    def image(self, coefficients):
        """Multiply with coefficients of shape (n_features, k)."""
        image = np.asarray(self.X @ coefficients)
        return image - self.means @ coefficients if self.centred else image

    def products(self, residual):
        """Multiply the transpose with a residual of shape (n_samples, k)."""
        products = np.asarray(self.X.T @ residual)
        if self.centred:
            products -= np.outer(self.means, residual.sum(axis=0))
        return products

    def block_products(self, features, outputs, residual):
        """Multiply columns with columns of the residual."""
        products = self._block_products(features, outputs, residual)
        if self.centred:
            products -= self.means[features] * residual.sum()
        return products

    def gram(self, features):
        """Compute the inner products of columns."""
        gram = self._gram(features)
        if self.centred:
            means = self.means[features]
            gram -= self.n_samples * np.outer(means, means)
        return gram

    def gram_rows(self, features):
        """Compute the inner products of columns with all columns, a row for each."""
        rows = self._gram_rows(features)
        if self.centred:
            rows -= self.n_samples * np.outer(self.means[features], self.means)
        return rows


class DenseDesign(_Design):
    """A dense matrix in Fortran order."""

    is_sparse = False

    def __init__(self, X, centre=False, ones=False):
        X = np.asarray(X, dtype=float)
        if ones:
            X = np.column_stack([X, np.ones(len(X))])
        self.X = np.asfortranarray(X)
        self._finish(centre)

    def _squared_norms(self):
        return np.einsum("ij,ij->j", self.X, self.X)

    def cubed_sums(self):
        """Sum the cubed absolute entries of each column."""
        return sum(
            np.sum(np.abs(self.X[rows]) ** 3, axis=0)
            for rows in gen_batches(self.n_samples, 256)
        )

    def _add(self, image, features, outputs, step):
        if image.shape[1] == 1:
            image[:, 0] += self.X[:, features] @ step
            return
        for feature, output, length in zip(features, outputs, step):
            image[:, output] += length * self.X[:, feature]

    def _block_products(self, features, outputs, residual):
        if residual.shape[1] == 1:
            return residual[:, 0] @ self.X[:, features]
        return np.einsum("ij,ij->j", self.X[:, features], residual[:, outputs])

    def _gram(self, features):
        columns = self.X[:, features]
        return columns.T @ columns

    def likelihood_block(self, features, outputs, probability):
        """Compute ``sum_i a_ij a_ik (p_ij [same output] - p_ij p_ik)``."""
        columns = self.X[:, features]
        weighted = columns * probability[:, outputs]
        same = np.equal.outer(outputs, outputs)
        return (weighted.T @ columns) * same - weighted.T @ weighted

    def weighted_norms(self, weights):
        """Sum the weighted squares of each column, for weights of shape (n, k)."""
        totals = np.zeros((self.n_features, weights.shape[1]))
        for rows in gen_batches(self.n_samples, 256):
            totals += (self.X[rows] ** 2).T @ weights[rows]
        return totals

    def _gram_rows(self, features):
        return self.X[:, features].T @ self.X

    def absolute_gram_sums(self):
        """Sum the absolute inner products of each column with all columns."""
        size = int(get_config()["working_memory"] * 2**17 / self.n_features)
        return np.concatenate(
            [
                np.abs(self.gram_rows(np.arange(batch.start, batch.stop))).sum(axis=1)
                for batch in gen_batches(self.n_features, max(1, min(size, 512)))
            ]
        )


class SparseDesign(_Design):
    """A sparse matrix in CSC form; its CSR form is made when it is first needed."""

    is_sparse = True

    def __init__(self, X, centre=False, ones=False):
        self.X = _canonical_csc(X)
        if ones:
            column = np.ones((X.shape[0], 1))
            self.X = sparse.csc_array(sparse.hstack([self.X, column], format="csc"))
        self._rows = None
        self._finish(centre)

    @property
    def columns(self):
        """The three arrays of the CSC form."""
        return self.X.data, self.X.indices, self.X.indptr

    @property
    def rows(self):
        """The three arrays of the CSR form."""
        if self._rows is None:
            X = self.X.tocsr()
            self._rows = X.data, X.indices, X.indptr
        return self._rows

    def _squared_norms(self):
        return np.asarray(self.X.power(2).sum(axis=0), dtype=float).ravel()

    def cubed_sums(self):
        """Sum the cubed absolute entries of each column."""
        return np.asarray(abs(self.X).power(3).sum(axis=0), dtype=float).ravel()

    def _add(self, image, features, outputs, step):
        fast.add_columns(*self.columns, features, outputs, step, image)

    def _block_products(self, features, outputs, residual):
        return fast.column_products(*self.columns, features, outputs, residual)

    def _gram(self, features):
        return fast.gram_block(*self.columns, features, self.n_samples)

    def likelihood_block(self, features, outputs, probability):
        """Compute ``sum_i a_ij a_ik (p_ij [same output] - p_ij p_ik)``."""
        return fast.likelihood_block(*self.columns, features, outputs, probability)

    def weighted_norms(self, weights):
        """Sum the weighted squares of each column, for weights of shape (n, k)."""
        return np.asarray(self.X.power(2).T @ weights)

    def _gram_rows(self, features):
        rows = np.zeros((len(features), self.n_features))
        for feature, row in zip(features, rows):
            fast.gram_column(*self.columns, *self.rows, feature, row)
        return rows

    def absolute_gram_sums(self):
        """Sum the absolute inner products of each column with all columns."""
        n_centred = float(self.n_samples) if self.centred else 0.0
        return fast.absolute_gram_sums(*self.columns, *self.rows, self.means, n_centred)

    def touched_rows(self, features):
        """List the rows in which columns have entries."""
        _, rows, starts = self.columns
        return fast.touched_rows(
            rows, starts, features, np.zeros(self.n_samples, dtype=bool)
        )

    def spread_rows(self, touched, change, gradient):
        """Add rows times the residual's change to a gradient of shape (p, k)."""
        seen = np.zeros(self.n_features, dtype=bool)
        return fast.spread_rows(*self.rows, touched, change, gradient, seen)


def _canonical_csc(X):
    """Convert to CSC without duplicate entries, leaving the caller's matrix alone."""
    converted = sparse.csc_array(X, dtype=float)
    if not converted.has_canonical_format:
        converted = converted.copy()
        converted.sum_duplicates()
    return converted
