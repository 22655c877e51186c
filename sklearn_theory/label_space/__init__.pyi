from ._base_metric import LabelMetric
from ._embedding_metric import EmbeddingMetric
from ._graph_metric import GraphMetric
from ._grid_metric import GridMetric
from ._locus import (
    is_locus_cover,
    locus,
    minimum_locus_cover,
    select_next_classes,
)
from ._loki import LokiClassifier
from ._scorers import make_metric_scorer, squared_distance_score
from ._simple_metrics import (
    CallableMetric,
    CompleteMetric,
    PathMetric,
    PrecomputedMetric,
)
from ._tree_metric import TreeMetric

__all__ = [
    "CallableMetric",
    "CompleteMetric",
    "EmbeddingMetric",
    "GraphMetric",
    "GridMetric",
    "LabelMetric",
    "LokiClassifier",
    "PathMetric",
    "PrecomputedMetric",
    "TreeMetric",
    "is_locus_cover",
    "locus",
    "make_metric_scorer",
    "minimum_locus_cover",
    "select_next_classes",
    "squared_distance_score",
]
