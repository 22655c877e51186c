from ._label_trees import make_label_tree, make_tree_classification

__all__ = ["make_label_tree", "make_tree_classification"]
