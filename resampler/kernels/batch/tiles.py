"""k nearest neighbours of many rows at once, exactly, by products of sketches: for rows of numbers, without nulls.

A row is *sketched* as whole numbers of 16 bits, q = rint((x - mean) / grain), at most e = sqrt(d) / 2 away. Two rows
are measured only where their sketches allow that one is among the nearest of the other:

    d2(i, j) <= T_i, the k-th distance of row i so far, implies
    |q_i - q_j| <= sqrt(T_i (1 + (d + 4) u) + d tiny) / grain + 2 e =: r, with u the unit of rounding and tiny what a
    square may lose that underflows, and so
    q_i.q_j - (|q_i|^2 >> 1) - (|q_j|^2 >> 1) >= -(floor(r^2 / 2) + 2), in whole numbers of 32 bits, none rounded.

A *limit* is what that must exceed. Rows stand in groups of `ROWS` within panels of `LANES` within cells, each halved
across its widest column; a pair of groups whose boxes are further apart than any limit of theirs is passed over, and so
is a pair of cells. One product serves both rows of a pair. Those that pass are measured in column order with one
rounding an operation, as `resampler.kernels.batch.neighbors` measures them, and kept by (distance, row id): what comes
out is what that finds, in whatever order pairs of cells are taken, and lists of different cells may be filled at once.

Naive: the search by cells, which is compared with loops, in tests/resampler/test_tiled.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.jit import allocating, inline, inner, njit
from resampler.kernels.simd.lanes import first_lane
from resampler.kernels.simd.tiles import LANES, ROWS, mark_near, near_boxes

PANELS = CELL_ROWS // LANES  # of a cell, whose groups' boxes are one panel more: CELL_ROWS = ROWS * LANES
NEAR = 6  # cells around a cell that are searched first: what they hold leaves out most of the others
ITSELF, AROUND, BEYOND = 0, 1, 2  # turns: a cell's own panels, the cells near it, all others
EVERY, NEVER = -(2**31) + 127, 2**31 - 1  # limits that all pairs exceed, and none
_LONGEST = 32000.0  # sketch, in grains: half the squared distance of two stays within 32 bits
_TOGETHER = 8  # pairs whose sums are formed at once


class Sketched(NamedTuple):
    """Rows in the order of their cells, their sketches, and the neighbours found so far.

    Parameters
    ----------
    rows : ndarray of shape (n, d), float32 or float64
        In units of distance.
    ids : ndarray of shape (n,), int64
        They decide between equal distances.
    panels : ndarray of shape (n_cells * PANELS, n_pairs, LANES, 2), int16
        Their sketches, 0 in the empty lanes of the last cell and in a last odd column.
    halves : ndarray of shape (n_cells * CELL_ROWS,), int32
        -(|q|^2 >> 1).
    limits : ndarray of shape (n_cells * CELL_ROWS,), int32
        What products of a row's sketch must exceed: `EVERY` at first, `NEVER` for rows that are not asked for and for
        empty lanes.
    lows, highs : ndarray of shape (n_cells, n_pairs, LANES, 2), int16
        Boxes of the groups' sketches.
    group_limits : ndarray of shape (n_cells * LANES,), int32
        The lowest of each group.
    cell_lows, cell_highs : ndarray of shape (ceil(n_cells / LANES), n_pairs, LANES, 2), int16
        Boxes of the cells' sketches.
    cell_limits : ndarray of shape (ceil(n_cells / LANES) * LANES,), int32
        The lowest of each cell.
    centers : ndarray of shape (n_cells, d), float64
        Means of the rows.
    near : ndarray of shape (n_cells, NEAR), int64
        The cells near each; -1 where there are fewer.
    places : ndarray of shape (n, k), int64
        The neighbours; -1 at first.
    distances : ndarray of shape (n, k), float32 or float64
        Squared; infinite at first.
    """

    rows: NDArray
    ids: NDArray
    panels: NDArray
    halves: NDArray
    limits: NDArray
    lows: NDArray
    highs: NDArray
    group_limits: NDArray
    cell_lows: NDArray
    cell_highs: NDArray
    cell_limits: NDArray
    centers: NDArray
    near: NDArray
    places: NDArray
    distances: NDArray


@njit(nogil=True)
def sketch(X, inverse_scale, order, mean, s):
    """Write the rows in the order of their cells, their sketches and what is known of the cells; return the grain."""
    n, d = X.shape
    rows, panels, lows, highs, centers = s.rows, s.panels, s.lows, s.highs, s.centers
    longest = 0.0
    for p in range(n):
        length = 0.0
        for j in range(d):
            x = X[order[p], j] * inverse_scale[j]
            rows[p, j] = x
            length += (np.float64(x) - mean[j]) ** 2
        longest = max(longest, length)
    grain = max(np.sqrt(longest) / _LONGEST, 1e-150)
    inverse = 1 / grain
    for p in range(n):
        c, lane, group = p // CELL_ROWS, p % LANES, p % CELL_ROWS // ROWS
        half = np.int32(0)
        for j in range(d):
            q = np.int32(np.rint((np.float64(rows[p, j]) - mean[j]) * inverse))
            panels[p // LANES, j // 2, lane, j % 2] = q
            half += q * q
            if p % ROWS == 0:
                lows[c, j // 2, group, j % 2] = q
                highs[c, j // 2, group, j % 2] = q
            else:
                lows[c, j // 2, group, j % 2] = min(lows[c, j // 2, group, j % 2], q)
                highs[c, j // 2, group, j % 2] = max(highs[c, j // 2, group, j % 2], q)
            centers[c, j] += rows[p, j]
        s.halves[p] = -(half >> 1)
    for c in range(len(centers)):
        for j in range(d):
            low, high = lows[c, j // 2, 0, j % 2], highs[c, j // 2, 0, j % 2]
            for group in range(1, -(-(min(n, (c + 1) * CELL_ROWS) - c * CELL_ROWS) // ROWS)):
                low = min(low, lows[c, j // 2, group, j % 2])
                high = max(high, highs[c, j // 2, group, j % 2])
            s.cell_lows[c // LANES, j // 2, c % LANES, j % 2] = low
            s.cell_highs[c // LANES, j // 2, c % LANES, j % 2] = high
            centers[c, j] /= min(n, (c + 1) * CELL_ROWS) - c * CELL_ROWS
        sum_up(s, c)
    return grain


@inner
def sum_up(s, c):
    """Write the lowest limits of a cell's groups and of the cell."""
    lowest = np.int32(NEVER)
    for group in range(c * LANES, (c + 1) * LANES):
        low = s.limits[group * ROWS]
        for r in range(group * ROWS + 1, (group + 1) * ROWS):
            low = min(low, s.limits[r])
        s.group_limits[group] = low
        lowest = min(lowest, low)
    s.cell_limits[c] = lowest


@njit(nogil=True)
def find_near(centers, first, last, near):
    """Write which cells have the closest centres to those of cells first .. last - 1; `near` holds -1."""
    n_cells, d = centers.shape
    gaps = np.empty(n_cells)
    for a in range(first, last):
        for b in range(n_cells):
            gap = 0.0
            for j in range(d):
                gap += (centers[a, j] - centers[b, j]) ** 2
            gaps[b] = gap
        gaps[a] = np.inf
        for t in range(min(near.shape[1], n_cells - 1)):
            near[a, t] = np.argmin(gaps)
            gaps[near[a, t]] = np.inf


@inline
def _limit_of(distance, least, factor, error):
    """Return what products of a row's sketch with those of rows within a squared distance exceed."""
    radius = np.sqrt(np.float64(distance) + least) * factor + error
    return -np.int32(min(radius * radius * 0.5 + 2.0, 2147483520.0)) - np.int32(1)


@allocating
def _begin_lists(s, c, columns, out, least, factor, error):
    """Begin the lists of a cell's rows with the nearest of their panels, ranked by counting."""
    rows, ids, limits, places, distances = s.rows, s.ids, s.limits, s.places, s.distances
    n, d = rows.shape
    k = places.shape[1]
    own, rank, slot = np.zeros(LANES, np.int64), np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
    before = np.zeros((LANES, LANES), np.int64)  # 1 where the one's id is lower
    wide = np.zeros(LANES)
    keys = wide.view(np.int64)  # which order as the distances do, and are compared by their differences' signs
    for first in range(c * CELL_ROWS, min(n, (c + 1) * CELL_ROWS), LANES):
        count = min(LANES, n - first)
        for lane in range(count):
            own[lane] = ids[first + lane]
            for j in range(d):
                columns[j, lane] = rows[first + lane, j]
        for lane in range(LANES):
            for other in range(LANES):
                before[lane, other] = own[lane] < own[other]
        for r in range(count):
            if limits[first + r] == NEVER:
                continue
            for lane in range(LANES):
                out[lane] = 0
            for j in range(d):
                q = columns[j, r]
                for lane in range(LANES):
                    x = columns[j, lane] - q
                    out[lane] += x * x
            out[r] = np.inf
            for lane in range(count, LANES):
                out[lane] = np.inf
            for lane in range(LANES):
                wide[lane] = out[lane]
                rank[lane] = 0
            for other in range(LANES):
                key = keys[other]
                for lane in range(LANES):
                    rank[lane] -= (key - keys[lane] - before[other, lane]) >> 63
            for lane in range(LANES):
                slot[rank[lane]] = lane
            for t in range(min(k, count - 1)):
                places[first + r, t] = first + slot[t]
                distances[first + r, t] = out[slot[t]]
            if count > k:
                limits[first + r] = _limit_of(distances[first + r, k - 1], least, factor, error)


@inner
def _collect(words, p, q, n, hits, count):
    """List the pairs of a tile whose bits are set, from `count` on; return how many there are then."""
    for w in range(len(words)):
        word = words[w]
        while word != 0:
            bit = first_lane(word)
            word &= word - np.uint64(1)
            i, j = p + 64 // LANES * w + bit // LANES, q + bit % LANES
            if i < n and j < n:
                hits[count, 0] = i
                hits[count, 1] = j
                count += 1
    return count


@allocating
def _measure(s, hits, count, squares, sums, least, factor, error):
    """Put both rows of each pair into each other's list, where they belong there."""
    rows, ids, places, distances, limits = s.rows, s.ids, s.places, s.distances, s.limits
    d, last = rows.shape[1], places.shape[1] - 1
    hits[count : count + _TOGETHER] = 0
    for i in range(0, count, _TOGETHER):
        for t in range(_TOGETHER):  # squares in any order, sums in that of the columns
            u, v, w = rows[hits[i + t, 0]], rows[hits[i + t, 1]], squares[t]
            for j in range(d):
                x = u[j] - v[j]
                w[j] = x * x
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = rows.dtype.type(0)
        for j in range(d):
            s0 += squares[0, j]
            s1 += squares[1, j]
            s2 += squares[2, j]
            s3 += squares[3, j]
            s4 += squares[4, j]
            s5 += squares[5, j]
            s6 += squares[6, j]
            s7 += squares[7, j]
        sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7] = s0, s1, s2, s3, s4, s5, s6, s7
        for side in range(2 * min(_TOGETHER, count - i)):
            pair = i + (side >> 1)
            d2, p, q = sums[side >> 1], hits[pair, side & 1], hits[pair, 1 - (side & 1)]
            if limits[p] == NEVER or not d2 <= distances[p, last]:
                continue
            if d2 == distances[p, last] and places[p, last] >= 0 and ids[places[p, last]] < ids[q]:
                continue
            at = last
            while at > 0 and (
                places[p, at - 1] < 0
                or distances[p, at - 1] > d2
                or (distances[p, at - 1] == d2 and ids[places[p, at - 1]] > ids[q])
            ):
                distances[p, at] = distances[p, at - 1]
                places[p, at] = places[p, at - 1]
                at -= 1
            distances[p, at] = d2
            places[p, at] = q
            limits[p] = _limit_of(distances[p, last], least, factor, error)


@allocating
def _is_near(near, a, b):
    """Say whether cell b is listed near cell a."""
    found = False
    for t in range(near.shape[1]):
        found |= near[a, t] == b
    return found


@njit(nogil=True)
def join(s, grain, turn, first_a, last_a, first_b, last_b):
    """Search one range of cells and another, which is the same or has none in common, for each other's neighbours.

    Returns
    -------
    n_pairs, n_measured : int
        Pairs of rows of the cells that were searched, and those that were measured.
    """
    n, d = s.rows.shape
    flat, near = s.panels.ravel(), s.near
    lows, highs = s.lows.ravel(), s.highs.ravel()
    cell_lows, cell_highs = s.cell_lows.ravel(), s.cell_highs.ravel()
    halves, limits = s.halves, s.limits
    group_limits, cell_limits = s.group_limits, s.cell_limits
    n_pairs = s.panels.shape[1]
    panel = n_pairs * 2 * LANES
    unit = 2.0**-23 if s.rows.itemsize == 4 else 2.0**-52
    factor = (1 + (d + 4) * unit) * (1 + 1e-12) / grain
    least = d * (1.2e-38 if s.rows.itemsize == 4 else 2.3e-308)  # what squares may lose that underflow
    error = np.sqrt(d) * (1 + 1e-9) + 1e-8 * _LONGEST  # of two rows; the second is for the rounding before that
    words = np.zeros(ROWS * LANES // 64, np.uint64)
    hits = np.empty((CELL_ROWS * CELL_ROWS + _TOGETHER, 2), np.uint32)
    squares, sums = np.zeros((_TOGETHER, d), s.rows.dtype), np.empty(_TOGETHER, s.rows.dtype)
    columns, out = np.zeros((d, LANES), s.rows.dtype), np.empty(LANES, s.rows.dtype)
    pairs = np.empty((PANELS + last_b - first_b + (last_a - first_a + last_b - first_b) * NEAR, 2), np.int64)
    same = first_a == first_b
    n_pairs_of_rows, n_measured = 0, 0
    for outer in range(first_a, last_a) if turn != AROUND else range(1):
        count = 0
        if turn == ITSELF:  # a diagonal of panels after the other: each leaves out much of the next
            _begin_lists(s, outer, columns, out, least, factor, error)
            sum_up(s, outer)
            pairs[: PANELS - 1] = outer
            count = PANELS - 1
        elif turn == BEYOND:
            at_a = outer // LANES * panel + 2 * (outer % LANES)
            first = outer + 1 if same else first_b
            for block in range(first // LANES, -(-last_b // LANES)):
                word = np.uint64(
                    near_boxes(cell_lows, cell_highs, at_a, block * panel, n_pairs, cell_limits, outer, block * LANES)
                )
                while word != 0:
                    b = block * LANES + first_lane(word)
                    word &= word - np.uint64(1)
                    if first <= b < last_b and not _is_near(near, outer, b) and not _is_near(near, b, outer):
                        pairs[count] = outer, b
                        count += 1
        else:
            for a in range(first_a, last_a):
                for b in near[a]:
                    if first_b <= b < last_b and not (same and b < a and _is_near(near, b, a)):
                        pairs[count] = a, b
                        count += 1
            for b in range(first_b, first_b if same else last_b):
                for a in near[b]:
                    if first_a <= a < last_a and not _is_near(near, a, b):
                        pairs[count] = a, b
                        count += 1
        for t in range(count):
            a, b = pairs[t, 0], pairs[t, 1]
            found = 0
            for g in range(LANES):
                boxes = near_boxes(
                    lows, highs, a * panel + 2 * g, b * panel, n_pairs, group_limits, a * LANES + g, b * LANES
                )
                if boxes == 0:
                    continue
                at_a = a * CELL_ROWS + g * ROWS
                in_a = (at_a // LANES) * panel + 2 * (at_a % LANES)
                for h in range(PANELS):
                    near_panel = (boxes >> (h * LANES // ROWS)) & (2 ** (LANES // ROWS) - 1)
                    if near_panel == 0 or (turn == ITSELF and h != g * ROWS // LANES + t + 1):
                        continue
                    at_b = b * CELL_ROWS + h * LANES
                    if mark_near(flat, in_a, at_b // LANES * panel, n_pairs, halves, limits, at_a, at_b, words):
                        found = _collect(words, at_a, at_b, n, hits, found)
            n_pairs_of_rows += CELL_ROWS * CELL_ROWS
            n_measured += found
            if found > 0:
                _measure(s, hits, found, squares, sums, least, factor, error)
                sum_up(s, a)
                sum_up(s, b)
    return n_pairs_of_rows, n_measured
