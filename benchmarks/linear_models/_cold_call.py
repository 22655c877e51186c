# SPDX-License-Identifier: BSD-3-Clause
"""The first and the second fit of an estimator in a new process, as a line of JSON.

``python _cold_call.py MODULE CLASS KIND PARAMETERS`` with KIND "dense" or "sparse" and
PARAMETERS in JSON; the environment decides where numba keeps its cache.
"""

import importlib
import json
import sys
import time
import warnings


def main(module, name, kind, parameters):
    import numpy as np
    import sklearn.linear_model  # noqa: F401 - what every user has imported
    from scipy import sparse

    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((200, 500)))
    y = X[:, :5].sum(axis=1) + rng.standard_normal(200)
    if kind == "sparse":
        X = sparse.csc_matrix(np.where(np.abs(X) > 1.5, X, 0.0))
    if "Logistic" in name:
        y = np.where(y > 0, 1, -1)
    warnings.simplefilter("ignore")
    started = time.process_time()
    estimator = getattr(importlib.import_module(module), name)
    imported = time.process_time()
    estimator(**json.loads(parameters)).fit(X, y)
    first = time.process_time()
    estimator(**json.loads(parameters)).fit(X, y)
    second = time.process_time()
    seconds = {"import": imported - started, "first": first - imported}
    print(json.dumps(seconds | {"second": second - first}))


if __name__ == "__main__":
    main(*sys.argv[1:])
