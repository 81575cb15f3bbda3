"""The minority buffer's rows: a ring with insert at the head, eviction at the tail, deletion by row id."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from resampler.kernels.exact import DEAD, LANES, nearest
from resampler.kernels.interpolate import interpolate_row, vote
from resampler.kernels.random import bounded, unit


class Ring(NamedTuple):
    """The rows of one class, oldest at slot `cursor[0]`.

    Parameters
    ----------
    X : ndarray of shape (capacity, n_features), float32
        Rows as they came.
    blocks : ndarray of shape (ceil(capacity / LANES), n_features, LANES), float32
        The same rows scaled and transposed for the scan.
    row_ids : ndarray of shape (capacity,), int64
        Identities; `DEAD` where the slot holds no row.
    cursor : ndarray of shape (2,), int64
        Slot of the oldest row, and number of rows.
    inverse_scale, penalty : ndarray of shape (n_features,), float32
        The metric: see `resampler.kernels.exact`.
    """

    X: np.ndarray
    blocks: np.ndarray
    row_ids: np.ndarray
    cursor: np.ndarray
    inverse_scale: np.ndarray
    penalty: np.ndarray


@njit(cache=True, nogil=True)
def kill(ring, slot):
    """Mark a slot dead: the scan passes it over."""
    ring.row_ids[slot] = DEAD


@njit(cache=True, nogil=True)
def insert(ring, row, row_id):
    """Add one row, over the oldest one if the ring is full."""
    capacity, d = ring.X.shape
    start, count = ring.cursor
    slot = (start + count) % capacity
    ring.row_ids[slot] = row_id
    for j in range(d):
        ring.X[slot, j] = row[j]
        ring.blocks[slot // LANES, j, slot % LANES] = row[j] * ring.inverse_scale[j]
    if count == capacity:
        ring.cursor[0] = (start + 1) % capacity
    else:
        ring.cursor[1] = count + 1


@njit(cache=True, nogil=True)
def evict(ring, n):
    """Drop the `n` oldest rows."""
    capacity = ring.X.shape[0]
    for _ in range(n):
        kill(ring, ring.cursor[0])
        ring.cursor[0] = (ring.cursor[0] + 1) % capacity
        ring.cursor[1] -= 1


@njit(cache=True, nogil=True)
def discard(ring, sorted_ids):
    """Delete the rows whose id is in `sorted_ids`, closing the gaps in order; return how many there were."""
    capacity, d = ring.X.shape
    start, count = ring.cursor
    kept = 0
    for i in range(count):
        slot = (start + i) % capacity
        row_id = ring.row_ids[slot]
        at = np.searchsorted(sorted_ids, row_id)
        if at < sorted_ids.shape[0] and sorted_ids[at] == row_id:
            continue
        to = (start + kept) % capacity
        kept += 1
        if to == slot:
            continue
        ring.row_ids[to] = row_id
        for j in range(d):
            ring.X[to, j] = ring.X[slot, j]
            ring.blocks[to // LANES, j, to % LANES] = ring.blocks[slot // LANES, j, slot % LANES]
    for i in range(kept, count):
        kill(ring, (start + i) % capacity)
    ring.cursor[1] = kept
    return count - kept


@njit(cache=True, nogil=True)
def emit(ring, words, nn_slots, nn_distances, query, out):
    """Make one synthetic row of a ring that holds more than ``len(nn_slots)`` rows.

    `words` are the four words of its draw: base, neighbour, step, spare. Returns the base's id, the neighbour's
    id and the step.
    """
    capacity, d = ring.X.shape
    start, count = ring.cursor
    base = (start + bounded(words[0], count)) % capacity
    for j in range(d):
        query[j] = ring.blocks[base // LANES, j, base % LANES]
    n_slots = min(capacity, start + count)
    nearest(ring.blocks, n_slots, ring.row_ids, query, base, ring.penalty, nn_slots, nn_distances)
    neighbor = nn_slots[bounded(words[1], nn_slots.shape[0])]
    step = unit(words[2])
    interpolate_row(ring.X[base], ring.X[neighbor], step, out)
    vote(ring.X, nn_slots, ring.penalty, out)
    return ring.row_ids[base], ring.row_ids[neighbor], step
