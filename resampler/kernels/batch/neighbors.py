"""k nearest neighbours of many rows at once: each cell of queries scans the cells around it, nearest first.

The distance of a pair is summed in column order with one rounding an operation, as in `resampler.kernels.simd.blocks`,
so both give the same bits. Cells that cannot hold a nearer row are passed over, by the triangle inequality; which ones
are, depends on no thread.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS
from resampler.kernels.jit import njit


@njit(nogil=True)
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


@njit(nogil=True)
def _add_candidates(out, first, itself, ids, found, nn_places, nn_distances):
    """Put a cell's rows into one query's list, which is kept by (distance, id). Return how many it holds."""
    k = nn_places.shape[0]
    for lane in range(CELL_ROWS):
        d2 = out[lane]
        if not d2 <= nn_distances[k - 1]:
            continue
        place = first + lane
        if place >= ids.shape[0]:  # the last cell's empty lanes
            break
        if place == itself or (found == k and d2 == nn_distances[k - 1] and ids[place] > ids[nn_places[k - 1]]):
            continue
        at = found if found < k else k - 1
        while at > 0 and (
            nn_distances[at - 1] > d2 or (nn_distances[at - 1] == d2 and ids[nn_places[at - 1]] > ids[place])
        ):
            nn_distances[at] = nn_distances[at - 1]
            nn_places[at] = nn_places[at - 1]
            at -= 1
        nn_distances[at] = d2
        nn_places[at] = place
        if found < k:
            found += 1
    return found


@njit(nogil=True)
def _box_distances(cell, low, high, out):
    """Write the squared distance of each of a cell's rows to the box between `low` and `high`."""
    for lane in range(CELL_ROWS):
        out[lane] = 0
    zero = out[0]
    for j in range(low.shape[0]):
        a, b = low[j], high[j]
        for lane in range(CELL_ROWS):
            q = cell[j, lane]
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
    out = np.empty(CELL_ROWS, dtype=cells.dtype)
    out_bits = out.view(bits.dtype)
    nn_bits = nn_distances.view(bits.dtype)
    queries = np.zeros((CELL_ROWS, cells.shape[1]), dtype=cells.dtype)
    cutoff = np.empty(CELL_ROWS, dtype=cells.dtype)  # squared: how far a query must still look
    spent = np.empty(CELL_ROWS, dtype=np.int64)
    found = np.empty(CELL_ROWS, dtype=np.int64)
    for home in range(first_cell, last_cell):
        start = home * CELL_ROWS
        rows = np.flatnonzero(wanted[start : min(n, start + CELL_ROWS)])
        if rows.shape[0] == 0:
            continue
        for lane in rows:
            spent[lane] = 0
            found[lane] = 0
            cutoff[lane] = np.inf
            nn_distances[start + lane] = np.inf
            queries[lane] = cells[home, :, lane]
        asking = rows.shape[0]
        furthest = cutoff[rows[0]]
        around = np.full(1, home)
        for turn in range(2):  # its own cell first: what it finds leaves out most of the others
            if turn == 1:
                around = _cells_within(centers, lows, highs, home, furthest)
            for c in around:
                if asking == 0:
                    break
                _box_distances(cells[home], lows[c], highs[c], out)
                near = rows[out[rows] <= cutoff[rows]]
                for lane in near:
                    if spent[lane] == budget:
                        continue
                    place = start + lane
                    spent[lane] += 1
                    asking -= spent[lane] == budget
                    if _distances(cells, c, queries, lane, penalty, nn_bits[place, k - 1], out_bits, out):
                        found[lane] = _add_candidates(
                            out, c * CELL_ROWS, place, ids, found[lane], nn_places[place], nn_distances[place]
                        )
                        cutoff[lane] = nn_distances[place, k - 1]
            furthest = cutoff[rows].max()
