# SPDX-License-Identifier: BSD-3-Clause
"""What a row costs in each cluster, and which prototypes lower the cost: the table.

A distortion has ``cost(X, prototypes)``, the costs of rows in the clusters, and
``prototypes(X, S, previous)``, the prototypes for given assignments. ``S`` is dense, or a
CSR array with a one in each row where assignments are hard. A cluster without any weight
keeps its prototype. Those that are ``additive`` need sums over the rows only.
"""

from ._additive_distortions import Cosine, KullbackLeibler, Means, Modes
from ._kernel_means import KernelMeans
from ._picked_prototypes import BestAssigned, CallableDistortion, Medoid

DISTORTIONS = {
    "means": Means,
    "modes": Modes,
    "bo": BestAssigned,
    "medoid": Medoid,
    "kl": KullbackLeibler,
    "cosine": Cosine,
    "kernel": KernelMeans,
}


def make_distortion(distortion, sigma=1.0):
    """Make the object that a parameter stands for.

    Parameters
    ----------
    distortion : str or callable
        A name in `DISTORTIONS`, or a function of rows and prototypes.

    sigma : float, default=1.0
        The width of the kernel.

    Returns
    -------
    distortion : Distortion
        The object.
    """
    if callable(distortion):
        return CallableDistortion(distortion)
    return DISTORTIONS[distortion](sigma)
