"""The search: scan the cells around a row, nearest first, and offer the row to the lists that reach to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.blocks import DEAD, block_distances
from resampler.kernels.graph import Lists, Rows, admit, inner, largest, offer, stamp_of
from resampler.kernels.graph_cells import ARRIVALS, END, FREE, NO_CELL, Cells
from resampler.kernels.lanes import LANES, at_most, first_lane, prefetch

# Typed, since Numba compiles anew for each literal that a kernel is called with.
ALL = np.int64(np.iinfo(np.int64).max)  # budget of an exact search
INFINITE = np.float32(np.inf)
INFINITE_BITS = np.float32(np.inf).view(np.int32)
ONE = np.uint64(1)
FIRST = np.int64(8)  # cells that an exact search deals with nearest first
SPREAD = np.int64(32)  # groups are looked into until they hold so many times the rows that are to be settled
NO_SLOT = np.int64(DEAD)

# `role` of a search: for a row that is asked about; for one that is being inserted, which is offered to the lists that
# reach to it. For an insertion in two steps: first among the cells, noting whom to tell; then among the newcomers.
QUERY, NEW, SCOUT, LATE = np.int64(0), np.int64(1), np.int64(2), np.int64(3)
OVERFLOW = np.int64(-1)  # what a scout found when there were more to tell than it can note


class Scratch(NamedTuple):
    """Working space of one search.

    Parameters
    ----------
    query : ndarray of shape (n_features,), float32
        The row in units of distance.
    lanes : ndarray of shape (LANES,), float32
        Squared distances of one block.
    hub_d2 : ndarray of shape (ceil(n_groups / LANES), LANES), float32
        Squared distance of each group's hub; infinite once the group has been looked into.
    hub_bits : ndarray of the same shape, int32
        The same memory. These order as the distances do, none being negative, and unlike those the compiler
        vectorises their minimum.
    cell_d2 : ndarray of shape (n_groups, LANES), float32
        Squared distance of each centroid of the groups that were looked into; infinite once the cell has been dealt
        with.
    cell_bits : ndarray of the same shape, int32
        The same memory.
    group_bits : ndarray of shape (n_groups,), int32
        The minimum of each row of `cell_bits`; infinite for a group that was not looked into.
    heard : ndarray of shape (room,), int64
        Places of the rows whose lists the query belongs in: of one cell at least.
    heard_d2 : ndarray of shape (room,), float32
        Their squared distances.
    """

    query: np.ndarray
    lanes: np.ndarray
    hub_d2: np.ndarray
    hub_bits: np.ndarray
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
def least(bits):
    """Return the smallest."""
    found = bits[0]
    for i in range(bits.shape[0]):
        found = min(found, bits[i])
    return found


@inner
def find_bits(bits, wanted):
    """Return where a value that is there comes first."""
    at = 0
    while bits[at] != wanted:
        at += 1
    return at


@inner
def measure_hubs(hubs, group_cells, n_groups, query, penalty, hub_d2):
    """Write the distances of the groups in use, infinity for the others."""
    for i in range(hub_d2.shape[0]):
        if i * LANES < n_groups:
            block_distances(hubs[i], query, penalty, INFINITE, hub_d2[i])
        for lane in range(LANES):
            group = i * LANES + lane
            if group >= n_groups or group_cells[group] == 0:
                hub_d2[i, lane] = INFINITE


@inner
def look_into_next(
    centroids, cell_rows, group_weight, query, penalty, hub_d2, hub_bits, cell_d2, cell_bits, group_bits
):
    """Write the distances of the cells of the nearest group; return its weight, or -1 if none was left."""
    nearest = INFINITE_BITS
    at = 0
    for i in range(hub_bits.shape[0]):
        here = least(hub_bits[i])
        if here < nearest:
            nearest = here
            at = i
    if nearest == INFINITE_BITS:
        return np.int64(-1)
    lane = find_bits(hub_bits[at], nearest)
    hub_d2[at, lane] = INFINITE
    group = at * LANES + lane
    block_distances(centroids[group], query, penalty, INFINITE, cell_d2[group])
    for cell in range(LANES):
        if cell_rows[group * LANES + cell] == FREE:
            cell_d2[group, cell] = INFINITE
    group_bits[group] = least(cell_bits[group])
    return group_weight[group]


@inner
def search(graph, role, slot, row_id, gone, budget, n, n_heard, stamps, d2s):
    """Find the neighbours of `scratch.query`, which is the row of `slot`, or of none if that is `NO_SLOT`.

    Cells are dealt with nearest first until `budget` rows have been and the list is full; if the budget is `ALL`, in
    any order after the first few. The newcomers come last. Writes stamps and squared distances, ascending by
    (distance, row id). A `NEW` row is offered to the lists of the rows that it meets.

    A `SCOUT` does no more than note those lists, behind the first `n_heard` of its scratch. It sees none of the `gone`
    oldest rows, and leaves the newcomers out; a `LATE` search goes on with them from the `n` rows that it found.

    Returns the number found (`OVERFLOW` if there was more to note than there is room), the nearest cell (`NO_CELL` if
    there is none), its squared distance, and `n_heard`.
    """
    rows, lists, cells, scratch = graph
    row_ids, penalty = rows.row_ids, rows.penalty
    blocks, tenants, reaches, block_reach = cells.blocks, cells.tenants, cells.reach, cells.block_reach
    weight, cell_size, cell_blocks, radius = cells.weight, cells.cell_size, cells.cell_blocks, cells.radius
    centroids, cell_rows, group_weight = cells.centroids, cells.cell_rows, cells.group_weight
    query, lanes, hub_d2, hub_bits, cell_d2, cell_bits, group_bits, heard, heard_d2 = scratch
    list_stamps, list_d2, list_count, reach_ids = lists
    oldest, held = rows.cursor
    n_groups = cells.counts[END]
    capacity, length = row_ids.shape[0], stamps.shape[0]
    tells = role != QUERY
    stamp = stamp_of(rows, slot)
    home = NO_CELL
    home_d2 = np.float32(0)
    settled = np.int64(0)
    if role != LATE:
        measure_hubs(cells.hubs, cells.group_cells, n_groups, query, penalty, hub_d2)
        group_bits[:] = INFINITE_BITS
        sought = ALL if budget == ALL else SPREAD * budget
        while sought > 0:
            seen = look_into_next(
                centroids, cell_rows, group_weight, query, penalty, hub_d2, hub_bits, cell_d2, cell_bits, group_bits
            )
            sought = sought - seen if seen >= 0 else 0
    n_near = FIRST if budget == ALL else ALL
    n_cells = n_groups * LANES
    worst = d2s[length - 1] if n == length else INFINITE
    step = np.int64(0)
    among_cells = role != LATE
    while among_cells or role != SCOUT:
        cell = NO_CELL
        if among_cells and not (settled >= budget and n == length):
            if step < n_near:
                nearest = least(group_bits)
                if nearest == INFINITE_BITS:
                    seen = look_into_next(
                        centroids,
                        cell_rows,
                        group_weight,
                        query,
                        penalty,
                        hub_d2,
                        hub_bits,
                        cell_d2,
                        cell_bits,
                        group_bits,
                    )
                    if seen >= 0:
                        continue
                else:
                    group = find_bits(group_bits, nearest)
                    cell = np.int64(group * LANES + find_bits(cell_bits[group], nearest))
            elif step - n_near < n_cells:
                cell = np.int64(step - n_near)
        step += 1
        size = np.int64(1)  # the block of newcomers
        if cell == NO_CELL:
            among_cells = False
            if role == SCOUT:
                break
        else:
            group, at = cell // LANES, cell % LANES
            d2_cell = cell_d2[group, at]
            if group_bits[group] == INFINITE_BITS or d2_cell == INFINITE:
                continue
            size = cell_size[cell]
            cell_d2[group, at] = INFINITE
            group_bits[group] = least(cell_bits[group])
            if home == NO_CELL:
                home = cell
                home_d2 = d2_cell
            settled += weight[cell]
            limit = worst
            if tells:
                for i in range(size):
                    limit = max(limit, block_reach[cell_blocks[cell, i]])
            if out_of_range(d2_cell, radius[cell], limit, query.shape[0]):
                continue
            if role == SCOUT and n_heard + size * LANES > heard.shape[0]:
                return OVERFLOW, home, home_d2, n_heard
        for i in range(size):
            block = cell_blocks[cell, i] if among_cells else ARRIVALS
            limit = max(worst, block_reach[block]) if tells else worst
            hits = block_distances(blocks[block], query, penalty, limit, lanes)
            if hits == 0:
                continue
            if tells:
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
                its_stamp = stamp_of(rows, other)
                if gone > 0 and age(its_stamp, oldest, capacity) < gone:
                    continue
                n = admit(row_ids, stamps, d2s, n, d2, its_stamp, row_ids[other])
                if n == length:
                    worst = d2s[length - 1]
        if role != SCOUT:
            tell(row_ids, oldest, held, lists, tenants, reaches, block_reach, heard, heard_d2, 0, n_heard, stamp, row_id)
            n_heard = np.int64(0)
            if not among_cells:
                break
    return n, home, home_d2, n_heard


@inner
def age(stamp, oldest, capacity):
    """Return how many rows came between the oldest and the row of a stamp."""
    return stamp - oldest if stamp >= oldest else stamp - oldest + 2 * capacity


@inner
def tell(row_ids, oldest, held, lists, tenants, reaches, block_reach, heard, heard_d2, first, last, stamp, row_id):
    """Offer a row to the lists that were noted, those that reach to it still."""
    list_stamps, list_d2, list_count, reach_ids = lists
    told = False
    for i in range(first, last):
        block, lane = heard[i] // LANES, heard[i] % LANES
        if heard_d2[i] <= reaches[block, lane] and tenants[block, lane] != DEAD:
            told = True
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
        if told and (i + 1 == last or heard[i + 1] // LANES != block):
            block_reach[block] = largest(reaches[block])
            told = False
