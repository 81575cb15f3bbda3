"""Neighbours in one region of a matrix of rows that live in another: whole cells of queries at a time.

Sketches (`resampler.kernels.simd.products`) say which pairs are looked at; these are measured as
`resampler.kernels.batch.neighbors` does it, so an exact search has the same bits. A cell that is scanned is sketched
about the middle of the queries' cell, in grains that fit the queries and what is near them: what lies further out is
put onto the edge of their box, which no query is further from than it was. A search may be cut short: each cell of
queries then scans so many cells with the nearest centres, and what it finds follows from these, whatever their order.

Naive: `naive.regions`, in tests/resampler/kernels/batch/test_regions.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.batch.neighbors import EVERY, FEW, NONE, _distances, _limit, _sketch
from resampler.kernels.jit import allocating, inner, njit
from resampler.kernels.simd.lanes import first_lane
from resampler.kernels.simd.products import TILE_QUERIES, TILE_ROWS, compare
from resampler.kernels.simd.select import select


@allocating
def gaps_to(centers, home, gaps):
    """Write the squared distances of all cells' centres to one, which is itself -1: nearer than any.

    `centers` are ``(width, n_cells)``.
    """
    gaps[:] = 0
    for j in range(centers.shape[0]):
        column = centers[j]
        center = column[home]
        for c in range(gaps.shape[0]):
            x = column[c] - center
            gaps[c] += x * x
    gaps[home] = -1


@njit(nogil=True)
def furthest_of(centers, first_cell, last_cell, budget, gaps_out, cells_out):
    """Write what the last of the `budget` nearest cells of each cell is: its gap, and its number, which breaks ties."""
    n_cells = centers.shape[1]
    gaps = np.empty(n_cells, dtype=centers.dtype)
    for home in range(first_cell, last_cell):
        if budget >= n_cells:
            gaps_out[home - first_cell] = np.inf
            cells_out[home - first_cell] = n_cells
            continue
        gaps_to(centers, home, gaps)
        least = select(gaps.copy(), budget - 1)
        ties = budget
        for c in range(n_cells):
            ties -= gaps[c] < least
        for c in range(n_cells):
            if gaps[c] == least:
                ties -= 1
                if ties == 0:
                    cells_out[home - first_cell] = c
                    break
        gaps_out[home - first_cell] = least


@njit(nogil=True)
def ranks_of(centers, homes, found, ranks):
    """Write how many cells each query's cell must scan, at least, so that a neighbour's is among them.

    `homes` are the queries' cells, ascending; ``found`` those of the neighbours, ``(n_queries, k)``.
    """
    gaps = np.empty(centers.shape[1], dtype=centers.dtype)
    before = -1
    for i in range(homes.shape[0]):
        if homes[i] != before:
            gaps_to(centers, homes[i], gaps)
            before = homes[i]
        for t in range(found.shape[1]):
            cell = found[i, t]
            gap = gaps[cell]
            rank = 1
            for c in range(cell):
                rank += gaps[c] <= gap
            for c in range(cell, gaps.shape[0]):
                rank += gaps[c] < gap
            ranks[i, t] = rank


@inner
def _put(d2, place, row_id, at, found, distances, places, ids):
    """Put a row into one query's list, which is kept by (distance, id); return how many it holds."""
    k = distances.shape[1]
    last = k - 1
    if found == k:
        if d2 > distances[at, last] or (d2 == distances[at, last] and row_id > ids[at, last]):
            return found
        spot = last
    else:
        spot = found
        found += 1
    while spot > 0 and (distances[at, spot - 1] > d2 or (distances[at, spot - 1] == d2 and ids[at, spot - 1] > row_id)):
        distances[at, spot] = distances[at, spot - 1]
        places[at, spot] = places[at, spot - 1]
        ids[at, spot] = ids[at, spot - 1]
        spot -= 1
    distances[at, spot] = d2
    places[at, spot] = place
    ids[at, spot] = row_id
    return found


@inner
def _measure(word, cell, row, n_lanes, query, penalty, place, base, cell_ids, at, distances, places, ids):
    """Put those of a cell's rows into a full list that are nearer, from `row` on, where bits of a word are set.

    Return whether there were some.
    """
    k = distances.shape[1]
    some = False
    while word != 0:
        lane = row + first_lane(word)
        word &= word - np.uint64(1)
        if lane >= n_lanes or base + lane == place:
            continue
        d2 = cell.dtype.type(0)
        for j in range(penalty.shape[0]):
            if penalty[j] < 0:
                x = cell[j, lane] - query[j]
                d2 += x * x
            elif cell[j, lane] != query[j]:
                d2 += penalty[j]
        if d2 <= distances[at, k - 1]:
            _put(d2, base + lane, cell_ids[lane], at, k, distances, places, ids)
            some = True
    return some


@inner
def _boxes(cell, low, high, d, out):
    """Write the squared distance of each of a cell's rows to the box between `low` and `high`."""
    for lane in range(CELL_ROWS):
        out[lane] = 0
    zero = out[0]
    for j in range(d):
        a, b = low[j], high[j]
        for lane in range(CELL_ROWS):
            q = cell[j, lane]
            x = max(max(a - q, q - b), zero)
            out[lane] += x * x


@allocating
def _near_cells(centers, lows, highs, home, first, last, furthest, limit_gap, limit_cell):
    """Return the cells first .. last - 1 that a cell is to scan, nearest centre first."""
    width = centers.shape[0]
    n = last - first
    gaps = np.zeros(n, dtype=centers.dtype)
    apart = np.zeros(n, dtype=centers.dtype)
    zero = centers.dtype.type(0)
    for j in range(width):
        center, low, high = centers[j, home], lows[j, home], highs[j, home]
        column, column_low, column_high = centers[j, first:last], lows[j, first:last], highs[j, first:last]
        for c in range(n):
            x = column[c] - center
            gaps[c] += x * x
            y = max(max(column_low[c] - high, low - column_high[c]), zero)
            apart[c] += y * y
    if first <= home < last:
        gaps[home - first] = -1
    near = np.empty(n, dtype=np.int64)
    count = 0
    for c in range(n):
        if apart[c] > furthest or gaps[c] > limit_gap or (gaps[c] == limit_gap and c + first > limit_cell):
            continue
        gaps[count] = gaps[c]
        near[count] = c + first
        count += 1
    return near[np.argsort(gaps[:count], kind="mergesort")]


@njit(nogil=True)
def scan_region(
    own,
    own_start,
    first_home,
    last_home,
    wanted,
    cells,
    ids,
    first_cell,
    centers,
    lows,
    highs,
    penalty,
    limit_gaps,
    limit_cells,
    bits,
    distances,
    places,
    nn_ids,
):
    """Go on with the lists of the wanted rows of cells first_home .. last_home - 1, by the cells of one region.

    Parameters
    ----------
    own : ndarray of shape (n_own, width, CELL_ROWS)
        Cells, of which ``own[home - own_start]`` is cell `home`.
    wanted : ndarray of shape (n_homes, CELL_ROWS), bool
        From `first_home` on.
    cells : ndarray of shape (n_cells, width, CELL_ROWS)
        Of the region, from cell `first_cell` on.
    ids : ndarray of shape (n_rows,), int64
        Of the region's rows in the order of its cells.
    centers, lows, highs : ndarray of shape (width, n_all_cells)
        Of all regions.
    penalty : ndarray of shape (n_features,)
        As elsewhere, in the dtype of the cells.
    limit_gaps, limit_cells : ndarray of shape (n_homes,)
        See `furthest_of`.
    bits : ndarray of shape (0,), int32 or int64
        As wide as the cells' values.
    distances, places, nn_ids : ndarray of shape (n_homes * CELL_ROWS, k)
        The lists: distances infinite where there is none yet, places counted over all cells.
    """
    d = penalty.shape[0]
    k = distances.shape[1]
    width = cells.shape[1]
    n_numeric = 0
    for j in range(d):
        n_numeric += penalty[j] < 0
    numeric = np.full(2 * ((n_numeric + 1) // 2), -1, dtype=np.int64)
    categorical = np.empty(d - n_numeric, dtype=np.int64)
    n_numeric, n_codes = 0, 0
    for j in range(d):
        if penalty[j] < 0:
            numeric[n_numeric] = j
            n_numeric += 1
        else:
            categorical[n_codes] = j
            n_codes += 1
    n_words = numeric.shape[0] // 2
    grains = np.floor(np.sqrt(2.0**28 / max(1, n_numeric)))
    eps = 2.0**-22 if cells.itemsize == 4 else 2.0**-51
    factor = 1 + (d + 8) * eps
    least = d * (1.2e-38 if cells.itemsize == 4 else 2.3e-308)  # what squares may lose that underflow
    tiniest = 1e-37 if cells.itemsize == 4 else 1e-300
    out = np.empty(CELL_ROWS, dtype=cells.dtype)
    out_bits = out.view(bits.dtype)
    nn_bits = distances.view(bits.dtype)
    queries = np.zeros((CELL_ROWS, width), dtype=cells.dtype)
    middle = np.zeros(width, dtype=cells.dtype)
    low, high = np.zeros(width, dtype=cells.dtype), np.zeros(width, dtype=cells.dtype)
    rows = np.zeros((n_words, CELL_ROWS), dtype=np.int32)
    start = np.zeros(CELL_ROWS, dtype=np.int32)
    row_codes = np.zeros((n_codes, CELL_ROWS), dtype=np.int32)
    sketches = np.zeros((n_words, CELL_ROWS), dtype=np.int32)
    lengths = np.zeros(CELL_ROWS, dtype=np.int32)
    codes = np.zeros((n_codes, CELL_ROWS), dtype=np.int32)
    packed = np.zeros((n_words, CELL_ROWS), dtype=np.int32)
    packed_codes = np.zeros((n_codes, CELL_ROWS), dtype=np.int32)
    weights = np.zeros(n_codes, dtype=np.int32)
    limits = np.zeros(CELL_ROWS, dtype=np.int32)
    asked_limits = np.zeros(CELL_ROWS, dtype=np.int32)
    hits = np.zeros((CELL_ROWS, CELL_ROWS // TILE_ROWS), dtype=np.uint64)
    cutoff = np.zeros(CELL_ROWS, dtype=cells.dtype)  # squared: how far a query must still look
    found = np.zeros(CELL_ROWS, dtype=np.int64)
    active = np.empty(CELL_ROWS, dtype=np.int64)
    last_cell = first_cell + cells.shape[0]
    for home in range(first_home, last_home):
        base = (home - first_home) * CELL_ROWS
        asking = np.flatnonzero(wanted[home - first_home])
        if asking.shape[0] == 0:
            continue
        cell = own[home - own_start]
        furthest = distances[base + asking[0], k - 1]
        for lane in asking:
            for j in range(width):
                queries[lane, j] = cell[j, lane]
            found[lane] = 0
            while found[lane] < k and distances[base + lane, found[lane]] < np.inf:
                found[lane] += 1
            cutoff[lane] = distances[base + lane, k - 1]
            furthest = max(furthest, cutoff[lane])
        whole = False  # whether all queries are packed
        inverse = cells.dtype.type(0)  # no grain yet
        around = _near_cells(
            centers, lows, highs, home, first_cell, last_cell, furthest, limit_gaps[home - first_home],
            limit_cells[home - first_home],
        )  # fmt: skip
        for c in around:
            other = cells[c - first_cell]
            first = (c - first_cell) * CELL_ROWS
            n_lanes = min(CELL_ROWS, ids.shape[0] - first)
            for j in range(d):
                low[j], high[j] = lows[j, c], highs[j, c]
            _boxes(cell, low, high, d, out)
            n_active = 0
            all_full = True
            for lane in asking:
                if out[lane] <= cutoff[lane]:
                    active[n_active] = lane
                    n_active += 1
                    all_full &= found[lane] == k
            if n_active == 0:
                continue
            if n_active <= FEW or not all_full or n_words == 0:
                for i in range(n_active):
                    lane = active[i]
                    at = base + lane
                    place = home * CELL_ROWS + lane
                    if not _distances(cells, c - first_cell, queries, lane, penalty, nn_bits[at, k - 1], out_bits, out):
                        continue
                    for row in range(n_lanes):
                        if out[row] <= distances[at, k - 1] and c * CELL_ROWS + row != place:
                            found[lane] = _put(
                                out[row], c * CELL_ROWS + row, ids[first + row], at, found[lane],
                                distances, places, nn_ids,
                            )  # fmt: skip
                    cutoff[lane] = distances[at, k - 1]
                    if inverse > 0 and found[lane] == k:
                        limits[lane] = _limit(cutoff[lane], lengths[lane], n_numeric, inverse, factor, least)
                continue
            if inverse == 0:
                widest = 0.0
                furthest = cells.dtype.type(0)
                for lane in asking:
                    if found[lane] == k:
                        furthest = max(furthest, distances[base + lane, k - 1])
                for j in range(d):
                    if penalty[j] < 0:
                        middle[j] = lows[j, home] / 2 + highs[j, home] / 2
                        widest = max(widest, np.float64(highs[j, home]) / 2 - np.float64(lows[j, home]) / 2)
                inverse = cells.dtype.type(grains / max((widest + np.sqrt(np.float64(furthest))) * 1.001, tiniest))
                _sketch(cell, CELL_ROWS, numeric, middle, inverse, grains, sketches, lengths)
                for t in range(n_codes):
                    weight = np.float64(penalty[categorical[t]]) * np.float64(inverse) * np.float64(inverse) / 2
                    weights[t] = np.int32(min(weight * (1 - 1e-6), 2.0**28 / n_codes))
                    for lane in range(CELL_ROWS):
                        codes[t, lane] = np.int32(cell[categorical[t], lane])
                for lane in asking:
                    lengths[lane] = -lengths[lane] * 2
                    limits[lane] = EVERY
                    if found[lane] == k:
                        limits[lane] = _limit(
                            distances[base + lane, k - 1], lengths[lane], n_numeric, inverse, factor, least
                        )
            _sketch(other, n_lanes, numeric, middle, inverse, grains, rows, start)
            for t in range(n_codes):
                for lane in range(CELL_ROWS):
                    row_codes[t, lane] = np.int32(other[categorical[t], lane])
            if 4 * n_active > 3 * asking.shape[0]:  # packing them anew would take longer than scanning for all
                again = not whole
                whole = True
                for i in range(n_active):
                    out[active[i]] = -1
                n_active = asking.shape[0]
                for i in range(n_active):
                    active[i] = asking[i]
                    asked_limits[i] = limits[asking[i]] if out[asking[i]] < 0 else NONE
            else:
                again = True
                whole = False
                for i in range(n_active):
                    asked_limits[i] = limits[active[i]]
            if again:
                for i in range(n_active):
                    for word in range(n_words):
                        packed[word, i] = sketches[word, active[i]]
                    for t in range(n_codes):
                        packed_codes[t, i] = codes[t, active[i]]
            for i in range(n_active, -(-n_active // TILE_QUERIES) * TILE_QUERIES):
                asked_limits[i] = NONE
            for group in range(0, n_active, TILE_QUERIES):
                for lane in range(0, CELL_ROWS, TILE_ROWS):
                    compare(rows, row_codes, start, packed, packed_codes, weights, asked_limits, group, lane, hits)
            for i in range(n_active):
                lane = active[i]
                place = home * CELL_ROWS + lane
                for half in range(CELL_ROWS // TILE_ROWS):
                    if hits[i, half] != 0 and _measure(
                        hits[i, half], other, half * TILE_ROWS, n_lanes, queries[lane], penalty, place, c * CELL_ROWS,
                        ids[first:], base + lane, distances, places, nn_ids,
                    ):  # fmt: skip
                        cutoff[lane] = distances[base + lane, k - 1]
                        limits[lane] = _limit(cutoff[lane], lengths[lane], n_numeric, inverse, factor, least)
