"""k nearest neighbours of many rows at once, exactly, where cells leave out little: wide rows without structure.

A row is *sketched* as whole numbers of 16 bits, q = rint((x - mean) / grain), e = |(x - mean) / grain - q| away.
Two rows are measured only where their sketches allow that one is among the nearest of the other:

    d2(i, j) <= T_i, the k-th distance of row i so far, implies
    |q_i - q_j| <= sqrt(T_i (1 + (d + 4) u) + d tiny) / grain + e_i + e_j =: r, with u the unit of rounding and tiny
    what a square may lose that underflows, and so
    q_i.q_j - (|q_i|^2 >> 1) - (|q_j|^2 >> 1) >= -(floor(r^2 / 2) + 2), in whole numbers of 32 bits, none rounded.

One product serves both rows of a pair. Those that pass are measured in column order with one rounding an operation, as
`resampler.kernels.batch.neighbors` measures them, and kept by (distance, row id): what comes out is what that finds, in
whatever order pairs of cells are taken, and lists of different cells may be filled at once.

Naive: the search by cells, which is compared with loops, in tests/resampler/test_tiled.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.jit import njit
from resampler.kernels.simd.lanes import first_lane
from resampler.kernels.simd.tiles import LANES, ROWS, half_gaps, mark_near

PANELS = CELL_ROWS // LANES  # of a cell
NEAR = 6  # cells around a cell that are searched first: what they hold leaves out most of the others
ITSELF, AROUND, BEYOND = 0, 1, 2  # turns: a cell's own panels, the cells near it, all others
_LONGEST = 32000.0  # sketch, in grains: half the squared distance of two stays within 32 bits
_NEVER = 2**31 - 1  # a limit that nothing exceeds
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
    errors : ndarray of shape (n,), float64
        How far rows are from their sketches, in grains.
    lows, highs : ndarray of shape (n_cells, 2 * n_pairs), int16
        Boxes of the sketches.
    centers : ndarray of shape (n_cells, d), float64
        Means of the rows.
    worst : ndarray of shape (n_cells,), float64
        The largest error of a cell's rows.
    near : ndarray of shape (n_cells, NEAR), int64
        The cells near each; -1 where there are fewer.
    radii : ndarray of shape (n_cells * CELL_ROWS,), float64
        How far a row must still look, in grains, its own error included: infinite at first, -1 for rows that are not
        asked for and for empty lanes.
    furthest : ndarray of shape (n_cells,), float64
        The largest radius of a cell's rows.
    places : ndarray of shape (n, k), int64
        The neighbours; -1 at first.
    distances : ndarray of shape (n, k), float32 or float64
        Squared; infinite at first.
    """

    rows: NDArray
    ids: NDArray
    panels: NDArray
    halves: NDArray
    errors: NDArray
    lows: NDArray
    highs: NDArray
    centers: NDArray
    worst: NDArray
    near: NDArray
    radii: NDArray
    furthest: NDArray
    places: NDArray
    distances: NDArray


@njit(nogil=True)
def sketch(X, inverse_scale, order, mean, s):
    """Write the rows in the order of their cells, their sketches and what is known of the cells; return the grain."""
    n, d = X.shape
    rows, panels, lows, highs, centers, worst = s.rows, s.panels, s.lows, s.highs, s.centers, s.worst
    longest = 0.0
    for p in range(n):
        length = 0.0
        for j in range(d):
            x = X[order[p], j] * inverse_scale[j]
            rows[p, j] = x
            length += (np.float64(x) - mean[j]) ** 2
        longest = max(longest, length)
    grain = max(np.sqrt(longest) / _LONGEST, 1e-150)
    for p in range(n):
        c = p // CELL_ROWS
        half, away = np.int64(0), 0.0
        for j in range(d):
            exact = (np.float64(rows[p, j]) - mean[j]) / grain
            q = np.rint(exact)
            panels[p // LANES, j // 2, p % LANES, j % 2] = np.int16(q)
            half += np.int64(q) * np.int64(q)
            away += (exact - q) ** 2
            lows[c, j] = min(lows[c, j], np.int16(q))
            highs[c, j] = max(highs[c, j], np.int16(q))
            centers[c, j] += rows[p, j]
        s.halves[p] = -(half >> 1)
        s.errors[p] = np.sqrt(away) * (1 + 1e-9) + 1e-9 * _LONGEST  # the second is for the rounding of `exact`
        worst[c] = max(worst[c], s.errors[p])
    for c in range(len(worst)):
        centers[c] /= min(n, (c + 1) * CELL_ROWS) - c * CELL_ROWS
    return grain


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


@njit(nogil=True)
def _set_limits(s, c, other, gaps, limits, active, rows_each):
    """Write what products of cell c's rows with those of another cell must exceed; return whether any can.

    Nothing is enough for rows that the other cell's box is too far from. `active` says of each `rows_each` rows
    whether there is one that it is not.
    """
    flat, lows, highs = s.panels.ravel(), s.lows.ravel(), s.highs.ravel()
    n_pairs = s.panels.shape[1]
    radii, error = s.radii[c * CELL_ROWS : (c + 1) * CELL_ROWS], s.worst[other]
    for h in range(PANELS):
        half_gaps(
            flat, (c * PANELS + h) * n_pairs * 2 * LANES, n_pairs, lows, highs, other * n_pairs * 2, gaps, h * LANES
        )
    for r in range(CELL_ROWS):
        radius = radii[r] + error
        limit = np.int32(min(radius * radius * 0.5 + 2.0, 2147483520.0))
        limits[r] = -limit - 1 if radii[r] >= 0 and gaps[r] <= limit else _NEVER
    some = False
    for g in range(len(active)):
        active[g] = limits[g * rows_each : (g + 1) * rows_each].min() < _NEVER
        some |= active[g]
    return some


@njit(nogil=True)
def _collect(words, a, b, n, hits):
    """List the pairs whose bits are set, and clear these; of a cell with itself each pair once."""
    count = 0
    for i in range(words.shape[0]):
        word = words[i]
        if word == 0:
            continue
        words[i] = 0
        p = a * CELL_ROWS + i // (CELL_ROWS // 64)
        base = b * CELL_ROWS + i % (CELL_ROWS // 64) * 64
        while word != 0:
            q = base + first_lane(word)
            word &= word - np.uint64(1)
            if p < n and q < n and (a != b or q > p):
                hits[count, 0] = p
                hits[count, 1] = q
                count += 1
    return count


@njit(nogil=True)
def _measure(s, hits, count, squares, sums, factor):
    """Put both rows of each pair into each other's list, where they belong there."""
    rows, ids, places, distances, radii = s.rows, s.ids, s.places, s.distances, s.radii
    d, last = rows.shape[1], places.shape[1] - 1
    hits[count : count + _TOGETHER] = 0
    least = d * (1.2e-38 if rows.itemsize == 4 else 2.3e-308)  # what squares may lose that underflow
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
            if radii[p] < 0 or not d2 <= distances[p, last]:
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
            radii[p] = np.sqrt(np.float64(distances[p, last]) + least) * factor + s.errors[p]


@njit(nogil=True)
def _is_near(near, a, b):
    """Say whether cell b is listed near cell a."""
    found = False
    for t in range(near.shape[1]):
        found |= near[a, t] == b
    return found


@njit(nogil=True)
def _apart(s, a, b):
    """Say whether two cells are too far from each other for any row of them."""
    furthest = max(s.furthest[a] + s.worst[b], s.furthest[b] + s.worst[a])
    gap = 0.0
    for j in range(s.lows.shape[1]):
        low_a, high_a = np.float64(s.lows[a, j]), np.float64(s.highs[a, j])
        x = max(max(low_a - s.highs[b, j], s.lows[b, j] - high_a), 0.0)
        gap += x * x
    return (s.furthest[a] < 0 and s.furthest[b] < 0) or gap > furthest * furthest


@njit(nogil=True)
def join(s, grain, turn, first_a, last_a, first_b, last_b):
    """Search one range of cells and another, which is the same or has none in common, for each other's neighbours.

    Returns
    -------
    n_products, n_measured : int
        Pairs of rows whose sketches were multiplied, and that were measured.
    """
    n, d = s.rows.shape
    flat, n_pairs, near = s.panels.ravel(), s.panels.shape[1], s.near
    panel = n_pairs * 2 * LANES
    unit = 2.0**-23 if s.rows.itemsize == 4 else 2.0**-52
    factor = (1 + (d + 4) * unit) * (1 + 1e-12) / grain
    limits_a, limits_b = np.empty(CELL_ROWS, np.int32), np.empty(CELL_ROWS, np.int32)
    gaps = np.empty(CELL_ROWS, np.int32)
    active_a, active_b = np.ones(CELL_ROWS // ROWS, np.bool_), np.ones(PANELS, np.bool_)
    words = np.zeros(CELL_ROWS * PANELS, np.uint16)
    words64 = words.view(np.uint64)
    hits = np.empty((CELL_ROWS * CELL_ROWS + _TOGETHER, 2), np.uint32)
    squares, sums = np.zeros((_TOGETHER, d), s.rows.dtype), np.empty(_TOGETHER, s.rows.dtype)
    pairs = np.empty((PANELS + last_b - first_b + (last_a - first_a + last_b - first_b) * NEAR, 2), np.int64)
    same = first_a == first_b
    n_products, n_measured = 0, 0
    for outer in range(first_a, last_a) if turn != AROUND else range(1):
        count = 0
        if turn == ITSELF:  # a diagonal of panels after the other: each leaves out much of the next
            pairs[:PANELS] = outer
            count = PANELS
        elif turn == BEYOND:
            for b in range(outer + 1 if same else first_b, last_b):
                if not _is_near(near, outer, b) and not _is_near(near, b, outer):
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
            a, b = pairs[t]
            if _apart(s, a, b):
                continue
            some = _set_limits(s, a, b, gaps, limits_a, active_a, ROWS)
            some |= _set_limits(s, b, a, gaps, limits_b, active_b, LANES)
            if not some:
                continue
            for g in range(CELL_ROWS // ROWS):
                at_a = a * CELL_ROWS + g * ROWS
                in_a = (at_a // LANES) * panel + 2 * (at_a % LANES)
                for h in range(PANELS):
                    if (turn == ITSELF and h != g * ROWS // LANES + t) or not (active_a[g] or active_b[h]):
                        continue
                    at_b = b * CELL_ROWS + h * LANES
                    mark_near(
                        flat, in_a, at_b // LANES * panel, n_pairs, s.halves, at_a, at_b,
                        limits_a, g * ROWS, limits_b, h * LANES, words, g * ROWS * PANELS + h, PANELS,
                    )  # fmt: skip
                    n_products += ROWS * LANES
            found = _collect(words64, a, b, n, hits)
            n_measured += found
            _measure(s, hits, found, squares, sums, factor)
            s.furthest[a] = s.radii[a * CELL_ROWS : (a + 1) * CELL_ROWS].max()
            s.furthest[b] = s.radii[b * CELL_ROWS : (b + 1) * CELL_ROWS].max()
    return n_products, n_measured
