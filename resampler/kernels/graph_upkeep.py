"""Upkeep: what follows the rows as they come, go and drift.

When a wave ends, cells that have lost rows are packed or dissolved into their neighbours, and the newcomers move into
theirs; a full cell is split in two by 2-means, and with it a full group.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.blocks import DEAD
from resampler.kernels.graph import UNKNOWN, allocating, inner, load_row
from resampler.kernels.graph_cells import (
    ARRIVALS,
    ARRIVED,
    END,
    FREE,
    FREE_BLOCKS,
    IN_USE,
    NO_CELL,
    TOUCHED,
    cell_capacity,
    center_distance,
    empty,
    put,
    set_center,
    vacate,
    weigh,
)
from resampler.kernels.graph_groups import close_cell, find_cell, open_cell, open_group, rehome, split_group
from resampler.kernels.graph_halve import halve, row_distance
from resampler.kernels.lanes import LANES

SPARSE = 8  # a cell with less than 1 / SPARSE of its capacity is dissolved


@allocating
def split(rows, cells, cell):
    """Share the rows of a full cell with a new one of its group, which is returned; the group must have room."""
    n = cell_capacity(cells)
    slots = np.empty(n, dtype=np.int64)
    reaches = np.empty(n, dtype=np.float32)
    empty(cells, cell, slots, reaches)
    Z = np.empty((n, rows.X.shape[1]), dtype=np.float32)
    for i in range(n):
        load_row(rows, slots[i], Z[i])
    centers = np.empty((2, Z.shape[1]), dtype=np.float32)
    sides = np.empty(n, dtype=np.int64)
    halve(Z, rows.penalty, centers, sides)
    set_center(cells.centroids, cell, centers[0])
    other = open_cell(cells, cell // LANES, centers[1])
    for i in range(n):
        target = other if sides[i] else cell
        put(cells, target, slots[i], Z[i], row_distance(Z[i], centers[sides[i]], rows.penalty), reaches[i])
    return other


@allocating
def pack(rows, cells, cell):
    """Close the holes of a cell."""
    slots = np.empty(cell_capacity(cells), dtype=np.int64)
    reaches = np.empty(cell_capacity(cells), dtype=np.float32)
    n = empty(cells, cell, slots, reaches)
    query = np.empty(rows.X.shape[1], dtype=np.float32)
    for i in range(n):
        load_row(rows, slots[i], query)
        put(cells, cell, slots[i], query, center_distance(cells.centroids, cell, query, rows.penalty), reaches[i])


@allocating
def dissolve(rows, cells, cell):
    """Give the rows of a cell to the nearest others that have room; it stays in use if none has."""
    slots = np.empty(cell_capacity(cells), dtype=np.int64)
    reaches = np.empty(cell_capacity(cells), dtype=np.float32)
    n = empty(cells, cell, slots, reaches)
    query = np.empty(rows.X.shape[1], dtype=np.float32)
    for i in range(n):
        load_row(rows, slots[i], query)
        spare_blocks = cells.counts[FREE_BLOCKS] > cells.cell_blocks.shape[1] + 1
        target, d2 = find_cell(cells, query, rows.penalty, cell, spare_blocks)
        if target == NO_CELL:
            target = cell
            d2 = center_distance(cells.centroids, cell, query, rows.penalty)
        put(cells, target, slots[i], query, d2, reaches[i])
    if cells.cell_size[cell] == 0:
        close_cell(cells, cell)
        rehome(cells, cell, NO_CELL)


@inner
def make_room(rows, cells):
    """Pack every cell that can give a block back, if blocks run short.

    Packed cells need at most rows / LANES + cells blocks, and the pool holds more: `make_ring` sizes it so.
    """
    if cells.counts[FREE_BLOCKS] > 2 * cells.cell_blocks.shape[1]:
        return
    for cell in range(cells.counts[END] * LANES):
        if cells.cell_size[cell] * LANES - cells.cell_rows[cell] >= LANES:
            pack(rows, cells, cell)


@inner
def tidy(rows, cells):
    """Pack or dissolve the cells that have lost many rows."""
    n = cells.counts[TOUCHED]
    cells.counts[TOUCHED] = 0
    for i in range(n):
        cell = cells.touched[i]
        cells.is_touched[cell] = False
        weigh(cells, cell, cells.cell_rows[cell] - cells.weight[cell])
    for i in range(n):
        cell = cells.touched[i]
        left = cells.cell_rows[cell]
        if left * SPARSE < cell_capacity(cells) and (left == 0 or cells.counts[IN_USE] > 1):
            dissolve(rows, cells, cell)
        elif cells.cell_size[cell] * LANES - left >= LANES + LANES // 4:
            pack(rows, cells, cell)


@inner
def add(rows, cells, home, slot, query, d2, reach):
    """Put a newcomer into its cell `home`, at squared distance `d2`; into the nearest if that is `NO_CELL`."""
    make_room(rows, cells)
    if home == NO_CELL:
        home, d2 = find_cell(cells, query, rows.penalty, NO_CELL, True)
        if home == NO_CELL:
            d2 = np.float32(0)
            home = open_cell(cells, open_group(cells, query), query)
    if cells.cell_rows[home] == cell_capacity(cells):
        if cells.counts[IN_USE] == cells.max_cells[0]:
            smallest = NO_CELL
            for cell in range(cells.counts[END] * LANES):
                n = cells.cell_rows[cell]
                if cell != home and n != FREE and (smallest == NO_CELL or n < cells.cell_rows[smallest]):
                    smallest = cell
            dissolve(rows, cells, smallest)
        home, d2 = make_way(rows, cells, home, query)
    put(cells, home, slot, query, d2, reach)


@inner
def make_way(rows, cells, home, query):
    """Split the full cell of a newcomer; return the cell that it then belongs to and its squared distance."""
    if cells.group_cells[home // LANES] == LANES:
        home = split_group(cells, rows.penalty, home)
    other = split(rows, cells, home)
    for lane in range(cells.counts[ARRIVED]):
        if cells.home[lane] != home or cells.tenants[ARRIVALS, lane] == DEAD:
            continue
        waiting = cells.blocks[ARRIVALS, :, lane]
        cells.home_d2[lane] = center_distance(cells.centroids, home, waiting, rows.penalty)
        across = center_distance(cells.centroids, other, waiting, rows.penalty)
        if across < cells.home_d2[lane]:
            cells.home[lane] = other
            cells.home_d2[lane] = across
    d2 = center_distance(cells.centroids, home, query, rows.penalty)
    across = center_distance(cells.centroids, other, query, rows.penalty)
    if across < d2:
        return other, across
    return home, d2


@inner
def end_wave(rows, cells, query):
    """Move the newcomers into their cells; `query` is working space."""
    tidy(rows, cells)
    for lane in range(cells.counts[ARRIVED]):
        slot = np.int64(cells.tenants[ARRIVALS, lane])
        if slot == DEAD:
            continue
        for j in range(query.shape[0]):
            query[j] = cells.blocks[ARRIVALS, j, lane]
        reach = cells.reach[ARRIVALS, lane]
        vacate(cells, ARRIVALS, lane)
        add(rows, cells, cells.home[lane], slot, query, cells.home_d2[lane], reach)
    cells.block_reach[ARRIVALS] = UNKNOWN
    cells.counts[ARRIVED] = 0
