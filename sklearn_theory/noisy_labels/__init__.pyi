from ._class_conditional_lof import ClassConditionalLOF
from ._gaussian_calibrator import GaussianCalibrator
from ._rcal import RCAL

__all__ = ["RCAL", "ClassConditionalLOF", "GaussianCalibrator"]
