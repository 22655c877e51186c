# SPDX-License-Identifier: BSD-3-Clause
"""Find the parts of block coordinate descent by name.

A datafit, penalty, partition, selection or update is a class with a ``name`` in a module
of its subpackage. Nothing lists them: adding one touches its own file alone.
"""

import inspect
import pkgutil
from copy import copy
from functools import cache
from importlib import import_module


@cache
def discover(kind):
    """Collect the classes of one kind.

    Parameters
    ----------
    kind : {"datafits", "penalties", "partitions", "selections", "updates"}
        The subpackage to look into.

    Returns
    -------
    classes : dict of str to class
        The classes by name, in alphabetical order.
    """
    package = import_module(f"{__package__}._{kind}")
    found = {}
    for module_info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        module = import_module(module_info.name)
        for value in vars(module).values():
            if _is_part(value, module):
                found[value.name] = value
    return dict(sorted(found.items()))


def look_up(kind, name, parameter):
    """Find a class by name, or say which names there are.

    Parameters
    ----------
    kind : str
        The kind, as for :func:`discover`.

    name : str
        The name asked for.

    parameter : str
        The parameter that it was given in, for the error.

    Returns
    -------
    part : class
        The class of that name.
    """
    classes = discover(kind)
    if name not in classes:
        raise ValueError(f"{parameter} must be one of {sorted(classes)}, got {name!r}.")
    return classes[name]


def build(kind, given, parameter):
    """Make a part from its name, or copy the user's own, which stays unchanged.

    Parameters
    ----------
    kind : str
        The kind, as for :func:`discover`.

    given : str or object
        A name, or an instance.

    parameter : str
        The parameter that it was given in, for the error.

    Returns
    -------
    part : object
        An instance that may be set up.
    """
    if isinstance(given, str):
        return look_up(kind, given, parameter)()
    return copy(given)


def _is_part(value, module):
    return (
        inspect.isclass(value)
        and value.__module__ == module.__name__
        and isinstance(getattr(value, "name", None), str)
    )
