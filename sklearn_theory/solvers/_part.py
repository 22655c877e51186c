# SPDX-License-Identifier: BSD-3-Clause
"""What datafits, penalties, partitions, selections and updates have in common."""

import inspect
import re

_SECTION = re.compile(r"^(Parameters|Returns)\n-+$", re.MULTILINE)


class Part:
    """A part of block coordinate descent.

    Overriding methods have the parameters and results of what they override: their
    docstrings say in a line what is special, and are completed from the base class.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name, member in vars(cls).items():
            function = getattr(member, "__func__", member)
            if inspect.isfunction(function) and not name.startswith("_"):
                _complete(function, name, cls.__mro__[1:])


def _complete(function, name, bases):
    """Append the sections of the first base that documents the method."""
    own = inspect.cleandoc(function.__doc__ or "")
    if _SECTION.search(own):
        return
    for base in bases:
        inherited = inspect.cleandoc(getattr(vars(base).get(name), "__doc__", "") or "")
        sections = _SECTION.search(inherited)
        if sections:
            function.__doc__ = f"{own}\n\n{inherited[sections.start() :]}\n"
            return
