# SPDX-License-Identifier: BSD-3-Clause
"""The fused sweep against scipy and numpy, and a whole fit given the graph.

Rows lie in ten clusters in three dimensions, turned into sixteen, so that exact
neighbours are found fast; their order is random. A sweep is compared with the matrix
product, softmax and objective that it computes, in the same precision. The whole fit is
that of a million rows; each runs in a process of its own, whose largest memory is read.
Times are CPU seconds of one thread.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
from scipy import sparse  # noqa: E402
from scipy.spatial import cKDTree  # noqa: E402

N_CLUSTERS, N_NEIGHBORS, N_FEATURES = 10, 5, 16
TARGET_ROWS = 500_000
THREE_TIMES = "3 times as fast as scipy and numpy"
AS_K_MEANS = "at most 1.5 times KMeans"
UNDER_A_MINUTE = "under 60 s and 2 GB"


def main(quick=False):
    rows = [
        time_sweep(n_rows, dtype, order)
        for n_rows in ((20_000, 50_000) if quick else (50_000, 500_000))
        for dtype in (np.float32, np.float64)
        for order in ("random", "by place")
    ]
    sizes = (10_000, 50_000) if quick else (10_000, 100_000, 1_000_000)
    for method in METHODS:
        rows += [in_own_process(method, n_rows) for n_rows in sizes]
    judge_k_means(rows)
    for row in rows:
        print(*row.values(), sep="  ")
    return rows


# --------------------------------------------------------------------------- data
def draw_rows(n_rows, *, by_place=False):
    """Draw rows and the weights of their nearest neighbours, one in each direction."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(-8, 8, (N_CLUSTERS, 3))
    points = centres[rng.integers(N_CLUSTERS, size=n_rows)]
    points += rng.standard_normal((n_rows, 3))
    if by_place:
        points = points[cKDTree(points).indices]
    _, nearest = cKDTree(points).query(points, N_NEIGHBORS + 1, workers=-1)
    turn = np.linalg.qr(rng.standard_normal((N_FEATURES, N_FEATURES)))[0][:3]
    places = np.arange(n_rows + 1, dtype=np.int32) * N_NEIGHBORS
    weights = sparse.csr_array(
        (
            np.ones(n_rows * N_NEIGHBORS, dtype=np.float32),
            nearest[:, 1:].ravel().astype(np.int32),
            places,
        ),
        shape=(n_rows, n_rows),
    )
    return (points @ turn).astype(np.float32), weights


# --------------------------------------------------------------------------- sweep
def time_sweep(n_rows, dtype, order):
    from sklearn_theory.solvers._prototype_distortions import make_distortion
    from sklearn_theory.solvers._transductive_rows import InMemoryRows

    X, weights = draw_rows(n_rows, by_place=order == "by place")
    X, weights = X.astype(dtype), weights.astype(dtype)
    rows = InMemoryRows(
        X,
        weights,
        np.zeros(n_rows),
        np.full(n_rows, -1),
        N_CLUSTERS,
        make_distortion("means"),
        laplacian=0.5,
        entropy=1.0,
        prototype="hard",
    )
    cost = rows.costs(X[:N_CLUSTERS])
    state = rows.start(cost)
    ours = best_time(lambda: rows.sweep(cost, state, full=True, threshold=1e-4))
    plain_cost, S = rows.distortion.cost(X, X[:N_CLUSTERS]), rows.assignments(state)
    peer = best_time(lambda: plain_sweep(weights, plain_cost, S))
    after, _ = rows.sweep(cost, state, full=True, threshold=1e-4)
    plain = plain_sweep(weights, plain_cost, S)[0]
    difference = np.abs(rows.assignments(after) - plain).max()
    return row_of(
        "sweep",
        n_rows,
        f"{np.dtype(dtype).name}, {order} order",
        ours,
        peer,
        target=THREE_TIMES if n_rows >= TARGET_ROWS else "",
        met=peer >= 3 * ours if n_rows >= TARGET_ROWS else None,
        note=f"largest difference {difference:.1e}",
    )


def plain_sweep(weights, cost, S):
    """Do with scipy and numpy what a sweep does, the objective included."""
    pull = weights @ S
    coupling = np.einsum("pk,pk->", S, pull, dtype=np.float64)
    logits = 0.5 * pull - cost
    logits -= logits.max(axis=1, keepdims=True)
    new = np.exp(logits)
    totals = new.sum(axis=1, keepdims=True)
    new /= totals
    logits -= np.log(totals)
    separable = np.einsum("pk,pk->", new, cost + logits, dtype=np.float64)
    moved = np.abs(new - S).max(axis=1) > 1e-4
    return new, separable, coupling, moved


def best_time(function, n_repeats=5):
    times = []
    for _ in range(n_repeats + 1):
        began = time.process_time()
        function()
        times.append(time.process_time() - began)
    return min(times[1:])


# --------------------------------------------------------------------------- fits
def fit_clustering(X, W, laplacian):
    from sklearn_theory.cluster import TransductiveClustering

    model = TransductiveClustering(N_CLUSTERS, laplacian=laplacian, random_state=0)
    if laplacian > 0:
        model.set_params(affinity="precomputed").fit(X, W=W)
    else:
        model.fit(X)
    return f"{model.n_iter_} iterations, {model.inner_iters_.sum()} sweeps"


def fit_k_means(X, W):
    from sklearn.cluster import KMeans

    return f"{KMeans(N_CLUSTERS, n_init=1, random_state=0).fit(X).n_iter_} iterations"


METHODS = {
    "TransductiveClustering": lambda X, W: fit_clustering(X, W, 0.5),
    "TransductiveClustering, laplacian=0": lambda X, W: fit_clustering(X, W, 0.0),
    "KMeans": fit_k_means,
}


def in_own_process(method, n_rows):
    call = [sys.executable, __file__, "--worker", method, str(n_rows)]
    answer = subprocess.run(call, check=True, capture_output=True, text=True).stdout
    seconds, gigabytes, note = json.loads(answer.splitlines()[-1])
    is_main = method == "TransductiveClustering"
    return row_of(
        method,
        n_rows,
        "float32, graph given",
        seconds,
        None,
        target=UNDER_A_MINUTE if is_main else "",
        met=seconds < 60 and gigabytes < 2 if is_main else None,
        gigabytes=gigabytes,
        note=note,
    )


def work(method, n_rows):
    X, W = draw_rows(n_rows)
    few = slice(0, 2000)
    METHODS[method](X[few], W[few][:, few])
    began = time.process_time()
    note = METHODS[method](X, W)
    seconds = time.process_time() - began
    print(json.dumps([seconds, peak_gigabytes(), note]))


def peak_gigabytes():
    """Read the largest memory of this process; what its parent held does not count."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e9
    return float("nan")


def judge_k_means(rows):
    """Set K-means with a graph of no weight against scikit-learn's."""
    peers = {row["rows"]: row["s"] for row in rows if row["what"] == "KMeans"}
    for row in rows:
        if row["what"].endswith("laplacian=0"):
            peer = peers[row["rows"]]
            row.update(peer_s=peer, peer_over_ours=peer / row["s"])
            row.update(target=AS_K_MEANS, met=row["s"] <= 1.5 * peer)


def row_of(what, n_rows, kind, ours, peer, *, target, met, gigabytes=None, note=""):
    return {
        "what": what,
        "rows": n_rows,
        "kind": kind,
        "s": ours,
        "peer_s": peer,
        "peer_over_ours": None if peer is None else peer / ours,
        "peak_GB": gigabytes,
        "note": note,
        "target": target,
        "met": met,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker[0], int(arguments.worker[1]))
    else:
        main(quick=arguments.quick)
