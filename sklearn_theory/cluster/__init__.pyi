from ._transductive_clustering import TransductiveClustering

__all__ = ["TransductiveClustering"]
