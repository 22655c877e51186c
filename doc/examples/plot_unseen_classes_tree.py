# SPDX-License-Identifier: BSD-3-Clause
"""
Unseen classes on a tree
========================

A tree of classes, of which a classifier saw only a few. ``argmax`` answers with classes that
it saw; the Fréchet mean over the tree also answers with classes *between* them, from the same
probabilities (`arXiv 2307.12226 <https://arxiv.org/abs/2307.12226>`_).
"""

# %%
# A tree, its classes, and the few that were observed
# ---------------------------------------------------
#
# The mean of each class is the mean of its parent plus noise, as in evolution.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from sklearn_theory.datasets import make_tree_classification
from sklearn_theory.label_space import (
    LokiClassifier,
    TreeMetric,
    squared_distance_score,
)

print("To be completed when the generator stands.")
