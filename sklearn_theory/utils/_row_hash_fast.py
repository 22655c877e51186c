# SPDX-License-Identifier: BSD-3-Clause
"""Kernels that hash rows by their content and deal them into folds.

A row's hash is a sum over its non-zero entries, so that dense and sparse rows with
the same content have the same hash.
"""

import numpy as np
from numba import njit

_COLUMN_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
_ONE = np.uint64(1)
_FIRST_SHIFT = np.uint64(30)
_SECOND_SHIFT = np.uint64(27)
_THIRD_SHIFT = np.uint64(31)


@njit(cache=True, nogil=True)
def mix_bits(value):
    """Spread every bit of a 64-bit word over all of it."""
    value = (value ^ (value >> _FIRST_SHIFT)) * _FIRST_FACTOR
    value = (value ^ (value >> _SECOND_SHIFT)) * _SECOND_FACTOR
    return value ^ (value >> _THIRD_SHIFT)


@njit(cache=True, nogil=True)
def _hash_entry(bits, column):
    place = (np.uint64(column) + _ONE) * _COLUMN_FACTOR
    return mix_bits(mix_bits(np.uint64(bits)) ^ place)


@njit(cache=True, nogil=True)
def hash_dense_rows(bits, hashes):
    """Hash rows that are given as the bit patterns of their entries."""
    for i in range(bits.shape[0]):
        total = np.uint64(0)
        for j in range(bits.shape[1]):
            if bits[i, j] != 0:
                total += _hash_entry(bits[i, j], j)
        hashes[i] = total


@njit(cache=True, nogil=True)
def hash_sparse_rows(bits, indices, indptr, hashes):
    """Hash the rows of a CSR matrix whose entries are given as bit patterns."""
    for i in range(indptr.shape[0] - 1):
        total = np.uint64(0)
        for entry in range(indptr[i], indptr[i + 1]):
            if bits[entry] != 0:
                total += _hash_entry(bits[entry], indices[entry])
        hashes[i] = total


@njit(cache=True, nogil=True)
def salt_hashes(hashes, salt):
    """Draw fresh pseudo-random words from hashes: one set for each salt."""
    salted = np.empty_like(hashes)
    for i in range(hashes.shape[0]):
        salted[i] = mix_bits(hashes[i] ^ mix_bits(salt + _COLUMN_FACTOR))
    return salted


@njit(cache=True, nogil=True)
def deal_into_folds(classes, weight, n_folds):
    """Deal units, in order, each to the fold that has least weight of its class.

    Units must be sorted by class. Ties go to the fold with least weight in all, then
    to the first.
    """
    folds = np.empty(classes.shape[0], dtype=np.int64)
    loads = np.zeros(n_folds)
    class_loads = np.zeros(n_folds)
    for unit in range(classes.shape[0]):
        if unit > 0 and classes[unit] != classes[unit - 1]:
            class_loads[:] = 0
        fold = 0
        for other in range(1, n_folds):
            if (class_loads[other], loads[other]) < (class_loads[fold], loads[fold]):
                fold = other
        folds[unit] = fold
        loads[fold] += weight[unit]
        class_loads[fold] += weight[unit]
    return folds
