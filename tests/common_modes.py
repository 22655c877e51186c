# SPDX-License-Identifier: BSD-3-Clause
"""The tables behind test_common.py. An estimator need not be in any of them.

`MODES` holds the parameters in which an estimator is checked beside its defaults: one
dict for each mode whose code differs. `EXPECTED_FAILURES` holds, by estimator and
check, the reason for which scikit-learn's own counterpart fails the same check.
"""

MODES = {
    "LokiClassifier": [
        {"temperature": 0.5},
        {"temperature": "nll"},
        {"temperature": "distance"},
        {"top_k": 2},
    ],
    "NaiveBayesVsLogistic": [
        {"select": "naive_bayes"},
        {"select": "logistic"},
        {"select": "blend"},
        {"scaling": "standard"},
        {"scaling": None},
        {"learning_curve": True, "n_repeats": 2},
    ],
    "SharedVarianceNB": [{"smoothing": "relative"}],
}

EXPECTED_FAILURES: dict[str, dict[str, str]] = {}
