from ._graph_label_propagation import GraphLabelPropagation

__all__ = ["GraphLabelPropagation"]
