# SPDX-License-Identifier: BSD-3-Clause
"""A log as tensors, from which windows are cut with the rows that they consist of."""

from dataclasses import dataclass

import torch

from ..utils._torch_net import Rows


@dataclass
class Batch:
    """Windows of a log, and the rows that they consist of, one below the other.

    Parameters
    ----------
    steps : Tensor of shape (n_windows, n_steps, n_features)
        All that steps hold; zeros where there is none.

    mask : Tensor of shape (n_windows, n_steps)
        Which steps are there.

    start : Tensor of shape (n_windows, n_columns)
        The contexts with which windows begin.

    window : Tensor of shape (n_rows,)
        The window of each row.

    context, action, outcome, target : Tensor of shape (n_rows, ...)
        What the rows hold.
    """

    steps: torch.Tensor
    mask: torch.Tensor
    start: torch.Tensor
    window: torch.Tensor
    context: torch.Tensor
    action: torch.Tensor
    outcome: torch.Tensor
    target: torch.Tensor

    def of_windows(self, z):
        """Give each row the candidates of its window."""
        return None if z is None else z[self.window]

    def add_up(self, values):
        """Sum values of rows over each window."""
        sums = values.new_zeros(len(self.mask), values.shape[1])
        return sums.index_add(0, self.window, values)


class TorchTables:
    """The rows of a log as tensors, from which windows are cut.

    Parameters
    ----------
    tables : LogTables
        The rows.

    device : str
        Where the tensors are to lie.

    dtype : torch.dtype, default=torch.float32
        The precision.
    """

    names = ("context", "action", "outcome", "target")

    def __init__(self, tables, device, dtype=torch.float32):
        columns = [getattr(tables, name) for name in self.names]
        self.columns = [Rows(c, device=device, dtype=dtype).X for c in columns]

    def cut(self, windows):
        """Look up the rows of windows."""
        mask = windows >= 0
        rows = windows[mask]
        parts = [column[rows] for column in self.columns]
        held = torch.cat(parts[:3], dim=1)
        steps = held.new_zeros(*mask.shape, held.shape[1])
        steps[mask] = held
        start = self.columns[0][windows[:, 0]]
        return Batch(steps, mask, start, mask.nonzero()[:, 0], *parts)

    @property
    def outcomes(self):
        return self.columns[2]
