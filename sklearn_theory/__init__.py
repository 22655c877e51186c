# SPDX-License-Identifier: BSD-3-Clause
"""Papers on the theory and practice of learning as scikit-learn estimators.

Each subpackage is a room named after a task; the estimators in it are loaded when they
are first used, so that ``import sklearn_theory`` stays light.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
