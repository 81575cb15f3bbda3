"""What a differing category counts while the window moves: SMOTENC's rule, followed to within a tenth.

A new penalty makes every kept distance void. So it is looked at now and then, taken over only when it has moved by
more than `TOLERANCE`, and the lists are then searched for anew as they are read.

Naive: `follow` of tests/naive/ring.py, through the buffer, in tests/resampler/buffer/test_minority.py.

References
----------
Chawla, Bowyer, Hall, Kegelmeyer: SMOTE. JAIR 16 (2002), section 6.1, there for a fixed set of rows.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.buffer.cells import NO_CELL, center_distance, sketch
from resampler.kernels.buffer.graph import NOBODY, UNKNOWN, largest, load_row, slot_of
from resampler.kernels.jit import allocating, inner
from resampler.kernels.simd.lanes import LANES
from resampler.kernels.simd.select import select

TOLERANCE = 1.1  # ratio of standard deviations


@allocating
def median_spread(rows):
    """Return the median of the numeric columns' standard deviations, in units of distance; there must be one.

    Nulls are left out; a column of nothing else does not spread.
    """
    oldest, held = rows.cursor["oldest"], rows.cursor["held"]
    capacity, n_features = rows.X.shape
    spreads = np.empty(n_features)
    n_numeric = 0
    for j in range(n_features):
        if rows.penalty[j] >= 0:
            continue
        mean = 0.0
        n = np.int64(0)
        for i in range(held):
            value = rows.X[(oldest + i) % capacity, j]
            if not np.isnan(value):
                mean += value
                n += 1
        mean /= max(n, 1)
        total = 0.0
        for i in range(held):
            value = rows.X[(oldest + i) % capacity, j]
            if not np.isnan(value):
                total += (value - mean) ** 2
        spreads[n_numeric] = np.sqrt(total / max(n, 1)) * rows.inverse_scale[j]
        n_numeric += 1
    middle = select(spreads[:n_numeric], n_numeric // 2)
    if n_numeric % 2 == 0:
        middle = (middle + select(spreads[:n_numeric], n_numeric // 2 - 1)) / 2
    return middle


@inner
def follow_spread(rows, lists, cells, query):
    """Fit the categories' penalty to the rows held, of which there must be some."""
    penalty = np.float32(median_spread(rows) ** 2)
    before = largest(rows.penalty)
    if before <= penalty * TOLERANCE**2 and penalty <= before * TOLERANCE**2:
        return
    set_penalty(rows, lists, cells, query, penalty)


@inner
def set_penalty(rows, lists, cells, query, penalty):
    """Count a differing category as `penalty` from now on: what was known of distances is void."""
    for j in range(rows.penalty.shape[0]):
        if rows.penalty[j] >= 0:
            rows.penalty[j] = penalty
    lists.count[:] = 0
    lists.stamps[:] = NOBODY
    cells.cutoff[:] = UNKNOWN
    cells.block_cutoff[:] = UNKNOWN
    measure_cells(rows, cells, cells.home, query)


@inner
def measure_cells(rows, cells, homes, query):
    """Measure anew how far rows are from their centroids, and newcomers from the cells that are their `homes`."""
    if homes is None:
        return
    cells.radius[:] = 0
    cells.error[:] = 0
    for i in range(rows.cursor["held"]):
        slot = slot_of(rows, (rows.cursor["oldest"] + i) % (2 * rows.X.shape[0]))
        block, lane = cells.place[slot] // LANES, cells.place[slot] % LANES
        cell = cells.cell_of[block]
        load_row(rows, slot, query)
        if cell != NO_CELL:
            d2 = center_distance(cells.centroids, cell, query, rows.penalty)
            cells.radius[cell] = max(cells.radius[cell], np.sqrt(d2))
            sketch(rows, cells, block, lane, query)
    for i in range(cells.counts["newcomers"]):
        if homes[i] != NO_CELL:
            waiting = cells.newcomers[i // LANES, :, i % LANES]
            cells.home_d2[i] = center_distance(cells.centroids, homes[i], waiting, rows.penalty)
