# SPDX-License-Identifier: BSD-3-Clause
"""Labels that spread over a graph, by exact solves on forests."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..solvers._forest_descent import (
    BLOCK_RULES,
    ConjugateForestDescent,
    ForestDescent,
)
from ..utils import TheoryReport
from ..utils._affinities import make_affinity
from ..utils._base import TheoryEstimator
from ..utils._callbacks import fit_task, iterate_subtasks
from ..utils._compat import Interval, StrOptions, _fit_context
from ..utils._unlabelled import labelled_rows
from . import _propagation_report as report_parts
from ._harmonic import harmonic_system, label_distributions
from ._partial_labels import encode_partial_labels

_ITERATIONS_A_REPORT = 25
_DESCENTS = {True: ConjugateForestDescent, False: ForestDescent}


class GraphLabelPropagation(ClassifierMixin, TheoryEstimator):
    r"""Propagate labels over a graph, solving exactly on forests.

    Rows are the nodes of a graph, and rows without a label take the values that
    minimise

    .. math::

        \frac12 \sum_{ij} w_{ij} \|y_i - y_j\|^2

    over its edges, with labelled rows held at the unit vectors of their classes. Each
    value is then the weighted mean of the neighbours' values. The linear system is
    solved by block coordinate descent [1]_: a block whose graph has no cycle is solved
    by message passing in time linear in its size, for all classes at once.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of nearest neighbours, of rows and of new rows; all other rows if there
        are fewer. Used by ``affinity="knn"`` only.

    affinity : {"knn", "precomputed"} or callable, default="knn"
        How rows are joined.

        - ``"knn"``: with weight 1, if either is among the nearest neighbours of the
          other;
        - ``"precomputed"``: `X` is the square matrix of weights between the rows,
          dense or sparse; for prediction, of weights between new rows and those of
          training;
        - a function of two arrays of rows that returns the weights between them, dense
          or sparse.

        Weights must not be negative. Of the two weights of a pair the larger one counts,
        and weights of rows to themselves do not.

    block_rule : str, default="greedy_tree"
        Which blocks are solved exactly:

        - ``"greedy_tree"``: a forest that takes nodes by the norms of their gradients;
        - ``"greedy_tree_d"``: by these over the roots of the absolute row sums;
        - ``"random_tree"``: in random order;
        - ``"red_black"``: in turn the colours of the graph, found greedily;
        - ``"tree_partition"``: in turn a few forests that hold every node once.

    conjugate : bool, default=True
        Whether to eliminate the first block of the rule and take conjugate steps on
        the rest, each of which ends with an exact solve on that block. If False, the
        method is the plain one of [1]_, which updates one block after another: its
        values rise from zero to the solution and never pass it, but it needs many times
        the iterations.

    max_iter : int, default=1000
        The most iterations, one block solve each.

    tol : float, default=1e-6
        The residual at which to stop: the norm of :math:`Qx - b` over that of
        :math:`b`, largest over the classes.

    n_jobs : int, default=None
        Number of jobs of the search for neighbours.

    random_state : int, RandomState instance or None, default=None
        Determines the forests of ``block_rule="random_tree"``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    class_prior_ : ndarray of shape (n_classes,)
        Shares of the classes among the labelled rows.

    label_distributions_ : ndarray of shape (n_samples, n_classes)
        The values of the rows of training, which sum to one.

    transduction_ : ndarray of shape (n_samples,)
        The label of each row of training, given or found.

    n_iter_ : int
        Number of iterations; at least 1.

    residual_ : float
        The residual reached, computed afresh at the end.

    stop_reason_ : {"converged", "max_iter", "stalled", "callback", "no unknowns"}
        Why the iterations ended; ``"stalled"`` if rounding keeps the residual above
        `tol`.

    history_ : dict of str to ndarray
        For each iteration the ``objective``, the ``residual`` as updated along the way,
        the ``progress`` that the block's solve promises, and the ``block_size``.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    sklearn.semi_supervised.LabelPropagation : Iterates to the same values one sweep of
        all rows at a time.
    sklearn.semi_supervised.LabelSpreading : Lets labelled rows change, too.

    Notes
    -----
    Unlabelled rows have the label -1, as in :mod:`sklearn.semi_supervised`; where
    labels are strings, give an object array that holds the number -1. If all rows are
    labelled -1 or 1, these are taken for the two classes, with a warning.

    Rows that no path joins to a label get ``class_prior_``, with a warning.

    Sparse rows are used in CSR format and converted once.

    References
    ----------
    .. [1] J. Nutini, I. Laradji and M. Schmidt, "Let's Make Block Coordinate Descent
       Converge Faster: Faster Greedy Rules, Message-Passing, Active-Set Complexity,
       and Superlinear Convergence", JMLR 2022, arXiv:1712.08859.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_theory.semi_supervised import GraphLabelPropagation
    >>> X, truth = make_moons(300, noise=0.08, random_state=0)
    >>> y = np.where(np.arange(300) < 10, truth, -1)
    >>> model = GraphLabelPropagation().fit(X, y)
    >>> print(f"{np.mean(model.transduction_ == truth):.2f}")
    1.00
    """

    _parameter_constraints: dict = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "affinity": [StrOptions({"knn", "precomputed"}), callable],
        "block_rule": [StrOptions(set(BLOCK_RULES))],
        "conjugate": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_neighbors=5,
        *,
        affinity="knn",
        block_rule="greedy_tree",
        conjugate=True,
        max_iter=1000,
        tol=1e-6,
        n_jobs=None,
        random_state=None,
    ):
        self.n_neighbors = n_neighbors
        self.affinity = affinity
        self.block_rule = block_rule
        self.conjugate = conjugate
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Build the graph and propagate the labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_samples)
            Rows, labelled or not; weights between them if ``affinity="precomputed"``.

        y : array-like of shape (n_samples,)
            Labels; -1 where there is none.

        Returns
        -------
        self : GraphLabelPropagation
            The fitted estimator.
        """
        n_reports = -(-self.max_iter // _ITERATIONS_A_REPORT)
        with fit_task(self, max_subtasks=n_reports, X=X, y=y) as context:
            X, codes = self._check_samples(X, y)
            self._affinity = make_affinity(self.affinity, self.n_neighbors, self.n_jobs)
            weights = self._affinity.fit(X)
            system = harmonic_system(weights, codes, len(self.classes_))
            self._dtype = X.dtype
            _warn_of_unreached(system)
            descent = self._solve(context, X, system, codes)
            self._store(system, codes, descent)
            self._warn_unless_converged()
        return self

    def predict(self, X):
        """Predict the label of new rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; weights to the rows of training if ``affinity="precomputed"``.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The most probable labels.
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X):
        """Average the values of the rows of training, as weighted by the affinity.

        This is what minimises the same energy for a new row while the others stay.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; weights to the rows of training if ``affinity="precomputed"``.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Values that sum to one, in the order of ``classes_``; ``class_prior_`` for
            rows without any weight.
        """
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )
        return np.vstack(
            [self._weighted_means(chunk) for chunk in self._affinity.chunks(X)]
        ).astype(self._dtype, copy=False)

    def theory_report(self, X, y):
        """Evaluate the assumptions and the promises of the theory on data.

        The graph of these rows is built and solved anew.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; weights between them if ``affinity="precomputed"``.

        y : array-like of shape (n_samples,)
            Their labels; -1 where there is none.

        Returns
        -------
        report : TheoryReport
            Whether every component has a label, whether blocks are forests, a certified
            bound of the smallest eigenvalue; residual, distance to the exact values,
            energy gap and progress of a block, each with its bound.
        """
        check_is_fitted(self)
        X, codes = self._check_samples(X, y, reset=False)
        weights = make_affinity(self.affinity, self.n_neighbors, self.n_jobs).fit(X)
        classes = np.unique(codes[codes >= 0], return_inverse=True)
        codes[codes >= 0] = classes[1]
        system = harmonic_system(weights, codes, len(classes[0]))
        report = TheoryReport("GraphLabelPropagation: message passing on forests")
        report_parts.add_graph(report, system)
        if len(system.nodes):
            descent = self._make_descent(system)
            descent.advance(self.max_iter, self.tol)
            report_parts.add_solution(report, system, descent, self.tol)
            report_parts.add_progress(report, system, self.block_rule)
        report_parts.add_maximum_principle(report, system, self.label_distributions_)
        return report

    def _check_samples(self, X, y, reset=True):
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        classes, codes = encode_partial_labels(y)
        if reset:
            self.classes_ = classes
            self.class_prior_ = np.bincount(codes[codes >= 0]) / np.sum(codes >= 0)
        return X, codes

    def _make_descent(self, system):
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        return _DESCENTS[bool(self.conjugate)](
            system.Q, system.rhs, self.block_rule, self.max_iter, seed
        )

    def _solve(self, context, X, system, codes):
        """Iterate until the residual is reached, or a callback asks to stop."""
        if not len(system.nodes):
            self.stop_reason_ = "no unknowns"
            return None
        descent = self._make_descent(system)
        self.stop_reason_ = "running"
        for _ in iterate_subtasks(
            self,
            context,
            self._spans(descent),
            "block solves",
            data=labelled_rows(X, codes, self.classes_),
            reconstruct=lambda: self._predictive(system, codes, descent),
        ):
            self.stop_reason_ = descent.advance(_ITERATIONS_A_REPORT, self.tol)
        if self.stop_reason_ == "running":
            is_last = descent.n_iter >= self.max_iter
            self.stop_reason_ = "max_iter" if is_last else "callback"
        return descent

    def _spans(self, descent):
        while self.stop_reason_ == "running" and descent.n_iter < self.max_iter:
            yield

    def _predictive(self, system, codes, descent):
        """Collect what prediction needs, fitted so far."""
        solution = None if descent is None else descent.solution
        distributions = label_distributions(system, solution, codes, self.class_prior_)
        labels = self.classes_[distributions.argmax(axis=1)]
        return {
            "classes_": self.classes_,
            "class_prior_": self.class_prior_,
            "label_distributions_": distributions.astype(self._dtype, copy=False),
            "transduction_": labels,
            "n_features_in_": self.n_features_in_,
            "_affinity": self._affinity,
            "_dtype": self._dtype,
        }

    def _store(self, system, codes, descent):
        for name, value in self._predictive(system, codes, descent).items():
            setattr(self, name, value)
        self.n_iter_, self.residual_, self.history_ = 1, 0.0, {}
        if descent is not None:
            self.n_iter_ = max(descent.n_iter, 1)
            self.history_ = descent.curves()
            self.history_["objective"] += system.constant
            self.residual_ = float(descent.refresh())

    def _warn_unless_converged(self):
        if self.stop_reason_ in _REMEDIES:
            warnings.warn(
                f"The residual is {self.residual_:.2g} after {self.n_iter_} iterations, "
                f"above tol={self.tol}: {_REMEDIES[self.stop_reason_]}.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _weighted_means(self, weights):
        total = np.asarray(weights.sum(axis=1), dtype=float).reshape(-1, 1)
        means = (weights @ self.label_distributions_) / np.where(total > 0, total, 1)
        return np.where(total > 0, means, self.class_prior_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.affinity == "precomputed"
        return tags


_REMEDIES = {
    "max_iter": "raise max_iter or tol, or set conjugate=True if it is not",
    "stalled": "rounding keeps it there, raise tol",
}


def _warn_of_unreached(system):
    if system.n_unreached_components:
        warnings.warn(
            f"{system.n_unreached_components} components of the graph, with "
            f"{len(system.unreached)} rows, have no label; their rows get the class "
            "prior. Label a row of each, or raise n_neighbors.",
            UserWarning,
            stacklevel=4,
        )
