"""k nearest neighbours where rows have nulls, that is NaN: a pair is measured over the columns that both have.

The squared distance is their sum in column order, times the number of columns over that of the columns that both have;
infinite where there is none. So a pair without a null is as far apart as `resampler.kernels.batch.neighbors` has it,
to the bit. A search passes over cells as there, by bounds that hold whichever values are missing: a cell's box is that
of the values it has, and a row of it that has j nulls leaves out at most the j widest gaps, while what is left is
scaled up. Padding is NaN in queries, so that it counts as a column that neither has.

References
----------
Dixon: Pattern recognition with partly missing data. IEEE Trans. SMC 9 (1979), doi:10.1109/TSMC.1979.4310090: the
distance, as scikit-learn's ``nan_euclidean_distances`` has it.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS
from resampler.kernels.batch.neighbors import _add_candidates
from resampler.kernels.jit import allocating, njit

_SLACK = 2.0**-20  # a column: eight times what a rounding in float32 moves a sum by


@njit(nogil=True)
def stand_in(X, landmarks, inverse_scale, numeric, first, last, out):
    """Put a value where rows first .. last - 1 have none: that of the nearest landmark that has one.

    `landmarks` are some of the rows, transposed; `out` is `X`, its nulls what stands in where no landmark has a value.
    A mean in place of these would put rows far from those that they are near to.
    """
    n = landmarks.shape[1]
    sums = np.empty(n, dtype=X.dtype)
    both = np.empty(n, dtype=X.dtype)
    zero, one = X.dtype.type(0), X.dtype.type(1)
    for i in range(first, last):
        if not np.isnan(X[i]).any():
            continue
        sums[:] = 0
        both[:] = 0
        for j in range(X.shape[1]):
            value = X[i, j]
            if np.isnan(value) or not numeric[j]:
                continue
            scale = inverse_scale[j]
            for a in range(n):
                x = (landmarks[j, a] - value) * scale
                sums[a] += x * x if x == x else zero
                both[a] += one if x == x else zero
        for j in range(X.shape[1]):
            if not np.isnan(X[i, j]):
                continue
            nearest = np.inf
            for a in range(n):
                if both[a] > 0 and sums[a] / both[a] < nearest and not np.isnan(landmarks[j, a]):
                    nearest = sums[a] / both[a]
                    out[i, j] = landmarks[j, a]


@njit(nogil=True)
def fill_partial(X, inverse_scale, numeric, order, cells, lows, highs, lacking):
    """Write the cells of the ordered rows, each cell's box, and the most nulls that a row of it has.

    The box is that of the values of a column: from -inf to inf where it is categorical, or the cell has none.
    """
    n, d = X.shape
    cells[:] = 0
    lows[:] = 0
    highs[:] = 0
    lacking[:] = 0
    for c in range(cells.shape[0]):
        first = c * CELL_ROWS
        last = min(n, first + CELL_ROWS)
        for i in range(first, last):
            nulls = 0
            for j in range(d):
                value = X[order[i], j] * inverse_scale[j]
                cells[c, j, i - first] = value
                nulls += np.isnan(value)
            lacking[c] = max(lacking[c], nulls)
        for j in range(d):
            low = np.inf
            high = -np.inf
            for i in range(first, last):
                value = cells[c, j, i - first]
                if value < low:
                    low = value
                if value > high:
                    high = value
            bounds = numeric[j] and low <= high
            lows[c, j] = low if bounds else -np.inf
            highs[c, j] = high if bounds else np.inf


@allocating
def _add_columns(cells, c, g, query, penalty, out):
    """Add the terms of columns g .. g + UNROLLED_COLUMNS - 1 to sums of squares, where both have a value."""
    zero = out.dtype.type(0)
    numeric = True
    for j in range(g, min(g + UNROLLED_COLUMNS, penalty.shape[0])):
        numeric &= penalty[j] < 0
    if numeric:
        q0, q1, q2, q3 = query[g], query[g + 1], query[g + 2], query[g + 3]
        q4, q5, q6, q7 = query[g + 4], query[g + 5], query[g + 6], query[g + 7]
        for lane in range(CELL_ROWS):
            total = out[lane]
            x = cells[c, g, lane] - q0
            total += x * x if x == x else zero
            x = cells[c, g + 1, lane] - q1
            total += x * x if x == x else zero
            x = cells[c, g + 2, lane] - q2
            total += x * x if x == x else zero
            x = cells[c, g + 3, lane] - q3
            total += x * x if x == x else zero
            x = cells[c, g + 4, lane] - q4
            total += x * x if x == x else zero
            x = cells[c, g + 5, lane] - q5
            total += x * x if x == x else zero
            x = cells[c, g + 6, lane] - q6
            total += x * x if x == x else zero
            x = cells[c, g + 7, lane] - q7
            total += x * x if x == x else zero
            out[lane] = total
        return
    for j in range(g, min(g + UNROLLED_COLUMNS, penalty.shape[0])):
        q = query[j]
        p = penalty[j]
        if np.isnan(q):
            continue
        if p < 0:
            for lane in range(CELL_ROWS):
                x = cells[c, j, lane] - q
                out[lane] += x * x if x == x else zero
        else:
            for lane in range(CELL_ROWS):
                x = cells[c, j, lane]
                out[lane] += p if x == x and x != q else zero


@allocating
def _count_columns(cells, c, query, d, both):
    """Write how many columns each of a cell's rows and a query both have."""
    zero, one = both.dtype.type(0), both.dtype.type(1)
    for lane in range(CELL_ROWS):
        both[lane] = 0
    for j in range(d):
        if np.isnan(query[j]):
            continue
        for lane in range(CELL_ROWS):
            x = cells[c, j, lane]
            both[lane] += one if x == x else zero


@njit(nogil=True)
def _distances(cells, c, query, penalty, limit, bits, out, both):
    """Write the squared distances of cell c's rows to a query; stop early, with False, if all sums exceed `limit`.

    `bits` is `out` seen as integers of its width, as is `limit`: what a sum must exceed before it is scaled up.
    """
    for lane in range(CELL_ROWS):
        out[lane] = 0
    for g in range(0, penalty.shape[0], UNROLLED_COLUMNS):
        _add_columns(cells, c, g, query, penalty, out)
        least = bits[0]
        for lane in range(CELL_ROWS):
            least = min(least, bits[lane])
        if least > limit:
            return False
    _count_columns(cells, c, query, penalty.shape[0], both)  # of the few cells that have come so far
    d = out.dtype.type(penalty.shape[0])
    for lane in range(CELL_ROWS):
        out[lane] = out[lane] * (d / both[lane]) if both[lane] > 0 else np.inf
    return True


@allocating
def _least(gaps, open_to_nulls, spare):
    """Return the sum of squared gaps but the `spare` largest of those where a null may be; `gaps` is overwritten."""
    for _ in range(spare):
        widest = -1
        for j in range(gaps.shape[0]):
            if open_to_nulls[j] and gaps[j] > 0 and (widest < 0 or gaps[j] > gaps[widest]):
                widest = j
        if widest < 0:
            break
        gaps[widest] = 0
    total = gaps.dtype.type(0)
    for j in range(gaps.shape[0]):
        total += gaps[j]
    return total


@njit(nogil=True)
def _box_distances(cell, low, high, has_nulls, out, sure):
    """Write the squared distance of each of a cell's rows, by the values that it has, to the box of another.

    In all columns, and in those that the other has no null in.
    """
    zero = out.dtype.type(0)
    for lane in range(CELL_ROWS):
        out[lane] = 0
        sure[lane] = 0
    for j in range(has_nulls.shape[0]):
        a, b = low[j], high[j]
        for lane in range(CELL_ROWS):
            q = cell[j, lane]
            below, above = a - q, q - b
            x = below if below > above else above
            out[lane] += x * x if x > zero else zero
        if not has_nulls[j]:
            for lane in range(CELL_ROWS):
                q = cell[j, lane]
                below, above = a - q, q - b
                x = below if below > above else above
                sure[lane] += x * x if x > zero else zero


@njit(nogil=True)
def _least_distances(cell, held, low, high, has_nulls, lacking, gaps, widest, out):
    """Write what is least over the nulls that a row of the other cell may have: up to `lacking`, in the widest gaps.

    Of a sum of squares, scaled up by what the query has (`held` columns) over what is left of it.
    """
    zero = out.dtype.type(0)
    for lane in range(CELL_ROWS):
        out[lane] = 0
        for t in range(lacking):
            widest[t, lane] = 0
    for j in range(has_nulls.shape[0]):
        a, b = low[j], high[j]
        for lane in range(CELL_ROWS):
            q = cell[j, lane]
            below, above = a - q, q - b
            x = below if below > above else above
            gaps[lane] = x * x if x > zero else zero  # and none where the query has a null
        for t in range(lacking if has_nulls[j] else 0):  # what is wider stays, what it displaces goes on
            for lane in range(CELL_ROWS):
                x, y = gaps[lane], widest[t, lane]
                widest[t, lane] = x if x > y else y
                gaps[lane] = y if x > y else x
        for lane in range(CELL_ROWS):
            out[lane] += gaps[lane]
    for lane in range(CELL_ROWS):  # from most nulls to none
        total = out[lane]
        least = total * (held[lane] / (held[lane] - lacking)) if held[lane] > lacking else out.dtype.type(np.inf)
        for t in range(lacking - 1, -1, -1):
            total += widest[t, lane]
            if held[lane] > t:
                least = min(least, total * (held[lane] / (held[lane] - t)))
        out[lane] = least


@njit(nogil=True)
def _cells_within(centers, lows, highs, has_nulls, lacking, home, furthest):
    """Return the other cells whose boxes may be within `furthest` of that of cell `home`, nearest centre first."""
    n_cells, width = centers.shape
    d = has_nulls.shape[1]
    near = np.empty(n_cells, dtype=np.int64)
    distances = np.empty(n_cells)
    gaps = np.empty(d, dtype=lows.dtype)
    either = np.empty(d, dtype=np.bool_)
    zero = lows.dtype.type(0)
    count = 0
    for c in range(n_cells):
        if c == home:
            continue
        total = zero
        for j in range(d):
            x = max(max(lows[c, j] - highs[home, j], lows[home, j] - highs[c, j]), zero)
            gaps[j] = x * x
            total += gaps[j]
        if total > furthest:
            for j in range(d):
                either[j] = has_nulls[c, j] or has_nulls[home, j]
            if _least(gaps, either, lacking[c] + lacking[home]) > furthest:
                continue
        distance = np.float64(0.0)
        for j in range(width):
            distance += (centers[c, j] - centers[home, j]) ** 2
        near[count] = c
        distances[count] = distance
        count += 1
    return near[np.argsort(distances[:count], kind="mergesort")]


@njit(nogil=True)
def scan_partial(
    cells,
    centers,
    lows,
    highs,
    has_nulls,
    lacking,
    penalty,
    ids,
    wanted,
    first_cell,
    last_cell,
    budget,
    bits,
    nn_places,
    nn_distances,
):
    """Find the neighbours of the wanted rows, each with a value, of cells first_cell .. last_cell - 1.

    As `resampler.kernels.batch.neighbors.scan_cells`. A sum of squares is compared with the distance that a query must
    still look to, before it is scaled up: times the share of columns that the query has, and a little more, since that
    product and the sums of bounds are rounded otherwise than distances.
    """
    n = ids.shape[0]
    k = nn_places.shape[1]
    d = penalty.shape[0]
    out = np.empty(CELL_ROWS, dtype=cells.dtype)
    out_bits = out.view(bits.dtype)
    both = np.empty(CELL_ROWS, dtype=cells.dtype)
    sure = np.empty(CELL_ROWS, dtype=cells.dtype)
    queries = np.empty((CELL_ROWS, cells.shape[1]), dtype=cells.dtype)
    queries[:] = np.nan
    limits = np.zeros(CELL_ROWS, dtype=cells.dtype)
    limit_bits = limits.view(bits.dtype)
    held = np.zeros(CELL_ROWS, dtype=cells.dtype)
    gaps = np.empty(CELL_ROWS, dtype=cells.dtype)
    widest = np.empty((max(1, lacking.max()), CELL_ROWS), dtype=cells.dtype)
    least = np.empty(CELL_ROWS, dtype=cells.dtype)
    spent = np.empty(CELL_ROWS, dtype=np.int64)
    found = np.empty(CELL_ROWS, dtype=np.int64)
    slack = 1 + (d + 4) * _SLACK
    for home in range(first_cell, last_cell):
        start = home * CELL_ROWS
        rows = np.flatnonzero(wanted[start : min(n, start + CELL_ROWS)])
        if rows.shape[0] == 0:
            continue
        for lane in rows:
            spent[lane] = 0
            found[lane] = 0
            limits[lane] = np.inf
            nn_distances[start + lane] = np.inf
            has = 0
            for j in range(d):
                queries[lane, j] = cells[home, j, lane]
                has += not np.isnan(queries[lane, j])
            held[lane] = has
        asking = rows.shape[0]
        around = np.full(1, home)
        for turn in range(2):  # its own cell first: what it finds leaves out most of the others
            if turn == 1:
                around = _cells_within(centers, lows, highs, has_nulls, lacking, home, limits[rows].max())
            for c in around:
                if asking == 0:
                    break
                _box_distances(cells[home], lows[c], highs[c], has_nulls[c], out, sure)
                unsure = False
                for lane in rows:
                    unsure |= sure[lane] <= limits[lane] < out[lane]
                near = out
                if unsure:
                    _least_distances(
                        cells[home], held, lows[c], highs[c], has_nulls[c], lacking[c], gaps, widest, least
                    )
                    near = least
                for lane in rows[near[rows] <= limits[rows]]:
                    if spent[lane] == budget:
                        continue
                    query = queries[lane]
                    place = start + lane
                    spent[lane] += 1
                    asking -= spent[lane] == budget
                    if _distances(cells, c, query, penalty, limit_bits[lane], out_bits, out, both):
                        found[lane] = _add_candidates(
                            out, c * CELL_ROWS, place, ids, found[lane], nn_places[place], nn_distances[place]
                        )
                        limits[lane] = nn_distances[place, k - 1] * (slack * held[lane] / d)
