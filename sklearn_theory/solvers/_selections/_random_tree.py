# SPDX-License-Identifier: BSD-3-Clause
"""Forests of random coordinates."""

from ._forest_selection import ForestSelection


class RandomTree(ForestSelection):
    """A forest that takes coordinates in a random order, new at each iteration."""

    name = "random_tree"
    needs_gradient = False

    def ranking(self, state):
        """Shuffle the coordinates."""
        return self.rng.permutation(len(self.problem.free))
