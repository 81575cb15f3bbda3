"""k nearest neighbours of many rows at once: each cell of queries scans the cells around it, nearest first.

The distance of a pair is summed in column order with one rounding an operation, as in `resampler.kernels.simd.blocks`,
so both give the same bits. Cells that cannot hold a nearer row are passed over, by the triangle inequality; which ones
are, depends on no thread. Where all columns are numbers, full lists are gone on with by sketches
(`resampler.kernels.simd.products`): a cell's rows about the middle of the queries' cell, in grains that fit the queries
and what is near them, and only pairs that these allow are measured.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS
from resampler.kernels.jit import allocating, inner, njit
from resampler.kernels.simd.lanes import first_lane
from resampler.kernels.simd.products import TILE_QUERIES, TILE_ROWS, compare

FEW = 4  # queries, up to which a cell is measured without sketches
EVERY = -(2**31)  # a limit that no row fails
NONE = 2**31 - 1
_ROUNDED = 0.51  # of a grain: how far a sketch is at most from a row's column


@allocating
def _add_columns(cells, c, g, queries, a, penalty, out):
    """Add the terms of columns g .. g + UNROLLED_COLUMNS - 1 to the squared distances of cell c's rows to query a."""
    d = penalty.shape[0]
    numeric = True
    for j in range(g, min(g + UNROLLED_COLUMNS, d)):
        numeric &= penalty[j] < 0
    if numeric:  # padding is zero on both sides and adds nothing
        q0, q1, q2, q3 = queries[a, g], queries[a, g + 1], queries[a, g + 2], queries[a, g + 3]
        q4, q5, q6, q7 = queries[a, g + 4], queries[a, g + 5], queries[a, g + 6], queries[a, g + 7]
        for lane in range(CELL_ROWS):
            total = out[lane]
            x = cells[c, g, lane] - q0
            total += x * x
            x = cells[c, g + 1, lane] - q1
            total += x * x
            x = cells[c, g + 2, lane] - q2
            total += x * x
            x = cells[c, g + 3, lane] - q3
            total += x * x
            x = cells[c, g + 4, lane] - q4
            total += x * x
            x = cells[c, g + 5, lane] - q5
            total += x * x
            x = cells[c, g + 6, lane] - q6
            total += x * x
            x = cells[c, g + 7, lane] - q7
            total += x * x
            out[lane] = total
        return
    for j in range(g, min(g + UNROLLED_COLUMNS, d)):
        q = queries[a, j]
        p = penalty[j]
        if p < 0:
            for lane in range(CELL_ROWS):
                x = cells[c, j, lane] - q
                out[lane] += x * x
        else:
            for lane in range(CELL_ROWS):
                x = cells[c, j, lane]
                out[lane] += p * (x != q)


@njit(nogil=True)
def _distances(cells, c, queries, a, penalty, limit, bits, out):
    """Write the squared distances of cell c's rows to query a; stop early, and return False, if all exceed `limit`.

    `bits` is `out` seen as integers of its width, as is `limit`. They order as the distances do (none is negative)
    and their minimum, unlike that of floats, the compiler vectorises.
    """
    for lane in range(CELL_ROWS):
        out[lane] = 0
    for g in range(0, penalty.shape[0], UNROLLED_COLUMNS):
        _add_columns(cells, c, g, queries, a, penalty, out)
        least = bits[0]
        for lane in range(CELL_ROWS):
            least = min(least, bits[lane])
        if least > limit:
            return False
    return True


@inner
def _sketch(cell, n_lanes, numeric, middle, inverse, grains, rows, start):
    """Write the sketches of a cell's rows, two columns a word, and minus half their squared lengths."""
    low, high = cell.dtype.type(-grains), cell.dtype.type(grains)
    for lane in range(CELL_ROWS):
        start[lane] = 0
    for word in range(rows.shape[0]):
        a, b = numeric[2 * word], numeric[2 * word + 1]
        if b >= 0:
            for lane in range(CELL_ROWS):
                x = np.int32(np.rint(min(max((cell[a, lane] - middle[a]) * inverse, low), high)))
                y = np.int32(np.rint(min(max((cell[b, lane] - middle[b]) * inverse, low), high)))
                start[lane] += x * x + y * y
                rows[word, lane] = (x & np.int32(0xFFFF)) | (y << np.int32(16))
        else:
            for lane in range(CELL_ROWS):
                x = np.int32(np.rint(min(max((cell[a, lane] - middle[a]) * inverse, low), high)))
                start[lane] += x * x
                rows[word, lane] = x & np.int32(0xFFFF)
    for lane in range(CELL_ROWS):
        start[lane] = -(start[lane] >> np.int32(1))
    for lane in range(n_lanes, CELL_ROWS):  # the last cell's empty lanes
        start[lane] = -(2**30)


@inner
def _limit(furthest, length, n_numeric, inverse, factor, least):
    """Return what the product of a query's sketch with one of a row that is within `furthest` (squared) comes to."""
    radius = np.sqrt((np.float64(furthest) + least) * factor) * np.float64(inverse)
    radius += 2 * _ROUNDED * np.sqrt(np.float64(n_numeric))
    square = radius * radius
    if not square < 2.0**30:
        return np.int32(EVERY)
    return np.int32((length - np.int64(square) - 2) >> 1)


@inner
def _add(d2, place, ids, found, nn_places, nn_distances):
    """Put a row into one query's list, which is kept by (distance, id). Return how many it holds."""
    k = nn_places.shape[0]
    if found == k and d2 == nn_distances[k - 1] and ids[place] > ids[nn_places[k - 1]]:
        return found
    at = found if found < k else k - 1
    while at > 0 and (
        nn_distances[at - 1] > d2 or (nn_distances[at - 1] == d2 and ids[nn_places[at - 1]] > ids[place])
    ):
        nn_distances[at] = nn_distances[at - 1]
        nn_places[at] = nn_places[at - 1]
        at -= 1
    nn_distances[at] = d2
    nn_places[at] = place
    return min(found + 1, k)


@njit(nogil=True)
def _add_candidates(out, first, itself, ids, found, nn_places, nn_distances):
    """Put a cell's rows into one query's list. Return how many it holds."""
    k = nn_places.shape[0]
    for lane in range(CELL_ROWS):
        d2 = out[lane]
        if not d2 <= nn_distances[k - 1]:
            continue
        place = first + lane
        if place >= ids.shape[0]:  # the last cell's empty lanes
            break
        if place != itself:
            found = _add(d2, place, ids, found, nn_places, nn_distances)
    return found


@inner
def _add_marked(word, cell, row, first, query, d, itself, ids, nn_places, nn_distances):
    """Put those of a cell's rows into a full list that are nearer, from `row` on, where bits of a word are set."""
    k = nn_places.shape[0]
    while word != 0:
        lane = row + first_lane(word)
        word &= word - np.uint64(1)
        place = first + lane
        if place >= ids.shape[0] or place == itself:
            continue
        d2 = cell.dtype.type(0)
        for j in range(d):
            x = cell[j, lane] - query[j]
            d2 += x * x
        if d2 <= nn_distances[k - 1]:
            _add(d2, place, ids, k, nn_places, nn_distances)


@njit(nogil=True)
def _box_distances(rows, n_lanes, low, high, out):
    """Write the squared distance of each of some transposed rows to the box between `low` and `high`."""
    for lane in range(n_lanes):
        out[lane] = 0
    zero = out.dtype.type(0)
    for j in range(low.shape[0]):
        a, b = low[j], high[j]
        for lane in range(n_lanes):
            q = rows[j, lane]
            x = max(max(a - q, q - b), zero)
            out[lane] += x * x


@njit(nogil=True)
def _cells_within(centers, lows, highs, home, furthest):
    """Return the other cells with boxes within `furthest` (squared) of that of cell `home`, nearest centre first."""
    n_cells, width = centers.shape
    near = np.empty(n_cells, dtype=np.int64)
    gaps = np.empty(n_cells)
    count = 0
    zero = lows.dtype.type(0)
    for c in range(n_cells):
        apart = zero
        for j in range(width):
            x = max(max(lows[c, j] - highs[home, j], lows[home, j] - highs[c, j]), zero)
            apart += x * x
        if apart > furthest or c == home:
            continue
        gap = np.float64(0.0)
        for j in range(width):
            gap += (centers[c, j] - centers[home, j]) ** 2
        near[count] = c
        gaps[count] = gap
        count += 1
    return near[np.argsort(gaps[:count], kind="mergesort")]


@njit(nogil=True)
def scan_cells(
    cells, centers, lows, highs, penalty, ids, wanted, first_cell, last_cell, budget, bits, nn_places, nn_distances
):
    """Find the neighbours of the wanted rows of cells first_cell .. last_cell - 1; a row is never its own.

    ``ids``, ``wanted`` and the output are in the order of the cells: row ``c * CELL_ROWS + lane``. A query scans
    `budget` cells at most; as many as there are makes the search exact. `bits` is an empty array of the integer type
    as wide as the cells' values.
    """
    n = ids.shape[0]
    k = nn_places.shape[1]
    d = penalty.shape[0]
    out = np.empty(CELL_ROWS, dtype=cells.dtype)
    out_bits = out.view(bits.dtype)
    nn_bits = nn_distances.view(bits.dtype)
    queries = np.zeros((CELL_ROWS, cells.shape[1]), dtype=cells.dtype)
    columns = np.zeros((cells.shape[1], CELL_ROWS), dtype=cells.dtype)  # of those that are asked for, side by side
    cutoff = np.empty(CELL_ROWS, dtype=cells.dtype)  # squared: how far a query must still look
    spent = np.empty(CELL_ROWS, dtype=np.int64)
    found = np.empty(CELL_ROWS, dtype=np.int64)
    active = np.empty(CELL_ROWS, dtype=np.int64)
    by_sketches = True
    numeric = np.full(2 * ((d + 1) // 2), -1, dtype=np.int64)
    for j in range(d):
        numeric[j] = j
        by_sketches &= penalty[j] < 0
    n_words = numeric.shape[0] // 2
    grains = np.floor(np.sqrt(2.0**28 / max(1, d)))
    factor = 1 + (d + 8) * (2.0**-22 if cells.itemsize == 4 else 2.0**-51)
    least = d * (1.2e-38 if cells.itemsize == 4 else 2.3e-308)  # what squares may lose that underflow
    tiniest = 1e-33 if cells.itemsize == 4 else 1e-300  # whose inverse, in grains, is finite
    middle = np.zeros(cells.shape[1], dtype=cells.dtype)
    sketches = np.zeros((n_words, CELL_ROWS), dtype=np.int32)  # of a cell's rows
    start = np.zeros(CELL_ROWS, dtype=np.int32)
    packed = np.zeros((n_words, CELL_ROWS), dtype=np.int32)  # those of queries
    lengths = np.zeros(CELL_ROWS, dtype=np.int32)
    codes, weights = np.zeros((0, CELL_ROWS), dtype=np.int32), np.zeros(0, dtype=np.int32)
    limits = np.zeros(CELL_ROWS, dtype=np.int32)
    hits = np.zeros((CELL_ROWS, CELL_ROWS // TILE_ROWS), dtype=np.uint64)
    for home in range(first_cell, last_cell):
        start_of_home = home * CELL_ROWS
        rows = np.flatnonzero(wanted[start_of_home : min(n, start_of_home + CELL_ROWS)])
        if rows.shape[0] == 0:
            continue
        for i in range(rows.shape[0]):
            lane = rows[i]
            spent[lane] = 0
            found[lane] = 0
            cutoff[lane] = np.inf
            nn_distances[start_of_home + lane] = np.inf
            for j in range(queries.shape[1]):
                queries[lane, j] = columns[j, i] = cells[home, j, lane]
        asking = rows.shape[0]
        furthest = cutoff[rows[0]]
        around = np.full(1, home)
        inverse = cells.dtype.type(0)  # no grain yet
        for turn in range(2):  # its own cell first: what it finds leaves out most of the others
            if turn == 1:
                around = _cells_within(centers, lows, highs, home, furthest)
            for c in around:
                if asking == 0:
                    break
                _box_distances(columns, rows.shape[0], lows[c], highs[c], out)
                n_active = 0
                all_full = True
                for i in range(rows.shape[0]):
                    lane = rows[i]
                    if out[i] <= cutoff[lane] and spent[lane] < budget:
                        spent[lane] += 1
                        asking -= spent[lane] == budget
                        active[n_active] = i
                        n_active += 1
                        all_full &= found[lane] == k
                if n_active <= FEW or not all_full or not by_sketches:
                    for lane in rows[active[:n_active]]:
                        place = start_of_home + lane
                        if _distances(cells, c, queries, lane, penalty, nn_bits[place, k - 1], out_bits, out):
                            found[lane] = _add_candidates(
                                out, c * CELL_ROWS, place, ids, found[lane], nn_places[place], nn_distances[place]
                            )
                            cutoff[lane] = nn_distances[place, k - 1]
                    continue
                if inverse == 0:
                    widest = 0.0
                    furthest = cells.dtype.type(0)
                    for lane in rows[active[:n_active]]:
                        furthest = max(furthest, cutoff[lane])
                    for j in range(d):
                        middle[j] = lows[home, j] / 2 + highs[home, j] / 2
                        widest = max(widest, np.float64(highs[home, j]) / 2 - np.float64(lows[home, j]) / 2)
                    inverse = cells.dtype.type(grains / max((widest + np.sqrt(np.float64(furthest))) * 1.001, tiniest))
                    _sketch(cells[home], CELL_ROWS, numeric, middle, inverse, grains, sketches, start)
                    for i in range(rows.shape[0]):
                        lengths[i] = -start[rows[i]] * 2
                        for word in range(n_words):
                            packed[word, i] = sketches[word, rows[i]]
                limits[:] = NONE
                for i in active[:n_active]:
                    limits[i] = _limit(cutoff[rows[i]], lengths[i], d, inverse, factor, least)
                _sketch(cells[c], min(CELL_ROWS, n - c * CELL_ROWS), numeric, middle, inverse, grains, sketches, start)
                for group in range(0, rows.shape[0], TILE_QUERIES):
                    if limits[group : group + TILE_QUERIES].min() < NONE:
                        for lane in range(0, CELL_ROWS, TILE_ROWS):
                            compare(sketches, codes, start, packed, codes, weights, limits, group, lane, hits)
                for i in active[:n_active]:
                    lane = rows[i]
                    place = start_of_home + lane
                    for part in range(CELL_ROWS // TILE_ROWS):
                        _add_marked(
                            hits[i, part], cells[c], part * TILE_ROWS, c * CELL_ROWS, queries[lane], d, place, ids,
                            nn_places[place], nn_distances[place],
                        )  # fmt: skip
                    cutoff[lane] = nn_distances[place, k - 1]
            furthest = cutoff[rows].max()
