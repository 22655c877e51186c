from ._semi_supervised_split import SemiSupervisedSplit

__all__ = ["SemiSupervisedSplit"]
