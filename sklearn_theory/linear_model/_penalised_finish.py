# SPDX-License-Identifier: BSD-3-Clause
"""One exact Newton step on the identified face, by which the method ends."""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

_MAX_FACE = 500


def finish_on_face(face, penalty):
    """Solve the system of the coefficients that are not zero, exactly.

    Conjugate gradients leave an error that depends on how sums are rounded; this does
    not. The step is taken only if no sign changes and the objective does not rise, so
    that a duality gap certified before still holds.
    """
    support = np.flatnonzero(face.w)
    if not 0 < len(support) <= _MAX_FACE:
        return
    before, value = face.w, face.loss() + penalty.value(face.w)
    after = before.copy()
    try:
        after[support] += _newton_step(face, penalty, support)
    except LinAlgError:
        return
    if np.all(after[support] * before[support] > 0):
        face.start(after)
        if not face.loss() + penalty.value(after) <= value * (1 + 1e-15):
            face.start(before)


def _newton_step(face, penalty, support):
    w, l2 = face.w[support], penalty.l2[support]
    hessian = face.gram(support) + np.diag(l2)
    descent = face.correlate(support) - l2 * w - penalty.l1[support] * np.sign(w)
    return cho_solve(cho_factor(hessian), descent)
