"""Groups of cells: where a cell has its place, and how a cell near a row is found.

Naive: none of its own, since which groups there are is a choice and not a result. After every step of
tests/resampler/buffer/test_minority.py groups, cells, blocks and stacks must agree.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.buffer.cells import (
    FREE,
    NO_CELL,
    center_distance,
    clear_bit,
    get_center,
    set_bit,
    set_center,
    set_centroid,
    weigh,
)
from resampler.kernels.buffer.halve import halve
from resampler.kernels.jit import allocating, inner
from resampler.kernels.simd.blocks import block_distances
from resampler.kernels.simd.lanes import LANES

NO_GROUP = np.int64(-1)
LOOKS = 3  # groups in which a cell with room is sought
INFINITE = np.float32(np.inf)


@inner
def open_group(cells, hub):
    """Take a free group, of which there must be one."""
    cells.counts["free_groups"] -= 1
    group = cells.free_groups[cells.counts["free_groups"]]
    cells.counts["group_end"] = max(cells.counts["group_end"], group + 1)
    set_center(cells.hubs, group, hub)
    return group


@inner
def place_cell(cells, group, centroid, block):
    """Give a block a free cell of a group that has one."""
    cell = group * LANES
    while cells.cell_rows[cell] != FREE:
        cell += 1
    cells.cell_rows[cell] = 0
    cells.radius[cell] = 0
    cells.block_of[cell] = block
    cells.cell_of[block] = cell
    cells.group_cells[group] += 1
    set_bit(cells.cells_in_use, cell)
    set_bit(cells.groups_in_use, group)
    set_centroid(cells, cell, centroid)
    return cell


@inner
def open_cell(cells, group, centroid):
    """Take a free cell of a group that has one, and a free block, of which there must be one."""
    cells.counts["free_blocks"] -= 1
    return place_cell(cells, group, centroid, cells.free_blocks[cells.counts["free_blocks"]])


@inner
def leave_place(cells, cell):
    """Free a cell whose block has gone, and with the last cell of a group the group."""
    group = cell // LANES
    cells.cell_rows[cell] = FREE
    cells.group_cells[group] -= 1
    clear_bit(cells.cells_in_use, cell)
    if cells.group_cells[group] == 0:
        clear_bit(cells.groups_in_use, group)
        cells.free_groups[cells.counts["free_groups"]] = group
        cells.counts["free_groups"] += 1


@inner
def close_cell(cells, cell):
    """Give back a cell without rows, and its block."""
    block = cells.block_of[cell]
    cells.cell_of[block] = NO_CELL
    cells.free_blocks[cells.counts["free_blocks"]] = block
    cells.counts["free_blocks"] += 1
    leave_place(cells, cell)


@inner
def rehome(cells, cell, to):
    """Let newcomers of one cell go to another."""
    for i in range(cells.counts["newcomers"]):
        if cells.home[i] == cell:
            cells.home[i] = to


@inner
def move_cell(cells, cell, group, center):
    """Move a cell into another group, which has room; return its new number. `center` is working space."""
    get_center(cells.centroids, cell, center)
    to = place_cell(cells, group, center, cells.block_of[cell])
    cells.radius[to] = cells.radius[cell]
    cells.cell_rows[to] = cells.cell_rows[cell]
    weigh(cells, to, cells.weight[cell])
    weigh(cells, cell, -cells.weight[cell])
    rehome(cells, cell, to)
    leave_place(cells, cell)
    return to


@allocating
def dissolve_group(cells, penalty, group):
    """Move the cells of a group into the nearest others that have room; all groups together have."""
    center = np.empty(penalty.shape[0], dtype=np.float32)
    for cell in range(group * LANES, (group + 1) * LANES):
        if cells.cell_rows[cell] == FREE:
            continue
        get_center(cells.centroids, cell, center)
        nearest = INFINITE
        target = NO_GROUP
        for other in range(cells.counts["group_end"]):
            if other != group and 0 < cells.group_cells[other] < LANES:
                d2 = center_distance(cells.hubs, other, center, penalty)
                if d2 < nearest:
                    nearest = d2
                    target = other
        move_cell(cells, cell, target, center)


@allocating
def split_group(cells, penalty, cell):
    """Share the cells of a full group with a new one; return the new number of one of them."""
    group = cell // LANES
    if cells.counts["free_groups"] == 0:
        smallest = NO_GROUP
        for other in range(cells.counts["group_end"]):
            if other != group and (smallest == NO_GROUP or cells.group_cells[other] < cells.group_cells[smallest]):
                smallest = other
        dissolve_group(cells, penalty, smallest)
    Z = np.empty((LANES, penalty.shape[0]), dtype=np.float32)
    for lane in range(LANES):
        get_center(cells.centroids, group * LANES + lane, Z[lane])
    centers = np.empty((2, Z.shape[1]), dtype=np.float32)
    sides = np.empty(LANES, dtype=np.int64)
    halve(Z, penalty, centers, sides, np.empty((2, LANES), dtype=np.float32))
    set_center(cells.hubs, group, centers[0])
    other = open_group(cells, centers[1])
    found = cell
    for lane in range(LANES):
        if sides[lane]:
            to = move_cell(cells, group * LANES + lane, other, Z[lane])
            if group * LANES + lane == cell:
                found = to
    return found


@allocating
def find_cell(cells, query, penalty, besides):
    """Return the nearest cell of the nearest groups, and its squared distance; `NO_CELL` if there is none.

    If `besides` is a cell, it is one that has room, and another.
    """
    end = cells.counts["group_end"]
    hub_d2 = np.empty(((end + LANES - 1) // LANES, LANES), dtype=np.float32)
    lanes = np.empty(LANES, dtype=np.float32)
    for i in range(hub_d2.shape[0]):
        block_distances(cells.hubs[i], query, penalty, INFINITE, hub_d2[i])
    nearest = INFINITE
    target = NO_CELL
    looks = 0
    while looks < LOOKS or target == NO_CELL:
        group = NO_GROUP
        for other in range(end):
            if cells.group_cells[other] > 0 and (
                group == NO_GROUP or hub_d2[other // LANES, other % LANES] < hub_d2[group // LANES, group % LANES]
            ):
                group = other
        if group == NO_GROUP or hub_d2[group // LANES, group % LANES] == INFINITE:
            break
        hub_d2[group // LANES, group % LANES] = INFINITE
        looks += 1
        block_distances(cells.centroids[group], query, penalty, INFINITE, lanes)
        for lane in range(LANES):
            cell = group * LANES + lane
            if cells.cell_rows[cell] == FREE or lanes[lane] >= nearest or cell == besides:
                continue
            if besides == NO_CELL or cells.cell_rows[cell] < LANES:
                nearest = lanes[lane]
                target = cell
    return target, nearest
