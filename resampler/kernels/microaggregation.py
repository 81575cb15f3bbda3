"""Microaggregation: rows cut into groups of g to 2 g - 1 near rows, and what is known of each group.

Blocks of many rows are halved along the direction in which they spread the most, at a number of rows that leaves both
halves as near to whole groups as can be; a block of few rows is cut by MDAV, exactly. So the time grows with the rows,
not with their square, and a rare class is cut by MDAV alone. Rows come in the order of their identities: sums run in
that order, ties go to the lower identity, and nothing depends on the order in which rows were stored.

References
----------
Domingo-Ferrer, Torra: Ordinal, continuous and heterogeneous k-anonymity through microaggregation. DMKD 11 (2005),
doi:10.1007/s10618-005-0007-5: MDAV.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.grids import on_grid
from resampler.kernels.jit import allocating, entry, inline, njit
from resampler.kernels.places.cloud import place
from resampler.kernels.random import bounded, draw, more_words, one_of
from resampler.kernels.simd.select import select

BLOCK = 1024  # rows that MDAV cuts at once: then, of 12,000 rows, within 7 % of what it would lose on all at once
_SEEN = 1024  # rows of a block that its direction is found by
_ROUNDS = 6  # of the power method
_GRIDS = 1 << 31  # blocks of words: those of a place come first, as everywhere
_NULLS = 1 << 30
_CODES = 1 << 29
MEMBER = 0xFFFFFFFA  # number of the draw that a row adds to the identity of its group


@inline
def _gap(X, a, b):
    total = 0.0
    for j in range(X.shape[1]):
        way = X[a, j] - X[b, j]
        total += way * way
    return total


@allocating
def _mean(X, rows, n, out):
    out[:] = 0.0
    for i in range(n):
        for j in range(X.shape[1]):
            out[j] += X[rows[i], j]
    for j in range(X.shape[1]):
        out[j] /= n


@allocating
def _farthest(X, rows, n, center):
    """Return the place of the row that is the furthest from a point, the first of several."""
    best, at = -1.0, 0
    for i in range(n):
        total = 0.0
        for j in range(X.shape[1]):
            way = X[rows[i], j] - center[j]
            total += way * way
        if total > best:
            best, at = total, i
    return at


@allocating
def _take(X, rows, n, at, g, number, group):
    """Make a group of the row at a place and the g - 1 nearest to it; return how many rows are left, in order."""
    row = rows[at]
    gaps = np.full(g, np.inf)
    nearest = np.full(g, -1)
    for i in range(n):
        gap = -1.0 if i == at else _gap(X, row, rows[i])
        if gap >= gaps[g - 1]:
            continue
        k = g - 1
        while k > 0 and gaps[k - 1] > gap:
            gaps[k], nearest[k] = gaps[k - 1], nearest[k - 1]
            k -= 1
        gaps[k], nearest[k] = gap, i
    for k in range(g):
        group[rows[nearest[k]]] = number
        rows[nearest[k]] = -1
    left = 0
    for i in range(n):
        if rows[i] >= 0:
            rows[left] = rows[i]
            left += 1
    return left


@allocating
def _mdav(X, rows, g, number, group):
    """Cut a block of at least g rows; return the number of the next group. `rows` is used up."""
    n = rows.shape[0]
    center = np.empty(X.shape[1])
    while n >= 2 * g:
        _mean(X, rows, n, center)
        two = n >= 3 * g
        at = _farthest(X, rows, n, center)
        other = X[rows[at]]
        n = _take(X, rows, n, at, g, number, group)
        number += 1
        if two:
            n = _take(X, rows, n, _farthest(X, rows, n, other), g, number, group)
            number += 1
    for i in range(n):
        group[rows[i]] = number
    return number + 1


@allocating
def _direction(X, rows, center, out):
    """Write the direction in which a block spreads the most, by the power method on some of its rows."""
    d = X.shape[1]
    step = (rows.shape[0] + _SEEN - 1) // _SEEN
    far = rows[_farthest(X, rows, rows.shape[0], center)]
    for j in range(d):
        out[j] = X[far, j] - center[j]
    following = np.empty(d)
    for _ in range(_ROUNDS):
        following[:] = 0.0
        for i in range(0, rows.shape[0], step):
            along = 0.0
            for j in range(d):
                along += (X[rows[i], j] - center[j]) * out[j]
            for j in range(d):
                following[j] += along * (X[rows[i], j] - center[j])
        length = 0.0
        for j in range(d):
            length += following[j] * following[j]
        if length == 0.0:
            return
        length = np.sqrt(length)
        for j in range(d):
            out[j] = following[j] / length


@njit(nogil=True)
def cut(X, g, block, group):
    """Write the group of each row into `group`; return how many groups there are. At least g rows."""
    n, d = X.shape
    rows = np.arange(n)
    starts = [0]
    ends = [n]
    number = 0
    center = np.empty(d)
    axis = np.empty(d)
    while len(starts) > 0:
        first, last = starts.pop(), ends.pop()
        size = last - first
        if size <= block or size < 2 * g:
            number = _mdav(X, rows[first:last].copy(), g, number, group)
            continue
        part = rows[first:last]
        _mean(X, part, size, center)
        _direction(X, part, center, axis)
        along = np.empty(size)
        for i in range(size):
            total = 0.0
            for j in range(d):
                total += (X[part[i], j] - center[j]) * axis[j]
            along[i] = total
        groups = size // g
        half = size * (groups // 2) // groups
        edge = select(along.copy(), half)
        below = 0
        for i in range(size):
            below += along[i] < edge
        level = half - below  # of the rows at the edge, as many go to the lower half
        lower = np.empty(half, np.int64)
        upper = np.empty(size - half, np.int64)
        a = 0
        b = 0
        for i in range(size):
            goes = along[i] < edge
            if along[i] == edge and level > 0:
                goes = True
                level -= 1
            if goes:
                lower[a] = part[i]
                a += 1
            else:
                upper[b] = part[i]
                b += 1
        for i in range(half):
            rows[first + i] = lower[i]
        for i in range(size - half):
            rows[first + half + i] = upper[i]
        starts.append(first + half)
        ends.append(last)
        starts.append(first)
        ends.append(first + half)
    return number


@inline
def _within(value, low, high):
    return min(max(value, low), high)


@njit(nogil=True)
def bound(X, group, numeric, g, mean, size, nulls, low, high):
    """Write each group's rows and nulls, and of each numeric column the second least and the second greatest value.

    Where a group has fewer than g values of a column, the class's mean is one of them, as often as it takes. Of a
    single value, that is the value.
    """
    n, d = X.shape
    size[:] = 0
    nulls[:] = 0
    low[:] = np.inf
    high[:] = -np.inf
    least = np.full(low.shape, np.inf)
    greatest = np.full(low.shape, -np.inf)
    for i in range(n):
        a = group[i]
        size[a] += 1
        for j in range(d):
            value = X[i, j]
            if np.isnan(value):
                nulls[a, j] += 1
            elif numeric[j]:
                low[a, j] = min(low[a, j], max(least[a, j], value))
                least[a, j] = min(least[a, j], value)
                high[a, j] = max(high[a, j], min(greatest[a, j], value))
                greatest[a, j] = max(greatest[a, j], value)
    for a in range(size.shape[0]):
        for j in range(d):
            held = size[a] - nulls[a, j]
            for _ in range(min(2, g - held)):
                value = mean[j]
                low[a, j] = min(low[a, j], max(least[a, j], value))
                least[a, j] = min(least[a, j], value)
                high[a, j] = max(high[a, j], min(greatest[a, j], value))
                greatest[a, j] = max(greatest[a, j], value)
            if low[a, j] > high[a, j]:  # of one value, or of two
                low[a, j], high[a, j] = least[a, j], greatest[a, j]


@njit(nogil=True)
def summarise(X, group, numeric, g, mean, unit, size, center, spread, nulls):
    """Write each group's rows, and of each numeric column its mean, deviation and nulls.

    The least value counts as the second least, the greatest as the second greatest: a row that lies apart from the
    others of its group would be where mean and deviation say, three deviations from the mean of ten. Where a group has
    fewer than g values of a column, the class's mean and deviation stand for those that lack: no value of a few rows
    is anybody's mean. NaN where all are null.
    """
    n, d = X.shape
    low = np.empty(center.shape)
    high = np.empty(center.shape)
    bound(X, group, numeric, g, mean, size, nulls, low, high)
    spread[:] = 0.0
    total = np.zeros(center.shape)  # about the lower bound, so that equal values have exactly theirs as mean
    for i in range(n):
        a = group[i]
        for j in range(d):
            if numeric[j] and not np.isnan(X[i, j]):
                total[a, j] += _within(X[i, j], low[a, j], high[a, j]) - low[a, j]
    for a in range(size.shape[0]):
        for j in range(d):
            held = size[a] - nulls[a, j]
            center[a, j] = np.nan
            if held > 0 and numeric[j]:
                lacking = max(0, g - held)
                center[a, j] = low[a, j] + (total[a, j] + lacking * (mean[j] - low[a, j])) / (held + lacking)
                spread[a, j] = lacking
    for i in range(n):
        a = group[i]
        for j in range(d):
            if numeric[j] and not np.isnan(X[i, j]):
                way = (_within(X[i, j], low[a, j], high[a, j]) - center[a, j]) / unit[j]
                spread[a, j] += way * way
    for a in range(size.shape[0]):
        for j in range(d):
            spread[a, j] = unit[j] * np.sqrt(spread[a, j] / max(g, size[a] - nulls[a, j]))


@njit(nogil=True)
def identify(seed, stream, row_ids, group, out):
    """Write each group's identity, from 0 to 2**63 - 1: a sum of keyed words of its rows, in any order."""
    total = np.zeros(out.shape[0], np.uint64)
    for i in range(row_ids.shape[0]):
        w0, w1, _, _ = draw(seed, stream, row_ids[i], MEMBER)
        total[group[i]] += (w0 << np.uint64(32)) | w1
    for a in range(out.shape[0]):
        out[a] = np.int64(total[a] >> np.uint64(1))


@inline
def word_of(w0, w1, w2, w3, seed, first, at):
    """Return word `at` of those that begin at block `first` of a draw."""
    a, b, c, d = more_words(w0, w1, w2, w3, seed, first + at // 4)
    return one_of(a, b, c, d, at)


@inline
def pick_code(groups, base, at, w0, w1, w2, w3, seed):
    """Return the place in `groups.code` of the code that a row has in categorical column number `at`."""
    first, last = groups.start[at], groups.start[at + 1]
    total = 0
    for i in range(first, last):
        total += groups.counts[base, i]
    left = bounded(word_of(w0, w1, w2, w3, seed, _CODES, at), total)
    code = first
    while left >= groups.counts[base, code]:
        left -= groups.counts[base, code]
        code += 1
    return code


@inline
def write_row(groups, grids, base, neighbor, step, w0, w1, w2, w3, seed, out):
    """Write the numeric columns of one row of a group: its place, then nulls by the group's count, then grids.

    `groups` has `center`, `spread`, `nulls`, `size`; `grids` is a `resampler.grids.Packed` or None, a type.
    """
    place(groups.center[base], groups.center[neighbor], step, w0, w1, w2, w3, seed, groups.spread[base], out)
    if grids is not None:
        for at in range(grids.column.shape[0]):
            j = grids.column[at]
            word = word_of(w0, w1, w2, w3, seed, _GRIDS, at)
            u = (np.float64(word) + 0.5) * 2.0**-32
            origin = groups.center[base, j]
            way = groups.center[neighbor, j] - origin
            if not np.isnan(way):
                origin += np.float64(step) * way
            value = np.float64(out[j])
            out[j] = on_grid(
                value, origin, u, True, at, grids.step, grids.single, grids.bounds, grids.start, grids.values
            )
    for j in range(out.shape[0]):
        count = groups.nulls[base, j]  # most are 0, and cost no word
        if count > 0 and bounded(word_of(w0, w1, w2, w3, seed, _NULLS, j), groups.size[base]) < count:
            out[j] = np.nan


@entry
def pick(groups, base, ids, copy, streams, seed, out):
    """Write the codes that rows have: places in `groups.code`, a column a categorical one."""
    for i in range(base.shape[0]):
        w0, w1, w2, w3 = draw(seed, streams[i], ids[i], copy[i])
        for at in range(out.shape[1]):
            out[i, at] = pick_code(groups, base[i], at, w0, w1, w2, w3, seed)


@entry
def write(groups, grids, base, neighbor, steps, ids, copy, streams, seed, first, last, out):
    """Write rows first .. last-1; each draws by its group's identity and the number of the copy."""
    for i in range(first, last):
        w0, w1, w2, w3 = draw(seed, streams[i], ids[i], copy[i])
        write_row(groups, grids, base[i], neighbor[i], steps[i], w0, w1, w2, w3, seed, out[i])
