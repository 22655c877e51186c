# SPDX-License-Identifier: BSD-3-Clause
"""ISogCLR against plain SimCLR: a step's time and memory, probes, retrieval, growth.

The peer of a step is a loop in plain torch with the same network, optimiser and
augmentations, whose loss is the cross-entropy of finding the positive. Times are CPU
seconds of one thread, the best of interleaved repeats; memory is the peak of the tensors
that are alive during forward and backward pass, inputs and network aside.
"""

import argparse
import time
import weakref

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sklearn_theory.representation import ISogCLR, RGCLoss
from sklearn_theory.representation._isogclr_torch import make_contrastive_net
from sklearn_theory.utils._torch_net import Batches, Rows
from sklearn_theory.utils._torch_training import train

MOST = 1.1
OF_IMAGES = {
    "n_components": 128,
    "image_shape": (8, 8),
    "max_iter": 80,
    "gamma": 0.9,
    "beta": 0.9,
}
OF_HALVES = {
    "mode": "bimodal",
    "n_components": 32,
    "hidden_layer_sizes": (128,),
    "projection_sizes": (),
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "max_iter": 60,
}


def main(quick=False):
    torch.set_num_threads(1)
    repeats = 20 if quick else 100
    seeds = range(1) if quick else range(3)
    rows = [compare_losses(size, repeats) for size in (128, 256, 512)]
    rows += [compare_steps(size, 10 if quick else 40) for size in (128, 256, 512)]
    rows += probe_rows(seeds)
    rows += retrieval_rows(seeds)
    rows += growth_rows((1_000, 4_000, 16_000))
    for row in rows:
        print({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
    return rows


def make_row(part, setting, measure, ours, peer, peers, target="", met=None, **memory):
    return {
        "part": part,
        "setting": setting,
        "measured": measure,
        "ISogCLR": ours,
        "peer": peer,
        "peer's": peers,
        "ISogCLR, MB": memory.get("ours_mb"),
        "peer, MB": memory.get("peer_mb"),
        "target": target,
        "met": met,
    }


def cross_entropy(z1, z2, temperature=0.1):
    """The loss of SimCLR."""
    z = torch.cat([z1, z2])
    logits = z @ z.T / temperature
    logits.fill_diagonal_(-torch.inf)
    return F.cross_entropy(logits, torch.arange(len(z)).roll(len(z1)))


class PeakMemory(TorchDispatchMode):
    """Follows how many bytes of tensors are alive."""

    def __init__(self):
        super().__init__()
        self.alive, self.now, self.peak = set(), 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        outputs = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(outputs):
            if isinstance(tensor, torch.Tensor):
                self._follow(tensor.untyped_storage())
        return outputs

    def _follow(self, storage):
        address = storage.data_ptr()
        if address in self.alive or address == 0:
            return
        self.alive.add(address)
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, address, storage.nbytes())

    def _forget(self, address, size):
        self.alive.discard(address)
        self.now -= size


def peak_megabytes(function):
    with PeakMemory() as memory:
        function()
    return memory.peak / 2**20


def compare_losses(batch_size, repeats, n_components=64):
    generator = torch.Generator().manual_seed(0)
    shape = (2, batch_size, n_components)
    views = F.normalize(torch.randn(shape, generator=generator), dim=2).requires_grad_()
    loss, index = RGCLoss(10_000), torch.arange(batch_size)

    def ours():
        loss(views[0], views[1], index).backward()

    def plain():
        cross_entropy(views[0], views[1]).backward()

    seconds = best_times([ours, plain], repeats)
    ours_mb, peer_mb = peak_megabytes(ours), peak_megabytes(plain)
    return make_row(
        "loss and its gradient",
        f"batch {batch_size}, width {n_components}",
        "ms",
        1e3 * seconds[0],
        "cross-entropy",
        1e3 * seconds[1],
        ours_mb=ours_mb,
        peer_mb=peer_mb,
        target="memory no higher" if batch_size == 256 else "",
        met=bool(ours_mb <= peer_mb) if batch_size == 256 else None,
    )


def compare_steps(batch_size, repeats, n_samples=2_560, n_features=64):
    """Time epochs of training, and report them for each step."""
    X = np.random.default_rng(0).normal(size=(n_samples, n_features)).astype("f")
    model = ISogCLR(batch_size=batch_size, random_state=0)
    nets = [make_contrastive_net(model, X, None) for _ in range(2)]
    n_steps = len(Batches(Rows(X), batch_size))

    def ours():
        train(nets[0], X, estimator=model, context=None, max_iter=1)

    def plain():
        plain_epochs(nets[1], X, batch_size, 1)

    seconds = np.array(best_times([ours, plain], repeats)) / n_steps
    ratio = seconds[0] / seconds[1]
    return make_row(
        "training step",
        f"batch {batch_size}, {n_features}-256-64-64",
        "ms",
        float(1e3 * seconds[0]),
        "SimCLR in plain torch",
        float(1e3 * seconds[1]),
        target=f"at most {MOST} times" if batch_size == 256 else "",
        met=bool(ratio <= MOST) if batch_size == 256 else None,
    )


def plain_epochs(net, X, batch_size, n_epochs):
    """What a person would write: the same module, views and optimiser, no more."""
    module, optimizer = net.module_, net.optimizer_
    module.train()
    X = torch.from_numpy(X)
    for _ in range(n_epochs):
        order = torch.randperm(len(X), generator=net.randomness_.order)
        for batch in order.split(batch_size):
            views = net.views(X[batch], net.generator_)
            loss = cross_entropy(*module(*views))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()


def best_times(functions, repeats):
    """Best seconds of each, the functions taking turns."""
    times = [[] for _ in functions]
    for repeat in range(repeats + 1):
        for function, own in zip(functions, times):
            started = time.process_time()
            function()
            if repeat:
                own.append(time.process_time() - started)
    return [min(own) for own in times]


def long_tailed_digits(seed):
    """Classes that shrink to a twentieth, in random order, and a balanced test set."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        X / 16, y, test_size=0.4, stratify=y, random_state=seed
    )
    rng = np.random.default_rng(seed)
    sizes = np.round(np.bincount(y).min() * 20 ** (-np.arange(10) / 9)).astype(int)
    rows = [
        rng.permutation(np.flatnonzero(y == label))[:size]
        for label, size in zip(rng.permutation(10), sizes)
    ]
    rows = np.sort(np.concatenate(rows))
    return X[rows], y[rows], X_test, y_test


def probe(seed, **parameters):
    """Accuracy of a linear probe, and how temperatures go with frequency."""
    X, y, X_test, y_test = long_tailed_digits(seed)
    model = ISogCLR(random_state=seed, **OF_IMAGES, **parameters).fit(X)
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    accuracy = head.fit(model.transform(X), y).score(model.transform(X_test), y_test)
    means = [model.temperatures_[y == label].mean() for label in range(10)]
    if parameters.get("loss", "rgcl") != "rgcl":
        return accuracy, np.nan
    return accuracy, spearmanr(np.bincount(y), means)[0]


def probe_rows(seeds):
    fixed = {
        f"{name}, temperature {t}": {"loss": loss, "temperature_init": t}
        for name, loss in (("SimCLR", "infonce"), ("SogCLR", "gcl"))
        for t in (0.05, 0.1, 0.3, 0.5, 1.0)
    }
    peers = {k: np.mean([probe(s, **v)[0] for s in seeds]) for k, v in fixed.items()}
    best, worst = max(peers, key=peers.get), min(peers, key=peers.get)
    rows = []
    for rho in (0.1, 0.3, 0.6):
        results = [probe(s, rho=rho, temperature_init=0.3) for s in seeds]
        accuracy, order = np.mean(results, axis=0)
        setting = f"long-tailed digits, rho {rho}"
        rows.append(
            make_row(
                "linear probe",
                setting,
                "accuracy",
                float(accuracy),
                f"best: {best}",
                float(peers[best]),
                target="at most .02 below the best fixed temperature",
                met=bool(accuracy >= peers[best] - 0.02),
            )
        )
        rows.append(
            make_row(
                "temperature by frequency",
                setting,
                "rank correlation",
                float(order),
                "",
                None,
                target="above .35",
                met=bool(order > 0.35),
            )
        )
    rows.append(
        make_row(
            "linear probe",
            "long-tailed digits, rho 0.3",
            "accuracy",
            rows[2]["ISogCLR"],
            f"worst: {worst}",
            float(peers[worst]),
        )
    )
    return rows


def recall(seed, **parameters):
    """Share of top halves of digits that find their bottom half among ten."""
    X = load_digits().data / 16
    order = np.random.default_rng(seed).permutation(len(X))
    model = ISogCLR(random_state=seed, **OF_HALVES, **parameters)
    return model.fit(X[order[500:]]).retrieval_score(X[order[:500]], k=10)


def retrieval_rows(seeds):
    def mean(**parameters):
        return float(np.mean([recall(seed, **parameters) for seed in seeds]))

    ours = mean(rho=1.0, temperature_init=0.05)
    peers = {
        ("SogCLR", 0.05, 0.03): mean(loss="gcl", temperature_init=0.05),
        ("CLIP", 0.05, 0.01): mean(loss="infonce", temperature_init=0.05),
        ("CLIP", 0.2, None): mean(loss="infonce", temperature_init=0.2),
    }
    return [
        make_row(
            "retrieval",
            "halves of digits, rho 1, from temperature 0.05",
            "recall at 10",
            ours,
            f"{name}, temperature {temperature}",
            value,
            target="" if margin is None else f"better by {margin}",
            met=None if margin is None else bool(ours >= value + margin),
        )
        for (name, temperature, margin), value in peers.items()
    ]


def growth_rows(sizes):
    """An epoch, and exact temperatures of 100 rows, from the fewest to the most rows."""
    seconds = [growth_times(size) for size in sizes]
    factor = sizes[-1] / sizes[0]
    rows = []
    for name, times in zip(
        ("an epoch", "exact temperatures of 100 rows"), zip(*seconds)
    ):
        for size, value in zip(sizes, times):
            rows.append(
                make_row("growth", f"{name}, {size:,} rows", "s", value, "", None)
            )
        rows[-1]["target"] = (
            f"at most {1.5 * factor:.0f} times that of {sizes[0]:,} rows"
        )
        rows[-1]["met"] = bool(times[-1] <= 1.5 * factor * times[0])
    return rows


def growth_times(n_samples):
    X = np.random.default_rng(0).normal(size=(n_samples, 64)).astype("f")
    model = ISogCLR(max_iter=1, random_state=0).fit(X)
    epoch, exact = best_times(
        [
            lambda: train(model._net, X, estimator=model, context=None, max_iter=1),
            lambda: model.solve_temperatures(X[:100]),
        ],
        3,
    )
    return epoch, exact


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    main(parser.parse_args().quick)
