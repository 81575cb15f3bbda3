"""Synthetic rows of a buffer, batch by batch: draws, then bases and neighbours, then the rows.

Naive: `NaiveRing.sample`, through the buffer, in tests/resampler/buffer/test_minority.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.buffer.graph import NOBODY, alive, largest
from resampler.kernels.buffer.lookup import read
from resampler.kernels.generation import vote
from resampler.kernels.jit import entry, inline
from resampler.kernels.places.segment import interpolate_row
from resampler.kernels.random import bounded, draw, fading, unit
from resampler.kernels.simd.blocks import DEAD
from resampler.kernels.simd.lanes import LINE, prefetch

BATCH = 64  # synthetic rows whose parents are asked for before the first of them is read


@inline
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


@inline
def choose(word, held, half_life):
    """Map a word to the place of a base, counted from the oldest of `held` rows."""
    return held - 1 - fading(word, held, half_life) if half_life > 0 else bounded(word, held)


@entry
def sample(rows, lists, half_life, nn_slots, nn_d2, seed, stream, start, begin, short, out, base, neighbor, step):
    """Make synthetic rows start + begin, start + begin + 1, ..., until there are no more or lists have run short.

    Returns which row is next, and how many slots of such lists were written: `BATCH` at most. `nn_slots` and `nn_d2`,
    of as many values as there are neighbours to choose from, are working space.
    """
    for first in range(begin, step.shape[0], BATCH):
        last = min(first + BATCH, step.shape[0])
        n_short = find_parents(
            rows, lists, half_life, nn_slots.shape[0], seed, stream, start, first, last, short, base, neighbor, step
        )
        if n_short > 0:
            return first, n_short
        build_rows(rows, lists, nn_slots, nn_d2, first, last, out, base, neighbor, step)
    return step.shape[0], 0


@inline
def find_parents(rows, lists, half_life, k, seed, stream, start, first, last, short, base, neighbor, step):
    """Write the slots of the parents and the steps of rows first .. last - 1, and ask for the parents' values.

    Returns how many bases have lists that have run short.
    """
    X, stamps = rows.X, lists.stamps
    oldest, held = rows.cursor["oldest"], rows.cursor["held"]
    capacity, n_features = X.shape
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
    n_short = 0
    for i in range(first, last):
        slot, which = base[i], neighbor[i]
        neighbor[i] = living(stamps[slot], which, k, oldest, held, capacity)
        if neighbor[i] == DEAD:
            short[n_short] = slot
            n_short += 1
            continue
        prefetch(rows.row_ids, neighbor[i])
        for j in range(0, n_features, LINE):
            prefetch(X, neighbor[i] * n_features + j)
    return n_short


@inline
def build_rows(rows, lists, nn_slots, nn_d2, first, last, out, base, neighbor, step):
    """Write rows first .. last - 1, and the ids of their parents in place of the slots."""
    X, row_ids, penalty = rows.X, rows.row_ids, rows.penalty
    has_categories = largest(penalty) >= 0
    for i in range(first, last):
        interpolate_row(X[base[i]], X[neighbor[i]], step[i], out[i])
        if has_categories:
            read(rows, lists, base[i], nn_slots, nn_d2)
            vote(X, nn_slots, penalty, out[i])
        base[i] = row_ids[base[i]]
        neighbor[i] = row_ids[neighbor[i]]
