"""The search: scan the cells around a row, nearest first, and offer the row to the lists that reach to it.

The scan sees sketches. It notes the rows that may be near enough, as far as the bounds known by then tell, and these
are measured afterwards.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.buffer.cells import ARRIVED, END, FREE, NO_CELL, Cells
from resampler.kernels.buffer.graph import Lists, Rows, admit, largest, offer, stamp_of
from resampler.kernels.jit import inner
from resampler.kernels.simd.blocks import DEAD, block_distances
from resampler.kernels.simd.lanes import LANES, LINE, at_most, first_lane, near, prefetch
from resampler.kernels.simd.sketches import (
    exact_distances,
    factor_of,
    margin_of,
    offset_of,
    see_from,
    sketch_distances,
)

# Typed, since Numba compiles anew for each literal that a kernel is called with.
ALL = np.int64(np.iinfo(np.int64).max)  # budget of an exact search
INFINITE = np.float32(np.inf)
INFINITE_BITS = np.float32(np.inf).view(np.int32)
ONE = np.uint64(1)
FIRST = np.int64(8)  # cells that an exact search deals with nearest first
# A group may have a nearer cell than the next one if its hub is less than so many times as far, squared: with a small
# budget, and what more of it adds.
FARTHER = 1.75
FARTHER_BY = 1536
NO_SLOT = np.int64(DEAD)
AHEAD = 16  # columns of the next cell that are asked for early; the processor then sees what comes

# `role` of a search: for a row that is asked about; for one that is being inserted, which is offered to the lists that
# reach to it; for one that is to be inserted, among the cells only, noting these lists (see `buffer.insertion`).
QUERY, NEW, SCOUT = np.int64(0), np.int64(1), np.int64(2)
OVERFLOW = np.int64(-1)  # what a scout found when there were more to tell than it can note


class Scratch(NamedTuple):
    """Working space of one search.

    Parameters
    ----------
    query : ndarray of shape (n_features,), float32
        The row in units of distance.
    residual : ndarray of shape (n_features,), float32
        The row as the sketches of one cell see it.
    lanes : ndarray of shape (LANES,), float32
        Squared distances of one block.
    hub_d2 : ndarray of shape (ceil(n_groups / LANES), LANES), float32
        Squared distance of each group's hub; infinite once the group has been looked into.
    hub_bits : ndarray of the same shape, int32
        The same memory. These order as the distances do, none being negative, and unlike those the compiler
        vectorises their minimum.
    seen : ndarray of shape (n_groups,), int64
        The groups that were looked into, in this order.
    cell_d2 : ndarray of shape (n_groups, LANES), float32
        Squared distances of their cells; infinite once the cell has been dealt with.
    cell_bits : ndarray of the same shape, int32
        The same memory.
    group_bits : ndarray of shape (n_groups,), int32
        The minimum of each row of `cell_bits`.
    bounds : ndarray of shape (at least a list's entries,), float32
        The lowest bounds from above of the squared distances of the rows seen.
    places, slots : ndarray of shape (room,), int64
        Rows that may be near enough: at least as many as a cell holds.
    lows, d2 : ndarray of shape (room,), float32
        Bounds from below of their squared distances, and these.
    heard : ndarray of shape (at least room,), int64
        Places of the rows whose lists the query belongs in.
    heard_d2 : ndarray of the same shape, float32
        Their squared distances.
    """

    query: np.ndarray
    residual: np.ndarray
    lanes: np.ndarray
    hub_d2: np.ndarray
    hub_bits: np.ndarray
    seen: np.ndarray
    cell_d2: np.ndarray
    cell_bits: np.ndarray
    group_bits: np.ndarray
    bounds: np.ndarray
    places: np.ndarray
    slots: np.ndarray
    lows: np.ndarray
    d2: np.ndarray
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
    margin = margin_of(n_features)
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
def nearest_hub(hub_d2, hub_bits):
    """Return the nearest group that has not been looked into, and its squared distance, infinite if there is none."""
    nearest = INFINITE_BITS
    at = 0
    for i in range(hub_bits.shape[0]):
        here = least(hub_bits[i])
        if here < nearest:
            nearest = here
            at = i
    if nearest == INFINITE_BITS:
        return NO_CELL, INFINITE
    lane = find_bits(hub_bits[at], nearest)
    return np.int64(at * LANES + lane), hub_d2[at, lane]


@inner
def look_into(group, centroids, cell_rows, query, penalty, cell_d2):
    """Write the distances of the cells of a group, infinity for those not in use."""
    block_distances(centroids[group], query, penalty, INFINITE, cell_d2)
    for lane in range(LANES):
        if cell_rows[group * LANES + lane] == FREE:
            cell_d2[lane] = INFINITE


@inner
def highest(bounds, n):
    """Return where the highest of the first `n` bounds is."""
    at = np.int64(0)
    found = bounds[0]
    for i in range(1, n):
        at = i if bounds[i] > found else at
        found = max(found, bounds[i])
    return at


@inner
def search(graph, role, slot, row_id, gone, budget, n_heard, stamps, d2s):
    """Find the neighbours of `scratch.query`, which is the row of `slot`, or of none if that is `NO_SLOT`.

    Cells are dealt with nearest first until `budget` rows have been and the list is full; if the budget is `ALL`, in
    any order after the first few. The newcomers come last. Writes stamps and squared distances, ascending by
    (distance, row id). A `NEW` row is offered to the lists of the rows that it meets.

    A `SCOUT` does no more than note those lists, behind the first `n_heard` of its scratch. It sees none of the `gone`
    oldest rows, and leaves the newcomers out: `meet_newcomers` goes on from there.

    Returns the number found (`OVERFLOW` if there was more to note than there is room), the nearest cell (`NO_CELL` if
    there is none), its squared distance, and `n_heard`.
    """
    rows, _, cells, scratch = graph
    penalty = rows.penalty
    blocks, tenants, reaches, block_reach = cells.blocks, cells.tenants, cells.reach, cells.block_reach
    weight, block_of, radius = cells.weight, cells.block_of, cells.radius
    centroids, cell_rows, grain, block_error = cells.centroids, cells.cell_rows, cells.grain, cells.error
    query, residual, lanes, hub_d2, hub_bits, seen, cell_d2, cell_bits, group_bits = scratch[:9]
    bounds, places, lows = scratch.bounds, scratch.places, scratch.lows
    oldest = rows.cursor[0]
    n_groups = cells.counts[END]
    capacity, n_features = rows.X.shape
    length = stamps.shape[0]
    tells = role != QUERY
    factor = factor_of(n_features)
    home = NO_CELL
    home_d2 = np.float32(0)
    settled = np.int64(0)
    n = np.int64(0)
    n_seen = np.int64(0)
    measure_hubs(cells.hubs, cells.group_cells, n_groups, query, penalty, hub_d2)
    hub, d2_hub = nearest_hub(hub_d2, hub_bits)
    n_first = FIRST if budget == ALL else ALL
    farther = np.float32(FARTHER + budget / FARTHER_BY)
    in_scratch = length <= bounds.shape[0]  # else each cell's rows are measured at once
    n_bounds = np.int64(0)  # as many as rows have been seen, `length` at most
    last = np.int64(0)  # where the highest of them is
    upper = INFINITE  # no smaller than the last distance that there will be
    n_near = np.int64(0)
    step = np.int64(0)
    cell, block, d2_cell = NO_CELL, np.int64(0), INFINITE
    started = False
    among_cells = True
    while among_cells:
        # The next cell is chosen before this one is scanned, so that memory brings its rows meanwhile.
        next_cell, next_block, next_d2 = NO_CELL, np.int64(0), INFINITE
        while True:
            at = np.int64(0)
            if step < n_first:
                nearest = INFINITE_BITS
                for i in range(n_seen):
                    nearest = min(nearest, group_bits[i])
                if nearest != INFINITE_BITS:
                    i = find_bits(group_bits, nearest)
                    at = i * LANES + find_bits(cell_bits[i], nearest)
                    next_d2 = cell_d2[i, at % LANES]
            while step - n_first >= 0 and step - n_first < n_seen * LANES and next_d2 == INFINITE:
                at = step - n_first
                next_d2 = cell_d2[at // LANES, at % LANES]
                step += next_d2 == INFINITE
            if hub == NO_CELL or (budget != ALL and d2_hub > farther * next_d2):
                break
            look_into(hub, centroids, cell_rows, query, penalty, cell_d2[n_seen])
            seen[n_seen] = hub
            group_bits[n_seen] = least(cell_bits[n_seen])
            n_seen += 1
            next_d2 = INFINITE
            hub_d2[hub // LANES, hub % LANES] = INFINITE
            hub, d2_hub = nearest_hub(hub_d2, hub_bits)
        if next_d2 != INFINITE:
            i, lane = at // LANES, at % LANES
            cell_d2[i, lane] = INFINITE
            group_bits[i] = least(cell_bits[i])
            step += 1
            next_cell = seen[i] * LANES + lane
            next_block = block_of[next_cell]
            if step < n_first:
                for j in range(min(n_features, AHEAD)):
                    prefetch(blocks, (next_block * n_features + j) * LANES)
                for j in range(0, LANES, LINE):
                    prefetch(tenants, next_block * LANES + j)
                    prefetch(reaches, next_block * LANES + j)
        if not started:
            started = True
            home, home_d2 = next_cell, next_d2
        elif cell == NO_CELL or (settled >= budget and n_bounds == length):
            among_cells = False
        else:
            settled += weight[cell]
            limit = max(upper, block_reach[block]) if tells else upper
            hits = np.uint64(0)
            offset = INFINITE
            if not out_of_range(d2_cell, radius[cell], limit, n_features):
                away = see_from(query, centroids, cell, LANES, penalty, residual)
                offset = offset_of(block_error[block] + away, n_features)
                bound = limit * factor + offset
                hits = sketch_distances(blocks[block], grain[block], residual, penalty, bound, lanes)
            if tells and hits != 0:
                hits = at_most(lanes, upper * factor + offset) | near(lanes, reaches[block], factor, offset)
            while hits:
                lane = first_lane(hits)
                hits &= hits - ONE
                other = np.int64(tenants[block, lane])
                if other == DEAD or other == slot:  # noqa: SIM109 - Numba would search a tuple by a loop
                    continue
                if gone > 0 and age(stamp_of(rows, other), oldest, capacity) < gone:
                    continue
                places[n_near] = block * LANES + lane
                lows[n_near] = (lanes[lane] - offset) / factor
                n_near += 1
                bound = lanes[lane] * factor + offset
                if in_scratch and bound < upper:
                    bounds[n_bounds if n_bounds < length else last] = bound
                    n_bounds += n_bounds < length
                    if n_bounds == length:
                        last = highest(bounds, length)
                        upper = bounds[last]
        cell, block, d2_cell = next_cell, next_block, next_d2
        if among_cells and in_scratch and n_near + LANES <= places.shape[0]:
            continue
        if role == SCOUT and n_heard + n_near > scratch.heard.shape[0]:
            return OVERFLOW, home, home_d2, n_heard
        n, n_heard = measure(graph, tells, upper, n_near, n, n_heard, stamps, d2s)
        n_near = np.int64(0)
        if n == length:
            upper = min(upper, d2s[length - 1])
        if not in_scratch:
            n_bounds = n
        if role == NEW:
            tell(graph, scratch, np.int64(0), n_heard, slot, row_id)
            n_heard = np.int64(0)
    if role != SCOUT:
        n = meet_newcomers(graph, tells, slot, row_id, n, stamps, d2s)
    return n, home, home_d2, n_heard


@inner
def measure(graph, tells, upper, n_near, n, n_heard, stamps, d2s):
    """Measure the rows noted that may be within `upper`, or whose lists may reach to the query.

    Admits them to the neighbours, and notes those whose lists do. Returns the new `n` and `n_heard`.
    """
    rows, lists, cells, scratch = graph
    row_ids, tenants, reaches = rows.row_ids, cells.tenants, cells.reach
    places, slots, lows, found = scratch.places, scratch.slots, scratch.lows, scratch.d2
    heard, heard_d2 = scratch.heard, scratch.heard_d2
    n_features = rows.X.shape[1]
    list_length, length = lists.stamps.shape[1], stamps.shape[0]
    m = 0
    for i in range(n_near):
        block, lane = places[i] // LANES, places[i] % LANES
        hears = tells and lows[i] <= reaches[block, lane]
        if not hears and lows[i] > upper:
            continue
        other = np.int64(tenants[block, lane])
        places[m] = places[i]
        slots[m] = other
        m += 1
        for j in range(0, n_features, LINE):
            prefetch(rows.X, other * n_features + j)
        if hears:
            prefetch(lists.stamps, other * list_length)
            prefetch(lists.d2, other * list_length)
            prefetch(lists.count, other)
            prefetch(lists.reach_id, other)
    if m == 0:
        return n, n_heard
    exact_distances(rows.X, rows.inverse_scale, rows.inverse_norm, rows.penalty, scratch.query, slots, m, found)
    worst = d2s[length - 1] if n == length else INFINITE
    for i in range(m):
        d2 = found[i]
        if tells and d2 <= reaches[places[i] // LANES, places[i] % LANES]:
            heard[n_heard] = places[i]
            heard_d2[n_heard] = d2
            n_heard += 1
        if d2 <= worst:
            n = admit(row_ids, stamps, d2s, n, d2, stamp_of(rows, slots[i]), row_ids[slots[i]])
            if n == length:
                worst = d2s[length - 1]
    return n, n_heard


@inner
def meet_newcomers(graph, tells, slot, row_id, n, stamps, d2s):
    """Go on with the newcomers, which are there in full; return the number found."""
    rows, _, cells, scratch = graph
    row_ids, tenants, reaches = rows.row_ids, cells.tenants, cells.reach
    lanes, heard, heard_d2 = scratch.lanes, scratch.heard, scratch.heard_d2
    length = stamps.shape[0]
    worst = d2s[length - 1] if n == length else INFINITE
    n_heard = np.int64(0)
    for block in range((cells.counts[ARRIVED] + LANES - 1) // LANES):
        limit = max(worst, cells.block_reach[block]) if tells else worst
        hits = block_distances(cells.newcomers[block], scratch.query, rows.penalty, limit, lanes)
        if tells and hits != 0:
            hits = at_most(lanes, worst) | at_most(lanes, reaches[block])
        while hits:
            lane = first_lane(hits)
            hits &= hits - ONE
            d2 = lanes[lane]
            other = np.int64(tenants[block, lane])
            if other == DEAD or other == slot:  # noqa: SIM109 - Numba would search a tuple by a loop
                continue
            if tells and d2 <= reaches[block, lane]:
                heard[n_heard] = block * LANES + lane
                heard_d2[n_heard] = d2
                n_heard += 1
            if d2 <= worst:
                n = admit(row_ids, stamps, d2s, n, d2, stamp_of(rows, other), row_ids[other])
                if n == length:
                    worst = d2s[length - 1]
    if n_heard > 0:
        tell(graph, scratch, np.int64(0), n_heard, slot, row_id)
    return n


@inner
def age(stamp, oldest, capacity):
    """Return how many rows came between the oldest and the row of a stamp."""
    return stamp - oldest if stamp >= oldest else stamp - oldest + 2 * capacity


@inner
def tell(graph, notes, first, last, slot, row_id):
    """Offer the row of a slot to the lists that a search has noted, those that reach to it still."""
    rows, lists, cells, _ = graph
    tenants, reaches, block_reach = cells.tenants, cells.reach, cells.block_reach
    heard, heard_d2 = notes.heard, notes.heard_d2
    oldest, held = rows.cursor
    stamp = stamp_of(rows, slot)
    told = False
    for i in range(first, last):
        block, lane = heard[i] // LANES, heard[i] % LANES
        if heard_d2[i] <= reaches[block, lane] and tenants[block, lane] != DEAD:
            told = True
            reaches[block, lane] = offer(
                rows.row_ids,
                oldest,
                held,
                lists.stamps,
                lists.d2,
                lists.count,
                lists.reach_id,
                np.int64(tenants[block, lane]),
                reaches[block, lane],
                heard_d2[i],
                stamp,
                row_id,
            )
        if told and (i + 1 == last or heard[i + 1] // LANES != block):
            block_reach[block] = largest(reaches[block])
            told = False
