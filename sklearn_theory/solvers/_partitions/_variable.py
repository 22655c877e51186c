# SPDX-License-Identifier: BSD-3-Clause
"""No partition: the selection composes its blocks anew."""

from ._base import Partition


class VariablePartition(Partition):
    """Blocks of any coordinates that the selection likes."""

    name = "variable"
    variable = True

    def blocks(self, problem, block_size):
        """Return None: there are no fixed blocks."""
        return None
