"""Squared distances of many rows at once, by a scan over transposed blocks of rows.

Rows lie in blocks of `LANES` side by side, `blocks[b, j, lane]`, already divided by the columns' scale. The
sum over features then runs in column order for every row, whatever the vector width: the compiler vectorises
across rows, no sum is reordered, and the same bits come out on every machine.

Distances are finite: rows lie within 1e16 units of scale, and (2e16)**2 summed over 85,000 columns fits in a float32.
"""

from __future__ import annotations

from numba import njit

LANES = 64
DEAD = -1  # row id of a slot that holds no row


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
