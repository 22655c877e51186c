# SPDX-License-Identifier: BSD-3-Clause
"""No penalty."""

import numpy as np

from ._base import Penalty


class NoPenalty(Penalty):
    """No penalty at all."""

    name = "none"
    smooth = True

    def __init__(self, weights=None):
        super().__init__(0.0, weights)

    @classmethod
    def from_parameters(cls, alpha, l1_ratio):
        """Make the penalty; the parameters have no meaning for it."""
        return cls()

    def pieces(self, index=slice(None)):
        """Describe it as linear pieces of slope zero."""
        zero = np.zeros_like(self.strength[index])
        return zero, zero - np.inf, zero + np.inf
