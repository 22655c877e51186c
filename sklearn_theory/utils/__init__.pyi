from . import discovery
from ._base import TheoryEstimator
from ._optional import import_optional
from ._theory_report import TheoryReport, TheoryRow

__all__ = [
    "TheoryEstimator",
    "TheoryReport",
    "TheoryRow",
    "discovery",
    "import_optional",
]
