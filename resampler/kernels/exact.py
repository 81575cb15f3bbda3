"""Exact k nearest neighbours by a scan over transposed blocks of rows.

Rows lie in blocks of `LANES` side by side, `blocks[b, j, lane]`, already divided by the columns' scale. The
sum over features then runs in column order for every row, whatever the vector width: the compiler vectorises
across rows, no sum is reordered, and the same bits come out on every machine.

Distances are finite: whoever packs rows has kept them within `MAX_MAGNITUDE` units of scale.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LANES = 64
DEAD = -1  # row id of a slot that holds no row
NO_ROW = -1  # slot of a neighbour that does not exist
MAX_MAGNITUDE = 1e16  # (2e16)**2 summed over 85,000 columns still fits in a float32


@njit(cache=True, nogil=True)
def pack(X, inverse_scale, blocks, first):
    """Write rows `X` into lanes first, first + 1, ...; categorical columns have inverse scale 1."""
    n, d = X.shape
    for i in range(n):
        slot = first + i
        block = slot // LANES
        lane = slot % LANES
        for j in range(d):
            blocks[block, j, lane] = X[i, j] * inverse_scale[j]


@njit(cache=True, nogil=True)
def block_distances(block, query, penalty, out):
    """Write the squared distances of one block's rows to `query`.

    `penalty[j]` is negative for a numeric column, else what a differing category adds. The number of lanes is read
    from `out`: a constant would let the compiler unroll the loop over lanes and then fail to vectorise it.
    """
    n_lanes = out.shape[0]
    for lane in range(n_lanes):
        out[lane] = 0
    for j in range(query.shape[0]):
        q = query[j]
        if penalty[j] < 0:
            for lane in range(n_lanes):
                difference = block[j, lane] - q
                out[lane] += difference * difference
        else:
            p = penalty[j]
            for lane in range(n_lanes):
                if block[j, lane] != q:
                    out[lane] += p


@njit(cache=True, nogil=True)
def nearest(blocks, n_slots, row_ids, query, skip, penalty, nn_slots, nn_distances):
    """Find the rows nearest to one scaled query, itself (slot `skip`) left out.

    Order is by (squared distance, row id). Writes `len(nn_slots)` slots, `NO_ROW` where there are fewer rows.

    Returns the number of rows found.
    """
    k = nn_slots.shape[0]
    found = 0
    distances = np.empty(LANES, dtype=blocks.dtype)
    worst = np.inf
    for block in range((n_slots + LANES - 1) // LANES):
        block_distances(blocks[block], query, penalty, distances)
        for lane in range(LANES):
            d2 = distances[lane]
            if d2 > worst:
                continue
            slot = block * LANES + lane
            if slot >= n_slots or slot == skip or row_ids[slot] == DEAD:
                continue
            if found == k and d2 == worst and row_ids[slot] > row_ids[nn_slots[k - 1]]:
                continue
            at = found if found < k else k - 1
            while at > 0 and (
                nn_distances[at - 1] > d2 or (nn_distances[at - 1] == d2 and row_ids[nn_slots[at - 1]] > row_ids[slot])
            ):
                nn_distances[at] = nn_distances[at - 1]
                nn_slots[at] = nn_slots[at - 1]
                at -= 1
            nn_distances[at] = d2
            nn_slots[at] = slot
            if found < k:
                found += 1
            if found == k:
                worst = nn_distances[k - 1]
    for i in range(found, k):
        nn_slots[i] = NO_ROW
        nn_distances[i] = np.inf
    return found
