# SPDX-License-Identifier: BSD-3-Clause
"""Find every estimator and every public name of the library."""

import inspect
import pkgutil
from importlib import import_module

from sklearn.base import (
    BaseEstimator,
    is_classifier,
    is_clusterer,
    is_outlier_detector,
    is_regressor,
)

import sklearn_theory

__all__ = ["all_estimators", "all_public"]

_TYPES = {
    "classifier": is_classifier,
    "regressor": is_regressor,
    "clusterer": is_clusterer,
    "outlier_detector": is_outlier_detector,
    "transformer": lambda estimator: hasattr(estimator, "transform"),
}


def all_public(package=sklearn_theory):
    """List every public object of a package and of its public subpackages.

    Public is what a subpackage names in ``__all__``. Optional packages need not be
    installed: public classes import them only when they are used.

    Parameters
    ----------
    package : module, default=sklearn_theory
        The package to walk.

    Returns
    -------
    public : list of (str, object)
        Pairs of a qualified name, such as
        ``"sklearn_theory.linear_model.SharedVarianceNB"``, and the object.

    Examples
    --------
    >>> from sklearn_theory.utils.discovery import all_public
    >>> "sklearn_theory.utils.TheoryReport" in dict(all_public())
    True
    """
    public = []
    for module_info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if module_info.name.rpartition(".")[2].startswith("_"):
            continue
        module = import_module(module_info.name)
        names = getattr(module, "__all__", [])
        public += [
            (f"{module_info.name}.{name}", getattr(module, name)) for name in names
        ]
        if module_info.ispkg:
            public += all_public(module)
    return sorted(dict(public).items())


def all_estimators(type_filter=None):
    """List every public estimator of the library.

    Parameters
    ----------
    type_filter : {"classifier", "regressor", "clusterer", "outlier_detector", \
            "transformer"} or list of such str, default=None
        Which kinds to return; None returns all.

    Returns
    -------
    estimators : list of (str, class)
        The name and the class of each estimator, sorted by name.

    Raises
    ------
    ValueError
        If `type_filter` names an unknown kind.

    Examples
    --------
    >>> from sklearn_theory.utils.discovery import all_estimators
    >>> "LokiClassifier" in dict(all_estimators(type_filter="classifier"))
    True
    """
    kinds = [type_filter] if isinstance(type_filter, str) else type_filter
    unknown = set(kinds or ()) - set(_TYPES)
    if unknown:
        raise ValueError(
            f"type_filter must be one of {sorted(_TYPES)} or a list of these, "
            f"got {sorted(unknown)}."
        )
    found = {value.__name__: value for _, value in all_public() if _is_estimator(value)}
    return [
        (name, found[name])
        for name in sorted(found)
        if kinds is None or any(_TYPES[kind](found[name]()) for kind in kinds)
    ]


def _is_estimator(value):
    return (
        inspect.isclass(value)
        and issubclass(value, BaseEstimator)
        and hasattr(value, "fit")
        and not inspect.isabstract(value)
    )
