# SPDX-License-Identifier: BSD-3-Clause
"""The frozen lake for networks: fields as indicator columns, and settings that fit it."""

import numpy as np

from sklearn_theory.datasets import TrajectoryDataset

LAKE = {
    "n_latents": 4,
    "future_len": 100,
    "n_negatives": 64,
    "hidden_layer_sizes": (32, 32),
    "learning_rate_init": 5e-3,
    "max_iter": 200,
}


def with_indicators(log):
    """Give the log a column for each field, since networks see no table."""
    columns = np.eye(16)
    return TrajectoryDataset(
        columns[log.observations[:, 0].astype(int)],
        log.actions,
        log.rewards,
        log.groups,
        columns[log.next_observations[:, 0].astype(int)],
        log.terminations,
        log.truncations,
    )
