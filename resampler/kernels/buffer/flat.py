"""The flat index: no cells, every row in the lane of its slot, and a search that measures them all.

A search among cells has a price that does not depend on how few rows there are: hubs, centroids, sketches, bounds, and
waves that end. Below some thousand rows, measuring all of them is cheaper. It is also the only way for rows that may
have nulls, whose distances keep no triangle inequality.

All distances are kept, so that the rows worth a look are known before the first of them is: the lowest of each lane are
`LANES` different rows, and whatever `length` of these are within, the `length` nearest rows are within.

Naive: `NaiveGraph`, through `look_up_all` and insertion, in tests/resampler/kernels/buffer/test_search.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.buffer.graph import admit, largest, slot_of, stamp_of, update_list
from resampler.kernels.jit import inner
from resampler.kernels.simd.blocks import DEAD, block_distances, partial_distances
from resampler.kernels.simd.lanes import LANES, add_numeric, at_most, count_lanes, first_lane, keep_lower, lowest

HALVINGS = 7  # of the gap in which the bound is sought
INFINITE = np.float32(np.inf)
HALF = np.float32(0.5)
ONE = np.uint64(1)
NONE = np.int64(0)


@inner
def blocks_in_use(rows):
    """Return the first block that has a row where each lies in the lane of its slot, and the one behind the last."""
    capacity = rows.X.shape[0]
    oldest = slot_of(rows, rows.cursor["oldest"])
    end = oldest + rows.cursor["held"]
    if end > capacity:  # around the end
        oldest, end = NONE, np.int64(capacity)
    return oldest // LANES, (end + LANES - 1) // LANES


@inner
def hide(d2, first, last):
    """Make the lanes of the slots first .. last - 1 infinitely far."""
    for slot in range(first, last):
        d2[slot // LANES, slot % LANES] = INFINITE


@inner
def hide_missing(rows, first, end, d2):
    """Make the lanes that hold no row infinitely far, in the blocks in use."""
    capacity = np.int64(rows.X.shape[0])
    oldest = np.int64(slot_of(rows, rows.cursor["oldest"]))
    behind = oldest + rows.cursor["held"]
    if behind > capacity:
        hide(d2, behind - capacity, oldest)
        hide(d2, capacity, end * LANES)
    else:
        hide(d2, first * LANES, oldest)
        hide(d2, behind, end * LANES)


@inner
def bound(least, length):
    """Return a distance that at least `length` of the lanes are within, and hardly more where they differ."""
    upper = least[0]
    for i in range(length):
        upper = max(upper, least[i])
    lower = lowest(least)
    for _ in range(HALVINGS):
        middle = lower + (upper - lower) * HALF
        if count_lanes(at_most(least, middle)) >= length:
            upper = middle
        else:
            lower = middle
    return upper


@inner
def measure_all(rows, cells, common, query, first, end, d2):
    """Write the squared distances of the rows of some blocks to the query."""
    mixed = largest(rows.penalty) >= 0
    for block in range(first, end):
        if common is not None:
            partial_distances(cells.newcomers[block], query, rows.penalty, INFINITE, common, d2[block])
        elif mixed:
            block_distances(cells.newcomers[block], query, rows.penalty, INFINITE, d2[block])
        else:
            d2[block, :] = 0
            add_numeric(cells.newcomers[block], query, NONE, np.int64(query.shape[0]), d2[block])


@inner
def find_flat(graph, common, collects, slot, row_id, stamps, d2s):
    """Find the neighbours of `scratch.query`: the row of `slot`, or of none; return the number found.

    Writes stamps and squared distances, ascending by (distance, row id). A search that `collects` enters the query, the
    new row of the slot, into the lists of the rows that it affects.
    """
    rows, lists = graph.rows, graph.lists
    cells, scratch = graph.cells, graph.scratch
    row_ids, lane_slots, cutoffs = rows.row_ids, cells.lane_slots, cells.cutoff
    d2, least = scratch.cell_d2, scratch.lanes[0]
    oldest, held = rows.cursor["oldest"], rows.cursor["held"]
    length = stamps.shape[0]
    first, end = blocks_in_use(rows)
    measure_all(rows, cells, common, scratch.query, first, end, d2)
    hide_missing(rows, first, end, d2)
    if slot != DEAD:
        d2[slot // LANES, slot % LANES] = INFINITE
    worst = INFINITE
    if length <= LANES:
        least[:] = INFINITE
        for block in range(first, end):
            keep_lower(d2[block], least)
        worst = bound(least, length)
    stamp = stamp_of(rows, slot) if collects else np.int64(DEAD)
    n = NONE
    for block in range(first, end):
        if collects:
            hits = at_most(d2[block], cutoffs[block])
            while hits:
                lane = first_lane(hits)
                hits &= hits - ONE
                other = np.int64(lane_slots[block, lane])
                if other != DEAD and other != slot:
                    cutoffs[block, lane] = update_list(
                        row_ids,
                        oldest,
                        held,
                        lists.stamps,
                        lists.d2,
                        lists.count,
                        lists.cutoff_id,
                        other,
                        cutoffs[block, lane],
                        d2[block, lane],
                        stamp,
                        row_id,
                    )
        hits = at_most(d2[block], worst)
        while hits:
            lane = first_lane(hits)
            hits &= hits - ONE
            other = np.int64(lane_slots[block, lane])
            if other != DEAD and other != slot and d2[block, lane] <= worst:
                n = admit(row_ids, stamps, d2s, n, d2[block, lane], stamp_of(rows, other), row_ids[other])
                if n == length:
                    worst = min(worst, d2s[length - 1])
    return n
