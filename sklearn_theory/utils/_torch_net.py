# SPDX-License-Identifier: BSD-3-Clause
"""Nets of skorch, built from scikit-learn's parameter names.

:func:`make_net` builds one. A method sub-classes :class:`Net` and overrides one of
skorch's verbs (``get_loss``, ``train_step_single``, ``get_iterator``); everything random
in it draws from ``generator_``. This file imports torch: open it from inside ``fit``,
through ``utils._optional.import_networks``.
"""

import io
from contextlib import nullcontext
from copy import deepcopy

import numpy as np
import torch
from sklearn.utils import check_random_state
from skorch import NeuralNet

from ._torch_optimizers import OPTIMIZERS
from ._torch_random import LocalRandomness


class Net(NeuralNet):
    """A skorch net with its own randomness, exact batches and portable pickles.

    Parameters
    ----------
    module : callable
        A class or function that returns a :class:`torch.nn.Module`.

    seed : int, default=0
        Determines the initial weights, the order of rows and all else that is random.

    n_passes : int, default=1
        How often an epoch goes through the rows: more than once where each stands for
        many.

    **options : dict
        Further parameters of :class:`skorch.NeuralNet`.

    Attributes
    ----------
    randomness_ : LocalRandomness
        All its generators.
    """

    def __init__(self, module, *, seed=0, n_passes=1, **options):
        self.seed = seed
        self.n_passes = n_passes
        super().__init__(module, **options)

    @property
    def generator_(self):
        """What hooks draw from: a :class:`torch.Generator` on the net's device."""
        return self.randomness_.generator

    def initialize(self):
        """Build module, criterion and optimiser, drawing from the net's own seed."""
        self.randomness_ = LocalRandomness(self.seed, self.device)
        with self.randomness_.forked():
            return super().initialize()

    def get_iterator(self, dataset, training=False):
        """Cut tensors into batches, shuffled for training; none has a single row."""
        order = self.randomness_.order if training else None
        batches = Batches(dataset, self.batch_size, order)
        return Repeated(batches, self.n_passes) if training else batches

    def run_epoch(self, rows):
        """Train for one epoch on a :class:`Rows`."""
        with self._epoch_randomness():
            self.fit_loop(rows, epochs=1)
        self.history[-1]["batches"].clear()  # Else a record for each batch ever seen.

    def _epoch_randomness(self):
        """Fork torch's global generators unless the module says that it draws none."""
        if getattr(self.module_, "draws_nothing", False):
            return nullcontext()
        return self.randomness_.forked()

    def snapshot(self):
        """Collect all that training goes on from."""
        parts = {"module": self.module_, "optimizer": self.optimizer_}
        if hasattr(self.criterion_, "state_dict"):
            parts["criterion"] = self.criterion_
        states = {name: part.state_dict() for name, part in parts.items()}
        return states | {
            "optimizer_name": type(self.optimizer_).__name__,
            "randomness": self.randomness_.get_state(),
        }

    def restore(self, snapshot):
        """Go on from a snapshot, with this net's own step size and weight decay."""
        if snapshot["optimizer_name"] != type(self.optimizer_).__name__:
            raise ValueError(f"the snapshot is of {snapshot['optimizer_name']}.")
        self.module_.load_state_dict(snapshot["module"])
        settings = [
            {name: value for name, value in group.items() if name != "params"}
            for group in self.optimizer_.param_groups
        ]
        self.optimizer_.load_state_dict(snapshot["optimizer"])
        for group, own in zip(self.optimizer_.param_groups, settings):
            group.update(own)
        if "criterion" in snapshot:
            self.criterion_.load_state_dict(snapshot["criterion"])
        self.randomness_.set_state(snapshot["randomness"])

    def __getstate__(self):
        buffer = io.BytesIO()
        if self.initialized_:
            torch.save(self.snapshot(), buffer)
        parameters = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if not name.startswith("_")
        }
        return {
            "parameters": parameters | {"train_split": None},
            "snapshot": buffer.getvalue(),
            "history": [dict(epoch) for epoch in getattr(self, "history_", None) or []],
        }

    def __setstate__(self, state):
        """Rebuild on the device it was on, or on the CPU where there is none."""
        parameters = dict(state["parameters"])
        if not torch.cuda.is_available():
            parameters["device"] = "cpu"
        self.__init__(**parameters)
        if state["snapshot"]:
            self.initialize()
            buffer = io.BytesIO(state["snapshot"])
            self.restore(torch.load(buffer, map_location="cpu", weights_only=True))
            self.history.extend(state["history"])


class Rows(torch.utils.data.Dataset):
    """Rows and their targets as tensors on one device.

    Parameters
    ----------
    X : array-like or Tensor of shape (n_samples, ...)
        Rows.

    y : array-like or Tensor of shape (n_samples, ...) or None, default=None
        Targets, with as many columns as a loss needs; None stands for the number of
        each row.

    device : str, default="cpu"
        Where the tensors are to lie.

    dtype : torch.dtype, default=torch.float32
        What floating point numbers become; whole numbers stay what they are.
    """

    def __init__(self, X, y=None, device="cpu", dtype=torch.float32):
        self.X = _to_tensor(X, device, dtype)
        y = torch.arange(len(self.X)) if y is None else y
        self.y = _to_tensor(y, device, dtype)

    def __len__(self):
        return len(self.X)

    def __getitem__(self, rows):
        return self.X[rows], self.y[rows]


def _to_tensor(values, device, dtype):
    """Copy values: what is done to a tensor must not change the user's array."""
    if not isinstance(values, torch.Tensor):
        values = torch.from_numpy(np.array(values, order="C"))
    return values.to(device, dtype if values.is_floating_point() else values.dtype)


class Batches:
    """Batches of rows, each a slice of tensors; a last row alone joins the others."""

    def __init__(self, rows, batch_size, order=None):
        self.rows = rows
        self.batch_size = batch_size
        self.order = order

    def __len__(self):
        return len(self._bounds())

    def __iter__(self):
        order = None
        if self.order is not None:
            order = torch.randperm(len(self.rows), generator=self.order)
            order = order.to(self.rows.X.device)
        for start, stop in self._bounds():
            batch = slice(start, stop)
            yield self.rows[batch if order is None else order[batch]]

    def _bounds(self):
        n, size = len(self.rows), self.batch_size
        starts = list(range(0, n, size))
        if len(starts) > 1 and n - starts[-1] == 1:
            starts.pop()
        return list(zip(starts, [*starts[1:], n]))


class Repeated:
    """Batches, several times over, each time in another order."""

    def __init__(self, batches, n_passes):
        self.batches, self.n_passes = batches, n_passes

    def __len__(self):
        return self.n_passes * len(self.batches)

    def __iter__(self):
        for _ in range(self.n_passes):
            yield from self.batches


def resolve_device(device):
    """Choose the device; "auto" takes a GPU where there is one.

    Parameters
    ----------
    device : {"cpu", "cuda", "auto"}
        The parameter of the estimator.

    Returns
    -------
    device : {"cpu", "cuda"}
        Where to train.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            'device="cuda" needs a GPU that torch can use, and there is none; use '
            '"cpu", or "auto" to take a GPU only where there is one.'
        )
    return device


def check_module(module):
    """Refuse a `module` that cannot be built anew.

    Parameters
    ----------
    module : callable
        A class or function that returns a :class:`torch.nn.Module`.
    """
    if isinstance(module, torch.nn.Module):
        raise ValueError(
            f"module is an instance of {type(module).__name__}; give the class, or a "
            "function that returns a new one, so that every fit starts from new weights."
        )


def make_net(
    net_class,
    module,
    *,
    module_params=None,
    learning_rate_init=1e-3,
    weight_decay=0.0,
    batch_size=200,
    optimizer="adam",
    device="cpu",
    random_state=None,
    skorch_callbacks=None,
    **options,
):
    """Build a net from the parameters of an estimator.

    Parameters
    ----------
    net_class : type
        :class:`Net` or a sub-class with hooks.

    module : callable
        A class or function that returns a :class:`torch.nn.Module`; importable, so
        that pickles find it.

    module_params : dict or None, default=None
        Its arguments.

    learning_rate_init : float, default=1e-3
        The step size.

    weight_decay : float, default=0.0
        Strength of the L2 penalty, as the optimiser understands it.

    batch_size : int, default=200
        Rows in a batch; all rows if there are fewer.

    optimizer : {"adam", "adamw", "lars", "sgd"} or type, default="adam"
        The optimiser; "lars" and "sgd" have a momentum of 0.9. A class of optimisers
        of torch is taken with its own defaults.

    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where to train.

    random_state : int, RandomState instance or None, default=None
        Gives the net its seed. torch's and numpy's global generators are left alone.

    skorch_callbacks : list or None, default=None
        Callbacks of skorch.

    **options : dict
        Further parameters of the net, such as ``criterion`` and ``criterion__*``.

    Returns
    -------
    net : Net
        The net, initialised.
    """
    check_module(module)
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    net_optimizer, momentum = OPTIMIZERS.get(optimizer, (optimizer, {}))
    named = {f"module__{name}": value for name, value in (module_params or {}).items()}
    named |= {f"optimizer__{name}": value for name, value in momentum.items()}
    options.setdefault("criterion", torch.nn.MSELoss)
    net = net_class(
        module,
        seed=seed,
        optimizer=net_optimizer,
        lr=learning_rate_init,
        optimizer__weight_decay=weight_decay,
        batch_size=batch_size,
        device=resolve_device(device),
        callbacks=skorch_callbacks,
        callbacks__print_log=None,
        train_split=None,
        **named,
        **options,
    )
    return net.initialize()


def forward_in_batches(net, X, forward=None, batch_size=4096):
    """Apply a net to rows, in their own precision and in evaluation mode.

    In double precision a row's output does not depend on the rows beside it beyond what
    rounding does there.

    Parameters
    ----------
    net : Net
        The net.

    X : array-like of shape (n_samples, ...)
        Rows.

    forward : callable or None, default=None
        Maps the module and a tensor of rows to a tensor; None calls the module.

    batch_size : int, default=4096
        How many rows to take at once.

    Returns
    -------
    outputs : ndarray of shape (n_samples, ...)
        The results, in double precision if the rows are, else in single.
    """
    X = np.asarray(X)
    dtype = torch.float64 if X.dtype == np.float64 else torch.float32
    module = net.module_ if dtype == torch.float32 else deepcopy(net.module_).double()
    module.eval()
    forward = torch.nn.Module.__call__ if forward is None else forward
    batches = Batches(Rows(X, device=net.device, dtype=dtype), batch_size)
    with torch.inference_mode():
        outputs = [forward(module, rows).cpu().numpy() for rows, _ in batches]
    return np.concatenate(outputs)
