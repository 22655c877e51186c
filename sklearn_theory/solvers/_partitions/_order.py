# SPDX-License-Identifier: BSD-3-Clause
"""Blocks of neighbours."""

from ._base import Partition


def cut(coordinates, block_size):
    """Cut coordinates into consecutive blocks; the last may be shorter."""
    return [
        coordinates[start : start + block_size]
        for start in range(0, len(coordinates), block_size)
    ]


class OrderPartition(Partition):
    """Blocks of consecutive coordinates."""

    name = "order"

    def blocks(self, problem, block_size):
        """Cut the free coordinates as they come."""
        return cut(problem.free, block_size)
