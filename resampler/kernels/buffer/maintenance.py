"""Upkeep: what follows the rows as they come, go and drift.

When a wave ends, cells that have lost too many rows are dissolved into their neighbours, and the newcomers move into
theirs; a full cell is split in two by 2-means, and with it a full group.

Naive: none of its own, since which cells there are is a choice and not a result. After every step of
tests/resampler/buffer/test_minority.py each row must lie in one of them, within its bounds.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.buffer.cells import (
    FREE,
    NO_CELL,
    WAITING,
    center_distance,
    empty,
    make_grain,
    put,
    set_centroid,
    vacate,
    weigh,
)
from resampler.kernels.buffer.graph import UNKNOWN, load_row
from resampler.kernels.buffer.groups import close_cell, find_cell, open_cell, open_group, rehome, split_group
from resampler.kernels.buffer.halve import halve
from resampler.kernels.jit import allocating, inline
from resampler.kernels.simd.blocks import DEAD
from resampler.kernels.simd.lanes import LANES

SPARSE = 16  # a cell with fewer rows is dissolved


@allocating
def split(rows, cells, cell):
    """Share the rows of a full cell with a new one of its group, which is returned; the group must have room."""
    slots = np.empty(LANES, dtype=np.int64)
    cutoffs = np.empty(LANES, dtype=np.float32)
    empty(cells, cell, slots, cutoffs)
    Z = np.empty((LANES, rows.X.shape[1]), dtype=np.float32)
    for i in range(LANES):
        load_row(rows, slots[i], Z[i])
    centers = np.empty((2, Z.shape[1]), dtype=np.float32)
    sides = np.empty(LANES, dtype=np.int64)
    d2 = np.empty((2, LANES), dtype=np.float32)
    halve(Z, rows.penalty, centers, sides, d2)
    set_centroid(cells, cell, centers[0])
    other = open_cell(cells, cell // LANES, centers[1])
    for i in range(LANES):
        target = other if sides[i] else cell
        make_grain(cells, target, Z[i], rows.penalty)
    for i in range(LANES):
        target = other if sides[i] else cell
        put(rows, cells, target, slots[i], Z[i], d2[sides[i], i], cutoffs[i])
    return other


@allocating
def dissolve(rows, cells, cell):
    """Give the rows of a cell to the nearest others that have room; it stays in use if none has."""
    slots = np.empty(LANES, dtype=np.int64)
    cutoffs = np.empty(LANES, dtype=np.float32)
    n = empty(cells, cell, slots, cutoffs)
    query = np.empty(rows.X.shape[1], dtype=np.float32)
    for i in range(n):
        load_row(rows, slots[i], query)
        target, d2 = find_cell(cells, query, rows.penalty, cell)
        if target == NO_CELL:
            target = cell
            d2 = center_distance(cells.centroids, cell, query, rows.penalty)
        put(rows, cells, target, slots[i], query, d2, cutoffs[i])
    if cells.cell_rows[cell] == 0:
        close_cell(cells, cell)
        rehome(cells, cell, NO_CELL)


@inline
def tidy(rows, cells):
    """Dissolve the cells that have lost many rows."""
    n = cells.counts["touched"]
    cells.counts["touched"] = 0
    for i in range(n):
        cell = cells.touched[i]
        weigh(cells, cell, cells.cell_rows[cell] - cells.weight[cell])
    for i in range(n):
        if cells.cell_rows[cells.touched[i]] < SPARSE:
            dissolve(rows, cells, cells.touched[i])


@inline
def add(rows, cells, home, slot, query, d2, cutoff):
    """Put a newcomer into its cell `home`, at squared distance `d2`; into the nearest if that is `NO_CELL`."""
    if home == NO_CELL:
        home, d2 = find_cell(cells, query, rows.penalty, NO_CELL)
        if home == NO_CELL:
            d2 = np.float32(0)
            home = open_cell(cells, open_group(cells, query), query)
    if cells.cell_rows[home] == LANES:
        if cells.counts["free_blocks"] == 0:
            smallest = NO_CELL
            for cell in range(cells.counts["group_end"] * LANES):
                n = cells.cell_rows[cell]
                if cell != home and n != FREE and (smallest == NO_CELL or n < cells.cell_rows[smallest]):
                    smallest = cell
            dissolve(rows, cells, smallest)
        home, d2 = make_way(rows, cells, home, query)
    put(rows, cells, home, slot, query, d2, cutoff)


@inline
def make_way(rows, cells, home, query):
    """Split the full cell of a newcomer; return the cell that it then belongs to and its squared distance."""
    if cells.group_cells[home // LANES] == LANES:
        home = split_group(cells, rows.penalty, home)
    other = split(rows, cells, home)
    for i in range(cells.counts["newcomers"]):
        if cells.home[i] != home or cells.lane_slots[i // LANES, i % LANES] == DEAD:
            continue
        waiting = cells.newcomers[i // LANES, :, i % LANES]
        cells.home_d2[i] = center_distance(cells.centroids, home, waiting, rows.penalty)
        across = center_distance(cells.centroids, other, waiting, rows.penalty)
        if across < cells.home_d2[i]:
            cells.home[i] = other
            cells.home_d2[i] = across
    d2 = center_distance(cells.centroids, home, query, rows.penalty)
    across = center_distance(cells.centroids, other, query, rows.penalty)
    if across < d2:
        return other, across
    return home, d2


@inline
def settle_newcomers(rows, cells, query):
    """Move the newcomers into their cells; `query` is working space."""
    tidy(rows, cells)
    for i in range(cells.counts["newcomers"]):
        block, lane = i // LANES, i % LANES
        slot = np.int64(cells.lane_slots[block, lane])
        if slot == DEAD:
            continue
        for j in range(query.shape[0]):
            query[j] = cells.newcomers[block, j, lane]
        cutoff = cells.cutoff[block, lane]
        vacate(cells, block, lane)
        add(rows, cells, cells.home[i], slot, query, cells.home_d2[i], cutoff)
    for block in range(WAITING):
        cells.block_cutoff[block] = UNKNOWN
    cells.counts["newcomers"] = 0
