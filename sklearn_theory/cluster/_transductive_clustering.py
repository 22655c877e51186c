# SPDX-License-Identifier: BSD-3-Clause
"""Clusters with prototypes, a graph that joins neighbours, and rows that are known."""

from numbers import Integral

import numpy as np
from scipy.special import xlogy
from sklearn.base import ClusterMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from ..solvers._initial_prototypes import seed_means, spread_prototypes
from ..utils import TheoryReport
from ..utils._callbacks import fit_task
from ..utils._compat import Interval, StrOptions, _fit_context
from ..utils._transductive import (
    TRANSDUCTIVE_CONSTRAINTS,
    TransductiveEstimator,
    check_seeds,
)


class TransductiveClustering(ClusterMixin, TransformerMixin, TransductiveEstimator):
    r"""Cluster with prototypes, a graph of neighbours, and seeds.

    The assignments :math:`s_p` of the rows to clusters and the prototypes :math:`m_k`
    lower

    .. math::

        \sum_p s_p^\top a_p - \frac{\lambda}{2} \sum_{pq} w_{pq} s_p^\top s_q
        + \varepsilon \sum_p s_p^\top \log s_p , \qquad a_{pk} = d(x_p, m_k) ,

    the costs of rows in their clusters, less what joined rows gain by being assigned
    alike, and a barrier. Rows with a seed stay in its cluster. The graph's term is
    concave if its weights are positive semidefinite, and below its tangent; with the
    tangent in its place every row has a problem of its own, which a softmax solves [1]_.
    Sweeps of these steps and steps of the prototypes lower the objective in turn.

    Without the graph's term, ``laplacian=0``, this is K-means, or K-modes, with seeds.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters.

    distortion : str or callable, default="means"
        What a row costs in a cluster, and what the prototype is:

        - ``"means"``: the squared Euclidean distance, and the mean;
        - ``"modes"``: minus a Gaussian kernel of width ``sigma``, and a mode of the
          kernel density, found by mean-shift;
        - ``"bo"``: the same kernel, and the row that is most surely assigned;
        - ``"medoid"``: the same kernel, and the row of the lowest total cost;
        - ``"kl"``: for rows that are distributions, the Kullback-Leibler divergence
          from the prototype, and the mean;
        - ``"cosine"``: one less the cosine, and the mean direction;
        - ``"kernel"``: the squared distance in the kernel's feature space, and the mean
          there. The kernel of all pairs of rows is computed in every iteration;
        - a function ``distortion(X, prototypes)`` that returns non-negative costs of
          shape (n_samples, n_clusters); prototypes are then medoids.

    laplacian : float, default=0.5
        The weight :math:`\lambda` of the graph.

    entropy : float, default=1.0
        The weight :math:`\varepsilon` of the barrier, a temperature: costs that differ
        by less hardly count. With 0 the assignments are hard. It is to be compared with
        the costs, which are at most 4 for rows of unit length and ``"means"``.

    n_neighbors : int, default=4
        Number of nearest neighbours, of rows and of new rows; all other rows if there
        are fewer.

    affinity : {"knn", "heat", "precomputed"}, default="knn"
        The weights :math:`w_{pq}` between rows:

        - ``"knn"``: 1 for the nearest neighbours;
        - ``"heat"``: :math:`\exp(-d^2 / 2\sigma^2)` for them, with ``sigma``;
        - ``"precomputed"``: the matrix `W` that `fit` is given.

    symmetrize : bool, default=True
        Whether the weight of a pair is the mean of the weights in both directions. If
        False, the step is that of no objective, and sweeps may raise it.

    psd : {"auto", "degree", "none"}, default="auto"
        The diagonal that is added to the weights so that they are positive
        semidefinite. It changes nothing where assignments are hard, and slows them down.

        - ``"auto"``: the least that is known to be enough: in sparse graphs the degrees
          less the weight of triangles, in dense ones the smallest eigenvalue (up to
          1,000 rows) or the degrees;
        - ``"degree"``: the sums of the rows' weights;
        - ``"none"``: zeros. Sweeps may then raise the objective.

    prototype : {"hard", "soft", "fixed"}, default="hard"
        Whether prototypes are those of the rows whose largest assignment is to the
        cluster, each counting as one, or those of all rows, by their assignments, or
        stay at `init`. Hard ones need not lower the objective, and soft ones move
        together where ``entropy`` is large.

    sigma : "auto" or float, default="auto"
        The width of the kernel, and of ``affinity="heat"``. ``"auto"`` is the root of
        the mean squared distance of joined rows, by weight.

    neighbors : {"auto", "exact", "pynndescent"}, default="auto"
        How neighbours are found. ``"auto"`` is exact up to 50,000 rows, and for dense
        rows of up to 15 features; beyond that it uses pynndescent if that is installed.

    init : {"k-means++", "seeds"} or array-like, default="k-means++"
        The initial prototypes, of shape (n_clusters, n_features). With ``"k-means++"``
        clusters that have seeds start at their means, and the others at rows far from
        each other; with ``"seeds"`` all clusters must have seeds.

    n_init : int, default=1
        Number of starts with ``init="k-means++"``, of which the one with the lowest
        objective counts.

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
        Determines the initial prototypes, and the approximate search for neighbours.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        The cluster of each row.

    assignments_ : ndarray of shape (n_samples, n_clusters)
        The assignments, which sum to one.

    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The prototypes. For ``distortion="kernel"`` they have no coordinates: here then
        are the weights of the rows of which they are the means, of shape
        (n_clusters, n_samples).

    mode_indices_ : ndarray of shape (n_clusters,)
        The rows that are the prototypes. Only for ``"bo"``, ``"medoid"`` and functions.

    affinity_ : csr_array of shape (n_samples, n_samples)
        The weights, without the diagonal; empty if nothing needs them.

    shift_ : ndarray of shape (n_samples,)
        The diagonal that was added.

    sigma_ : float or None
        The width of the kernel; None if the distortion has none.

    objective_ : float
        The objective reached.

    objective_history_ : ndarray of shape (`n_iter_`,)
        The objective after each iteration. It never rises: an iteration that would
        raise it is undone and is the last.

    inner_iters_ : ndarray of shape (`n_iter_`,)
        Number of sweeps of each iteration.

    n_iter_ : int
        Number of iterations.

    stop_reason_ : {"converged", "no descent", "empty cluster", "max_iter", "callback"}
        Why the iterations ended: the last one changed the objective by less than `tol`,
        or would have raised it (prototypes that are not soft need not lower it), or
        would have left a cluster without rows.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    sklearn.cluster.KMeans : Without a graph and without seeds.
    sklearn.cluster.SpectralClustering : Uses the graph only, through eigenvectors.
    sklearn_theory.semi_supervised.GraphLabelPropagation : Uses the graph and labels.

    Notes
    -----
    `y` is ignored; rows of known clusters are given as `seeds`.

    Sparse rows are used in CSR format. Dask arrays are fitted block by block, with the
    result of rows in memory, if prototypes are sums over the rows: with ``"means"``,
    ``"modes"``, ``"kl"`` or ``"cosine"``. Neighbours of their rows are found exactly,
    and initial prototypes are drawn from 100,000 rows if there are more.

    References
    ----------
    .. [1] I. M. Ziko, M. Boudiaf, J. Dolz, E. Granger and I. Ben Ayed, "Transductive
       Few-Shot Learning: Clustering is All You Need?", 2021, arXiv:2106.09516.

    .. [2] I. M. Ziko, E. Granger and I. Ben Ayed, "Scalable Laplacian K-modes",
       NeurIPS 2018, arXiv:1810.13044.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_theory.cluster import TransductiveClustering
    >>> X, truth = make_moons(300, noise=0.05, random_state=0)
    >>> seeds = np.where(np.arange(300) < 10, truth, -1)
    >>> for laplacian in (0, 0.5):
    ...     model = TransductiveClustering(
    ...         2, distortion="modes", laplacian=laplacian, n_neighbors=8, random_state=0
    ...     )
    ...     labels = model.fit_predict(X, seeds=seeds)
    ...     print(f"{np.mean(labels == truth):.2f}")
    0.81
    0.90
    """

    _parameter_constraints: dict = {
        **TRANSDUCTIVE_CONSTRAINTS,
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"k-means++", "seeds"}), "array-like"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_clusters=8,
        *,
        distortion="means",
        laplacian=0.5,
        entropy=1.0,
        n_neighbors=4,
        affinity="knn",
        symmetrize=True,
        psd="auto",
        prototype="hard",
        sigma="auto",
        neighbors="auto",
        init="k-means++",
        n_init=1,
        max_iter=100,
        max_inner=300,
        tol=1e-5,
        tol_inner=1e-6,
        n_jobs=None,
        random_state=None,
    ):
        self.n_clusters = n_clusters
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
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.max_inner = max_inner
        self.tol = tol
        self.tol_inner = tol_inner
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, seeds=None, W=None):
        """Join the rows and cluster them.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask array} of shape (n_samples, n_features)
            Rows. Those of a Dask array stay in their blocks.

        y : None
            Ignored.

        seeds : array-like of shape (n_samples,), default=None
            The cluster, from 0 on, of rows that are known; -1 for others.

        W : {array-like, sparse matrix, dask array} of shape (n_samples, n_samples), \
                default=None
            Weights between the rows, for ``affinity="precomputed"``. Those of rows to
            themselves do not count.

        Returns
        -------
        self : TransductiveClustering
            The fitted estimator.
        """
        n_iterations = self.n_init * self.max_iter
        metadata = {"seeds": seeds, "W": W}
        with fit_task(
            self, max_subtasks=n_iterations, X=X, metadata=metadata
        ) as context:
            X, seeds = self._check_rows(X, seeds)
            starts = self._starts(X, seeds)
            rows = self._make_rows(X, seeds, self.n_clusters, W)
            best = self._optimise(context, rows, starts)
            self._store_optimum(rows, best)
            self.labels_ = rows.labels(best.state)
        return self

    def fit_predict(self, X, y=None, *, seeds=None, W=None):
        """Cluster the rows and return their clusters.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        y : None
            Ignored.

        seeds : array-like of shape (n_samples,), default=None
            The cluster, from 0 on, of rows that are known; -1 for others.

        W : {array-like, sparse matrix} of shape (n_samples, n_samples), default=None
            Weights between the rows, for ``affinity="precomputed"``.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            ``labels_``.
        """
        return self.fit(X, seeds=seeds, W=W).labels_

    def predict(self, X, *, W=None):
        """Assign new rows by their costs and their neighbours in training.

        This is the step of a sweep for rows that are not among those of training, for
        which it need not return ``labels_``: a row is its own neighbour here.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        W : {array-like, sparse matrix} of shape (n_samples, n_samples_of_training), \
                default=None
            Weights to the rows of training, for ``affinity="precomputed"``.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The clusters.
        """
        terms = self._new_terms(self._check_new(X), W, "predict")
        return self._assign_new(*terms).argmax(axis=1).astype(np.int32)

    def transform(self, X):
        """Compute the distances to the prototypes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        distances : ndarray of shape (n_samples, n_clusters)
            Euclidean distances; divergences for ``distortion="kl"``, cosine distances
            for ``"cosine"``, distances in feature space for ``"kernel"``, costs for a
            function.
        """
        X = self._check_new(X)
        return self._distortion.distances(X, self.cluster_centers_)

    def score(self, X, y=None, *, W=None):
        """Compute minus the objective, per row, of rows assigned as by `predict`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        y : None
            Ignored.

        W : {array-like, sparse matrix} of shape (n_samples, n_samples_of_training), \
                default=None
            Weights to the rows of training, for ``affinity="precomputed"``.

        Returns
        -------
        score : float
            Minus the mean of the costs, less half the gain from joined rows of
            training, plus the barrier.
        """
        cost, pull = self._new_terms(self._check_new(X), W, "score")
        S = self._assign_new(cost, pull)
        values = S * (0.5 * pull - cost) - self.entropy * xlogy(S, S)
        return float(values.sum(dtype=np.float64) / len(S))

    def theory_report(self, X, y=None, *, seeds=None, W=None):
        """Evaluate the assumptions and the promises of the theory on data.

        These rows are joined and assigned anew, from the prototypes that were found.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        y : None
            Ignored.

        seeds : array-like of shape (n_samples,), default=None
            The cluster of rows that are known; -1 for others.

        W : {array-like, sparse matrix} of shape (n_samples, n_samples), default=None
            Weights between the rows, for ``affinity="precomputed"``.

        Returns
        -------
        report : TheoryReport
            Whether the weights are symmetric and, shifted, positive semidefinite, and
            whether clusters are parted where rows are sparse; the largest rise of the
            objective in a sweep and between iterations, and the distance to a fixed
            point.
        """
        check_is_fitted(self)
        report = TheoryReport("TransductiveClustering: the bound optimiser")
        X = self._check_new(X)
        seeds = check_seeds(seeds, X.shape[0], self.n_clusters)
        self._report_on(report, X, seeds, self.n_clusters, W)
        return report

    def _check_rows(self, X, seeds):
        X = self._check_X(X)
        if X.shape[0] < self.n_clusters:
            raise ValueError(
                f"n_samples={X.shape[0]} should be >= n_clusters={self.n_clusters}."
            )
        return X, check_seeds(seeds, X.shape[0], self.n_clusters)

    def _check_new(self, X):
        check_is_fitted(self)
        return self._check_X(X, reset=False)

    def _starts(self, X, seeds):
        """Choose initial prototypes for every start."""
        random_state = check_random_state(self.random_state)
        if isinstance(self.init, str):
            if self.init == "seeds":
                self._check_that_all_are_seeded(seeds)
                return [seed_means(X, seeds, self.n_clusters)[0]]
            return [
                spread_prototypes(X, seeds, self.n_clusters, random_state)
                for _ in range(self.n_init)
            ]
        init = check_array(self.init, dtype=X.dtype, order="C", input_name="init")
        expected = (self.n_clusters, X.shape[1])
        if init.shape != expected:
            raise ValueError(
                f"init must have shape {expected}, a row for each cluster and a column "
                f"for each feature of X, got shape {init.shape}."
            )
        return [init]

    def _check_that_all_are_seeded(self, seeds):
        missing = np.setdiff1d(np.arange(self.n_clusters), seeds)
        if len(missing):
            raise ValueError(
                f"init='seeds' needs a seed for every cluster, but seeds holds none for "
                f"{missing.tolist()}."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = self.distortion == "kl"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
