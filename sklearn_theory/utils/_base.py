# SPDX-License-Identifier: BSD-3-Clause
"""The base class of every public estimator: only what is universal."""

import warnings

from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import InconsistentVersionWarning

from .._version import __version__

DOCUMENTATION_URL = "https://sklearn-theory.readthedocs.io/en/stable"

_VERSION_KEY = "_sklearn_theory_version"


class TheoryEstimator(CallbackSupportMixin, BaseEstimator):
    """Base class of the library's estimators.

    It adds three things to :class:`sklearn.base.BaseEstimator`: callbacks can be set
    on every estimator, the HTML representation links to the library's own API pages,
    and a pickle carries the version of the library that wrote it.

    Subclasses implement ``theory_report(X, y)``, which evaluates the assumptions and
    the promises of the method's paper on the user's data and returns a
    :class:`~sklearn_theory.utils.TheoryReport`.
    """

    _doc_link_module = "sklearn_theory"
    _doc_link_template = (
        DOCUMENTATION_URL + "/api/generated/{estimator_module}.{estimator_name}.html"
    )

    def __getstate__(self):
        return {**super().__getstate__(), _VERSION_KEY: __version__}

    def __setstate__(self, state):
        state = dict(state)
        pickled_version = state.pop(_VERSION_KEY, "unknown")
        if pickled_version != __version__:
            warnings.warn(
                _VersionWarning(type(self).__name__, pickled_version), stacklevel=2
            )
        super().__setstate__(state)


class _VersionWarning(InconsistentVersionWarning):
    """A pickle of another version of this library, told in its own words."""

    def __init__(self, estimator_name, pickled_version):
        super().__init__(
            estimator_name=estimator_name,
            current_sklearn_version=__version__,
            original_sklearn_version=pickled_version,
        )

    def __str__(self):
        return (
            f"{self.estimator_name} was pickled by sklearn_theory "
            f"{self.original_sklearn_version} and is being loaded by "
            f"{self.current_sklearn_version}: its results may differ. Fit it again, "
            "or load it with the version that wrote it."
        )
