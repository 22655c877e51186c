# SPDX-License-Identifier: BSD-3-Clause
"""What follows an action: an ensemble of networks with uncertainty of two kinds."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._base import TheoryEstimator
from ..utils._callbacks import fit_task
from ..utils._compat import Interval, StrOptions, _fit_context
from ..utils._optional import import_networks
from . import _policy_report
from ._scaling import rounded_to_single, standardise

_TORCH_PARTS = "sklearn_theory.offline_rl._ensemble_torch"
_MOST_ROWS_ASIDE = 1000
_BATCH_SIZES = (16, 256)
_SEED_LIMIT = 2**31 - 1


class DynamicsEnsemble(RegressorMixin, TheoryEstimator):
    r"""Learn what follows from an observation and an action, and how sure that is.

    Each member is a network that gives the mean and the variance of every target, and is
    trained on a resample of the rows by

    .. math::

        \operatorname{mean}\bigl[(\mu - y)^2 e^{-\log \sigma^2}\bigr]
        + \operatorname{mean}\bigl[\log \sigma^2\bigr] .

    The spread of one member's law is noise of the world, that between members is
    ignorance. The elites, those with the least error on rows set aside, predict [1]_.
    Rows are ``[observation | action]``, with a column for each label of an action, and
    targets ``[change of the observation | reward]``; but any regression will do.

    Parameters
    ----------
    n_members : int, default=7
        Number of networks.

    n_elites : int, default=5
        How many of them predict.

    hidden_layer_sizes : tuple of int, default=(64, 64)
        Widths of the hidden layers.

    bootstrap : bool, default=True
        Whether each member sees a resample of the rows, or all see the same.

    max_iter : int, default=500
        The most epochs.

    learning_rate_init : float, default=1e-3
        The step size (Adam).

    weight_decay : float or tuple of float, default=5e-5
        Strength of the L2 penalty, of all layers or of each.

    batch_size : int or "auto", default="auto"
        Rows in a batch; "auto" takes a fifth of the rows, from 16 to 256, since epochs of
        a single step look as if nothing improved.

    validation_fraction : float, default=0.2
        The share of rows to set aside; at most 1000 rows.

    tol : float, default=0.01
        A member has improved if its error on the rows set aside is lower by this share.

    n_iter_no_change : int, default=5
        Training ends when no member has improved for this many epochs.

    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where to train; "auto" takes a GPU where there is one.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, resamples, batches and draws.

    Attributes
    ----------
    elites_ : ndarray of shape (n_elites,)
        The members that predict, the best one first.

    member_errors_ : ndarray of shape (n_members,)
        The lowest mean squared error of each member on the rows set aside, in units of
        the targets' variance.

    loss_curve_ : list of float
        The loss of each epoch, summed over the members.

    validation_scores_ : list of float
        Minus the mean over members of the lowest error so far, after each epoch.

    n_iter_ : int
        Number of epochs.

    stop_reason_ : {"converged", "max_iter", "callback"}
        Why the training ended.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    MBRCSL : Imagines episodes with it.
    sklearn.gaussian_process.GaussianProcessRegressor : Uncertainty for few rows.

    Notes
    -----
    Rows and targets are standardised; the bounds of the log-variances are learnt, and
    begin at -10 and 0.5. All members are one network, each layer of which is a single
    batched matrix product.

    References
    ----------
    .. [1] Z. Zhou, C. Zhu, R. Zhou, Q. Cui, A. Gupta and S. S. Du, "Free from Bellman
       Completeness: Trajectory Stitching via Model-based Return-conditioned Supervised
       Learning", ICLR 2024, arXiv:2310.19308.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_theory.offline_rl import DynamicsEnsemble
    >>> X = np.linspace(-1, 1, 200)[:, np.newaxis]
    >>> model = DynamicsEnsemble(random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> mean, deviation = model.predict([[0.0], [5.0]], return_std=True)
    >>> bool(abs(mean[0]) < 0.1), bool(deviation[1] > 3 * deviation[0])
    (True, True)
    """

    _parameter_constraints: dict = {
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "n_elites": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": [tuple, list],
        "bootstrap": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left"), tuple, list],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "tol": [Interval(Real, 0, 1, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "device": [StrOptions({"cpu", "cuda", "auto"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_members=7,
        *,
        n_elites=5,
        hidden_layer_sizes=(64, 64),
        bootstrap=True,
        max_iter=500,
        learning_rate_init=1e-3,
        weight_decay=5e-5,
        batch_size="auto",
        validation_fraction=0.2,
        tol=0.01,
        n_iter_no_change=5,
        device="cpu",
        random_state=None,
    ):
        self.n_members = n_members
        self.n_elites = n_elites
        self.hidden_layer_sizes = hidden_layer_sizes
        self.bootstrap = bootstrap
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the members, and choose the elites.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, such as observations and actions.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, such as changes of the observation, and rewards.

        Returns
        -------
        self : DynamicsEnsemble
            The fitted estimator.
        """
        decay = self._check_sizes()
        with fit_task(self, max_subtasks=self.max_iter, X=X, y=y) as context:
            X, y = self._check_data(X, y, reset=True)
            random = check_random_state(self.random_state)
            X = rounded_to_single(X)
            y = self._scale(X, y)
            X = self._row_scaling.apply(X)
            rows, aside = self._split(X, y, random)
            sizes = X.shape[1], y.shape[1]
            self._net = self._parts.make_ensemble(
                self, *sizes, decay, self._batch_size(len(X)), random
            )
            training = self._parts.train_ensemble(
                self._net, self, context, rows, aside, self._fitted_state
            )
            self._store(*training)
        return self

    def predict(self, X, return_std=False):
        """Predict targets by the mean of the elites.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        return_std : bool, default=False
            Whether to return deviations, too.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Means.

        deviation : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Only with `return_std`: the root of the mean variance plus the variance of
            the means.
        """
        mean, deviation = self._moments(self._check_rows(X))
        return (mean, deviation) if return_std else mean

    def sample(self, X, random_state=None):
        """Draw targets, each row from an elite of its own, in single precision.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        random_state : int, RandomState instance or None, default=None
            Determines the draws; None takes the estimator's `random_state`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        """
        X = self._check_rows(X)
        random = check_random_state(
            self.random_state if random_state is None else random_state
        )
        drawn = self._parts.draw_targets(
            self._net,
            self._row_scaling.apply(X),
            self.elites_,
            int(random.randint(_SEED_LIMIT)),
        )
        return self._decode(self._target_scaling.undo(drawn), X)

    def theory_report(self, X, y):
        """Evaluate the assumptions and the promises of the theory on data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        report : TheoryReport
            The error of a step, the coverage of intervals, and how the two kinds of
            uncertainty compare.
        """
        check_is_fitted(self)
        X, y = self._check_data(X, y, reset=False)
        return _policy_report.report_dynamics(self, X, y)

    def _moments(self, X):
        """The mean and the deviation of the targets in rows that were checked."""
        rows = self._row_scaling.apply(X)
        means, variances = self._parts.elite_moments(self._net, rows, self.elites_)
        mean = self._target_scaling.undo(means.mean(axis=0))
        total = variances.mean(axis=0) + means.var(axis=0)
        deviation = np.sqrt(total) * self._target_scaling.width
        return self._decode(mean, X), self._decode(deviation, X)

    def _check_sizes(self):
        """Check what must fit together, and return the decay of each layer."""
        if self.n_elites > self.n_members:
            raise ValueError(
                f"n_elites={self.n_elites} must not exceed n_members={self.n_members}."
            )
        n_layers = len(self.hidden_layer_sizes) + 1
        if isinstance(self.weight_decay, Real):
            return (self.weight_decay,) * n_layers
        if len(self.weight_decay) != n_layers or min(self.weight_decay) < 0:
            raise ValueError(
                "weight_decay must be a number, or one for each of the "
                f"{n_layers} layers and none below zero, got {self.weight_decay!r}."
            )
        return tuple(self.weight_decay)

    def _check_data(self, X, y, reset):
        return validate_data(
            self,
            X,
            y,
            dtype=(np.float64, np.float32),
            multi_output=True,
            y_numeric=True,
            reset=reset,
        )

    def _check_rows(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=(np.float64, np.float32), reset=False)

    def _scale(self, X, y):
        self._is_flat = y.ndim == 1
        y = y.reshape(len(y), -1).astype(np.float64)
        ones = np.ones(len(X))
        self._row_scaling = standardise(X, ones)
        self._target_scaling = standardise(y, ones)
        return self._target_scaling.apply(y)

    def _split(self, X, y, random):
        """Set rows aside, and draw the rows of each member from the others."""
        n = len(X)
        n_aside = min(max(1, int(self.validation_fraction * n)), _MOST_ROWS_ASIDE)
        order = random.permutation(n)
        aside, rest = order[:n_aside], order[n_aside:] if n > 1 else order
        shape = (len(rest), self.n_members)
        chosen = np.broadcast_to(np.arange(len(rest))[:, np.newaxis], shape)
        if self.bootstrap:
            chosen = random.randint(len(rest), size=shape)
        return (X[rest], y[rest], np.array(chosen)), (X[aside], y[aside])

    def _batch_size(self, n_rows):
        if self.batch_size == "auto":
            return min(max(n_rows // 5, _BATCH_SIZES[0]), _BATCH_SIZES[1])
        return self.batch_size

    def _store(self, errors, curves, stop_reason):
        self.member_errors_ = errors
        self.elites_ = self._choose_elites(errors)
        self.loss_curve_ = curves[0]
        self.validation_scores_ = [-error for error in curves[1]]
        self.n_iter_, self.stop_reason_ = len(self.loss_curve_), stop_reason
        if not np.isfinite(errors).all():
            warnings.warn(
                "The error of a member was never finite. Lower learning_rate_init.",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif stop_reason == "max_iter":
            warnings.warn(
                f"The members still improved after {self.n_iter_} epochs: raise "
                "max_iter or tol.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _choose_elites(self, errors):
        return np.argsort(errors, kind="stable")[: self.n_elites]

    def _fitted_state(self, errors):
        """What callbacks need to build an estimator that predicts."""
        names = ("_net", "_row_scaling", "_target_scaling", "_is_flat")
        state = {name: getattr(self, name) for name in (*names, "n_features_in_")}
        return state | {"elites_": self._choose_elites(errors)}

    def _decode(self, values, X):
        values = values.astype(X.dtype, copy=False)
        return values[:, 0] if self._is_flat else values

    @property
    def _parts(self):
        return import_networks(_TORCH_PARTS, needed_by="DynamicsEnsemble")

    def __sklearn_is_fitted__(self):
        return hasattr(self, "elites_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
