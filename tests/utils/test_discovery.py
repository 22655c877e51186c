# SPDX-License-Identifier: BSD-3-Clause
import pytest

from sklearn_theory.utils.discovery import all_estimators, all_public


def test_filters_by_kind():
    everything = dict(all_estimators())
    classifiers = dict(all_estimators(type_filter="classifier"))
    assert set(classifiers) <= set(everything)
    assert {"LokiClassifier", "NaiveBayesVsLogistic", "SharedVarianceNB"} <= set(
        classifiers
    )
    both = dict(all_estimators(type_filter=["classifier", "regressor"]))
    assert set(classifiers) <= set(both)


def test_refuses_an_unknown_kind():
    with pytest.raises(ValueError, match=r"type_filter must be one of .*\['cluster'\]"):
        all_estimators(type_filter="cluster")


def test_public_names_are_qualified_and_not_private():
    public = dict(all_public())
    assert "sklearn_theory.utils.TheoryReport" in public
    assert all(not part.startswith("_") for name in public for part in name.split("."))
