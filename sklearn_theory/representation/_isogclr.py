# SPDX-License-Identifier: BSD-3-Clause
"""Contrastive representations with a temperature for every row."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ..utils._base import TheoryEstimator
from ..utils._callbacks import fit_task
from ..utils._compat import Interval, StrOptions, _fit_context
from ..utils._content_folds import hash_rows
from ..utils._module_params import ModuleParamsMixin
from ..utils._optional import import_networks
from ._isogclr_checks import check_choices
from ._isogclr_measures import EmbeddingMeasures

_TORCH_PARTS = "sklearn_theory.representation._isogclr_torch"


class ISogCLR(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    EmbeddingMeasures,
    ModuleParamsMixin,
    TheoryEstimator,
):
    r"""Learn a representation without labels, with a temperature for every row.

    A network is trained so that two views of a row lie close together, and far from the
    views of other rows. For each row :math:`i`, with :math:`h_i(z)` the similarity of a
    negative minus that of the positive, the loss [1]_ is

    .. math::

        \min_{\tau_i \ge \tau_{\min}} \;
        \tau_i \log \mathbb{E}_z\, e^{h_i(z) / \tau_i} + \tau_i \rho ,

    the largest weighted mean of :math:`h_i` over weights within a Kullback-Leibler
    divergence of :math:`\rho` from uniform ones. Rows of frequent semantics, which many
    negatives resemble, get high temperatures, and keep these resemblances; rare ones get
    low temperatures, and are told apart. Running means over all rows make small batches
    do.

    Parameters
    ----------
    n_components : int, default=64
        Width of the representation; a `module` of the user's has its own.

    hidden_layer_sizes : tuple of int, default=(256,)
        Widths of the encoder's hidden layers; numbers of channels if ``module="conv"``.

    projection_sizes : tuple of int, default=(64,)
        Widths of the layers between the representation and the embedding that the loss
        compares; none if empty.

    mode : {"unimodal", "bimodal"}, default="unimodal"
        Whether the views are two random versions of a row, or two groups of its columns,
        each with a network of its own.

    view_split : int or None, default=None
        How many columns are view 1 in the bimodal mode; None takes half of them.

    module : {"mlp", "conv"} or callable, default="mlp"
        The encoder: layers of units, convolutions of images, or a class or function that
        returns a :class:`torch.nn.Module`, which maps rows to representations.

    module_params : dict or None, default=None
        Arguments of a `module` of the user's; searches reach each of them as
        ``module__name``.

    image_shape : tuple of int or None, default=None
        Height, width and, if any, number of channels of rows that are images.

    augmentation : {"auto"} or callable or None, default="auto"
        How rows are varied. "auto" adds noise of a tenth of each column's deviation and
        takes a fifth of the entries from other rows; images are turned, zoomed and moved
        a little instead, those in colour cropped, mirrored and recoloured. In the bimodal
        mode "auto" and None leave rows as they are. A function is called with an array of
        rows, or of images, and a :class:`numpy.random.Generator`, and returns an array of
        the same shape.

    loss : {"rgcl", "gcl", "infonce"}, default="rgcl"
        The robust loss; with one fixed temperature (SogCLR); or over the batch alone
        (SimCLR, or CLIP in the bimodal mode).

    rho : float, default=0.3
        The radius :math:`\rho`: temperatures fall as it grows. It must stay well below
        minus the logarithm of the largest share that rows of one kind have.

    temperature_init : float, default=0.1
        The temperatures at first; those of the other losses throughout.

    temperature_min : float, default=0.05
        The lowest temperature.

    temperature_max : float, default=1.0
        The highest temperature.

    gamma : float, default=0.8
        The weight of the batch in the running means.

    beta : float, default=0.5
        The weight of the batch in the momentum of the temperatures.

    eta : float, default=0.03
        The step size of the temperatures, for each visit of a row: some 60 visits
        bring them to rest at the default.

    grad_clip : float or None, default=3.0
        The most that a derivative with respect to a temperature may be; None for no limit.

    exponent : {"difference", "raw"}, default="difference"
        Whether the running means are of differences to the positive's similarity, or of
        similarities as they are, as in the paper's code for views of one kind, which lag
        behind at low temperatures.

    include_positive : bool, default=False
        Whether the positive is among the negatives, as it always is for "infonce".

    batch_size : int, default=128
        Rows in a batch, at least 2; all rows if there are fewer.

    max_iter : int, default=100
        The number of epochs.

    learning_rate_init : float, default=1e-3
        The step size of the network.

    learning_rate : {"constant", "cosine"}, default="constant"
        How this step size changes over the epochs.

    warmup_iter : int, default=0
        The number of epochs over which it rises to its value at first.

    optimizer : {"adam", "adamw", "lars", "sgd"}, default="adam"
        The optimiser; "lars" and "sgd" have a momentum of 0.9.

    weight_decay : float, default=1e-5
        Strength of the L2 penalty on the network.

    output : {"encoder", "projection"}, default="encoder"
        Whether `transform` returns the representation, or the embedding on the unit
        sphere.

    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where to train; "auto" takes a GPU where there is one.

    warm_start : bool, default=False
        Whether `fit` goes on where the last one ended, on the same rows: network,
        optimiser, temperatures and random numbers.

    skorch_callbacks : list or None, default=None
        Callbacks of skorch, such as checkpoints, for the network's training.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, batches and views.

    Attributes
    ----------
    temperatures_ : ndarray of shape (n_samples,) or (n_samples, 2)
        The temperature of each row of training; a column for each view in the bimodal
        mode.

    log_s_ : ndarray of shape (n_samples,) or (n_samples, 2)
        Logarithms of the running means.

    temperature_momentum_ : ndarray of shape (n_samples,) or (n_samples, 2)
        Momentum of the temperatures.

    loss_curve_ : list of float
        The mean of the objective over each epoch, summed over both views.

    encoder_ : torch.nn.Module or list of torch.nn.Module
        The encoder; one for each view in the bimodal mode.

    projector_ : torch.nn.Module or list of torch.nn.Module
        The layers behind it.

    n_iter_ : int
        Number of epochs, over all calls.

    stop_reason_ : {"max_iter", "callback", "diverged"}
        Why the training ended.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if all are strings.

    See Also
    --------
    RGCLoss : The loss alone, for other training loops.
    sklearn.cross_decomposition.CCA : Linear maps of two groups of columns.
    sklearn.decomposition.PCA : Linear representations.

    Notes
    -----
    `y` is ignored. The network computes in single precision.

    The default networks have no batch normalisation; a last batch of a single row joins
    the one before.

    Rows that stand in the data twice are each other's negatives and raise each other's
    temperature.

    References
    ----------
    .. [1] Z.-H. Qiu, Q. Hu, Z. Yuan, D. Zhou, L. Zhang and T. Yang, "Not All Semantics are
       Created Equal: Contrastive Self-supervised Learning with Automatic Temperature
       Individualization", ICML 2023, arXiv:2305.11965.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_theory.representation import ISogCLR
    >>> X = StandardScaler().fit_transform(load_iris().data)
    >>> model = ISogCLR(n_components=8, max_iter=5, random_state=0).fit(X)
    >>> model.transform(X).shape, model.temperatures_.shape
    ((150, 8), (150,))
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": [tuple, list],
        "projection_sizes": [tuple, list],
        "mode": [StrOptions({"unimodal", "bimodal"})],
        "view_split": [Integral, None],
        "module": [StrOptions({"mlp", "conv"}), callable],
        "module_params": [dict, None],
        "image_shape": [tuple, list, None],
        "augmentation": [StrOptions({"auto"}), callable, None],
        "loss": [StrOptions({"rgcl", "gcl", "infonce"})],
        "rho": [Interval(Real, 0, None, closed="left")],
        "temperature_init": [Interval(Real, 0, None, closed="neither")],
        "temperature_min": [Interval(Real, 0, None, closed="neither")],
        "temperature_max": [Interval(Real, 0, None, closed="neither")],
        "gamma": [Interval(Real, 0, 1, closed="right")],
        "beta": [Interval(Real, 0, 1, closed="right")],
        "eta": [Interval(Real, 0, None, closed="left")],
        "grad_clip": [Interval(Real, 0, None, closed="neither"), None],
        "exponent": [StrOptions({"difference", "raw"})],
        "include_positive": ["boolean"],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "learning_rate": [StrOptions({"constant", "cosine"})],
        "warmup_iter": [Interval(Integral, 0, None, closed="left")],
        "optimizer": [StrOptions({"adam", "adamw", "lars", "sgd"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "output": [StrOptions({"encoder", "projection"})],
        "device": [StrOptions({"cpu", "cuda", "auto"})],
        "warm_start": ["boolean"],
        "skorch_callbacks": [list, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=64,
        *,
        hidden_layer_sizes=(256,),
        projection_sizes=(64,),
        mode="unimodal",
        view_split=None,
        module="mlp",
        module_params=None,
        image_shape=None,
        augmentation="auto",
        loss="rgcl",
        rho=0.3,
        temperature_init=0.1,
        temperature_min=0.05,
        temperature_max=1.0,
        gamma=0.8,
        beta=0.5,
        eta=0.03,
        grad_clip=3.0,
        exponent="difference",
        include_positive=False,
        batch_size=128,
        max_iter=100,
        learning_rate_init=1e-3,
        learning_rate="constant",
        warmup_iter=0,
        optimizer="adam",
        weight_decay=1e-5,
        output="encoder",
        device="cpu",
        warm_start=False,
        skorch_callbacks=None,
        random_state=None,
    ):
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.projection_sizes = projection_sizes
        self.mode = mode
        self.view_split = view_split
        self.module = module
        self.module_params = module_params
        self.image_shape = image_shape
        self.augmentation = augmentation
        self.loss = loss
        self.rho = rho
        self.temperature_init = temperature_init
        self.temperature_min = temperature_min
        self.temperature_max = temperature_max
        self.gamma = gamma
        self.beta = beta
        self.eta = eta
        self.grad_clip = grad_clip
        self.exponent = exponent
        self.include_positive = include_positive
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.warmup_iter = warmup_iter
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.output = output
        self.device = device
        self.warm_start = warm_start
        self.skorch_callbacks = skorch_callbacks
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Train the network and the temperatures.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : None
            Ignored.

        Returns
        -------
        self : ISogCLR
            The fitted estimator.
        """
        resume = self.warm_start and hasattr(self, "_net")
        with fit_task(self, max_subtasks=self.max_iter, X=X, y=y) as context:
            X = self._start(X, resume)
            self._train(X, context, self.max_iter)
            self._store(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Train for one epoch, going on where the last call ended.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            All rows of training; the same rows in each call, since each has its
            temperature.

        y : None
            Ignored.

        Returns
        -------
        self : ISogCLR
            The fitted estimator.
        """
        X = self._start(X, hasattr(self, "_net"))
        self._train(X, None, 1)
        self._store(X)
        return self

    def transform(self, X):
        """Represent rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
            Their representations, or embeddings if ``output="projection"``; in the
            bimodal mode the mean of both views', each scaled to unit length.
        """
        X = self._check_rows(X)
        views = self._columns(X)
        outputs = [self._forward(view, i, self.output) for i, view in enumerate(views)]
        if len(outputs) == 1:
            return outputs[0].astype(X.dtype, copy=False)
        return np.mean([_on_sphere(z) for z in outputs], axis=0).astype(X.dtype)

    def transform_view(self, X_view, view):
        """Represent one view of rows, in the bimodal mode.

        Parameters
        ----------
        X_view : array-like of shape (n_samples, n_features_of_view)
            The columns of that view.

        view : {1, 2}
            Which view it is.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
            The representations, or embeddings if ``output="projection"``.
        """
        check_is_fitted(self)
        if self._split is None or view not in (1, 2):
            raise ValueError(
                f'view must be 1 or 2 of an ISogCLR with mode="bimodal", got view={view} '
                f"and mode={self.mode!r}."
            )
        X_view = check_array(X_view, dtype=(np.float64, np.float32))
        width = (self._split, self.n_features_in_ - self._split)[view - 1]
        if X_view.shape[1] != width:
            raise ValueError(
                f"X_view has {X_view.shape[1]} features, but view {view} has {width}."
            )
        outputs = self._forward(X_view, view - 1, self.output)
        return outputs.astype(X_view.dtype, copy=False)

    @property
    def encoder_(self):
        """The encoder, or the encoders of both views."""
        return self._parts("encoder")

    @property
    def projector_(self):
        """The layers behind the encoder, or behind those of both views."""
        return self._parts("projector")

    @property
    def _n_features_out(self):
        network = self._net.module_.networks[0]
        if self.output == "encoder":
            return network.n_components
        return (*self.projection_sizes[-1:], network.n_components)[0]

    def _start(self, X, resume):
        """Check rows and parameters, and build the net, or take it up again."""
        X = validate_data(
            self,
            X,
            dtype=(np.float64, np.float32),
            reset=not resume,
            ensure_min_samples=2,
            ensure_min_features=1 if resume or self.mode == "unimodal" else 2,
        )
        split = check_choices(self, *X.shape)
        if resume:
            self._check_same_rows(X)
        net = self._torch_parts().make_contrastive_net(self, X, split)
        if resume:
            _take_up(net, self._net)
        else:
            self._row_hashes, self.loss_curve_ = hash_rows(X), []
        self._net, self._split = net, split
        return X

    def _torch_parts(self):
        """Import what needs torch, or say that it is missing."""
        return import_networks(_TORCH_PARTS, needed_by="ISogCLR")

    def _train(self, X, context, max_iter):
        result = self._torch_parts().train(
            self._net,
            X,
            estimator=self,
            context=context,
            max_iter=max_iter,
            learning_rate=self.learning_rate,
            warmup=self.warmup_iter,
            n_iter_before=len(self.loss_curve_),
            reconstruct=lambda: self._fitted(X),
        )
        self.loss_curve_ = self.loss_curve_ + result.loss_curve
        self.stop_reason_ = result.stop_reason

    def _store(self, X):
        self.n_iter_ = len(self.loss_curve_)
        for name, value in self._fitted(X).items():
            setattr(self, name, value)

    def _fitted(self, X):
        """Collect what the training has made so far."""
        state = self._net.criterion_.state_dict()
        arrays = {name: value.cpu().numpy().copy() for name, value in state.items()}
        return arrays | {
            "n_features_in_": self.n_features_in_,
            "_net": self._net,
            "_split": self._split,
            "_row_hashes": self._row_hashes,
            "_training_embeddings": self._embeddings(X),
        }

    def _columns(self, X):
        return (
            [X] if self._split is None else [X[:, : self._split], X[:, self._split :]]
        )

    def _forward(self, rows, network, output="projection"):
        """Run one network over the columns that it takes."""
        return self._torch_parts().run_network(self._net, rows, network, output)

    def _embeddings(self, X):
        """Embed rows as they are: both views, which are one in the unimodal mode."""
        return [self._forward(view, i) for i, view in enumerate(self._columns(X))]

    def _parts(self, name):
        check_is_fitted(self)
        parts = [getattr(network, name) for network in self._net.module_.networks]
        return parts[0] if self._split is None else parts

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _on_sphere(z):
    norms = np.linalg.norm(z, axis=1, keepdims=True)
    return z / np.where(norms > 0, norms, 1)


def _take_up(net, earlier):
    """Let a net go on where an earlier one ended."""
    try:
        net.restore(earlier.snapshot())
    except (KeyError, RuntimeError, ValueError) as error:
        raise ValueError(
            "The network or the optimiser is no longer the one that was trained: "
            "parameters that build it must not change between fits that go on. Set "
            "warm_start=False to start anew."
        ) from error
