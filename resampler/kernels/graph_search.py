"""The search: scan the cells around a row, nearest first, and offer the row to the lists that reach to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.blocks import DEAD, block_distances
from resampler.kernels.graph import Lists, Rows, admit, inner, largest, offer, stamp_of
from resampler.kernels.graph_cells import END, NO_CELL, Cells
from resampler.kernels.lanes import LANES, at_most, first_lane, prefetch

# Typed, since Numba compiles anew for each literal that a kernel is called with.
ALL = np.int64(np.iinfo(np.int64).max)  # budget of an exact search
NEW = np.int64(1)  # `role` of a row that is being inserted: it is offered to the lists that reach to it
INFINITE = np.float32(np.inf)
INFINITE_BITS = np.float32(np.inf).view(np.int32)
ONE = np.uint64(1)
FIRST = np.int64(8)  # cells that an exact search deals with nearest first
QUERY = np.int64(0)  # `role` of a row that is asked about
NO_SLOT = np.int64(DEAD)


class Scratch(NamedTuple):
    """Working space of one search.

    Parameters
    ----------
    query : ndarray of shape (n_features,), float32
        The row in units of distance.
    lanes : ndarray of shape (LANES,), float32
        Squared distances of one block.
    cell_d2 : ndarray of shape (ceil(n_cells / LANES), LANES), float32
        Squared distance of each centroid; infinite once the cell has been dealt with.
    cell_bits : ndarray of the same shape, int32
        The same memory. These order as the distances do, none being negative, and unlike those the compiler
        vectorises their minimum.
    group_bits : ndarray of shape (ceil(n_cells / LANES),), int32
        The minimum of each row of `cell_bits`.
    heard : ndarray of shape (cell capacity,), int64
        Places of the rows of one cell whose lists the query belongs in.
    heard_d2 : ndarray of shape (cell capacity,), float32
        Their squared distances.
    """

    query: np.ndarray
    lanes: np.ndarray
    cell_d2: np.ndarray
    cell_bits: np.ndarray
    group_bits: np.ndarray
    heard: np.ndarray
    heard_d2: np.ndarray


class Graph(NamedTuple):
    """Everything that a search reads and an insertion changes.

    Parameters
    ----------
    rows : Rows
        The rows.
    lists : Lists
        Their neighbours.
    cells : Cells
        Where to look for them.
    scratch : Scratch
        Working space.
    """

    rows: Rows
    lists: Lists
    cells: Cells
    scratch: Scratch


@inner
def out_of_range(d2, radius, limit, n_features):
    """Tell whether all rows within `radius` of a centroid at squared distance `d2` are farther away than `limit`.

    The margins cover the rounding of float32 sums over all columns, and squares that underflow.
    """
    margin = 4e-7 * (n_features + 8)
    gap = np.sqrt(np.float64(d2)) * (1 - margin) - np.float64(radius) * (1 + margin) - 1e-18 * n_features
    return gap > 0 and gap * gap * (1 - margin) > limit


@inner
def measure_cells(graph):
    """Write the distances of all cells."""
    centroids, end = graph.cells.centroids, graph.cells.counts[END]
    query, _, cell_d2, cell_bits, group_bits, _, _ = graph.scratch
    group_bits[:] = INFINITE_BITS
    for group in range((end + LANES - 1) // LANES):
        block_distances(centroids[group], query, graph.rows.penalty, INFINITE, cell_d2[group])
        for cell in range(end, (group + 1) * LANES):
            cell_d2[group, cell % LANES] = INFINITE
        group_bits[group] = least(cell_bits[group])


@inner
def least(bits):
    """Return the smallest."""
    found = bits[0]
    for i in range(bits.shape[0]):
        found = min(found, bits[i])
    return found


@inner
def nearest_cell(cell_bits, group_bits):
    """Return the nearest cell that has not been dealt with, the lowest of several; `NO_CELL` if there is none."""
    nearest = least(group_bits)
    if nearest == INFINITE_BITS:
        return NO_CELL
    group = 0
    while group_bits[group] != nearest:
        group += 1
    lane = 0
    while cell_bits[group, lane] != nearest:
        lane += 1
    return np.int64(group * LANES + lane)


@inner
def search(graph, role, slot, row_id, budget, stamps, d2s):
    """Find the neighbours of `scratch.query`, which is the row of `slot`, or of none if that is `NO_SLOT`.

    Cells are dealt with nearest first until `budget` rows have been and the list is full; if the budget is `ALL`, in
    any order after the first few. Writes stamps and squared distances, ascending by (distance, row id). A `NEW` row is
    offered to the lists of the rows that it meets.

    Returns the number found and the nearest cell, `NO_CELL` if there is none.
    """
    rows, lists, cells, scratch = graph
    row_ids, penalty = rows.row_ids, rows.penalty
    blocks, tenants, reaches, block_reach = cells.blocks, cells.tenants, cells.reach, cells.block_reach
    cell_rows, cell_size, cell_blocks, radius = cells.cell_rows, cells.cell_size, cells.cell_blocks, cells.radius
    query, lanes, cell_d2, cell_bits, group_bits, heard, heard_d2 = scratch
    list_stamps, list_d2, list_count, reach_ids = lists
    oldest, held = rows.cursor
    end = cells.counts[END]
    length = stamps.shape[0]
    stamp = stamp_of(rows, slot)
    measure_cells(graph)
    home = NO_CELL
    settled = np.int64(0)
    n = np.int64(0)
    n_near = FIRST if budget == ALL else end
    worst = np.float32(np.inf)
    for step in range(n_near + end):
        if settled >= budget and n == length:
            break
        cell = nearest_cell(cell_bits, group_bits) if step < n_near else np.int64(step - n_near)
        if cell == NO_CELL:
            break
        group, at = cell // LANES, cell % LANES
        d2_cell = cell_d2[group, at]
        cell_d2[group, at] = INFINITE
        group_bits[group] = least(cell_bits[group])
        if cell_size[cell] == 0 or d2_cell == INFINITE:
            continue
        if home == NO_CELL:
            home = cell
        settled += cell_rows[cell]
        limit = worst
        if role == NEW:
            for i in range(cell_size[cell]):
                limit = max(limit, block_reach[cell_blocks[cell, i]])
        if out_of_range(d2_cell, radius[cell], limit, query.shape[0]):
            continue
        n_heard = 0
        for i in range(cell_size[cell]):
            block = cell_blocks[cell, i]
            limit = max(worst, block_reach[block]) if role == NEW else worst
            hits = block_distances(blocks[block], query, penalty, limit, lanes)
            if hits == 0:
                continue
            if role == NEW:
                reached = at_most(lanes, reaches[block])
                hits = at_most(lanes, worst)
                while reached:
                    lane = first_lane(reached)
                    reached &= reached - ONE
                    other = np.int64(tenants[block, lane])
                    if other != DEAD:
                        heard[n_heard] = block * LANES + lane
                        heard_d2[n_heard] = lanes[lane]
                        n_heard += 1
                        prefetch(list_stamps, other * length)
                        prefetch(list_d2, other * length)
                        prefetch(list_count, other)
                        prefetch(reach_ids, other)
            while hits:
                lane = first_lane(hits)
                hits &= hits - ONE
                d2 = lanes[lane]
                other = np.int64(tenants[block, lane])
                if d2 > worst or other == DEAD or other == slot:  # noqa: SIM109 - Numba would search a tuple by a loop
                    continue
                n = admit(row_ids, stamps, d2s, n, d2, stamp_of(rows, other), row_ids[other])
                if n == length:
                    worst = d2s[length - 1]
        for i in range(n_heard):
            block, lane = heard[i] // LANES, heard[i] % LANES
            reaches[block, lane] = offer(
                row_ids,
                oldest,
                held,
                list_stamps,
                list_d2,
                list_count,
                reach_ids,
                np.int64(tenants[block, lane]),
                reaches[block, lane],
                heard_d2[i],
                stamp,
                row_id,
            )
            if i + 1 == n_heard or heard[i + 1] // LANES != block:
                block_reach[block] = largest(reaches[block])
    return n, home
