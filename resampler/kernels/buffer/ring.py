"""The minority buffer: insertion at the head, eviction at the tail, deletion by row id, and generation.

Naive: `NaiveRing`, through the buffer, in tests/resampler/buffer/test_minority.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.buffer.cells import NEWCOMERS, NO_CELL, remove, settle, sketch
from resampler.kernels.buffer.graph import NOBODY, UNKNOWN, alive, close, load_row, scale_row, set_count, slot_of
from resampler.kernels.buffer.maintenance import settle_newcomers
from resampler.kernels.buffer.penalty import follow_spread
from resampler.kernels.buffer.search import Graph, find_and_update
from resampler.kernels.jit import entry, inline, inner
from resampler.kernels.simd.blocks import DEAD
from resampler.kernels.simd.lanes import LANES

FIRST_BUDGET = 400  # rows an approximate search settles, until it has been audited
NONE = np.int64(0)
COUNTERS = ("budget", "inserted", "audited", "missed", "missed_kept", "refit_rows", "next_audit")  # in saved order
CONTROL = np.dtype([(name, np.int64) for name in COUNTERS] + [("recall", np.float64), ("half_life", np.float64)])


class Ring(NamedTuple):
    """The state of a buffer.

    Parameters
    ----------
    graph : Graph
        Rows, their neighbours, and where to look for them.
    control : void, CONTROL
        `budget`: rows that a search settles (`ALL`: exact). `inserted`: rows so far. Since the last change of budget:
        `audited`, `missed`, `missed_kept`, the number of audits, and how many neighbours new rows' searches and kept
        lists missed; by `needs`: the number of audits' searches so far, and what they and kept lists missed since the
        buffer was full, what was longer ago for less. `refit_rows`: after how many rows the categories' penalty
        is fitted anew (0: it is fixed). `next_audit`: number of the row to be audited next. `recall`: share of true
        neighbours that kept lists shall have. `half_life`: age in rows at which a row is half as often a base as the
        newest; 0 if all are equally often.
    nn_slots : ndarray of shape (k_neighbors,), int64
        Working space: the neighbours of one row.
    nn_d2 : ndarray of shape (k_neighbors,), float32
        Their squared distances.
    needs : ndarray of shape (kept_needs, k_neighbors), int64
        What the last searches of audits needed, number `audited` in row ``audited % kept_needs``; no rows if the budget
        does not follow from it (`resampler.buffer.effort`).
    """

    graph: Graph
    control: np.void
    nn_slots: np.ndarray
    nn_d2: np.ndarray
    needs: np.ndarray


@entry
def insert_all(ring, X, row_ids, times, max_age, first):
    """Add rows from `first` on in order, until there are no more or a wave is to be ended; return which is next.

    Rows leave that are older than `max_age` when one comes; without `times` rows have no age.
    """
    counts = ring.graph.cells.counts
    i = first
    while i < row_ids.shape[0] and counts["newcomers"] < NEWCOMERS:
        if times.shape[0] > 0:
            drop_before(ring.graph.rows, ring.graph.cells, times[i] - max_age)
        slot = insert(ring, X[i], row_ids[i])
        if times.shape[0] > 0:
            ring.graph.rows.times[slot] = times[i]
        i += 1
    return i


@entry
def expire(rows, cells, before):
    """Drop the rows whose time is below `before`; return how many there were."""
    return drop_before(rows, cells, before)


@inner
def drop_before(rows, cells, before):
    """Drop them, within a kernel."""
    gone = 0
    while rows.cursor["held"] > 0 and rows.times[slot_of(rows, rows.cursor["oldest"])] < before:
        drop_oldest(rows, cells)
        gone += 1
    return gone


@inner
def drop_oldest(rows, cells):
    """Drop the oldest row."""
    slot = slot_of(rows, rows.cursor["oldest"])
    remove(cells, slot)
    rows.row_ids[slot] = DEAD
    rows.cursor["oldest"] = (rows.cursor["oldest"] + 1) % (2 * rows.X.shape[0])
    rows.cursor["held"] -= 1


@entry
def evict(rows, cells, n):
    """Drop the `n` oldest rows."""
    for _ in range(n):
        drop_oldest(rows, cells)


@inline
def refit_due(control, later):
    """Say whether the categories' penalty is to be looked at some rows later: ever more rarely, then regularly."""
    n = control["inserted"] + later
    return control["refit_rows"] > 0 and (n & (n - 1) == 0 or n % control["refit_rows"] == 0)


@inner
def insert(ring, row, row_id):
    """Add one row, after the oldest has left if the ring is full, update the affected rows' lists, and return its slot.

    There must be room among the newcomers: see `end_wave`.
    """
    rows, lists, cells, scratch = ring.graph
    if rows.cursor["held"] > 1 and refit_due(ring.control, NONE):
        follow_spread(rows, lists, cells, scratch.query)
    slot = take_slot(ring, row, row_id)
    stamps, d2 = lists.stamps[slot], lists.d2[slot]
    n, home, home_d2 = find_and_update(ring.graph, slot, row_id, ring.control["budget"], stamps, d2)
    arrive(ring, cells.home, slot, n, home, home_d2)
    return slot


@inner
def take_slot(ring, row, row_id):
    """Store a new row, after the oldest has left if the ring is full, and make it the query; return its slot."""
    rows, _, cells, scratch = ring.graph
    capacity = rows.X.shape[0]
    if rows.cursor["held"] == capacity:
        drop_oldest(rows, cells)
    slot = slot_of(rows, (rows.cursor["oldest"] + rows.cursor["held"]) % (2 * capacity))
    rows.cursor["held"] += 1
    rows.row_ids[slot] = row_id
    for j in range(row.shape[0]):
        rows.X[slot, j] = row[j]
    rows.inverse_norm[slot] = scale_row(rows, row, scratch.query)
    return slot


@inner
def arrive(ring, homes, slot, n, home, home_d2):
    """Put the query, whose `n` neighbours have been found, among the newcomers, which have room.

    Without `homes`, so without cells, it gets the lane of its slot, for good.
    """
    rows, lists, cells, scratch = ring.graph
    set_count(lists, slot, n)
    i = np.int64(slot)
    if homes is not None:
        i = cells.counts["newcomers"]
    block, lane = i // LANES, i % LANES
    for j in range(scratch.query.shape[0]):
        cells.newcomers[block, j, lane] = scratch.query[j]
    settle(cells, block, lane, slot, close(rows, lists, slot))
    if homes is not None:
        homes[i] = home
        cells.home_d2[i] = home_d2
        cells.counts["newcomers"] += 1
    ring.control["inserted"] += 1


@entry
def end_wave(ring):
    """Move the newcomers into their cells: due as soon as there are `NEWCOMERS`."""
    settle_newcomers(ring.graph.rows, ring.graph.cells, ring.graph.scratch.query)


@entry
def discard(rows, lists, cells, gone, moved):
    """Delete the rows of the slots that are `gone`, closing the gaps in order; return how many there were.

    `moved`, one a slot, is working space.
    """
    capacity = rows.X.shape[0]
    oldest, count = rows.cursor["oldest"], rows.cursor["held"]
    kept = 0
    for i in range(count):
        slot = slot_of(rows, (oldest + i) % (2 * capacity))
        moved[slot] = NOBODY  # the row's new stamp
        if not gone[slot]:
            moved[slot] = (oldest + kept) % (2 * capacity)
            kept += 1
    if kept == count:
        return 0
    for i in range(count):
        slot = slot_of(rows, (oldest + i) % (2 * capacity))
        if moved[slot] == NOBODY:
            remove(cells, slot)
    for i in range(count):
        slot = slot_of(rows, (oldest + i) % (2 * capacity))
        if moved[slot] == NOBODY:
            continue
        to = slot_of(rows, moved[slot])
        n = np.int64(0)
        for i_entry in range(lists.count[slot]):
            stamp = lists.stamps[slot, i_entry]
            if alive(stamp, oldest, count, capacity) and moved[slot_of(rows, stamp)] != NOBODY:
                lists.stamps[to, n] = moved[slot_of(rows, stamp)]
                lists.d2[to, n] = lists.d2[slot, i_entry]
                n += 1
        set_count(lists, to, n)
        lists.cutoff_id[to] = lists.cutoff_id[slot]
        for j in range(rows.X.shape[1]):
            rows.X[to, j] = rows.X[slot, j]
        rows.row_ids[to] = rows.row_ids[slot]
        if rows.times.shape[0] > 0:
            rows.times[to] = rows.times[slot]
        rows.inverse_norm[to] = rows.inverse_norm[slot]
        cells.place[to] = cells.place[slot]
        cells.lane_slots[cells.place[to] // LANES, cells.place[to] % LANES] = to
    for i in range(kept, count):
        rows.row_ids[slot_of(rows, (oldest + i) % (2 * capacity))] = DEAD
    rows.cursor["held"] = kept
    return count - kept


@entry
def resettle(rows, cells, cutoffs, query):
    """Give each row the lane of its slot, after `discard` has moved rows of a flat index.

    `cutoffs`, one a slot, and `query` are working space.
    """
    oldest, held = rows.cursor["oldest"], rows.cursor["held"]
    for i in range(held):
        slot = slot_of(rows, (oldest + i) % (2 * rows.X.shape[0]))
        cutoffs[slot] = cells.cutoff[cells.place[slot] // LANES, cells.place[slot] % LANES]
    cells.lane_slots[:] = DEAD
    cells.cutoff[:] = UNKNOWN
    cells.block_cutoff[:] = UNKNOWN
    for i in range(held):
        slot = slot_of(rows, (oldest + i) % (2 * rows.X.shape[0]))
        block, lane = slot // LANES, slot % LANES
        load_row(rows, slot, query)
        for j in range(query.shape[0]):
            cells.newcomers[block, j, lane] = query[j]
        settle(cells, block, lane, slot, cutoffs[slot])


@entry
def restore_blocks(rows, cells, query, slots):
    """Write the sketches of the rows of the given slots, whose places are known."""
    for i in range(slots.shape[0]):
        slot = slots[i]
        rows.inverse_norm[slot] = scale_row(rows, rows.X[slot], query)
        block, lane = cells.place[slot] // LANES, cells.place[slot] % LANES
        if cells.cell_of[block] != NO_CELL:
            sketch(rows, cells, block, lane, query)
            continue
        for j in range(query.shape[0]):
            cells.newcomers[block, j, lane] = query[j]
