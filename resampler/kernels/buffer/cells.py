"""Cells: an inverted file of rows, in groups that show which cells are worth a look.

A row lives in the cell of its nearest centroid. A cell is a transposed block of the sketches of up to `LANES` rows
(`resampler.kernels.simd.sketches`), so that scanning it is one contiguous, vectorised pass. A group is a block of up to
`LANES` centroids and has a hub, its own centre: a tree of two levels. Cells and groups are cut in two when they are
full, and dissolved when they run empty (`resampler.kernels.buffer.maintenance`): no training, and no pass over all the
rows.

Newcomers wait in blocks of their own, which every search scans. Only when these are full do they move into their cells,
and only then do cells change their shape. So the searches of all rows of one wave see the same cells, and can run side
by side.

A cell's radius bounds the distance of its rows to its centroid. By the triangle inequality it shows which cells need
not be scanned.

Naive: none of its own, since which cells there are is a choice and not a result. After every step of
tests/resampler/buffer/test_minority.py each bound is compared with the rows that it bounds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.buffer.graph import UNKNOWN, load_row
from resampler.kernels.jit import allocating, inline, inner
from resampler.kernels.simd.blocks import DEAD
from resampler.kernels.simd.lanes import LANES
from resampler.kernels.simd.sketches import GRAINS, HEADROOM, draw_sketch, span_of

COUNTS = np.dtype([(name, np.int64) for name in ("free_blocks", "free_groups", "group_end", "newcomers", "touched")])
WAITING = 4  # blocks of the newcomers, the first that there are
NEWCOMERS = WAITING * LANES  # that make a wave
NO_CELL = np.int64(-1)
FREE = np.int64(-1)  # rows of a cell that is not in use
ONE = np.uint64(1)


class Cells(NamedTuple):
    """The inverted file.

    Parameters
    ----------
    blocks : ndarray of shape (n_blocks, ceil(n_features / 4), LANES, 4), uint8
        Sketches of rows, side by side; none of the newcomers. See `resampler.kernels.simd.dots`.
    lengths : ndarray of shape (n_blocks, LANES), float32
        Their squared lengths.
    origins : ndarray of shape (n_blocks, n_features), float32
        What they are about: the cell's centroid, in one piece.
    grain : ndarray of shape (n_blocks,), float32
        What a sketch counts by.
    error : ndarray of shape (n_blocks,), float32
        No smaller than any row's distance from its sketch.
    newcomers : ndarray of shape (WAITING, n_features, LANES), float32
        Rows in units of distance, side by side; without cells all rows, each in the lane of its slot.
    lane_slots : ndarray of shape (n_blocks, LANES), int32
        Slot of each lane's row, or `DEAD`.
    cutoff : ndarray of shape (n_blocks, LANES), float32
        Squared cutoff of the row's candidate list: see `resampler.kernels.buffer.graph`.
    block_cutoff : ndarray of shape (n_blocks,), float32
        No smaller than any cutoff in the block.
    cell_of : ndarray of shape (n_blocks,), int64
        The cell that each block belongs to; `NO_CELL` for those of the newcomers.
    place : ndarray of shape (capacity,), int32
        Block x LANES + lane of each slot's row.
    centroids : ndarray of shape (n_groups, n_features, LANES), float32
        In units of distance, transposed like the rows; cell c is lane c % LANES of group c // LANES.
    radius : ndarray of shape (n_groups x LANES,), float32
        No smaller than any row's distance to the cell's centroid.
    cell_rows : ndarray of shape (n_groups x LANES,), int64
        Rows of each cell, or `FREE`.
    weight : ndarray of the same shape, int64
        Rows of each cell when the last wave ended, which is what a search counts.
    block_of : ndarray of the same shape, int64
        The block of each cell that is in use.
    hubs : ndarray of shape (ceil(n_groups / LANES), n_features, LANES), float32
        Centres of the groups, transposed.
    group_cells : ndarray of shape (n_groups,), int64
        Cells in use.
    cells_in_use : ndarray of shape (n_groups,), uint64
        A bit a cell of the group: whether it is in use.
    groups_in_use : ndarray of shape (ceil(n_groups / LANES),), uint64
        A bit a group: whether it has a cell.
    home : ndarray of shape (NEWCOMERS,), int64, or None
        The cell of each newcomer, `NO_CELL` if there was none. None without cells (`resampler.kernels.buffer.flat`): a
        type, so that the kernels of such rows are compiled without what cells need.
    home_d2 : ndarray of the same shape, float32
        Its squared distance.
    touched : ndarray of shape (n_groups x LANES,), int64
        Stack of the cells that have lost a row since the last wave: those with fewer rows than they weigh.
    free_blocks, free_groups : ndarray, int64
        Stacks.
    counts : void, COUNTS
        `free_blocks`, `free_groups`, `touched`: sizes of the stacks. `group_end`: all groups in use are below.
        `newcomers`: rows that came since the last wave.
    """

    blocks: np.ndarray
    lengths: np.ndarray
    origins: np.ndarray
    grain: np.ndarray
    error: np.ndarray
    newcomers: np.ndarray
    lane_slots: np.ndarray
    cutoff: np.ndarray
    block_cutoff: np.ndarray
    cell_of: np.ndarray
    place: np.ndarray
    centroids: np.ndarray
    radius: np.ndarray
    cell_rows: np.ndarray
    weight: np.ndarray
    block_of: np.ndarray
    hubs: np.ndarray
    group_cells: np.ndarray
    cells_in_use: np.ndarray
    groups_in_use: np.ndarray
    home: np.ndarray | None
    home_d2: np.ndarray
    touched: np.ndarray
    free_blocks: np.ndarray
    free_groups: np.ndarray
    counts: np.void


@inner
def set_cutoff(cells, slot, cutoff):
    """Store the cutoff of a slot's list."""
    block = cells.place[slot] // LANES
    cells.cutoff[block, cells.place[slot] % LANES] = cutoff
    cells.block_cutoff[block] = max(cells.block_cutoff[block], cutoff)


@inner
def settle(cells, block, lane, slot, cutoff):
    """Let a row have a free lane."""
    cells.lane_slots[block, lane] = slot
    cells.place[slot] = block * LANES + lane
    set_cutoff(cells, slot, cutoff)


@inline
def set_bit(words, at):
    """Set one bit of words of 64."""
    words[at // LANES] |= ONE << np.uint64(at % LANES)


@inline
def clear_bit(words, at):
    """Clear one bit of words of 64."""
    words[at // LANES] &= ~(ONE << np.uint64(at % LANES))


@inner
def weigh(cells, cell, change):
    """Change what a cell counts in a search."""
    cells.weight[cell] += change


@inner
def put(rows, cells, cell, slot, query, d2, cutoff):
    """Put a row at squared distance `d2` from the centroid into a cell that has room."""
    block = cells.block_of[cell]
    lane = 0
    while cells.lane_slots[block, lane] != DEAD:
        lane += 1
    cells.cell_rows[cell] += 1
    cells.radius[cell] = max(cells.radius[cell], np.sqrt(d2))
    weigh(cells, cell, 1)
    if make_grain(cells, cell, query, rows.penalty):
        coarsen(rows, cells, block)
    sketch(rows, cells, block, lane, query)
    settle(cells, block, lane, slot, cutoff)


@inner
def sketch(rows, cells, block, lane, query):
    """Draw the sketch of a row into its lane."""
    grain, origin = cells.grain[block], cells.origins[block]
    error = draw_sketch(query, origin, rows.penalty, grain, cells.blocks[block], lane, cells.lengths[block])
    cells.error[block] = max(cells.error[block], error)


@inner
def make_grain(cells, cell, query, penalty):
    """Make the grain of a cell's block coarse enough for a row; say whether it was not."""
    block = cells.block_of[cell]
    span = span_of(query, cells.origins[block], penalty)
    if span <= cells.grain[block] * GRAINS:
        return False
    cells.grain[block] = np.float32(np.float64(span) * HEADROOM / GRAINS)
    return True


@allocating
def coarsen(rows, cells, block):
    """Draw the sketches of a block anew, as its grain has changed."""
    cells.error[block] = 0
    query = np.empty(rows.X.shape[1], dtype=np.float32)
    for lane in range(LANES):
        slot = np.int64(cells.lane_slots[block, lane])
        if slot != DEAD:
            load_row(rows, slot, query)
            sketch(rows, cells, block, lane, query)


@inner
def vacate(cells, block, lane):
    """Take the row of a lane out."""
    cells.lane_slots[block, lane] = DEAD
    cells.cutoff[block, lane] = UNKNOWN


@inner
def remove(cells, slot):
    """Take the row of a slot out; its cell keeps the hole until the wave ends."""
    block = cells.place[slot] // LANES
    vacate(cells, block, cells.place[slot] % LANES)
    cell = cells.cell_of[block]
    if cell == NO_CELL:
        return
    if cells.cell_rows[cell] == cells.weight[cell]:
        cells.touched[cells.counts["touched"]] = cell
        cells.counts["touched"] += 1
    cells.cell_rows[cell] -= 1


@inner
def empty(cells, cell, slots, cutoffs):
    """Take all rows out of a cell, writing their slots and cutoffs; return their number."""
    n = 0
    block = cells.block_of[cell]
    for lane in range(LANES):
        if cells.lane_slots[block, lane] != DEAD:
            slots[n] = cells.lane_slots[block, lane]
            cutoffs[n] = cells.cutoff[block, lane]
            n += 1
        cells.lane_slots[block, lane] = DEAD
        cells.cutoff[block, lane] = UNKNOWN
    cells.block_cutoff[block] = UNKNOWN
    cells.error[block] = 0
    cells.grain[block] = 0
    cells.cell_rows[cell] = 0
    cells.radius[cell] = 0
    weigh(cells, cell, -cells.weight[cell])
    return n


@inner
def set_centroid(cells, cell, center):
    """Write the centroid of a cell that has its block."""
    set_center(cells.centroids, cell, center)
    for j in range(center.shape[0]):
        cells.origins[cells.block_of[cell], j] = center[j]


@inner
def set_center(centers, at, center):
    """Write a centroid or a hub."""
    for j in range(center.shape[0]):
        centers[at // LANES, j, at % LANES] = center[j]


@inner
def get_center(centers, at, center):
    """Read a centroid or a hub."""
    for j in range(center.shape[0]):
        center[j] = centers[at // LANES, j, at % LANES]


@inner
def center_distance(centers, at, query, penalty):
    """Return the squared distance of a row to one centroid or hub, bit for bit as a scan of its block has it."""
    d2 = np.float32(0)
    for j in range(query.shape[0]):
        value = centers[at // LANES, j, at % LANES]
        if penalty[j] < 0:
            d2 += (value - query[j]) * (value - query[j])
        elif value != query[j]:
            d2 += penalty[j]
    return d2
