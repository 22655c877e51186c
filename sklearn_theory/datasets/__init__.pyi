from ._gaussian_regimes import make_gaussian_regimes
from ._label_trees import make_label_tree, make_tree_classification

__all__ = ["make_gaussian_regimes", "make_label_tree", "make_tree_classification"]
