# SPDX-License-Identifier: BSD-3-Clause
"""The optimisers that estimators know by name, LARS among them."""

import torch


class LARS(torch.optim.Optimizer):
    """Momentum steps whose length is in proportion to each layer's weights.

    The gradient of each array of weights, its penalty included, is scaled by
    ``trust * |w| / |gradient|``. Vectors (biases, scales) are neither scaled nor
    penalised.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them.

    lr : float
        The step size.

    momentum : float, default=0.9
        What is kept of the last step.

    weight_decay : float, default=0.0
        Strength of the L2 penalty.

    trust : float, default=1e-3
        The share of its length that an array of weights may change at step size one.
    """

    def __init__(self, params, lr, momentum=0.9, weight_decay=0.0, trust=1e-3):
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults | {"trust": trust})

    @torch.no_grad()
    def step(self, closure=None):
        """Take one step.

        Parameters
        ----------
        closure : callable or None, default=None
            Computes the loss and its gradients.

        Returns
        -------
        loss : Tensor or None
            What `closure` returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    self._step(weights, group)
        return loss

    def _step(self, weights, group):
        direction = weights.grad
        if weights.ndim > 1:
            direction = direction.add(weights, alpha=group["weight_decay"])
            direction = direction * _trust_ratio(weights, direction, group["trust"])
        velocity = self.state[weights].setdefault("velocity", torch.zeros_like(weights))
        velocity.mul_(group["momentum"]).add_(direction)
        weights.add_(velocity, alpha=-group["lr"])


def _trust_ratio(weights, direction, trust):
    """One where either is zero: such an array could never start to move."""
    ratio = trust * weights.norm() / direction.norm()
    return torch.where(torch.isfinite(ratio) & (ratio > 0), ratio, 1.0)


_MOMENTUM = {"momentum": 0.9}

OPTIMIZERS = {
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "lars": (LARS, _MOMENTUM),
    "sgd": (torch.optim.SGD, _MOMENTUM),
}
