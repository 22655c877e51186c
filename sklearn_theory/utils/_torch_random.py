# SPDX-License-Identifier: BSD-3-Clause
"""Random numbers of a net of its own, beside torch's global ones.

What takes a generator is given one. What does not (initial weights, dropout) draws from
torch's global generators, which are lent the net's own state meanwhile and then get
theirs back. While they are lent, nets in other threads wait.
"""

from contextlib import contextmanager
from threading import RLock

import torch

_LOCK = RLock()


class LocalRandomness:
    """Generators for order, hooks and global draws, which together can be saved.

    Parameters
    ----------
    seed : int
        The seed.

    device : {"cpu", "cuda"}
        Where the net is trained.

    Attributes
    ----------
    order : torch.Generator
        For the order of rows; on the CPU, so that it is the same on all devices.

    generator : torch.Generator
        For hooks, on `device`.
    """

    def __init__(self, seed, device):
        self.device = torch.device(device)
        self.order = torch.Generator().manual_seed(seed)
        self.generator = torch.Generator(self.device).manual_seed(seed + 1)
        self._lent = torch.Generator().manual_seed(seed + 2).get_state()
        self._lent_on_gpu = None
        if self.device.type == "cuda":
            on_gpu = torch.Generator(self.device).manual_seed(seed + 2)
            self._lent_on_gpu = on_gpu.get_state()

    @contextmanager
    def forked(self):
        """Let torch's global generators go on from this object's state, for a block."""
        devices = [] if self._lent_on_gpu is None else [torch.cuda.current_device()]
        with _LOCK, torch.random.fork_rng(devices=devices):
            torch.set_rng_state(self._lent)
            if devices:
                torch.cuda.set_rng_state(self._lent_on_gpu, devices[0])
            yield
            self._lent = torch.get_rng_state()
            if devices:
                self._lent_on_gpu = torch.cuda.get_rng_state(devices[0])

    def get_state(self):
        """Return all states, as tensors on the CPU."""
        return {
            "device": self.device.type,
            "order": self.order.get_state(),
            "generator": self.generator.get_state(),
            "lent": self._lent,
            "lent_on_gpu": self._lent_on_gpu,
        }

    def set_state(self, state):
        """Go on from states; those of another kind of device are left out."""
        self.order.set_state(state["order"])
        self._lent = state["lent"]
        if state["device"] == self.device.type:
            self.generator.set_state(state["generator"])
            self._lent_on_gpu = state["lent_on_gpu"]
