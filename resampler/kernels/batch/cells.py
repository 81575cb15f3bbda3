"""Cells: rows sorted into boxes of near neighbours, so that a search can pass over most of the matrix.

Rows are halved again and again across their widest direction until `CELL_ROWS` are left; a cell then lies transposed,
``cells[c, j, lane]``, already divided by the columns' scale, so that a scan is vectorised across rows and no sum
over features is reordered. Columns are padded to a multiple of `UNROLLED_COLUMNS` with zeros, which add nothing.

The direction is a column where one is about as wide as the principal axis, else that axis. Columns alone make the
smaller boxes, so that an exact search passes over more; but where the columns depend on each other the cells around a
row hold fewer of its neighbours, and an approximate search needs twice as many of them. Rejected: spheres around the
cells. Of 70,000 rows of 8 independent columns they left 0.72 to be scanned, boxes 0.08.

References
----------
Friedman, Bentley, Finkel: An algorithm for finding best matches in logarithmic expected time. ACM TOMS 3 (1977), the
k-d tree, doi:10.1145/355744.355745. Sproull: Refinements to nearest-neighbor searching in k-dimensional trees.
Algorithmica 6 (1991), the principal axis, doi:10.1007/BF01759061.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import allocating, njit
from resampler.kernels.simd.select import select

CELL_ROWS = 128  # 16 KiB at 32 float32 columns, so that a cell stays in the first-level cache while it is scanned
UNROLLED_COLUMNS = 8  # columns a pass over the lanes: their sums stay in registers meanwhile
_SAMPLE = 128  # rows that a direction is fitted on
_ITERATIONS = 4  # of the power method: a direction need only be good
_WIDE = 0.5  # share of the principal axis's variance


@njit(nogil=True)
def widest_direction(X, inverse_scale, order, first, last, center, direction):
    """Write the principal axis of a sample of rows order[first:last], by the power method; categories are 0.

    The widest column instead, if it has `_WIDE` of that axis's variance: then boxes are smaller. Return the column, or
    -1.
    """
    d = X.shape[1]
    step = max(1, (last - first) // _SAMPLE)
    count = 0
    for j in range(d):
        center[j] = 0.0
    for i in range(first, last, step):
        count += 1
        for j in range(d):
            center[j] += X[order[i], j] * inverse_scale[j]
    widest = 0
    best = -1.0
    for j in range(d):
        center[j] /= count
        spread = 0.0
        for i in range(first, last, step):
            spread += (X[order[i], j] * inverse_scale[j] - center[j]) ** 2
        if spread > best:
            best = spread
            widest = j
    for j in range(d):
        direction[j] = 1.0 if j == widest else 0.0
    if best <= 0.0:
        return widest
    following = np.empty(d)
    norm = 0.0
    for _ in range(_ITERATIONS):
        for j in range(d):
            following[j] = 0.0
        for i in range(first, last, step):
            along = 0.0
            for j in range(d):
                along += (X[order[i], j] * inverse_scale[j] - center[j]) * direction[j]
            for j in range(d):
                following[j] += along * (X[order[i], j] * inverse_scale[j] - center[j])
        norm = 0.0
        for j in range(d):
            norm += following[j] * following[j]
        if not norm > 0.0:
            return widest
        norm = np.sqrt(norm)
        for j in range(d):
            direction[j] = following[j] / norm
    if best < _WIDE * norm:
        return -1
    for j in range(d):
        direction[j] = 1.0 if j == widest else 0.0
    return widest


@allocating
def _halve(along, order, first, middle, last):
    """Permute order[first:last] so that those before `middle` are lowest `along`; equal ones keep their order."""
    pivot = select(along.copy(), middle - first)
    ties = middle - first  # that still belong to the lower half
    for i in range(last - first):
        ties -= along[i] < pivot
    upper = np.empty(last - middle + 1, dtype=order.dtype)
    low, high = first, 0
    for i in range(last - first):  # written to both halves, and kept in one: no branch to be guessed
        row = order[first + i]
        equal = (along[i] == pivot) & (ties > 0)
        lower = (along[i] < pivot) | equal
        ties -= equal
        order[low] = row
        upper[high] = row
        low += lower
        high += not lower
    for i in range(last - middle):
        order[middle + i] = upper[i]


@njit(nogil=True)
def bisect(X, inverse_scale, order):
    """Permute `order` so that every `CELL_ROWS` of it are a cell; `inverse_scale` is 0 for a categorical column.

    Equal projections keep their order, so the result depends on the rows and their order alone.
    """
    n, d = order.shape[0], X.shape[1]
    center = np.empty(d)
    direction = np.empty(d)
    stack = [(0, n)]
    while len(stack) > 0:
        first, last = stack.pop()
        n_cells = (last - first + CELL_ROWS - 1) // CELL_ROWS
        if n_cells < 2:
            continue
        column = widest_direction(X, inverse_scale, order, first, last, center, direction)
        along = np.empty(last - first)
        for i in range(first, last):
            total = 0.0
            if column >= 0:
                total += X[order[i], column] * inverse_scale[column]
            else:
                for j in range(d):
                    total += X[order[i], j] * inverse_scale[j] * direction[j]
            along[i - first] = total
        middle = first + (n_cells // 2) * CELL_ROWS
        _halve(along, order, first, middle, last)
        stack.append((first, middle))
        stack.append((middle, last))


@njit(nogil=True)
def fill(X, inverse_scale, numeric, order, cells, centers, lows, highs):
    """Write the cells of the ordered rows, and each cell's mean and box; a categorical column has mean 0 and no bounds.

    ``lows`` and ``highs`` are ``(n_cells, width)`` as `centers` is.
    """
    n, d = X.shape
    cells[:] = 0
    centers[:] = 0
    lows[:] = 0
    highs[:] = 0
    for c in range(cells.shape[0]):
        first = c * CELL_ROWS
        last = min(n, first + CELL_ROWS)
        for j in range(d):
            total = np.float64(0.0)  # by name: a plain 0.0 would stay float32 where nothing is compiled
            low = np.inf
            high = -np.inf
            for i in range(first, last):
                value = X[order[i], j] * inverse_scale[j]
                cells[c, j, i - first] = value
                total += value
                low = min(low, value)
                high = max(high, value)
            centers[c, j] = total / (last - first) if numeric[j] else 0.0
            lows[c, j] = low if numeric[j] else -np.inf
            highs[c, j] = high if numeric[j] else np.inf
