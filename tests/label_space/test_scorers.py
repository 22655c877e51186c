# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB

from sklearn_theory.label_space import (
    TreeMetric,
    make_metric_scorer,
    squared_distance_score,
)


def test_complete_metric_counts_mistakes(rng):
    y, other = rng.integers(4, size=(2, 100))
    score = squared_distance_score(y, other, "complete", labels=range(4))
    assert score == np.mean(y != other)


def test_path_metric_is_the_squared_error(rng):
    y, other = rng.integers(9, size=(2, 100))
    score = squared_distance_score(y, other, "path", labels=range(9))
    assert score == np.mean((y - other) ** 2)


def test_labels_may_be_strings_in_any_order():
    tree = TreeMetric.from_edges([("z", "a"), ("z", "b")])
    labels = tree.label_names
    assert squared_distance_score(["a", "z"], ["b", "z"], tree, labels) == 2.0


def test_weights_equal_rows_given_twice(rng):
    y, other = rng.integers(5, size=(2, 30))
    weight = rng.integers(0, 3, 30)
    np.testing.assert_allclose(
        squared_distance_score(y, other, "path", range(5), sample_weight=weight),
        squared_distance_score(
            np.repeat(y, weight), np.repeat(other, weight), "path", range(5)
        ),
    )


def test_scorer_is_negated_and_works_in_cross_validation():
    X, y = load_iris(return_X_y=True)
    scorer = make_metric_scorer("path", labels=[0, 1, 2])
    model = GaussianNB().fit(X, y)
    expected = -squared_distance_score(y, model.predict(X), "path", labels=[0, 1, 2])
    assert scorer(model, X, y) == expected
    scores = cross_val_score(GaussianNB(), X, y, scoring=scorer, cv=3)
    assert np.all((scores <= 0) & (scores > -0.2))


def test_refusals():
    with pytest.raises(ValueError, match="y_pred holds 7, which is not among the 3"):
        squared_distance_score([0, 1], [0, 7], "path", labels=range(3))
    with pytest.raises(ValueError, match="labels holds 1 twice"):
        squared_distance_score([0, 1], [0, 1], "path", labels=[0, 1, 1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        squared_distance_score([0, 1], [0], "path", labels=range(3))
