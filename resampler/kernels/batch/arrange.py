"""Rows of sketches put in an order in which near rows stand together: cells, and groups within them.

What is halved are whole numbers of 16 bits, and the middle is counted out rather than sorted for. The direction is a
column or the principal axis, as in `resampler.kernels.batch.cells`. Which order comes out decides how much a search
passes over, and never what it finds: ties need not be broken, nor directions be fitted, in any certain way.

Naive: the search by cells of `resampler.kernels.batch.cells`, which finds the same, in tests/resampler/test_tiled.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.jit import allocating, inline, inner, njit
from resampler.kernels.simd.emitter import SIDE
from resampler.kernels.simd.tiles import write_bounds

LONGEST = 32000.0  # sketch, in grains: half the squared distance of two stays within 32 bits
_SAMPLE = 64  # rows that a direction is fitted on
_ITERATIONS = 3  # of the power method: a direction need only be good
_WIDE = 0.5  # share of the principal axis's variance, from which a column is taken instead: its boxes are smaller
_BINS = 1024


@njit(nogil=True)
def furthest(rows, center, first, last):
    """Return how far the furthest of rows first .. last - 1 is from a centre, by the values that it has."""
    longest = 0.0
    for i in range(first, last):
        square = 0.0
        for j in range(rows.shape[1]):
            gap = np.float64(rows[i, j]) - center[j]
            square += gap * gap if gap == gap else 0.0
        longest = max(longest, square)
    return np.sqrt(longest)


@njit(nogil=True)
def quantise(rows, center, grain, first, last, sketches):
    """Write the sketches of rows first .. last - 1 about a centre; 0 for nulls and what they are filled up with."""
    d, inverse = rows.shape[1], 1 / grain
    for i in range(first, last):
        for j in range(d):
            gap = np.float64(rows[i, j]) - center[j]
            sketches[i, j] = np.int32(np.rint(gap * inverse if gap == gap else 0.0))
        for j in range(d, sketches.shape[1]):
            sketches[i, j] = 0


@allocating
def _direction(sketches, order, first, last, sample, direction):
    """Write the principal axis of a sample of the rows, of length `LONGEST`; return a column instead, or -1."""
    width = sketches.shape[1]
    step = (last - first) // _SAMPLE
    center = np.zeros(width, np.int32)
    for i in range(_SAMPLE):
        row = sketches[order[first + i * step]]
        for j in range(width):
            center[j] += row[j]
    spread = np.zeros(width, np.float32)
    for i in range(_SAMPLE):
        row = sketches[order[first + i * step]]
        for j in range(width):
            sample[i, j] = row[j] - center[j] // _SAMPLE
            spread[j] += sample[i, j] * sample[i, j]
    widest = np.argmax(spread)
    axis, following = np.zeros(width, np.float32), np.empty(width, np.float32)
    axis[widest] = 1
    norm = np.float32(0)
    for _ in range(_ITERATIONS):
        following[:] = 0
        for i in range(_SAMPLE):
            along = np.float32(0)
            for j in range(width):
                along += sample[i, j] * axis[j]
            for j in range(width):
                following[j] += along * sample[i, j]
        norm = np.sqrt((following * following).sum())
        if not norm > 0:
            return widest
        for j in range(width):
            axis[j] = following[j] / norm
    if spread[widest] >= _WIDE * norm:
        return widest
    for j in range(width):
        direction[j] = np.int32(axis[j] * LONGEST)
    return -1


@inner
def _halve(keys, order, first, last, n_low, bins, upper):
    """Permute order[first:last] so that the `n_low` rows of the lowest keys come first, give or take equal ones."""
    n = last - first
    low, high = np.int64(keys[0]), np.int64(keys[0])
    for i in range(n):
        low = min(low, keys[i])
        high = max(high, keys[i])
    shift = 0
    while (high - low) >> shift >= _BINS:
        shift += 1
    start, below = low, 0
    while True:
        bins[:] = 0
        for i in range(n):
            at = (keys[i] - start) >> shift
            if 0 <= at < _BINS:
                bins[at] += 1
        at = 0
        while below + bins[at] < n_low:
            below += bins[at]
            at += 1
        start += at << shift
        if shift == 0 or 32 * bins[at] < n:
            break
        shift = max(0, shift - 10)
    stop = start + (1 << shift)
    equal = n_low - below  # of those between: the first
    at_low, at_high = first, 0
    for i in range(n):  # written to both halves, and kept in one: no branch to be guessed
        row = order[first + i]
        between = (keys[i] >= start) & (keys[i] < stop) & (equal > 0)
        lower = (keys[i] < start) | between
        equal -= between
        order[at_low] = row
        upper[at_high] = row
        at_low += lower
        at_high += not lower
    for i in range(at_high):
        order[first + n_low + i] = upper[i]


def lower_half(n):
    """Return how many of n rows are the lower half, in whole cells."""
    return (n + CELL_ROWS - 1) // CELL_ROWS // 2 * CELL_ROWS


_lower_half = inline(lower_half)


@allocating
def halve(sketches, order, first, last, keys, bins, upper, sample, direction):
    """Permute order[first:last] into halves of whole cells across its widest direction; return the second's start."""
    column = _direction(sketches, order, first, last, sample, direction)
    for i in range(last - first):
        row = sketches[order[first + i]]
        if column >= 0:
            keys[i] = row[column]
        else:
            along = np.int32(0)
            for j in range(len(direction)):
                along += np.int32(row[j]) * direction[j]
            keys[i] = along
    n_low = _lower_half(last - first)
    _halve(keys, order, first, last, n_low, bins, upper)
    return first + n_low


@allocating
def _group(sketches, order, first, count, least, keys, at, ranks):
    """Permute a cell's rows so that every `least` of them lie near each other."""
    rows = np.empty((CELL_ROWS, sketches.shape[1]), np.int16)
    low, high = np.empty(SIDE, np.int16), np.empty(SIDE, np.int16)
    for i in range(count):
        for j in range(sketches.shape[1]):
            rows[i, j] = sketches[order[first + i], j]
        at[i] = i
    size = CELL_ROWS // 2
    while size >= least:
        for start in range(0, count - size, 2 * size):
            n = min(count - start, 2 * size)
            widest, best = 0, np.int32(-1)
            for first_column in range(0, sketches.shape[1], SIDE):
                write_bounds(rows, at, start, n, first_column, low, high)
                for j in range(SIDE):
                    wide = np.int32(high[j]) - np.int32(low[j])
                    if wide > best:
                        best = wide
                        widest = first_column + j
            for i in range(n):  # distinct, so that ranks are
                keys[i] = (np.int32(rows[at[start + i], widest]) << 8) | np.int32(at[start + i])
                ranks[i] = 0
            for i in range(n):
                key = keys[i]
                for other in range(n):
                    ranks[other] += keys[other] > key
            for i in range(n):
                at[start + ranks[i]] = keys[i] & np.int32(255)
        size //= 2
    for i in range(count):
        keys[i] = order[first + at[i]]
    for i in range(count):
        order[first + i] = keys[i]


@njit(nogil=True)
def arrange(sketches, order, first, last, least, stop_at):
    """Permute order[first:last] so that every `CELL_ROWS` are a cell, and every `least` of a cell a group.

    Parameters
    ----------
    sketches : ndarray of shape (n, width), int16
        As `quantise` writes them.
    order : ndarray of shape (n,), int32
        Rows.
    first, last : int
        Which of them.
    least : int
        Rows of a group: a power of two below `CELL_ROWS`.
    stop_at : int
        Rows of a part that is left as it is, so that others go on with it; `CELL_ROWS` for none.
    """
    width = sketches.shape[1]
    keys, upper = np.empty(last - first + CELL_ROWS, np.int32), np.empty(last - first + 1, np.int32)
    bins = np.empty(_BINS, np.int32)
    sample, direction = np.empty((_SAMPLE, width), np.float32), np.empty(width, np.int32)
    at, ranks = np.empty(CELL_ROWS, np.int32), np.empty(CELL_ROWS, np.int32)
    stack = [(first, last)]
    while len(stack) > 0:
        start, stop = stack.pop()
        if stop - start > stop_at:
            middle = halve(sketches, order, start, stop, keys, bins, upper, sample, direction)
            stack.append((start, middle))
            stack.append((middle, stop))
        elif start < stop <= start + CELL_ROWS:
            _group(sketches, order, start, stop - start, least, keys, at, ranks)
