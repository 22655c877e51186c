# SPDX-License-Identifier: BSD-3-Clause
"""The tables behind test_common.py. An estimator need not be in any of them.

`MODES` holds the parameters in which an estimator is checked beside its defaults: one
dict for each mode whose code differs. `EXPECTED_FAILURES` holds, by estimator and
check, the reason for which scikit-learn's own counterpart fails the same check.
"""

from sklearn.ensemble import RandomForestClassifier

SMALL_NETWORK = {
    "hidden_layer_sizes": (32,),
    "learning_rate_init": 0.02,
    "max_iter": 40,
    "random_state": 0,
}

MODES = {
    "BCDSolver": [
        {"penalty": "l1", "alpha": 1.0, "selection": "gs_q", "update": "prox_newton"},
        {
            "penalty": "elasticnet",
            "alpha": 1.0,
            "l1_ratio": 0.5,
            "partition": "sort",
            "selection": "gs_q",
            "update": "prox_gradient",
            "block_size": 2,
            "max_iter": 5000,
            "record": True,
        },
        {"bounds": (0, float("inf")), "selection": "gs_q", "update": "two_metric"},
        {
            "penalty": "l2",
            "alpha": 1.0,
            "partition": "sort",
            "selection": "gsl",
            "update": "gradient",
            "block_size": 2,
            "max_iter": 5000,
        },
        {
            "penalty": "l2",
            "alpha": 1.0,
            "selection": "cyclic",
            "update": "exact",
            "block_size": 2,
            "max_iter": 5000,
            "random_state": 0,
        },
        {"selection": "gsq_omp", "gradient_tracking": "full"},
    ],
    "ElasticNet": [
        {"alpha": 0.1, "positive": True},
        {"alpha": 0.1, "l1_ratio": 0.0, "fit_intercept": False, "tol": 1e-12},
    ],
    "ElasticNetCV": [{"l1_ratio": [0.5, 1.0]}, {"selection": "random"}],
    "GraphLabelPropagation": [
        {"conjugate": False},
        {"block_rule": "tree_partition"},
    ],
    "ISogCLR": [
        {"mode": "bimodal", "max_iter": 20, "output": "projection"},
        {"loss": "infonce", "max_iter": 20, "optimizer": "lars"},
    ],
    "Lasso": [
        {"alpha": 0.01, "selection": "random"},
        {"alpha": 0.01, "warm_start": True},
    ],
    "LokiClassifier": [
        {"temperature": 0.5},
        {"temperature": "nll"},
        {"temperature": "distance"},
        {"top_k": 2},
    ],
    "LassoCV": [{"positive": True}],
    "LogisticRegression": [
        {"l1_ratio": 1.0},
        {"l1_ratio": 0.5, "C": 0.1, "class_weight": "balanced"},
    ],
    "NaiveBayesVsLogistic": [
        {"select": "naive_bayes"},
        {"select": "logistic"},
        {"select": "blend"},
        {"scaling": "standard"},
        {"scaling": None},
        {"learning_curve": True, "n_repeats": 2},
    ],
    "SelfTrainer": [
        {"estimator": RandomForestClassifier(10, random_state=0), "noise": "weight"},
    ],
    "SharedVarianceNB": [{"smoothing": "relative"}],
    "TransductiveClassifier": [
        {"distortion": "modes", "affinity": "heat"},
        {"distortion": "medoid", "psd": "degree"},
        {"prototype": "soft", "entropy": 0.1, "center": None, "normalize": None},
        {"laplacian": 0.0, "shift": False},
    ],
    "TransductiveClustering": [
        {"distortion": "modes", "prototype": "soft", "psd": "degree"},
        {"distortion": "bo", "entropy": 0.1},
        {"distortion": "kernel", "affinity": "heat", "n_init": 2},
        {"laplacian": 0},
    ],
    "RCAL": [
        {"outlier": "lof", "beta": "auto", "covariance": "shrunk"},
        {"contamination": 0.2, "drop_outliers": False, "prior": "observed"},
        {"outlier": "trim", "covariance": "diag", "weights": "uniform"},
        {"individual": "anchor", "max_iter": 20},
    ],
    "BehaviorPolicy": [
        {"kind": "mdn", **SMALL_NETWORK},
        {"kind": "knn"},
        {"action_space": "discrete", **SMALL_NETWORK},
        {"action_space": "discrete", "kind": "knn"},
        {"action_space": "discrete", "kind": "tabular"},
    ],
    "DichotomyOfControl": [
        {"action_space": "continuous", "n_init": 1, **SMALL_NETWORK},
        {
            "latent": "gaussian",
            "encoder": "gru",
            "context_len": 2,
            "n_init": 1,
            **SMALL_NETWORK,
        },
    ],
    "DynamicsEnsemble": [
        {
            "n_members": 1,
            "n_elites": 1,
            "bootstrap": False,
            "learning_rate_init": 0.02,
            "random_state": 0,
        }
    ],
    "MBRCSL": [{"action_space": "discrete", "random_state": 0}],
    "RCSLPolicy": [
        {"head": "gaussian", **SMALL_NETWORK},
        {"head": "autoregressive", **SMALL_NETWORK},
        {"action_space": "discrete", **SMALL_NETWORK},
        {"action_space": "discrete", "head": "tabular"},
    ],
    "TabularDoC": [
        {"history": "markov", "beta": 0.0},
        {"history": "markov_time", "n_bins": 3},
        {"estimator": "energy", "n_latents": 2, "n_init": 1},
    ],
}

# scikit-learn exempts SelfTrainingClassifier from this check by its name.
_SIGNS = {
    "check_classifiers_classes": (
        "the labels are -1 and 1, of which -1 means unlabelled, as in scikit-learn"
    )
}

_FOREST = "the base, a random forest, fails it, in scikit-learn as well"

EXPECTED_FAILURES: dict[str, dict[str, str]] = {
    "CoTrainer": _SIGNS,
    "SelfTrainer": {
        **_SIGNS,
        "check_non_transformer_estimators_n_iter": (
            "n_iter_ is 0 where all rows are labelled, as that of SelfTrainingClassifier"
        ),
        "check_sample_weight_equivalence_on_dense_data": _FOREST,
        "check_sample_weight_equivalence_on_sparse_data": _FOREST,
    },
    "TriTrainer": _SIGNS,
}
