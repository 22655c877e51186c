# SPDX-License-Identifier: BSD-3-Clause
"""Every public docstring passes numpydoc's validation; there is no allow-list."""

import configparser
import inspect
from pathlib import Path

import pytest
from numpydoc.validate import validate

from sklearn_theory.utils.discovery import all_public

PUBLIC = dict(all_public())


def ignored_checks():
    config = configparser.ConfigParser()
    config.read(Path(__file__).parents[1] / "setup.cfg")
    return set(config["tool:numpydoc_validation"]["ignored_checks"].split())


def is_documented_here(value):
    return getattr(value, "__module__", "").startswith("sklearn_theory") and (
        inspect.isclass(value) or inspect.isfunction(value)
    )


def public_methods(cls):
    """Names of the methods that the class or a base in this library defines."""
    for name in dir(cls):
        method = inspect.unwrap(
            getattr(inspect.getattr_static(cls, name), "fn", getattr(cls, name))
        )
        if (
            not name.startswith("_")
            and inspect.isfunction(method)
            and method.__module__.startswith("sklearn_theory")
        ):
            yield name


def documented_names():
    for name, value in PUBLIC.items():
        if not is_documented_here(value):
            continue
        yield name
        if inspect.isclass(value):
            yield from (f"{name}.{method}" for method in public_methods(value))


@pytest.mark.parametrize("name", list(documented_names()))
def test_numpydoc_validation(name):
    ignored = ignored_checks()
    errors = [
        f"{code}: {message}"
        for code, message in validate(name)["errors"]
        if code not in ignored
    ]
    assert not errors, "\n".join([name, *errors])


@pytest.mark.parametrize(
    "name", [name for name, value in PUBLIC.items() if is_documented_here(value)]
)
def test_public_names_stand_in_the_api_reference(name):
    reference = Path(__file__).parents[1] / "doc" / "api" / "index.rst"
    assert name in reference.read_text().split()
