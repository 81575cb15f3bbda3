"""Naive loops of the batch search: cells as they are defined, and a search that skips nothing it need not."""

from __future__ import annotations

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS

SAMPLE = 128
ITERATIONS = 4
WIDE = 0.5


def widest_direction(rows):
    """Principal axis of every so-manieth row, by the power method; or the widest column, if nearly as wide."""
    rows = rows[:: max(1, len(rows) // SAMPLE)]
    d = len(rows[0])
    center = []
    for j in range(d):
        total = 0.0
        for row in rows:
            total += float(row[j])
        center.append(total / len(rows))
    spread = []
    for j in range(d):
        total = 0.0
        for row in rows:
            away = float(row[j]) - center[j]
            total += away * away
        spread.append(total)
    column = [float(j == spread.index(max(spread))) for j in range(d)]
    direction = column
    if max(spread) <= 0:
        return column
    for _ in range(ITERATIONS):
        following = [0.0] * d
        for row in rows:
            along = 0.0
            for j in range(d):
                along += (float(row[j]) - center[j]) * direction[j]
            for j in range(d):
                following[j] += along * (float(row[j]) - center[j])
        norm = 0.0
        for value in following:
            norm += value * value
        if not norm > 0:
            return column
        direction = [value / np.sqrt(norm) for value in following]
    return column if max(spread) >= WIDE * np.sqrt(norm) else direction


def bisect(X, inverse_scale, order):
    """Halve `order` across the rows' widest direction until `CELL_ROWS` are left; equal projections keep order."""
    n_cells = -(-len(order) // CELL_ROWS)
    if n_cells < 2:
        return list(order)
    rows = [[X[i, j] * inverse_scale[j] for j in range(X.shape[1])] for i in order]
    direction = widest_direction(rows)
    along = []
    for row in rows:
        total = 0.0
        for j, value in enumerate(row):
            total += float(value) * direction[j]
        along.append(total)
    middle = n_cells // 2 * CELL_ROWS
    low = set(sorted(range(len(order)), key=lambda i: (along[i], i))[:middle])
    halves = [[o for i, o in enumerate(order) if (i in low) == lower] for lower in (True, False)]
    return bisect(X, inverse_scale, halves[0]) + bisect(X, inverse_scale, halves[1])


def mean_and_box(rows, numeric):
    """Mean and bounds of the numeric columns; a categorical one has mean 0 and no bounds."""
    center, low, high = np.zeros_like(rows[0]), np.full_like(rows[0], -np.inf), np.full_like(rows[0], np.inf)
    for j in np.flatnonzero(numeric):
        total = 0.0
        for row in rows:
            total += float(row[j])
        center[j], low[j], high[j] = total / len(rows), min(rows[:, j]), max(rows[:, j])
    return center, low, high


def distance(a, b, penalty):
    """Squared, summed in column order in the rows' dtype; `penalty[j]` < 0 marks a numeric column."""
    total = a.dtype.type(0)
    for j, p in enumerate(penalty):
        if p < 0:
            difference = a[j] - b[j]
            total = total + difference * difference
        elif a[j] != b[j]:
            total = total + a.dtype.type(p)
    return total


def common_distance(a, b, penalty):
    """Squared, over the columns that both have."""
    both = ~np.isnan(a) & ~np.isnan(b)
    return distance(a[both], b[both], penalty[both])


def partial_distance(a, b, penalty):
    """The same, scaled up to all columns; infinite where they have none in common."""
    both = np.count_nonzero(~np.isnan(a) & ~np.isnan(b))
    if not both:
        return a.dtype.type(np.inf)
    return common_distance(a, b, penalty) * (a.dtype.type(len(penalty)) / a.dtype.type(both))


def mean_square(a, b, inverse_scale, numeric):
    """Of the differences in numeric columns that both have, in units; infinite where they have none."""
    total, both = a.dtype.type(0), 0
    for j in np.flatnonzero(numeric & ~np.isnan(a) & ~np.isnan(b)):
        x = (b[j] - a[j]) * inverse_scale[j]
        total, both = total + x * x, both + 1
    return total / a.dtype.type(both) if both else np.inf


def distance_to_box(row, low, high):
    """Squared, summed in column order: 0 for a column within the bounds."""
    total = row.dtype.type(0)
    for q, a, b in zip(row, low, high, strict=True):
        away = max(a - q, q - b, row.dtype.type(0))
        total = total + away * away
    return total


def search(rows, ids, penalty, boxes, place, k, budget):
    """Places of the neighbours of the row at `place`: its cell, then the cells around it, `budget` at most.

    A cell is passed over if its box is further away than what was found.
    """
    home = place // CELL_ROWS
    gaps = []
    for center, _, _ in boxes:
        total = 0.0
        for a, b in zip(center, boxes[home][0], strict=True):
            total += float(a - b) * float(a - b)
        gaps.append(total)
    gaps[home] = -1.0
    found, spent = [], 0
    for c in sorted(range(len(boxes)), key=lambda c: (gaps[c], c)):
        reach = found[-1][0] if len(found) == k else np.inf
        if distance_to_box(rows[place], *boxes[c][1:]) > reach or spent == budget:
            continue
        spent += 1
        members = [i for i in range(c * CELL_ROWS, min(len(rows), (c + 1) * CELL_ROWS)) if i != place]
        found = sorted([*found, *((distance(rows[i], rows[place], penalty), ids[i], i) for i in members)])[:k]
    return [(i, d2) for d2, _, i in found]
