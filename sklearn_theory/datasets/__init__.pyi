from ._binary_signatures import make_binary_signature_classification
from ._environments import make_environment
from ._few_shot_episodes import make_few_shot_episodes
from ._frozen_lake import make_frozen_lake
from ._gaussian_regimes import make_gaussian_regimes
from ._graph_problems import make_lattice_quadratic, make_two_moons_quadratic
from ._label_trees import make_label_tree, make_tree_classification
from ._linear_problems import make_sparse_linear_problem
from ._long_tail_noisy import make_long_tail_noisy
from ._luck_problems import (
    make_bernoulli_bandit,
    make_contextual_bandit,
    make_gamble_tree,
    make_lucky_tree,
)
from ._stitching_problems import make_linear_q, make_stitch_chain, make_stitch_maze
from ._super_classes import make_super_classes
from ._trajectories import TrajectoryDataset

__all__ = [
    "TrajectoryDataset",
    "make_bernoulli_bandit",
    "make_binary_signature_classification",
    "make_contextual_bandit",
    "make_environment",
    "make_few_shot_episodes",
    "make_frozen_lake",
    "make_gamble_tree",
    "make_gaussian_regimes",
    "make_label_tree",
    "make_lattice_quadratic",
    "make_linear_q",
    "make_long_tail_noisy",
    "make_lucky_tree",
    "make_sparse_linear_problem",
    "make_stitch_chain",
    "make_stitch_maze",
    "make_super_classes",
    "make_tree_classification",
    "make_two_moons_quadratic",
]
