"""Insertion in two steps, the first of which many threads can share.

While a wave lasts, cells keep their shape, and a search among them depends on nothing that the wave's other rows do
but on how many of the oldest rows have left. So first all rows of a wave are searched for, side by side, noting
which rows they affect; then, in order, each takes its place, is compared with the newcomers before it, and enters the
lists of the rows that it affects still. The bytes are those of one insertion after the other.

Naive: none of its own; threads must give the bytes of one insertion after the other, in
tests/resampler/buffer/test_minority.py, and that is compared with a naive loop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.buffer.cells import NEWCOMERS
from resampler.kernels.buffer.graph import scale_row
from resampler.kernels.buffer.ring import NONE, arrive, drop_before, refit_due, take_slot
from resampler.kernels.buffer.search import (
    COLLECT,
    NO_SLOT,
    OVERFLOW,
    Graph,
    Scratch,
    scan_newcomers,
    search_cells,
    update_affected,
)
from resampler.kernels.jit import entry, inline
from resampler.kernels.simd.blocks import DEAD
from resampler.kernels.simd.lanes import LANES, prefetch

UNSEEN = OVERFLOW  # rows found of a row that was not searched for


class Scouts(NamedTuple):
    """What one thread's searches of a wave have found.

    Parameters
    ----------
    scratch : Scratch
        Its working space.
    stamps, d2 : ndarray of shape (NEWCOMERS, length), int32 and float32
        Neighbours of each row.
    found : ndarray of shape (NEWCOMERS,), int64
        How many; `UNSEEN` if the row must be searched for when its turn comes.
    home, home_d2 : ndarray of shape (NEWCOMERS,), int64 and float32
        Its cell and the squared distance.
    noted : ndarray of shape (NEWCOMERS + 1,), int64
        Where its notes of affected rows begin.
    """

    scratch: Scratch
    stamps: np.ndarray
    d2: np.ndarray
    found: np.ndarray
    home: np.ndarray
    home_d2: np.ndarray
    noted: np.ndarray


@entry
def plan_wave(control, cursor, capacity, newcomers, held_times, times, max_age, first, last, gone):
    """Write how many rows will have left when each of the rows from `first` on is searched for.

    Returns how many of them the wave has room for, or 0 if the first must be inserted by itself.
    """
    oldest, held = cursor["oldest"], cursor["held"]
    n = min(last - first, NEWCOMERS - newcomers)
    left = np.int64(0)
    for i in range(n):
        if refit_due(control, i):
            return i
        if times.shape[0] > 0:
            before = times[first + i] - max_age
            while left < held + i:
                time = held_times[(oldest + left) % capacity] if left < held else times[first + left - held]
                if time >= before:
                    break
                left += 1
        if held + i - left == capacity:
            left += 1
        gone[i] = left
    return n


@entry
def scout(ring, scouts, X, gone, first, begin, end):
    """Search for rows `begin` to `end` of the wave that begins with row `first` of `X`."""
    graph = Graph(ring.graph.rows, ring.graph.lists, ring.graph.cells, scouts.scratch)
    budget = ring.control["budget"]
    n_affected = NONE
    for i in range(begin, end):
        scouts.found[i] = UNSEEN
    for i in range(begin, end):
        scale_row(graph.rows, X[first + i], scouts.scratch.query)
        scouts.noted[i] = n_affected
        n, home, home_d2, n_affected = search_cells(
            graph,
            COLLECT,
            NO_SLOT,
            NO_SLOT,
            gone[i],
            budget,
            n_affected,
            scouts.stamps[i],
            scouts.d2[i],
        )
        if n == OVERFLOW:
            break
        scouts.found[i] = n
        scouts.home[i] = home
        scouts.home_d2[i] = home_d2
        scouts.noted[i + 1] = n_affected


@entry
def take_places(ring, scouts, X, row_ids, times, max_age, first, begin, end):
    """Insert rows `begin` to `end` of the wave, in order, with what was found of them.

    Returns where it stopped: `end`, or a row that must be searched for.
    """
    for i in range(begin, end):
        if scouts.found[i] == UNSEEN:
            return i
        if times.shape[0] > 0:
            drop_before(ring.graph.rows, ring.graph.cells, times[first + i] - max_age)
        slot = take_slot(ring, X[first + i], row_ids[first + i])
        if i + 1 < end and scouts.found[i + 1] != UNSEEN:
            ask_for_lists(ring.graph.lists, ring.graph.cells.lane_slots, scouts, i + 1)
        take_place(ring, scouts, i, slot, row_ids[first + i])
        if times.shape[0] > 0:
            ring.graph.rows.times[slot] = times[first + i]
    return end


@inline
def take_place(ring, scouts, i, slot, row_id):
    """Let the query, row i of the wave, have its slot: and update the lists of the rows that it affects."""
    lists = ring.graph.lists
    stamps, d2 = lists.stamps[slot], lists.d2[slot]
    for j in range(stamps.shape[0]):
        stamps[j] = scouts.stamps[i, j]
        d2[j] = scouts.d2[i, j]
    update_affected(ring.graph, scouts.scratch, scouts.noted[i], scouts.noted[i + 1], slot, row_id)
    n = scan_newcomers(ring.graph, COLLECT, slot, row_id, scouts.found[i], stamps, d2)
    arrive(ring, ring.graph.cells.home, slot, n, scouts.home[i], scouts.home_d2[i])


@inline
def ask_for_lists(lists, lane_slots, scouts, i):
    """Ask for the lists that row i of the wave will enter."""
    length = lists.stamps.shape[1]
    affected = scouts.scratch.affected
    for at in range(scouts.noted[i], scouts.noted[i + 1]):
        slot = np.int64(lane_slots[affected[at] // LANES, affected[at] % LANES])
        if slot != DEAD:
            prefetch(lists.stamps, slot * length)
            prefetch(lists.d2, slot * length)
            prefetch(lists.count, slot)
            prefetch(lists.cutoff_id, slot)
