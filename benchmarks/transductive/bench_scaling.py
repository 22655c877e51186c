# SPDX-License-Identifier: BSD-3-Clause
"""A whole fit against KMeans, SpectralClustering and LabelSpreading, as data grow.

Ten Gaussian clusters that overlap a little, 1e4 to 1e6 rows of 16 to 784 features in
float32. Every fit runs in a process of its own with a warm call before it, one thread,
and a limit of time: what does not finish is said so, and larger sizes of the same
dimension are then not tried. ``given graph`` leaves out the search for neighbours.

Then the same fit on Dask arrays with two worker processes, against one process.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

N_CLUSTERS, N_NEIGHBORS, LAPLACIAN = 10, 5, 1.0
SHARE_LABELLED = 0.01
SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (2_000, 10_000)
FEATURES, QUICK_FEATURES = (16, 128, 784), (16, 128)
LIMIT, QUICK_LIMIT = 900, 240  # seconds, with all that is compiled
TEN_TIMES_SPECTRAL = "10 times as fast as SpectralClustering"
UNDER_A_MINUTE = "under 60 s and 2 GB"


def main(quick=False):
    sizes, features = (QUICK_SIZES, QUICK_FEATURES) if quick else (SIZES, FEATURES)
    limit = QUICK_LIMIT if quick else LIMIT
    rows = []
    for n_features in features:
        block = all_methods(sizes, n_features, limit)
        rows += judged(block)
        rows += [growth(block, method) for method in METHODS]
    rows += over_dask(20_000 if quick else 200_000)
    for row in rows:
        print_row(row)
    return rows


# ------------------------------------------------------------------------- methods
def draw_clusters(n_samples, n_features):
    """Clusters whose centres are four standard deviations apart in any dimension."""
    rng = np.random.default_rng(0)
    spread = 4 / np.sqrt(2 * n_features)
    centres = spread * rng.standard_normal((N_CLUSTERS, n_features))
    y = rng.integers(N_CLUSTERS, size=n_samples)
    X = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    X += centres.astype(np.float32)[y]
    return X, y


def clustering(**parameters):
    from sklearn_theory.cluster import TransductiveClustering

    return TransductiveClustering(
        N_CLUSTERS,
        n_neighbors=N_NEIGHBORS,
        laplacian=LAPLACIAN,
        random_state=0,
        **parameters,
    )


def our_clustering(X, y):
    model = clustering()
    return lambda: model.fit(X).labels_, matched_accuracy


def our_clustering_given_graph(X, y):
    model = clustering(affinity="precomputed")
    graph = symmetric_neighbours(X)
    return lambda: model.fit(X, W=graph).labels_, matched_accuracy


def our_k_means(X, y):
    model = clustering().set_params(laplacian=0.0)
    return lambda: model.fit(X).labels_, matched_accuracy


def k_means(X, y):
    from sklearn.cluster import KMeans

    model = KMeans(N_CLUSTERS, n_init=1, random_state=0)
    return lambda: model.fit(X).labels_, matched_accuracy


def spectral_clustering(X, y):
    from sklearn.cluster import SpectralClustering

    model = SpectralClustering(
        N_CLUSTERS,
        affinity="nearest_neighbors",
        n_neighbors=N_NEIGHBORS + 1,
        random_state=0,
    )
    return lambda: model.fit(X).labels_, matched_accuracy


def our_classifier(X, y):
    from sklearn_theory.semi_supervised import TransductiveClassifier

    model = TransductiveClassifier(
        n_neighbors=N_NEIGHBORS,
        laplacian=LAPLACIAN,
        center=None,
        normalize=None,
        shift=False,
    )
    return classification(model, X, y)


def label_spreading(X, y):
    from sklearn.semi_supervised import LabelSpreading

    return classification(LabelSpreading(kernel="knn", n_neighbors=N_NEIGHBORS), X, y)


def classification(model, X, y):
    """Hide most labels, and measure accuracy on the hidden ones."""
    partial = np.where(np.arange(len(y)) < SHARE_LABELLED * len(y), y, -1)
    hidden = partial < 0
    return lambda: model.fit(X, partial).transduction_, (
        lambda found, truth: float(np.mean((found == truth)[hidden]))
    )


METHODS = {
    "TransductiveClustering": our_clustering,
    "TransductiveClustering, given graph": our_clustering_given_graph,
    "TransductiveClustering, laplacian 0": our_k_means,
    "KMeans": k_means,
    "SpectralClustering": spectral_clustering,
    "TransductiveClassifier, 1 % labelled": our_classifier,
    "LabelSpreading, 1 % labelled": label_spreading,
}


def matched_accuracy(found, truth):
    """Accuracy after the best matching of clusters to classes."""
    from scipy.optimize import linear_sum_assignment

    counts = np.zeros((N_CLUSTERS, N_CLUSTERS), dtype=int)
    np.add.at(counts, (found, truth), 1)
    return float(counts[linear_sum_assignment(-counts)].sum() / len(truth))


def symmetric_neighbours(X):
    """The graph that the estimators build."""
    from sklearn_theory.utils._affinities import make_affinity

    options = {"symmetrize": "mean", "neighbors": "auto", "random_state": 0}
    return make_affinity("knn", N_NEIGHBORS, **options).fit(X)


# ------------------------------------------------------------- one fit, one process
def measure(method, n_samples, n_features):
    """Fit once on few rows, so that all is compiled, and once in earnest."""
    few = draw_clusters(500, n_features)
    METHODS[method](*few)[0]()
    X, y = draw_clusters(n_samples, n_features)
    fit, accuracy = METHODS[method](X, y)
    before = peak_megabytes()
    started = time.perf_counter()
    found = fit()
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "peak MB": peak_megabytes(),
        "of which before, MB": before,
        "accuracy": accuracy(found, y),
    }


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_process(arguments, limit):
    """What `measure` returns in a new process, None if it does not finish."""
    command = [sys.executable, __file__, "--measure", json.dumps(arguments)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit, check=True)
    except subprocess.TimeoutExpired:
        return f"not finished in {limit} s"
    except subprocess.CalledProcessError as failure:
        lines = failure.stderr.decode().strip().splitlines()
        return f"failed: {lines[-1] if lines else failure}"
    return json.loads(done.stdout.decode().splitlines()[-1])


def all_methods(sizes, n_features, limit):
    """A row for each method and size; after a failure larger sizes are not tried."""
    rows = []
    for method in METHODS:
        note = ""
        for n_samples in sizes:
            result = None
            if not note:
                result = in_a_process([method, n_samples, n_features], limit)
                note = result if isinstance(result, str) else ""
            rows.append(row_of(method, n_samples, n_features, result, note))
    return rows


def row_of(method, n_samples, n_features, result, note):
    result = result if isinstance(result, dict) else {}
    return {
        "method": method,
        "rows": n_samples,
        "features": n_features,
        "seconds": result.get("seconds"),
        "peak MB": result.get("peak MB"),
        "of which before, MB": result.get("of which before, MB"),
        "accuracy": result.get("accuracy"),
        "note": note,
        "target": "",
        "met": None,
    }


# ------------------------------------------------------------------------- targets
def judged(rows):
    """Set the rows that have a target against their rivals."""
    seconds = {(row["method"], row["rows"]): row["seconds"] for row in rows}
    return [judge(row, seconds) for row in rows]


def judge(row, seconds):
    own, n_samples = row["seconds"], row["rows"]
    if own is None:
        return row
    rival = seconds.get(("SpectralClustering", n_samples))
    if row["method"] == "TransductiveClustering" and n_samples >= 100_000:
        met = None if rival is None else bool(rival >= 10 * own)
        return row | {"target": TEN_TIMES_SPECTRAL, "met": met}
    if row["method"].endswith("given graph") and n_samples == 1_000_000:
        met = bool(own < 60 and row["peak MB"] < 2048)
        return row | {"target": UNDER_A_MINUTE, "met": met}
    rival = seconds.get(("KMeans", n_samples))
    if row["method"].endswith("laplacian 0") and rival:
        met = bool(own <= 1.5 * rival)
        return row | {"target": "at most 1.5 times KMeans", "met": met}
    return row


def growth(rows, method):
    """How many times dearer the most rows are than the fewest."""
    done = [row for row in rows if row["method"] == method and row["seconds"]]
    if len(done) < 2:
        return dict.fromkeys(rows[0]) | {"method": f"growth of {method}"}
    first, last = done[0], done[-1]
    return dict.fromkeys(rows[0]) | {
        "method": f"growth of {method}",
        "rows": f"{first['rows']:,} to {last['rows']:,}",
        "features": first["features"],
        "seconds": last["seconds"] / first["seconds"],
        "peak MB": last["peak MB"] / first["peak MB"],
    }


# ---------------------------------------------------------------------------- Dask
def over_dask(n_samples, n_features=16):
    """The same fit, given the graph: in one process, and on two workers."""
    import dask.array as da
    from dask.distributed import Client, LocalCluster

    X, y = draw_clusters(n_samples, n_features)
    graph = symmetric_neighbours(X)
    model = clustering(init=X[:N_CLUSTERS], affinity="precomputed")
    model.fit(X, W=graph)
    local, seconds = timed(lambda: model.fit(X, W=graph).labels_)
    rows = [row_of("one process, given graph", n_samples, n_features, {}, "")]
    rows[0] |= {"seconds": seconds, "accuracy": matched_accuracy(local, y)}
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster),
    ):
        blocks = da.from_array(X, chunks=(n_samples // 2, -1)).persist()
        model.fit(blocks, W=graph)
        remote, seconds = timed(lambda: model.fit(blocks, W=graph).labels_)
    row = row_of("two Dask workers, given graph", n_samples, n_features, {}, "")
    row |= {"seconds": seconds, "accuracy": matched_accuracy(np.asarray(remote), y)}
    ratio = seconds / rows[0]["seconds"]
    row["note"] = f"{ratio:.2f} times the time of one process"
    row["target"] = "the same labels"
    row["met"] = bool(np.array_equal(np.asarray(remote), local))
    return [*rows, row]


def timed(function):
    started = time.perf_counter()
    result = function()
    return result, time.perf_counter() - started


def print_row(row):
    print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*json.loads(arguments.measure))))
    else:
        main(arguments.quick)
