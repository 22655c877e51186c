from ._bcd_loop import BCDResult, minimize
from ._bcd_solver import BCDSolver
from ._datafits._logistic import LogisticDatafit
from ._datafits._quadratic import QuadraticDatafit
from ._datafits._softmax import SoftmaxDatafit
from ._datafits._squared import SquaredDatafit
from ._partitions._red_black import RedBlack
from ._partitions._tree_partition import TreePartition
from ._penalties._box import BoxPenalty
from ._penalties._elasticnet import ElasticNetPenalty
from ._penalties._l1 import L1Penalty
from ._penalties._l2 import L2Penalty
from ._selections._gs import (
    GaussSouthwell,
    GaussSouthwellDiagonal,
    GaussSouthwellLipschitz,
)
from ._updates._gradient import GradientUpdate

__all__ = [
    "BCDResult",
    "BCDSolver",
    "BoxPenalty",
    "ElasticNetPenalty",
    "GaussSouthwell",
    "GaussSouthwellDiagonal",
    "GaussSouthwellLipschitz",
    "GradientUpdate",
    "L1Penalty",
    "L2Penalty",
    "LogisticDatafit",
    "QuadraticDatafit",
    "RedBlack",
    "SoftmaxDatafit",
    "SquaredDatafit",
    "TreePartition",
    "minimize",
]
