# SPDX-License-Identifier: BSD-3-Clause
"""Packages that only some estimators need."""

from importlib import import_module


def import_optional(module, *, needed_by, extra):
    """Import an optional package, or say how to get it.

    Parameters
    ----------
    module : str
        Name of the module to import.

    needed_by : str
        The class or function that needs it, as it stands in the error message.

    extra : str
        The extra of this library that installs the package.

    Returns
    -------
    imported : module
        The imported module.

    Raises
    ------
    ImportError
        If the package is not installed; the message names the extra.

    Examples
    --------
    >>> from sklearn_theory.utils import import_optional
    >>> import_optional("json", needed_by="this example", extra="test").dumps([1])
    '[1]'
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{needed_by} needs {package}, which is not installed or cannot be "
            f'imported. Install it with: pip install "sklearn_theory[{extra}]"'
        ) from error


def import_networks(module, *, needed_by):
    """Import a file of this library that imports torch, or say how to get torch.

    Parameters
    ----------
    module : str
        Full name of the file, such as ``"sklearn_theory.utils._torch_training"``.

    needed_by : str
        The class that needs it, as it stands in the error message.

    Returns
    -------
    imported : module
        The imported file.

    Raises
    ------
    ImportError
        If torch or skorch is not installed; the message names the extra.
    """
    for package in ("torch", "skorch"):
        import_optional(package, needed_by=needed_by, extra="torch")
    return import_module(module)
