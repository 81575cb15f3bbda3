"""What a search needs: how many rows it settles before it comes to each of the nearest rows.

Naive: searches with every budget, in tests/resampler/kernels/buffer/test_needs.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.buffer.graph import load_row, slot_of
from resampler.kernels.buffer.walk import INFINITE, find_next, start_walk
from resampler.kernels.jit import entry, inner
from resampler.kernels.simd.lanes import LANES, lowest

NONE = np.int64(0)


@entry
def measure_needs(rows, cells, scratch, slots, found, stamps, budget, most, needs):
    """Write the needs of the rows of the slots, whose `found` nearest rows are known and have left the newcomers.

    Groups are looked into as far as `budget` asks. A need is `most` where a search would settle as many rows or more.
    """
    for i in range(slots.shape[0]):
        load_row(rows, slots[i], scratch.query)
        start_walk(cells, scratch, rows.penalty, budget)
        walk_to(rows, cells, scratch, stamps[i], found[i], budget, most, needs[i])


@inner
def walk_to(rows, cells, scratch, nearest, n, budget, most, needs):
    """Take one cell after the other until the `n` nearest rows have all been met."""
    needs[:] = most
    settled, met = NONE, NONE
    while settled < most and met < n:
        at, d2 = find_next(cells, scratch, rows.penalty, budget)
        if d2 == INFINITE:
            break
        i, lane = at // LANES, at % LANES
        cell = scratch.seen[i] * LANES + lane
        for j in range(n):
            if cells.cell_of[cells.place[slot_of(rows, np.int64(nearest[j]))] // LANES] == cell:
                needs[j] = settled
                met += 1
        scratch.cell_d2[i, lane] = INFINITE
        scratch.cell_least[i // LANES, i % LANES] = lowest(scratch.cell_d2[i])
        settled += cells.weight[cell]
