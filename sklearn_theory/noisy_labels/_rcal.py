# SPDX-License-Identifier: BSD-3-Clause
"""Classification from noisy labels on long-tailed data, by calibrated Gaussians."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..utils import TheoryReport
from ..utils._base import TheoryEstimator
from ..utils._callbacks import fit_task
from ..utils._compat import HasMethods, Interval, StrOptions, _fit_context
from . import _rcal_report as report_parts
from ._borrowing import RIDGES, WEIGHTS
from ._class_moments import COVARIANCES
from ._class_priors import PRIORS, share_ratio
from ._gaussian_calibrator import make_calibrator
from ._individual import INDIVIDUAL, count_draws
from ._outlier_rules import OUTLIER_RULES, make_outlier_rule
from ._representations import (
    check_rows,
    check_samples,
    fit_representation,
    represent,
)


def _can(method):
    """Check that the classifier has a method."""

    def check(self):
        classifier = getattr(self, "classifier_", self.classifier)
        return classifier is None or hasattr(classifier, method)

    return check


class RCAL(ClassifierMixin, TheoryEstimator):
    r"""Classify from labels of which some are wrong and some are rare.

    In a representation that knows no labels each class is taken for a Gaussian. Rows
    whose labels are not to be trusted are left out, rare classes borrow the statistics
    of frequent ones nearby, and rows drawn from the calibrated Gaussians balance the
    classes before a classifier is fitted [1]_.

    By default wrong labels are found by a mixture that weighs the evidence of each row
    for all classes. It needs no noise rate and estimates one. Noise is only believed if
    the mixture foresees the labels better than logistic regression without noise does.

    Parameters
    ----------
    representation : transformer or None, default=None
        Maps rows to the representation, fitted without labels; used as it is if it is
        fitted (:class:`~sklearn.frozen.FrozenEstimator` keeps it so in searches). None
        takes rows as they are.

    outlier : {"auto", "mixture", "lof", "trim", "none"}, default="auto"
        Which labels are not trusted:

        - ``"mixture"``: those with a posterior of a half or less in the noise mixture;
        - ``"lof"``: those of the rows with the largest local outlier factors within
          their class, as in [1]_;
        - ``"trim"``: those of the rows farthest from the median of their class;
        - ``"none"``: none;
        - ``"auto"``: ``"mixture"`` if ``contamination="auto"``, else ``"lof"``.

    n_neighbors : float or int, default=0.5
        Number of neighbours of ``outlier="lof"``: as a fraction of the size of the
        class, and five at least, or as it is. Rows of classes of more than 10,000 are
        compared with so many of them, drawn at random.

    contamination : {"auto"}, float or array-like of shape (n_classes,), default="auto"
        The share of rows that ``"lof"`` and ``"trim"`` flag, at most a half, for all
        classes or for each in the order of ``classes_``. With ``"auto"`` they flag in
        each class as many as the mixture does.

    n_head : {"auto"}, int or list, default="auto"
        The head classes: the more frequent half as observed, rounded up; so many; or
        these labels.

    q : int, default=3
        Number of head classes that a tail class borrows from.

    beta : float or {"auto"}, default=0.3
        The part that is borrowed; ``"auto"`` estimates the best for each tail class.

    alpha : float, default=0.1
        The ridge on covariances of tail classes, in units of their mean variance.

    weights : {"inverse", "count", "uniform"}, default="inverse"
        How head classes count that are borrowed from: in proportion to their size over
        their distance, to their size, or equally.

    covariance : {"full", "diag", "shrunk"}, default="full"
        How covariances are estimated: with all entries, with variances only, or by
        Ledoit and Wolf's shrinkage.

    ridge : {"identity", "ones"}, default="identity"
        What the ridge adds to: the diagonal, or every entry.

    n_sampled : {"balance"}, int or float, default="balance"
        How many rows are drawn: up to the size of the largest class, so many for each
        class, or up to this multiple of the largest class.

    classifier : classifier or None, default=None
        What is fitted to the real and the drawn rows; None stands for
        ``LogisticRegression(max_iter=1000)``.

    prior : {"sampled", "observed"}, default="sampled"
        Whether predictions are for the class shares of the rows trained on, which
        drawing makes equal, or for those of the real rows that are trusted.

    individual : {"none", "anchor"}, default="none"
        Whether to train, with torch, an adapter :math:`g(z) = z + h(z)` of the
        representation and a linear head instead of `classifier`.

    anchor : float, default=1.0
        Strength of the penalty :math:`\|g(z) - z\|^2` that keeps the adapted
        representation near to the given one, in units of its mean variance.

    mixup : float, default=1.0
        Parameter of the Beta distribution with which real rows and their labels are
        mixed while the network trains; 0 mixes none.

    hidden_layer_sizes : tuple of int, default=(128,)
        Widths of the hidden layers of the adapter.

    max_iter : int, default=100
        Number of epochs of the network.

    batch_size : int, default=256
        Real rows in a batch.

    learning_rate_init : float, default=0.05
        First step size of the network; it falls to zero along a cosine.

    weight_decay : float, default=0.0
        Strength of the network's L2 penalty.

    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where the network trains.

    drop_outliers : bool, default=True
        Whether rows that are not trusted are kept from the classifier, too; if False,
        only from the means and covariances.

    min_class_size : int, default=6
        Classes with fewer rows are not searched by ``"lof"`` and ``"trim"``, and take
        the covariance within all classes for their own.

    random_state : int, RandomState instance or None, default=None
        Determines the rows that are drawn, the network, and the seeds of
        `representation` and `classifier` where they have none.

    n_jobs : int or None, default=None
        Number of jobs of the search for neighbours.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    inlier_mask_ : ndarray of bool of shape (n_samples,)
        False for the rows of training whose labels are not trusted.

    outlier_scores_ : ndarray of shape (n_samples,)
        How much each label is suspected: one minus its posterior, the outlier factor, or
        the distance; zero for ``outlier="none"``.

    noise_rate_ : float
        The estimated share of wrong labels, 0 if noise is not what explains them best;
        only if the mixture was fitted.

    label_posterior_ : ndarray of shape (n_samples,)
        Probability that the label of a row of training is right; only if the mixture
        was fitted.

    raw_means_ : ndarray of shape (n_classes, n_components)
        Means of the trusted rows.

    raw_covariances_ : ndarray of shape (n_classes, n_components, n_components)
        Their covariances.

    means_ : ndarray of shape (n_classes, n_components)
        Means after borrowing.

    covariances_ : ndarray of shape (n_classes, n_components, n_components)
        Covariances after borrowing, with the ridge.

    head_classes_ : ndarray
        Labels of the head classes.

    tail_classes_ : ndarray
        Labels of the others.

    neighbors_ : dict
        For each tail class the labels of the head classes that it borrows from.

    weights_ : dict
        For each tail class their weights, which sum to one.

    beta_ : ndarray of shape (n_classes,)
        The part that each class borrows; 0 for head classes.

    n_sampled_per_class_ : ndarray of shape (n_classes,)
        Number of rows drawn; with ``individual="anchor"`` so many in each epoch.

    representation_ : estimator or None
        The fitted representation.

    classifier_ : estimator
        The fitted classifier.

    n_iter_ : int
        Iterations of the classifier if it counts them, else 1.

    loss_curve_ : list of float
        Mean loss in each epoch of the network; only with ``individual="anchor"``.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    ClassConditionalLOF : The outlier factors within classes.
    GaussianCalibrator : The Gaussians alone.
    sklearn_theory.representation.ISogCLR : A representation that is learned without
        labels, as the paper has it.

    Notes
    -----
    Accuracy on data as they come hides the tail: score with
    ``scoring="balanced_accuracy"``. Labels held out for that are noisy, too; rankings
    are right where noise does not prefer classes.

    There is no ``sample_weight``: neither finding wrong labels nor drawing rows has an
    exact meaning for it.

    References
    ----------
    .. [1] M. Zhang, X. Zhao, J. Yao, C. Yuan and W. Huang, "When Noisy Labels Meet Long
       Tail Dilemmas: A Representation Calibration Method", ICCV 2023, arXiv:2211.10955.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.datasets import make_long_tail_noisy, make_super_classes
    >>> from sklearn_theory.noisy_labels import RCAL
    >>> X, y_true, y_noisy, _ = make_long_tail_noisy(
    ...     *make_super_classes(300, random_state=0),
    ...     imbalance=10,
    ...     noise=0.2,
    ...     random_state=0,
    ... )
    >>> model = RCAL(random_state=0).fit(X, y_noisy)
    >>> print(f"{model.noise_rate_:.2f}")
    0.20
    >>> suspected = model.suspected_label_errors()
    >>> print(f"{np.mean(y_noisy[suspected] != y_true[suspected]):.2f}")
    0.98
    """

    _parameter_constraints: dict = {
        "representation": [HasMethods(["fit", "transform"]), None],
        "outlier": [StrOptions({"auto", *OUTLIER_RULES})],
        "n_neighbors": [
            Interval(Real, 0, 1, closed="neither"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "contamination": [
            StrOptions({"auto"}),
            Interval(Real, 0, 0.5, closed="right"),
            "array-like",
        ],
        "n_head": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            "array-like",
        ],
        "q": [Interval(Integral, 1, None, closed="left")],
        "beta": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "weights": [StrOptions(set(WEIGHTS))],
        "covariance": [StrOptions(set(COVARIANCES))],
        "ridge": [StrOptions(set(RIDGES))],
        "n_sampled": [
            StrOptions({"balance"}),
            Interval(Integral, 0, None, closed="left"),
            Interval(Real, 0, None, closed="left"),
        ],
        "classifier": [HasMethods(["fit", "predict"]), None],
        "prior": [StrOptions(set(PRIORS))],
        "individual": [StrOptions(set(INDIVIDUAL))],
        "anchor": [Interval(Real, 0, None, closed="left")],
        "mixup": [Interval(Real, 0, None, closed="left")],
        "hidden_layer_sizes": [tuple, list],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "device": [StrOptions({"cpu", "cuda", "auto"})],
        "drop_outliers": ["boolean"],
        "min_class_size": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        representation=None,
        *,
        outlier="auto",
        n_neighbors=0.5,
        contamination="auto",
        n_head="auto",
        q=3,
        beta=0.3,
        alpha=0.1,
        weights="inverse",
        covariance="full",
        ridge="identity",
        n_sampled="balance",
        classifier=None,
        prior="sampled",
        individual="none",
        anchor=1.0,
        mixup=1.0,
        hidden_layer_sizes=(128,),
        max_iter=100,
        batch_size=256,
        learning_rate_init=0.05,
        weight_decay=0.0,
        device="cpu",
        drop_outliers=True,
        min_class_size=6,
        random_state=None,
        n_jobs=None,
    ):
        self.representation = representation
        self.outlier = outlier
        self.n_neighbors = n_neighbors
        self.contamination = contamination
        self.n_head = n_head
        self.q = q
        self.beta = beta
        self.alpha = alpha
        self.weights = weights
        self.covariance = covariance
        self.ridge = ridge
        self.n_sampled = n_sampled
        self.classifier = classifier
        self.prior = prior
        self.individual = individual
        self.anchor = anchor
        self.mixup = mixup
        self.hidden_layer_sizes = hidden_layer_sizes
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.weight_decay = weight_decay
        self.device = device
        self.drop_outliers = drop_outliers
        self.min_class_size = min_class_size
        self.random_state = random_state
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Judge the labels, calibrate the classes and fit the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; what `representation` accepts if it is given.

        y : array-like of shape (n_samples,)
            Labels, some of which may be wrong.

        Returns
        -------
        self : RCAL
            The fitted estimator.
        """
        individual = INDIVIDUAL[self.individual]()
        individual.check(self)
        with fit_task(self, max_subtasks=2, X=X, y=y) as context:
            X, y = check_samples(self, X, y)
            self.classes_, codes = np.unique(y, return_inverse=True)
            random = check_random_state(self.random_state)
            rule = make_outlier_rule(self, len(self.classes_), random)
            calibrator = make_calibrator(self, np.bincount(codes), self.classes_)
            self.representation_ = fit_representation(self, context, X, random)
            Z = represent(self.representation_, X)
            self._distrust(rule.judge(Z, codes, len(self.classes_)))
            self._calibrate(calibrator, Z, codes)
            self._train(individual, context, Z, codes, random)
        return self

    def predict(self, X):
        """Predict labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The labels.
        """
        Z = self._represent(X)
        return self._predictor().predict(Z)

    @available_if(_can("predict_proba"))
    def predict_proba(self, X):
        """Predict probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``, under the shares of the classes
            that `prior` names.
        """
        Z = self._represent(X)
        return self._predictor().predict_proba(Z)

    @available_if(_can("decision_function"))
    def decision_function(self, X):
        """Compute scores of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Those of the classifier; logarithms of probabilities, and for two classes
            their difference, with ``prior="observed"``.
        """
        Z = self._represent(X)
        return self._predictor().decision_function(Z)

    def suspected_label_errors(self):
        """List the rows of training whose labels are not trusted.

        Returns
        -------
        rows : ndarray of int
            Numbers of the rows, the most suspected first.
        """
        check_is_fitted(self)
        flagged = np.flatnonzero(~self.inlier_mask_)
        return flagged[np.argsort(-self.outlier_scores_[flagged], kind="stable")]

    def sample(self, label, n_samples=1, random_state=None):
        """Draw rows of a class, in the representation.

        Parameters
        ----------
        label : int or str
            The label of the class.

        n_samples : int, default=1
            Number of rows.

        random_state : int, RandomState instance or None, default=None
            Determines the rows.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            The rows.
        """
        check_is_fitted(self)
        return self._calibrator.sample(label, n_samples, random_state)

    def theory_report(self, X, y):
        """Evaluate the assumptions and the promises of the theory on data.

        The labels of these rows are judged, and their classes calibrated, anew.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            Their labels, some of which may be wrong.

        Returns
        -------
        report : TheoryReport
            How normal each class is, how alike the covariances, how far the lenders;
            the noise of each class; the predicted errors of the calibrated means, and
            the smallest eigenvalue of the covariances.
        """
        check_is_fitted(self)
        X, y = check_samples(self, X, y, reset=False)
        Z = np.asarray(represent(self.representation_, X), dtype=float)
        report = TheoryReport("RCAL: calibrated Gaussians for noisy long tails")
        report_parts.add_everything(report, self, Z, y)
        return report

    def _distrust(self, distrust):
        self.inlier_mask_, self.outlier_scores_, noise_model = distrust
        for name in ("noise_rate_", "label_posterior_"):
            vars(self).pop(name, None)
        if noise_model is not None:
            self.noise_rate_ = noise_model.rate
            self.label_posterior_ = noise_model.label_posterior

    def _calibrate(self, calibrator, Z, codes):
        """Estimate the classes from trusted rows, and let the tail borrow."""
        kept = self.inlier_mask_
        self._calibrator = calibrator.fit(Z[kept], self.classes_[codes[kept]])
        for name in _CALIBRATED:
            setattr(self, name, getattr(self._calibrator, name))

    def _train(self, individual, context, Z, codes, random):
        """Fit the classifier to real rows and to rows drawn from the classes."""
        used = self.inlier_mask_ | (not self.drop_outliers)
        counts = np.bincount(codes[used], minlength=len(self.classes_))
        self.n_sampled_per_class_ = count_draws(self.n_sampled, counts)
        self._prior_ratio = share_ratio(
            self._calibrator.counts_, counts + self.n_sampled_per_class_
        )
        self.classifier_ = individual.train(
            self,
            context,
            Z[used],
            self.classes_[codes[used]],
            self._calibrator,
            self.n_sampled_per_class_,
            random,
        )
        self._keep_records()

    def _keep_records(self):
        n_iter = getattr(self.classifier_, "n_iter_", None)
        self.n_iter_ = 1 if n_iter is None else max(int(np.max(n_iter)), 1)
        vars(self).pop("loss_curve_", None)
        if self.individual == "anchor":
            self.loss_curve_ = self.classifier_.loss_curve_

    def _predictor(self):
        """Return what predicts from rows in the representation."""
        return PRIORS[self.prior](self.classifier_, self._prior_ratio)

    def _represent(self, X):
        check_is_fitted(self)
        return represent(self.representation_, check_rows(self, X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.representation is not None:
            tags.input_tags = get_tags(self.representation).input_tags
        return tags


_CALIBRATED = (
    "raw_means_",
    "raw_covariances_",
    "means_",
    "covariances_",
    "head_classes_",
    "tail_classes_",
    "neighbors_",
    "weights_",
    "beta_",
)
