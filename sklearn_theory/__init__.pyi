from . import datasets, label_space, linear_model, semi_supervised, solvers, utils
from ._show_versions import show_versions
from ._version import __version__

__all__ = [
    "__version__",
    "datasets",
    "label_space",
    "linear_model",
    "semi_supervised",
    "show_versions",
    "solvers",
    "utils",
]
