"""The search: scan the cells around a row, nearest first, for its nearest rows and for those that it affects.

`search_cells` takes the cells in the order in which the walk gives them (`resampler.kernels.buffer.walk`). `scan_cell`
sees sketches, `note_rows` notes the rows that may be near enough, as far as the bounds known by then say, and `measure`
decides. The unsorted newcomers come last (`scan_newcomers`).

A search either reads only (`find_neighbors`), or it collects the rows affected by the query, those whose lists the
query belongs in, for `update_affected` to enter it.

Naive: `NaiveGraph`, through `look_up_all` and insertion, in tests/resampler/kernels/buffer/test_search.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.buffer.cells import NO_CELL, Cells
from resampler.kernels.buffer.flat import find_flat
from resampler.kernels.buffer.graph import Lists, Rows, admit, largest, stamp_of, update_list
from resampler.kernels.buffer.walk import AHEAD, ALL, INFINITE, choose_cells, prefetch_cell, start_walk
from resampler.kernels.jit import fused, inline, inner
from resampler.kernels.simd.blocks import DEAD, block_distances
from resampler.kernels.simd.lanes import LANES, LINE, at_most, first_lane, greatest, near, prefetch
from resampler.kernels.simd.sketches import (
    exact_distances,
    factor_of,
    margin_of,
    offset_of,
    see_from,
    sketch_distances,
)

# Typed, since Numba compiles anew for each literal that a kernel is called with.
ONE = np.uint64(1)
NO_SLOT = np.int64(DEAD)
COLLECT, READ_ONLY = np.bool_(True), np.bool_(False)  # whether a search collects the rows that the query affects
NONE = np.int64(0)
AT_ONCE = np.int64(4)  # cells that are scanned before the rows hit are noted
OVERFLOW = np.int64(-1)  # what a search finds that affects more rows than it can note


class Scratch(NamedTuple):
    """Working space of one search.

    Parameters
    ----------
    query : ndarray of shape (n_features,), float32
        The row in units of distance.
    residual : ndarray of shape (2, 4 * ceil(n_features / 4)), int8
        The row as the sketches of one cell see it, in high and low bytes; 0 behind the last column.
    lanes : ndarray of shape (AT_ONCE, LANES), float32
        Squared distances of some blocks.
    hits : ndarray of shape (AT_ONCE,), uint64
        A bit a lane of theirs: whether its row may be near enough.
    offsets : ndarray of shape (AT_ONCE,), float32
        The offsets of their bounds.
    hub_d2 : ndarray of shape (n_hub_blocks, LANES), float32
        Squared distance of each group's hub; infinite once the group has been looked into.
    hub_least : ndarray of shape (ceil(n_hub_blocks / LANES), LANES), float32
        The lowest of each of its rows.
    walk : void, WALK
        Where the walk over the cells stands.
    seen : ndarray of shape (n_groups,), int64
        The groups that were looked into, in this order.
    cell_d2 : ndarray of shape (n_groups, LANES), float32
        Squared distances of their cells; infinite once the cell has been dealt with. Of a flat index, of all rows.
    cell_least : ndarray of shape (n_hub_blocks, LANES), float32
        The lowest of each of its rows.
    queue, queue_d2 : ndarray of shape (QUEUE,), int64 and float32
        The cells that come next and their squared distances.
    bounds : ndarray of shape (at least a list's entries,), float32
        The lowest bounds from above of the squared distances of the rows seen.
    places, slots : ndarray of shape (room,), int64
        Rows that may be near enough: at least as many as a cell holds.
    lows, d2 : ndarray of shape (room,), float32
        Bounds from below of their squared distances, and these.
    terms : ndarray of shape (SIDE_BY_SIDE, n_features), float32
        What each column adds to some of them.
    affected : ndarray of shape (at least room,), int64
        Places of the affected rows: those whose lists the query belongs in.
    affected_d2 : ndarray of the same shape, float32
        Their squared distances.
    """

    query: np.ndarray
    residual: np.ndarray
    lanes: np.ndarray
    hits: np.ndarray
    offsets: np.ndarray
    hub_d2: np.ndarray
    hub_least: np.ndarray
    walk: np.void
    seen: np.ndarray
    cell_d2: np.ndarray
    cell_least: np.ndarray
    queue: np.ndarray
    queue_d2: np.ndarray
    bounds: np.ndarray
    places: np.ndarray
    slots: np.ndarray
    lows: np.ndarray
    d2: np.ndarray
    terms: np.ndarray
    affected: np.ndarray
    affected_d2: np.ndarray


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
    """Say whether all rows within `radius` of a centroid at squared distance `d2` are farther away than `limit`.

    The margins cover the rounding of float32 sums over all columns, and squares that underflow.
    """
    margin = margin_of(n_features)
    gap = np.sqrt(np.float64(d2)) * (1 - margin) - np.float64(radius) * (1 + margin) - 1e-18 * n_features
    return gap > 0 and gap * gap * (1 - margin) > limit


@inner
def highest(bounds, n):
    """Return where the highest of the first `n` bounds is."""
    at = np.int64(0)
    found = bounds[0]
    for i in range(1, n):
        at = i if bounds[i] > found else at
        found = max(found, bounds[i])
    return at


@fused
def scan_cell(cells, scratch, penalty, mixed, collects, cell, d2, upper, at):
    """Write the word whose bits are set for the lanes that may be within `upper` or affected, and the bounds' offset.

    They and the sketches' squared distances go into place `at` of the cells scanned at once.
    """
    block = cells.block_of[cell]
    n_features = scratch.query.shape[0]
    lanes = scratch.lanes[at]
    factor = factor_of(n_features)
    limit = max(upper, cells.block_cutoff[block]) if collects else upper
    scratch.hits[at] = 0
    if d2 <= limit or not out_of_range(d2, cells.radius[cell], limit, n_features):
        grain = cells.grain[block]
        unit, length, away, above = see_from(scratch.query, cells.origins[block], penalty, mixed, d2, scratch.residual)
        offset = offset_of(cells.error[block] + away, n_features, length, grain)
        hits = sketch_distances(
            cells.blocks[block],
            cells.lengths[block],
            grain,
            scratch.query,
            scratch.residual,
            above,
            unit,
            length,
            penalty,
            mixed,
            upper * factor + offset,
            lanes,
        )
        if collects:
            hits |= near(lanes, cells.cutoff[block], factor, offset)
        scratch.hits[at] = hits
        scratch.offsets[at] = offset
        if hits:
            for lane in range(0, LANES, LINE):
                prefetch(cells.lane_slots, block * LANES + lane)


@fused
def note_rows(rows, cells, scratch, block, at, slot, gone, n_near, n_bounds, length, last, upper):
    """Note the rows of the lanes hit of a block in place `at`, but for that of `slot` and the `gone` oldest.

    The lowest `length` bounds from above, of which `n_bounds` are known and number `last` is the highest, give `upper`.
    Returns the new `n_near`, `n_bounds`, `last` and `upper`.
    """
    lanes, bounds = scratch.lanes[at], scratch.bounds
    hits, offset = scratch.hits[at], scratch.offsets[at]
    factor = factor_of(scratch.query.shape[0])
    oldest, capacity = rows.cursor["oldest"], rows.X.shape[0]
    while hits:
        lane = first_lane(hits)
        hits &= hits - ONE
        other = np.int64(cells.lane_slots[block, lane])
        if other == DEAD or other == slot:  # noqa: SIM109 - Numba would search a tuple by a loop
            continue
        if gone > 0 and age(stamp_of(rows, other), oldest, capacity) < gone:
            continue
        scratch.places[n_near] = block * LANES + lane
        scratch.lows[n_near] = (lanes[lane] - offset) / factor
        n_near += 1
        bound = lanes[lane] * factor + offset
        if length <= bounds.shape[0] and bound < upper:
            bounds[n_bounds if n_bounds < length else last] = bound
            n_bounds += n_bounds < length
            if n_bounds == length:
                last = highest(bounds, length)
                upper = bounds[last]
    return n_near, n_bounds, last, upper


@inner
def search_cells(graph, collects, slot, row_id, gone, budget, n_affected, stamps, d2s):
    """Find the neighbours of `scratch.query` among the cells: the row of `slot`, or of none if that is `NO_SLOT`.

    Cells are dealt with until `budget` rows have been and the list is full. Writes stamps and squared distances,
    ascending by (distance, row id). A search that `collects` notes the affected rows behind the first `n_affected` of
    its scratch, and where there is no room for more enters the query into their lists; one without a slot cannot, and
    gives up. The `gone` oldest rows are not seen.

    Returns the number found (`OVERFLOW` if it gave up), the nearest cell (`NO_CELL` if there is none), its squared
    distance, and the new `n_affected`.
    """
    rows = graph.rows
    cells = graph.cells
    scratch = graph.scratch
    penalty = rows.penalty
    mixed = largest(penalty) >= 0
    length = stamps.shape[0]
    bounded = length <= scratch.bounds.shape[0]  # else each cell's rows are measured at once
    n, settled = np.int64(0), np.int64(0)
    n_near, n_bounds, last, upper = np.int64(0), np.int64(0), np.int64(0), INFINITE
    home, home_d2 = NO_CELL, INFINITE
    start_walk(cells, scratch, penalty, budget)
    i, n_chosen, searching = NONE, NONE, True
    while searching:
        enough = settled >= budget and n_bounds == length
        if i == n_chosen and not enough:
            i = NONE
            n_chosen = choose_cells(cells, scratch, penalty, budget, settled)
            if home == NO_CELL and n_chosen > 0:
                home, home_d2 = scratch.queue[0], scratch.queue_d2[0]
        if enough or n_chosen == 0:
            searching = False
        else:
            m = NONE
            while m < min(AT_ONCE, n_chosen - i) and (m == 0 or settled < budget):
                cell, d2 = scratch.queue[i + m], scratch.queue_d2[i + m]
                if budget != ALL and i + m + AHEAD < n_chosen:
                    prefetch_cell(cells, cells.block_of[scratch.queue[i + m + AHEAD]])
                settled += cells.weight[cell]
                scan_cell(cells, scratch, penalty, mixed, collects, cell, d2, upper, m)
                m += 1
            for at in range(m):
                n_near, n_bounds, last, upper = note_rows(
                    rows,
                    cells,
                    scratch,
                    cells.block_of[scratch.queue[i + at]],
                    at,
                    slot,
                    gone,
                    n_near,
                    n_bounds,
                    length,
                    last,
                    upper,
                )
            i += m
        if searching and bounded and n_near + AT_ONCE * LANES <= scratch.places.shape[0]:
            continue
        if collects and n_affected + n_near > scratch.affected.shape[0]:
            if slot == NO_SLOT:
                return OVERFLOW, home, home_d2, n_affected
            update_affected(graph, scratch, NONE, n_affected, slot, row_id)
            n_affected = NONE
        n, n_affected = measure(graph, mixed, collects, upper, n_near, n, n_affected, stamps, d2s)
        n_near = NONE
        if n == length:
            upper = min(upper, d2s[length - 1])
        if not bounded:
            n_bounds = n
    return n, home, home_d2, n_affected


@inline
def find_neighbors(graph, slot, budget, stamps, d2s):
    """Find the neighbours of the query, which is the row of `slot`, or of none; return how many. Reads only."""
    n, _, _ = find(graph, graph.cells.home, READ_ONLY, slot, NO_SLOT, budget, stamps, d2s)
    return n


@inline
def find_and_update(graph, slot, row_id, budget, stamps, d2s):
    """Find the neighbours of the query, the new row of `slot`, and enter it into the lists of the rows it affects.

    Returns the number found, the nearest cell, and its squared distance.
    """
    return find(graph, graph.cells.home, COLLECT, slot, row_id, budget, stamps, d2s)


@inner
def find(graph, homes, collects, slot, row_id, budget, stamps, d2s):
    """Find the neighbours of the query, and what else `collects` asks for: among cells, if there are `homes`."""
    n, home, home_d2 = NONE, NO_CELL, INFINITE
    if homes is None:
        n = find_flat(graph, graph.rows.common, collects, slot, row_id, stamps, d2s)
    else:
        n, home, home_d2, n_affected = search_cells(graph, collects, slot, row_id, NONE, budget, NONE, stamps, d2s)
        if collects:
            update_affected(graph, graph.scratch, NONE, n_affected, slot, row_id)
        n = scan_newcomers(graph, collects, slot, row_id, n, stamps, d2s)
    return n, home, home_d2


@inline
def select_near(graph, collects, upper, n_near):
    """Move the rows noted that may be within `upper`, or affected, to the front; return how many there are."""
    rows = graph.rows
    lists = graph.lists
    cells = graph.cells
    scratch = graph.scratch
    places, slots, lows = scratch.places, scratch.slots, scratch.lows
    n_features, list_length = rows.X.shape[1], lists.stamps.shape[1]
    m = np.int64(0)
    for i in range(n_near):
        block, lane = places[i] // LANES, places[i] % LANES
        may_affect = collects and lows[i] <= cells.cutoff[block, lane]
        if not may_affect and lows[i] > upper:
            continue
        other = np.int64(cells.lane_slots[block, lane])
        places[m] = places[i]
        slots[m] = other
        m += 1
        for j in range(0, n_features, LINE):
            prefetch(rows.X, other * n_features + j)
        prefetch(rows.row_ids, other)
        if may_affect:
            prefetch(lists.stamps, other * list_length)
            prefetch(lists.d2, other * list_length)
            prefetch(lists.count, other)
            prefetch(lists.cutoff_id, other)
    return m


@inner
def measure(graph, mixed, collects, upper, n_near, n, n_affected, stamps, d2s):
    """Measure the rows noted that may be among the nearest, or affected, and note those that are.

    Returns the new `n` and `n_affected`.
    """
    rows = graph.rows
    cells = graph.cells
    scratch = graph.scratch
    row_ids, found = rows.row_ids, scratch.d2
    places, slots = scratch.places, scratch.slots
    length = stamps.shape[0]
    m = select_near(graph, collects, upper, n_near)
    if m == 0:
        return n, n_affected
    exact_distances(
        rows.X,
        rows.inverse_scale,
        rows.inverse_norm,
        rows.penalty,
        mixed,
        scratch.query,
        slots,
        m,
        scratch.terms,
        found,
    )
    worst = d2s[length - 1] if n == length else INFINITE
    for i in range(m):
        d2 = found[i]
        if collects and d2 <= cells.cutoff[places[i] // LANES, places[i] % LANES]:
            scratch.affected[n_affected] = places[i]
            scratch.affected_d2[n_affected] = d2
            n_affected += 1
        if d2 <= worst:
            n = admit(row_ids, stamps, d2s, n, d2, stamp_of(rows, slots[i]), row_ids[slots[i]])
            if n == length:
                worst = d2s[length - 1]
    return n, n_affected


@inner
def scan_newcomers(graph, collects, slot, row_id, n, stamps, d2s):
    """Go on with the unsorted newcomers, which are there in full; return the number found."""
    rows = graph.rows
    cells = graph.cells
    scratch = graph.scratch
    row_ids, lane_slots, cutoffs = rows.row_ids, cells.lane_slots, cells.cutoff
    lanes, affected, affected_d2 = scratch.lanes[0], scratch.affected, scratch.affected_d2
    length = stamps.shape[0]
    worst = d2s[length - 1] if n == length else INFINITE
    n_affected = np.int64(0)
    for block in range((cells.counts["newcomers"] + LANES - 1) // LANES):
        limit = max(worst, cells.block_cutoff[block]) if collects else worst
        hits = block_distances(cells.newcomers[block], scratch.query, rows.penalty, limit, lanes)
        if collects and hits != 0:
            hits = at_most(lanes, worst) | at_most(lanes, cutoffs[block])
        while hits:
            lane = first_lane(hits)
            hits &= hits - ONE
            d2 = lanes[lane]
            other = np.int64(lane_slots[block, lane])
            if other == DEAD or other == slot:  # noqa: SIM109 - Numba would search a tuple by a loop
                continue
            if collects and d2 <= cutoffs[block, lane]:
                affected[n_affected] = block * LANES + lane
                affected_d2[n_affected] = d2
                n_affected += 1
            if d2 <= worst:
                n = admit(row_ids, stamps, d2s, n, d2, stamp_of(rows, other), row_ids[other])
                if n == length:
                    worst = d2s[length - 1]
    if n_affected > 0:
        update_affected(graph, scratch, NONE, n_affected, slot, row_id)
    return n


@inner
def age(stamp, oldest, capacity):
    """Return how many rows came between the oldest and the row of a stamp."""
    return stamp - oldest if stamp >= oldest else stamp - oldest + 2 * capacity


@inline
def prefetch_cutoffs(rows, lists, lane_slots, affected, first, last):
    """Ask for the ids that may be the lists' new cutoffs: of their last entries."""
    capacity, length = lists.stamps.shape
    for i in range(first, last):
        slot = np.int64(lane_slots[affected[i] // LANES, affected[i] % LANES])
        if slot != DEAD:
            for j in range(max(length - 3, 0), length):
                stamp = np.int64(lists.stamps[slot, j])
                prefetch(rows.row_ids, stamp - capacity if stamp >= capacity else max(stamp, NONE))


@inner
def update_affected(graph, notes, first, last, slot, row_id):
    """Enter the row of a slot into the lists of the affected rows that a search has noted, if it affects them still."""
    rows, lists, cells = graph.rows, graph.lists, graph.cells
    lane_slots, cutoffs, block_cutoff = cells.lane_slots, cells.cutoff, cells.block_cutoff
    affected, affected_d2 = notes.affected, notes.affected_d2
    oldest, held = rows.cursor["oldest"], rows.cursor["held"]
    stamp = stamp_of(rows, slot)
    changed = False
    prefetch_cutoffs(rows, lists, lane_slots, affected, first, last)
    for i in range(first, last):
        block, lane = affected[i] // LANES, affected[i] % LANES
        if affected_d2[i] <= cutoffs[block, lane] and lane_slots[block, lane] != DEAD:
            changed = True
            cutoffs[block, lane] = update_list(
                rows.row_ids,
                oldest,
                held,
                lists.stamps,
                lists.d2,
                lists.count,
                lists.cutoff_id,
                np.int64(lane_slots[block, lane]),
                cutoffs[block, lane],
                affected_d2[i],
                stamp,
                row_id,
            )
        if changed and (i + 1 == last or affected[i + 1] // LANES != block):
            block_cutoff[block] = greatest(cutoffs[block])
            changed = False
