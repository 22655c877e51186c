# SPDX-License-Identifier: BSD-3-Clause
"""The robust global contrastive loss, for anyone's training loop in torch."""

import math
from numbers import Integral, Real

from ..utils._compat import Interval, StrOptions, validate_params
from ..utils._optional import import_networks, import_optional


class RGCLoss:
    r"""Robust global contrastive loss with a temperature for every sample.

    For each anchor :math:`i` with negatives :math:`S_i`, let
    :math:`h_i(z) = z_i^\top z - z_i^\top z_i^+` be the similarity of a negative minus that
    of the positive. The loss [1]_ is the mean of

    .. math::

        \tau_i \log \frac{1}{|S_i|} \sum_{z \in S_i} e^{h_i(z) / \tau_i} + \tau_i \rho ,

    the largest weighted mean of :math:`h_i` over all weights that are within a
    Kullback-Leibler divergence of :math:`\rho` from uniform ones; the temperature
    :math:`\tau_i` is the multiplier of this constraint, and is learnt. Means over all
    samples are tracked by a running mean for each sample, so that small batches do.

    The object is called in the place of a loss. It needs the number of each sample, keeps
    three values for each, and updates those of the batch at each call.

    Parameters
    ----------
    n_samples : int
        Number of samples in the training set.

    mode : {"unimodal", "bimodal"}, default="unimodal"
        Whether the views are of one kind, such as two crops of an image, so that both
        views of the other samples are negatives; or of two kinds, such as image and text,
        with a temperature for each.

    rho : float, default=0.3
        The radius :math:`\rho`; temperatures fall as it grows. About 0.1 to 0.6 for
        views of one kind, 6 to 8 for millions of pairs of two kinds.

    temperature_init : float, default=0.1
        The temperatures at first.

    temperature_min : float, default=0.05
        The lowest temperature.

    temperature_max : float, default=1.0
        The highest temperature.

    gamma : float, default=0.8
        The weight of the batch in the running means.

    beta : float, default=0.5
        The weight of the batch in the momentum of the temperatures.

    eta : float, default=0.03
        The step size of the temperatures; with 0 they stay, which is the loss of SogCLR.

    grad_clip : float or None, default=3.0
        The most that a derivative with respect to a temperature may be; None for no limit.

    exponent : {"difference", "raw"}, default="difference"
        Whether the running means are of differences to the positive's similarity, or of
        similarities as they are, as in the paper's code for views of one kind. The two
        agree on a sample's first visit; later "raw" lags where the positive's similarity
        or the temperature moves, the more the lower the temperature.

    include_positive : bool, default=False
        Whether the positive is among the negatives, as in InfoNCE.

    init_s : {"first", "zero"}, default="first"
        What a running mean starts from: the first batch's value, or zero.

    normalize : bool, default=False
        Whether to scale embeddings to unit length; if False, they are taken as they come.

    Attributes
    ----------
    temperatures_ : Tensor of shape (n_samples,) or (n_samples, 2)
        The temperatures; a column for each view in the bimodal mode.

    log_s_ : Tensor of shape (n_samples,) or (n_samples, 2)
        Logarithms of the running means; minus infinity before a sample's first visit.

    temperature_momentum_ : Tensor of shape (n_samples,) or (n_samples, 2)
        Momentum of the temperatures.

    objective_ : Tensor
        The robust objective on the last batch; what the call returns has its gradient, yet
        another value.

    See Also
    --------
    ISogCLR : Learns a representation with this loss, as a transformer.

    References
    ----------
    .. [1] Z.-H. Qiu, Q. Hu, Z. Yuan, D. Zhou, L. Zhang and T. Yang, "Not All Semantics are
       Created Equal: Contrastive Self-supervised Learning with Automatic Temperature
       Individualization", ICML 2023, arXiv:2305.11965.

    Examples
    --------
    >>> import torch
    >>> from sklearn_theory.representation import RGCLoss
    >>> generator = torch.Generator().manual_seed(0)
    >>> views = torch.randn(2, 8, 4, generator=generator).requires_grad_()
    >>> loss = RGCLoss(n_samples=100, normalize=True)
    >>> loss(views[0], views[1], index=torch.arange(20, 28)).backward()
    >>> views.grad.shape
    torch.Size([2, 8, 4])
    >>> int((loss.temperatures_ != 0.1).sum())
    8
    """

    @validate_params(
        {
            "n_samples": [Interval(Integral, 1, None, closed="left")],
            "mode": [StrOptions({"unimodal", "bimodal"})],
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
            "init_s": [StrOptions({"first", "zero"})],
            "normalize": ["boolean"],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(
        self,
        n_samples,
        mode="unimodal",
        *,
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
        init_s="first",
        normalize=False,
    ):
        check_temperatures(temperature_init, temperature_min, temperature_max)
        torch = import_optional("torch", needed_by="RGCLoss", extra="torch")
        self.n_samples = n_samples
        self.mode = mode
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
        self.init_s = init_s
        self.normalize = normalize
        shape = (n_samples,) if mode == "unimodal" else (n_samples, 2)
        self.temperatures_ = torch.full(shape, float(temperature_init))
        self.log_s_ = torch.full(shape, -math.inf)
        self.temperature_momentum_ = torch.zeros(shape)

    def __call__(self, z1, z2, index, first_epoch=None):
        """Compute the loss of a batch, and update the state of its samples.

        Parameters
        ----------
        z1, z2 : Tensor of shape (batch_size, n_components)
            Embeddings of the two views; row `i` of both belongs to one sample.

        index : Tensor of shape (batch_size,)
            The number of each sample in the training set, without repetition.

        first_epoch : bool or None, default=None
            Whether these samples are visited for the first time; None knows.

        Returns
        -------
        loss : Tensor
            A scalar whose gradient is the estimate of the objective's.
        """
        torch = import_optional("torch", needed_by="RGCLoss", extra="torch")
        parts = import_networks(
            "sklearn_theory.representation._rgc_loss_torch", needed_by="RGCLoss"
        )
        index = torch.as_tensor(index, device="cpu").to(torch.int64)
        _check_batch(z1, z2, index, self.n_samples, torch)
        if self.normalize:
            z1, z2 = (torch.nn.functional.normalize(z, dim=1) for z in (z1, z2))
        self._follow(z1, torch)
        with torch.no_grad(), torch.autocast(z1.device.type, enabled=False):
            step = self._update(parts, z1.detach(), z2.detach(), index, first_epoch)
        return parts.attach_gradients(step, z1, z2)

    def state_dict(self):
        """Return the state of all samples.

        Returns
        -------
        state : dict of str to Tensor
            What :meth:`load_state_dict` takes.
        """
        return {name: getattr(self, name) for name in _STATE}

    def load_state_dict(self, state):
        """Go on from a state that :meth:`state_dict` returned.

        Parameters
        ----------
        state : dict of str to Tensor
            The state.
        """
        for name in _STATE:
            if state[name].shape != getattr(self, name).shape:
                raise ValueError(
                    f"{name} has shape {tuple(state[name].shape)} in the state; this "
                    f"loss needs {tuple(getattr(self, name).shape)}."
                )
            setattr(self, name, state[name].clone())

    def _follow(self, z, torch):
        """Move the state to where the embeddings are, in at least single precision."""
        dtype = torch.promote_types(z.dtype, torch.float32)
        for name in _STATE:
            setattr(self, name, getattr(self, name).to(z.device, dtype))

    def _update(self, parts, z1, z2, index, first_epoch):
        """Weigh the batch with the updated running means; then move temperatures."""
        index = index.to(z1.device)
        old = _by_anchor(self.log_s_[index])
        first = old.isneginf() & (self.init_s == "first")
        if first_epoch is not None:
            first = first.new_full(first.shape, bool(first_epoch))
        dtype = self.log_s_.dtype
        step = parts.contrast(
            parts.MODES[self.mode],
            z1.to(dtype),
            z2.to(dtype),
            _by_anchor(self.temperatures_[index]),
            lambda log_g: parts.log_running_mean(old, log_g, self.gamma, first),
            rho=self.rho,
            difference=self.exponent == "difference",
            include_positive=self.include_positive,
        )
        self.objective_ = step.objective.sum() / len(index)
        self._store(step, index)
        return step

    def _store(self, step, index):
        """Write back running means, momentum and temperatures of the batch."""
        log_s, slope = step.log_s.view(2, -1), step.slope.view(2, -1)
        if self.mode == "unimodal":
            log_s = log_s.logsumexp(dim=0) - math.log(2)
            slope = slope.mean(dim=0)
        else:
            log_s, slope = log_s.T, slope.T
        if self.grad_clip is not None:
            slope = slope.clamp(-self.grad_clip, self.grad_clip)
        momentum = self.temperature_momentum_[index].lerp(slope, self.beta)
        moved = self.temperatures_[index] - self.eta * momentum
        self.log_s_[index] = log_s
        self.temperature_momentum_[index] = momentum
        if self.eta > 0:
            moved = moved.clamp(self.temperature_min, self.temperature_max)
            self.temperatures_[index] = moved


_STATE = ("temperatures_", "log_s_", "temperature_momentum_")


def _by_anchor(values):
    """Lay out values of samples as anchors are: view 1, then view 2."""
    return values.repeat(2) if values.ndim == 1 else values.T.reshape(-1)


def check_temperatures(initial, lowest, highest):
    """Refuse bounds that are not in order.

    Parameters
    ----------
    initial, lowest, highest : float
        ``temperature_init``, ``temperature_min`` and ``temperature_max``.
    """
    if lowest > highest:
        raise ValueError(
            f"temperature_min={lowest} must not be above temperature_max={highest}."
        )
    if not lowest <= initial <= highest:
        raise ValueError(
            f"temperature_init={initial} must lie between temperature_min={lowest} and "
            f"temperature_max={highest}."
        )


def _check_batch(z1, z2, index, n_samples, torch):
    if z1.ndim != 2 or z1.shape != z2.shape:
        raise ValueError(
            "z1 and z2 must be two matrices of the same shape, got "
            f"{tuple(z1.shape)} and {tuple(z2.shape)}."
        )
    if index.shape != (len(z1),):
        raise ValueError(
            f"index must hold one number for each of the {len(z1)} rows of z1, got shape "
            f"{tuple(index.shape)}."
        )
    if len(index) < 2:
        raise ValueError("z1 must have at least 2 rows: other rows are the negatives.")
    if index.min() < 0 or index.max() >= n_samples:
        raise ValueError(
            f"index must lie in 0..{n_samples - 1}, got {int(index.min())} to "
            f"{int(index.max())}."
        )
    if len(torch.unique(index)) < len(index):
        raise ValueError(
            "index names a sample twice; give each row of the batch its own."
        )
