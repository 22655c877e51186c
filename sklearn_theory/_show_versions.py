# SPDX-License-Identifier: BSD-3-Clause
"""What a bug report needs to know."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from ._version import __version__

CORE_PACKAGES = ("scikit-learn", "numpy", "scipy", "numba", "joblib", "lazy-loader")
OPTIONAL_PACKAGES = (
    "torch",
    "skorch",
    "dask",
    "distributed",
    "pynndescent",
    "gymnasium",
    "minari",
    "pandas",
    "matplotlib",
)


def show_versions():
    """Print the versions of the library, of Python and of what the library uses.

    Nothing is imported for it, so that it also works where an installed package
    cannot be imported.

    Examples
    --------
    >>> import sklearn_theory
    >>> sklearn_theory.show_versions()  # doctest: +SKIP
    """
    print(f"sklearn_theory  {__version__}")
    print(f"python          {sys.version.split()[0]}")
    print(f"platform        {platform.platform()}")
    for package in CORE_PACKAGES + OPTIONAL_PACKAGES:
        print(f"{package:<15} {_installed_version(package)}")


def _installed_version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
