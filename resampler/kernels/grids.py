"""Grids of columns: what steps and values real ones keep, and how a number is put on them.

A grid value is the correctly rounded image of ``k * numerator / denominator``: one division of exact integers, rounded
once more where the column is of float32. So to lie on the grid means equality.

Between two grid values the nearest is right in the mean where the place runs evenly from one grid value to another,
as the full segment does: the trapezoid rule is exact for a straight line, on steps of any widths. Elsewhere a word
decides, with the odds of the distances. Both ask one question, whether ``part > u`` of the way from the grid value on
the base's side to the one beyond: for the nearest u is 1/2. Asked from the base, columns that mirror each other (one
flag up, another down) move together, and ties do too.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import entry, inline, inner
from resampler.kernels.random import draw, more_words, one_of

DIGITS = 15  # decimals of the finest step that is looked for
NEAR = 4  # doubles may be so many units in the last place beside it: 57.16 * 5 is no image of 285.8
_EXACT = 2.0**52
_DOUBLE = 2.0**-52
_WORDS = 1 << 31  # blocks of words from here on are of no place

# What `tally` counts; digits of -1 say that no step fits.
N, AT_LOW, AT_HIGH, DOUBLE_DIGITS, DOUBLE_UNITS, SINGLE_DIGITS, SINGLE_UNITS, DISTINCT, ONCE = range(9)


@inline
def grid_value(k, numerator, denominator, single):
    """Return the k-th grid value; 0 without a sign, as real ones have it."""
    value = k * numerator / denominator + 0.0
    return np.float64(np.float32(value)) if single else value


@inline
def choose(value, base, u, below, above):
    """Return one of the two grid values that a number lies between."""
    ahead = value >= base
    here, there = (below, above) if ahead else (above, below)
    return there if abs(value - here) > u * abs(there - here) else here


@inline
def on_step(value, base, u, numerator, denominator, single):
    """Put a number on the grid of a step; `u` from 0 to 1 decides between the two grid values beside it."""
    k = np.rint(value * denominator / numerator)
    nearest = grid_value(k, numerator, denominator, single)
    if nearest == value or not np.isfinite(value):
        return value
    if nearest < value:
        return choose(value, base, u, nearest, grid_value(k + 1.0, numerator, denominator, single))
    return choose(value, base, u, grid_value(k - 1.0, numerator, denominator, single), nearest)


@inline
def on_values(value, base, u, values, first, last):
    """Put a number on one of ``values[first:last]``, which ascend."""
    if value <= values[first]:
        return values[first]
    if value >= values[last - 1]:
        return values[last - 1]
    if np.isnan(value):
        return value
    low, high = first, last - 1
    while high - low > 1:
        middle = (low + high) // 2
        if values[middle] <= value:
            low = middle
        else:
            high = middle
    if values[low] == value:
        return value
    return choose(value, base, u, values[low], values[high])


@inline
def within(value, base, low, high, even):
    """Keep a number within bounds; where the place is as likely as much less, it goes no further either way."""
    if even:
        room = max(0.0, min(base - low, high - base))
        value = min(max(value, base - room), base + room)
    return min(max(value, low), high) if not np.isnan(value) else value


@inline
def on_grid(value, base, u, even, at, step, single, bounds, start, values):
    """Put a number on the grid of the column that stands at `at` among those that have one."""
    value = within(value, base, bounds[at, 0], bounds[at, 1], even)
    if start[at] < start[at + 1]:
        value = on_values(value, base, u, values, start[at], start[at + 1])
    elif step[at, 0] > 0:
        value = on_step(value, base, u, step[at, 0], step[at, 1], single[at])
        value = min(max(value, bounds[at, 0]), bounds[at, 1]) if not np.isnan(value) else value
    return value


@inner
def settle_row(grids, drawn, word, base, out):
    """Put one row on its grids, if there are any: by `word` if the row has a draw, else by the nearest.

    `grids` is a `resampler.grids.Packed`, or None: a type, so that kernels without grids are compiled without this.
    """
    if grids is None:
        return
    u = (np.float64(word) + 0.5) * 2.0**-32 if drawn else 0.5
    for at in range(grids.column.shape[0]):
        j = grids.column[at]
        value, origin = np.float64(out[j]), np.float64(base[j])
        out[j] = on_grid(value, origin, u, False, at, grids.step, grids.single, grids.bounds, grids.start, grids.values)


@entry
def settle(X, base, row_ids, copy, seed, stream, own, column, step, single, bounds, start, values, first, last, out):
    """Put rows first .. last-1 on the grids of some columns: by the nearest, or by words where rows have a draw.

    `own` says that columns moved on their own, each evenly about the base: then each has a word of its own. Else one
    word is the row's, so that columns that move together stay together.
    """
    drawn = copy.shape[0] > 0
    w0 = w1 = w2 = w3 = np.uint64(0)
    a = b = c = d = np.uint64(0)
    for i in range(first, last):
        u = 0.5
        if drawn:
            w0, w1, w2, w3 = draw(seed, stream, row_ids[i], copy[i])
            u = (np.float64(w3) + 0.5) * 2.0**-32
        for at in range(column.shape[0]):
            j = column[at]
            if own:
                if at % 4 == 0:
                    a, b, c, d = more_words(w0, w1, w2, w3, seed, _WORDS + at // 4)
                u = (np.float64(one_of(a, b, c, d, at)) + 0.5) * 2.0**-32
            origin, value = np.float64(X[base[i], j]), np.float64(out[i, j])
            out[i, j] = on_grid(value, origin, u, own, at, step, single, bounds, start, values)


@inline
def _units(value, digits, near, single):
    """Return how many decimals a number has, at least `digits`, and its count of the last one; -1 if it has more."""
    scale = 10.0**digits
    while digits <= DIGITS:
        scaled = value * scale
        if abs(scaled) >= _EXACT:
            break
        k = np.rint(scaled)
        if abs(value - grid_value(k, 1.0, scale, single)) <= near * abs(value):
            return digits, np.int64(abs(k))
        digits += 1
        scale *= 10.0
    return -1, np.int64(0)


@inline
def _common(a, b):
    """Return the greatest common divisor; of 0 and a number the number."""
    while b:
        a, b = b, a % b
    return a


@entry
def tally(values, words, extremes, counts, keys, times):
    """Take in the values of a column: bounds, decimals, and the distinct ones until `keys` is half full.

    `words` are the bits of the values. `extremes` holds the least and the greatest, `counts` is listed above; `keys`
    and `times` are a hash table, of a power of two of places, where a place is free while `times` is 0.
    """
    room = keys.shape[0] // 2
    last = np.uint64(keys.shape[0] - 1)
    for i in range(values.shape[0]):
        value = values[i]
        if not np.isfinite(value):
            continue
        counts[N] += 1
        if value < extremes[0]:
            extremes[0] = value
            counts[AT_LOW] = 0
        if value > extremes[1]:
            extremes[1] = value
            counts[AT_HIGH] = 0
        counts[AT_LOW] += value == extremes[0]
        counts[AT_HIGH] += value == extremes[1]
        if counts[DOUBLE_DIGITS] >= 0:
            digits, units = _units(value, counts[DOUBLE_DIGITS], NEAR * _DOUBLE, False)
            for _ in range(digits - counts[DOUBLE_DIGITS]):
                counts[DOUBLE_UNITS] *= 10
            counts[DOUBLE_DIGITS] = digits
            counts[DOUBLE_UNITS] = _common(counts[DOUBLE_UNITS], units)
        if counts[SINGLE_DIGITS] >= 0:
            digits, units = _units(value, counts[SINGLE_DIGITS], 0.0, True)
            for _ in range(digits - counts[SINGLE_DIGITS]):
                counts[SINGLE_UNITS] *= 10
            counts[SINGLE_DIGITS] = digits
            counts[SINGLE_UNITS] = _common(counts[SINGLE_UNITS], units)
        if counts[DISTINCT] <= room:
            place = (words[i] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32) & last
            while times[place] and keys[place] != value:
                place = place + np.uint64(1) & last
            counts[DISTINCT] += times[place] == 0
            counts[ONCE] += np.int64(times[place] == 0) - np.int64(times[place] == 1)
            keys[place] = value
            times[place] += 1
