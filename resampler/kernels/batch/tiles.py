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

from resampler.kernels.batch.arrange import LONGEST
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.jit import allocating, inline, inner, njit
from resampler.kernels.simd.lanes import LINE, first_lane, prefetch
from resampler.kernels.simd.sums import SIDE_BY_SIDE, add_columns
from resampler.kernels.simd.tiles import LANES, ROWS, mark_near, near_boxes

PANELS = CELL_ROWS // LANES  # of a cell, whose groups' boxes are one panel more: CELL_ROWS = ROWS * LANES
ITSELF, AROUND, BEYOND = 0, 1, 2  # turns: a cell's own panels, the cells near it, all others
EVERY, NEVER = -(2**31) + 127, 2**31 - 1  # limits that all pairs exceed, and none
_MANY = 32  # pairs that are measured before others of the two cells are looked at


class Sketched(NamedTuple):
    """Rows, their sketches in the order of their cells, and the neighbours found so far.

    Parameters
    ----------
    rows : ndarray of shape (n, d), float32 or float64
        In units of distance, in the order in which they were given.
    ids : ndarray of shape (n,), int64
        Theirs, which decide between equal distances.
    order : ndarray of shape (n,), int32
        Which row has which place; all that follows is by place.
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
    centers : ndarray of shape (d, n_cells), float32
        Twice the middles of the groups' boxes, on average.
    near : ndarray of shape (n_cells, NEAR), int64
        The cells near each that has a limit; -1 where there are fewer.
    lists : ndarray of shape (n_cells,), int64
        Where the lists of a cell's rows begin, less where the cell does; of cells that have some.
    found : ndarray of shape (n_lists, k), int32
        The neighbours, which rows they are; -1 at first.
    distances : ndarray of shape (n_lists, k), float32 or float64
        Squared; infinite at first.
    """

    rows: NDArray
    ids: NDArray
    order: NDArray
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
    lists: NDArray
    found: NDArray
    distances: NDArray


class Bound(NamedTuple):
    """What makes a limit of a squared distance.

    Parameters
    ----------
    least : float
        What squares may lose that underflow.
    factor : float
        Grains a unit of distance, and what rounding adds.
    error : float
        Grains that two rows are at most from their sketches, together.
    """

    least: float
    factor: float
    error: float

    @classmethod
    def of(cls, rows: NDArray, grain: float) -> Bound:
        """Return that of rows that were sketched.

        Parameters
        ----------
        rows : ndarray of shape (n, d), float32 or float64
            In units of distance.
        grain : float
            Of the sketches.

        Returns
        -------
        Bound
            For `join`.
        """
        d = rows.shape[1]
        unit, tiny = (2.0**-23, 1.2e-38) if rows.itemsize == 4 else (2.0**-52, 2.3e-308)
        # The second term of the error is for the rounding before a sketch is rounded.
        error = float(np.sqrt(d) * (1 + 1e-9) + 1e-8 * LONGEST)
        return cls(d * tiny, (1 + (d + 4) * unit) * (1 + 1e-12) / grain, error)


class Scratch(NamedTuple):
    """What a thread writes on.

    Parameters
    ----------
    words : ndarray of shape (ROWS * LANES / 64,), uint64
        Which pairs of a tile are near.
    boxes : ndarray of shape (LANES,), int64
        Which groups of a cell are near each group of another, a bit each.
    hits : ndarray of shape (n_hits, 2), uint32
        Pairs that are to be measured.
    squares : ndarray of shape (SIDE_BY_SIDE, d), of the dtype of the rows
        Of the differences of some pairs; then a pair's squared distance in the first column.
    columns : ndarray of shape (d, LANES), of the dtype of the rows
        The rows of a panel.
    out : ndarray of shape (LANES,), of the dtype of the rows
        Their squared distances from one of them.
    """

    words: NDArray
    boxes: NDArray
    hits: NDArray
    squares: NDArray
    columns: NDArray
    out: NDArray

    @classmethod
    def of(cls, rows: NDArray) -> Scratch:
        """Make one for some rows.

        Parameters
        ----------
        rows : ndarray of shape (n, d), float32 or float64
            Their width and dtype count.

        Returns
        -------
        Scratch
            For one thread at a time.
        """
        d, dtype = rows.shape[1], rows.dtype
        return cls(
            words=np.zeros(ROWS * LANES // 64, dtype=np.uint64),
            boxes=np.zeros(LANES, dtype=np.int64),
            hits=np.zeros((_MANY + CELL_ROWS * LANES + SIDE_BY_SIDE, 2), dtype=np.uint32),
            squares=np.zeros((SIDE_BY_SIDE, d), dtype=dtype),
            columns=np.zeros((d, LANES), dtype=dtype),
            out=np.empty(LANES, dtype=dtype),
        )


@njit(nogil=True)
def fill_cells(sketches, pairs, first, last, s, panels):
    """Write the sketches of cells first .. last - 1, and what is known of them.

    `sketches` is as `resampler.kernels.batch.arrange.quantise` writes it; `pairs` is that, and `panels` is
    ``s.panels``, with two columns a word of 32 bits.
    """
    order, halves, centers, lanes = s.order, s.halves, s.centers, s.panels
    lows, highs, cell_lows, cell_highs = s.lows, s.highs, s.cell_lows, s.cell_highs
    n = len(order)
    for c in range(first, last):
        count = min(n - c * CELL_ROWS, CELL_ROWS)
        for p in range(c * CELL_ROWS, c * CELL_ROWS + count):
            row, square = order[p], np.int32(0)
            for j in range(sketches.shape[1]):
                square += np.int32(sketches[row, j]) * np.int32(sketches[row, j])
            halves[p] = -(square >> 1)
            for pair in range(panels.shape[1]):
                panels[p // LANES, pair, p % LANES] = pairs[row, pair]
        n_groups = (count + ROWS - 1) // ROWS
        for j in range(2 * panels.shape[1]):
            pair, side = j // 2, j % 2
            lowest, highest, middle = np.int32(NEVER), np.int32(EVERY), np.int32(0)
            for group in range(n_groups):  # an empty lane's 0 makes a box larger, which does no harm
                panel, at = c * PANELS + group * ROWS // LANES, group * ROWS % LANES
                low = high = lanes[panel, pair, at, side]
                for lane in range(at + 1, at + ROWS):
                    low = min(low, lanes[panel, pair, lane, side])
                    high = max(high, lanes[panel, pair, lane, side])
                lows[c, pair, group, side] = low
                highs[c, pair, group, side] = high
                lowest = min(lowest, np.int32(low))
                highest = max(highest, np.int32(high))
                middle += np.int32(low) + np.int32(high)
            cell_lows[c // LANES, pair, c % LANES, side] = lowest
            cell_highs[c // LANES, pair, c % LANES, side] = highest
            centers[j, c] = middle / n_groups
        sum_up(s, c)


@inline
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
def find_near(centers, cell_limits, first, last, near):
    """Write which cells have the closest centres to those of cells first .. last - 1 that ask; `near` holds -1."""
    d, n_cells = centers.shape
    gaps, closest = np.empty(n_cells, np.float32), np.empty(near.shape[1], np.float32)
    for a in range(first, last):
        if cell_limits[a] == NEVER:
            continue
        gaps[:] = 0
        for j in range(d):
            middle = centers[j, a]
            for b in range(n_cells):
                gaps[b] += (centers[j, b] - middle) * (centers[j, b] - middle)
        closest[:] = np.inf
        for b in range(n_cells):
            if gaps[b] >= closest[-1] or b == a:
                continue
            at = len(closest) - 1
            while at > 0 and closest[at - 1] > gaps[b]:
                closest[at] = closest[at - 1]
                near[a, at] = near[a, at - 1]
                at -= 1
            closest[at] = gaps[b]
            near[a, at] = b


@inline
def _limit_of(distance, bound):
    """Return what products of a row's sketch with those of rows within a squared distance exceed."""
    radius = np.sqrt(np.float64(distance) + bound.least) * bound.factor + bound.error
    return -np.int32(min(radius * radius * 0.5 + 2.0, 2147483520.0)) - np.int32(1)


@allocating
def _begin_lists(s, c, bound, scratch):
    """Begin the lists of a cell's rows with the nearest of their panels, ranked by counting."""
    rows, ids, order, limits, found, distances = s.rows, s.ids, s.order, s.limits, s.found, s.distances
    columns, out = scratch.columns, scratch.out
    n, d = rows.shape
    k = found.shape[1]
    lists = s.lists[c]
    own, rank, slot = np.zeros(LANES, np.int64), np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
    before = np.zeros((LANES, LANES), np.int64)  # 1 where the one's id is lower
    wide = np.zeros(LANES)
    keys = wide.view(np.int64)  # which order as the distances do, and are compared by their differences' signs
    for first in range(c * CELL_ROWS, min(n, (c + 1) * CELL_ROWS), LANES):
        count = min(LANES, n - first)
        for lane in range(count):
            row = order[first + lane]
            own[lane] = ids[row]
            for j in range(d):
                columns[j, lane] = rows[row, j]
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
                found[lists + first + r, t] = order[first + slot[t]]
                distances[lists + first + r, t] = out[slot[t]]
            if count > k:
                limits[first + r] = _limit_of(out[slot[k - 1]], bound)


@inner
def _collect(words, p, q, rows, order, hits, count):
    """List the pairs of a tile whose bits are set, from `count` on; return how many there are then."""
    n, d = rows.shape
    step = 4 * LINE // rows.itemsize
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
                at = order[j] * d
                for column in range(0, d, step):  # those of the first panel stay near
                    prefetch(rows, at + column)
    return count


@inline
def _measure(s, count, bound, scratch):
    """Put both rows of the first `count` pairs into each other's list, where they belong there."""
    rows, ids, order, lists = s.rows, s.ids, s.order, s.lists
    hits, squares = scratch.hits, scratch.squares
    found, distances, limits = s.found, s.distances, s.limits
    d, last = rows.shape[1], found.shape[1] - 1
    hits[count : count + SIDE_BY_SIDE] = 0
    for i in range(0, count, SIDE_BY_SIDE):
        for t in range(SIDE_BY_SIDE):  # squares in any order, sums in that of the columns
            u, v, w = rows[order[hits[i + t, 0]]], rows[order[hits[i + t, 1]]], squares[t]
            for j in range(d):
                x = u[j] - v[j]
                w[j] = x * x
        add_columns(squares)
        for side in range(2 * min(SIDE_BY_SIDE, count - i)):
            pair = i + (side >> 1)
            d2, p, row = squares[side >> 1, 0], np.int64(hits[pair, side & 1]), order[hits[pair, 1 - (side & 1)]]
            if limits[p] == NEVER:
                continue
            own = lists[p // CELL_ROWS] + p
            if not d2 <= distances[own, last]:
                continue
            if d2 == distances[own, last] and found[own, last] >= 0 and ids[found[own, last]] < ids[row]:
                continue
            at = last
            while at > 0 and (
                found[own, at - 1] < 0
                or distances[own, at - 1] > d2
                or (distances[own, at - 1] == d2 and ids[found[own, at - 1]] > ids[row])
            ):
                distances[own, at] = distances[own, at - 1]
                found[own, at] = found[own, at - 1]
                at -= 1
            distances[own, at] = d2
            found[own, at] = row
            limits[p] = _limit_of(distances[own, last], bound)


@inner
def _is_near(near, a, b):
    """Say whether cell b is listed near cell a."""
    found = False
    for t in range(near.shape[1]):
        found |= near[a, t] == b
    return found


@inner
def _list_around(near, first_a, last_a, first_b, last_b, pairs):
    """List the pairs of cells of two ranges of which one is near the other; return how many there are."""
    same, count = first_a == first_b, 0
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
    return count


@inner
def _list_beyond(s, outer, first, last, pairs):
    """List a cell with those of first .. last - 1 that may be near it, and are not listed as such; return how many."""
    lows, highs = s.cell_lows, s.cell_highs
    limits, near = s.cell_limits, s.near
    n_pairs = s.panels.shape[1]
    panel = n_pairs * 2 * LANES
    at, count = outer // LANES * panel + 2 * (outer % LANES), 0
    for block in range(first // LANES, -(-last // LANES)):
        word = np.uint64(near_boxes(lows, highs, at, block * panel, n_pairs, limits, outer, block * LANES))
        while word != 0:
            b = block * LANES + first_lane(word)
            word &= word - np.uint64(1)
            if first <= b < last and not _is_near(near, outer, b) and not _is_near(near, b, outer):
                pairs[count] = outer, b
                count += 1
    return count


@inline
def _search_pair(s, a, b, diagonal, bound, scratch):
    """Search two cells for each other's neighbours; of a cell and itself one diagonal of panels, else 0.

    Return how many pairs of rows were measured.
    """
    rows, order, halves, limits, group_limits = s.rows, s.order, s.halves, s.limits, s.group_limits
    panels, lows, highs = s.panels, s.lows, s.highs
    words, boxes, hits = scratch.words, scratch.boxes, scratch.hits
    n_pairs = s.panels.shape[1]
    panel = n_pairs * 2 * LANES
    for g in range(LANES):
        boxes[g] = near_boxes(
            lows, highs, a * panel + 2 * g, b * panel, n_pairs, group_limits, a * LANES + g, b * LANES
        )
    found = measured = 0
    for h in range(PANELS):
        at_b = b * CELL_ROWS + h * LANES
        for g in range(LANES):
            near_panel = (boxes[g] >> (h * LANES // ROWS)) & (2 ** (LANES // ROWS) - 1)
            if near_panel == 0 or (diagonal > 0 and h != g * ROWS // LANES + diagonal):
                continue
            at_a = a * CELL_ROWS + g * ROWS
            in_a = at_a // LANES * panel + 2 * (at_a % LANES)
            if mark_near(panels, in_a, at_b // LANES * panel, n_pairs, halves, limits, at_a, at_b, words):
                found = _collect(words, at_a, at_b, rows, order, hits, found)
        if found >= _MANY or (h == PANELS - 1 and found > 0):  # what these find leaves out some of the next
            _measure(s, found, bound, scratch)
            measured += found
            found = 0
    if measured > 0:
        for c in (a, b):
            if s.cell_limits[c] != NEVER:
                sum_up(s, c)
    return measured


@njit(nogil=True)
def join(s, bound, scratch, turn, first_a, last_a, first_b, last_b):
    """Search one range of cells and another, which is the same or has none in common, for each other's neighbours.

    Returns
    -------
    n_pairs, n_measured : int
        Pairs of rows of the cells that were searched, and those that were measured.
    """
    n_cells = last_a - first_a + last_b - first_b
    pairs = np.empty((PANELS + n_cells * (s.near.shape[1] + 1), 2), np.int64)
    n_pairs = n_measured = 0
    for outer in range(first_a, last_a) if turn != AROUND else range(1):
        if turn == AROUND:
            count = _list_around(s.near, first_a, last_a, first_b, last_b, pairs)
        elif turn == BEYOND:
            count = _list_beyond(s, outer, outer + 1 if first_a == first_b else first_b, last_b, pairs)
        elif s.cell_limits[outer] != NEVER:  # a diagonal of panels after the other: each leaves out much of the next
            _begin_lists(s, outer, bound, scratch)
            sum_up(s, outer)
            pairs[: PANELS - 1] = outer
            count = PANELS - 1
        else:
            count = 0
        for t in range(count):
            diagonal = t + 1 if turn == ITSELF else 0
            n_measured += _search_pair(s, pairs[t, 0], pairs[t, 1], diagonal, bound, scratch)
        n_pairs += count * CELL_ROWS * CELL_ROWS
    return n_pairs, n_measured
