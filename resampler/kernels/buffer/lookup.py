"""Neighbours of rows held and of queries: read from the kept lists, searched for where these have run short.

Naive: searches in tests/resampler/kernels/buffer/test_search.py; lists as they are read through the buffer, in
tests/resampler/buffer/test_minority.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.buffer.cells import set_cutoff
from resampler.kernels.buffer.graph import alive, close, load_row, scale_row, set_count, slot_of
from resampler.kernels.buffer.search import NO_SLOT, find_neighbors
from resampler.kernels.jit import entry, inline, inner
from resampler.kernels.simd.blocks import DEAD


@entry
def look_up_all(ring, slots, X, budget, found, stamps, d2):
    """Find the neighbours of the rows of the slots, or where there are none of the rows of `X`, in order.

    Writes how many were found: as many as asked for, or all other rows.
    """
    rows, _, _, scratch = ring.graph
    for i in range(found.shape[0]):
        slot = NO_SLOT
        if slots.shape[0] > 0:
            slot = slots[i]
            load_row(rows, slot, scratch.query)
        else:
            scale_row(rows, X[i], scratch.query)
        found[i] = find_neighbors(ring.graph, slot, budget, stamps[i], d2[i])


@entry
def keep_lists(rows, lists, cells, slots, found, stamps, d2):
    """Replace the lists of the slots by what was found."""
    for i in range(slots.shape[0]):
        keep_list(rows, lists, cells, slots[i], found[i], stamps[i], d2[i])


@inline
def keep_list(rows, lists, cells, slot, n, stamps, d2):
    """Replace a list by the `n` neighbours that were found."""
    for j in range(n):
        lists.stamps[slot, j] = stamps[j]
        lists.d2[slot, j] = d2[j]
    set_count(lists, slot, n)
    set_cutoff(cells, slot, close(rows, lists, slot))


@inner
def search_anew(ring, slot):
    """Replace a list that has run short by what a search finds now."""
    rows, lists, cells, scratch = ring.graph
    load_row(rows, slot, scratch.query)
    stamps, d2 = lists.stamps[slot], lists.d2[slot]
    found = find_neighbors(ring.graph, slot, ring.control["budget"], stamps, d2)
    keep_list(rows, lists, cells, slot, found, stamps, d2)


@entry
def read_all(rows, lists, slots, nn_slots, nn_d2):
    """Write the neighbours of each given slot, padded with `DEAD` and infinity; no list may be short."""
    for i in range(slots.shape[0]):
        for j in range(read(rows, lists, slots[i], nn_slots[i], nn_d2[i]), nn_slots.shape[1]):
            nn_slots[i, j] = DEAD
            nn_d2[i, j] = np.inf


@inner
def read(rows, lists, slot, nn_slots, nn_d2):
    """Write the slots and squared distances of a list's first living entries; return how many there were."""
    oldest, held = rows.cursor["oldest"], rows.cursor["held"]
    n = np.int64(0)
    for i in range(lists.count[slot]):
        stamp = lists.stamps[slot, i]
        if n < nn_slots.shape[0] and alive(stamp, oldest, held, rows.X.shape[0]):
            nn_slots[n] = slot_of(rows, stamp)
            nn_d2[n] = lists.d2[slot, i]
            n += 1
    return n
