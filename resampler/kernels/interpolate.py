"""Generation: a synthetic row is base + step * (neighbour - base), with its provenance.

Each of the three operations rounds once in the rows' own dtype (no fused multiply-add), so that
``X[base] + step * (X[neighbor] - X[base])`` in NumPy rebuilds a row bit for bit.

References
----------
Chawla, Bowyer, Hall, Kegelmeyer: SMOTE. JAIR 16 (2002), section 4.2, doi:10.1613/jair.953. For categorical
columns section 6.1: the most frequent value among the base's neighbours (ties to the lowest code).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from resampler.kernels.random import bounded, draw, unit


@njit(cache=True, inline="always")
def interpolate_row(base, neighbor, step, out):
    """Write one row between `base` and `neighbor`."""
    for j in range(out.shape[0]):
        out[j] = base[j] + step * (neighbor[j] - base[j])


@njit(cache=True, nogil=True)
def vote(X, nn_slots, penalty, out):
    """Overwrite the categorical columns of one row by the vote of the base's neighbours."""
    k = nn_slots.shape[0]
    for j in range(out.shape[0]):
        if penalty[j] < 0:
            continue
        best_count = 0
        for a in range(k):
            value = X[nn_slots[a], j]
            count = 0
            for b in range(k):
                if X[nn_slots[b], j] == value:
                    count += 1
            if count > best_count or (count == best_count and value < out[j]):
                best_count = count
                out[j] = value


@njit(cache=True, nogil=True)
def copies(X, row_ids, order, nn_slots, penalty, seed, stream, start, out, base, neighbor, steps):
    """Write copies start, start + 1, ... of the endless sequence of synthetic rows.

    Synthetic row i is copy ``i // n`` of base ``order[i % n]`` and keyed by that row's id and copy number, so it
    depends on nothing else that was asked for.
    """
    n = order.shape[0]
    k = nn_slots.shape[1]
    has_categories = False
    for j in range(penalty.shape[0]):
        if penalty[j] >= 0:
            has_categories = True
    for i in range(out.shape[0]):
        b = order[(start + i) % n]
        _, w1, w2, _ = draw(seed, stream, row_ids[b], (start + i) // n)
        base[i] = b
        neighbor[i] = nn_slots[b, bounded(w1, k)]
        steps[i] = unit(w2)
    for i in range(out.shape[0]):
        interpolate_row(X[base[i]], X[neighbor[i]], steps[i], out[i])
        if has_categories:
            vote(X, nn_slots[base[i]], penalty, out[i])


@njit(cache=True, nogil=True)
def replay(X, base, neighbor, steps, out):
    """Rebuild the numeric columns of synthetic rows from their provenance."""
    for i in range(out.shape[0]):
        interpolate_row(X[base[i]], X[neighbor[i]], np.float32(steps[i]), out[i])
