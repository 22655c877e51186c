# SPDX-License-Identifier: BSD-3-Clause
"""An indexed binary heap: the largest of many keys of which few change at a time."""

import numpy as np
from numba import njit


class IndexedMaxHeap:
    """Find the largest key; the lowest index among equal ones.

    Parameters
    ----------
    keys : ndarray of float
        The keys.
    """

    def __init__(self, keys):
        self._keys = np.array(keys, dtype=float)
        self._order = np.arange(len(keys))
        self._places = np.arange(len(keys))
        build(self._keys, self._order, self._places)

    def top(self):
        """Return the index of the largest key."""
        return int(self._order[0])

    def update(self, indices, keys):
        """Change keys, in O(log n) each."""
        update(self._keys, self._order, self._places, indices, keys)


@njit(cache=True, nogil=True)
def ahead(keys, first, second):
    """Tell whether the first index comes before the second."""
    if keys[first] != keys[second]:
        return keys[first] > keys[second]
    return first < second


@njit(cache=True, nogil=True)
def swap(order, places, first, second):
    """Swap two places of the heap."""
    order[first], order[second] = order[second], order[first]
    places[order[first]], places[order[second]] = first, second


@njit(cache=True, nogil=True)
def rise(keys, order, places, place):
    """Move an entry up until its parent is ahead of it."""
    while place > 0:
        parent = (place - 1) // 2
        if not ahead(keys, order[place], order[parent]):
            return
        swap(order, places, place, parent)
        place = parent


@njit(cache=True, nogil=True)
def sink(keys, order, places, place):
    """Move an entry down until it is ahead of its children."""
    size = len(order)
    while True:
        best = place
        for child in (2 * place + 1, 2 * place + 2):
            if child < size and ahead(keys, order[child], order[best]):
                best = child
        if best == place:
            return
        swap(order, places, place, best)
        place = best


@njit(cache=True, nogil=True)
def build(keys, order, places):
    """Order a heap."""
    for place in range(len(order) // 2 - 1, -1, -1):
        sink(keys, order, places, place)


@njit(cache=True, nogil=True)
def update(keys, order, places, indices, new_keys):
    """Change keys and restore the order."""
    for k in range(len(indices)):
        keys[indices[k]] = new_keys[k]
        rise(keys, order, places, places[indices[k]])
        sink(keys, order, places, places[indices[k]])
