# SPDX-License-Identifier: BSD-3-Clause
"""The marks of scikit-learn's own tests, which our configuration does not know."""

import pytest

_MARK = pytest.mark


class Marks:
    """pytest's marks, and nothing for those that only scikit-learn registers."""

    def __getattr__(self, name):
        if name == "thread_unsafe":
            return lambda test: test
        return getattr(_MARK, name)
