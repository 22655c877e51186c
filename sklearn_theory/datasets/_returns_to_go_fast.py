# SPDX-License-Identifier: BSD-3-Clause
"""Kernels that walk a log once, whatever the order of its episodes.

Rows of an episode are in time order but need not be contiguous, so that each episode
keeps its own running value: no sort is needed.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def returns_to_go(rewards, codes, n_episodes, gamma):
    """Sum what each row and the later rows of its episode earn."""
    running = np.zeros(n_episodes)
    result = np.empty(rewards.shape[0])
    for row in range(rewards.shape[0] - 1, -1, -1):
        episode = codes[row]
        value = rewards[row] + gamma * running[episode]
        running[episode] = value
        result[row] = value
    return result


@njit(cache=True, nogil=True)
def rows_in_time(codes, n_episodes):
    """Number the rows within their episodes, and find each row's successor or -1."""
    count = np.zeros(n_episodes, dtype=np.int64)
    last = np.full(n_episodes, -1, dtype=np.int64)
    time = np.empty(codes.shape[0], dtype=np.int64)
    successor = np.full(codes.shape[0], -1, dtype=np.int64)
    for row in range(codes.shape[0]):
        episode = codes[row]
        time[row] = count[episode]
        count[episode] += 1
        if last[episode] >= 0:
            successor[last[episode]] = row
        last[episode] = row
    return time, successor
