from . import (
    cluster,
    datasets,
    label_space,
    linear_model,
    model_selection,
    noisy_labels,
    offline_rl,
    representation,
    semi_supervised,
    solvers,
    utils,
)
from ._show_versions import show_versions
from ._version import __version__

__all__ = [
    "__version__",
    "cluster",
    "datasets",
    "label_space",
    "linear_model",
    "model_selection",
    "noisy_labels",
    "offline_rl",
    "representation",
    "semi_supervised",
    "show_versions",
    "solvers",
    "utils",
]
