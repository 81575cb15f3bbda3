"""Generation: parents drawn, rows put in their places, categories by vote.

References
----------
Chawla, Bowyer, Hall, Kegelmeyer: SMOTE. JAIR 16 (2002), doi:10.1613/jair.953: for categorical columns section 6.1, the
most frequent value among the base's neighbours (ties to the lowest code).
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import entry, njit
from resampler.kernels.places import put
from resampler.kernels.random import bounded, draw, unit


@njit(nogil=True)
def vote(X, nn_slots, penalty, out):
    """Overwrite the categorical columns of one row by the vote of the base's neighbours.

    A row comes from its place: null where its base is, which stays so. A null casts no vote, and where all do not, the
    place has written the base's category.
    """
    k = nn_slots.shape[0]
    for j in range(out.shape[0]):
        if penalty[j] < 0 or np.isnan(out[j]):
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
    """Write, for each base and categorical column, the voter whose code is the most frequent; ties to the lowest.

    A null casts no vote. `donors` holds the bases, each its own donor where it is null, or all of its voters are.
    """
    k = voters.shape[1]
    for b in range(voters.shape[0]):
        at = 0
        for j in range(penalty.shape[0]):
            if penalty[j] < 0:
                continue
            best_count = k if np.isnan(X[donors[b, at], j]) else 0  # with k votes, nobody is elected over it
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


@entry
def build(place, X, base, neighbor, steps, row_ids, copy, seed, stream, width, first, last, out):
    """Write rows first .. last-1 where `place` has them; each draws by its base's id and the number of the copy."""
    w0 = w1 = w2 = w3 = np.uint64(0)
    for i in range(first, last):
        if copy.shape[0] > 0:
            w0, w1, w2, w3 = draw(seed, stream, row_ids[i], copy[i])
        put(place, X[base[i]], X[neighbor[i]], steps[i], w0, w1, w2, w3, seed, width, out[i])
