"""The minority buffer: insertion at the head, eviction at the tail, deletion by row id, and generation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.buffer.cells import ARRIVED, NEWCOMERS, NO_CELL, remove, settle, sketch
from resampler.kernels.buffer.graph import NOBODY, alive, close, scale_row, set_count, slot_of
from resampler.kernels.buffer.maintenance import settle_newcomers
from resampler.kernels.buffer.penalty import follow_spread
from resampler.kernels.buffer.search import NEW, Graph, search
from resampler.kernels.jit import entry, inline, inner
from resampler.kernels.simd.blocks import DEAD
from resampler.kernels.simd.lanes import LANES

BUDGET, INSERTED, AUDITED, MISSED, MISSED_KEPT, REFIT, NEXT_AUDIT = range(7)  # of `effort`
FIRST_BUDGET = 400  # rows an approximate search settles, until it has been audited
NONE = np.int64(0)


class Ring(NamedTuple):
    """The state of a buffer.

    Parameters
    ----------
    graph : Graph
        Rows, their neighbours, and where to look for them.
    effort : ndarray of shape (7,), int64
        `BUDGET` (`ALL`: exact), `INSERTED` rows, what the audits since the last change of budget saw (their number,
        what new rows' searches missed and what kept lists did), after how many rows the categories' penalty is fitted
        anew (0: it is fixed), and the number of the row to be audited next.
    recall : ndarray of shape (1,), float64
        Share of true neighbours that the kept lists shall have.
    half_life : ndarray of shape (1,), float64
        Age in rows at which a row is half as often a base as the newest; 0 if all are equally often.
    nn_slots, nn_stamps : ndarray of shape (k_neighbors,), int64 and int32
        Working space: the neighbours of one row.
    nn_d2 : ndarray of shape (k_neighbors,), float32
        Their squared distances.
    """

    graph: Graph
    effort: np.ndarray
    recall: np.ndarray
    half_life: np.ndarray
    nn_slots: np.ndarray
    nn_stamps: np.ndarray
    nn_d2: np.ndarray


@entry
def insert_all(ring, X, row_ids, times, max_age, first):
    """Add rows from `first` on in order, until there are no more or a wave is to be ended; return which is next.

    Rows leave that are older than `max_age` when one comes; without `times` rows have no age.
    """
    arrived = ring.graph.cells.counts
    i = first
    while i < row_ids.shape[0] and arrived[ARRIVED] < NEWCOMERS:
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
    while rows.cursor[1] > 0 and rows.times[slot_of(rows, rows.cursor[0])] < before:
        drop_oldest(rows, cells)
        gone += 1
    return gone


@inner
def drop_oldest(rows, cells):
    """Drop the oldest row."""
    slot = slot_of(rows, rows.cursor[0])
    remove(cells, slot)
    rows.row_ids[slot] = DEAD
    rows.cursor[0] = (rows.cursor[0] + 1) % (2 * rows.X.shape[0])
    rows.cursor[1] -= 1


@entry
def evict(rows, cells, n):
    """Drop the `n` oldest rows."""
    for _ in range(n):
        drop_oldest(rows, cells)


@inline
def refit_due(effort, later):
    """Tell whether the categories' penalty is to be looked at some rows later: ever more rarely, then regularly."""
    n = effort[INSERTED] + later
    return effort[REFIT] > 0 and (n & (n - 1) == 0 or n % effort[REFIT] == 0)


@inner
def insert(ring, row, row_id):
    """Add one row, after the oldest has left if the ring is full; tell the lists that reach to it; return its slot.

    There must be room among the newcomers: see `end_wave`.
    """
    rows, lists, cells, scratch = ring.graph
    if rows.cursor[1] > 1 and refit_due(ring.effort, NONE):
        follow_spread(rows, lists, cells, scratch.query)
    slot = take_slot(ring, row, row_id)
    budget = ring.effort[BUDGET]
    n, home, home_d2, _ = search(ring.graph, NEW, slot, row_id, NONE, budget, NONE, lists.stamps[slot], lists.d2[slot])
    arrive(ring, slot, n, home, home_d2)
    return slot


@inner
def take_slot(ring, row, row_id):
    """Store a new row, after the oldest has left if the ring is full, and make it the query; return its slot."""
    rows, _, cells, scratch = ring.graph
    capacity = rows.X.shape[0]
    if rows.cursor[1] == capacity:
        drop_oldest(rows, cells)
    slot = slot_of(rows, (rows.cursor[0] + rows.cursor[1]) % (2 * capacity))
    rows.cursor[1] += 1
    rows.row_ids[slot] = row_id
    for j in range(row.shape[0]):
        rows.X[slot, j] = row[j]
    rows.inverse_norm[slot] = scale_row(rows, row, scratch.query)
    return slot


@inner
def arrive(ring, slot, n, home, home_d2):
    """Put the query, whose `n` neighbours have been found, among the newcomers, which have room."""
    rows, lists, cells, scratch = ring.graph
    effort = ring.effort
    set_count(lists, slot, n)
    i = cells.counts[ARRIVED]
    block, lane = i // LANES, i % LANES
    for j in range(scratch.query.shape[0]):
        cells.newcomers[block, j, lane] = scratch.query[j]
    settle(cells, block, lane, slot, close(rows, lists, slot))
    cells.home[i] = home
    cells.home_d2[i] = home_d2
    cells.counts[ARRIVED] += 1
    effort[INSERTED] += 1


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
    oldest, count = rows.cursor
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
        lists.reach_id[to] = lists.reach_id[slot]
        for j in range(rows.X.shape[1]):
            rows.X[to, j] = rows.X[slot, j]
        rows.row_ids[to] = rows.row_ids[slot]
        if rows.times.shape[0] > 0:
            rows.times[to] = rows.times[slot]
        rows.inverse_norm[to] = rows.inverse_norm[slot]
        cells.place[to] = cells.place[slot]
        cells.tenants[cells.place[to] // LANES, cells.place[to] % LANES] = to
    for i in range(kept, count):
        rows.row_ids[slot_of(rows, (oldest + i) % (2 * capacity))] = DEAD
    rows.cursor[1] = kept
    return count - kept


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
