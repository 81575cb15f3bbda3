"""Loop-only twins of the batch search: cells as they are defined, and a search that skips nothing it need not."""

from __future__ import annotations

import numpy as np

from resampler.kernels.cells import LANES

SAMPLE = 128
ITERATIONS = 4


def widest_direction(rows):
    """Principal axis of every so-manieth row, by the power method; the widest column is the first guess."""
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
    direction = [float(j == spread.index(max(spread))) for j in range(d)]
    if max(spread) <= 0:
        return direction
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
            return direction
        direction = [value / np.sqrt(norm) for value in following]
    return direction


def bisect(X, inverse_scale, order):
    """Halve `order` across the rows' widest direction until `LANES` are left; equal projections keep their order."""
    n_cells = -(-len(order) // LANES)
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
    middle = n_cells // 2 * LANES
    low = set(sorted(range(len(order)), key=lambda i: (along[i], i))[:middle])
    halves = [[o for i, o in enumerate(order) if (i in low) == lower] for lower in (True, False)]
    return bisect(X, inverse_scale, halves[0]) + bisect(X, inverse_scale, halves[1])


def center_and_radius(rows, numeric):
    """Mean of the numeric columns, and the largest distance from it; categorical columns are 0 and count nothing."""
    dtype = rows.dtype.type
    center = np.zeros(rows.shape[1], dtype=dtype)
    for j in np.flatnonzero(numeric):
        total = 0.0
        for row in rows:
            total += float(row[j])
        center[j] = total / len(rows)
    squared = []
    for row in rows:
        total = 0.0
        for j in np.flatnonzero(numeric):
            away = row[j] - center[j]
            total += float(away * away)
        squared.append(total)
    return center, np.sqrt(max(squared))


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


def search(rows, ids, penalty, centers, radii, place, k, budget):
    """Places of the neighbours of the row at `place`: its cell, then the cells around it, `budget` at most.

    A cell is passed over if it holds nothing nearer than what was found: its centre is too far away for its radius.
    """
    slack = 1e-4 + 1e-6 * len(penalty)
    between = np.where(penalty < 0, penalty, 0)
    home = place // LANES
    gaps = []
    for center in centers:
        total = 0.0
        for a, b in zip(center, centers[home], strict=True):
            total += float(a - b) ** 2
        gaps.append(np.sqrt(total))
    gaps[home] = -1.0
    found, spent = [], 0
    for c in sorted(range(len(centers)), key=lambda c: (gaps[c], c)):
        reach = np.sqrt(found[-1][0]) * (1 + slack) if len(found) == k else np.inf
        away = np.sqrt(distance(centers[c], rows[place], between)) * (1 - slack) - radii[c] * (1 + slack)
        if away > reach or spent == budget:
            continue
        spent += 1
        members = [i for i in range(c * LANES, min(len(rows), (c + 1) * LANES)) if i != place]
        found = sorted([*found, *((distance(rows[i], rows[place], penalty), ids[i], i) for i in members)])[:k]
    return [(i, d2) for d2, _, i in found]
