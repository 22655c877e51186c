from ._isogclr import ISogCLR
from ._rgc_loss import RGCLoss

__all__ = ["ISogCLR", "RGCLoss"]
