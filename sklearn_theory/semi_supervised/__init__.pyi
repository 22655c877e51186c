from ._c_bound import c_bound, c_bound_imperfect
from ._co_trainer import CoTrainer
from ._graph_label_propagation import GraphLabelPropagation
from ._self_trainer import SelfTrainer
from ._self_training_display import SelfTrainingDisplay
from ._self_training_history import SelfTrainingHistory
from ._transductive_bound import bound_thresholds, transductive_bound
from ._transductive_classifier import TransductiveClassifier
from ._tri_trainer import TriTrainer

__all__ = [
    "CoTrainer",
    "GraphLabelPropagation",
    "SelfTrainer",
    "SelfTrainingDisplay",
    "SelfTrainingHistory",
    "TransductiveClassifier",
    "TriTrainer",
    "bound_thresholds",
    "c_bound",
    "c_bound_imperfect",
    "transductive_bound",
]
