# SPDX-License-Identifier: BSD-3-Clause
"""What selections of forests have in common."""

from .._forest import forest_in_order
from .._problem_graph import check_has_graph, problem_graph
from ._base import Selection


class ForestSelection(Selection):
    """Grow a block without cycles, offering coordinates in an order of the subclass.

    A coordinate is left out if two of its neighbours are in one tree already. The size
    of the block follows from the graph; ``block_size`` has no effect.
    """

    partitions = ("variable",)
    composite = False
    alternative = "use partition='tree_partition' with selection='cyclic'"

    def check(self, plan):
        """Raise a ValueError if the problem has no graph."""
        check_has_graph(plan.problem, f"selection={self.name!r}")

    def setup(self, problem, blocks, block_size, rng):
        """Prepare for a run."""
        super().setup(problem, blocks, block_size, rng)
        self._graph = problem_graph(problem)

    def choose(self, state):
        """Grow the next forest."""
        return forest_in_order(self._graph, self.problem.free[self.ranking(state)])

    def ranking(self, state):
        """Return an order of the free coordinates."""
        raise NotImplementedError
