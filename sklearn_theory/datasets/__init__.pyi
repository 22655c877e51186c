from ._binary_signatures import make_binary_signature_classification
from ._few_shot_episodes import make_few_shot_episodes
from ._gaussian_regimes import make_gaussian_regimes
from ._graph_problems import make_lattice_quadratic, make_two_moons_quadratic
from ._label_trees import make_label_tree, make_tree_classification
from ._linear_problems import make_sparse_linear_problem
from ._long_tail_noisy import make_long_tail_noisy
from ._super_classes import make_super_classes

__all__ = [
    "make_binary_signature_classification",
    "make_few_shot_episodes",
    "make_gaussian_regimes",
    "make_label_tree",
    "make_lattice_quadratic",
    "make_long_tail_noisy",
    "make_sparse_linear_problem",
    "make_super_classes",
    "make_tree_classification",
    "make_two_moons_quadratic",
]
