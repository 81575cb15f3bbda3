"""Cells: an inverted file that follows the rows as they drift.

A row lives in the cell of its nearest centroid. A cell is a few transposed blocks of `LANES` rows, so that scanning it
is one contiguous, vectorised pass. A full cell is split in two by 2-means; one that has run nearly empty is dissolved
into its neighbours; one with a block's worth of holes is packed. No training, and no pass over all the rows.

A cell's radius bounds the distance of its rows to its centroid. By the triangle inequality it tells which cells need
not be scanned.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.blocks import DEAD, block_distances
from resampler.kernels.graph import UNKNOWN, allocating, inner, load_row
from resampler.kernels.lanes import LANES

FREE_BLOCKS, FREE_CELLS, END = range(3)  # of `counts`: sizes of the two stacks; cells in use are all below END
NO_CELL = np.int64(-1)
NO_BLOCK = np.int64(-1)
SPARSE = 8  # a cell with less than 1 / SPARSE of its capacity is dissolved
ROUNDS = 3  # of 2-means: the cut need only be good


class Cells(NamedTuple):
    """The inverted file.

    Parameters
    ----------
    blocks : ndarray of shape (n_blocks, n_features, LANES), float32
        Rows in units of distance, side by side.
    tenants : ndarray of shape (n_blocks, LANES), int32
        Slot of each lane's row, or `DEAD`.
    reach : ndarray of shape (n_blocks, LANES), float32
        Squared reach of the row's list: see `resampler.kernels.graph`.
    block_reach : ndarray of shape (n_blocks,), float32
        No smaller than any reach in the block.
    block_rows, cell_of : ndarray of shape (n_blocks,), int64
        Rows in each block, and the cell that it belongs to.
    place : ndarray of shape (capacity,), int32
        Block x LANES + lane of each slot's row.
    centroids : ndarray of shape (ceil(n_cells / LANES), n_features, LANES), float32
        In units of distance, transposed like the rows.
    radius : ndarray of shape (n_cells,), float32
        No smaller than any row's distance to the centroid.
    cell_rows, cell_size : ndarray of shape (n_cells,), int64
        Rows and blocks of each cell; a cell without blocks is free.
    cell_blocks : ndarray of shape (n_cells, max_blocks), int64
        The blocks of each cell.
    free_blocks, free_cells : ndarray, int64
        Stacks.
    counts : ndarray of shape (3,), int64
        `FREE_BLOCKS`, `FREE_CELLS`, `END`.
    """

    blocks: np.ndarray
    tenants: np.ndarray
    reach: np.ndarray
    block_reach: np.ndarray
    block_rows: np.ndarray
    cell_of: np.ndarray
    place: np.ndarray
    centroids: np.ndarray
    radius: np.ndarray
    cell_rows: np.ndarray
    cell_size: np.ndarray
    cell_blocks: np.ndarray
    free_blocks: np.ndarray
    free_cells: np.ndarray
    counts: np.ndarray


@inner
def cell_capacity(cells):
    """Return how many rows a cell can hold."""
    return cells.cell_blocks.shape[1] * LANES


@inner
def set_reach(cells, slot, reach):
    """Store the reach of a slot's list."""
    block = cells.place[slot] // LANES
    cells.reach[block, cells.place[slot] % LANES] = reach
    cells.block_reach[block] = max(cells.block_reach[block], reach)


@inner
def put(cells, cell, slot, query, d2, reach):
    """Put a row at squared distance `d2` from the centroid into a cell that has room."""
    block = NO_BLOCK
    for i in range(cells.cell_size[cell]):
        if cells.block_rows[cells.cell_blocks[cell, i]] < LANES:
            block = cells.cell_blocks[cell, i]
            break
    if block == NO_BLOCK:
        cells.counts[FREE_BLOCKS] -= 1
        block = cells.free_blocks[cells.counts[FREE_BLOCKS]]
        cells.cell_blocks[cell, cells.cell_size[cell]] = block
        cells.cell_size[cell] += 1
        cells.cell_of[block] = cell
    lane = 0
    while cells.tenants[block, lane] != DEAD:
        lane += 1
    cells.tenants[block, lane] = slot
    cells.place[slot] = block * LANES + lane
    cells.block_rows[block] += 1
    cells.cell_rows[cell] += 1
    cells.radius[cell] = max(cells.radius[cell], np.sqrt(d2))
    for j in range(query.shape[0]):
        cells.blocks[block, j, lane] = query[j]
    set_reach(cells, slot, reach)


@inner
def open_cell(cells):
    """Take a free cell."""
    cells.counts[FREE_CELLS] -= 1
    cell = cells.free_cells[cells.counts[FREE_CELLS]]
    cells.counts[END] = max(cells.counts[END], cell + 1)
    return cell


@inner
def set_centroid(cells, cell, centroid):
    """Move the centroid of a cell that holds no rows."""
    cells.radius[cell] = 0
    for j in range(centroid.shape[0]):
        cells.centroids[cell // LANES, j, cell % LANES] = centroid[j]


@inner
def centroid_distance(cells, cell, query, penalty):
    """Return the squared distance of a row to one centroid."""
    d2 = np.float32(0)
    for j in range(query.shape[0]):
        value = cells.centroids[cell // LANES, j, cell % LANES]
        if penalty[j] < 0:
            d2 += (value - query[j]) * (value - query[j])
        elif value != query[j]:
            d2 += penalty[j]
    return d2


@inner
def empty(cells, cell, slots, reaches):
    """Take all rows out of a cell, writing their slots and reaches, and free its blocks; return their number."""
    n = 0
    for i in range(cells.cell_size[cell]):
        block = cells.cell_blocks[cell, i]
        for lane in range(LANES):
            if cells.tenants[block, lane] != DEAD:
                slots[n] = cells.tenants[block, lane]
                reaches[n] = cells.reach[block, lane]
                n += 1
            cells.tenants[block, lane] = DEAD
            cells.reach[block, lane] = UNKNOWN
        cells.block_rows[block] = 0
        cells.block_reach[block] = UNKNOWN
        cells.cell_of[block] = NO_CELL
        cells.free_blocks[cells.counts[FREE_BLOCKS]] = block
        cells.counts[FREE_BLOCKS] += 1
    cells.cell_size[cell] = 0
    cells.cell_rows[cell] = 0
    cells.radius[cell] = 0
    return n


@allocating
def mean_row(Z, sides, side, penalty, centroid):
    """Write the mean of the rows on one side; a category is settled by majority vote (Boyer and Moore 1981)."""
    n = np.sum(sides == side)
    for j in range(Z.shape[1]):
        total = np.float32(0)
        votes = 0
        for i in range(Z.shape[0]):
            if sides[i] != side:
                continue
            value = Z[i, j]
            if penalty[j] < 0:
                total += value
            elif votes == 0:
                total = value
                votes = 1
            else:
                votes += 1 if value == total else -1
        centroid[j] = total / np.float32(n) if penalty[j] < 0 else total


@inner
def row_distance(a, b, penalty):
    """Return the squared distance of two scaled rows."""
    d2 = np.float32(0)
    for j in range(a.shape[0]):
        if penalty[j] < 0:
            d2 += (a[j] - b[j]) * (a[j] - b[j])
        elif a[j] != b[j]:
            d2 += penalty[j]
    return d2


@allocating
def take_sides(lean, sides):
    """Set side 0 where `lean` is negative, else 1, moving the cut if a side would get less than a quarter.

    So outliers and duplicates cannot make cells of one row.
    """
    n = lean.shape[0]
    cut = np.sum(lean < 0)
    if n // 4 <= cut <= n - n // 4:
        for i in range(n):
            sides[i] = 0 if lean[i] < 0 else 1
        return
    cut = min(max(cut, n // 4), n - n // 4)
    for i in range(n):
        rank = np.sum(lean < lean[i])
        for j in range(i):
            rank += lean[j] == lean[i]
        sides[i] = 0 if rank < cut else 1


@allocating
def halve(Z, penalty, centers, sides):
    """Write the side of each row and both sides' means: 2-means from two rows that lie far apart."""
    n = Z.shape[0]
    sides[:] = 1
    mean_row(Z, sides, sides[0], penalty, centers[1])
    for side in range(2):  # first the row farthest from the mean, then the one farthest from it
        farthest = np.float32(-1)
        at = 0
        for i in range(n):
            d2 = row_distance(Z[i], centers[1 - side], penalty)
            if d2 > farthest:
                farthest = d2
                at = i
        centers[side] = Z[at]
    lean = np.empty(n, dtype=np.float32)
    for _ in range(ROUNDS):
        for i in range(n):
            lean[i] = row_distance(Z[i], centers[0], penalty) - row_distance(Z[i], centers[1], penalty)
        take_sides(lean, sides)
        for side in range(2):
            mean_row(Z, sides, side, penalty, centers[side])


@allocating
def split(rows, cells, cell):
    """Share the rows of a full cell with a new one, which is returned; there must be a free cell."""
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
    other = open_cell(cells)
    set_centroid(cells, cell, centers[0])
    set_centroid(cells, other, centers[1])
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
        put(cells, cell, slots[i], query, centroid_distance(cells, cell, query, rows.penalty), reaches[i])


@inner
def make_room(rows, cells):
    """Pack every cell that can give a block back, if blocks run short.

    Packed cells need at most rows / LANES + cells blocks, and the pool holds more: `MinorityBuffer` sizes it so.
    """
    if cells.counts[FREE_BLOCKS] > 2 * cells.cell_blocks.shape[1]:
        return
    for cell in range(cells.counts[END]):
        if cells.cell_size[cell] * LANES - cells.cell_rows[cell] >= LANES:
            pack(rows, cells, cell)


@allocating
def dissolve(rows, cells, cell):
    """Give the rows of a cell to the nearest others that have room; it stays in use if none has."""
    slots = np.empty(cell_capacity(cells), dtype=np.int64)
    reaches = np.empty(cell_capacity(cells), dtype=np.float32)
    n = empty(cells, cell, slots, reaches)
    query = np.empty(rows.X.shape[1], dtype=np.float32)
    lanes = np.empty(LANES, dtype=np.float32)
    max_blocks = cells.cell_blocks.shape[1]
    for i in range(n):
        load_row(rows, slots[i], query)
        nearest = np.float32(np.inf)
        target = cell
        for group in range((cells.counts[END] + LANES - 1) // LANES):
            block_distances(cells.centroids[group], query, rows.penalty, np.float32(np.inf), lanes)
            for lane in range(LANES):
                other = group * LANES + lane
                if lanes[lane] >= nearest or other >= cells.counts[END] or cells.cell_size[other] == 0:
                    continue
                hole = cells.cell_rows[other] < cells.cell_size[other] * LANES
                if hole or (cells.cell_size[other] < max_blocks and cells.counts[FREE_BLOCKS] > max_blocks + 1):
                    nearest = lanes[lane]
                    target = other
        if target == cell:
            nearest = centroid_distance(cells, cell, query, rows.penalty)
        put(cells, target, slots[i], query, nearest, reaches[i])
    if cells.cell_size[cell] == 0:
        cells.free_cells[cells.counts[FREE_CELLS]] = cell
        cells.counts[FREE_CELLS] += 1


@inner
def remove(rows, cells, slot):
    """Take the row of a slot out of its cell."""
    block = cells.place[slot] // LANES
    lane = cells.place[slot] % LANES
    cells.tenants[block, lane] = DEAD
    cells.reach[block, lane] = UNKNOWN
    cells.block_rows[block] -= 1
    cell = cells.cell_of[block]
    cells.cell_rows[cell] -= 1
    n = cells.cell_rows[cell]
    n_cells = cells.free_cells.shape[0] - cells.counts[FREE_CELLS]
    if n == 0 or (n * SPARSE < cell_capacity(cells) and n_cells > 1):
        dissolve(rows, cells, cell)
    elif cells.cell_size[cell] * LANES - n >= LANES + LANES // 4:
        pack(rows, cells, cell)


@inner
def add(rows, cells, home, slot, query, d2, reach):
    """Put a new row into cell `home`, its nearest, at squared distance `d2`; `NO_CELL` if there is none yet."""
    make_room(rows, cells)
    if home == NO_CELL:
        home = open_cell(cells)
        set_centroid(cells, home, query)
    elif cells.cell_rows[home] == cell_capacity(cells):
        if cells.counts[FREE_CELLS] == 0:
            smallest = NO_CELL
            for cell in range(cells.counts[END]):
                if cell != home and (smallest == NO_CELL or cells.cell_rows[cell] < cells.cell_rows[smallest]):
                    smallest = cell
            dissolve(rows, cells, smallest)
        other = split(rows, cells, home)
        d2 = centroid_distance(cells, home, query, rows.penalty)
        across = centroid_distance(cells, other, query, rows.penalty)
        if across < d2:
            home = other
            d2 = across
    put(cells, home, slot, query, d2, reach)
