# SPDX-License-Identifier: BSD-3-Clause
"""The decoding rules on torch, for probabilities and label spaces that fill a GPU."""

import numpy as np
from scipy import sparse

from ..utils._optional import import_optional
from ._base_metric import TIE_TOLERANCE


def open_torch(device):
    """Import torch and choose the device.

    Parameters
    ----------
    device : str or None
        A device of torch; "auto" takes CUDA where it is there; None is the CPU.

    Returns
    -------
    torch : module
        The module.

    device : torch.device
        The device.
    """
    torch = import_optional(
        "torch", needed_by="Decoding with backend='torch'", extra="torch"
    )
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch, torch.device(device or "cpu")


def table_decoder(metric, device):
    """Decode with products with squared distances.

    Parameters
    ----------
    metric : LabelMetric
        The metric; its ``sq_rows`` are computed chunk by chunk for each block of rows.

    device : str or None
        A device of torch.

    Returns
    -------
    decode : callable
        ``decode(P, observed)`` returns positions of labels.
    """
    torch, device = open_torch(device)

    def decode(P, observed):
        variance = torch.zeros(
            (P.shape[0], metric.n_labels), dtype=torch.float64, device=device
        )
        for columns, table in metric._sq_row_chunks(P, observed):
            weights = to_tensor(torch, P[:, columns], device)
            variance += weights @ torch.from_numpy(table).to(device)
        return lowest_argmin(torch, variance)

    return decode


def embedding_decoder(metric, device):
    """Decode to the vector that is nearest to the weighted mean.

    Parameters
    ----------
    metric : EmbeddingMetric
        The metric.

    device : str or None
        A device of torch.

    Returns
    -------
    decode : callable
        ``decode(P, observed)`` returns positions of labels.
    """
    torch, device = open_torch(device)
    E, squares = (torch.from_numpy(part).to(device) for part in metric._prepared())

    def decode(P, observed):
        P = to_tensor(torch, P, device)
        means = P @ E[torch.from_numpy(observed).to(device)]
        means /= P.sum(dim=1, keepdim=True)
        return lowest_argmin(torch, squares - 2 * means @ E.T)

    return decode


def tree_decoder(metric, device):
    """Decode on a tree, level by level for a whole block of rows.

    Parameters
    ----------
    metric : TreeMetric
        The metric.

    device : str or None
        A device of torch.

    Returns
    -------
    decode : callable
        ``decode(P, observed)`` returns positions of labels.
    """
    torch, device = open_torch(device)
    tree = metric._prepared()
    parents = torch.from_numpy(tree.parents).to(device)
    lengths = torch.from_numpy(tree.lengths).to(device)
    label_nodes = torch.from_numpy(tree.label_nodes).to(device)
    levels = [
        torch.from_numpy(level).to(device) for level in nodes_by_depth(tree.depth)
    ]

    def decode(P, observed):
        P = to_tensor(torch, P, device)
        S0 = torch.zeros((len(P), len(parents)), dtype=P.dtype, device=device)
        S0[:, label_nodes[torch.from_numpy(observed).to(device)]] = P
        variance = variance_by_level(torch, S0, parents, lengths, levels)
        return lowest_argmin(torch, variance[:, label_nodes])

    return decode


def nodes_by_depth(depth):
    """The nodes of each depth, from the root down."""
    order = np.argsort(depth, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(depth[order])) + 1)


def variance_by_level(torch, S0, parents, lengths, levels):
    """Fréchet variance of every node; the twin of the compiled passes.

    Parameters
    ----------
    torch : module
        The module.

    S0 : tensor of shape (n_samples, n_nodes)
        Weights on the nodes; overwritten by those of their subtrees.

    parents, lengths : tensor of shape (n_nodes,)
        The tree.

    levels : list of tensor
        The nodes of each depth.

    Returns
    -------
    variance : tensor of shape (n_samples, n_nodes)
        The variances.
    """
    total = S0.sum(dim=1, keepdim=True)
    S1, F = torch.zeros_like(S0), torch.zeros_like(S0)
    for level in reversed(levels[1:]):
        up, length, inside = parents[level], lengths[level], S0[:, level]
        F[:, :1] += (length * (2 * S1[:, level] + length * inside)).sum(1, keepdim=True)
        S1.index_add_(1, up, S1[:, level] + length * inside)
        S0.index_add_(1, up, inside)
    M = S1.clone()
    for level in levels[1:]:
        up, length, inside = parents[level], lengths[level], S0[:, level]
        outside = M[:, up] - 2 * (S1[:, level] + length * inside)
        F[:, level] = F[:, up] + 2 * length * outside + length**2 * total
        M[:, level] = M[:, up] + length * (total - 2 * inside)
    return F


def to_tensor(torch, P, device):
    """A dense float64 tensor of the weights on the device."""
    P = P.toarray() if sparse.issparse(P) else P
    return torch.from_numpy(np.ascontiguousarray(P)).to(device)


def lowest_argmin(torch, values):
    """The first column within rounding of the row's minimum, as a numpy array."""
    slack = TIE_TOLERANCE * values.abs().amax(dim=1, keepdim=True)
    near = values <= values.amin(dim=1, keepdim=True) + slack
    return near.int().argmax(dim=1).cpu().numpy()
