"""The minority buffer: insertion at the head, eviction at the tail, deletion by row id, and generation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from resampler.kernels.blocks import DEAD
from resampler.kernels.graph import NOBODY, alive, close, entry, inner, largest, load_row, scale_row, set_count, slot_of
from resampler.kernels.graph_cells import ARRIVED, NEWCOMERS, NO_CELL, remove, set_reach, settle, sketch
from resampler.kernels.graph_search import ALL, NEW, NO_SLOT, QUERY, Graph, search
from resampler.kernels.graph_upkeep import settle_newcomers
from resampler.kernels.interpolate import interpolate_row, vote
from resampler.kernels.lanes import LANES, prefetch
from resampler.kernels.mixed import follow_spread
from resampler.kernels.random import bounded, draw, fading, unit

BUDGET, INSERTED, AUDITED, MISSED, REFIT, NEXT_AUDIT = range(6)  # of `effort`
FIRST_BUDGET = 400  # rows an approximate search settles, until it has been audited
MIN_BUDGET = 128
AUDIT_SHARE = 256  # audits while all rows of a buffer are replaced
MIN_BETWEEN = 32  # rows from one audit to the next, at least
OF_SEARCHES = 0.33  # of what lists may miss, searches may: the newcomers' searches miss lists, too
AUDITS = 128  # exact searches after which less effort may be tried
NONE = np.int64(0)
WAVE = 64  # synthetic rows whose parents are asked for before the first of them is read
LINE = 16  # float32 values that memory delivers at a time


class Ring(NamedTuple):
    """The state of a buffer.

    Parameters
    ----------
    graph : Graph
        Rows, their neighbours, and where to look for them.
    effort : ndarray of shape (6,), int64
        `BUDGET` (`ALL`: exact), `INSERTED` rows, what the audits since the last change of budget saw, after how many
        rows the categories' penalty is fitted anew (0: it is fixed), and the number of the row to be audited next.
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
            drop_before(ring, times[i] - max_age)
        slot = insert(ring, X[i], row_ids[i])
        if times.shape[0] > 0:
            ring.graph.rows.times[slot] = times[i]
        i += 1
    return i


@entry
def expire(ring, before):
    """Drop the rows whose time is below `before`; return how many there were."""
    return drop_before(ring, before)


@inner
def drop_before(ring, before):
    """Drop them, within a kernel."""
    rows = ring.graph.rows
    gone = 0
    while rows.cursor[1] > 0 and rows.times[slot_of(rows, rows.cursor[0])] < before:
        drop_oldest(ring)
        gone += 1
    return gone


@inner
def drop_oldest(ring):
    """Drop the oldest row."""
    rows = ring.graph.rows
    slot = slot_of(rows, rows.cursor[0])
    remove(ring.graph.cells, slot)
    rows.row_ids[slot] = DEAD
    rows.cursor[0] = (rows.cursor[0] + 1) % (2 * rows.X.shape[0])
    rows.cursor[1] -= 1


@entry
def evict(ring, n):
    """Drop the `n` oldest rows."""
    for _ in range(n):
        drop_oldest(ring)


@njit(cache=True, inline="always")
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
    rows, _, _, scratch = ring.graph
    capacity = rows.X.shape[0]
    if rows.cursor[1] == capacity:
        drop_oldest(ring)
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
    """Move the newcomers into their cells, and audit those whose turn it is. Due as soon as there are `NEWCOMERS`."""
    rows, _, cells, scratch = ring.graph
    effort = ring.effort
    settle_newcomers(rows, cells, scratch.query)
    if effort[BUDGET] == ALL:
        return
    while effort[NEXT_AUDIT] < effort[INSERTED]:
        age = effort[INSERTED] - 1 - effort[NEXT_AUDIT]
        effort[NEXT_AUDIT] += max(MIN_BETWEEN, rows.X.shape[0] // AUDIT_SHARE)
        if age < rows.cursor[1]:
            audit(ring, slot_of(rows, (rows.cursor[0] + rows.cursor[1] - 1 - age) % (2 * rows.X.shape[0])))


@inner
def look_up(ring, slot, budget, stamps, d2):
    """Find the neighbours of the query, which is the row of `slot`, or of none; return how many."""
    n, _, _, _ = search(ring.graph, QUERY, slot, NO_SLOT, NONE, budget, NONE, stamps, d2)
    return n


@inner
def audit(ring, slot):
    """Compare a new row's neighbours with an exact search, and fit the budget to what was missed."""
    rows, lists, _, _ = ring.graph
    effort = ring.effort
    k = min(ring.nn_slots.shape[0], rows.cursor[1] - 1)
    load_row(rows, slot, ring.graph.scratch.query)
    found = look_up(ring, slot, ALL, ring.nn_stamps, ring.nn_d2)
    effort[MISSED] += k
    for i in range(min(k, found)):
        for j in range(min(k, lists.count[slot])):
            effort[MISSED] -= lists.stamps[slot, j] == ring.nn_stamps[i]
    effort[AUDITED] += 1
    tolerated = (1 - ring.recall[0]) * OF_SEARCHES * AUDITS * k
    if effort[MISSED] > tolerated:
        share = 1 if 8 * effort[AUDITED] < AUDITS else 2 if 4 * effort[AUDITED] < AUDITS else 4  # the sooner, the more
        effort[BUDGET] = min(effort[BUDGET] + effort[BUDGET] // share, max(rows.X.shape[0], MIN_BUDGET))
    elif effort[AUDITED] < AUDITS:
        return
    elif effort[MISSED] < 0.7 * tolerated:
        effort[BUDGET] = max(effort[BUDGET] - effort[BUDGET] // 8, MIN_BUDGET)
    effort[AUDITED] = 0
    effort[MISSED] = 0


@inner
def neighbors(ring, slot):
    """Write the slots and squared distances of a row's first neighbours, searching if its list has run short.

    Returns how many there are: as many as asked for, or all other rows.
    """
    rows, lists, cells, scratch = ring.graph
    wanted = min(ring.nn_slots.shape[0], rows.cursor[1] - 1)
    n = read(ring, slot, wanted)
    if n < wanted:
        load_row(rows, slot, scratch.query)
        found = look_up(ring, slot, ring.effort[BUDGET], lists.stamps[slot], lists.d2[slot])
        set_count(lists, slot, found)
        set_reach(cells, slot, close(rows, lists, slot))
        n = read(ring, slot, wanted)
    return n


@inner
def read(ring, slot, wanted):
    """Write the first `wanted` living entries of a list; return how many there were."""
    rows, lists, _, _ = ring.graph
    oldest, held = rows.cursor
    capacity = rows.X.shape[0]
    n = 0
    for i in range(lists.count[slot]):
        stamp = lists.stamps[slot, i]
        if n < wanted and alive(stamp, oldest, held, capacity):
            ring.nn_slots[n] = slot_of(rows, stamp)
            ring.nn_d2[n] = lists.d2[slot, i]
            n += 1
    return n


@njit(cache=True, inline="always")
def living(stamps, which, k, oldest, held, capacity):
    """Return the slot of a list's living entry number `which`, or `DEAD` if fewer than `k` are alive."""
    seen = 0
    found = DEAD
    for i in range(stamps.shape[0]):
        stamp = stamps[i]
        if stamp != NOBODY and alive(stamp, oldest, held, capacity):
            if seen == which:
                found = stamp - capacity if stamp >= capacity else stamp
            seen += 1
            if seen == k:
                return found
    return DEAD


@njit(cache=True, inline="always")
def choose(word, held, half_life):
    """Map a word to the place of a base, counted from the oldest of `held` rows."""
    return held - 1 - fading(word, held, half_life) if half_life > 0 else bounded(word, held)


@entry
def sample(ring, seed, stream, start, out, base, neighbor, step):
    """Make synthetic rows start, start + 1, ..."""
    for first in range(0, step.shape[0], WAVE):
        last = min(first + WAVE, step.shape[0])
        find_parents(ring, seed, stream, start, first, last, base, neighbor, step)
        build_rows(ring, first, last, out, base, neighbor, step)


@inner
def find_parents(ring, seed, stream, start, first, last, base, neighbor, step):
    """Write the slots of the parents and the steps of rows first .. last - 1, and ask for the parents' values."""
    rows, lists, _, _ = ring.graph
    X, stamps = rows.X, lists.stamps
    oldest, held = rows.cursor
    capacity, n_features = X.shape
    k = ring.nn_slots.shape[0]
    half_life = ring.half_life[0]
    first_slot = oldest % capacity
    for i in range(first, last):  # nothing but draws, so that the compiler vectorises them
        w0, w1, w2, _ = draw(seed, stream, start + i, 0)
        base[i] = np.int64(w0)
        neighbor[i] = np.int64(w1)
        step[i] = unit(w2)
    for i in range(first, last):
        slot = first_slot + choose(np.uint64(base[i]), held, half_life)
        slot -= capacity if slot >= capacity else 0
        base[i] = slot
        neighbor[i] = bounded(np.uint64(neighbor[i]), k)
        prefetch(stamps, slot * stamps.shape[1])
        prefetch(stamps, slot * stamps.shape[1] + k)
        prefetch(rows.row_ids, slot)
        for j in range(0, n_features, LINE):
            prefetch(X, slot * n_features + j)
    for i in range(first, last):
        slot, which = base[i], neighbor[i]
        neighbor[i] = living(stamps[slot], which, k, oldest, held, capacity)
        if neighbor[i] == DEAD:
            neighbors(ring, slot)
            neighbor[i] = ring.nn_slots[which]
        prefetch(rows.row_ids, neighbor[i])
        for j in range(0, n_features, LINE):
            prefetch(X, neighbor[i] * n_features + j)


@inner
def build_rows(ring, first, last, out, base, neighbor, step):
    """Write rows first .. last - 1, and the ids of their parents in place of the slots."""
    X, row_ids, penalty = ring.graph.rows.X, ring.graph.rows.row_ids, ring.graph.rows.penalty
    has_categories = largest(penalty) >= 0
    for i in range(first, last):
        interpolate_row(X[base[i]], X[neighbor[i]], step[i], out[i])
        if has_categories:
            neighbors(ring, base[i])
            vote(X, ring.nn_slots, penalty, out[i])
        base[i] = row_ids[base[i]]
        neighbor[i] = row_ids[neighbor[i]]


@njit(cache=True, nogil=True)
def neighbors_of_all(ring, slots, nn_slots, nn_d2):
    """Write the neighbours of each given slot, padded with `DEAD` and infinity."""
    nn_slots[:] = DEAD
    nn_d2[:] = np.inf
    for i in range(slots.shape[0]):
        n = neighbors(ring, slots[i])
        nn_slots[i, :n] = ring.nn_slots[:n]
        nn_d2[i, :n] = ring.nn_d2[:n]


@entry
def neighbors_of_queries(ring, X, budget, stamps, d2):
    """Write the stamps of the rows nearest to each query, of which there must be as many as asked for."""
    rows, _, _, scratch = ring.graph
    for i in range(X.shape[0]):
        scale_row(rows, X[i], scratch.query)
        look_up(ring, NO_SLOT, budget, stamps[i], d2[i])


@njit(cache=True, nogil=True)
def discard(ring, sorted_ids):
    """Delete the rows whose id is in `sorted_ids`, closing the gaps in order; return how many there were."""
    rows, lists, cells, _ = ring.graph
    capacity = rows.X.shape[0]
    oldest, count = rows.cursor
    moved = np.full(capacity, DEAD, dtype=np.int32)  # new stamp of the row in each slot
    kept = 0
    for i in range(count):
        slot = slot_of(rows, (oldest + i) % (2 * capacity))
        at = np.searchsorted(sorted_ids, rows.row_ids[slot])
        if at == sorted_ids.shape[0] or sorted_ids[at] != rows.row_ids[slot]:
            moved[slot] = (oldest + kept) % (2 * capacity)
            kept += 1
    if kept == count:
        return 0
    for i in range(count):
        slot = slot_of(rows, (oldest + i) % (2 * capacity))
        if moved[slot] == DEAD:
            remove(cells, slot)
    for i in range(count):
        slot = slot_of(rows, (oldest + i) % (2 * capacity))
        if moved[slot] == DEAD:
            continue
        to = slot_of(rows, moved[slot])
        n = 0
        for i_entry in range(lists.count[slot]):
            stamp = lists.stamps[slot, i_entry]
            if alive(stamp, oldest, count, capacity) and moved[slot_of(rows, stamp)] != DEAD:
                lists.stamps[to, n] = moved[slot_of(rows, stamp)]
                lists.d2[to, n] = lists.d2[slot, i_entry]
                n += 1
        set_count(lists, to, n)
        lists.reach_id[to] = lists.reach_id[slot]
        rows.X[to] = rows.X[slot]
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
def restore_blocks(ring, slots):
    """Write the sketches of the rows of the given slots, whose places are known."""
    rows, _, cells, scratch = ring.graph
    for i in range(slots.shape[0]):
        slot = slots[i]
        rows.inverse_norm[slot] = scale_row(rows, rows.X[slot], scratch.query)
        block, lane = cells.place[slot] // LANES, cells.place[slot] % LANES
        if cells.cell_of[block] != NO_CELL:
            sketch(rows, cells, block, lane, scratch.query)
            continue
        for j in range(scratch.query.shape[0]):
            cells.newcomers[block, j, lane] = scratch.query[j]
