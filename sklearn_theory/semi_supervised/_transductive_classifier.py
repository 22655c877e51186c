# SPDX-License-Identifier: BSD-3-Clause
"""Labels for all rows at once: one cluster for each class, labelled rows held."""

import numpy as np
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from ..solvers._initial_prototypes import seed_means
from ..utils import TheoryReport
from ..utils._callbacks import fit_task
from ..utils._compat import StrOptions, _fit_context
from ..utils._dask import gather_rows, is_dask_array
from ..utils._transductive import (
    CHECK_ROWS,
    TRANSDUCTIVE_CONSTRAINTS,
    TransductiveEstimator,
)
from ..utils._unlabelled import labelled_rows
from ._few_shot_features import (
    compared_features,
    find_centre,
    find_shift,
    shift_rows,
)
from ._partial_labels import encode_partial_labels


class TransductiveClassifier(ClassifierMixin, TransductiveEstimator):
    r"""Label rows together: clusters that labelled rows name.

    Every class is a cluster with a prototype :math:`m_k`, and labelled rows stay in the
    cluster of their class. The assignments :math:`s_p` of the others, and the
    prototypes, lower

    .. math::

        \sum_p s_p^\top a_p - \frac{\lambda}{2} \sum_{pq} w_{pq} s_p^\top s_q
        + \varepsilon \sum_p s_p^\top \log s_p , \qquad a_{pk} = d(x_p, m_k) ,

    the costs of rows in their clusters, less what neighbours gain by being assigned
    alike, and a barrier [1]_. Prototypes start at the means of the labelled rows. It is
    the method for a few labels, one for each class even, where unlabelled rows say more
    about the clusters than labelled ones.

    Parameters
    ----------
    distortion : str or callable, default="means"
        What a row costs in a cluster, and what the prototype is: ``"means"``,
        ``"modes"``, ``"bo"``, ``"medoid"``, ``"kl"``, ``"cosine"``, ``"kernel"`` or a
        function, as in :class:`~sklearn_theory.cluster.TransductiveClustering`.
        ``"kl"`` takes distributions: set `center` and `normalize` to None and `shift`
        to False.

    laplacian : float, default=0.5
        The weight :math:`\lambda` of the graph.

    entropy : float, default=1.0
        The weight :math:`\varepsilon` of the barrier, a temperature: costs that differ
        by less hardly count. With 0 the assignments are hard.

    n_neighbors : int, default=4
        Number of nearest neighbours, of rows and of new rows; all other rows if there
        are fewer.

    affinity : {"knn", "heat", "precomputed"}, default="knn"
        The weights :math:`w_{pq}` between rows: 1 for nearest neighbours; or
        :math:`\exp(-d^2 / 2\sigma^2)` for them, with ``sigma``; or the matrix `W` that
        `fit` is given.

    symmetrize : bool, default=True
        Whether the weight of a pair is the mean of the weights in both directions.

    psd : {"auto", "degree", "none"}, default="auto"
        The diagonal that is added to the weights so that they are positive
        semidefinite: the smallest that is certain to be enough, the sums of the rows'
        weights, or none, with which sweeps may raise the objective.

    prototype : {"hard", "soft", "fixed"}, default="hard"
        Whether prototypes are those of the rows whose largest assignment is to the
        cluster, each counting as one, or those of all rows, by their assignments, or
        stay at the means of the labelled rows, as in [2]_.

    sigma : "auto" or float, default="auto"
        The width of the kernel, and of ``affinity="heat"``. ``"auto"`` is the root of
        the mean squared distance of joined rows, by weight.

    neighbors : {"auto", "exact", "pynndescent"}, default="auto"
        How neighbours are found. ``"auto"`` is exact up to 50,000 rows, and for dense
        rows of up to 15 features; beyond that it uses pynndescent if that is installed.

    center : "auto" or None, default="auto"
        What is subtracted from every row: `base_mean`, or the mean of the rows of
        training if that is None. Nothing is subtracted from sparse rows, whose zeros
        would be lost, nor from any if None.

    base_mean : array-like of shape (n_features,), default=None
        The mean of other rows, such as those that the features were learnt from.

    normalize : "l2" or None, default="l2"
        Whether rows are then divided by their norms. With `center` it is what the
        literature calls CL2N.

    shift : bool, default=True
        Whether unlabelled rows are then moved so that their mean is that of the
        labelled ones. New rows are moved by as much. It helps where classes are equally
        frequent among both, and needs to be False for sparse rows of which some are
        unlabelled.

    unlabeled_value : int, float, str or None, default=-1
        What stands in `y` for a missing label.

    max_iter : int, default=100
        The most iterations: steps of the prototypes, each followed by sweeps.

    max_inner : int, default=300
        The most sweeps of an iteration.

    tol : float, default=1e-5
        Relative change of the objective at which iterations end.

    tol_inner : float, default=1e-6
        Relative change of the objective at which the sweeps of an iteration end.

    n_jobs : int, default=None
        Number of threads of the sweeps, and of jobs of the search for neighbours.

    random_state : int, RandomState instance or None, default=None
        Determines the approximate search for neighbours.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    transduction_ : ndarray of shape (n_samples,)
        The label of each row of training, given or found.

    label_distributions_ : ndarray of shape (n_samples, n_classes)
        Their assignments to the classes, which sum to one.

    cluster_centers_ : ndarray of shape (n_classes, n_features)
        The prototypes, of centred and scaled features.

    mode_indices_ : ndarray of shape (n_classes,)
        The rows that are the prototypes. Only for ``"bo"``, ``"medoid"`` and functions.

    assignments_ : ndarray of shape (n_samples, n_classes)
        The same as ``label_distributions_``.

    center_ : ndarray of shape (n_features,) or None
        What is subtracted from rows.

    offset_ : ndarray of shape (n_features,) or None
        What is then added to unlabelled and to new rows.

    affinity_ : csr_array of shape (n_samples, n_samples)
        The weights, without the diagonal; empty if nothing needs them.

    shift_ : ndarray of shape (n_samples,)
        The diagonal that was added.

    sigma_ : float or None
        The width of the kernel; None if the distortion has none.

    objective_ : float
        The objective reached.

    objective_history_ : ndarray of shape (`n_iter_`,)
        The objective after each iteration. It never rises.

    inner_iters_ : ndarray of shape (`n_iter_`,)
        Number of sweeps of each iteration.

    n_iter_ : int
        Number of iterations.

    stop_reason_ : {"converged", "no descent", "empty cluster", "max_iter", "callback"}
        Why the iterations ended.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    GraphLabelPropagation : Uses the graph and the labels, and no prototypes.
    sklearn_theory.cluster.TransductiveClustering : The same for clusters without names.
    sklearn.semi_supervised.LabelSpreading : Uses the graph, and lets labels change.

    Notes
    -----
    Unlabelled rows have the label -1, as in :mod:`sklearn.semi_supervised`; where
    labels are strings, give an object array that holds the number -1, or an
    `unlabeled_value`. If all rows are labelled -1 or 1, these are taken for the two
    classes, with a warning. If all rows are labelled, prototypes and neighbours
    classify new rows.

    ``predict`` of rows of training need not return ``transduction_``: a row is its own
    nearest neighbour there, and a labelled one is moved as if it were not.

    Sparse rows are used in CSR format. Dask arrays are fitted block by block, with the
    result of rows in memory, if prototypes are sums over the rows: with ``"means"``,
    ``"modes"``, ``"kl"`` or ``"cosine"``. Neighbours of their rows are found exactly.

    References
    ----------
    .. [1] I. M. Ziko, M. Boudiaf, J. Dolz, E. Granger and I. Ben Ayed, "Transductive
       Few-Shot Learning: Clustering is All You Need?", 2021, arXiv:2106.09516.

    .. [2] I. M. Ziko, J. Dolz, E. Granger and I. Ben Ayed, "Laplacian Regularized
       Few-Shot Learning", ICML 2020, arXiv:2006.15486.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_theory.datasets import make_few_shot_episodes
    >>> from sklearn_theory.semi_supervised import TransductiveClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> episodes = make_few_shot_episodes(X, y, 40, random_state=0)
    >>> model = TransductiveClassifier(laplacian=1, base_mean=X.mean(axis=0))
    >>> found = [
    ...     np.mean(model.fit(X, y).transduction_ == truth) for X, y, truth in episodes
    ... ]
    >>> print(f"{np.mean(found):.2f}")
    0.87
    """

    _parameter_constraints: dict = {
        **TRANSDUCTIVE_CONSTRAINTS,
        "center": [StrOptions({"auto"}), None],
        "base_mean": ["array-like", None],
        "normalize": [StrOptions({"l2"}), None],
        "shift": ["boolean"],
        "unlabeled_value": "no_validation",
    }

    def __init__(
        self,
        distortion="means",
        *,
        laplacian=0.5,
        entropy=1.0,
        n_neighbors=4,
        affinity="knn",
        symmetrize=True,
        psd="auto",
        prototype="hard",
        sigma="auto",
        neighbors="auto",
        center="auto",
        base_mean=None,
        normalize="l2",
        shift=True,
        unlabeled_value=-1,
        max_iter=100,
        max_inner=300,
        tol=1e-5,
        tol_inner=1e-6,
        n_jobs=None,
        random_state=None,
    ):
        self.distortion = distortion
        self.laplacian = laplacian
        self.entropy = entropy
        self.n_neighbors = n_neighbors
        self.affinity = affinity
        self.symmetrize = symmetrize
        self.psd = psd
        self.prototype = prototype
        self.sigma = sigma
        self.neighbors = neighbors
        self.center = center
        self.base_mean = base_mean
        self.normalize = normalize
        self.shift = shift
        self.unlabeled_value = unlabeled_value
        self.max_iter = max_iter
        self.max_inner = max_inner
        self.tol = tol
        self.tol_inner = tol_inner
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, W=None):
        """Join the rows, and label those that have no label.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Rows, labelled or not. Those of a Dask array stay in their blocks.

        y : {array-like, dask array} of shape (n_samples,)
            Labels; -1, or `unlabeled_value`, where there is none.

        W : {array-like, sparse matrix, dask array} of shape (n_samples, n_samples), \
                default=None
            Weights between the rows, for ``affinity="precomputed"``. Those of rows to
            themselves do not count.

        Returns
        -------
        self : TransductiveClassifier
            The fitted estimator.
        """
        metadata = {"W": W}
        with fit_task(
            self, max_subtasks=self.max_iter, X=X, y=y, metadata=metadata
        ) as context:
            X, seeds = self._check_samples(X, y)
            # Rows that come with weights of their own are scored all or not at all.
            given = labelled_rows(X, seeds, self.classes_) if W is None else None
            X = self._learn_features(X, seeds >= 0)
            rows = self._make_rows(X, seeds, len(self.classes_), W)
            means, _ = seed_means(X, seeds, len(self.classes_))
            best = self._optimise(context, rows, [means], given)
            self._store_optimum(rows, best)
            self.transduction_ = self.classes_[rows.labels(best.state)]
        return self

    def predict(self, X, *, W=None):
        """Predict the label of new rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        W : {array-like, sparse matrix} of shape (n_samples, n_samples_of_training), \
                default=None
            Weights to the rows of training, for ``affinity="precomputed"``.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The most probable labels.
        """
        check_is_fitted(self)
        return self.classes_[self._assign(X, W, "predict").argmax(axis=1)]

    def predict_proba(self, X, *, W=None):
        """Assign new rows by their costs and their neighbours in training.

        This is the step of a sweep for rows that are not among those of training.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        W : {array-like, sparse matrix} of shape (n_samples, n_samples_of_training), \
                default=None
            Weights to the rows of training, for ``affinity="precomputed"``.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Assignments that sum to one, in the order of ``classes_``; zeros and ones
            if `laplacian` or `entropy` is 0.
        """
        return self._assign(X, W, "predict_proba")

    @property
    def label_distributions_(self):
        """The assignments of the rows of training, by the name that others use."""
        return self.assignments_

    def theory_report(self, X, y, *, W=None):
        """Evaluate the assumptions and the promises of the theory on data.

        These rows are joined and assigned anew, from the prototypes that were found.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            Their labels; -1, or `unlabeled_value`, where there is none.

        W : {array-like, sparse matrix} of shape (n_samples, n_samples), default=None
            Weights between the rows, for ``affinity="precomputed"``.

        Returns
        -------
        report : TheoryReport
            Whether the weights are symmetric and, shifted, positive semidefinite, and
            whether classes are parted where rows are sparse; the largest rise of the
            objective in a sweep and between iterations, and the distance to a fixed
            point.
        """
        check_is_fitted(self)
        X, seeds = self._check_samples(X, y, reset=False)
        X = compared_features(X, self.center_, self.normalize)
        X = shift_rows(X, self.offset_, seeds >= 0)
        report = TheoryReport("TransductiveClassifier: the bound optimiser")
        self._report_on(report, X, seeds, len(self.classes_), W)
        return report

    def _check_samples(self, X, y, reset=True):
        X, y = self._check_X_y(X, y, reset)
        classes, codes = encode_partial_labels(y, self.unlabeled_value)
        if reset:
            self.classes_ = classes
        unknown = np.setdiff1d(classes, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y holds {unknown.tolist()}, which are not among the classes "
                f"{self.classes_.tolist()} of training."
            )
        known = codes >= 0
        codes[known] = np.searchsorted(self.classes_, classes)[codes[known]]
        return X, codes.astype(np.int32)

    def _check_X_y(self, X, y, reset):
        if not (is_dask_array(X) and reset):
            X, y = gather_rows(X), gather_rows(y)
            X, y = validate_data(self, X, y, reset=reset, **CHECK_ROWS)
            return sparse.csr_array(X) if sparse.issparse(X) else X, y
        X, y = self._check_X(X), column_or_1d(gather_rows(y))
        if len(y) != X.shape[0]:
            raise ValueError(f"y has {len(y)} entries, but X has {X.shape[0]} rows.")
        return X, y

    def _learn_features(self, X, labelled):
        """Centre, scale and shift the rows of training."""
        self.center_ = find_centre(X, self.center, self.base_mean)
        X = compared_features(X, self.center_, self.normalize)
        self.offset_ = find_shift(X, labelled) if self.shift else None
        return shift_rows(X, self.offset_, labelled)

    def _fitted_state(self, rows, optimiser):
        names = ("classes_", "center_", "offset_")
        return super()._fitted_state(rows, optimiser) | {
            name: getattr(self, name) for name in names
        }

    def _assign(self, X, W, method):
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        X = compared_features(X, self.center_, self.normalize)
        cost, pull = self._new_terms(shift_rows(X, self.offset_), W, method)
        return self._assign_new(cost, pull)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = self.distortion == "kl"
        return tags
