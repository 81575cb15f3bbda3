"""Generation: a synthetic row is base + step * (neighbour - base), with its provenance.

Each of the three operations rounds once in the rows' own dtype (no fused multiply-add), so that
``X[base] + step * (X[neighbor] - X[base])`` in NumPy rebuilds a row bit for bit.

References
----------
Chawla, Bowyer, Hall, Kegelmeyer: SMOTE. JAIR 16 (2002), section 4.2, doi:10.1613/jair.953. For categorical
columns section 6.1: the most frequent value among the base's neighbours (ties to the lowest code).
"""

from __future__ import annotations

from resampler.kernels.jit import inline, njit
from resampler.kernels.random import bounded, draw, unit


@inline
def interpolate_row(base, neighbor, step, out):
    """Write one row between `base` and `neighbor`."""
    for j in range(out.shape[0]):
        out[j] = base[j] + step * (neighbor[j] - base[j])


@njit(nogil=True)
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


@njit(nogil=True)
def elect(X, voters, penalty, donors):
    """Write, for each base and categorical column, the voter whose code is the most frequent; ties to the lowest."""
    k = voters.shape[1]
    for b in range(voters.shape[0]):
        at = 0
        for j in range(penalty.shape[0]):
            if penalty[j] < 0:
                continue
            best_count = 0
            for a in range(k):
                value = X[voters[b, a], j]
                count = 0
                for c in range(k):
                    if X[voters[b, c], j] == value:
                        count += 1
                if count > best_count or (count == best_count and value < X[donors[b, at], j]):
                    best_count = count
                    donors[b, at] = voters[b, a]
            at += 1


@njit(nogil=True)
def draw_parents(row_ids, nn_slots, span, turn, copy, seed, stream, neighbor, steps):
    """Draw the neighbour and the step of copy ``copy[i]`` of base ``turn[i]``; a step lies in [0, span)."""
    k = nn_slots.shape[1]
    for i in range(turn.shape[0]):
        b = turn[i]
        _, w1, w2, _ = draw(seed, stream, row_ids[b], copy[i])
        a = bounded(w1, k)
        neighbor[i] = nn_slots[b, a]
        steps[i] = unit(w2) * span[b, a]


@njit(nogil=True)
def interpolate(X, base, neighbor, steps, first, last, out):
    """Write rows first .. last-1 between their parents."""
    for i in range(first, last):
        interpolate_row(X[base[i]], X[neighbor[i]], steps[i], out[i])
