"""Sketches: rows quantised to a byte a column, which rule rows out as too far away; the rows themselves decide.

A search waits for memory, not for arithmetic. So what it scans is a sketch of each row: the difference to the cell's
centroid in units of the block's grain, rounded (of a category the code, if it is small). The query is seen in the same
way, in two bytes a column, so that the squared distance of both, ``|q|^2 + |x|^2 - 2 q.x``, takes one product of whole
numbers. A block knows how far its sketches are at most from their rows, so by the triangle inequality a sketch bounds
the row's distance from below and above. Only rows that may be among the nearest are then measured, in float32 and in
column order. What comes out does not depend on the sketches.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import inline, inner
from resampler.kernels.simd.dots import ABOVE, FOUR, add_code, set_distances
from resampler.kernels.simd.lanes import at_most, square_differences
from resampler.kernels.simd.sums import SIDE_BY_SIDE, add_columns

# (a + b)**2 <= (1 + SLACK) a**2 + (1 + 1 / SLACK) b**2: with it, a bound takes no root
SLACK = 1 / 48
TINY = 1e-36  # covers squares that underflow
GRAINS = 127  # that fit into a byte on either side
HEADROOM = 1.25  # of a grain, for rows that come later
LONGEST = 32_000.0  # of a query as sketches see it: its product with a sketch of 127 a column then fits into an int32


@inline
def margin_of(n_features):
    """Return a relative error that float32 sums over so many columns stay well within."""
    return 4e-7 * (n_features + 8)


@inline
def is_small(code):
    """Say whether a category's code is its own sketch; no other code's is."""
    return 0 <= code <= GRAINS and code == np.floor(code)


@inline
def sketch_code(code):
    """Return the sketch of a category's code: negative if another code may have the same."""
    return np.int8(code) if is_small(code) else np.int8(-1)


@inner
def span_of(query, origin, penalty):
    """Return the largest difference of a row to a cell's centroid in a numeric column."""
    span = np.float32(0)
    for j in range(query.shape[0]):
        if penalty[j] < 0:
            span = max(span, np.abs(query[j] - origin[j]))
    return span


@inner
def draw_sketch(query, origin, penalty, grain, block, lane, lengths):
    """Write the sketch of a row and its squared length into a lane; return how far it is from the row at most."""
    inverse = 1 / np.float64(grain) if grain > 0 else np.float64(0)
    d2 = 0.0
    length = 0.0
    squares = np.int64(0)
    for j in range(query.shape[0]):
        if penalty[j] < 0:
            value = query[j] - origin[j]
            sketch = np.rint(min(max(value * inverse, np.float32(-GRAINS)), np.float32(GRAINS)))
            block[j // FOUR, lane, j % FOUR] = np.uint8(np.int64(sketch) + ABOVE)
            off = np.float64(value) - np.float64(sketch) * np.float64(grain)
            d2 += off * off
            length += np.float64(value) * np.float64(value)
            squares += np.int64(sketch) * np.int64(sketch)
        else:
            block[j // FOUR, lane, j % FOUR] = np.uint8(np.int64(sketch_code(query[j])) + ABOVE)
            if not is_small(query[j]):
                d2 += penalty[j]
    lengths[lane] = np.float32(squares * (np.float64(grain) * np.float64(grain)))
    return np.float32(np.sqrt(d2) * (1 + 1e-6) + 2e-7 * np.sqrt(length))


@inline
def see_from(query, origin, penalty, mixed, d2, residual):
    """Write the query as a cell's sketches see it, at squared distance `d2` from the centroid.

    Returns what it counts by, its squared length, how far it is from the query at most, and `ABOVE` times the sum of
    its numbers. Its length is that of what
    is seen, not the query's: of rows far from the centroid the difference is more than any bound allows for. Without
    categories `d2` is the query's; `mixed` says that there are some.
    """
    n_features = query.shape[0]
    squares = np.float64(d2)
    lost = 0.0
    if mixed:
        squares = 0.0
        for j in range(n_features):
            if penalty[j] < 0:
                squares += np.float64(query[j] - origin[j]) ** 2
            elif not is_small(query[j]):
                lost += penalty[j]
    length = np.sqrt(squares * (1 + margin_of(n_features)) + 1.2e-38 * n_features)
    inverse = np.float32(LONGEST / length)
    seen, total = np.int32(0), np.int32(0)
    if mixed:
        for j in range(n_features):
            part = np.int16(np.rint((query[j] - origin[j]) * inverse)) if penalty[j] < 0 else np.int16(0)
            high = np.int8((np.int32(part) + np.int32(128)) >> np.int32(8))
            residual[0, j] = high
            residual[1, j] = np.int8(np.int32(part) - np.int32(high) * np.int32(256))
            seen = np.int32(seen + np.int32(part) * np.int32(part))
            total = np.int32(total + np.int32(part))
    else:  # a loop without a branch and of no wider numbers than needed, which the compiler vectorises
        for j in range(n_features):
            part = np.int16(np.rint((query[j] - origin[j]) * inverse))
            high = np.int8((np.int32(part) + np.int32(128)) >> np.int32(8))
            residual[0, j] = high
            residual[1, j] = np.int8(np.int32(part) - np.int32(high) * np.int32(256))
            seen = np.int32(seen + np.int32(part) * np.int32(part))
            total = np.int32(total + np.int32(part))
    unit = np.float32(length / LONGEST)
    away = np.sqrt(lost) * (1 + 1e-6) + length * (0.5 / LONGEST * np.sqrt(n_features) + 1e-6)
    return unit, np.float32(seen * (np.float64(unit) * np.float64(unit))), away, np.int32(total * ABOVE)


@inline
def sketch_distances(block, lengths, grain, query, residual, above, unit, length, penalty, mixed, limit, out):
    """Write the squared distances of one block's sketches to a query as they see it, some a little below 0.

    Returns the word whose bits are set for the lanes within `limit`.
    """
    set_distances(block, residual, above, lengths, length, 2 * unit, grain, out)
    if mixed:
        for j in range(query.shape[0]):
            if penalty[j] >= 0:
                add_code(block, j, sketch_code(query[j]), penalty[j], out)
    return at_most(out, limit)


@inline
def factor_of(n_features):
    """Return the factor of the bounds: d2 <= factor * sketched d2 + offset, and the other way round."""
    return np.float32((1 + SLACK) * (1 + 4 * margin_of(n_features)))


@inline
def offset_of(error, n_features, length, grain):
    """Return the offset of the bounds, of sketches that are off by `error` at most.

    They are rounded about the squared lengths of the query as they see it and of the sketches.
    """
    error = np.float64(error)
    squares = (1 + 1 / SLACK) * error * error * (1 + 4 * margin_of(n_features))
    longest = np.float64(grain) * np.float64(grain) * (GRAINS * GRAINS * n_features)
    return np.float32(squares + 2 * margin_of(n_features) * length + 2e-6 * longest + TINY)


@inner
def exact_distances(X, inverse_scale, inverse_norm, penalty, mixed, query, slots, n, terms, d2s):
    """Write the squared distances of the rows of `n` slots: column after column, one rounding an operation.

    Of `SIDE_BY_SIDE` rows at a time the columns' terms are written first, in vectors along the columns, and then added
    up. `terms`, of shape (SIDE_BY_SIDE, n_features), is working space.
    """
    last = n - 1
    for first in range(0, n, SIDE_BY_SIDE):
        for i in range(SIDE_BY_SIDE):
            slot = slots[min(first + i, last)]
            square_differences(X, slot, inverse_scale, inverse_norm[slot], query, terms, i)
            if mixed:
                for j in range(query.shape[0]):
                    if penalty[j] >= 0:
                        same = X[slot, j] * inverse_scale[j] * inverse_norm[slot] == query[j]
                        terms[i, j] = np.float32(0) if same else penalty[j]
        add_columns(terms)
        for i in range(min(SIDE_BY_SIDE, n - first)):
            d2s[first + i] = terms[i, 0]
