# SPDX-License-Identifier: BSD-3-Clause
"""The epochs of a net: callbacks, step sizes, when to stop, and the best weights.

Like ``_torch_net.py`` this file imports torch and is opened from inside ``fit``.
"""

import math
import warnings
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from skorch.helper import predefined_split

from ._callbacks import iterate_subtasks
from ._torch_net import Rows


@dataclass
class Training:
    """What a call of :func:`train` did.

    Parameters
    ----------
    loss_curve : list of float
        The mean training loss of each epoch.

    validation_curve : list of float
        The mean loss on the rows set aside, if some were.

    stop_reason : {"converged", "max_iter", "callback", "diverged"}
        Why it ended.
    """

    loss_curve: list = field(default_factory=list)
    validation_curve: list = field(default_factory=list)
    stop_reason: str = "max_iter"

    @property
    def n_iter(self):
        """The number of epochs."""
        return len(self.loss_curve)

    @property
    def curve(self):
        """The curve that decides when to stop."""
        return self.validation_curve or self.loss_curve

    def stalls(self, tol, n_iter_no_change):
        """Tell whether the last epochs brought no improvement beyond `tol`."""
        if tol is None or self.n_iter <= n_iter_no_change:
            return False
        before, recent = np.split(np.asarray(self.curve), [-n_iter_no_change])
        return recent.min() > before.min() - tol


def train(
    net,
    X,
    y=None,
    *,
    estimator,
    context,
    max_iter,
    tol=None,
    n_iter_no_change=10,
    early_stopping=False,
    validation_fraction=0.1,
    stratify=None,
    groups=None,
    learning_rate="constant",
    warmup=0,
    n_iter_before=0,
    reconstruct=None,
):
    """Train a net for some epochs, each a sub-task of scikit-learn's callbacks.

    Called again, it goes on where it ended: same optimiser, same stream of random
    numbers.

    Parameters
    ----------
    net : Net
        The net; trained in place.

    X : array-like or Tensor of shape (n_samples, ...)
        Rows.

    y : array-like or Tensor of shape (n_samples, ...) or None, default=None
        Targets, what ``get_loss`` receives as ``y_true``; None gives it the number of
        each row.

    estimator : estimator instance
        The estimator that is being fitted.

    context : sklearn.callback.CallbackContext or None
        Its task, as opened by ``fit_task``, with ``max_subtasks=max_iter``; None, as in
        ``partial_fit``, reports nothing.

    max_iter : int
        The most epochs.

    tol : float or None, default=None
        Training ends when the loss has not improved by this much for
        `n_iter_no_change` epochs; None trains for `max_iter` epochs.

    n_iter_no_change : int, default=10
        How many epochs without improvement end the training.

    early_stopping : bool, default=False
        Whether to set rows aside, to judge by the loss on these, and to go back to the
        best weights in the end.

    validation_fraction : float, default=0.1
        The share of rows to set aside.

    stratify : array-like of shape (n_samples,) or None, default=None
        Classes, if the rows set aside are to have all of them in proportion.

    groups : array-like of shape (n_samples,) or None, default=None
        Groups, if whole ones are to be set aside; they are not stratified.

    learning_rate : {"constant", "cosine"}, default="constant"
        How the step size changes over the epochs of this call.

    warmup : int, default=0
        The number of epochs over which the step size rises to its value.

    n_iter_before : int, default=0
        How many epochs earlier calls have trained, for `warmup`.

    reconstruct : callable or None, default=None
        As in ``iterate_subtasks``.

    Returns
    -------
    training : Training
        Curves, and why it ended.
    """
    rows, tol = Rows(X, y, net.device), (0.0 if early_stopping and tol is None else tol)
    if early_stopping:
        rows = _set_aside(net, rows, validation_fraction, stratify, groups)
    factor = SCHEDULES[learning_rate]
    training, best = Training(), BestWeights(net)
    net.notify("on_train_begin", X=rows, y=None)
    epochs = range(max_iter)
    if context is not None:
        epochs = iterate_subtasks(
            estimator, context, epochs, "epoch", reconstruct=reconstruct
        )
    for epoch in epochs:
        ramp = min(1.0, (n_iter_before + epoch + 1) / (warmup + 1))
        set_step_size(net, net.lr * ramp * factor(epoch, max_iter))
        stopped = _run_epoch(net, rows, training)
        if not math.isfinite(training.curve[-1]):
            training.stop_reason = "diverged"
            break
        best.offer(training.curve[-1], always=not early_stopping)
        if stopped or training.stalls(tol, n_iter_no_change):
            training.stop_reason = "callback" if stopped else "converged"
            break
    else:
        if training.n_iter < max_iter:
            training.stop_reason = "callback"
    net.notify("on_train_end", X=rows, y=None)
    net.set_params(train_split=None)
    if early_stopping or training.stop_reason == "diverged":
        best.restore()
    _warn_of_the_end(training, tol)
    return training


def _run_epoch(net, rows, training):
    """Run one epoch, and tell whether a callback of skorch asked to stop."""
    stopped = False
    try:
        net.run_epoch(rows)
    except KeyboardInterrupt:
        if not net.callbacks:
            raise
        stopped = True  # This is how skorch's callbacks stop.
    training.loss_curve.append(float(net.history[-1, "train_loss"]))
    if net.train_split is not None:
        training.validation_curve.append(float(net.history[-1, "valid_loss"]))
    return stopped


def _set_aside(net, rows, validation_fraction, stratify, groups):
    """Hand the net its validation rows, and return the others."""
    everything = np.arange(len(rows))
    n_units = len(rows) if groups is None else len(np.unique(groups))
    if n_units < 2:
        what = "row" if groups is None else "group"
        raise ValueError(
            f"early_stopping=True sets {what}s aside, and there is 1 {what} only; at "
            "least 2 are needed."
        )
    options = {"test_size": validation_fraction, "random_state": net.seed}
    if groups is None:
        training, validation = train_test_split(
            everything, stratify=stratify, **options
        )
    else:
        splits = GroupShuffleSplit(1, **options).split(everything, groups=groups)
        training, validation = next(splits)
    X, y = rows[torch.as_tensor(np.sort(validation), device=net.device)]
    net.set_params(train_split=predefined_split(Rows(X, y, net.device)))
    X, y = rows[torch.as_tensor(np.sort(training), device=net.device)]
    return Rows(X, y, net.device)


class BestWeights:
    """The weights of the best epoch so far, or of the last one that was finite."""

    def __init__(self, net):
        self.net = net
        self.loss = math.inf
        self.weights = deepcopy(net.module_.state_dict())

    def offer(self, loss, *, always):
        """Keep the current weights if they are better, or in any case."""
        if always or loss < self.loss:
            self.loss = loss
            self.weights = deepcopy(self.net.module_.state_dict())

    def restore(self):
        """Put the weights kept back into the net."""
        self.net.module_.load_state_dict(self.weights)


def _constant(epoch, max_iter):
    return 1.0


def _cosine(epoch, max_iter):
    return 0.5 * (1 + math.cos(math.pi * epoch / max_iter))


SCHEDULES = {"constant": _constant, "cosine": _cosine}


def set_step_size(net, step_size):
    """Set the step size of every group of parameters."""
    for group in net.optimizer_.param_groups:
        group["lr"] = step_size


def _warn_of_the_end(training, tol):
    if training.stop_reason == "diverged":
        warnings.warn(
            f"The loss was not finite in epoch {training.n_iter}; the weights of the "
            "epoch before are kept. Lower learning_rate_init, or scale the features.",
            ConvergenceWarning,
            stacklevel=6,
        )
    elif training.stop_reason == "max_iter" and tol is not None:
        warnings.warn(
            f"The loss still improved after {training.n_iter} epochs: raise max_iter "
            "or tol.",
            ConvergenceWarning,
            stacklevel=6,
        )
